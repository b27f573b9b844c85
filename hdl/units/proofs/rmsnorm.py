"""The handshake of RMSNorm, with a table for its scale and with a root and a division.

Where a vector is on its way is said for each register that keeps it there, so that the claims follow from each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from amaranth.hdl import Mux, Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.rmsnorm import RmsNorm
from talos_ref.golden.format import Q4_12, Rounding
from talos_ref.golden.rmsnorm import RmsNorm as RmsNormSpec
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm

__all__ = ["PROPERTIES"]

# The handshake is the same for any length, and the formula is short for a short one.
_TABLE = TableRmsNorm(n=1, word=replace(Q4_12, rounding=Rounding.NEAREST))
_ROOT = RootRmsNorm(n=1, word=Q4_12)
_BITS_PER_CYCLE = 8


def _handshake(
    circuit: Circuit, spec: RmsNormSpec, on_its_way: Callable[[Any, dict[str, Signal], Signal], list[Any]], *,
    normalise: bool,
) -> None:
    """An age is kept beside the unit: 0 without a vector, 1 after its acceptance, and the latency from then on."""
    m = circuit.m
    unit: Any = RmsNorm(spec, normalise, _BITS_PER_CYCLE)
    inside = circuit.unit(unit, "rmsnorm")
    accepted, taken = unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready
    age = Signal(range(unit.LATENCY + 1), name="age")
    grown = Mux((age == 0) | (age == unit.LATENCY), age, age + 1)
    m.d.sync += age.eq(Mux(accepted, 1, Mux(taken, 0, grown)))
    waits, same = circuit.offered(unit.o)
    circuit.always(
        unit.o.valid == (age == unit.LATENCY),
        unit.i.ready == ((age == 0) | taken),
        ~waits | same,
        inside["busy"] == (age != 0),
        inside["squared"] == (age == 1),
        unit.scale.i.valid == (age == 2),
        *on_its_way(unit, inside, age),
    )
    if normalise:
        circuit.always(inside["multiplied"] == (age > 2 + unit.scale.LATENCY), inside["rounded"] == unit.o.valid)


def _in_table(unit: Any, inside: dict[str, Signal], age: Signal) -> list[Any]:
    return [inside["scale.first"] == (age == 3), inside["scale.second"] == (age > 3)]


def _in_recurrences(unit: Any, inside: dict[str, Signal], age: Signal) -> list[Any]:
    claims: list[Any] = []
    begin = 2
    for name in ("square_root", "divide"):
        recurrence = getattr(unit.scale, name)
        end = begin + recurrence.LATENCY
        left, valid = (inside[f"scale.{name}.{part}"] for part in ("left", "valid"))
        claims += [left == Mux((age > begin) & (age < end), end - age, 0)]
        claims += [valid == (age >= end if name == "divide" else age == end)]
        begin = end
    return claims


def _property(
    name: str, what: str, claim: Callable[[Circuit], None], planted: tuple[str, str], cycles: int
) -> Property:
    right, wrong = planted
    return Property(
        name=f"rmsnorm.{name}",
        statement=f"{what} comes in the latency after a vector, of that alone, and stays until it is taken.",
        claim=Always(circuit=claim, cycles=cycles),
        planted=Planted(module="hdl.units.rmsnorm", right=right, wrong=wrong),
    )


PROPERTIES = (
    _property(
        "vector",
        "A scaled vector of precise",
        lambda circuit: _handshake(circuit, _TABLE, _in_table, normalise=True),
        ("multiplied.eq(scale.o.valid & ~taken)", "multiplied.eq(scale.o.valid)"),
        9,
    ),
    _property(
        "scale",
        "A scale of folded",
        lambda circuit: _handshake(circuit, _TABLE, _in_table, normalise=False),
        ("self.i.ready.eq(~busy | taken)", "self.i.ready.eq(~busy | self.o.valid)"),
        7,
    ),
    _property(
        "root",
        "A scaled vector of talos-v2",
        lambda circuit: _handshake(circuit, _ROOT, _in_recurrences, normalise=True),
        ("scale.o.ready.eq(taken)]", "scale.o.ready.eq(multiplied)]"),
        12,
    ),
)
