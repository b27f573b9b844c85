"""A bit that outlives one flipped flip-flop: three of them, and the majority."""

from __future__ import annotations

from amaranth.hdl import Module, Signal

__all__ = ["voted_register"]


def voted_register(m: Module, name: str) -> tuple[Signal, Signal]:
    """Return the input and the output of a register of one bit in the domain ``sync``, which no reset touches.

    Each of its flip-flops takes the input in every cycle, so that one that was flipped is right again after it. Of
    three equal ones synthesis would make one, whatever their attributes: so the second holds the inverse, and the third
    the inverse in every other cycle, as a fourth tells. In the cycle after power-up the output is anything.
    """
    following = Signal(name=f"{name}_next")
    voted = Signal(name=name)
    plain, inverse, turned, phase = (
        Signal(reset_less=True, name=f"{name}_{kind}") for kind in ("plain", "inverse", "turned", "phase")
    )
    m.d.sync += [plain.eq(following), inverse.eq(~following), phase.eq(~phase), turned.eq(following ^ ~phase)]
    a, b, c = plain, ~inverse, turned ^ phase
    m.d.comb += voted.eq((a & b) | (b & c) | (a & c))
    return following, voted
