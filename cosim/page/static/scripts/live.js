"use strict";
/**
 * The view in which a circuit runs.
 */
(function (Talos) {
  /** Cycles at most of a step: more is a circuit that hangs. */
  const HANGS = 100000;
  /** Time that a picture's turn of work takes, in milliseconds. */
  const TURN = 12;
  /** Pictures that a step takes at the pace of a letter at a time. */
  const PICTURES = 16;
  const NAMES_SHOWN = 40;

  /** The seed after a seed; the last one is followed by 1. @param {number} seed */
  const after = (seed) => seed >= 2 ** 32 - 1 ? 1 : seed + 1;

  Talos.Live = class {
    /** @param {any} settings a `Talos.Settings` @param {(file: Uint8Array) => Promise<any>} libraryOf of a model file */
    constructor(settings, libraryOf) {
      this.settings = settings;
      this.libraryOf = libraryOf;
      /** File of a core -> its circuit, and the library beside it. @type {Record<string, {circuit: any, library: any}>} */
      this.loaded = {};
      Talos.at("settings").addEventListener("submit", (event) => { event.preventDefault(); this.generate(); });
      Talos.at("pause").addEventListener("click", () => this.pause());
      Talos.at("step").addEventListener("click", () => this.single(HANGS));
      Talos.at("cycle").addEventListener("click", () => this.single(1));
      Talos.at("hundred").addEventListener("click", () => this.compare(100));
      Talos.at("flip").addEventListener("click", () => this.flip());
      Talos.at("repair").addEventListener("click", () => this.repair());
      window.addEventListener("resize", () => this.draw());
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    }

    /** Load the chosen core, and begin again. */
    async choose() {
      const { core, words } = this.settings;
      this.playing = false;
      this.lockstep = null;
      this._buttons();
      this.say(`Loading ${core.name} …`);
      if (!this.loaded[core.file]) {
        await Talos.script(`data/${core.file}.js`);
        const description = Talos.embedded[core.file];
        const [bytes, model] = await Promise.all([Talos.unpack(description.wasm), Talos.unpack(description.golden)]);
        const [circuit, library] = await Promise.all([Talos.Circuit.load(description, bytes), this.libraryOf(model)]);
        this.loaded[core.file] = { circuit, library };
      }
      // Another core may have been chosen while this one was loaded.
      if (core !== this.settings.core) return;
      const { circuit, library } = this.loaded[core.file];
      this.lockstep = new Talos.Lockstep(circuit, library);
      this.spent = { cycles: 0, time: 0 };
      const { arithmetic, tile, clock_hz: clock } = core;
      Talos.at("core-about").textContent = `${core.name}: a tile of ${tile[0]} × ${tile[1]} multipliers, arithmetic `
        + `${arithmetic}, words of ${core.format}. ${core.about} `
        + (words.about && `The model makes ${words.name}, ${words.about}.`);
      document.querySelectorAll(".clock").forEach((one) => { one.textContent = (clock / 1e6).toString(); });
      document.querySelectorAll(".period").forEach((one) => { one.textContent = (1e9 / clock).toFixed(1); });
      Talos.at("names").replaceChildren();
      this._newName();
      this._buttons();
      this.draw();
      this.say(`${core.name} is out of reset. Press Generate.`);
    }

    say(text) { Talos.at("status").textContent = text; }

    get description() { return this.lockstep.circuit.description; }

    _newName() {
      this.tokens = [];
      this.golden = [];
      this.cache = [];
      this.kept = null;
      this.last = null;
    }

    _begin() {
      this._newName();
      const { seed, temperature } = this.settings;
      this.lockstep.begin(seed, temperature);
    }

    /** Enable what can be pressed now. */
    _buttons() {
      const ready = Boolean(this.lockstep), busy = Boolean(this.playing);
      for (const id of ["generate", "step", "cycle", "hundred", "flip"]) Talos.at(id).disabled = !ready;
      Talos.at("repair").disabled = !ready || !this.lockstep.circuit.flipped.length;
      Talos.at("pause").disabled = !busy;
    }

    /** Make a name from the seed; the next press takes the next seed. */
    generate() {
      if (!this.lockstep) return;
      this._finish();
      this._begin();
      this.settings.seed = after(this.settings.seed);
      this.say("Running.");
      this._play();
    }

    /** End the name under way without pictures. */
    _finish() {
      this.playing = false;
      while (this.lockstep.running) if (!this._advance(HANGS)) throw new Error("the circuit does not end its step");
    }

    pause() {
      this.playing = false;
      this.say("Paused. One cycle and One step go on from here; Generate begins a new name.");
      this._buttons();
    }

    /** One cycle, or the rest of a step. @param {number} most */
    single(most) {
      if (!this.lockstep) return;
      this.playing = false;
      if (!this.lockstep.running) {
        this._begin();
        this.settings.seed = after(this.settings.seed);
      }
      const ended = this._advance(most);
      this.draw();
      if (!ended) this.say(`Cycle ${this.lockstep.circuit.stepCycles} of step ${this.tokens.length}.`);
      this._buttons();
    }

    /** Advance circuit and golden answer, and remember what came of it. */
    _advance(most) {
      const before = this.lockstep.circuit.cycles, start = performance.now();
      const found = this.lockstep.advance(most);
      this.spent.time += performance.now() - start;
      this.spent.cycles += this.lockstep.circuit.cycles - before;
      if (!found) return null;
      const { step, golden, wrong } = found;
      this.last = step;
      this.wrong = wrong;
      this.tokens.push(step.token_out);
      this.golden.push(golden.token_out);
      this.kept = Talos.readKept(this.description, this.lockstep.circuit.kept(), step.position);
      for (const write of this.kept.writes) {
        this.cache[write.position] = this.cache[write.position] || [];
        this.cache[write.position][Number(write.isValue)] = write.words;
      }
      if (step.last) this._ended();
      return step;
    }

    _ended() {
      const { model } = this.description;
      const name = this.tokens.filter((token) => token !== model.bos).map((token) => Talos.letter(model, token)).join("");
      const list = Talos.at("names");
      list.prepend(Talos.element("li", {}, [name || "(none)"]));
      while (list.children.length > NAMES_SHOWN) list.lastChild.remove();
      this.say(`${name || "An empty name"}: ${Talos.counted(this.tokens.length, "step")}, seed ${this.lockstep.seed}.`);
    }

    /** Run with pictures until the name has ended or is paused. */
    _play() {
      this.playing = true;
      this._buttons();
      const turn = () => {
        if (!this.playing) return;
        const { pace } = this.settings;
        if (pace === "full") {
          const end = performance.now() + TURN;
          while (this.lockstep.running && performance.now() < end) this._advance(HANGS);
        } else {
          // A step's end is shown before the next one begins.
          const cycles = pace === "cycle" ? 1 : Math.max(1, Math.ceil((this.last ? this.last.cycles : 64) / PICTURES));
          this._advance(cycles);
        }
        this.draw();
        if (this.lockstep.running) this._later(turn, pace);
        else {
          this.playing = false;
          this._buttons();
        }
      };
      this._later(turn, "full");
    }

    _later(turn, pace) {
      if (pace === "cycle") setTimeout(() => requestAnimationFrame(turn), 60);
      else requestAnimationFrame(turn);
    }

    /** Compare whole names as fast as it goes, the golden answer beside. @param {number} count */
    compare(count) {
      if (!this.lockstep) return;
      this._finish();
      const first = this.settings.seed, { lockstep } = this;
      const before = { compared: lockstep.compared, mismatches: lockstep.mismatches, steps: lockstep.steps };
      let done = 0;
      this.playing = true;
      this._buttons();
      const turn = () => {
        if (!this.playing || lockstep !== this.lockstep) return;
        const end = performance.now() + 3 * TURN;
        while (done < count && performance.now() < end) {
          this._begin();
          while (lockstep.running) if (!this._advance(HANGS)) throw new Error("the circuit does not end its step");
          done++;
          this.settings.seed = after(this.settings.seed);
        }
        this.say(`${done} of ${count} names.`);
        this.draw();
        if (done < count) requestAnimationFrame(turn);
        else {
          this.playing = false;
          this.say(`${Talos.counted(count, "name")} from seed ${first}: ${Talos.counted(lockstep.steps - before.steps, "step")}, `
            + `${Talos.counted(lockstep.compared - before.compared, "value")} compared, `
            + (lockstep.mismatches === before.mismatches ? "no mismatch."
              : `${Talos.number(lockstep.mismatches - before.mismatches)} of them wrong.`));
          this._buttons();
        }
      };
      turn();
    }

    /** Flip one of the upper bits of some weight. */
    flip() {
      if (!this.lockstep) return;
      const { circuit } = this.lockstep;
      const { word, place } = circuit.somewhere(Math.random());
      const bit = 8 + Math.floor(4 * Math.random());
      circuit.flip(word, place, bit);
      this._sayFlipped();
    }

    /** Flip all bits back. */
    repair() {
      const { circuit } = this.lockstep, { word_bits: bits } = this.description;
      for (const one of [...circuit.flipped]) circuit.flip(one.word, Math.floor(one.bit / bits), one.bit % bits);
      this._sayFlipped();
    }

    _sayFlipped() {
      const { circuit } = this.lockstep, { word_bits: bits } = this.description;
      const list = circuit.flipped.map((one) => `bit ${one.bit % bits} of ${one.name}`);
      Talos.at("flipped").textContent = list.length
        ? `Flipped in the circuit: ${list.join(", ")}. Generate a few names: a weight counts once its unit is used.`
        : "All weights are whole again. The counter keeps what it has counted.";
      this._buttons();
    }

    /** Show everything. */
    draw() {
      if (!this.lockstep) return;
      const { lockstep, description } = this;
      const { circuit } = lockstep, { model } = description;
      this._drawNames(model);
      this._drawTiles(circuit, lockstep);
      if (Talos.at("view-live").hidden) return;
      const chart = circuit.chart();
      const most = Math.max(chart.cycles, this.last ? this.last.cycles + 1 : 40);
      const number = Math.max(0, this.tokens.length - (circuit.stepCycles === 0 ? 1 : 0));
      Talos.drawChart(Talos.at("gantt"), description, chart, most, `${description.name}, step ${number}`);
      Talos.drawLegend(Talos.at("stages"), chart, description);
      if (!this.last) {
        Talos.at("probabilities").replaceChildren();
        Talos.drawAttention(Talos.at("attention"), description, null, [model.bos]);
      } else {
        Talos.drawProbabilities(Talos.at("probabilities"), description, this.last, lockstep.temperature);
        const seen = [model.bos, ...this.tokens].slice(0, this.tokens.length);
        Talos.drawAttention(Talos.at("attention"), description, this.kept.shares, seen);
      }
      Talos.drawCache(Talos.at("cache"), description, this.cache);
    }

    _drawNames(model) {
      const letters = (tokens) => tokens.filter((token) => token !== model.bos);
      const golden = letters(this.golden).map((token) => Talos.letter(model, token));
      Talos.at("golden").textContent = golden.join("") || "\u00a0";
      const spans = letters(this.tokens).map((token, i) => {
        const same = token === this.golden[i];
        return Talos.element("span", same ? {} : { class: "wrong" }, [Talos.letter(model, token)]);
      });
      Talos.at("name").replaceChildren(...spans);
      Talos.at("name").classList.toggle("done", !this.lockstep.running && this.tokens.length > 0);
    }

    _drawTiles(circuit, lockstep) {
      const { clock_hz: clock } = this.description;
      Talos.at("cycles").textContent = Talos.number(circuit.cycles);
      Talos.at("step-cycles").textContent = circuit.stepCycles > 0 ? `${circuit.stepCycles} of the step under way`
        : this.last ? `${this.last.cycles} in the last step` : "\u00a0";
      if (lockstep.steps) {
        this.mean = lockstep.cyclesOfSteps / lockstep.steps;
        Talos.at("chip-rate").textContent = Talos.rate(clock / this.mean);
      }
      if (this.spent.time > 3) Talos.at("sim-rate").textContent = Talos.rate(this.spent.cycles / this.spent.time * 1000);
      Talos.at("compared").textContent = Talos.number(lockstep.compared);
      Talos.at("steps-names").textContent = `${Talos.counted(lockstep.steps, "step")}, ${Talos.counted(lockstep.names, "name")}`;
      Talos.at("mismatches").textContent = Talos.number(lockstep.mismatches);
      Talos.at("mismatch-tile").classList.toggle("bad", lockstep.mismatches > 0);
      Talos.at("first-mismatch").textContent = lockstep.first ? `first: ${lockstep.first}` : "every bit equal so far";
    }
  };
})(globalThis.Talos);
