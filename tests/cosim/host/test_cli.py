"""``python -m cosim.host`` on a board without a circuit: output, files, comparisons, errors and exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.host import commands
from cosim.host.cli import main
from talos_ref.cli import main as golden_main
from talos_ref.model.config import MICROGPT
from tests.helpers.designs import small_design
from tests.helpers.model_board import ModelBoard
from tests.helpers.plugged_boards import REGISTERS, Plug, flipped


@pytest.mark.parametrize("core", ["tile16", "fused"])
def test_generate_says_what_the_golden_model_says(core: str, plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    board = plug(ModelBoard(core))
    drawing = ["--seed", "7", "--temperature", "0.5", "--count", "5", "--json"]
    assert main(["generate", *drawing, "--check", "--replay"]) == 0
    said = capsys.readouterr()
    assert golden_main(["generate", "--arithmetic", board.design.core.arithmetic_name, *drawing]) == 0
    assert said.out == capsys.readouterr().out
    assert said.err == ""
    assert board.closed == 1


def test_a_check_says_how_much_it_compared(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["generate", "--seed", "2", "--count", "1", "--check"]) == 0
    assert capsys.readouterr().out == "kelyn\n40 values compared with the golden model, all equal\n"
    assert main(["generate", "--seed", "2", "--count", "1", "--replay"]) == 0
    assert capsys.readouterr().out == f"kelyn\n{40 + 6 * 31} values compared with the golden model, all equal\n"


@pytest.mark.parametrize("command", ["generate --count 3", "bench 3", "counters"])
def test_a_difference_ends_the_command(command: str, plug: Plug, tmp_path: Path, capsys: Any) -> None:
    plug(flipped("logits", 3))
    file = tmp_path / "found.json"
    assert main([*command.split(), "--seed", "2", "--check", "--save", str(file)]) == 1
    assert capsys.readouterr().err == "error: seed 2, step 5: logit 3 must be -5122, not -5121\n"
    saved = json.loads(file.read_text())
    assert saved["mismatch"] == {
        "seed": 2, "step": 5, "what": "logit", "index": 3, "expected": -5122, "actual": -5121
    }  # fmt: skip
    assert saved["names"] == [{"seed": 2, "tokens": [10, 4, 11, 24, 13], "text": "kelyn"}]


def test_only_a_replay_finds_a_wrong_logit_of_an_early_step(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    """The registers keep the last step's logits, so that a name alone cannot show the others'."""
    board = ModelBoard()
    at = REGISTERS.register("logits").at(0)
    board.change = lambda address, word: word ^ (address == at and word == 11250)
    plug(board)
    assert main(["generate", "--seed", "2", "--count", "1", "--check"]) == 0
    assert main(["generate", "--seed", "2", "--count", "1", "--replay"]) == 1
    assert capsys.readouterr().err == "error: seed 2, step 1: logit 0 must be 11250, not 11251\n"


def test_a_letter_that_is_none(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    at = REGISTERS.register("letters").at(1)
    plug(ModelBoard(change=lambda address, word: 0x1234 if address == at else word))
    assert main(["generate", "--seed", "2", "--count", "1"]) == 0
    assert capsys.readouterr().out == "k?lyn\n"


def test_info(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard("wide"))
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert re.fullmatch(
        r"id          0x4d475254\nversion     3\.3\ncore        wide\narithmetic  precise\n"
        r"build       [0-9a-f]{8}, as these sources make it\nclock       56\.25 MHz\n"
        r"model       27 tokens, 16 positions, words of Q4\.12\n", said,
    )  # fmt: skip
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["build_matches"] is True


def scrubbing(corrupt: int) -> Callable[[int, int], int]:
    """Return the answers of a board with a scrubber, which has found a ROM corrupt or not."""
    machine, status, passes = (REGISTERS.register(name) for name in ("machine", "status", "rom_passes"))
    set_bits = {machine.address: machine.encode(scrubber=1), status.address: status.encode(rom_corrupt=corrupt),
                passes.address: 1_234_567}  # fmt: skip
    return lambda address, word: word | set_bits.get(address, 0)


def test_sound_roms(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard(change=scrubbing(0)))
    assert main(["info"]) == 0
    said = "ROMs        as they were programmed, in all of 1,234,567 passes of the scrubber\n"
    assert capsys.readouterr().out.endswith(said)
    assert main(["generate", "--seed", "2", "--count", "1"]) == 0


@pytest.mark.parametrize("command", ["info", "generate"])
def test_a_corrupt_rom(command: str, plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard(change=scrubbing(1)))
    assert main([command]) == 1
    assert capsys.readouterr().err == (
        "error: the board's ROMs must hold what they were programmed with, and one has changed: nothing that it says "
        "can be relied on; program it again\n"
    )


def test_a_rom_that_changes_between_names(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    """No name is made any more once the scrubber has told of it."""
    told: list[int] = []

    def change(address: int, word: int) -> int:
        # It is read at the end of a name.
        if address == REGISTERS.register("seed").address:
            told.append(1)
        return scrubbing(int(len(told) > 0))(address, word)

    plug(ModelBoard(change=change))
    assert main(["generate", "--seed", "2", "--count", "2"]) == 1
    said = capsys.readouterr()
    assert said.out == "kelyn\n"
    assert said.err.startswith("error: the board's ROMs must hold")


def test_another_build_is_said(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(flipped("build"))
    assert main(["info"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("warning: the board's build is ")
    assert "as these sources make it" not in said.out


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (flipped("id"), "error: the board's ID must be 0x4d475254, not 0x4d475255: it holds another design"),
        (
            ModelBoard(change=lambda address, word: 0x00030001 if address == 0x04 else word),
            "error: the board's register map must be 3.3, not 3.1: its design is older",
        ),
        (flipped("machine"), "error: the board must not be held in reset: put SW1 down"),
        (ModelBoard("wide"), "error: the board's core must be tile16, not wide"),
        (ModelBoard(hangs=True), "error: the name of seed 1 must end within 0.05 s, and has not"),
    ],
)
def test_a_board_that_is_not_ours(
    board: ModelBoard, message: str, plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plug(board)
    file = tmp_path / "found.json"
    assert main(["generate", "--core", "tile16", "--timeout", "0.05", "--save", str(file)]) == 1
    assert capsys.readouterr().err.startswith(message)
    assert board.closed == 1
    assert not file.exists()


def test_another_alphabet(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, steps and files in the design's own letters, checked against its own weights."""
    design = small_design("가나다라마바사")
    board = plug(ModelBoard(design))
    folder = ["--design", str(design.save(tmp_path))]
    file = tmp_path / "found.json"
    assert main(["generate", "--seed", "5", "--count", "4", "--replay", "--save", str(file), *folder]) == 0
    said = capsys.readouterr()
    *names, checked = said.out.splitlines()
    assert said.err == ""
    assert len(names) == 4
    assert set("".join(names)) <= set(design.model.alphabet)
    assert [found["text"] for found in json.loads(file.read_text())["names"]] == names
    assert checked.endswith("values compared with the golden model, all equal")
    assert board.hex, "the letters go to the display as tokens"
    assert main(["step", "--text", "나사", "--check", *folder]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("position 0, · in: ")
    assert "position 2, 사 in: " in said.out
    assert main(["step", "--text", "a", *folder]) == 2
    assert capsys.readouterr().err == "error: text must hold letters of '가나다라마바사' only, not 'a'\n"
    assert main(["generate", "--limit", "7", *folder]) == 2
    assert capsys.readouterr().err == "error: limit must be 1 to 6 letters, not 7\n"


def test_an_alphabet_with_the_sign_of_bos(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = small_design("·a")
    plug(ModelBoard(design))
    assert main(["step", "--design", str(design.save(tmp_path))]) == 0
    assert capsys.readouterr().out.startswith("position 0, ∎ in: ")


def test_a_design_and_weights_at_once(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["info", "--design", "a.json", "--weights", "b.npz"]) == 2
    assert capsys.readouterr().err == "error: --design must stand without --weights: the file says what the design is\n"


def test_save_and_accesses(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = plug(ModelBoard())
    file, accesses = tmp_path / "found.json", tmp_path / "accesses.txt"
    assert main(["generate", "--count", "2", "--save", str(file), "--accesses", str(accesses)]) == 0
    saved = json.loads(file.read_text())
    assert [name["text"] for name in saved["names"]] == capsys.readouterr().out.split()
    assert (saved["seed"], saved["temperature_q8_8"], saved["limit"]) == (1, 0x80, 15)
    assert (saved["command"], saved["transport"], saved["board"]["core"]) == ("generate", "simulation", "tile16")
    assert saved["totals"]["names"] == 2
    assert saved["mismatch"] is None
    assert accesses.read_text().splitlines() == [f"{kind} {at:#05x} {word:#010x}" for kind, at, word in board.log]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accesses.txt", "found.json"]


def test_ctrl_c(plug: Plug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(address: int, word: int) -> int:
        if address == REGISTERS.register("letters").at(3):
            raise KeyboardInterrupt
        return word

    board = plug(ModelBoard(change=change))
    file = tmp_path / "found.json"
    assert main(["generate", "--seed", "2", "--save", str(file)]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert board.closed == 1
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("generate --seed 0", "--seed must be 1 to 4294967295 (xorshift32 never"),
        ("generate --seed 4294967295", "seed + count - 1 must be at most 4294967295, not 4294967304"),
        ("generate --temperature 300", "temperature must be 0 to 255.996, not 300.0"),
        ("generate --limit 16", "limit must be 1 to 15 letters, not 16"),
        ("generate --count 0", "--count must be 1 to 1000000, not 0"),
        ("generate --count x", "--count must be an integer, not 'x'"),
        ("generate --timeout 0", "--timeout must be more than 0 and at most 3600 seconds, not 0"),
        ("generate --transport usb", "--transport must be simulation, system-console or serial, not 'usb'"),
        ("generate --core tile17", "--core must be tile16, wide or fused, not 'tile17'"),
        ("generate --save /nowhere/at/all", "cannot write /nowhere/at/all"),
        ("step --tokens 26,27", "token must be 0 to 26, not 27"),
        ("step --text é", "text must hold letters of"),
        ("step --text a --tokens 1", "--text must stand without --tokens"),
        ("bench", "N must be given"),
        ("sing", "no such command 'sing'"),
        ("tcl /nowhere.tcl", "script must be a file, not /nowhere.tcl"),
    ],
)
def test_bad_options(arguments: str, message: str, plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_greedy_and_limited_names(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard("fused"))
    assert main(["generate", "--temperature", "0", "--limit", "4", "--count", "2", "--replay"]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == second
    assert len(first) == 4
    assert set(first) <= set(MICROGPT.alphabet)


def test_most_names_fit_a_seed() -> None:
    assert commands.MAX_NAMES < 1 << 32
