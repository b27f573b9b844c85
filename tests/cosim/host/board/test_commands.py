"""The commands on the simulated board, with tile16, the smallest design and the flagship."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from cosim.engine.digests import ROOT
from cosim.host.board import simulation
from cosim.host.board.simulation import board_model, simulated_board
from cosim.host.check import expected_names
from cosim.host.cli import main
from cosim.host.machine import run_name
from hdl.boards.parts.hex_display import segments
from hdl.core.cores import core_config
from hdl.design import Design
from hdl.registers.map import register_map
from talos_ref.model.config import MICROGPT
from tests.helpers.board_designs import demo_board
from tests.helpers.designs import published, tiny_design
from tests.helpers.simulated_names import TEMPERATURE, golden_names


def test_the_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All commands on tile16, all values compared, each on a board of its own."""
    monkeypatch.setattr(simulation, "board_model", lambda design, notice: demo_board())
    file, core = tmp_path / "found.json", ["--core", "tile16"]
    assert main(["generate", *core, "--seed", "1", "--count", "8", "--replay", "--save", str(file)]) == 0
    said = capsys.readouterr()
    names = ["".join(MICROGPT.alphabet[letter] for letter in letters) for letters in golden_names(1, 8)]
    assert said.out.split()[:8] == names
    assert json.loads(file.read_text())["mismatch"] is None
    assert main(["bench", "30", *core, "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == 30
    assert found["letters_per_second"] > 100_000
    for command in ("info", "step --text kelyn --check", "counters --seed 2 --check"):
        assert main([*command.split(), *core]) == 0


@pytest.mark.parametrize("command", ["generate", "step"])
def test_what_the_page_shows(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples on tile16 in README.md are what the commands print."""
    monkeypatch.setattr(simulation, "board_model", lambda design, notice: demo_board())
    page = (ROOT / "cosim" / "host" / "README.md").read_text()
    example = re.search(rf"^```\n\$ python -m cosim\.host ({command} .*?)\n(.*?)^```$", page, re.M | re.S)
    assert example is not None
    assert main(example[1].split()) == 0
    assert capsys.readouterr().out == example[2]


@pytest.fixture
def tiny() -> Design:
    """The smallest design."""
    return tiny_design()


def test_another_alphabet(tiny: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host knows the board of other weights, and writes its letters; one that no digit can form leaves it dark."""
    folder = ["--design", str(tiny.save(tmp_path))]
    assert main(["info", *folder]) == 0
    assert "as these sources make it\n" in capsys.readouterr().out
    assert main(["generate", *folder, "--seed", "5", "--count", "20", "--replay"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    *names, checked = said.out.splitlines()
    assert set("".join(names)) == {"n", "あ"}
    assert checked.endswith("values compared with the golden model, all equal")
    registers = register_map(tiny.model, tiny.word)
    with simulated_board(board_model(tiny), seconds=60) as board:
        for seed in range(5, 9):
            run = run_name(board.transport(), registers, seed=seed, temperature=TEMPERATURE, limit=4, seconds=60)
            board.run(1000)
            lit = [segments("n") if letter == 0 else 0 for letter in run.letters]
            assert board.segments() == list(reversed(lit + [0] * (6 - len(lit))))


def test_a_program_that_is_system_console(tiny: Design, tmp_path: Path) -> None:
    """From any folder, with the design that it was made for: a session, a script, a script before a session."""
    board_model(tiny)
    program, folder = tmp_path / "it's a program", tmp_path / "elsewhere"
    folder.mkdir()
    design = os.path.relpath(tiny.save(tmp_path))
    assert main(["system-console", "--design", design, "--program", str(program)]) == 0
    (folder / "hdl.py").write_text("raise SystemExit('the wrong module')\n")
    (folder / "script.tcl").write_text(
        "set m [claim_service master [lindex [get_service_paths master] 0] {}]\n"
        "puts $argv,[master_read_32 $m 0 1]\nif {$argc} { exit 5 }\n"
    )
    environment = {**os.environ, "PYTHONSAFEPATH": ""}

    def run(*words: str, text: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [program, *words], cwd=folder, env=environment, input=text, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert run("-cli", "-disable_readline", text="puts [pwd]\nexit 3\n") == (3, f"% {folder}\n% ", "")
    assert run("--cli", "--script=script.tcl") == (0, ",0x4d475254\n", "")
    assert run("-cli", "--script", "script.tcl", "--", "--op", "x") == (5, "--op x,0x4d475254\n", "")
    assert run("-cli", "-rc_script=script.tcl", text="master_read_32 $m 4 1") == (
        0, ",0x4d475254\n% 0x00030003\n% ", ""
    )  # fmt: skip
    assert run()[::2] == (2, "error: -cli must be given: the simulated board's System Console has no window\n")


def test_fused(capsys: pytest.CaptureFixture[str]) -> None:
    """The flagship through the command line, sampled and greedy, with every logit."""
    assert main(["generate", "--core", "fused", "--seed", "100", "--count", "12", "--replay"]) == 0
    said = capsys.readouterr()
    core = core_config("fused")
    names = expected_names(published(core.name), range(100, 112), TEMPERATURE, 15)
    for line, golden in zip(said.out.splitlines(), names, strict=False):
        assert line == MICROGPT.decode([step.token_out for step in golden])
    assert main(["generate", "--core", "fused", "--temperature", "0", "--count", "1", "--replay"]) == 0
    assert main(["bench", "50", "--core", "fused", "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["steps_per_second"] > 1_000_000
