"""What the first layer makes of token and position before attention, in ROM: residual stream, query, key and value."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.format import shape_of
from hdl.units.memory_ports import read_port
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.config import ModelConfig

__all__ = ["FoldedRom"]


class FoldedRom(wiring.Component):
    """``x``, ``q``, ``k``, ``v`` of (token, position), ``LATENCY`` cycles after its address; without ``enable`` it
    keeps its row.

    They are functions of nothing else, so that reading them instead of computing them changes no bit. A row is
    4 · n_embd words, and there are vocab_size · block_size of them.

    Members
    -------
    token, position, enable : In
    x, q, k, v : Out(vectors)
    """

    LATENCY = 1
    projects = True
    """As of ``Embedding``."""

    def __init__(self, model: IntegerModel) -> None:
        self.model = model
        config = model.config
        self.vector = data.ArrayLayout(shape_of(model.arithmetic.word), config.n_embd)
        super().__init__(
            {
                "token": In(range(config.vocab_size)),
                "position": In(range(config.block_size)),
                "enable": In(1),
                **{name: Out(self.vector) for name in ("x", "q", "k", "v")},
            }
        )

    @staticmethod
    def pitch(config: ModelConfig) -> int:
        """Return the rows of a token: its positions are padded to a power of two, so that the address is no sum."""
        return 1 << (config.block_size - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        model, config = self.model, self.model.config
        pitch = self.pitch(config)
        rows = []
        for token in range(config.vocab_size):
            for position in range(pitch):
                x = model.embed(token, min(position, config.block_size - 1))
                q, k, v = model.query_key_value(x, 0)
                rows.append({"x": x, "q": q, "k": k, "v": v})
        layout = data.StructLayout(dict.fromkeys(("x", "q", "k", "v"), self.vector))
        m.submodules.memory = memory = Memory(shape=layout, depth=len(rows), init=rows)
        read = read_port(memory)
        m.d.comb += [
            read.addr.eq(Cat(self.position, self.token) if pitch > 1 else self.token),
            read.en.eq(self.enable),
            self.x.eq(read.data.x),
            self.q.eq(read.data.q),
            self.k.eq(read.data.k),
            self.v.eq(read.data.v),
        ]
        return m
