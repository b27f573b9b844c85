"""The serial transport on a pseudo-terminal: bytes lost and changed, cables pulled, and what the user is told."""

from __future__ import annotations

import fcntl
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serial import SerialException

from cosim.host import serial_link, serial_port
from cosim.host.cli import main
from cosim.host.errors import BoardError, BoardTimeout, HostError, NoBoard, NoPort
from cosim.host.serial_port import serial_board
from hdl.boards.parts.serial_protocol import Status, frame
from hdl.registers.map import ID
from tests.helpers.model_board import ModelBoard
from tests.helpers.serial_board import SerialBoard, plugged_in
from tests.helpers.streams import seed

BAUD = 3_000_000


class Words:
    """A memory for a board."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {0: ID}
        self.log: list[tuple[int, int]] = []

    def read(self, address: int) -> int:
        return self.words.get(address, 0)

    def read_words(self, address: int, count: int) -> list[int]:
        return [self.read(address + 4 * index) for index in range(count)]

    def wait(self, seconds: float) -> None:
        pass

    def write(self, address: int, value: int) -> None:
        self.log.append((address, value))
        self.words[address] = value

    def close(self) -> None:
        raise AssertionError("nobody closes a memory")


@pytest.fixture
def port(tmp_path: Path) -> Path:
    return tmp_path / "port"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon, where it is known that nobody answers."""
    monkeypatch.setattr(serial_link, "_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(serial_link, "_MOST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(serial_link, "_CONTACT_SECONDS", 0.3)


def test_names(port: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole command, on a board whose demo was writing; what it does is what it does by any other transport."""
    board = ModelBoard()
    with plugged_in(SerialBoard(board, say=lambda data: "kelyn\r\né".encode() + data), port):
        assert main(["generate", "--transport", "serial", "--port", str(port), "--seed", "2", "--count", "2",
                     "--replay"]) == 0  # fmt: skip
    said = capsys.readouterr()
    assert said.out == "kelyn\ntonan\n452 values compared with the golden model, all equal\n"
    assert said.err == ""


@pytest.mark.usefixtures("impatient")
def test_a_bad_line(port: Path) -> None:
    """Whatever is lost or changed on its way, each write is done once, in order, and each read is right."""
    rng, words = random.Random(seed()), Words()

    def worse(data: bytes) -> bytes:
        match rng.randrange(6):
            case 0:
                return b""
            case 1:
                at = rng.randrange(len(data))
                return data[:at] + data[at + 1 :]
            case 2:
                at = rng.randrange(len(data))
                return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
            case 3:
                return rng.randbytes(5) + data
            case _:
                return data

    wanted = [(4 * rng.randrange(1, 64), rng.getrandbits(32)) for _ in range(25)]
    with plugged_in(SerialBoard(words, hear=worse, say=worse), port):
        said: list[str] = []
        with serial_board(str(port), baud=BAUD, seconds=60, notice=said.append) as bus:
            for at, word in wanted:
                bus.write(at, word)
                # Twice the same: another request, not a retry.
                bus.write(at, word)
                if rng.random() < 0.3:
                    assert bus.read_words(0, 70) == words.read_words(0, 70)
    assert words.log == [entry for entry in wanted for _ in range(2)]
    assert said == []


def test_late_answers(port: Path) -> None:
    """The answer to the request before is no answer to this one."""
    words, before = Words(), [b""]
    words.words = {4 * index: index for index in range(64)}

    def late(data: bytes) -> bytes:
        said, before[0] = before[0] + data, data
        return said

    with plugged_in(SerialBoard(words, say=late), port), serial_board(str(port), baud=BAUD, seconds=5) as bus:
        assert [bus.read(4 * index) for index in range(64)] == list(range(64))


def test_a_pulled_cable(port: Path) -> None:
    """The access that meets it is done once the cable is back."""
    words, said = Words(), list[str]()
    board = SerialBoard(words)
    first = plugged_in(board, port)
    first.__enter__()
    with serial_board(str(port), baud=BAUD, seconds=20, notice=said.append) as bus:
        bus.write(4, 1)
        first.__exit__(None, None, None)

        second = plugged_in(board, port)
        timer = threading.Timer(0.5, second.__enter__)
        timer.start()
        bus.write(8, 2)
        assert (bus.read(4), bus.read(8)) == (1, 2)
        timer.join()
        second.__exit__(None, None, None)
    assert words.log == [(4, 1), (8, 2)]
    assert said == [f"the serial port {port} is gone: waiting up to 20 s for it", f"the serial port {port} is back"]


def test_a_cable_that_stays_away(port: Path) -> None:
    with plugged_in(SerialBoard(Words()), port):
        bus = serial_board(str(port), baud=BAUD, seconds=0.5)
        found = bus.__enter__()
    message = rf"^the serial port {port} is gone, and did not come back within 0\.5 s: plug its cable in$"
    with pytest.raises(HostError, match=message):
        found.read(0)
    found.close()


@pytest.mark.usefixtures("impatient")
def test_a_board_that_falls_silent(port: Path) -> None:
    quiet = threading.Event()
    board = SerialBoard(Words(), hear=lambda data: b"" if quiet.is_set() else data)
    with plugged_in(board, port), serial_board(str(port), baud=BAUD, seconds=0.3) as bus:
        quiet.set()
        message = rf"^the board at {port} must answer within 0\.3 s, and did not \(\d+ tries\); see --timeout$"
        with pytest.raises(BoardTimeout, match=message):
            bus.read(0)


@pytest.mark.usefixtures("impatient")
def test_nobody(port: Path) -> None:
    def told(board: SerialBoard) -> str:
        with plugged_in(board, port):
            started = time.monotonic()
            with pytest.raises(NoBoard) as raised, serial_board(str(port), baud=BAUD, seconds=90):
                pass
            assert time.monotonic() - started < 5
        return str(raised.value)

    assert told(SerialBoard(None)) == (
        f"no board answers at {port}, at 3000000 bits a second: program it with a design that has a serial line of "
        "that rate, and let TXD and RXD cross; see --port and --baud"
    )
    other = SerialBoard(None)
    other.answer = lambda data: b"login: "  # type: ignore[method-assign]
    said = told(other)
    assert said.startswith(
        f"what is at {port} must be this project's board at 3000000 bits a second, and is not: it sent b'"
    )
    assert said.endswith("login: ' and no answer; see --port and --baud")
    echo = SerialBoard(None)
    echo.answer = lambda data: data  # type: ignore[method-assign]
    assert told(echo) == (
        f"{port} sends back what it is sent: its TXD and RXD must lead to the board, not to each other"
    )


def test_another_protocol(port: Path) -> None:
    board = SerialBoard(Words())
    board.answer = lambda data: frame(bytes([Status.REFUSED, data[3]]))  # type: ignore[method-assign]
    message = (
        rf"^the board at {port} refused an access: its design has another protocol than this host; program it again$"
    )
    with plugged_in(board, port), pytest.raises(BoardError, match=message):
        with serial_board(str(port), baud=BAUD, seconds=5):
            pass


def test_a_port_in_use(port: Path) -> None:
    with plugged_in(SerialBoard(Words()), port), port.open("rb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        message = (
            rf"^the serial port {port} must be free, and is in use: close the other host or terminal program$"
        )
        with pytest.raises(NoPort, match=message), serial_board(str(port), baud=BAUD, seconds=5):
            pass


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the system has, to be filled."""

    class Entry:
        def __init__(self, device: str, vid: int | None) -> None:
            self.device, self.vid = device, vid

    found: list[Any] = []
    monkeypatch.setattr(serial_port, "comports", lambda: [Entry(*entry) for entry in found])
    return found


def refusal(*options: str) -> tuple[int, str]:
    """Return exit status and message of a command on a serial port."""
    from contextlib import redirect_stderr
    from io import StringIO

    said = StringIO()
    with redirect_stderr(said):
        status = main(["info", "--transport", "serial", *options])
    return status, said.getvalue()


def test_absent(port: Path, ports: list[Any]) -> None:
    assert refusal("--port", str(port)) == (
        1,
        f"error: there is no serial port {port}: plug its cable in, or name another by --port (there are: none)\n",
    )
    ports += [("/dev/ttyUSB1", 0x0403), ("/dev/ttyS0", None)]
    assert refusal("--port", str(port)) == (
        1,
        f"error: there is no serial port {port}: plug its cable in, or name another by --port "
        "(there are: /dev/ttyS0, /dev/ttyUSB1)\n",
    )


def test_no_serial_port(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    status, said = refusal("--port", str(file))
    assert status == 1
    assert said.startswith(f"error: {file} must be a serial port, and is not (")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            SerialException(13, "could not open port"),
            "this user must be allowed to use the serial port P, and is not: on Debian and Ubuntu, "
            "`sudo usermod -aG dialout $USER` and a new login",
        ),
        # pyserial on Windows has no numbers.
        (
            SerialException("could not open port 'P': PermissionError(13, 'Access is denied.', None, 5)"),
            "the serial port P must be free, and is in use: close the other host or terminal program",
        ),
        (
            SerialException("could not open port 'P': FileNotFoundError(2, 'The system cannot find …', None, 2)"),
            "there is no serial port P: plug its cable in, or name another by --port (there are: none)",
        ),
        (
            ValueError("Failed to set custom baud rate (12345678)"),
            "the serial port P must have the rate of 115200 bits a second, and has not; see --baud",
        ),
    ],
)
def test_what_pyserial_says(error: Exception, text: str, ports: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(serial_port, "Serial", refuse)
    assert refusal("--port", "P") == (1, f"error: {text}\n")


def test_the_only_port(port: Path, ports: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Without --port, the one on USB."""
    assert refusal() == (
        1, "error: no serial port is on USB: plug the board's cable in, or name its port by --port\n",
    )  # fmt: skip
    ports += [(str(port), 0x0403), ("/dev/ttyS0", None)]
    with plugged_in(SerialBoard(ModelBoard()), port):
        assert main(["info", "--transport", "serial"]) == 0
    ports.append(("/dev/ttyUSB9", 0x1A86))
    assert refusal() == (1, f"error: --port must name one of the serial ports /dev/ttyUSB9, {port}\n")


def test_without_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    monkeypatch.delitem(sys.modules, "cosim.host.serial_port")
    status, said = refusal("--port", "P")
    assert status == 1
    assert said.startswith("error: a serial port needs pyserial (")
    assert said.endswith("): install it with `pip install pyserial`\n")


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--port", "/dev/ttyUSB0"]) == 2
    assert capsys.readouterr().err == "error: --port must stand with --transport serial, not simulation\n"
    assert main(["info", "--transport", "system-console", "--baud", "9600"]) == 2
    assert capsys.readouterr().err == "error: --baud must stand with --transport serial, not system-console\n"


@pytest.fixture(autouse=True)
def no_descriptor_left() -> Iterator[None]:
    """Fail if a test leaves a file open."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert len(set(os.listdir("/proc/self/fd"))) <= len(before)
