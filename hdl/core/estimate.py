"""What a core takes of the device's multipliers and memory blocks, from its configuration alone.

Synthesis counts the same, up to constants that it finds in the weights: columns of zeros take no memory, and a product
with one no multiplier. So this is what a core takes at most. Tables of logic are for synthesis alone to count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hdl.core.config import CoreConfig
from hdl.core.schedule import schedule, tile_instructions
from hdl.core.sequencer import instruction_layout
from hdl.device.chip import Chip
from hdl.device.cyclone_v import CHIP
from hdl.units.attention import Attention
from hdl.units.folded_rom import FoldedRom
from hdl.units.kv_cache import cache_depth, cache_rows
from hdl.units.multipliers import MultiplierPort
from hdl.units.registry import attention_divide_of, sampler_weights_of
from hdl.units.sampler import Sampler
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.sparse_tile import SparseTile
from hdl.units.tile import Tile

__all__ = ["Estimate", "Memory", "banks_of", "estimate", "memories", "memory_blocks", "multipliers"]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory of a core: ``depth`` words of ``width`` bits, read-only unless ``written``."""

    name: str
    depth: int
    width: int
    written: bool = False

    @property
    def m10k(self) -> int:
        """Memory blocks of the Cyclone V that it takes; 0 if it is small enough for logic."""
        return CHIP.blocks(self.depth, self.width)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Parts of the device; a multiplier is one of 18 × 19 bits, half a DSP block."""

    multipliers: int
    m10k: int
    rom_bits: int


def banks_of(config: CoreConfig, tile: list[Any], attention: list[Any], head: list[Any]) -> dict[str, list[Any]]:
    """Return bank -> the ports that take turns at it, from the ports of the tile, of attention and of all others."""
    banks = {"pool": tile + attention} if config.share_multipliers else {"tile": tile, "attention": attention}
    return banks | ({"head": head} if head else {})


def multipliers(config: CoreConfig) -> int:
    """Return the multipliers of a core."""
    golden, model, word = config.arithmetic, config.model, config.word
    matrices = [shape for name, shape in config.matrices().items() if name not in ("wte", "wpe")]
    # Beyond every matrix the tile multiplies by 0.
    tile = Tile.port(
        min(config.tile_rows, max(rows for rows, _ in matrices)),
        min(config.tile_columns, max(columns for _, columns in matrices)),
        word,
    )
    lanes = min(config.sampler_lanes, model.vocab_size)
    sampler = sampler_weights_of(golden.sampler).port(golden.sampler, word, lanes)
    head = [] if sampler is None else [sampler]
    if golden.scaled_linear is not None:
        head.append(ScaledLinear.port(golden.scaled_linear, config.tile_rows))
        if config.sparse_head:
            head.append(SparseTile.port(model.vocab_size, word))
            head.append(ScaledLinear.port(golden.scaled_linear, model.vocab_size))
    attention = Attention.ports(golden.attention, model, config.attention_positions)
    banks = banks_of(config, [tile], attention, head)
    own = model.n_embd + Sampler.own_multipliers(golden.sampler, word, model.vocab_size)
    return own + sum(_places(ports) for ports in banks.values())


def _places(ports: Iterable[MultiplierPort]) -> int:
    """Return the places of a bank that a port needs; every port takes the corner of row 0, column 0."""
    return len({(row, column) for port in ports for row in range(port.rows) for column in range(port.columns)})


def memories(config: CoreConfig) -> list[Memory]:
    """Return the memories of a core that may be in memory blocks."""
    model, word, program = config.model, config.word.width, schedule(config)
    vector = model.n_embd * word
    if config.first_layer_in_rom:
        found = [Memory(name="first layer", depth=model.vocab_size * FoldedRom.pitch(model), width=4 * vector)]
    else:
        found = [Memory(name="wte", depth=model.vocab_size, width=vector)]
        found.append(Memory(name="wpe", depth=model.block_size, width=vector))
    tile = config.tile_rows * config.tile_columns * word
    found.append(Memory(name="weights", depth=len(tile_instructions(program)), width=tile))
    layout = instruction_layout(program)
    found.append(Memory(name="program", depth=len(program), width=layout.size))
    depth = cache_depth(model.n_layer, cache_rows(model, config.attention_positions))
    found += [
        Memory(name=f"cache bank {bank}", depth=depth, width=vector, written=True)
        for bank in range(config.attention_positions)
    ]
    division = config.arithmetic.attention.divide
    if (table := attention_divide_of(division).rom(division)) is not None:
        words, bits = table
        found += [Memory(name=f"divide {head}", depth=words, width=bits) for head in range(model.n_head)]
    if config.arithmetic.deferred and config.sparse_head:
        depth = SparseTile.depth(model.mlp_dim, config.tile_rows)
        found.append(Memory(name="folded", depth=depth, width=model.vocab_size * word))
    return found


def memory_blocks(config: CoreConfig, chip: Chip) -> int:
    """Return the memory blocks of a device that a core takes at most."""
    return sum(chip.blocks(memory.depth, memory.width) for memory in memories(config))


def estimate(config: CoreConfig) -> Estimate:
    """Return what a core takes of the Cyclone V at most."""
    found: Sequence[Memory] = memories(config)
    return Estimate(
        multipliers=multipliers(config),
        m10k=sum(memory.m10k for memory in found),
        rom_bits=sum(memory.depth * memory.width for memory in found if not memory.written),
    )
