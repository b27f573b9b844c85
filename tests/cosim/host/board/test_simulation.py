"""The simulated board: the Verilog that Quartus compiles, from power-on to every letter, logit, display and switch."""

from __future__ import annotations

import pytest

from cosim.host.board.simulation import SimulatedBoard, board_model
from cosim.host.check import check_step, expected_steps
from cosim.host.errors import NoBoard
from cosim.host.machine import identify, run_name, run_step
from cosim.host.transport import Access, Recorded
from cosim.host.wanted import check_identity, wanted_by
from hdl.boards.parts.leds import LEDS
from hdl.core.config import CLOCK_HZ
from hdl.core.cores import core_config
from hdl.options import Choice
from tests.helpers.board_designs import DEMO_CYCLES, demo_board
from tests.helpers.designs import published
from tests.helpers.simulated_names import REGISTERS, TEMPERATURE, golden_names, name, shown

TILE16 = core_config("tile16")
PERIOD_NS = DEMO_CYCLES * 1_000_000_000 // CLOCK_HZ
"""From one name of the shortened demo to the next."""


def test_identity(board: SimulatedBoard) -> None:
    found = identify(board.transport())
    assert check_identity(found, wanted_by(Choice(core="tile16"))) == (published("tile16"), None)
    assert (found.arithmetic, found.clock_hz) == ("talos-v2", CLOCK_HZ)


def test_names_and_display(board: SimulatedBoard) -> None:
    for seed in (2, 1, 77, 0xFFFFFFFF, 0x9E3779B9):
        letters = name(board, seed)
        assert board.segments() == shown(letters), f"display after seed {seed}"
    long = next(seed for seed, letters in enumerate(golden_names(1, 200), 1) if len(letters) > 6)
    assert board.segments() != shown(name(board, long)[:6])
    assert board.segments() == shown(golden_names(long, 1)[0])


def test_leds(board: SimulatedBoard) -> None:
    name(board, 2)
    board.run(1000)
    lit = dict(zip(LEDS, board.leds(), strict=True))
    activity = lit.pop("activity")
    assert lit == {
        "ready": 0, "busy": 0, "done": 1, "running": 1, "enable": 1, "blink": lit["blink"],
        "token0": 0, "token1": 1, "token2": 0,
    }  # fmt: skip
    board.transport().read(0)
    board.run(1000)
    assert board.leds()[LEDS.index("activity")] == 1 - activity
    control = REGISTERS.register("control")
    board.transport().write(control.address, control.encode(clear=1))
    board.run(1000)
    lit = dict(zip(LEDS, board.leds(), strict=True))
    assert (lit["ready"], lit["busy"], lit["done"]) == (1, 0, 0)


def test_steps(board: SimulatedBoard) -> None:
    tokens = [26, 10, 4, 11, 24, 13, 25, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    for wanted in expected_steps(published("tile16"), tokens):
        run = run_step(
            board.transport(), REGISTERS, token=wanted.token_in, position=wanted.pos, clear=wanted.pos == 0, seconds=60
        )
        assert check_step(wanted, run) == 31


def test_every_access_reaches_the_bus(board: SimulatedBoard) -> None:
    """What the host did is what the bridge did, access for access and word for word."""
    record: list[Access] = []
    bus = Recorded(board.transport(), record.append)
    run_name(bus, REGISTERS, seed=2, temperature=TEMPERATURE, limit=15, seconds=60)
    run_step(bus, REGISTERS, token=26, position=0, clear=True, seconds=60)
    lines = [line.split(" ", 1)[1] for line in board.accesses.read_text().splitlines()]
    assert lines == [str(access) for access in record]
    assert len(lines) > 100


def test_demo_without_a_host(board: SimulatedBoard) -> None:
    """A name a period, of seeds 1, 2, 3 …; SW0 stops it, and it goes on where it was."""
    names = golden_names(1, 5)
    board.run(PERIOD_NS // 2)
    for letters in names[:3]:
        assert board.segments() == shown(letters)
        board.run(PERIOD_NS)
    board.switch(0, 0)
    board.run(3 * PERIOD_NS)
    assert board.segments() == shown(names[3])
    assert board.leds()[LEDS.index("enable")] == 0
    board.switch(0, 1)
    board.run(PERIOD_NS // 10)
    assert board.segments() == shown(names[4])


def test_a_host_stops_the_demo_until_a_reset(board: SimulatedBoard) -> None:
    letters = name(board, 77)
    for _ in range(3):
        board.run(PERIOD_NS)
        assert board.segments() == shown(letters)
    board.switch(1, 1)
    board.run(1000)
    board.switch(1, 0)
    board.run(PERIOD_NS // 2)
    assert board.segments() != shown(letters)
    assert board.segments() in [shown(demo) for demo in golden_names(1, 4)]


def test_the_reset_switch(board: SimulatedBoard) -> None:
    """Held in reset the machine answers, and says so; after it, in any state, names come out right."""
    bus = board.transport()
    control = REGISTERS.register("control")
    for cycles in (0, 3, 50, 299, 1000):
        bus.write(REGISTERS.register("seed").address, 5)
        bus.write(control.address, control.encode(clear=1))
        bus.write(control.address, control.encode(start=1))
        board.run(cycles * 160 // 9)
        board.switch(1, 1)
        board.run(500)
        assert board.leds()[LEDS.index("running")] == 0
        with pytest.raises(NoBoard, match=r"^the board must not be held in reset: put SW1 down$"):
            identify(bus)
        assert bus.read(REGISTERS.register("status").address) & 7 == 0
        board.switch(1, 0)
        board.run(500)
        assert identify(bus).core == "tile16"
        name(board, 2)


def test_the_enable_switch_is_for_the_demo_alone(board: SimulatedBoard) -> None:
    board.switch(0, 0)
    board.run(1000)
    assert identify(board.transport()).core == "tile16"
    assert name(board, 2) == [10, 4, 11, 24, 13]


def test_a_board_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = demo_board()
    monkeypatch.setattr("hdl.boards.de1_soc.project.board_files", lambda *_, **__: pytest.fail("made again"))
    notices: list[str] = []
    again = board_model(published("tile16"), DEMO_CYCLES, notice=notices.append)
    assert (again.folder, again.compiled, notices) == (made.folder, False, [])
