"""The handshake of the sampler of folded: what is offered stays, and is of logits and noise that have come."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Signal

from hdl.proof import Always, Circuit, Planted, Property
from hdl.units.gumbel_sampler import GumbelSampler
from talos_ref.golden.format import Q4_12
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler as GumbelSamplerSpec

__all__ = ["PROPERTIES"]


def _handshake(circuit: Circuit) -> None:
    m = circuit.m
    unit: Any = GumbelSampler(GumbelSamplerSpec(noise=GumbelNoise()), vocab_size=3, lanes=3, word=Q4_12, shared=True)
    inside = circuit.unit(unit, "sampler")
    waits, same = circuit.offered(unit.o)
    accepted = unit.i.valid & unit.i.ready
    was_accepted = Signal(name="was_accepted")
    m.d.sync += was_accepted.eq(accepted)
    circuit.always(
        unit.o.valid == (was_accepted | waits),
        ~waits | same,
        ~accepted | (inside["noisy"] & inside["there"]),
    )


PROPERTIES = (
    Property(
        name="gumbel_sampler.handshake",
        statement="A token comes of accepted logits alone, once noise and logits are added, and stays until taken.",
        claim=Always(circuit=_handshake, cycles=12),
        planted=Planted(
            module="hdl.units.gumbel_sampler",
            right="start.eq(self.i.valid & noisy & there & (~self.o.valid | self.o.ready))",
            wrong="start.eq(self.i.valid & there & (~self.o.valid | self.o.ready))",
        ),
    ),
)
