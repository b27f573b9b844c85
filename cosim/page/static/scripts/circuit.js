"use strict";
/**
 * A core as WebAssembly: requests in, a step at a time out, and what its units did in each cycle.
 */
(function (Talos) {
  const TAKEN = 1;
  /** Number of the signal that a request is written to. */
  const REQUEST = 0;
  const STAGE_SHIFT = 24;

  /**
   * @typedef {object} Step What a step of the circuit gave.
   * @property {number} position
   * @property {number} token_in
   * @property {number} token_out
   * @property {number} argmax
   * @property {number} top_logit
   * @property {number} rng random state after it
   * @property {boolean} last
   * @property {number} cycles
   * @property {number[]} logits integers
   */

  Talos.Circuit = class {
    /**
     * Return a circuit out of reset.
     * @param {any} description as `cosim.page.circuit.description` writes it
     * @param {Uint8Array} bytes its WebAssembly
     */
    static async load(description, bytes) {
      return new Talos.Circuit(description, await Talos.instantiate(bytes));
    }

    constructor(description, library) {
      this.description = description;
      this.library = library;
      this.reset();
    }

    /** Begin again with a new circuit, whose weights are whole. */
    reset() {
      this.library.circuit_reset();
      /** Cycles since the reset. */
      this.cycles = 0;
      /** Cycles of the step under way. */
      this.stepCycles = 0;
      /** Weight bits that are flipped. @type {{word: number, bit: number, name: string}[]} */
      this.flipped = [];
    }

    /** The bytes at an address; good until the library is called again. */
    _bytes(at, size) { return new Uint8Array(this.library.memory.buffer, at, size); }

    /**
     * Offer a request for a name.
     * @param {number} seed
     * @param {number} temperature
     */
    request(seed, temperature) {
      const { request, name_mode: mode, model, greedy_at_zero: greedy } = this.description;
      const fields = {
        mode, seed, temperature: Math.round(temperature * 256), greedy: temperature === 0 && !greedy ? 1 : 0,
        limit: model.max_letters, token: 0, position: 0,
      };
      const payload = this._bytes(this.library.circuit_signal(REQUEST), 32);
      for (const [name, [first, bits]] of Object.entries(request)) Talos.setBits(payload, first, bits, fields[name]);
      this.library.circuit_offer();
      this.stepCycles = -1;
    }

    /**
     * One cycle.
     * @returns {Step | null} the step that ended in it
     */
    clock() {
      const happened = this.library.circuit_clock();
      this.cycles++;
      this.stepCycles++;
      return happened & TAKEN ? this._step() : null;
    }

    /**
     * Clock until a step ends, or so many cycles have passed.
     * @param {number} most
     * @returns {Step | null}
     */
    run(most) {
      const ran = this.library.circuit_run(most);
      this.cycles += ran;
      this.stepCycles += ran;
      return this.library.circuit_taken() ? this._step() : null;
    }

    /** The result that was taken. @returns {Step} */
    _step() {
      const { result, logit_bits: width, model } = this.description;
      const payload = this._bytes(this.library.circuit_result(), 16);
      const step = {};
      for (const [name, [first, bits, signed]] of Object.entries(result)) {
        step[name] = Talos.bits(payload, first, bits, signed);
      }
      step.last = step.last === 1;
      const logits = this._bytes(this.library.circuit_logits(), 1024);
      step.logits = Array.from({ length: model.vocab_size }, (_, i) => Talos.bits(logits, i * width, width, true));
      step.cycles = this.stepCycles;
      this.stepCycles = 0;
      return /** @type {Step} */ (step);
    }

    /**
     * The chart of the step under way, or of the one that has just ended: a word a cycle.
     * @returns {{active: (row: number, cycle: number) => boolean, stage: (cycle: number) => number, cycles: number}}
     */
    chart() {
      const cycles = this.library.circuit_charted();
      const words = new Uint32Array(this.library.memory.buffer, this.library.circuit_chart(), cycles).slice();
      return {
        cycles,
        active: (row, cycle) => ((words[cycle] >> row) & 1) === 1,
        stage: (cycle) => words[cycle] >> STAGE_SHIFT,
      };
    }

    /**
     * What was kept in this step.
     * @returns {{name: string, cycle: number, bytes: Uint8Array}[]}
     */
    kept() {
      const { captures } = this.description;
      const words = new Uint32Array(this.library.memory.buffer, this.library.circuit_log(), this.library.circuit_logged());
      const found = [];
      for (let at = 0; at < words.length;) {
        const [number, cycle, size] = words.subarray(at, at + 3);
        found.push({ name: captures[number], cycle, bytes: new Uint8Array(words.slice(at + 3, at + 3 + size).buffer) });
        at += 3 + size;
      }
      return found;
    }

    /**
     * Flip a bit of a weight in the circuit's own memory; a second time repairs it.
     * @param {number} word of the weight ROM
     * @param {number} place of the weight in the word
     * @param {number} bit of the weight
     * @returns {string} which weight it is
     */
    flip(word, place, bit) {
      const { weights, tile, word_bits: bits } = this.description;
      const stride = this.library.circuit_word_bytes();
      const memory = this._bytes(this.library.circuit_memory() + word * stride, stride);
      const at = place * bits + bit;
      memory[at >> 3] ^= 1 << (at & 7);
      const block = weights[word], row = Math.floor(place / tile[1]), column = place % tile[1];
      const name = `${block.matrix}[${block.rows[row]}][${block.columns[column]}]`;
      const before = this.flipped.findIndex((one) => one.word === word && one.bit === at);
      if (before < 0) this.flipped.push({ word, bit: at, name });
      else this.flipped.splice(before, 1);
      return name;
    }

    /** A weight of some matrix, chosen by a number from 0 to 1. @returns {{word: number, place: number}} */
    somewhere(number) {
      const { weights, tile } = this.description;
      const sizes = weights.map((block) => block.rows.length * block.columns.length);
      let left = Math.floor(number * sizes.reduce((sum, size) => sum + size, 0));
      let word = 0;
      while (left >= sizes[word]) left -= sizes[word++];
      const columns = weights[word].columns.length;
      return { word, place: Math.floor(left / columns) * tile[1] + (left % columns) };
    }
  };
})(globalThis.Talos);
