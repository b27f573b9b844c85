"""When each instruction of a step is done: the schedule and the latencies of the units, added up.

The same numbers come out of the simulation; a test holds one against the other, step by step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hdl.core.core import Core
from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, Vector
from hdl.units.folded_head import FoldedHead
from hdl.units.scaled_linear import ScaledLinear
from hdl.units.sparse_tile import SparseTile

__all__ = ["Done", "longest_request", "stage_cycles", "timeline"]

@dataclass(frozen=True)
class Done:
    """An instruction and the cycle that does it; cycle 0 is the one before the step's first, which starts it."""

    instruction: Instruction
    cycle: int
    waited: int
    """Cycles in which it was current and its source not there."""


def timeline(core: Core, position: int, non_zero: Sequence[int] = ()) -> list[Done]:
    """Return the instructions of a step at ``position`` with their cycles; the last one's is the length of the step.

    Parameters
    ----------
    non_zero
        Hidden units that are not 0, row block by row block in ``core.hidden_order``, where the core skips the others;
        none by default.
    """
    if not 0 <= position < core.model.block_size:
        raise ValueError(f"position must be 0 to {core.model.block_size - 1}, not {position!r}")
    units = core.units
    ready: dict[Vector, int] = {Vector.EMBEDDING: 1}
    settled = {Vector.EMBEDDING: 1}
    hidden: dict[int, int] = {}
    announced: list[tuple[int, int]] = []
    # Cycles from an instruction to the one that writes its totals; a residual stream can be read in that one already.
    to_written = units.write_latency - 1
    query = 0
    scale = 0
    if core.config.first_layer_in_rom:
        ready[Vector.ATTENDED] = units.attention.latency(position)
    program = core.program
    if core.config.constant_position_0 and position == 0:
        # The logits are constants, written in the cycle after the start.
        program = program[-1:]
        ready[Vector.LOGITS] = max(2 + core.config.dense_head, units.sampler.PREPARATION) + units.sampler.LATENCY
    done: list[Done] = []
    for instruction in program:
        first = done[-1].cycle + 1 if done else 1
        source, destination = instruction.source, instruction.destination
        if source is Vector.HIDDEN:
            # Row blocks are written in order; a column block may reach into several.
            end = min((instruction.column + 1) * core.config.tile_columns, core.model.mlp_dim)
            there = hidden[(end - 1) // core.config.tile_rows]
        else:
            there = (settled if instruction.operation is Operation.NORMALISE else ready)[source]
        cycle = max(first, there)
        if instruction.scaled and destination is not Vector.QUERY:
            cycle = max(cycle, scale)
        done.append(Done(instruction, cycle, cycle - first))
        if instruction.operation is Operation.NORMALISE:
            ready[destination] = cycle + units.rmsnorm.LATENCY + (destination is Vector.RESIDUAL)
            settled[destination] = ready[destination]
        if instruction.operation is not Operation.MULTIPLY or not instruction.last:
            continue
        written = cycle + to_written + (ScaledLinear.LATENCY if instruction.scaled else 0)
        if destination is Vector.HIDDEN:
            hidden[instruction.row] = written + 1
            announced.append((written, non_zero[instruction.row] if instruction.row < len(non_zero) else 0))
        if not instruction.complete:
            continue
        late = destination is Vector.RESIDUAL and not instruction.scaled and not core.config.tile_register
        written += late
        ready[destination] = settled[destination] = written + 1
        if destination is Vector.RESIDUAL and not instruction.scaled and not late:
            ready[destination] = written
        if instruction.measure:
            scale = written + 1 + units.rmsnorm.LATENCY + 1
        if destination is Vector.QUERY:
            query = written
        if destination is (Vector.QUERY if core.config.query_last else Vector.VALUE):
            attention = units.attention
            ready[Vector.ATTENDED] = max(query + attention.latency(position), written + attention.LATENCY_AFTER_VALUE)
        if destination is Vector.LOGITS:
            if core.arithmetic.deferred and core.config.sparse_head:
                # The logits are written one cycle after the head offers them.
                ready[destination] = max(written, scale, _sparse_done(announced)) + FoldedHead.LATENCY + 1
            if units.sampler.PREPARES and core.config.dense_head:
                ready[destination] += 1
            ready[destination] = max(ready[destination], units.sampler.PREPARATION) + units.sampler.LATENCY
    return done


def longest_request(core: Core) -> int:
    """Return the cycles of a name of as many steps as there are positions, if no hidden unit is ever 0."""
    rows, hidden = core.config.tile_rows, core.model.mlp_dim
    full = [min(rows, hidden - first) for first in range(0, hidden, rows)]
    return sum(timeline(core, position, full)[-1].cycle for position in range(core.model.block_size))


def _sparse_done(announced: Sequence[tuple[int, int]]) -> int:
    """Return the cycle from which the sparse tile's totals are there, for blocks of (cycle, non-zero elements)."""
    arrivals = Counter[int]()
    for cycle, count in announced:
        arrivals[cycle + 1] += count
    last = announced[-1][0] + 1
    waiting, cycle = 0, announced[0][0] + 1
    while True:
        waiting = max(waiting + arrivals[cycle] - 1, 0)
        if cycle >= last and not waiting:
            return cycle + SparseTile.LATENCY
        cycle += 1


def stage_cycles(done: Sequence[Done]) -> dict[Stage, int]:
    """Return the cycles of a step by stage, as the performance counters count them."""
    cycles: Counter[Stage] = Counter()
    for entry in done:
        cycles[entry.instruction.wait_stage] += entry.waited
        cycles[entry.instruction.stage] += 1
    return {stage: cycles[stage] for stage in Stage if cycles[stage]}
