"""A core of several streams in every simulator: bit for bit the golden model, and a bit flipped in it is caught."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import pytest

from cosim.barrel.batch import Batch
from cosim.core.bench_run import run_bench
from cosim.core.checker import Mismatch
from cosim.core.verify import Generated, compile_design, generate
from cosim.engine.compile import Model
from cosim.engine.simulators import Simulator
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from tests.cosim.core.test_mutation import in_module
from tests.helpers.barrel_designs import small_barrel

BATCHES = "cosim.barrel.bench_batches"


@cache
def compiled(kind: Simulator) -> Model:
    """Return the small core, compiled."""
    return compile_design(kind, generate(small_barrel()))


@pytest.mark.parametrize("kind", list(Simulator), ids=lambda kind: kind.value)
def test_everything_around_a_batch(kind: Simulator) -> None:
    """Stalls, refills, clear and reset in mid-flight, few names, limits and temperatures mixed, illegal batches."""
    findings = run_bench(
        compiled(kind), small_barrel(), "cosim.barrel.bench_around", short=kind is Simulator.ICARUS
    )
    assert len(findings.tests) == 8
    assert findings.steps >= 400
    assert findings.values > findings.steps * (2 + 5 + small_barrel().model.vocab_size)


def test_the_digest_is_that_of_the_golden_model() -> None:
    """Of many names, which the golden model draws side by side; both simulators count the same cycles."""
    design = small_barrel()
    batch = Batch(seed=77, count=400, temperature=0x80, limit=design.model.max_letters)
    found = replay(design.checkpoint, design.arithmetic, batch.seeds, 0x80, limit=batch.limit)
    seeds = (batch.seed + found.seed_index).tolist()
    wanted = add_steps(0, zip(seeds, found.pos.tolist(), found.token_out.tolist(), strict=True))
    findings = run_bench(compiled(Simulator.VERILATOR), design, BATCHES, batches=[batch])
    assert (findings.steps, findings.counters["digest"]) == (len(found), wanted)
    part = [Batch(seed=77, count=20, temperature=0x80, limit=batch.limit)]
    counters = [run_bench(compiled(kind), design, BATCHES, batches=part).counters for kind in Simulator]
    assert counters[0] == counters[1]
    assert counters[0]["cycles"] > 0


WORD = r" = \d+'h)([0-9a-f]+)(;)"
# Noise is seen in tokens alone: a line of the upper half, which a lane with much of it reads.
MUTANTS = {
    # Letter a at position 1, the first block of hidden units: its third unit.
    "F1": lambda v: in_module(v, "barrel.matrix", r"(^\s+addends\[6\]" + WORD, bit=2 * 17 + 11),
    "weight": lambda v: in_module(v, "barrel.matrix", r"(^\s+weights\[1\]" + WORD, bit=12),
    "noise table": lambda v: in_module(v, "barrel.draw.noise", r"(^\s+lane0_table\[259\]" + WORD, bit=11),
    "constant key of position 0": lambda v: in_module(v, "barrel.scores", r"(^\s+keys\[8\]" + WORD, bit=30),
    "stream in a key's address": lambda v: in_module(
        v, "barrel.scores", r"^(\s+keys\[\{ )(job\[2:0\])(, job\[7:5\] \}\] <= .*)$", change="job[2:1], ~job[0]"
    ),
    "position in a value's address": lambda v: re.sub(r"(<= values\[\S+ )(\];)", r"\1 ^ 6'h01\2", v),
}  # fmt: skip


@pytest.mark.parametrize("what", MUTANTS)
def test_a_wrong_core_is_caught(what: str, tmp_path: Path) -> None:
    text = generate(small_barrel()).path.read_text()
    mutant = MUTANTS[what](text)
    assert mutant != text
    path = tmp_path / "barrel.v"
    path.write_text(mutant)
    wrong = Generated(small_barrel(), path, hashlib.sha256(mutant.encode()).hexdigest(), folder=tmp_path)
    model = compile_design(Simulator.ICARUS, wrong)
    batch = Batch(seed=1, count=200, temperature=0x400, limit=small_barrel().model.max_letters)
    with pytest.raises(Mismatch, match=r"^barrel in Icarus Verilog .*, seed \d+, step \d+, stage STREAM: .* must be"):
        run_bench(model, small_barrel(), BATCHES, batches=[batch])
