"""xorshift32 as gates: the next state in one cycle, three levels of exclusive or."""

from __future__ import annotations

from amaranth.hdl import C, Cat, Mux, Value, ValueLike

from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["xorshift32", "usable_state"]


def xorshift32(state: ValueLike) -> Value:
    """Return the state (32 bits) after ``state``, as ``talos_ref.golden.xorshift32.xorshift32`` does."""
    state = _word(state)
    state = state ^ Cat(C(0, 13), state[:-13])
    state = state ^ state[17:]
    return state ^ Cat(C(0, 5), state[:-5])


def usable_state(seed: ValueLike) -> Value:
    """Return ``seed``, or ``ZERO_STATE`` in place of 0."""
    seed = _word(seed)
    return Mux(seed.any(), seed, ZERO_STATE)


def _word(state: ValueLike) -> Value:
    state = Value.cast(state)
    if len(state) != 32:
        raise ValueError(f"state must be 32 bits wide, not {len(state)!r}")
    return state
