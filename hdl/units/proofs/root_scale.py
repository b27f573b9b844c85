"""RMSNorm's scale in talos-v2: 2^24 over the root, and its largest value where that does not fit.

Root and quotient are proven of `SquareRoot` and `Divide`; here they are left away, and may do what they like.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.root_scale import RootScale
from talos_ref.golden.format import Q4_12
from talos_ref.golden.rmsnorm import RootRmsNorm

__all__ = ["PROPERTIES"]

_SPEC = RootRmsNorm(n=16, word=Q4_12)


def _scale(circuit: Circuit) -> None:
    m = circuit.m
    unit: Any = RootScale(_SPEC, 3)
    inside = circuit.unit(unit, "scale", without=("square_root", "divide"))
    root, divide = unit.square_root, unit.divide
    one, high = 1 << 2 * Q4_12.fraction, _SPEC.scale_format.high
    # 2^24 // root > 32767, without a division.
    large = Signal(name="large")
    with m.If(divide.i.valid & divide.i.ready):
        m.d.sync += large.eq(root.o.payload * (high + 1) <= one)
    circuit.always(
        inside["largest"] == large,
        root.i.valid == unit.i.valid,
        unit.i.ready == root.i.ready,
        root.i.payload == unit.i.payload << Q4_12.fraction,
        divide.i.valid == (root.o.valid & ~divide.o.valid),
        (root.o.valid & root.o.ready) == (divide.i.valid & divide.i.ready),
        (divide.i.p.numerator == one) & (divide.i.p.denominator == root.o.payload),
        unit.o.valid == divide.o.valid,
        divide.o.ready == unit.o.ready,
        unit.o.payload == Mux(large, high, divide.o.payload),
    )


PROPERTIES = (
    Property(
        name="root_scale.scale",
        statement="2^24 is divided by the root of the mean square, and the scale is the largest where that is larger.",
        claim=Always(circuit=_scale, cycles=3),
        planted=Planted(
            module="hdl.units.root_scale",
            right="root <= 1 << (2 * fraction - self.spec.scale_format.width)",
            wrong="root < 1 << (2 * fraction - self.spec.scale_format.width)",
        ),
        quick=True,
    ),
)
