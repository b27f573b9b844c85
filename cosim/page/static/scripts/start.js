"use strict";
/**
 * The page: what is loaded first, and what when a view is opened.
 */
(function (Talos) {
  /** Script -> the promise of it. @type {Record<string, Promise<void>>} */
  const scripts = {};

  /**
   * Load a script of this folder once. A page that was opened from a file may load scripts, and nothing else.
   * @param {string} source
   * @returns {Promise<void>}
   */
  Talos.script = (source) => {
    scripts[source] = scripts[source] || new Promise((resolve, reject) => {
      const script = Talos.element("script", { src: source });
      script.addEventListener("load", () => resolve());
      script.addEventListener("error", () => reject(new Error(`${source} must lie beside index.html`)));
      document.head.append(script);
    });
    return scripts[source];
  };

  Talos.start = async () => {
    const { lists, made } = Talos.embedded.index;
    Talos.at("about").textContent = made;
    let changed = async (_) => {};
    const settings = new Talos.Settings(lists, (what) => changed(what));
    await Talos.script("data/library.js");
    const packed = Talos.embedded.library;
    const [bytes, model] = await Promise.all([Talos.unpack(packed.wasm), Talos.unpack(packed.model)]);
    // A library for each model: the words of two cores may have different formats.
    const libraryOf = (file) => Talos.Library.load(bytes, file, packed.arithmetics);
    const live = new Talos.Live(settings, libraryOf);
    const race = new Talos.Race(await libraryOf(model), lists[0].cores[0].model);
    const report = new Talos.Report();
    changed = async (what) => {
      if (what === "words" || what === "core") await live.choose();
      if (what !== "view") return;
      const { view } = settings.values;
      if (view !== "race") race.stop();
      if (view === "live") live.draw();
      if (view === "race") await race.open();
      if (view === "report") await report.open();
    };
    await live.choose();
    await changed("view");
    document.documentElement.dataset.ready = "true";
  };
})(globalThis.Talos);
