"use strict";
/**
 * The C library on the visitor's processor, beside the circuits and what others published.
 */
(function (Talos) {
  /** Arithmetic of the library -> what the race calls it. */
  const RUNNERS = { float: "float32", folded: "Q4.12 (folded)", "talos-v2": "Q4.12 as TALOS-V2" };
  /** Turns of each runner, taken in turn, and how long one is, in milliseconds. */
  const TURNS = 15, TURN = 80;
  /** Names of one call, so many that a call is short beside a turn. */
  const NAMES = 500;
  const SHOWN = 240;

  Talos.Race = class {
    /** @param {any} library a `Talos.Library` @param {any} model its dimensions and alphabet */
    constructor(library, model) {
      this.library = library;
      this.model = model;
      /** What the last race measured. @type {{name: string, rate: number}[]} */
      this.measured = [];
      Talos.at("race").addEventListener("click", () => this.run());
      window.addEventListener("resize", () => { if (this.runners) this._chart(); });
    }

    async open() {
      await Talos.charts();
      await Talos.script("data/report.js");
      if (!this.runners) this._prepare();
      this._chart();
    }

    stop() { this.running = false; }

    _prepare() {
      this.runners = [];
      for (const [arithmetic, label] of Object.entries(RUNNERS)) {
        let stream;
        try { stream = this.library.stream(arithmetic, 2, 0.5); } catch { continue; }
        const rate = Talos.element("b", {}, ["–"]), letters = Talos.element("p", { "aria-hidden": "true" });
        const title = Talos.element("h3", {}, [`${label}`, Talos.element("span", { class: "tag" }, [`kernel ${stream.kernel}`]), rate]);
        Talos.at("lanes").append(Talos.element("div", { class: "lane" }, [title, letters]));
        this.runners.push({ arithmetic, label, stream, rate, letters, rates: [] });
      }
    }

    /** Measure all runners, taking turns. */
    async run() {
      this.running = true;
      Talos.at("race").disabled = true;
      for (const runner of this.runners) {
        runner.rates = [];
        runner.stream.generate(20 * NAMES, this.model.block_size);
      }
      for (let turn = 0; turn < TURNS && this.running; turn++) {
        Talos.at("race-status").textContent = `Turn ${turn + 1} of ${TURNS}.`;
        for (const runner of this.runners) {
          await new Promise(requestAnimationFrame);
          const start = performance.now();
          let steps = 0, now = start, made;
          while (now - start < TURN) {
            made = runner.stream.generate(NAMES, this.model.block_size);
            steps += made.steps;
            now = performance.now();
          }
          runner.rates.push(steps / (now - start) * 1000);
          runner.rate.textContent = `${Talos.rate(median(runner.rates))} steps/s`;
          // Letters that change ten times a second are motion.
          if (!Talos.still() || turn === TURNS - 1) this._show(runner, made.tokens);
        }
      }
      this.running = false;
      Talos.at("race").disabled = false;
      this.measured = this.runners.map(({ label, rates }) => ({ name: `${label}, this browser`, rate: median(rates) }));
      Talos.at("race-status").textContent = "Median of the turns: "
        + this.measured.map(({ name, rate }) => `${name} ${Talos.rate(rate)}`).join("; ") + " steps a second.";
      this._chart();
    }

    _show(runner, tokens) {
      const { bos } = this.model;
      const text = Array.from(tokens.subarray(0, SHOWN), (token) => token === bos ? " " : Talos.letter(this.model, token));
      runner.letters.textContent = text.join("");
    }

    _chart() {
      const { throughput } = Talos.embedded.report;
      const rows = throughput.filter((row) => row.kind !== "measured" && row.counts === "steps" && row.streams === 1)
        .map((row) => ({ name: row.name, rate: row.steps_per_second, kind: row.kind }));
      rows.push(...this.measured.map((row) => ({ ...row, kind: "this browser" })));
      Talos.at("race-chart").replaceChildren(Talos.rateChart(rows));
    }
  };

  /** @param {number[]} values */
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
})(globalThis.Talos);
