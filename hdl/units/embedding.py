"""Token and position embeddings from ROM, added."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.format import saturate, shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.memory_ports import read_port
from talos_ref.golden.integer_model import IntegerModel

__all__ = ["Embedding"]


class Embedding(wiring.Component):
    """``x = sat(wte[token] + wpe[position])``, ``LATENCY`` cycles after its address; without ``enable`` it keeps its
    rows.

    Members
    -------
    token, position, enable : In
    x : Out(vector)
    """

    LATENCY = 1
    projects = False
    """Whether ``x`` is the first layer's residual stream already, and ``q``, ``k`` and ``v`` come with it."""

    def __init__(self, model: IntegerModel) -> None:
        config = model.config
        self.wte, self.wpe, self.word = model.tensors["wte"], model.tensors["wpe"], model.arithmetic.word
        self.layout = data.ArrayLayout(shape_of(self.word), config.n_embd)
        self.lent: dict[str, LentRom] = {}
        super().__init__(
            {
                "token": In(range(config.vocab_size)),
                "position": In(range(config.block_size)),
                "enable": In(1),
                "x": Out(self.layout),
            }
        )

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        tables = {"wte": self.wte, "wpe": self.wpe}
        self.lent = {name: LentRom(name, lent_words(self.layout, table)) for name, table in tables.items()}
        return [*self.lent.values()]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        rows = []
        for name, table, address in (("wte", self.wte, self.token), ("wpe", self.wpe, self.position)):
            memory = Memory(shape=self.layout, depth=len(table), init=table)
            m.submodules[name] = memory
            read = read_port(memory)
            lent = self.lent.get(name)
            m.d.comb += [read.addr.eq(lent_address(lent, address)), read.en.eq(lent_enable(lent, self.enable))]
            show(m, lent, read.data)
            rows.append(read.data)
        for lane in range(self.layout.length):
            m.d.comb += self.x[lane].eq(saturate(rows[0][lane] + rows[1][lane], self.word))
        return m
