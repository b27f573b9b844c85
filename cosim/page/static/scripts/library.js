"use strict";
/**
 * The C library as WebAssembly: the golden answer beside a circuit, and the runner of the race.
 */
(function (Talos) {
  const RESULT_WORDS = 5;

  Talos.Library = class {
    /**
     * @param {Uint8Array} bytes the library's WebAssembly
     * @param {Uint8Array} model a model file, as host_c/binding/model_file.py writes it
     * @param {Record<string, number>} numbers arithmetic -> its number
     */
    static async load(bytes, model, numbers) {
      return new Talos.Library(await Talos.instantiate(bytes), model, numbers);
    }

    constructor(library, model, numbers) {
      this.library = library;
      this.numbers = numbers;
      this.modelSize = model.length;
      this.modelAt = library.malloc(model.length);
      new Uint8Array(library.memory.buffer).set(model, this.modelAt);
      this.scratch = library.malloc(64);
    }

    _word(at) { return new Uint32Array(this.library.memory.buffer)[at >> 2]; }

    /** The text at an address. */
    text(at) {
      const bytes = new Uint8Array(this.library.memory.buffer);
      return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
    }

    _check(status) {
      if (status !== 0) throw new Error(this.text(this.library.talos_status_message(status)));
    }

    /** A null-ended text in the library's memory. */
    _string(text) {
      const bytes = new TextEncoder().encode(text + "\0");
      const at = this.library.malloc(bytes.length);
      new Uint8Array(this.library.memory.buffer).set(bytes, at);
      return at;
    }

    /**
     * Return a stream of names.
     * @param {string} arithmetic
     * @param {number} seed
     * @param {number} temperature
     * @param {string | null} kernel by name; the fastest by default
     */
    stream(arithmetic, seed, temperature, kernel = null) {
      const name = kernel === null ? 0 : this._string(kernel);
      const number = this.numbers[arithmetic];
      this._check(this.library.talos_model_load(this.modelAt, this.modelSize, number, name, this.scratch));
      const model = this._word(this.scratch);
      this._check(this.library.talos_stream_create(model, seed, temperature, this.scratch));
      return new Stream(this, model, this._word(this.scratch));
    }
  };

  class Stream {
    constructor(owner, model, stream) {
      this.owner = owner;
      this.library = owner.library;
      this.model = model;
      this.at = stream;
      this.kernel = owner.text(this.library.talos_model_kernel(model));
      this.words = this.library.malloc(4 * 256);
    }

    /** Begin a new name with a seed. */
    reset(seed) { this.owner._check(this.library.talos_stream_reset(this.at, seed)); }

    /**
     * Take a step.
     * @param {number} vocabulary
     * @returns {{position: number, token_in: number, token_out: number, argmax: number, rng: number, logits: number[]}}
     */
    next(vocabulary) {
      const { library, owner } = this;
      owner._check(library.talos_stream_next(this.at, owner.scratch));
      owner._check(library.talos_stream_words(this.at, this.words, vocabulary));
      const [position, token_in, token_out, argmax, rng] =
        new Uint32Array(library.memory.buffer, owner.scratch, RESULT_WORDS);
      return { position, token_in, token_out, argmax, rng,
        logits: Array.from(new Int32Array(library.memory.buffer, this.words, vocabulary)) };
    }

    /**
     * Make whole names, the random state carried on from name to name.
     * @param {number} names
     * @param {number} block most tokens of a name
     * @returns {{steps: number, tokens: Uint8Array}} letters, and the last token after each name
     */
    generate(names, block) {
      const { library, owner } = this;
      const size = names * block;
      if (!this.room || this.room < size) {
        if (this.tokens) library.free(this.tokens);
        this.tokens = library.malloc(size);
        this.room = size;
      }
      const written = owner.scratch, steps = owner.scratch + 8;
      owner._check(library.talos_generate(this.at, names, this.tokens, size, written, steps));
      const bytes = new Uint8Array(library.memory.buffer, this.tokens, owner._word(written));
      return { steps: owner._word(steps), tokens: bytes };
    }

    free() {
      this.library.talos_stream_free(this.at);
      this.library.talos_model_free(this.model);
      this.library.free(this.words);
    }
  }
})(globalThis.Talos);
