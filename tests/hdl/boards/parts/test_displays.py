"""Display and LEDs: shapes that can be told apart, registers at the outputs."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.hex_display import SHAPES, HexDisplay, segments
from hdl.boards.parts.leds import LEDS, Leds
from tests.helpers.streams import CLOCK_PERIOD, seed


def simulate(component: Any, testbench: Any) -> None:
    """Run a testbench on a component."""
    simulator = Simulator(component)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(testbench)
    simulator.run()


def test_shapes() -> None:
    assert len(SHAPES) == 26
    assert len({segments(letter) for letter in range(26)}) == 26, "letters must look different"
    assert all(segments(letter) for letter in range(26))
    assert [segments(other) for other in (-1, 26, 27, 31)] == [0] * 4
    # Seven segments: top, right upper, right lower, bottom, left lower, left upper, middle.
    assert segments(ord("a") - ord("a")) == 0b1110111
    assert segments(ord("l") - ord("a")) == 0b0111000
    assert segments(ord("o") - ord("a")) == 0b1011100


def test_display() -> None:
    rng = random.Random(seed())
    rows = [[rng.randrange(32) for _ in range(6)] for _ in range(200)]
    display = HexDisplay()

    async def testbench(ctx: Any) -> None:
        assert [ctx.get(display.digits[digit]) for digit in range(6)] == [0] * 6
        for row in rows:
            for digit, character in enumerate(row):
                ctx.set(display.characters[digit], character)
            await ctx.tick()
            shown = [ctx.get(display.digits[digit]) for digit in range(6)]
            assert shown == [segments(character) for character in row]

    simulate(display, testbench)


def test_leds() -> None:
    rng = random.Random(seed())
    leds = Leds(blink_bits=3)
    inputs = ("reset", "enable", "ready", "busy", "done", "activity")

    async def testbench(ctx: Any) -> None:
        quiet = 100
        for step in range(500):
            values = {name: rng.randrange(2) for name in inputs}
            values["busy"] &= rng.random() < 0.05
            token = rng.randrange(256)
            for name, value in {**values, "last_token": token}.items():
                ctx.set(getattr(leds, name), value)
            await ctx.tick()
            shown = {name: ctx.get(leds.leds) >> bit & 1 for bit, name in enumerate(LEDS)}
            # Seven cycles of blinking follow a busy cycle, lit while the upper half of a count of eight runs.
            blink = 0 < quiet <= 7 and step % 8 >= 4
            expected = {
                "ready": values["enable"] & values["ready"],
                "busy": values["enable"] & values["busy"],
                "done": values["done"],
                "activity": values["activity"],
                "running": 1 - values["reset"],
                "enable": values["enable"],
                "blink": int(blink),
                **{f"token{bit}": token >> bit & 1 for bit in range(3)},
            }
            assert shown == expected, f"step {step}"
            quiet = 1 if values["busy"] else quiet + 1

    simulate(leds, testbench)


@pytest.mark.parametrize(
    ("bits", "error", "text"),
    [
        ("23", TypeError, "blink_bits must be an integer, not '23'"),
        (0, ValueError, "blink_bits must be 1 to 32, not 0"),
        (33, ValueError, "blink_bits must be 1 to 32, not 33"),
    ],
)
def test_leds_refused(bits: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        Leds(bits)
    assert str(raised.value) == text
