"""``python -m cosim.host`` on a board without a circuit: output, files, comparisons, errors and exit status."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import pytest

from cosim.host import commands, session
from cosim.host.cli import main
from cosim.host.errors import HostError
from cosim.host.transport import Transport
from hdl.registers.map import register_map
from talos_ref.cli import main as golden_main
from talos_ref.model.config import MICROGPT
from tests.helpers.designs import small_design
from tests.helpers.model_board import ModelBoard

REGISTERS = register_map(MICROGPT)

Plug = Callable[[ModelBoard], ModelBoard]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Return a function that makes a board the one that every command finds."""

    def found(board: ModelBoard) -> ModelBoard:
        @contextmanager
        def transport(*arguments: Any) -> Iterator[Transport]:
            try:
                yield board
            finally:
                board.close()

        monkeypatch.setattr(session, "open_transport", transport)
        return board

    return found


def flipped(name: str, index: int = 0) -> ModelBoard:
    """Return a board of which one bit of one register is wrong."""
    at = REGISTERS.register(name).at(index)
    return ModelBoard(change=lambda address, word: word ^ (address == at))


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


def test_letters_are_written_as_they_are_read(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    board = plug(ModelBoard())
    at = REGISTERS.register("letters")
    written: list[tuple[str, int]] = []

    class Out:
        encoding = "utf-8"
        held = ""

        def write(self, text: str) -> int:
            self.held += text
            return len(text)

        def flush(self) -> None:
            read = sum(kind == "read" and at.address <= address <= at.last for kind, address, _ in board.log)
            written.append((self.held, read))
            self.held = ""

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdout", Out())
    assert main(["generate", "--seed", "2", "--count", "1"]) == 0
    assert written[:6] == [("k", 1), ("e", 2), ("l", 3), ("y", 4), ("n", 5), ("\n", 5)]


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


def test_step_shows_all_logits(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["step", "--text", "ke", "--check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("position 0, · in: a is the most likely, 300 cycles\n  a   1.0251  b  -0.5190  c  -0.0356")
    assert len(re.findall(r"-?\d+\.\d{4}", said)) == 3 * 27
    assert said.endswith("93 values compared with the golden model, all equal\n")


def test_step_as_json(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["step", "--tokens", "26,10,4", "--json"]) == 0
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert golden_main(["trace", "--arithmetic", "talos-v2", "--tokens", "26,10,4", "--greedy", "--json"]) == 0
    golden = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for found, wanted in zip(steps, golden, strict=True):
        assert {key: found[key] for key in ("pos", "token_in", "argmax", "top_logit", "logits")} == {
            key: wanted[key] for key in ("pos", "token_in", "argmax", "top_logit", "logits")
        }
        assert found["cycles"] == sum(found["cycles_by_stage"].values()) == 300


def test_step_with_a_difference(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(flipped("logits", 26))
    assert main(["step", "--check"]) == 1
    assert capsys.readouterr().err == "error: step 0: logit 26 must be -10250, not -10249\n"


def test_counters(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    board = plug(ModelBoard())
    assert main(["counters", "--seed", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cycles"], found["steps"], found["letters"]) == (1800, 6, 5)
    assert found["tokens_per_second"] == int(found["letters_per_second"]) == 156250
    assert found["steps_per_second"] == 187500
    assert sum(found["cycles_by_stage"].values()) == 1800
    board.log.clear()
    assert main(["counters", "--last"]) == 0
    said = capsys.readouterr().out
    assert "cycles             1,800\n" in said
    assert re.search(r"fc1 +│ +1,800 │ +300.0 │ 100.0 %", said)
    assert {kind for kind, _, _ in board.log} == {"read"}


def test_counters_before_anything_ran(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard())
    assert main(["counters", "--last"]) == 0
    assert "cycles             0\n" in capsys.readouterr().out


def test_bench(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard("fused"))
    assert main(["bench", "20", "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == 20
    assert found["cycles"] == 300 * found["steps"]
    assert found["letters_per_second"] == pytest.approx(found["letters"] * 56_250_000 / found["cycles"])
    assert found["steps_per_second"] == pytest.approx(187_500)
    assert found["host_letters_per_second"] == pytest.approx(found["letters"] / found["host_seconds"])
    assert found["checked"] == found["letters"] + 20 * (4 + 31)
    assert main(["bench", "20"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"steps/s +│ +187,500 │", said)
    assert re.search(r"names +│ +20 │", said)


def test_info(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    plug(ModelBoard("wide"))
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert re.fullmatch(
        r"id          0x4d475254\nversion     3\.2\ncore        wide\narithmetic  precise\n"
        r"build       [0-9a-f]{8}, as these sources make it\nclock       56\.25 MHz\n"
        r"model       27 tokens, 16 positions, words of Q4\.12\n", said,
    )  # fmt: skip
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["build_matches"] is True


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
            "error: the board's register map must be 3.2, not 3.1: its design is older",
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


def stopped(error: BaseException) -> ModelBoard:
    """Return a board that raises an error when the fourth letter of a name is read."""

    def change(address: int, word: int) -> int:
        if address == REGISTERS.register("letters").at(3):
            raise error
        return word

    return ModelBoard(change=change)


ENDS = [(KeyboardInterrupt(), 130, "interrupted"), (HostError("the cable is out"), 1, "the cable is out")]


@pytest.mark.parametrize(("error", "status", "message"), ENDS)
def test_an_error_after_half_a_name(
    error: BaseException, status: int, message: str, plug: Plug, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a file that takes both outputs, the error begins on a line of its own; with objects nothing is half-made."""
    plug(stopped(error))
    for options, said in ((["--count", "1"], "kel\n"), (["--count", "1", "--json"], "")):
        with monkeypatch.context() as patch, (tmp_path / "both").open("w") as both:
            patch.setattr(sys, "stdout", both)
            patch.setattr(sys, "stderr", both)
            assert main(["generate", "--seed", "2", *options]) == status
        assert (tmp_path / "both").read_text() == f"{said}error: {message}\n"


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


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """Yield a terminal to write to, and a function that closes it and returns what it got, without escapes."""
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    said: list[bytes] = []

    def listen() -> None:
        with suppress(OSError):
            while data := os.read(ours, 65536):
                said.append(data)

    reader = threading.Thread(target=listen)
    reader.start()
    file = open(theirs, "w")  # noqa: SIM115

    def close() -> str:
        file.close()
        reader.join(10)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(said).decode())

    yield file, close
    file.close()
    reader.join(10)
    os.close(ours)


def test_a_name_on_a_terminal(plug: Plug, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stand one under another; the bar beside them shows the growing name and the rate."""
    plug(ModelBoard())
    file, close = terminal
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        assert main(["generate", "--seed", "2", "--count", "3"]) == 0
    text = close()
    names = [line.split("\r")[-1] for line in text.split("\r\n")]
    assert [name for name in names if name in ("kelyn", "tonan", "aleren")] == ["kelyn", "tonan", "aleren"]
    assert "letters/s on the board" in text
    assert "3/3" in text


@pytest.mark.parametrize(("error", "status", "message"), ENDS)
@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_an_error_after_half_a_name_on_a_terminal(
    kind: str, error: BaseException, status: int, message: str, plug: Plug, terminal: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The letters so far stay, with a bar and without one, and the error has the line below them."""
    plug(stopped(error))
    file, close = terminal
    with monkeypatch.context() as patch:
        patch.setenv("TERM", kind)
        # Rich takes a terminal for none, as where a bar would be in the way.
        patch.setenv("TTY_COMPATIBLE", "1" if kind == "xterm" else "0")
        patch.setattr(sys, "stdout", file)
        patch.setattr(sys, "stderr", file)
        assert main(["generate", "--seed", "2", "--count", "3"]) == status
    shown = [line.split("\r")[-1] for line in close().split("\r\n")]
    assert shown[-2:] == [f"error: {message}", ""]
    assert shown.count("kel") == 1


def test_a_terminal_without_the_letters(
    plug: Plug, terminal: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A letter that the terminal's encoding has not is a question mark, and no error."""
    design = small_design("가나다라마바사")
    plug(ModelBoard(design))
    file, close = terminal
    file.reconfigure(encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        assert main(["generate", "--seed", "5", "--count", "4", "--design", str(design.save(tmp_path))]) == 0
    assert "\r????\r\n" in close()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_names_in_a_file_and_the_bar_on_a_terminal(
    options: list[str], plug: Plug, terminal: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plug(ModelBoard())
    err, close = terminal
    with monkeypatch.context() as patch, (tmp_path / "out").open("w") as out:
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "stdout", out)
        assert main(["generate", "--seed", "2", "--count", "2", *options]) == 0
    lines = (tmp_path / "out").read_text().splitlines()
    assert [json.loads(line)["text"] if options else line for line in lines] == ["kelyn", "tonan"]
    text = close()
    assert "2/2" in text
    assert "kelyn" not in text


def test_objects_on_a_terminal_have_no_bar(plug: Plug, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plug(ModelBoard())
    file, close = terminal
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        patch.setattr(sys, "stderr", file)
        assert main(["generate", "--seed", "2", "--count", "2", "--json"]) == 0
    assert [json.loads(line)["text"] for line in close().splitlines()] == ["kelyn", "tonan"]


def test_most_names_fit_a_seed() -> None:
    assert commands.MAX_NAMES < 1 << 32
