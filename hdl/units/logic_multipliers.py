"""Products made of adders, for a unit whose factors are short and whose device has no DSP block left."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hdl.units.adders import partial_products, sum_partial_products
from hdl.units.multipliers import MultiplierBank, MultiplierPort

__all__ = ["LogicMultipliers"]


class LogicMultipliers(wiring.Component):
    """``results[r] = a[r] · b[r]``, as `MultiplierBank`, where no ``b`` is ever negative.

    Latency ``LATENCY``; new operands every cycle, no backpressure. A product is one addition for every two bits of
    ``b``. Raises ValueError if the port has more than one column.

    Members
    -------
    port : In(MultiplierPort)
    """

    LATENCY = MultiplierBank.LATENCY

    def __init__(self, port: MultiplierPort) -> None:
        if port.columns != 1:
            raise ValueError(f"port must have one column, not {port.columns!r}")
        self.signature_of_port = port
        super().__init__({"port": In(port)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port = self.port
        for row in range(self.signature_of_port.rows):
            terms = partial_products(m, port.a[row][0], port.b[row][0][:-1], f"partial{row}")
            product = Signal(port.results[row][0].shape(), name=f"product{row}")
            m.d.sync += product.eq(sum_partial_products(m, terms, f"partial{row}"))
            m.d.comb += [port.results[row][0].eq(product), port.sums[row].eq(product)]
        return m
