"""The sequencer with the schedules of the named cores: each instruction in its turn, and not one beyond the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, C, Mux, Signal, Value

from hdl.core.config import CORES
from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, schedule
from hdl.core.sequencer import Sequencer
from hdl.proof import Always, Circuit, Planted, Property

__all__ = ["PROPERTIES"]


def _chosen(values: Sequence[int], index: Value, name: str, m: Any) -> Signal:
    """Return the value at ``index``, from constants."""
    signal = Signal(max(values).bit_length() or 1, name=name)
    m.d.comb += signal.eq(Array(C(value, signal.shape()) for value in values)[index])
    return signal


def _order(circuit: Circuit, program: tuple[Instruction, ...]) -> None:
    """``at`` is the instruction that a step has come to, kept by what was done alone."""
    m = circuit.m
    unit: Any = Sequencer(program)
    inside = circuit.unit(unit, "sequencer")
    at, runs = Signal(range(len(program)), name="at"), Signal(name="runs")
    last = at == len(program) - 1
    done = runs & unit.ready
    circuit.assume(~unit.start | ~runs | (done & last))
    with m.If(unit.start):
        m.d.sync += [at.eq(Mux(unit.skip, len(program) - 1, 0)), runs.eq(1)]
    with m.Elif(done):
        m.d.sync += [at.eq(Mux(last, 0, at + 1)), runs.eq(~last)]

    words = [unit.layout.const({name: getattr(one, name) for name in unit.layout.members}).as_value().value
             for one in program]  # fmt: skip
    products, before = [], 0
    for one in program:
        # Behind the last product the address may have come round; nothing is read with it there.
        products.append(before % (1 << len(unit.weight_address)))
        before += one.operation is Operation.MULTIPLY
    skipped = Signal(name="skipped")
    with m.If(unit.start):
        m.d.sync += skipped.eq(unit.skip)
    stage = Mux(unit.ready, unit.instruction.stage, unit.instruction.wait_stage)
    circuit.always(
        unit.running == runs,
        ~runs | (inside["counter"] == at),
        inside["following"] < len(program),
        ~runs | (unit.instruction.as_value() == _chosen(words, at, "word", m)),
        unit.done == done,
        ~runs | skipped | (unit.weight_address == _chosen(products, at, "products", m)),
        ~(runs & skipped) | last,
        unit.stage == Mux(runs, stage, Stage.IDLE),
    )


PROPERTIES = tuple(
    Property(
        name=f"sequencer.{name}",
        statement=f"The schedule of {name} runs in order, each instruction until it is done, and not beyond its end.",
        claim=Always(circuit=lambda circuit, name=name: _order(circuit, schedule(CORES[name])), cycles=5),  # type: ignore[misc]
        planted=Planted(
            module="hdl.core.sequencer",
            right="Mux(self.running & ~is_last, counter + 1, first)",
            wrong="Mux(self.running, counter + 1, first)",
        ),
    )
    for name in CORES
)
