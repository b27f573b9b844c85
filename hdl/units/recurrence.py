"""Control of a digit recurrence: a stream in, some cycles of steps, a stream out."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value

__all__ = ["check_width", "recur"]


def check_width(name: str, value: int, high: int, low: int = 1) -> None:
    """Raise TypeError or ValueError if ``value`` is not an integer from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {value!r}")


def recur(m: Module, i: Any, o: Any, steps: int) -> tuple[Value, Value]:
    """Connect the handshakes of ``i`` and ``o`` and return (idle, step), one bit each.

    ``step`` is 1 in the ``steps`` cycles in which digits are made. The first of them, which accepts the operands, finds
    the unit ``idle``: that comes from registers, so it is what chooses the operands. The result is offered in the cycle
    after the last, and kept until it is taken; in the cycle that takes it the next operands can be accepted.
    """
    left = Signal(range(max(steps, 2)), name="left")
    valid = Signal(name="valid")
    first = Signal(name="first")
    busy = left.any()
    m.d.comb += [
        o.valid.eq(valid),
        i.ready.eq(~busy & (~valid | o.ready)),
        first.eq(i.valid & i.ready),
    ]
    with m.If(first):
        m.d.sync += [left.eq(steps - 1), valid.eq(steps == 1)]
    with m.Elif(busy):
        m.d.sync += [left.eq(left - 1), valid.eq(left == 1)]
    with m.Elif(o.ready):
        m.d.sync += valid.eq(0)
    return ~busy, first | busy
