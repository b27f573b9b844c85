"""A simulated board with several streams: batches over JTAG and the serial line, its demo, displays and switches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serial import Serial

from cosim.host.batch import Batch, BatchRun, run_batch
from cosim.host.board import simulation
from cosim.host.board.simulation import LINE_BAUD, SimulatedBoard, simulated_board
from cosim.host.cli import main
from cosim.host.errors import NoBoard
from cosim.host.machine import identify
from cosim.host.serial_port import serial_board
from cosim.host.transport import Transport
from hdl.boards.parts.batch_demo import BATCH_NAMES
from hdl.boards.parts.digest_text import digest_line
from hdl.boards.parts.hex_display import segments
from hdl.boards.parts.leds import LEDS
from hdl.core.config import CLOCK_HZ
from hdl.registers.maps import registers_of
from host_c import Model
from host_c.binding.digest import Digest, digest
from tests.helpers.barrel_designs import small_barrel
from tests.helpers.board_designs import DEMO_CYCLES, barrel_board

REGISTERS = registers_of(small_barrel().core)
PERIOD_NS = DEMO_CYCLES * 1_000_000_000 // CLOCK_HZ
RESET_SWITCH = 1


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    """Return the board, just switched on."""
    with simulated_board(barrel_board(), seconds=60, serial_baud=LINE_BAUD) as found:
        yield found


def wanted(seed: int, count: int) -> Digest:
    return digest(Model(small_barrel()), seed, count, 0.5, threads=1)


def shown(number: int) -> list[int]:
    """Return the lit segments of HEX0 to HEX5 for the end of a digest."""
    return [segments(digit) for digit in reversed(f"{number:08x}"[2:])]


def run(bus: Transport, seed: int, count: int) -> BatchRun:
    """Run a batch, and compare it with the C library's."""
    batch = Batch(seed=seed, count=count, temperature=0x80, limit=small_barrel().model.max_letters)
    found, golden = run_batch(bus, REGISTERS, batch, seconds=60), wanted(seed, count)
    assert (found.steps, found.letters, found.digest) == (golden.steps, golden.letters, golden.digest)
    return found


def test_batches_and_the_display(board: SimulatedBoard) -> None:
    assert identify(board.transport()).streams == 8
    for seed, count in ((1, 300), (77, 1), (0xFFFFFFF0, 15)):
        found = run(board.transport(), seed, count)
        board.run(1000)
        assert board.segments() == shown(found.digest)
        lit = dict(zip(LEDS, board.leds(), strict=True))
        assert (lit["ready"], lit["busy"], lit["done"]) == (0, 0, 1)
    board.transport().write(REGISTERS.register("control").address, 2)
    board.run(1000)
    assert board.segments() == shown(0)
    assert board.leds()[LEDS.index("ready")] == 1


def test_the_serial_line(board: SimulatedBoard) -> None:
    with serial_board(board.port(), baud=LINE_BAUD, seconds=60) as bus:
        assert run(bus, 5, 100).steps > 200


def test_the_demo(board: SimulatedBoard) -> None:
    """A batch a period on display and line, until a host comes; a reset ends whatever runs, and the demo goes on."""
    with Serial(board.port(), LINE_BAUD, timeout=0.05) as terminal:
        board.run(PERIOD_NS // 2)
        first = wanted(1, BATCH_NAMES).digest
        assert board.segments() == shown(first)
        board.run(PERIOD_NS)
        second = wanted(1 + BATCH_NAMES, BATCH_NAMES).digest
        assert board.segments() == shown(second)
        assert terminal.read(1000) == digest_line(1, first) + digest_line(1 + BATCH_NAMES, second)
    bus = board.transport()
    assert bus.read(0) == REGISTERS.register("id").reset
    for cycles in (3, 200):
        bus.write(REGISTERS.register("count").address, 1_000_000)
        bus.write(REGISTERS.register("control").address, 3)
        board.run(cycles * 160 // 9)
        assert bus.read(REGISTERS.register("status").address) & 7 == 2
        board.switch(RESET_SWITCH, 1)
        board.run(500)
        with pytest.raises(NoBoard, match=r"^the board must not be held in reset: put SW1 down$"):
            identify(bus)
        assert bus.read(REGISTERS.register("status").address) & 7 == 0
        board.switch(RESET_SWITCH, 0)
        board.run(500)
        run(bus, 9, 20)


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(simulation, "board_model", lambda design, notice: barrel_board())
    folder = ["--design", str(small_barrel().save(tmp_path))]
    assert main(["batch", *folder, "--count", "400", "--narrow"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert f"digest {wanted(1, 400).digest:08x} equal to host_c's of the same seeds\n" in said.out
