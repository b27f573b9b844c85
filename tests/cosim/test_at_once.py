"""Six mixed commands at once in one checkout: each reports what it was asked for, and nothing of another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cosim.engine.simulators import Simulator
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from tests.helpers.cosim_designs import compiled
from tests.helpers.designs import published

ROOT = Path(__file__).resolve().parents[2]
CORE = "tile16"


def sim(out: Path, kind: str, count: int, seed: int, temperature: str, *more: str) -> list[str]:
    names = ["--names", str(count), "--icarus-names", str(count), "--seed", str(seed), "--temperature", temperature]
    return ["sim", "--core", CORE, "--simulator", kind, *names, "--out", str(out), *more]


def expected(count: int, seed: int, temperature: int) -> tuple[int, int, int]:
    """Return names, steps and letters by the golden model alone."""
    design = published(CORE)
    model = IntegerModel(design.checkpoint, design.arithmetic)
    made = [step for s in range(seed, seed + count) for step in steps(model, seed=s, temperature=temperature)]
    return count, len(made), sum(step.token_out != design.model.bos for step in made)


@pytest.mark.parametrize("turn", range(int(os.environ.get("TALOS_TURNS", "1"))))
def test_six_commands_at_once(turn: int, tmp_path: Path) -> None:
    """``make stress`` does this five times."""
    for kind in Simulator:
        compiled(CORE, kind)
    sims = [
        ("verilator", 12, 1, "0.5", "--again"),
        ("verilator", 12, 7000, "1.5", "--again"),
        ("icarus", 2, 7000, "1.5", "--again"),
        ("verilator", 12, 1, "0.5", "--reference=python"),
    ]
    commands = [sim(tmp_path / f"{index}.json", *options) for index, options in enumerate(sims)]
    commands.append(["waves", "--core", CORE, "--seed", "2", "--out", str(tmp_path / "waves")])
    commands.append(["gantt", "--core", CORE, "--seed", "3", "--step", "0", "--out", str(tmp_path / "gantt")])
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "cosim", *command], cwd=ROOT, env=dict(os.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )
        for command in commands
    ]  # fmt: skip
    shown = [process.communicate()[0] for process in running]
    for command, process, text in zip(commands, running, shown, strict=True):
        assert process.returncode == 0, f"{' '.join(command)}: {text}"
    for index, (_, count, seed, temperature, _) in enumerate(sims):
        [run] = json.loads((tmp_path / f"{index}.json").read_text())["runs"]
        wanted = expected(count, seed, round(256 * float(temperature)))
        assert (run["names"], run["steps"], run["letters"]) == wanted, sims[index]
        assert run["mismatches"] == 0
    assert (tmp_path / "waves" / f"{CORE}-seed2.vcd").stat().st_size > 1_000_000
    assert f"{CORE}, step 0: 297 cycles" in shown[-1]
