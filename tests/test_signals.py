"""SIGTERM ends every command that takes long: no program of it runs on, and nothing half-written is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from cosim.core.verify import compile_design, generate
from cosim.engine.simulators import Simulator
from tests.helpers.processes import marked, until
from tests.helpers.tiny_design import tiny_design

ROOT = Path(__file__).resolve().parent.parent
BEFORE = b"of an earlier run"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, and what is at work when the signal comes."""

    words: str
    """After ``python -m``; ``{design}``, ``{words}`` and ``{out}`` are files."""
    at: str
    """Matches the command line of a process, or the path of a library that one has loaded."""
    seconds: float = 0.0
    """After which it is well within its own work."""
    fresh: bool = False
    """Whether nothing has been built beforehand."""


_SIM = "cosim sim --design {design} --out {out} --icarus-names 100000"
_CAMPAIGN = "--design {design} --simulator icarus --icarus-names 90000 --out {out}"
CASES = {
    "sim, generating": Case(words=f"{_SIM} --simulator icarus", at="hdl verilog", fresh=True),
    "sim, compiling": Case(words=f"{_SIM} --simulator verilator", at="cc1plus"),
    "sim, simulating": Case(words=f"{_SIM} --simulator icarus", at="vvp"),
    "waves": Case(words="cosim waves --design {design} --out {folder} --simulator icarus", at="iverilog|ivl|vvp"),
    "gantt": Case(words="cosim gantt --design {design} --out {folder}", at="iverilog|ivl|vvp|verilator|make"),
    "gates": Case(words="cosim gates --design {design}", at="yosys"),
    "reset": Case(words="cosim reset --design {design}", at="iverilog|ivl|vvp"),
    "campaign": Case(words=f"cosim campaign --only lockstep {_CAMPAIGN}", at="vvp"),
    "names": Case(words="cosim names {words} --steps 20 --out {folder}", at="hdl.boards|hdl verilog", fresh=True),
    "board": Case(words="cosim.host board --design {design}", at="verilator|yosys"),
    "resources": Case(words="hdl resources --design {design} --out {out}", at="yosys", fresh=True),
    "bench": Case(words="host_c.bench --no-chart --out {folder}", at="_talos", seconds=1.0),
    "sampler of C": Case(words="host_c.sampler_test --out {out}", at="_talos", seconds=1.0),
    "train": Case(words="talos_ref train --names {words} --steps 1000000 --out {out}", at="_umath", seconds=1.0),
    "ladder": Case(words="talos_ref ladder --names {words} --folder {folder}", at="_umath", seconds=1.0),
    "quant": Case(words="talos_ref quant --folder {folder}", at="_umath", seconds=1.0),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the design's Verilog, and the same compiled for Icarus."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALOS_BUILD", str(folder))
        compile_design(Simulator.ICARUS, generate(tiny_design()), waves=True)
    return folder


def at_work(processes: list[int], pattern: str) -> bool:
    """Return whether one of the processes is what a pattern says."""
    for process in processes:
        for file in ("cmdline", "maps"):
            try:
                text = Path(f"/proc/{process}/{file}").read_text(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if re.search(pattern, text):
                return True
    return False


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_sigterm(case: Case, names: list[str], prepared: Path, tmp_path: Path) -> None:
    build, mark = tmp_path / "build", f"TALOS_TEST={uuid.uuid4()}"
    if case.fresh:
        build.mkdir()
    else:
        shutil.copytree(prepared, build, symlinks=True)
    files = {"design": tiny_design().save(tmp_path / "design")}
    for name in ("words", "out", "folder", "temporary"):
        files[name] = tmp_path / name
    files["words"].write_text("".join(f"{name}{name}anna\n" for name in names[:400]))
    files["out"].write_bytes(BEFORE)
    files["temporary"].mkdir()
    words = [word.format(**files) for word in case.words.split()]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TALOS_BUILD": str(build), "TMPDIR": str(files["temporary"]),
        **dict([mark.split("=")]),
    }  # fmt: skip
    with (tmp_path / "errors").open("wb") as errors:
        run = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
    try:
        begun = until(lambda: run.poll() is not None or at_work(marked(mark), case.at), 300)
        said = (tmp_path / "errors").read_text()
        time.sleep(case.seconds)
        assert begun, f"the command must come to {case.at}: {said}"
        assert run.returncode is None, said
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == -signal.SIGTERM
    finally:
        run.kill()
        run.wait()
    assert until(lambda: not marked(mark), 5), [Path(f"/proc/{p}/cmdline").read_text() for p in marked(mark)]
    said = (tmp_path / "errors").read_text()
    assert "Traceback" not in said
    assert files["out"].read_bytes() == BEFORE
    folder = files["folder"]
    assert not folder.exists() or not list(folder.glob(".*"))
    assert not list(tmp_path.glob(".*")), "a file that was to be renamed"
    assert not list(build.rglob("*.new")), "an artefact that was not complete"
    assert not [path for path in build.rglob("runs/*") if path.is_dir()], "a run's folder"
    assert not list(files["temporary"].iterdir())
