"""A core of several streams in every simulator: bit for bit the golden model, and a bit flipped in it is caught."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cosim import cli
from cosim.barrel.batch import Batch
from cosim.barrel.measurement import BatchMeasurement
from cosim.barrel.names import expected_names
from cosim.barrel.verify import BATCHES_BENCH, check_batch, name_batch
from cosim.core.bench_run import run_bench
from cosim.core.checker import Mismatch
from cosim.core.verify import Generated, compile_design, generate
from cosim.engine.compile import Model
from cosim.engine.simulators import Simulator, SimulatorError, find_program
from cosim.page.inputs import check
from talos_ref.golden.batched import replay
from talos_ref.golden.digest import add_steps
from tests.cosim.core.test_mutation import in_module
from tests.hdl.test_verilog import lint, succeed
from tests.helpers.barrel_designs import small_barrel


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
    findings = run_bench(compiled(Simulator.VERILATOR), design, BATCHES_BENCH, batches=[batch])
    assert (findings.steps, findings.counters["digest"]) == (len(found), wanted)
    part = [Batch(seed=77, count=20, temperature=0x80, limit=batch.limit)]
    counters = [run_bench(compiled(kind), design, BATCHES_BENCH, batches=part).counters for kind in Simulator]
    assert counters[0] == counters[1]
    assert counters[0]["cycles"] > 0


@pytest.mark.parametrize("system", [False, True])
def test_tools_have_nothing_to_say_of_the_verilog(system: bool, tmp_path: Path) -> None:
    made = generate(small_barrel(), system=system)
    assert lint(made.path, made.top, tmp_path) == ""
    command = [find_program("iverilog"), "-g2005", "-Wall", "-Wno-timescale", "-s", made.top, "-t", "null"]
    assert succeed([*command, str(made.path)], tmp_path) == ""


WORD = r" = \d+'h)([0-9a-f]+)(;)"
# Noise is seen in tokens alone: a line of the upper half, which a lane with much of it reads.
MUTANTS = {
    # Letter a at position 1, the first block of hidden units: its third unit.
    "F1": lambda v: in_module(v, "barrel.matrix", r"(^\s+addends\[6\]" + WORD, bit=2 * 17 + 11),
    "noise table": lambda v: in_module(v, "barrel.draw.noise", r"(^\s+lane0_table\[259\]" + WORD, bit=11),
    # BOS is the third token of eight positions each.
    "key of position 0": lambda v: in_module(v, "barrel.scores", r"(^\s+pairs\[16\]" + WORD, bit=30),
    "stream in a key's address": lambda v: in_module(
        v, "barrel.scores", r"^(\s+assign write__addr = fresh \? \{ )(job\[2:0\])(, job\[7:5\] \} : .*)$",
        change="job[2:1], ~job[0]",
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
        run_bench(model, small_barrel(), BATCHES_BENCH, batches=[batch])


def test_sim_reports_all_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = small_barrel().save(tmp_path)
    out = tmp_path / "sim.json"
    options = ["--design", str(design), "--simulator", "icarus", "--icarus-names", "9", "--out", str(out)]
    assert cli.main(["sim", *options]) == 0
    report = check("sim", json.loads(out.read_text()))
    [run] = report["runs"]
    assert (run["core"], run["streams"], run["constant_position_0"], run["names"]) == ("barrel", 8, True, 9)
    assert run["cycles_per_step"] == run["cycles"] / run["steps"]
    assert run["steps_per_second"] == report["clock_hz"] * run["steps"] / run["cycles"]
    assert sum(run["cycles_by_stage"].values()) == run["cycles"]
    assert run["checked"]["values"] == run["steps"] * (5 + 2 + design_vocabulary()) + 4
    assert run["mismatches"] == 0
    # Streams are busy from the batch on, but for those that have ended: all cycles of all streams, and no more.
    found = expected_names(small_barrel(), Batch(seed=1, count=9, temperature=0x80, limit=5))
    by_position = [sum(name.length > position for name in found) for position in range(len(run["cycles_by_position"]))]
    total = sum(cycles * steps for cycles, steps in zip(run["cycles_by_position"], by_position, strict=True))
    assert run["cycles"] / 8 < total <= run["cycles"]
    shown = capsys.readouterr().out
    assert "Throughput of all streams together" in shown
    assert "matrix busy" in shown


def design_vocabulary() -> int:
    """Return the tokens of the small core."""
    return small_barrel().model.vocab_size


def test_measurements_of_other_batches_are_not_believed() -> None:
    """Names, steps and cycles must fit what was asked for."""
    batch = Batch(seed=1, count=2, temperature=0x80, limit=5)
    fields: dict[str, Any] = {"design": small_barrel(), "simulator": "none", "verilog_sha256": "", "batch": batch}
    counters = {"cycles": 30, "steps": 5, "letters": 3, "digest": 1}
    good = BatchMeasurement(
        **fields, counters=counters, by_position=((9, 2), (5, 2), (6, 1)), values=0, mismatch=None
    )
    check_batch(good, 5)
    for wrong, message in (
        (replace(good, by_position=((9, 3), (5, 2))), r"^there must be results of 2 names, not of 3$"),
        (replace(good, by_position=((9, 2), (5, 2))), r"^steps must be as many in all counts, not 5, 4 and 5$"),
        (replace(good, counters=counters | {"cycles": 3}), r"^cycles must be at least those of the matrix, not 3$"),
    ):
        with pytest.raises(SimulatorError, match=message):
            check_batch(wrong, 5)


def test_batches_that_the_core_cannot_draw() -> None:
    core = small_barrel().core
    assert name_batch(core, 3, 2, 0.5) == Batch(seed=3, count=2, temperature=0x80, limit=5)
    with pytest.raises(ValueError, match=r"^temperature must be 0 \(greedy\) or 0.0625 to 16, not 17$"):
        name_batch(core, 3, 2, 17)
    with pytest.raises(ValueError, match=r"^seed must be 1 to 4294967295 "):
        name_batch(core, 0xFFFFFFFF, 2, 0.5)
