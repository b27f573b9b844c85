"""The word at an address: every register's own, in maps of many designs; nothing where there is nothing to read."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import C, Module, Signal, Value
from amaranth.sim import Simulator

from hdl.registers.map import register_map
from hdl.registers.places import ADDRESS_WIDTH
from hdl.registers.read_multiplexer import read_multiplexer
from talos_ref.model.config import MICROGPT, ModelConfig


def words_of(model: ModelConfig) -> dict[str, list[Value]]:
    """Return words that say where they are to be read."""
    readable = [entry for entry in register_map(model).registers if entry.access.readable]
    return {entry.name: [C(0xA0000000 | address, 32) for address in entry.addresses] for entry in readable}


@pytest.mark.parametrize(
    "model",
    [
        MICROGPT,
        ModelConfig(alphabet="a", block_size=2),
        ModelConfig(alphabet="".join(map(chr, range(0xAC00, 0xAC00 + 255))), block_size=64),
    ],
    ids=lambda model: f"{model.vocab_size}x{model.block_size}",
)
def test_every_address(model: ModelConfig) -> None:
    registers, top, address, answer = register_map(model), Module(), Signal(ADDRESS_WIDTH - 2), Signal(32)
    top.d.comb += answer.eq(read_multiplexer(top, registers, words_of(model), address))

    async def bench(ctx: Any) -> None:
        for byte in range(0, 1 << ADDRESS_WIDTH, 4):
            ctx.set(address, byte >> 2)
            found = registers.find(byte)
            readable = found is not None and found[0].access.readable
            assert ctx.get(answer) == (0xA0000000 | byte if readable else 0), f"{byte:#x}"

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()


def test_words_that_do_not_fit() -> None:
    words = words_of(MICROGPT)
    with pytest.raises(ValueError, match=r"^words of register logits must be 27, not 26$"):
        read_multiplexer(Module(), register_map(MICROGPT), {**words, "logits": words["logits"][:26]}, Signal(10))
    del words["seed"]
    with pytest.raises(ValueError, match=r"^words of register seed must be 1, not 0$"):
        read_multiplexer(Module(), register_map(MICROGPT), words, Signal(10))
