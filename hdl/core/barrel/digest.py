"""The digest of all steps: the sum of their CRC-32, a step a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.core.config import CoreConfig
from talos_ref.golden.digest import DIGEST_BITS, STEP_BYTES, step_crc

__all__ = ["Digest"]


class Digest(wiring.Component):
    """``digest = Σ step_crc(seed, position, token)`` modulo 2^32, of ``talos_ref.golden.digest``.

    A step a cycle; it is in the digest ``LATENCY`` cycles later, until when ``busy`` is set. A CRC of so many bits is a
    constant, and an exclusive or of another one for each bit that is set, so that it takes one cycle.

    Members
    -------
    clear : In(1)
        Of no steps; one that comes in the same cycle is lost, and so is one that is on its way.
    valid, seed, position, token : In
    busy : Out(1)
    digest : Out(32)
    """

    LATENCY = 2

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "valid": In(1),
                "seed": In(32),
                "position": In(range(config.model.block_size)),
                "token": In(range(config.model.vocab_size)),
                "busy": Out(1),
                "digest": Out(DIGEST_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        fields = {"seed": self.seed, "position": self.position, "token": self.token}
        nothing = dict.fromkeys(fields, 0)
        of_nothing = step_crc(**nothing)
        bits = [
            (value[bit], step_crc(**nothing | {name: 1 << bit}) ^ of_nothing)
            for name, value in fields.items()
            for bit in range(len(value))
        ]
        assert len(bits) <= 8 * STEP_BYTES
        crc = Signal(DIGEST_BITS, name="crc")
        of_step = [
            (Cat(bit for bit, column in bits if column >> place & 1).xor() ^ (of_nothing >> place & 1))
            for place in range(DIGEST_BITS)
        ]
        m.d.sync += [self.busy.eq(self.valid), crc.eq(Cat(of_step))]
        with m.If(self.busy):
            m.d.sync += self.digest.eq(self.digest + crc)
        with m.If(self.clear):
            m.d.sync += [self.busy.eq(0), self.digest.eq(0)]
        return m
