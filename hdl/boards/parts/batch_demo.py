"""What the board does without a host where letters never leave the core: a batch a second, and its digest."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.demo_run import FIRST_SEED, check_cycles, offer_read, offered_writes, run_due, settings
from hdl.registers.avalon import AvalonSignature
from hdl.registers.map import RegisterMap

__all__ = ["BATCH_NAMES", "BatchDemo", "BatchReport"]

BATCH_NAMES = 1024
"""Names of a batch: a millisecond's."""


class BatchReport(wiring.Signature):
    """What has come of a batch, for one cycle in which ``valid`` is 1; whoever listens must take it.

    Members
    -------
    valid : Out(1)
    seed : Out(32)
        Its first.
    digest : Out(32)
    """

    def __init__(self) -> None:
        super().__init__({"valid": Out(1), "seed": Out(32), "digest": Out(32)})


class BatchDemo(wiring.Component):
    """An Avalon initiator that starts a batch of ``BATCH_NAMES`` names every ``cycles`` cycles, and reads its digest.

    Its first seeds follow each other: 1, 1025, 2049 and so on, at temperature 0.5. A batch: configuration, seed, count,
    clear and start written, status polled until done, digest read. One that takes longer than ``cycles`` delays the
    next.

    Parameters
    ----------
    registers
        The map of the design.
    cycles
        From one batch to the next; a positive integer.

    Members
    -------
    enable : In(1)
        A batch under way ends, the next waits.
    bus : Out(AvalonSignature())
    report : Out(BatchReport())

    Raises TypeError or ValueError for ``cycles`` out of range.
    """

    def __init__(self, registers: RegisterMap, *, cycles: int) -> None:
        check_cycles(cycles)
        self.registers, self.cycles = registers, cycles
        super().__init__({"enable": In(1), "bus": Out(AvalonSignature()), "report": Out(BatchReport())})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus: Any = self.bus
        register = self.registers.register
        control, status = register("control"), register("status")
        seed = Signal(32, init=FIRST_SEED, name="seed")
        writes = (
            *settings(self.registers, seed),
            (register("count").address, Const(BATCH_NAMES)),
            (control.address, Const(control.encode(clear=1, start=1))),
        )
        due = run_due(m, self.cycles)

        at = Signal(range(len(writes)), name="at")
        m.d.comb += [bus.byteenable.eq(0b1111), self.report.seed.eq(seed), self.report.digest.eq(bus.readdata)]
        with m.FSM():
            with m.State("WAIT"):
                m.d.sync += at.eq(0)
                with m.If(due & self.enable):
                    m.d.sync += due.eq(0)
                    m.next = "SETUP"
            with m.State("SETUP"), offered_writes(m, bus, writes, at):
                m.next = "POLL"
            with m.State("POLL"), m.If(offer_read(m, bus, status.address)):
                m.next = "STATUS"
            with m.State("STATUS"):
                with m.If(bus.readdatavalid):
                    m.next = "POLL"
                    with m.If(bus.readdata[status.field("done").low]):
                        m.next = "READ"
            with m.State("READ"), m.If(offer_read(m, bus, register("digest").address)):
                m.next = "DIGEST"
            with m.State("DIGEST"):
                with m.If(bus.readdatavalid):
                    m.d.comb += self.report.valid.eq(1)
                    m.d.sync += seed.eq(seed + BATCH_NAMES)
                    m.next = "WAIT"
        return m
