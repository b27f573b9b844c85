"""The temperature that a sampler draws with, as a circuit made from what its golden model says."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import C, Mux, Value

from talos_ref.golden.sampler import TEMPERATURE

__all__ = ["honoured"]


def honoured(rule: Callable[[int], int], temperature: Value) -> Value:
    """Return ``rule(temperature)``, UQ8.8; combinational.

    The rule is asked for every temperature. It becomes a comparison for each range of temperatures that it leaves alone
    or maps to one number, so it should have few of them.
    """
    used = temperature
    for first, result in _ranges(rule):
        here = temperature if result is None else C(result, TEMPERATURE.width)
        # There is a range from 0 on, which needs no comparison.
        used = Mux(temperature >= first, here, used) if first else here
    return used


def _ranges(rule: Callable[[int], int]) -> list[tuple[int, int | None]]:
    """Return the first temperature of every range and its one result, None where that is the temperature itself."""
    ranges: list[tuple[int, set[int | None]]] = []
    common: set[int | None] = set()
    for temperature in range(TEMPERATURE.high + 1):
        result = rule(temperature)
        fits: set[int | None] = {result, None} if result == temperature else {result}
        if common & fits:
            # The set in the list is this one.
            common &= fits
        else:
            common = fits
            ranges.append((temperature, common))
    return [(first, None if None in common else next(iter(common))) for first, common in ranges]
