"""Models of the vendor's blocks, the server in place of the cable, on a small board."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosim.host.board.simulation import MODELS, SimulatedBoard, connect, simulated_board
from cosim.host.errors import BoardError, BoardTimeout, HostError
from hdl.boards.de1_soc.vendor_cells import VENDOR_CELLS
from hdl.device.vendor_cell import VendorCell
from tests.helpers.board_designs import small_board

_CYCLES = 0x3C
"""Counts cycles since the lock."""
_SLOW, _HANGS = 0x08, 0x0C


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    with simulated_board(small_board(), seconds=20) as found:
        yield found


@pytest.mark.parametrize("cell", VENDOR_CELLS, ids=lambda cell: cell.name)
def test_the_models_have_the_ports_of_the_vendors_cells(cell: VendorCell) -> None:
    text = "".join(path.read_text() for path in MODELS)
    found = re.search(rf"^module {cell.name} (?:#\((.*?)\n\) )?\((.*?)\n\);", text, re.M | re.S)
    assert found is not None
    parameters = set(re.findall(r"parameter (\w+) =", found[1] or ""))
    assert set(cell.parameters) <= parameters
    for direction, ports in (("input", cell.inputs), ("output", cell.outputs)):
        named = re.findall(rf"{direction} (?:wire|reg) (?:\[(.+?) ?- ?1:0\] |\[(\d+):0\] )?(\w+)", found[2])
        widths = {name: word or (str(int(high) + 1) if high else "1") for word, high, name in named}
        assert {name: widths[name] for name in ports} == ports


def test_words(board: SimulatedBoard) -> None:
    bus = board.transport()
    words = [0x12345678, 0xDEADBEEF, 0xFFFFFFFF, 0]
    for index, word in enumerate(words[:2]):
        bus.write(4 * index, word)
    bus.write(_SLOW, words[2])
    assert bus.read_words(0, 3) == words[:3]
    assert bus.read(_SLOW) == words[2]


def test_byte_enables(board: SimulatedBoard) -> None:
    bus = board.transport()
    bus.write(0, 0x11223344)
    for lane in range(4):
        board.link.ask(f"write 0 0xAABBCCDD {1 << lane}")
        mask = 0xFFFFFFFF >> (24 - 8 * lane)
        assert bus.read(0) == (0xAABBCCDD & mask) | (0x11223344 & ~mask)


def test_the_clock_is_56_25_mhz(board: SimulatedBoard) -> None:
    """Nine cycles to eight of the oscillator, over 10 ms: no cycle is lost."""
    bus = board.transport()
    first = bus.read(_CYCLES), board.nanoseconds()
    board.run(10_000_000)
    second = bus.read(_CYCLES), board.nanoseconds()
    assert second[0] - first[0] == pytest.approx((second[1] - first[1]) * 0.05625, abs=1.5)


def test_the_lock_takes_500_cycles_of_the_oscillator(board: SimulatedBoard) -> None:
    locked = board.nanoseconds() - board.transport().read(_CYCLES) / 0.05625
    assert 500 * 20 <= locked + 300 <= 500 * 20 + 600


def test_time_stands_still_between_requests(board: SimulatedBoard) -> None:
    assert board.nanoseconds() == board.nanoseconds()
    board.run(123)
    before = board.nanoseconds()
    board.run(1)
    assert board.nanoseconds() == before + 1


def test_pins(board: SimulatedBoard) -> None:
    pins = board.pins()
    assert pins == {
        "display_7seg_0__a__io": 0, "led_0__io": 1, "led_1__io": 0, "switch_0__io": 1, "switch_1__io": 0,
        "switch_2__io": 0,
    }  # fmt: skip
    board.switch(1, 1)
    board.switch(0, 0)
    board.transport().write(4, 1)
    pins = board.pins()
    assert (pins["led_0__io"], pins["led_1__io"], pins["display_7seg_0__a__io"]) == (0, 1, 1)


def test_a_bus_that_hangs(board: SimulatedBoard) -> None:
    """An access without an answer ends in bounded time, and so does each that waits behind it."""
    bus = board.transport()
    with pytest.raises(BoardTimeout, match=r"^the simulated board: no answer to a read at 0x00c in 100 microseconds$"):
        bus.read(_HANGS)
    with pytest.raises(BoardTimeout, match=r"no answer to a write at 0x000 in 100 microseconds$"):
        bus.write(0, 1)
    assert board.pins()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("sing", "request must be read, write, pins, set, run, time, debug, loop or port, not 'sing'"),
        ("", "request must be read, write, pins, set, run, time, debug, loop or port, not ''"),
        ("read", "request must be"),
        ("read x", "number must be an integer, not 'x'"),
        ("read 0x100000000", "number must be 0 to 0xfffffffc, not 0x100000000"),
        ("read 0 1025", "number must be 0 to 0x400, not 1025"),
        ("write 0 -1", "number must be 0 to 0xffffffff, not -1"),
        ("write 0 0 16", "number must be 0 to 0xf, not 16"),
        ("set led_0__io 1", "port must be one of switch_0__io, switch_1__io, switch_2__io, not 'led_0__io'"),
        ("loop", "request must be"),
        ("loop 256", "number must be 0 to 0xff, not 256"),
        ("set switch_0__io 2", "number must be 0 to 0x1, not 2"),
    ],
)
def test_bad_requests(request_: str, message: str, board: SimulatedBoard) -> None:
    with pytest.raises(BoardError) as caught:
        board.link.ask(request_)
    assert str(caught.value).startswith(f"the simulated board: {message}")
    assert board.transport().read(0) == 0


def test_what_the_jtag_node_says(board: SimulatedBoard) -> None:
    assert board.link.ask("loop 0 0x7f 255") == "0 127 255"
    found = [board.link.ask("debug").split() for _ in range(16)]
    assert {tuple(words[::2]) for words in found} == {("clock", "reset_n", "ticked")}
    assert {words[1] for words in found} == {"0", "1"}, "the clock is sampled at different times of its cycle"
    assert {(words[3], words[5]) for words in found} == {("1", "1")}
    board.switch(2, 1)
    assert board.link.ask("debug").split()[3] == "0"
    board.switch(2, 0)
    assert board.link.ask("debug").split()[3] == "1"


def test_a_clock_that_stands_still() -> None:
    """Without the cable's time none passes between two requests."""
    with simulated_board(small_board(), gap_ns=0) as board:
        assert [board.link.ask("debug").split()[5] for _ in range(3)] == ["1", "0", "0"]
        board.run(20)
        assert board.link.ask("debug").split()[5] == "1"


