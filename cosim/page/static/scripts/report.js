"use strict";
/**
 * The report: charts and tables of what the project's commands have written.
 */
(function (Talos) {
  /** Width of a chart: that of its panel. */
  const width = () => Math.max(280, Math.min(1080, document.querySelector("main").clientWidth - (narrow() ? 70 : 120)));
  /** Whether a name must stand above its bar, for want of room beside it. */
  const narrow = () => document.querySelector("main").clientWidth < 760;
  const KINDS = ["simulated", "this browser", "measured", "published", "published RTL, simulated"];
  const COLOURS = ["#0f9d83", "#d9822b", "#4a7fc1", "#98a3ae", "#c3c9d0"];
  const LABELS = {
    simulated: "our cores, simulated at their clock", measured: "measured on the machine that made this page",
    published: "published by others", "published RTL, simulated": "others' RTL, simulated by us",
    "this browser": "this browser, now",
  };

  /** Load the charts' library. */
  Talos.charts = async () => {
    await Talos.script("vendor/d3.min.js");
    await Talos.script("vendor/plot.umd.min.js");
  };

  const Plot = () => /** @type {any} */ (globalThis).Plot;

  const style = { background: "transparent", fontSize: "13px" };
  const legend = (rows) => {
    const kinds = KINDS.filter((kind) => rows.some((row) => row.kind === kind));
    return Talos.element("ul", { class: "legend" }, kinds.map((kind) => Talos.element("li", {}, [
      Talos.element("span", { style: `background:${COLOURS[KINDS.indexOf(kind)]}` }), LABELS[kind] || kind])));
  };

  /** Bars on a logarithmic scale, the largest on top, with a legend. @param {any[]} rows name, rate, kind, perhaps a remark */
  Talos.rateChart = (rows, { label = "steps a second", format = Talos.rate } = {}) => {
    const sorted = [...rows].sort((a, b) => b.rate - a.rate);
    const least = 10 ** Math.floor(Math.log10(Math.min(...sorted.map((row) => row.rate))));
    const above = narrow();
    const chart = Plot().plot({
      width: width(), marginLeft: above ? 14 : 330, marginRight: sorted.some((row) => row.remark) ? 190 : 90, height: 70 + (above ? 36 : 21) * sorted.length,
      marginBottom: 50, style,
      ariaLabel: `${label}: ${sorted.map((row) => `${row.name} ${format(row.rate)}${row.remark ?? ""}`).join("; ")}`,
      x: { type: "log", label: `${label} (logarithmic) →`, grid: true, labelOffset: 44, ticks: above ? 3 : 6, domain: [least, 1.1 * sorted[0].rate], tickFormat: "~s" },
      y: { domain: sorted.map((row) => row.name), label: null, axis: above ? null : "left" },
      color: { domain: KINDS, range: COLOURS },
      marks: [
        Plot().barX(sorted, { y: "name", x1: least, x2: "rate", fill: "kind", rx: 2, insetTop: above ? 17 : 0, title: (row) => row.source || row.name }),
        above ? Plot().text(sorted, { y: "name", x: () => least, text: "name", textAnchor: "start", dy: -9 }) : null,
        Plot().text(sorted, { y: "name", x: "rate", dy: above ? 8 : 0, text: (row) => `${format(row.rate)}${row.remark ?? ""}`, textAnchor: "start", dx: 5,
          fontWeight: (row) => row.kind === "simulated" ? 700 : 400 }),
      ],
    });
    return Talos.element("figure", {}, [legend(sorted), chart]);
  };

  /** A table; a head that ends in "…" is that of texts. @param {string[]} heads @param {any[][]} rows @param {string} caption */
  const table = (heads, rows, caption) => {
    const text = heads.map((head) => head.endsWith("…") ? { class: "text" } : {});
    return Talos.element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, [
      Talos.element("table", { class: "figures" }, [
        Talos.element("caption", { class: "unseen" }, [caption]),
        Talos.element("thead", {}, [Talos.element("tr", {}, heads.map((head, i) =>
          Talos.element("th", { scope: "col", ...text[i] }, [head.replace("…", "")])))]),
        Talos.element("tbody", {}, rows.map((row) => Talos.element("tr", {}, row.map((cell, i) =>
          Talos.element(i ? "td" : "th", i ? text[i] : { scope: "row" }, [cell instanceof Node ? cell : String(cell ?? "")]))))),
      ])]);
  };

  /** What is shown when it is asked for. */
  const details = (summary, content) => Talos.element("details", {}, [Talos.element("summary", {}, [summary]), content]);

  const panel = (title, note, ...content) => Talos.element("section", { class: "panel" }, [
    Talos.element("h2", {}, [title]), Talos.element("p", { class: "note" }, [note]), ...content]);

  /** A sentence in a cell, which may break into lines. */
  const said = (text) => Talos.element("span", { class: "said" }, [text]);

  const digits = (value, count) => value === null || value === undefined ? "" : Talos.number(value, count);

  /** Power of a row, and whether anybody has measured it. */
  const watts = (row) => `${row.watts} W${/assumed/.test(row.watts_are) ? " assumed" : ""}`;

  /** A published figure with its digits: 2.4546, and 2.20. */
  const published = (value) => value === null || value === undefined ? "" : value.toFixed(Math.max(2, String(value).split(".")[1]?.length ?? 0));

  /** The stages of some rows, in the order in which a step has them. */
  const present = (rows) => Object.keys(Talos.STAGE_COLOURS).filter((stage) => rows.some((row) => row.stage === stage));

  const tag = (kind) => Talos.element("span", { class: kind === "simulated" ? "tag ours" : "tag" }, [kind]);

  /** Rows of the chart as a table, for those who cannot see it or want the source. */
  const behind = (rows) => {
    const source = (row) => /^https?:/.test(row.source)
      ? Talos.element("a", { href: row.source.split(",")[0], rel: "noreferrer" }, ["source"]) : row.source;
    const sorted = [...rows].sort((a, b) => b.steps_per_second - a.steps_per_second);
    return details("The rows as a table, with sources",
      table(["system", "figure is…", "a second", "counts…", "from…"], sorted.map((row) =>
        [row.name, tag(row.kind), Talos.number(row.steps_per_second), row.counts, source(row)]), "Throughput"));
  };

  /** Section -> its panel from the report, or null where its file was not there. @type {((report: any) => Node | null)[]} */
  const SECTIONS = [
    ({ inputs }) => {
      const missing = inputs.filter((row) => !row.found).map((row) => row.command);
      return missing.length ? Talos.element("p", { class: "note" }, [
        `Some commands had not been run when this page was made, and their sections are left out: ${missing.join(", ")}.`]) : null;
    },
    (report) => {
      const rows = report.throughput.filter((row) => row.streams === 1 && row.threads === 1 && row.counts === "steps");
      const letters = report.throughput.filter((row) => row.counts === "letters")
        .map((row) => `${row.name} ${Talos.number(row.steps_per_second)}`).join("; ");
      return panel("Throughput, one stream", "Steps a second: every letter drawn, and the end of a name. "
        + (letters ? `Published in letters of finished names alone, and so not on the chart: ${letters}.` : ""),
      chart(Talos.rateChart(rows.map((row) => ({ ...row, rate: row.steps_per_second })))), behind(rows));
    },
    (report) => {
      const rows = report.throughput.filter((row) => row.streams !== 1 || row.threads !== 1);
      const one = report.throughput.filter((row) => row.kind === "simulated" && row.streams === 1);
      return rows.length ? panel("Many streams at once", "Names side by side, the rate of all of them together.",
        chart(Talos.rateChart([...rows, ...one].map((row) => ({ ...row, rate: row.steps_per_second }))))) : null;
    },
    (report) => {
      const rows = report.power.filter((row) => row.streams === 1 || row.kind === "simulated");
      const assumed = [...new Set(rows.map((row) => `${row.watts} W ${row.watts_are}`))].join("; ");
      return panel("Steps a second and watt", `Power as it was published or assumed: ${assumed}. No power of our cores has been measured.`,
        chart(Talos.rateChart(rows.map((row) => ({ ...row, remark: `, ${watts(row)}`, rate: row.per_watt })), { label: "steps a second and watt" })));
    },
    ({ stages }) => stages.length ? panel("Where the cycles of a step go", "Mean over all names of the run; stages that overlap count for what the core waits for.",
      chart(Plot().plot({ width: width(), marginLeft: 80, height: 90 + 40 * new Set(stages.map((row) => row.core)).size, marginBottom: 50, style, x: { label: "cycles a step →", grid: true, labelOffset: 40 }, y: { label: null },
        ariaLabel: "Cycles of a step by stage; the table below has them",
        color: { legend: true, domain: present(stages), range: present(stages).map((stage) => Talos.STAGE_COLOURS[stage]), tickFormat: Talos.stageName },
        marks: [Plot().barX(stages, Plot().stackX({ y: "core", x: "cycles", fill: "stage", order: Object.keys(Talos.STAGE_COLOURS), title: (row) => `${Talos.stageName(row.stage)}: ${row.cycles.toFixed(1)}` }))] })),
      details("The bars as a table",
        table(["core", "stage…", "cycles a step"], stages.map((row) => [row.core, Talos.stageName(row.stage), digits(row.cycles, 1)]), "Cycles by stage"))) : null,
    (report) => report.positions.length ? panel("Cycles by position in the name", "Later positions attend to more of them.",
      chart(Plot().plot({ width: width(), style, marginBottom: 50, ariaLabel: "Cycles of a step by position; the table below has them",
        y: { type: "log", label: "↑ cycles a step", grid: true, tickFormat: "~s" }, x: { label: "position →", ticks: 15, labelOffset: 40 },
        color: { legend: true }, marks: [Plot().line(report.positions, { x: "position", y: "cycles", stroke: "core", marker: "dot" })] })),
      details("The lines as a table",
        table(["core", "position", "cycles"], report.positions.map((row) => [row.core, row.position, digits(row.cycles, 1)]), "Cycles by position"))) : null,
    ({ resources }) => resources ? panel("Resources and timing on the Cyclone V", "After synthesis by Yosys, not placed; what a fit is likely to make of it, by the fits that are known, in brackets. A design that Quartus has fitted stands below.",
      table(["design", "ALMs", "registers", "DSP blocks", "M10K", "longest path, ns"], [
        ...resources.cores.map((row) => [row.core, `${digits(row.alms)} (${row.calibrated.alms.map((n) => digits(n)).join(" to ")})`,
          digits(row.registers), row.dsp_blocks, row.m10k,
          `${digits(row.longest_paths[0].picoseconds / 1000, 1)} (${row.calibrated.longest_path_ps.map((n) => digits(n / 1000, 1)).join(" to ")})`]),
        ...resources.pairs.map(({ design, fit }) => [`${design}, fitted`, digits(fit.alms), digits(fit.registers), fit.dsp_blocks, fit.m10k ?? "", ""]),
        ["the device", digits(resources.device.alms), digits(resources.device.registers), resources.device.dsp_blocks, resources.device.m10k, ""],
      ], "Resources")) : null,
    ({ placed }) => placed.length ? panel("Placed and routed on a Lattice ECP5", "Another chip, by open tools to the end: every figure is after routing. Each core has a clock of its own here, so no rate of this table belongs beside those at 56.25 MHz above.",
      table(["core", "board…", "part, speed grade…", "clock, MHz", "highest clock, MHz", "steps/s at its clock", "LUTs", "registers", "multipliers", "memory blocks"], placed.map((row) =>
        [row.core, row.board, `${row.part}, ${row.grade}`, digits(row.clock_mhz, 2), digits(row.fmax_mhz, 2), digits(row.steps_per_second),
          digits(row.luts), digits(row.registers), row.multipliers, row.memory_blocks]), "Placed and routed")) : null,
    ({ prove }) => {
      if (!prove) return null;
      const { properties } = prove, count = (test) => properties.filter(test).length;
      return panel("Proofs", `${count((one) => one.holds)} of ${properties.length} claims about the units hold for all inputs and cycles that their method covers. `
        + `A proof is worth something if it can fail: each claim had a bug planted in its unit, and ${count((one) => one.bug_found)} of ${properties.length} found it.`,
      details("The claims",
        table(["claim", "what it says…", "method…", "holds…", "planted bug…"], properties.map((one) =>
          [one.name, said(one.statement), one.method, one.holds ? "yes" : "no", one.bug_found ? "found" : "not found"]), "Proofs")));
    },
    ({ campaign }) => {
      if (!campaign) return null;
      const { groups } = campaign, sum = (field) => groups.reduce((total, group) => total + group[field], 0);
      return panel("Campaign", `${digits(sum("steps"))} steps and ${digits(sum("values"))} values were compared in ${digits(sum("shards"))} shards, ${digits(sum("failed"))} of which failed.`,
        details("By check, core and simulator",
          table(["check", "core…", "arithmetic…", "where…", "temperature", "shards", "failed", "steps", "values"], groups.map((group) =>
            [group.kind, group.core, group.arithmetic, group.where, group.temperature, digits(group.shards), digits(group.failed), digits(group.steps), digits(group.values)]), "Campaign")));
    },
    ({ upsets }) => {
      if (!upsets) return null;
      const share = (count) => `${digits(count)} (${(100 * count / upsets.upsets).toFixed(1)} %)`;
      const row = (name, counts) => [name, digits(counts.upsets), digits(counts.masked), digits(counts.wrong), digits(counts.flagged), digits(counts.hung)];
      return panel(`Single-bit upsets: ${upsets.core}`, `One bit of a register or a memory flips in mid-name, ${digits(upsets.upsets)} times, in ${digits(upsets.hit_bits)} of ${digits(upsets.state_bits)} bits of state. `
        + `Masked, the host reads the right name: ${share(upsets.masked)}. Wrong without a word: ${share(upsets.wrong)}. Flagged as an error: ${share(upsets.flagged)}. Hung: ${share(upsets.hung)}. The next name was right after ${share(upsets.recovered)}.`,
      details("By unit",
        table(["unit", "flipped", "masked", "wrong", "flagged", "hung"], [...upsets.units.map((one) => row(one.unit, one)), row("all", upsets)], "Upsets by unit")));
    },
    ({ quant }) => quant ? panel("What coarser numbers cost", `Mean negative log likelihood of the next letter, nats. Published: ${quant.published_source}.`,
      table(["format", "what is rounded…", "largest error", "published", "nll, 500 names", "published", "nll, all names", "samples…"], quant.rows.map((row) =>
        [row.format, row.kind, digits(row.max_error, 5), digits(row.published?.max_error, 5), digits(row.nll, 4), row.published ? published(row.published.nll) : "", digits(row.nll_all, 4), row.samples.join(", ")]), "Quantisation")) : null,
    ({ quality }) => quality ? panel("Accuracy, and the samplers' faults", "nll and kl of the logits; sampled nll is that of the distribution which the sampler really draws from at temperature 0.5. Wrapped: names with a letter drawn through a wrap of the published sampler's arithmetic.",
      table(["arithmetic", "nll", "kl from float", "sampled nll", "never drawn", "wrapped names"], quality.rows.filter((row) => row.nll).map((row) =>
        [row.arithmetic, digits(row.nll, 6), row.kl.toExponential(1), digits(row.sampled_nll, 4), row.impossible ?? "",
          row.wrapped_share === undefined ? "" : `${(100 * row.wrapped_share).toFixed(1)} %`]), "Quality")) : null,
    ({ ladder }) => ladder ? panel("Six models of the same names", `Each has one idea more. Published: ${ladder.published_source}.`,
      table(["model", "parameters", "nll", "on new names", "published", "samples…"], ladder.rows.map((row) =>
        [`${row.step} ${row.model}`, digits(row.parameters), digits(row.nll, 4), digits(row.validation_nll, 4), row.published ? Object.values(row.published).filter(Boolean).map(published).join(" / ") : "", row.samples.join(", ")]), "Training ladder")) : null,
    ({ profile }) => profile ? panel("Where NumPy's time goes", `A step takes ${digits(profile.plain_microseconds, 1)} µs; the multiplications themselves are ${(100 * profile.kernel_share).toFixed(1)} % of it (published: about ${(100 * profile.published_kernel_share).toFixed(0)} %).`,
      table(["function", "calls a step", "µs a step", "share"], profile.rows.slice(0, 12).map((row) =>
        [row.function, digits(row.calls, 2), digits(row.microseconds, 2), `${(100 * row.share).toFixed(1)} %`]), "Profile")) : null,
    ({ inputs }) => panel("Files behind this report", "Each is written by one command, and checked against a schema when the page is made.",
      table(["file", "command…", "there…", "of the weights…"], inputs.map((row) =>
        [row.file, row.command, row.found ? "yes" : "no: its section is left out", row.weights]), "Files")),
  ];

  const chart = (content) => Talos.element("div", { class: "chart" }, [content]);

  Talos.Report = class {
    constructor() {
      // A chart is as wide as the page was when it was drawn.
      window.addEventListener("resize", () => {
        this.made = false;
        if (!Talos.at("view-report").hidden) this.open();
      });
    }

    /** Show the report; it is made when it is first opened. */
    async open() {
      if (this.made) return;
      this.made = true;
      await Talos.charts();
      await Talos.script("data/report.js");
      const made = SECTIONS.map((section) => section(Talos.embedded.report));
      Talos.at("report").replaceChildren(...made.filter((one) => one !== null));
    }
  };
})(globalThis.Talos);
