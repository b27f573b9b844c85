"""The named cores, bound to a model and a number format, as far as a device holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from hdl.core.config import BARRELS, CORES, CoreConfig
from hdl.core.estimate import dsp_blocks, memory_blocks
from hdl.core.schedule import schedule, tile_instructions
from hdl.device.chip import Chip
from hdl.device.cyclone_v import CHIP
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

__all__ = ["core_config", "suitable_cores"]

_SHAPES = CORES | BARRELS
_MOST_ROWS = 64


def core_config(name: str, model: ModelConfig = MICROGPT, word: Format = Q4_12, chip: Chip = CHIP) -> CoreConfig:
    """Return a named core bound to a model and a number format, for a device: that of the DE1-SoC by default.

    It takes no more positions and tokens at once than there are, and has the registers that the device wants. A core
    whose arithmetic is deferred is made smaller where the device has too few DSP blocks: of the tiles, positions and
    heads that fit, it has those with the fewest cycles; with several streams the most rows.

    Raises ValueError for an unknown name, and for a core that the model cannot have, with the reason and the named
    cores that it can have.
    """
    if name not in _SHAPES:
        raise ValueError(f"core must be one of {', '.join(_SHAPES)}, not {name!r}")
    bound = _bind(name, model, word, chip)
    if isinstance(bound, CoreConfig):
        return bound
    names, reasons = suitable_cores(model, word, chip)
    if names:
        raise ValueError(f"core must be {' or '.join(names)} for this model, not {name!r}: {bound}")
    every = "; ".join(f"{other}: {reason}" for other, reason in reasons.items())
    raise ValueError(f"model must be one that a named core can have: {every}")


def suitable_cores(
    model: ModelConfig, word: Format = Q4_12, chip: Chip = CHIP, cores: Iterable[str] = tuple(CORES)
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return those of some named ``cores`` that a model can have with a number format, and name -> reason for the
    others; by default of those with one stream."""
    bound = {name: _bind(name, model, word, chip) for name in cores}
    names = tuple(name for name, found in bound.items() if isinstance(found, CoreConfig))
    return names, {name: found for name, found in bound.items() if isinstance(found, str)}


@lru_cache(maxsize=256)
def _bind(name: str, model: ModelConfig, word: Format, chip: Chip) -> CoreConfig | str:
    """Return a named core bound to a model, or in a phrase why the model cannot have it."""
    shape = _SHAPES[name]
    positions = min(shape.attention_positions, 1 << (model.block_size.bit_length() - 1))
    lanes = min(shape.sampler_lanes, model.vocab_size)
    try:
        columns = shape.tile_columns if shape.streams == 1 else model.n_embd
        config = replace(
            shape, model=model, word=word, tile_columns=columns, attention_positions=positions, sampler_lanes=lanes
        )
    except ValueError as error:
        return str(error)
    if chip.short_paths and config.streams == 1:
        # A core of a deferred arithmetic has longer paths than the cut's, and a slower clock for them.
        cut = not config.arithmetic.deferred
        config = replace(config, tile_register=True, attention_registers=True, sampler_register=cut)
    found: CoreConfig | None = config
    if dsp_blocks(config) > chip.dsp_blocks:
        smaller = _smaller if config.streams == 1 else _lower
        found = smaller(config, chip) if config.arithmetic.deferred else None
    if found is None:
        return f"it takes {dsp_blocks(config)} DSP blocks, and {chip.part} has {chip.dsp_blocks}"
    blocks = memory_blocks(found, chip)
    if blocks > chip.memory_blocks:
        return f"it takes {blocks} memory blocks ({chip.block_kind}), and {chip.part} has {chip.memory_blocks}"
    return found


def _smaller(config: CoreConfig, chip: Chip) -> CoreConfig | None:
    """Return the configuration with the fewest cycles of those with no more DSP blocks than there are; None if none is.

    No tile is wider than that of the core, and no more positions are taken at once: what is summed in a cycle decides
    how long the cycle must be.
    """
    model, most = config.model, config.tile_rows * config.tile_columns
    program = schedule(replace(config, tile_rows=64, tile_columns=64))
    matrices = [config.matrices()[name] for name in {step.matrix for step in tile_instructions(program)}]
    folded = config.matrices()["folded"]
    # A row more is of use only where some matrix then takes a block less.
    counts = {count for count, _ in (*matrices, folded)}
    useful = [
        rows for rows in range(1, _MOST_ROWS + 1)
        if rows == 1 or any(-(-count // rows) < -(-count // (rows - 1)) for count in counts)
    ]  # fmt: skip
    shapes = []
    for rows in useful:
        for columns in range(1, min(most // rows, config.tile_columns) + 1):
            for positions in (1 << shift for shift in range(config.attention_positions.bit_length())):
                for sparse in (True, False):
                    shape = _Shape(rows, columns, positions, sparse)
                    cycles = shape.cycles([*matrices, *([] if sparse else [folded])], model.block_size)
                    shapes.append((cycles, shape))
    # Among equals the tallest: its row blocks are written at once.
    for _, shape in sorted(shapes, key=lambda entry: (entry[0], *(-int(value) for value in entry[1]))):
        head = model.vocab_size if shape.sparse_head else 0
        if model.n_embd + shape.tile_rows * shape.tile_columns + head > 2 * chip.dsp_blocks:
            continue
        candidate = replace(config, **shape._asdict())
        if dsp_blocks(candidate) <= chip.dsp_blocks:
            return candidate
    return None


def _lower(config: CoreConfig, chip: Chip) -> CoreConfig | None:
    """Return a core of several streams with the most rows of its tile that fit, each whole; None if not one does."""
    lower = (replace(config, tile_rows=rows) for rows in range(config.tile_rows - 1, 0, -1))
    return next((candidate for candidate in lower if dsp_blocks(candidate) <= chip.dsp_blocks), None)


class _Shape(NamedTuple):
    """What is chosen by the device; the names are those of ``CoreConfig``."""

    tile_rows: int
    tile_columns: int
    attention_positions: int
    sparse_head: bool

    def cycles(self, matrices: Sequence[tuple[int, int]], block_size: int) -> int:
        """Return the cycles of a step in the middle of a block that depend on the shape, but for waits."""
        tile = sum(-(-rows // self.tile_rows) * -(-columns // self.tile_columns) for rows, columns in matrices)
        return tile + 2 * (block_size // 2 // self.attention_positions)
