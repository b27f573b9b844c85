"""The sequencer: runs through the schedule, an instruction a cycle, waiting where a source is not there yet."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, Vector, tile_instructions
from hdl.device.target import target_of
from hdl.units.format import index_shape
from hdl.units.lent_rom import LentRom, lent_address, lent_enable, lent_words, show
from hdl.units.memory_ports import read_port

__all__ = ["Sequencer", "instruction_layout"]


def instruction_layout(program: tuple[Instruction, ...]) -> data.StructLayout:
    """Return the control word of an instruction; matrices are addressed by a counter, not by name."""
    return data.StructLayout(
        {
            "operation": Operation,
            "stage": Stage,
            "wait_stage": Stage,
            "source": Vector,
            "destination": Vector,
            "layer": index_shape(1 + max(instruction.layer for instruction in program)),
            "row": index_shape(1 + max(instruction.row for instruction in program)),
            "column": index_shape(1 + max(instruction.column for instruction in program)),
            "first": 1,
            "last": 1,
            "complete": 1,
            "release": 1,
            "scaled": 1,
            "measure": 1,
            "sparse": 1,
        }
        | ({"addends": 1} if any(instruction.addends for instruction in program) else {})
    )


class Sequencer(wiring.Component):
    """Presents the instructions of a step in order; one is done in the cycle in which ``ready`` answers it.

    ``start`` makes the first instruction current in the next cycle, also in the cycle that does the last one, so that
    steps follow each other without a gap. Without waits a step takes as many cycles as it has instructions.

    Members
    -------
    start : In(1)
        Begin a step; only while idle or with the last instruction done.
    skip : In(1)
        With ``start``: the last instruction is the only one of the step.
    ready : In(1)
        The current instruction can be done.
    running : Out(1)
        ``instruction`` is current.
    instruction : Out(instruction_layout)
    done : Out(1)
        ``running`` and ``ready``.
    weight_address : Out
        Word of the weight ROM that belongs to the current instruction, if it is a MULTIPLY.
    stage : Out(Stage)
        What the cycle is counted as.
    """

    lent: LentRom | None = None

    def __init__(self, program: tuple[Instruction, ...]) -> None:
        self.program = program
        self.layout = instruction_layout(program)
        super().__init__(
            {
                "start": In(1),
                "skip": In(1),
                "ready": In(1),
                "running": Out(1),
                "instruction": Out(self.layout),
                "done": Out(1),
                "weight_address": Out(range(len(tile_instructions(program)))),
                "stage": Out(Stage),
            }
        )

    def lend(self) -> list[LentRom]:
        """As of ``Lender``. ``instruction`` is another one's while the ROM is taken."""
        self.lent = LentRom("program", lent_words(self.layout, self._words))
        return [self.lent]

    @property
    def _words(self) -> list[dict[str, Any]]:
        return [{name: getattr(instruction, name) for name in self.layout.members} for instruction in self.program]

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        init = self._words
        m.submodules.memory = memory = Memory(
            shape=self.layout, depth=len(init), init=init, attrs=target_of(platform).early_memory_attributes()
        )
        read = read_port(memory)
        show(m, self.lent, read.data)

        # The word that follows is addressed all the time, and read when the current one is done: whether it is done is
        # known late, and so is a start. After the last instruction it is the first of a step.
        counter = Signal(range(len(init)), name="counter")
        following = Signal(range(len(init)), name="following")
        first = Mux(self.skip, len(init) - 1, 0)
        is_last = self.instruction.operation == Operation.SAMPLE
        ended = self.done & is_last
        m.d.comb += [
            self.instruction.eq(read.data),
            self.done.eq(self.running & self.ready),
            following.eq(Mux(self.running & ~is_last, counter + 1, first)),
            read.addr.eq(lent_address(self.lent, following)),
            read.en.eq(lent_enable(self.lent, self.start | self.done)),
            self.stage.eq(
                Mux(self.running, Mux(self.ready, read.data.stage, read.data.wait_stage), Stage.IDLE)
            ),
        ]
        with m.If(read.en):
            m.d.sync += counter.eq(following)
        with m.If(self.done):
            with m.If(self.instruction.operation == Operation.MULTIPLY):
                m.d.sync += self.weight_address.eq(self.weight_address + 1)
        with m.If(ended):
            m.d.sync += self.running.eq(0)
        with m.If(self.start):
            m.d.sync += [self.running.eq(1), self.weight_address.eq(0)]
        return m
