"""Tokens a second: letters times clock over cycles, floored, and 0 before."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.registers.token_rate import TokenRate

__all__ = ["PROPERTIES"]


def _rate(circuit: Circuit, clock_hz: int, max_letters: int, cycle_bits: int) -> None:
    """``rate · cycles + remainder = letters · clock`` and ``remainder < cycles``, if the contract is kept.

    The product is made beside the unit, by shifts and additions of the digits as they come.
    """
    m = circuit.m
    unit: Any = TokenRate(clock_hz=clock_hz, max_letters=max_letters)
    inside = circuit.unit(unit, "rate")
    width, left, finished = unit.width, inside["left"], inside["finished"]
    busy, digit = left != 0, ~inside["difference"][-1]
    letters, cycles = Signal(range(max_letters + 1), name="letters"), Signal(cycle_bits, name="cycles")
    numerator, seen = Signal(width, name="numerator"), Signal(width, name="seen")
    product, quotient = Signal(width, name="product"), Signal(width, name="quotient")
    circuit.assume(
        ~finished | ~(unit.letter | unit.finish),
        ~unit.letter | (letters < max_letters),
        # Right from the cycle after the request's end on.
        ~finished | ((unit.cycles == cycles) & (cycles != 0)),
    )
    drawn = letters + unit.letter
    next_cycles = circuit.free(cycle_bits, "next_cycles")
    with m.If(unit.clear):
        m.d.sync += letters.eq(0)
    with m.Else():
        m.d.sync += letters.eq(drawn)
        with m.If(unit.finish):
            m.d.sync += [numerator.eq(drawn * clock_hz), product.eq(0), quotient.eq(0), cycles.eq(next_cycles)]
        with m.Elif(busy):
            m.d.sync += [product.eq((product << 1) + Mux(digit, cycles, 0)), quotient.eq(Cat(digit, quotient))]

    circuit.always(
        left <= width, ~busy | finished, letters <= max_letters,
        unit.busy == busy,
        finished | ((inside["line"] == letters * clock_hz) & (inside["remainder"] == 0)),
        ~finished | (numerator == letters * clock_hz),
        ~finished | (seen == product + inside["remainder"]),
        ~finished | (inside["remainder"] < cycles) | (cycles == 0),
        unit.rate == Mux(finished & ~busy, quotient, 0),
        ~(finished & ~busy) | (numerator == product + inside["remainder"]),
    )  # fmt: skip
    with m.Switch(left):
        for number in range(width + 1):
            with m.Case(number):
                m.d.comb += seen.eq(numerator >> number)
    for number in range(width + 1):
        line = Cat(quotient[: width - number], numerator[:number])
        circuit.always(
            ~finished | (left != number) | ((inside["line"] == line) & (quotient >> (width - number) == 0))
        )


PROPERTIES = (
    Property(
        name="token_rate.rate",
        statement="The rate of up to 15 letters at 56.25 MHz, in any number of cycles, is right and comes in time.",
        claim=Always(circuit=lambda circuit: _rate(circuit, 56_250_000, 15, 32), cycles=4),
        planted=Planted(
            module="hdl.registers.token_rate",
            right="with m.If(self.letter):",
            wrong="with m.If(self.letter & ~self.finish):",
        ),
    ),
)
