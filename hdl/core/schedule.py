"""The schedule of one step: the instructions that the sequencer runs through, as data.

Sequencer, weight ROM and the printed cycle table are all made from the list that ``schedule`` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import chain

from hdl.core.config import CoreConfig
from hdl.core.interface import Stage

__all__ = ["Operation", "Vector", "Instruction", "scales_totals", "schedule", "tile_instructions"]


class Operation(IntEnum):
    """What an instruction does."""

    NORMALISE = 0
    """Hand ``source`` to RMSNorm."""
    MULTIPLY = 1
    """Give the tile one word of weights and one block of ``source``."""
    SAMPLE = 2
    """Draw a token from the logits; the step ends when its result is taken."""


class Vector(IntEnum):
    """A vector of the datapath."""

    EMBEDDING = 0
    RESIDUAL = 1
    NORMED = 2
    QUERY = 3
    KEY = 4
    VALUE = 5
    ATTENDED = 6
    HIDDEN = 7
    LOGITS = 8


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One cycle of the sequencer, waits for ``source`` apart."""

    operation: Operation
    stage: Stage
    """What the cycle is counted as."""
    source: Vector
    destination: Vector
    matrix: str = ""
    """Tensor whose weights a MULTIPLY takes."""
    layer: int = 0
    row: int = 0
    """Block of ``tile_rows`` rows."""
    column: int = 0
    """Block of ``tile_columns`` columns."""
    first: bool = False
    """First column block of the row block."""
    last: bool = False
    """Last column block of the row block."""
    complete: bool = False
    """``last`` of the last row block: the destination is complete."""
    release: bool = False
    """Last use of ``source``, which may be overwritten."""
    addends: bool = False
    """The totals start from the addends of the destination's rows, which come from ROM."""
    scaled: bool = False
    """A scale is applied to the totals: the query's constant, or that of the deferred RMSNorm."""
    measure: bool = False
    """Once ``destination`` is complete, its scale is computed beside what follows."""
    sparse: bool = False
    """The folded head takes the block as it is written."""

    @property
    def wait_stage(self) -> Stage:
        """What a cycle of waiting for ``source`` is counted as: the work of the unit that makes it."""
        producers = {Vector.NORMED: Stage.NORM, Vector.ATTENDED: Stage.ATTENTION}
        return producers.get(self.source, self.stage)


def _multiply(
    config: CoreConfig,
    matrix: str,
    stage: Stage,
    source: Vector,
    destination: Vector,
    *,
    layer: int = 0,
    release: bool = False,
    **flags: bool,
) -> list[Instruction]:
    """Return the instructions of one matrix-vector product, row block by row block."""
    row_blocks, column_blocks = config.blocks(*config.matrices()[matrix])
    return [
        Instruction(
            operation=Operation.MULTIPLY,
            stage=stage,
            source=source,
            destination=destination,
            matrix=matrix,
            layer=layer,
            row=row,
            column=column,
            first=column == 0,
            last=column == column_blocks - 1,
            complete=row == row_blocks - 1 and column == column_blocks - 1,
            release=release and row == row_blocks - 1 and column == column_blocks - 1,
            **flags,
        )
        for row in range(row_blocks)
        for column in range(column_blocks)
    ]


def _normalise(source: Vector, destination: Vector) -> Instruction:
    return Instruction(operation=Operation.NORMALISE, stage=Stage.NORM, source=source, destination=destination)


def _project(config: CoreConfig, layer: int) -> list[Instruction]:
    """Return what makes a layer's key, query and value."""
    v, prefix = Vector, f"layer{layer}."
    deferred = config.arithmetic.deferred
    last = config.query_last
    key = _multiply(config, prefix + "wk", Stage.QKV, v.NORMED, v.KEY, layer=layer)
    query = _multiply(
        config, prefix + "wq", Stage.QKV, v.NORMED, v.QUERY, layer=layer, scaled=deferred, release=last
    )
    value = _multiply(config, prefix + "wv", Stage.QKV, v.NORMED, v.VALUE, layer=layer, release=not last)
    # The key comes before the query and the value after it, so that scores are made while the tile works on the value,
    # unless both would multiply with the same bank.
    order = [key, value, query] if last else [key, query, value]
    return [_normalise(v.RESIDUAL, v.NORMED), *chain.from_iterable(order)]


_SCALE_CYCLES = 6
"""Instructions from the last of a residual stream to the last of the logits, so that its scale is there for these; one
more where the tile has no register, whose totals are added a cycle later."""


