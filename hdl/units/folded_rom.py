"""What is a function of token and position alone, in ROM: all that the first layer makes before attention."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.units.format import shape_of
from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.memory_ports import read_port
from talos_ref.golden.datapath import Arithmetic
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.config import ModelConfig

__all__ = ["FoldedRom"]


class FoldedRom(wiring.Component):
    """``x``, ``q``, ``k``, ``v`` of (token, position), ``LATENCY`` cycles after its address; without ``enable`` it
    keeps its row.

    They are functions of nothing else, so that reading them instead of computing them changes no bit. A row is
    4 · n_embd words, and there are vocab_size · block_size of them.

    Where an arithmetic folds its projection, a row has mlp_dim + vocab_size words more: the addends of the hidden
    units, in ``hidden_order``, and of the logits. At position 0 nothing but the token is attended to, so that the
    logits themselves are a function of the token, and stand in place of their addends.

    Members
    -------
    token, position, enable : In
    x, q, k, v : Out(vectors)
    hidden, logits : Out(words [mlp_dim], words [vocab_size])
        Only where the projection is folded. A logit has the format of a logit.
    """

    LATENCY = 1
    projects = True
    """As of ``Embedding``."""
    lent: LentRom | None = None

    def __init__(self, model: IntegerModel, hidden_order: Sequence[int]) -> None:
        self.model, self.hidden_order = model, hidden_order
        config = model.config
        self.layout = self.row_layout(config, model.arithmetic)
        super().__init__(
            {
                "token": In(range(config.vocab_size)),
                "position": In(range(config.block_size)),
                "enable": In(1),
                **{name: Out(member.shape) for name, member in self.layout},
            }
        )

    @staticmethod
    def row_layout(config: ModelConfig, arithmetic: Arithmetic) -> data.StructLayout:
        """Return the layout of a row."""
        vector = data.ArrayLayout(shape_of(arithmetic.word), config.n_embd)
        row: dict[str, Any] = dict.fromkeys(("x", "q", "k", "v"), vector)
        if arithmetic.folds_projection:
            row["hidden"] = data.ArrayLayout(shape_of(arithmetic.word), config.mlp_dim)
            row["logits"] = data.ArrayLayout(shape_of(arithmetic.logit), config.vocab_size)
        return data.StructLayout(row)

    @staticmethod
    def pitch(config: ModelConfig) -> int:
        """Return the rows of a token: its positions are padded to a power of two, so that the address is no sum."""
        return 1 << (config.block_size - 1).bit_length()

    def lend(self) -> list[LentRom]:
        """As of ``Lender``."""
        self.lent = LentRom("row", lent_words(self.layout, self._rows))
        return [self.lent]

    @cached_property
    def _rows(self) -> list[dict[str, list[int]]]:
        config = self.model.config
        return [
            self._row(token, min(position, config.block_size - 1))
            for token in range(config.vocab_size)
            for position in range(self.pitch(config))
        ]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pitch, shown = self.pitch(self.model.config), []
        # A memory for each member: tools that follow every bit of a memory do not end on words of 2,500 bits.
        for name, member in self.layout:
            init = [row[name] for row in self._rows]
            m.submodules[f"{name}_rom"] = memory = Memory(shape=member.shape, depth=len(init), init=init)
            read = read_port(memory, name)
            m.d.comb += [
                read.addr.eq(lent_address(self.lent, Cat(self.position, self.token) if pitch > 1 else self.token)),
                read.en.eq(lent_enable(self.lent, self.enable)),
                getattr(self, name).eq(read.data),
            ]
            shown.append(read.data)
        show(m, self.lent, *shown)
        return m

    def _row(self, token: int, position: int) -> dict[str, list[int]]:
        model = self.model
        x = model.embed(token, position)
        q, k, v = model.query_key_value(x, 0)
        row = {"x": x, "q": q, "k": k, "v": v}
        if model.arithmetic.folds_projection:
            hidden, logits = model.arithmetic.mlp.addends(model.tensors, "layer0.", x)
            row["hidden"] = [hidden[unit] for unit in self.hidden_order]
            row["logits"] = logits if position else model.logits(token, 0, model.new_cache())
        return row