def test_several_clients(board: SimulatedBoard) -> None:
    first, second = connect(board.socket), connect(board.socket)
    first.write(0, 5)
    assert second.read(0) == 5
    first.close()
    second.write(0, 6)
    assert board.transport().read(0) == 6
    second.close()
    third = connect(board.socket)
    assert third.read(0) == 6
    third.close()


def test_the_record_of_accesses(board: SimulatedBoard) -> None:
    bus = board.transport()
    bus.write(4, 0xABCD)
    bus.read_words(0, 2)
    bus.read(0)
    lines = [line.split() for line in board.accesses.read_text().splitlines()]
    assert [line[1:] for line in lines] == [
        ["write", "0x004", "0x0000abcd"], ["read", "0x000", "0x00000000"], ["read", "0x004", "0x0000abcd"],
        ["read", "0x000", "0x00000000"],
    ]  # fmt: skip
    times = [int(line[0]) for line in lines]
    assert 500 < times[1] - times[0] < 700
    assert 0 < times[2] - times[1] < 200, "one request takes the cable's time once"
    assert 500 < times[3] - times[2] < 700


def test_the_simulation_ends_with_its_owner() -> None:
    with simulated_board(small_board()) as board:
        other = connect(board.socket)
        board.transport().close()
        assert board.process.poll() == 0
        assert not board.socket.parent.exists()
        with pytest.raises(HostError, match=r"^the simulated board ended in mid-session$"):
            other.read(0)
        other.close()


def test_a_simulation_that_does_not_start() -> None:
    model = small_board()
    with pytest.raises(HostError, match=r"(?s)^the simulated board did not start\n.*invalid literal for int"):
        with simulated_board(model, gap_ns="x"):  # type: ignore[arg-type]
            pass


def test_a_long_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a socket has room for 107 bytes; /tmp always leaves enough of them."""
    long = tmp_path / ("é" * 50)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with simulated_board(small_board()) as board:
        assert len(os.fsencode(board.socket)) <= 107
        assert board.socket.is_relative_to("/tmp")
    assert not any(long.iterdir())
    monkeypatch.setattr(os.path, "isdir", lambda path: False)
    message = r"^TMPDIR must be a folder with a shorter path, not '.*': a socket goes there$"
    with pytest.raises(HostError, match=message), simulated_board(small_board()):
        pass
