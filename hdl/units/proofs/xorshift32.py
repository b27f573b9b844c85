"""The random state: the published steps, and never 0."""

from __future__ import annotations

from amaranth.hdl import Mux, Value

from hdl.proof import Circuit, Everywhere, Planted, Property
from hdl.units.xorshift32 import usable_state, xorshift32
from talos_ref.golden.xorshift32 import ZERO_STATE

__all__ = ["PROPERTIES"]


def _steps(circuit: Circuit) -> None:
    state = circuit.free(32, "state")
    x: Value = state
    x = x ^ (x << 13)[:32]
    x = x ^ (x >> 17)
    x = x ^ (x << 5)[:32]
    circuit.always(xorshift32(state) == x, (state == 0) | (xorshift32(state) != 0))
    circuit.always(usable_state(state) == Mux(state == 0, ZERO_STATE, state), usable_state(state) != 0)


PROPERTIES = (
    Property(
        name="xorshift32.steps",
        statement="Every state is followed by the one of Marsaglia's shifts 13, 17, 5, and none but 0 by 0.",
        claim=Everywhere(circuit=_steps),
        planted=Planted(
            module="hdl.units.xorshift32",
            right="return state ^ Cat(C(0, 5), state[:-5])",
            wrong="return state ^ Cat(C(1, 5), state[:-5])",
        ),
    ),
)
