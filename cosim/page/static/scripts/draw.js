"use strict";
/**
 * Pictures of a step: units by cycle, probabilities, attention, cache.
 */
(function (Talos) {
  const STAGE_COLOURS = Talos.STAGE_COLOURS = {
    IDLE: "#9aa5b1", NORM: "#8e6bd1", QKV: "#c0569b", ATTENTION: "#3b82c4", WO: "#2f9fb3", FC1: "#2e9e6b",
    FC2: "#86a72f", LM_HEAD: "#d29922", SAMPLE: "#e0703a", STALL: "#b3261e",
  };
  /** A stage as people read it. @param {string} name */
  Talos.stageName = (name) => name.toLowerCase().replace("_", " ");
  const ROW = 20, STRIP = 16, AXIS = 18, PAD = 8;

  /** The value of a colour of the style sheet. @param {string} name */
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /** A canvas of so many pixels of the page, sharp on any screen. */
  const context = (canvas, width, height) => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const drawing = canvas.getContext("2d");
    drawing.scale(ratio, ratio);
    return drawing;
  };

  /** "BOS" is a dot. @param {any} model @param {number} token */
  Talos.letter = (model, token) => token === model.bos ? "·" : Array.from(model.alphabet)[token];

  /**
   * Units by cycle.
   * @param {HTMLCanvasElement} canvas
   * @param {any} description of the core
   * @param {any} chart `Circuit.chart()`
   * @param {number} length cycles that there is room for
   * @param {string} title
   */
  Talos.drawChart = (canvas, description, chart, length, title) => {
    const { rows, stages } = description;
    const font = "12px system-ui, sans-serif";
    const labels = Math.max(...rows.map((row) => row.length)) * 6.6 + 2 * PAD;
    const room = canvas.parentElement.clientWidth - labels - PAD;
    const cell = Math.max(3, Math.min(28, Math.floor(room / Math.max(length, 1))));
    const height = AXIS + STRIP + rows.length * ROW + PAD;
    const drawing = context(canvas, Math.max(labels + cell * length + PAD, labels + room), height);
    drawing.font = font;
    drawing.textBaseline = "middle";
    const ink = colour("ink"), soft = colour("soft"), line = colour("line"), accent = colour("accent");
    drawing.fillStyle = soft;
    const every = cell >= 12 ? 5 : cell >= 6 ? 10 : 50;
    for (let cycle = 0; cycle < length; cycle += every) drawing.fillText(String(cycle), labels + cycle * cell, AXIS / 2);
    for (let cycle = 0; cycle < chart.cycles; cycle++) {
      drawing.fillStyle = STAGE_COLOURS[stages[chart.stage(cycle)]];
      drawing.fillRect(labels + cycle * cell, AXIS, cell - (cell > 4 ? 1 : 0), STRIP - 5);
    }
    rows.forEach((label, row) => {
      const top = AXIS + STRIP + row * ROW;
      drawing.fillStyle = ink;
      drawing.fillText(label, PAD / 2, top + ROW / 2);
      drawing.fillStyle = line;
      drawing.fillRect(labels, top + ROW - 1, cell * length, 1);
      drawing.fillStyle = accent;
      for (let cycle = 0; cycle < chart.cycles; cycle++) {
        if (chart.active(row, cycle)) drawing.fillRect(labels + cycle * cell, top + 3, cell - (cell > 4 ? 1 : 0), ROW - 7);
      }
    });
    const counts = rows.map((label, row) => {
      let active = 0;
      for (let cycle = 0; cycle < chart.cycles; cycle++) active += Number(chart.active(row, cycle));
      return `${label} in ${active}`;
    });
    canvas.setAttribute("aria-label", `${title}: ${chart.cycles} cycles; ${counts.join(", ")}`);
  };

  /** The colours of the stages that a core has. */
  Talos.drawLegend = (list, chart, description) => {
    const seen = new Set();
    for (let cycle = 0; cycle < chart.cycles; cycle++) seen.add(description.stages[chart.stage(cycle)]);
    const names = description.stages.filter((name) => seen.has(name) && name !== "IDLE");
    list.replaceChildren(...names.map((name) => {
      const patch = Talos.element("span", { style: `background:${STAGE_COLOURS[name]}` });
      return Talos.element("li", {}, [patch, Talos.stageName(name)]);
    }));
  };

  /**
   * Softmax of logits.
   * @param {number[]} logits
   * @param {number} one what stands for 1
   * @param {number} temperature
   */
  Talos.softmax = (logits, one, temperature) => {
    const top = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp((logit - top) / one / Math.max(temperature, 1e-3)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };

  /** The probability of each letter, and which was drawn. */
  Talos.drawProbabilities = (list, description, step, temperature) => {
    const { model, fraction } = description;
    const shares = Talos.softmax(step.logits, 2 ** fraction, temperature);
    if (list.children.length !== shares.length) {
      list.replaceChildren(...shares.map((_, token) => Talos.element("li", {}, [
        Talos.element("b", {}, [Talos.letter(model, token)]),
        Talos.element("span", { class: "bar", "aria-hidden": "true" }, [Talos.element("i")]),
        Talos.element("span", { class: "value" }),
      ])));
    }
    shares.forEach((share, token) => {
      const item = /** @type {HTMLElement} */ (list.children[token]);
      item.classList.toggle("drawn", token === step.token_out);
      /** @type {HTMLElement} */ (item.querySelector("i")).style.width = `${(100 * share).toFixed(1)}%`;
      item.querySelector(".value").textContent = `${(100 * share).toFixed(1)} %`;
    });
  };

  /**
   * What a step's captures say of attention and of the cache.
   * @param {any} description
   * @param {{name: string, cycle: number, bytes: Uint8Array}[]} kept
   * @param {number} position
   */
  Talos.readKept = (description, kept, position) => {
    const { model, attention, word_bits: bits } = description;
    /** @type {number[][]} */
    const heads = Array.from({ length: model.n_head }, () => []);
    const writes = [];
    kept.forEach((one, i) => {
      if (one.name === "attention") {
        for (let head = 0; head < model.n_head; head++) {
          for (let place = 0; place < attention.positions; place++) {
            const first = (head * attention.positions + place) * attention.bits;
            heads[head].push(Talos.bits(one.bytes, first, attention.bits));
          }
        }
      } else if (one.name === "cache_is_value") {
        const [flag, at, key, value] = kept.slice(i, i + 4).map((other) => other.bytes);
        const isValue = (flag[0] & 1) === 1, words = isValue ? value : key;
        writes.push({ isValue, position: at[0],
          words: Array.from({ length: model.n_embd }, (_, d) => Talos.bits(words, d * bits, bits, true)) });
      }
    });
    const shares = heads.map((weights) => {
      const seen = weights.slice(0, position + 1), sum = seen.reduce((total, weight) => total + weight, 0);
      return sum ? seen.map((weight) => weight / sum) : seen;
    });
    return { shares: shares[0].length ? shares : null, writes };
  };

  /** Attention as a table: a row a head, a column a position with its letter. */
  Talos.drawAttention = (table, description, shares, tokens) => {
    const { model } = description;
    const caption = table.caption;
    const head = Talos.element("tr", {}, [Talos.element("th", { scope: "col" }, ["head"]),
      ...tokens.map((token, i) => Talos.element("th", { scope: "col" }, [i === 0 ? "start" : Talos.letter(model, token)]))]);
    const rows = Array.from({ length: model.n_head }, (_, h) => Talos.element("tr", {}, [
      Talos.element("th", { scope: "row" }, [String(h + 1)]),
      ...tokens.map((_, p) => {
        // At position 0 there is nothing but the position itself, and a core may not attend at all.
        const share = shares ? shares[h][p] ?? 0 : 1;
        const ink = share > 0.55 ? "accent-ink" : "ink";
        return Talos.element("td", {
          style: `background:color-mix(in srgb, var(--accent) ${Math.round(share * 100)}%, var(--ground));color:var(--${ink})`,
        }, [share >= 0.005 ? share.toFixed(2).replace(/^0/, "") : "0"]);
      }),
    ]));
    table.replaceChildren(caption, head, ...rows);
  };

  /** The cache: keys left, values right, a row a position. */
  Talos.drawCache = (canvas, description, cache) => {
    const { model, fraction } = description;
    const width = Math.max(canvas.parentElement.clientWidth - 40, 240);
    const columns = 2 * model.n_embd, label = 24, gap = 10;
    const cell = (width - label - gap) / columns, high = Math.min(14, Math.max(8, cell));
    const drawing = context(canvas, width, 18 + high * model.block_size);
    const ground = colour("ground"), soft = colour("soft"), warm = colour("warm"), accent = colour("accent");
    drawing.font = "12px system-ui, sans-serif";
    drawing.textBaseline = "middle";
    drawing.fillStyle = soft;
    drawing.fillText("keys", label, 8);
    drawing.fillText("values", label + gap + cell * model.n_embd, 8);
    let filled = 0;
    for (let position = 0; position < model.block_size; position++) {
      const top = 18 + position * high;
      drawing.globalAlpha = 1;
      drawing.fillStyle = soft;
      if (position % 5 === 0) drawing.fillText(String(position), 2, top + high / 2);
      for (let column = 0; column < columns; column++) {
        const isValue = column >= model.n_embd, words = cache[position] && cache[position][Number(isValue)];
        const left = label + column * cell + (isValue ? gap : 0);
        drawing.globalAlpha = 1;
        drawing.fillStyle = ground;
        drawing.fillRect(left, top, cell - 1, high - 1);
        if (!words) continue;
        const value = words[column % model.n_embd] / 2 ** fraction;
        drawing.globalAlpha = Math.min(1, 0.12 + Math.abs(value) / 2.5);
        drawing.fillStyle = value < 0 ? warm : accent;
        drawing.fillRect(left, top, cell - 1, high - 1);
      }
      if (cache[position] && cache[position][1]) filled++;
    }
    drawing.globalAlpha = 1;
    canvas.setAttribute("aria-label", `Cache: keys and values of ${filled} of ${model.block_size} positions`);
  };
})(globalThis.Talos);
