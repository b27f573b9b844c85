"""Avalon-MM as Intel's JTAG master speaks it: words of 32 bits, pipelined reads, wait requests."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.registers.places import ADDRESS_WIDTH

__all__ = ["ADDRESS_WIDTH", "AvalonSignature"]


class AvalonSignature(wiring.Signature):
    """Avalon-MM with pipelined reads, as the initiator sees it; `flipped`, or ``In``, for the other end.

    Timing: an access is accepted at the clock edge at which ``read`` or ``write`` is 1 and ``waitrequest`` 0; until
    then the initiator keeps all its outputs. The data of an accepted read are in ``readdata`` in the one cycle in which
    ``readdatavalid`` is 1, one cycle after the acceptance or later. One read is outstanding at a time.
    Source: Avalon Interface Specifications (Intel, MNL-AVABUSREF), "Pipelined Transfers".

    Members
    -------
    address : Out(ADDRESS_WIDTH)
        In bytes.
    read, write : Out(1)
        Never both.
    writedata : Out(32)
    byteenable : Out(4)
        Bit ``i`` for bits ``8·i + 7 .. 8·i``.
    waitrequest : In(1)
    readdata : In(32)
    readdatavalid : In(1)
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "address": Out(ADDRESS_WIDTH),
                "read": Out(1),
                "write": Out(1),
                "writedata": Out(32),
                "byteenable": Out(4),
                "waitrequest": In(1),
                "readdata": In(32),
                "readdatavalid": In(1),
            }
        )
