"use strict";
/**
 * What a visitor has chosen: kept in the form, and in the link.
 */
(function (Talos) {
  const VIEWS = ["live", "race", "report"];
  const MAX_SEED = 2 ** 32 - 1;

  /** @param {string} id */
  Talos.at = (id) => /** @type {HTMLElement & Record<string, any>} */ (document.getElementById(id));

  /**
   * Return the element, with attributes and children.
   * @param {string} name
   * @param {Record<string, any>} [attributes]
   * @param {(Node | string)[]} [children]
   */
  Talos.element = (name, attributes = {}, children = []) => {
    const found = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    found.append(...children);
    return found;
  };

  /** Whether the visitor has asked for little motion. */
  Talos.still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** Things by their number: 1 name, 2 names. @param {number} count @param {string} thing */
  Talos.counted = (count, thing) => `${Talos.number(count)} ${thing}${count === 1 ? "" : "s"}`;

  /** A number for people. @param {number} value @param {number} [digits] after the point */
  Talos.number = (value, digits = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  /** A rate for people: three digits, and thousands or millions in a word. @param {number} value */
  Talos.rate = (value) => value >= 1e6 ? `${(value / 1e6).toPrecision(3)} million` : Talos.number(Math.round(value));

  Talos.Settings = class {
    /** @param {any[]} lists of words, each with its cores @param {(what: string) => void} changed */
    constructor(lists, changed) {
      this.lists = lists;
      this.changed = changed;
      this._choices("words", lists);
      Talos.at("words-choice").hidden = lists.length === 1;
      Talos.at("seed").addEventListener("change", () => this._set("seed"));
      Talos.at("temperature").addEventListener("input", () => this._set("temperature"));
      Talos.at("pace").addEventListener("change", () => this._set("pace"));
      Talos.at("link").addEventListener("click", () => this._copy());
      for (const view of VIEWS) Talos.at(`tab-${view}`).addEventListener("click", () => this.show(view));
      document.querySelector(".tabs").addEventListener("keydown", (event) => this._arrow(event));
      window.addEventListener("hashchange", () => this._read(true));
      this._read(false);
    }

    /** The chosen words, and the cores that they have. */
    get words() { return this.lists.find((words) => words.name === this.values.words); }
    get core() { return this.words.cores.find((core) => core.name === this.values.core); }
    get seed() { return this.values.seed; }
    set seed(seed) { this.values.seed = seed; this._write(); }
    get temperature() { return this.values.temperature; }
    get pace() { return this.values.pace; }

    /** Offer a choice. @param {string} what its element, too @param {{name: string}[]} offered */
    _choices(what, offered) {
      Talos.at(what).replaceChildren(...offered.map(({ name }) => {
        const input = Talos.element("input", { type: "radio", name: what, value: name });
        input.addEventListener("change", () => this._set(what));
        return Talos.element("label", {}, [input, name]);
      }));
    }

    /** Show a view, and load what it alone needs. */
    show(view) {
      this.values.view = view;
      this._write();
      this.changed("view");
    }

    /** Take the values of the link; those that make no sense are left at their defaults. */
    _read(later) {
      const given = new URLSearchParams(location.hash.slice(1));
      const seed = Number(given.get("seed")), temperature = Number(given.get("temperature"));
      const before = this.values || {};
      const paces = Array.from(Talos.at("pace").options, (option) => option.value);
      const words = this.lists.find(({ name }) => name === given.get("words")) || this.lists[0];
      const core = words.cores.find(({ name }) => name === given.get("core")) || words.cores[0];
      this.values = {
        words: words.name,
        core: core.name,
        seed: Number.isInteger(seed) && seed >= 1 && seed <= MAX_SEED ? seed : 2,
        temperature: temperature >= 0.1 && temperature <= 2 ? temperature : 0.5,
        pace: paces.includes(given.get("pace")) ? given.get("pace") : Talos.still() ? "full" : "letter",
        view: VIEWS.includes(given.get("view")) ? given.get("view") : "live",
      };
      this._write();
      if (!later) return;
      for (const name of Object.keys(this.values)) if (before[name] !== this.values[name]) this.changed(name);
    }

    /** Take a value of the form. */
    _set(name) {
      const seed = Number(Talos.at("seed").value);
      this.values.words = document.querySelector("#words :checked").value;
      const core = document.querySelector("#cores :checked").value;
      // Not all words have all cores.
      this.values.core = (this.words.cores.find(({ name }) => name === core) || this.words.cores[0]).name;
      if (Number.isInteger(seed) && seed >= 1 && seed <= MAX_SEED) this.values.seed = seed;
      this.values.temperature = Number(Talos.at("temperature").value);
      this.values.pace = Talos.at("pace").value;
      this._write();
      this.changed(name);
    }

    /** Put the values into form, tabs and link. */
    _write() {
      const { words, core, seed, temperature, pace, view } = this.values;
      const offered = Array.from(document.querySelectorAll("#cores input"), (input) => input.value);
      const names = this.words.cores.map(({ name }) => name);
      if (offered.join() !== names.join()) this._choices("cores", this.words.cores);
      document.querySelectorAll("#words input").forEach((input) => { input.checked = input.value === words; });
      document.querySelectorAll("#cores input").forEach((input) => { input.checked = input.value === core; });
      Talos.at("seed").value = seed;
      Talos.at("temperature").value = temperature;
      Talos.at("temperature-shown").value = temperature.toFixed(2);
      Talos.at("pace").value = pace;
      for (const name of VIEWS) {
        const on = name === view;
        Talos.at(`tab-${name}`).setAttribute("aria-selected", String(on));
        Talos.at(`tab-${name}`).tabIndex = on ? 0 : -1;
        Talos.at(`view-${name}`).hidden = !on;
      }
      history.replaceState(null, "", `#${new URLSearchParams(/** @type {any} */ (this.values))}`);
    }

    /** Arrow keys go from tab to tab, Home and End to the first and the last. */
    _arrow(event) {
      const at = VIEWS.indexOf(this.values.view);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: VIEWS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = VIEWS[(to + VIEWS.length) % VIEWS.length];
      this.show(next);
      Talos.at(`tab-${next}`).focus();
    }

    async _copy() {
      try {
        await navigator.clipboard.writeText(location.href);
        Talos.at("status").textContent = "The link is in the clipboard; it carries these settings.";
      } catch {
        Talos.at("status").textContent = "The address of this page is the link; it carries these settings.";
      }
    }
  };
})(globalThis.Talos);
