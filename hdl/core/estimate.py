"""What a core takes of the device's DSP blocks and memory blocks, from its configuration alone.

Synthesis counts the same DSP blocks, and the same memory blocks up to constants that it finds in the weights, columns
of zeros, which take none, and to reciprocals behind attention's registers, whose tables are logic. So this is what a
core takes at most. Tables of logic are for synthesis alone to count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hdl.core.barrel.estimate import bank_layouts, barrel_memories
from hdl.core.config import CoreConfig
from hdl.core.schedule import Operation, scales_totals, schedule, tile_instructions
from hdl.core.sequencer import instruction_layout
from hdl.device.chip import Chip
from hdl.device.cyclone_v import CHIP
from hdl.device.target import DspMode
from hdl.units.attention import Attention
from hdl.units.folded_rom import FoldedRom
from hdl.units.kv_cache import CacheLayout, cache_depth, cache_rows
from hdl.units.multipliers import BankLayout, bank_layout
from hdl.units.registry import attention_divide_of
from hdl.units.rmsnorm import RmsNorm
from hdl.units.samplers import sampler_of
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.sparse_tile import SparseTile
from hdl.units.tile import Tile

__all__ = [
    "Estimate", "Memory", "banks_of", "core_banks", "dsp_blocks", "dsp_modes", "estimate", "largest_matrix",
    "memories", "memory_blocks", "tile_split",
]  # fmt: skip


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
    """Parts of the device."""

    dsp_blocks: int
    m10k: int
    rom_bits: int


Ports = list[Any]
"""Ports for multipliers, or their signatures."""


def banks_of(
    config: CoreConfig, tile: Ports, attention: Ports, head: Ports, apart: Ports
) -> dict[str, tuple[Ports, Ports]]:
    """Return bank -> the ports that take turns at it, and those that have multipliers of their own there.

    ``head`` and ``apart`` are those of everything but tile and attention.
    """
    banks = {"pool": tile + attention} if config.share_multipliers else {"tile": tile, "attention": attention}
    return {name: (users, []) for name, users in banks.items()} | {"head": (head, apart)}


def largest_matrix(config: CoreConfig) -> tuple[int, int]:
    """Return the most rows and the most columns of the matrices that the tile multiplies with."""
    matrices = config.matrices()
    shapes = [matrices[name] for name in {step.matrix for step in tile_instructions(schedule(config))}]
    return max(rows for rows, _ in shapes), max(columns for _, columns in shapes)


def tile_split(config: CoreConfig) -> int:
    """Return how many rows of a shared bank a row of the tile takes, so that the bank has the columns of attention."""
    columns, positions = config.tile_columns, config.attention_positions
    shared = config.share_multipliers and 1 < positions < columns and columns % positions == 0
    return columns // positions if shared else 1


def core_banks(config: CoreConfig) -> dict[str, BankLayout]:
    """Return bank -> its multipliers, of a core of one stream; it is named as in the circuit."""
    golden, model, word = config.arithmetic, config.model, config.word
    outputs, terms = largest_matrix(config)
    tile = Tile.port(min(config.tile_rows, outputs), min(config.tile_columns, terms), word, tile_split(config))
    lanes, sampler = min(config.sampler_lanes, model.vocab_size), sampler_of(golden.sampler)
    head = [*sampler.turns(golden.sampler, golden.logit, model.vocab_size, lanes).values()]
    if golden.scaled_linear is not None:
        if scales_totals(schedule(config)):
            head.append(ScaledLinear.port(golden.scaled_linear, config.tile_rows))
        if config.sparse_head:
            head.append(SparseTile.port(model.vocab_size, word))
            head.append(ScaledLinear.port(golden.scaled_linear, model.vocab_size))
    apart = [*sampler.apart(golden.sampler, golden.logit).values()]
    attention = Attention.ports(golden.attention, model, config.attention_positions)
    normalise = any(step.operation is Operation.NORMALISE for step in schedule(config))
    banks = {f"{name}_multipliers": users for name, users in
             banks_of(config, [tile], attention, head, apart).items()}  # fmt: skip
    banks["rmsnorm.bank"] = ([RmsNorm.port(golden.rmsnorm, normalise)], [])
    return {name: bank_layout(users, others) for name, (users, others) in banks.items()}


def dsp_modes(config: CoreConfig) -> dict[DspMode, int]:
    """Return mode -> DSP blocks of a core: each holds two products, or the sum of two."""
    layouts = [*(core_banks(config) if config.streams == 1 else bank_layouts(config)).values()]
    return {mode: sum(len(layout.blocks) for layout in layouts if layout.mode is mode) for mode in DspMode}


def dsp_blocks(config: CoreConfig) -> int:
    """Return the DSP blocks of a core."""
    return sum(dsp_modes(config).values())


def memories(config: CoreConfig) -> list[Memory]:
    """Return the memories of a core that may be in memory blocks."""
    if config.streams > 1:
        return [Memory(name=name, depth=depth, width=width, written=written)
                for name, depth, width, written in barrel_memories(config)]
    model, word, program = config.model, config.word.width, schedule(config)
    vector = model.n_embd * word
    if config.first_layer_in_rom:
        depth, row = model.vocab_size * FoldedRom.pitch(model), FoldedRom.row_layout(model, config.arithmetic)
        found = [Memory(name=f"first layer {name}", depth=depth, width=member.shape.size) for name, member in row]
    else:
        found = [Memory(name="wte", depth=model.vocab_size, width=vector)]
        found.append(Memory(name="wpe", depth=model.block_size, width=vector))
    tile = config.tile_rows * config.tile_columns * word
    found.append(Memory(name="weights", depth=len(tile_instructions(program)), width=tile))
    found.append(Memory(name="program", depth=len(program), width=instruction_layout(program).size))
    depth = cache_depth(model.n_layer, cache_rows(model, config.attention_positions))
    layout = CacheLayout(config.attention_positions, model.n_head, model.head_dim)
    width = layout.lanes // layout.parts * word
    found += [
        Memory(name=f"cache bank {bank}, part {part}", depth=depth, width=width, written=True)
        for bank in range(layout.positions)
        for part in range(layout.parts)
    ]
    division = config.arithmetic.attention.divide
    if (table := attention_divide_of(division).rom(division)) is not None:
        words, bits = table
        found += [Memory(name=f"divide {head}", depth=words, width=bits) for head in range(model.n_head)]
    sampler = config.arithmetic.sampler
    roms = sampler_of(sampler).roms(sampler, model.vocab_size)
    found += [Memory(name=f"sampler {lane}", depth=words, width=bits) for lane, (words, bits) in enumerate(roms)]
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
        dsp_blocks=dsp_blocks(config),
        m10k=sum(memory.m10k for memory in found),
        rom_bits=sum(memory.depth * memory.width for memory in found if not memory.written),
    )
