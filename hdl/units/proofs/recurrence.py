"""The handshakes of a digit recurrence: an answer for each operand, in time, kept until it is taken."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal
from amaranth.lib import stream, wiring

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.recurrence import recur

__all__ = ["PROPERTIES"]


def _handshakes(circuit: Circuit) -> None:
    m = circuit.m
    for steps in (1, 6):
        ports: Any = wiring.PureInterface(
            wiring.Signature({"i": wiring.In(stream.Signature(1)), "o": wiring.Out(stream.Signature(1))}),
            path=(f"steps{steps}",),
        )
        valid, ready = circuit.free(1, f"valid{steps}"), circuit.free(1, f"ready{steps}")
        m.d.comb += [ports.i.valid.eq(valid), ports.o.ready.eq(ready)]
        idle, step = recur(m, ports.i, ports.o, steps)
        first = valid & ports.i.ready

        # Cycles since operands were accepted whose result has not been taken; 0 for none.
        age = Signal(range(steps + 1), name=f"age{steps}")
        with m.If(valid & ports.i.ready):
            m.d.sync += age.eq(1)
        with m.Elif((age != 0) & (age != steps)):
            m.d.sync += age.eq(age + 1)
        with m.Elif(ready):
            m.d.sync += age.eq(0)
        circuit.always(
            ports.o.valid == (age == steps),
            ports.i.ready == ((age == 0) | ((age == steps) & ready)),
            idle == ((age == 0) | (age == steps)),
            (step & idle) == first,
            step == (first | ((age != 0) & (age != steps))),
        )


PROPERTIES = (
    Property(
        name="recurrence.handshakes",
        statement="Each operand is answered after exactly its latency, the answer kept until taken; no other comes.",
        claim=Always(circuit=_handshakes, depth=8, cycles=10),
        planted=Planted(
            module="hdl.units.recurrence",
            right="i.ready.eq(~busy & (~valid | o.ready))",
            wrong="i.ready.eq(~busy)",
        ),
        quick=True,
    ),
)
