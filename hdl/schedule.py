"""The schedule of one step: the instructions that the sequencer runs through, as data.

Sequencer, weight ROM and the printed cycle table are all made from the list that ``schedule`` returns.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.lib import enum

from hdl.config import CoreConfig
from hdl.interface import Stage

__all__ = ["Operation", "Vector", "Instruction", "schedule", "tile_instructions"]


class Operation(enum.Enum, shape=2):
    """What an instruction does."""

    NORMALISE = 0
    """Hand ``source`` to RMSNorm."""
    MULTIPLY = 1
    """Give the tile one word of weights and one block of ``source``."""
    SAMPLE = 2
    """Draw a token from the logits; the step ends when its result is taken."""


class Vector(enum.Enum, shape=4):
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

    @property
    def wait_stage(self) -> Stage:
        """What a cycle of waiting for ``source`` is counted as: the work of the unit that makes it."""
        producers = {Vector.NORMED: Stage.NORM, Vector.ATTENDED: Stage.ATTENTION}
        return producers.get(self.source, self.stage)


def _multiply(
    config: CoreConfig, matrix: str, stage: Stage, source: Vector, destination: Vector, layer: int, release: bool
) -> list[Instruction]:
    """Return the instructions of one matrix-vector product, row block by row block."""
    rows, columns = config.model.shapes()[matrix]
    row_blocks, column_blocks = -(-rows // config.tile_rows), -(-columns // config.tile_columns)
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
        )
        for row in range(row_blocks)
        for column in range(column_blocks)
    ]


def schedule(config: CoreConfig) -> tuple[Instruction, ...]:
    """Return the instructions of one step, in order.

    Keys come before the query and values after it, so that scores are made while the tile works on values.
    """
    v = Vector
    normalise = {"operation": Operation.NORMALISE, "stage": Stage.NORM}
    program = [Instruction(**normalise, source=v.EMBEDDING, destination=v.RESIDUAL)]
    for layer in range(config.model.n_layer):
        prefix = f"layer{layer}."
        program += [Instruction(**normalise, source=v.RESIDUAL, destination=v.NORMED)]
        for name, destination in (("wk", v.KEY), ("wq", v.QUERY), ("wv", v.VALUE)):
            program += _multiply(
                config, prefix + name, Stage.QKV, v.NORMED, destination, layer, release=destination is v.VALUE
            )
        program += _multiply(config, prefix + "wo", Stage.WO, v.ATTENDED, v.RESIDUAL, layer, release=True)
        program += [Instruction(**normalise, source=v.RESIDUAL, destination=v.NORMED)]
        program += _multiply(config, prefix + "fc1", Stage.FC1, v.NORMED, v.HIDDEN, layer, release=True)
        program += _multiply(config, prefix + "fc2", Stage.FC2, v.HIDDEN, v.RESIDUAL, layer, release=True)
    program += _multiply(config, "lm_head", Stage.LM_HEAD, v.RESIDUAL, v.LOGITS, 0, release=False)
    program += [
        Instruction(operation=Operation.SAMPLE, stage=Stage.SAMPLE, source=v.LOGITS, destination=v.LOGITS)
    ]
    return tuple(program)


def tile_instructions(program: tuple[Instruction, ...]) -> list[Instruction]:
    """Return the instructions that take a word of weights, in the order of the weight ROM."""
    return [instruction for instruction in program if instruction.operation is Operation.MULTIPLY]
