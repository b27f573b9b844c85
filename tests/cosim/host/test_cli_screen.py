"""``python -m cosim.host`` on a terminal and in files: letters as they come, bars, errors after half a name."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pytest

from cosim.host.cli import main
from tests.helpers.designs import small_design
from tests.helpers.model_board import ModelBoard
from tests.helpers.plugged_boards import ENDS, REGISTERS, Plug, stopped


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
