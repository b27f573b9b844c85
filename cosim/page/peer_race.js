// The C library of a page and another WebAssembly of the same model take turns in one node process.
//
//     node peer_race.js PAGE PEER TURNS
//
// PEER is the folder wasm/ of https://github.com/NakliTechie/micro-gpt. Prints steps a second of processor time, a list
// of turns for each runner, as JSON.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const [page, peer, turns] = [path.resolve(process.argv[2]), path.resolve(process.argv[3]), Number(process.argv[4])];
/** Steps that a turn takes of each: a few tenths of a second. */
const STEPS = 600000;
const NAMES = 2000;

for (const file of ["scripts/wasm.js", "scripts/library.js", "data/library.js", "data/index.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(page, file), "utf8"), { filename: file });
}
const { Talos } = globalThis;

/** Names of a stream until there were so many steps. */
const ours = (stream, block) => () => {
  let steps = 0;
  while (steps < STEPS) steps += stream.generate(NAMES, block).steps;
  return steps;
};

/** The peer's own benchmark, of letters as many. */
const theirs = async () => {
  const module = await require(path.join(peer, "microgpt_inf.js"))();
  module.HEAPU8.set(fs.readFileSync(path.join(peer, "weights.bin")), module._get_weights_ptr());
  module._init_weights();
  return () => {
    module._benchmark(STEPS);
    return STEPS;
  };
};

(async () => {
  const packed = Talos.embedded.library;
  const [bytes, model] = await Promise.all([Talos.unpack(packed.wasm), Talos.unpack(packed.model)]);
  const library = await Talos.Library.load(bytes, model, packed.arithmetics);
  const block = Talos.embedded.index.lists[0].cores[0].model.block_size;
  const runners = { peer: await theirs() };
  for (const arithmetic of ["float", "folded"]) runners[arithmetic] = ours(library.stream(arithmetic, 2, 0.5), block);
  const rates = Object.fromEntries(Object.keys(runners).map((name) => [name, []]));
  Object.values(runners).forEach((runner) => runner());
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, runner] of Object.entries(runners)) {
      const before = process.cpuUsage(), steps = runner(), { user, system } = process.cpuUsage(before);
      rates[name].push(steps / (user + system) * 1e6);
    }
  }
  process.stdout.write(JSON.stringify({ node: process.version, rates }));
})();
