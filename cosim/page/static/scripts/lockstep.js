"use strict";
/**
 * A circuit and the golden answer, step by step: every logit, token and random state is compared.
 */
(function (Talos) {
  /** What is compared besides the logits. */
  const FIELDS = ["position", "token_in", "token_out", "argmax", "rng"];

  Talos.Lockstep = class {
    /**
     * @param {any} circuit a `Talos.Circuit`
     * @param {any} library a `Talos.Library`
     */
    constructor(circuit, library) {
      this.circuit = circuit;
      this.library = library;
      this.restart();
    }

    /** Begin again with a new circuit, and all counts at 0. */
    restart() {
      this.circuit.reset();
      this.compared = this.mismatches = this.logitMismatches = this.steps = this.names = this.cyclesOfSteps = 0;
      /** The first difference, in words. @type {string | null} */
      this.first = null;
      this.running = false;
    }

    /**
     * Request a name from both.
     * @param {number} seed
     * @param {number} temperature
     */
    begin(seed, temperature) {
      const { arithmetic } = this.circuit.description;
      if (this.stream && this.temperature === temperature) this.stream.reset(seed);
      else {
        if (this.stream) this.stream.free();
        this.stream = this.library.stream(arithmetic, seed, temperature);
        this.temperature = temperature;
      }
      this.seed = seed;
      this.running = true;
      this.circuit.request(seed, temperature);
    }

    /**
     * Clock until a step ends, or so many cycles have passed; the step is compared.
     * @param {number} most
     */
    advance(most) {
      const step = most === 1 ? this.circuit.clock() : this.circuit.run(most);
      return step === null ? null : this._compare(step);
    }

    _compare(step) {
      const golden = this.stream.next(this.circuit.description.model.vocab_size);
      const wrong = [];
      golden.logits.forEach((value, i) => {
        if (value !== step.logits[i]) wrong.push(`logit ${i} must be ${value}, not ${step.logits[i]}`);
      });
      this.logitMismatches += wrong.length;
      for (const field of FIELDS) {
        if (golden[field] !== step[field]) wrong.push(`${field} must be ${golden[field]}, not ${step[field]}`);
      }
      this.compared += golden.logits.length + FIELDS.length;
      this.mismatches += wrong.length;
      if (wrong.length && this.first === null) this.first = `seed ${this.seed}, step ${step.position}: ${wrong[0]}`;
      this.steps++;
      this.cyclesOfSteps += step.cycles;
      if (step.last) {
        this.names++;
        this.running = false;
      }
      return { step, golden, wrong };
    }
  };
})(globalThis.Talos);
