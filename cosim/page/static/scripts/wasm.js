"use strict";
/**
 * WebAssembly of this page: unpacked from text, and given the little of a system that it asks for.
 */
globalThis.Talos = globalThis.Talos || {};
(function (Talos) {
  /** Error number of a call that there is not (WASI preview 1). */
  const NOT_THERE = 52;

  /** Name -> what a generated script has put there. @type {Record<string, any>} */
  Talos.embedded = {};

  /**
   * Keep a value of a generated script under a name.
   * @param {string} name
   * @param {any} value
   */
  Talos.embed = (name, value) => { Talos.embedded[name] = value; };

  /**
   * Return the bytes of a gzip file that stands as base64 text.
   * @param {string} text
   * @returns {Promise<Uint8Array>}
   */
  Talos.unpack = async (text) => {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  /**
   * Return an instance of a WebAssembly library. What it writes goes to the console.
   * @param {Uint8Array} bytes
   * @returns {Promise<WebAssembly.Exports & Record<string, any>>} its functions and its memory
   */
  Talos.instantiate = async (bytes) => {
    const module = await WebAssembly.compile(bytes);
    /** @type {any} */
    let library = null;
    const system = {
      /** Text that the library writes to one of its outputs, in pieces. */
      fd_write: (output, pieces, count, written) => {
        const view = new DataView(library.memory.buffer);
        let text = "", length = 0;
        for (let i = 0; i < count; i++) {
          const at = view.getUint32(pieces + 8 * i, true), size = view.getUint32(pieces + 8 * i + 4, true);
          text += new TextDecoder().decode(new Uint8Array(library.memory.buffer, at, size));
          length += size;
        }
        if (text.trim()) console.warn(text.trim());
        view.setUint32(written, length, true);
        return 0;
      },
      clock_time_get: (clock, precision, at) => {
        new DataView(library.memory.buffer).setBigUint64(at, BigInt(Math.round(performance.now() * 1e6)), true);
        return 0;
      },
      /** No variables of an environment. */
      environ_sizes_get: (count, size) => {
        const view = new DataView(library.memory.buffer);
        view.setUint32(count, 0, true);
        view.setUint32(size, 0, true);
        return 0;
      },
      environ_get: () => 0,
      proc_exit: (status) => { throw new Error(`WebAssembly ended with status ${status}`); },
    };
    const imports = {};
    for (const { module: room, name } of WebAssembly.Module.imports(module)) {
      imports[room] = imports[room] || {};
      imports[room][name] = system[name] || (() => NOT_THERE);
    }
    library = (await WebAssembly.instantiate(module, imports)).exports;
    library._initialize();
    return library;
  };

  /**
   * Return `bits` bits from bit `first` on, at most 32 of them.
   * @param {Uint8Array} bytes least significant first
   * @param {number} first
   * @param {number} bits
   * @param {boolean} signed
   */
  Talos.bits = (bytes, first, bits, signed = false) => {
    let value = 0;
    for (let done = 0; done < bits;) {
      const bit = first + done, take = Math.min(8 - (bit & 7), bits - done);
      value += ((bytes[bit >> 3] >> (bit & 7)) & ((1 << take) - 1)) * 2 ** done;
      done += take;
    }
    return signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  };

  /**
   * Write `bits` bits from bit `first` on.
   * @param {Uint8Array} bytes
   * @param {number} first
   * @param {number} bits
   * @param {number} value
   */
  Talos.setBits = (bytes, first, bits, value) => {
    for (let i = 0; i < bits; i++) {
      const bit = first + i, on = Math.floor(value / 2 ** i) % 2;
      bytes[bit >> 3] = (bytes[bit >> 3] & ~(1 << (bit & 7))) | (on << (bit & 7));
    }
  };
})(globalThis.Talos);
