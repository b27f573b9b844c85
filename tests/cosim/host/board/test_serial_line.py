"""The serial line of the simulated board: pyserial at one end, the circuit's pins at the other."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial import Serial

from cosim.engine.digests import ROOT
from cosim.host.board.simulation import (
    LINE_BAUD,
    LINE_DEMO_CYCLES,
    SimulatedBoard,
    board_model,
    simulated_board,
)
from cosim.host.check import expected_names
from cosim.host.cli import main
from cosim.host.errors import BoardError, NoBoard
from cosim.host.machine import identify
from cosim.host.serial_port import serial_board
from hdl.boards.parts.leds import LEDS
from hdl.boards.parts.serial_protocol import read_request, write_request
from hdl.registers.map import ID, register_map
from tests.helpers.board_designs import small_board
from tests.helpers.designs import tiny_design
from tests.helpers.streams import seed

BAUD = LINE_BAUD
PERIOD_NS = LINE_DEMO_CYCLES * 160 // 9
REGISTERS = register_map(tiny_design().model, tiny_design().word)
RESET_SWITCH = 1


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    """Return the smallest board, just switched on."""
    model = board_model(tiny_design(), LINE_DEMO_CYCLES, serial_baud=BAUD)
    with simulated_board(model, seconds=60, serial_baud=BAUD) as found:
        yield found


def lines(count: int) -> bytes:
    """Return what the demo writes."""
    model = tiny_design().model
    names = expected_names(tiny_design(), range(1, count + 1), 0x80, model.max_letters)
    said = [model.decode([step.token_out for step in name if step.token_out != model.bos]) for name in names]
    return "".join(f"{name}\r\n" for name in said).encode()


def test_the_command(board: SimulatedBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of the whole path, every logit compared."""
    options = ["--transport", "serial", "--port", board.port(), "--baud", str(BAUD)]
    options += ["--design", str(tiny_design().save(tmp_path))]
    assert main(["generate", *options, "--seed", "5", "--count", "3", "--replay"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    *names, checked = said.out.splitlines()
    model = tiny_design().model
    golden = expected_names(tiny_design(), range(5, 8), 0x80, model.max_letters)
    wanted = [model.decode([step.token_out for step in name if step.token_out != model.bos]) for name in golden]
    assert names == wanted
    assert checked.endswith(" values compared with the golden model, all equal")
    assert main(["info", *options]) == 0
    assert "as these sources make it\n" in capsys.readouterr().out


def test_a_terminal(board: SimulatedBoard) -> None:
    """The demo's names, a line each; silence once a host was there, until a reset."""
    with Serial(board.port(), BAUD, timeout=0.05) as terminal:
        board.run(5 * PERIOD_NS + PERIOD_NS // 2)
        said = terminal.read(1000)
        assert said.count(b"\n") >= 5
        assert lines(said.count(b"\n")) == said
    with serial_board(board.port(), baud=BAUD, seconds=10) as host:
        assert host.read(0) == ID
    with Serial(board.port(), BAUD, timeout=0.05) as terminal:
        board.run(3 * PERIOD_NS)
        assert terminal.read(1000) == b""
        board.switch(RESET_SWITCH, 1)
        board.run(1000)
        board.switch(RESET_SWITCH, 0)
        board.run(3 * PERIOD_NS)
        found = terminal.read(1000)
        assert found.count(b"\n") >= 2
        assert lines(6).endswith(found) or found in lines(12)


def test_a_host_while_the_demo_writes(board: SimulatedBoard) -> None:
    """Frames among lines: the host takes what is its own, at whatever moment it comes."""
    rng = random.Random(seed())
    for _ in range(4):
        board.run(rng.randrange(2 * PERIOD_NS))
        with serial_board(board.port(), baud=BAUD, seconds=10) as host:
            assert identify(host).core == "tile16"
        board.switch(RESET_SWITCH, 1)
        board.run(1000)
        board.switch(RESET_SWITCH, 0)


def test_both_ways_to_the_registers(board: SimulatedBoard) -> None:
    """What one host writes the other reads; and in a reset, or after half a frame, both are answered."""
    config, jtag = REGISTERS.register("config"), board.transport()
    with serial_board(board.port(), baud=BAUD, seconds=10) as host:
        for value in (config.encode(limit=3, temperature=0x40), config.encode(limit=2, temperature=0x100)):
            host.write(config.address, value)
            assert jtag.read(config.address) == value
            jtag.write(config.address, value ^ 0x10000)
            assert host.read(config.address) == value ^ 0x10000
        board.switch(RESET_SWITCH, 1)
        board.run(1000)
        assert board.leds()[LEDS.index("running")] == 0
        for bus in (host, jtag):
            with pytest.raises(NoBoard, match=r"^the board must not be held in reset: put SW1 down$"):
                identify(bus)
        board.switch(RESET_SWITCH, 0)
        board.run(1000)
        assert identify(host) == identify(jtag)


def test_half_frames(board: SimulatedBoard) -> None:
    """What a host leaves behind that is killed in mid-frame, and noise, keep the next one from nothing."""
    rng = random.Random(seed())
    config, jtag = REGISTERS.register("config"), board.transport()
    kept = config.encode(limit=3, temperature=0x40)
    jtag.write(config.address, kept)
    for _ in range(6):
        request = rng.choice([read_request(1, 0, 3), write_request(1, config.address, [0])])
        rest = rng.choice([request[: rng.randrange(1, len(request))], rng.randbytes(20)])
        with Serial(board.port(), BAUD) as other:
            other.write(rest)
        with serial_board(board.port(), baud=BAUD, seconds=10) as host:
            assert host.read_words(0, 2)[0] == ID
            assert host.read(config.address) == kept


def test_a_board_of_its_own(tmp_path: Path) -> None:
    """The command says where its line is, and carries names and frames until Ctrl-C."""
    board_model(tiny_design(), LINE_DEMO_CYCLES, serial_baud=BAUD)
    folder = ["--design", str(tiny_design().save(tmp_path))]
    command = [sys.executable, "-m", "cosim.host", "board", *folder]
    # Where the tests run in the background, Ctrl-C is ignored, and a new process would ignore it too.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, handler)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with Serial(port, BAUD, timeout=30) as terminal:
            terminal.readline()
            said = terminal.readline() + terminal.readline()
        assert said in lines(1000)
        assert main(["info", "--transport", "serial", "--port", port, *folder]) == 0
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "error: interrupted\n")


def test_no_serial_line() -> None:
    with simulated_board(small_board()) as found:
        with pytest.raises(BoardError, match=r"^the simulated board: request must be read, write, pins, set, run, "):
            found.port()
