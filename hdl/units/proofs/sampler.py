"""The handshake of the samplers of talos-v2 and precise: a token stays as it is until it is taken."""

from __future__ import annotations

from typing import Any

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.sampler import Sampler
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.format import Q4_12
from talos_ref.model.config import MICROGPT

__all__ = ["PROPERTIES"]


def _handshake(circuit: Circuit, name: str) -> None:
    spec = arithmetic(name, MICROGPT).sampler
    unit: Any = Sampler(spec, vocab_size=3, lanes=3, word=Q4_12, shared=True)
    inside = circuit.unit(unit, "sampler")
    waits, same = circuit.offered(unit.o)
    later = inside["later"]
    # One sample is under way, and while its token is offered none.
    circuit.always(
        ~waits | (unit.o.valid & same),
        ~unit.o.valid | (later == 0),
        (later & (later - 1)[: len(later)]) == 0,
    )


def _property(name: str) -> Property:
    return Property(
        name=f"sampler.{name}",
        statement=f"An offered token of {name} stays as it is until it is taken, whatever comes in meanwhile.",
        claim=Always(circuit=lambda circuit: _handshake(circuit, name), cycles=20),
        planted=Planted(
            module="hdl.units.sampler",
            right="idle.eq(~later.any() & (~valid | self.o.ready))",
            wrong="idle.eq(~later.any())",
        ),
    )


PROPERTIES = tuple(map(_property, ("talos-v2", "precise")))