def _sparse(config: CoreConfig, layer: int) -> bool:
    """Return whether the folded head takes the layer's hidden units as they come."""
    return config.arithmetic.deferred and config.sparse_head and layer == config.model.n_layer - 1


def _from_attention(config: CoreConfig) -> list[Instruction]:
    """Return what a layer that folds its projection makes of attention's output.

    Hidden units come first, since the head takes them one by one. The residual stream is wanted for its scale alone,
    and so comes as late as that allows; the addends of the logits are last.
    """
    v = Vector
    hidden = _multiply(config, "fc1_wo", Stage.FC1, v.ATTENDED, v.HIDDEN, addends=True, sparse=_sparse(config, 0))
    residual = _multiply(config, "layer0.wo", Stage.WO, v.ATTENDED, v.RESIDUAL, measure=True)
    head = _multiply(config, "lm_head_wo", Stage.LM_HEAD, v.ATTENDED, v.LOGITS, addends=True, release=True)
    late = max(_SCALE_CYCLES + (not config.tile_register) - len(head), 0)
    early = max(len(hidden) - late, 0)
    # A row block is summed without anything in between.
    early -= early % config.blocks(1, config.model.n_embd)[1]
    return [*hidden[:early], *residual, *hidden[early:], *_with_folded(config, head)]


def _mlp(config: CoreConfig, layer: int) -> list[Instruction]:
    """Return what adds a layer's MLP to the residual stream; the last one of a deferred arithmetic ends in the head."""
    v, prefix = Vector, f"layer{layer}."
    deferred, last = config.arithmetic.deferred, layer == config.model.n_layer - 1
    source = v.RESIDUAL if deferred else v.NORMED
    program = [] if deferred else [_normalise(v.RESIDUAL, v.NORMED)]
    sparse = _sparse(config, layer)
    program += _multiply(
        config, prefix + "fc1", Stage.FC1, source, v.HIDDEN, layer=layer, release=not deferred, sparse=sparse
    )
    if not (deferred and last):
        program += _multiply(config, prefix + "fc2", Stage.FC2, v.HIDDEN, v.RESIDUAL, layer=layer, scaled=deferred)
    return program


def _head(config: CoreConfig) -> list[Instruction]:
    """Return what makes the logits, where the hidden units are not skipped one by one."""
    return _with_folded(config, _multiply(config, "lm_head", Stage.LM_HEAD, Vector.RESIDUAL, Vector.LOGITS))


def _with_folded(config: CoreConfig, addends: list[Instruction]) -> list[Instruction]:
    """Return the addends of the logits, and with a dense head the folded matrix."""
    if not config.dense_head:
        return addends
    v = Vector
    # A row block of addends is followed by that of the folded matrix, to whose scaled totals it is added.
    totals = _multiply(config, "folded", Stage.LM_HEAD, v.HIDDEN, v.LOGITS, scaled=True)
    addends = [replace(instruction, complete=False) for instruction in addends]
    return sorted(addends + totals, key=lambda instruction: instruction.row)


@lru_cache(maxsize=16)
def schedule(config: CoreConfig) -> tuple[Instruction, ...]:
    """Return the instructions of one step, in order."""
    v = Vector
    sample = Instruction(operation=Operation.SAMPLE, stage=Stage.SAMPLE, source=v.LOGITS, destination=v.LOGITS)
    if config.arithmetic.folds_projection:
        return (*_from_attention(config), sample)
    program = [] if config.first_layer_in_rom else [_normalise(v.EMBEDDING, v.RESIDUAL)]
    for layer in range(config.model.n_layer):
        if layer > 0 or not config.first_layer_in_rom:
            program += _project(config, layer)
        program += _multiply(
            config,
            f"layer{layer}.wo",
            Stage.WO,
            v.ATTENDED,
            v.RESIDUAL,
            layer=layer,
            release=True,
            measure=config.arithmetic.deferred,
        )
        program += _mlp(config, layer)
    return (*program, *_head(config), sample)


def scales_totals(program: tuple[Instruction, ...]) -> bool:
    """Return whether any totals of the tile are scaled."""
    return any(instruction.scaled for instruction in program)


def tile_instructions(program: tuple[Instruction, ...]) -> list[Instruction]:
    """Return the instructions that take a word of weights, in the order of the weight ROM."""
    return [instruction for instruction in program if instruction.operation is Operation.MULTIPLY]
