"""A bit flipped anywhere in a core, or in the golden model, is caught by the lock step within a few names."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosim.core.bench_run import run_bench
from cosim.core.checker import Mismatch
from cosim.core.request import name_request
from cosim.core.verify import NAMES_BENCH, Generated, compile_design
from cosim.engine.simulators import Simulator
from talos_ref.model.checkpoint import Checkpoint
from tests.helpers.cosim_designs import compiled, generated, sampled_requests
from tests.helpers.designs import published

REQUESTS = [*sampled_requests("tile16", 2), *(name_request(seed, 0x400, 15) for seed in (1, 2))]
"""Two names at temperature 0.5, and two long ones at 4, where near and far logits weigh alike."""


def flip(digits: str, bit: int) -> str:
    """Return hexadecimal digits with one bit inverted."""
    return f"{int(digits, 16) ^ (1 << bit):0{len(digits)}x}"


def in_module(verilog: str, module: str, pattern: str, change: str | None = None, bit: int = 0, which: int = 0) -> str:
    """Return Verilog with one match of ``pattern`` changed: text put in its place, or a bit of group 2 flipped."""
    begin = re.search(rf"^module \\?{re.escape(module)} ?\(", verilog, re.M)
    assert begin is not None, f"no module {module}"
    end = verilog.index("endmodule", begin.end())
    matches = list(re.compile(pattern, re.M).finditer(verilog, begin.end(), end))
    assert matches, f"{pattern} is not in {module}"
    match = matches[which % len(matches)]
    text = f"{match[1]}{flip(match[2], bit) if change is None else change}{match[3]}"
    return verilog[: match.start()] + text + verilog[match.end() :]


PROJECTION_WORD = r"(^\s+memory\[20\] = 256'h)([0-9a-f]+)(;)"
MUTANTS = {
    "weight": lambda v: in_module(v, weights_module(v), PROJECTION_WORD, bit=4 * 16 + 3),
    "token embedding": lambda v: in_module(v, "tile16.embedding", r"(^\s+wte\[26\] = 256'h)([0-9a-f]+)(;)", bit=5),
    "attention's exp table": lambda v: in_module(
        v, "tile16.attention", r"(^\s+step_exp_weight = 13'h)(1000)(;)", bit=6
    ),
    # Every lane of the sampler has a copy of the table.
    "sampler's exp table": lambda v: re.sub(r"(8'h04:\n.*wrapping_exp_weight.* = 32'd)3189;", r"\g<1>1141;", v),
    "tile's adder": lambda v: in_module(
        v, "tile16.tile", r"(^  assign .* = \$signed\(.*\))( \+ )(\$signed\(.*;)", change=" - "
    ),
    "attention's adder": lambda v: in_module(
        v, "tile16.attention", r"(^  assign .* = \$signed\(.*\))( \+ )(\$signed\(.*;)", change=" - "
    ),
}


def weights_module(verilog: str) -> str:
    """Return the module that holds the matrices."""
    names: list[str] = re.findall(r"^module \\(\S+) ", verilog, re.M)
    return next(name for name in names if name.startswith("tile16.weights"))


@pytest.mark.parametrize("what", MUTANTS)
def test_a_wrong_core_is_caught(what: str, tmp_path: Path) -> None:
    text = generated("tile16").path.read_text()
    mutant = MUTANTS[what](text)
    assert mutant != text
    path = tmp_path / "tile16.v"
    path.write_text(mutant)
    wrong = Generated(published("tile16"), path, hashlib.sha256(mutant.encode()).hexdigest(), folder=tmp_path)
    model = compile_design(Simulator.ICARUS, wrong)
    place = r"^tile16 in Icarus Verilog .*, seed \d+, step \d+, stage [A-Z_0-9]+: .* must be"
    with pytest.raises(Mismatch, match=place):
        run_bench(model, wrong.design, NAMES_BENCH, requests=REQUESTS)


def test_a_wrong_golden_model_is_caught(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """One weight one step off in the model's checkpoint: the difference names seed, step, stage and index."""
    tensors = {name: np.array(tensor) for name, tensor in checkpoint.tensors.items()}
    tensors["lm_head"][5] += np.float32(2 / 4096)
    golden = replace(published("tile16"), checkpoint=Checkpoint(checkpoint.config, tensors))
    with pytest.raises(Mismatch) as caught:
        run_bench(compiled("tile16", Simulator.ICARUS), golden, NAMES_BENCH, requests=REQUESTS)
    found = caught.value
    assert (found.seed, found.step, found.stage, found.field) == (1, 0, "LM_HEAD", "logits[5]")
    assert isinstance(found.expected, int)
    assert isinstance(found.actual, int)
    assert found.expected != found.actual


def test_the_changes_are_what_they_say() -> None:
    assert flip("0c75", 0) == "0c74"
    assert in_module("module \\a.b (x);\n  y = 4'h7;\nendmodule", "a.b", r"(y = 4'h)(7)(;)", bit=3).count("4'hf;") == 1
