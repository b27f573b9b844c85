"""Display and LEDs: shapes that can be told apart, registers at the outputs."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.hex_display import HexDisplay, segments
from hdl.boards.parts.leds import LEDS, Leds
from tests.helpers.streams import CLOCK_PERIOD, seed


def simulate(component: Any, testbench: Any) -> None:
    """Run a testbench on a component."""
    simulator = Simulator(component)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(testbench)
    simulator.run()


def test_shapes() -> None:
    assert len({segments(letter) for letter in string.ascii_lowercase}) == 26, "letters must look different"
    assert len({segments(digit) for digit in string.digits}) == 10, "digits must look different"
    assert all(segments(letter) for letter in string.ascii_letters + string.digits)
    assert [segments(letter) for letter in string.ascii_uppercase] == [
        segments(letter) for letter in string.ascii_lowercase
    ]
    # Seven segments: top, right upper, right lower, bottom, left lower, left upper, middle.
    assert segments("a") == segments("A") == 0b1110111
    assert segments("l") == 0b0111000
    assert segments("o") == 0b1011100
    assert segments("0") == 0b0111111


@pytest.mark.parametrize("letter", ["é", " ", "-", "'", "가", "ß", "\u212a", "İ"])
def test_what_seven_segments_cannot_form(letter: str) -> None:
    """Not even what becomes an ASCII letter as a small one, such as the sign of the kelvin."""
    assert segments(letter) == 0


@pytest.mark.parametrize(
    ("alphabet", "displays"), [(string.ascii_lowercase, 6), ("Zaé가9 '", 4), ("".join(map(chr, range(32, 287))), 1)]
)
def test_display(alphabet: str, displays: int) -> None:
    """The last letters pushed, in the next cycle; letters without a shape take their place in the dark."""
    draw = random.Random(seed())
    display = HexDisplay(alphabet, displays=displays)
    shown: list[int] = []

    async def testbench(ctx: Any) -> None:
        nonlocal shown
        for _ in range(300):
            digits = [ctx.get(display.digits[digit]) for digit in reversed(range(displays))]
            assert digits == shown + [0] * (displays - len(shown))
            clear, push, token = draw.random() < 0.05, draw.random() < 0.7, draw.randrange(len(alphabet))
            ctx.set(display.commands.clear, clear)
            ctx.set(display.commands.push, push)
            ctx.set(display.commands.token, token)
            await ctx.tick()
            if clear:
                shown = []
            elif push:
                shown = [*shown, segments(alphabet[token])][-displays:]

    assert HexDisplay.LATENCY == 1
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
