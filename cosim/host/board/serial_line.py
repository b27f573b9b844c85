"""The serial line of the simulated board, bit by bit, with a pseudo-terminal at its far end."""

from __future__ import annotations

import os
import select
import tty
from contextlib import suppress
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from hdl.boards.parts.serial_protocol import SILENCE_BITS

__all__ = ["SerialLine"]

_STEP_BITS = 12
"""A byte and some more."""
_REST_BITS = 2 * _STEP_BITS
"""After this time without a byte an answer is over."""
_CHUNK = 4096
_WAIT_SECONDS = 0.002


class SerialLine:
    """Carries bytes between the design's pins and a pseudo-terminal.

    Parameters
    ----------
    rx, tx
        Handles of the pins: what the design receives, and sends.
    baud
        Bits a second.
    """

    def __init__(self, rx: Any, tx: Any, baud: int) -> None:
        self._rx, self._tx = rx, tx
        self._bit_ps = 1e12 / baud
        self.master, self._slave = os.openpty()
        # What is not read in time is lost, as on a line.
        os.set_blocking(self.master, False)
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._said, self._saying = 0, False
        rx.value = 1
        cocotb.start_soon(self._listen())

    async def serve(self) -> None:
        """Send what has come, and let time pass until the design has answered, or has forgotten half a frame."""
        silent, before = 0, self._said
        while silent < (_REST_BITS if self._said != before else SILENCE_BITS + _REST_BITS):
            wait = _WAIT_SECONDS if silent > _REST_BITS else 0
            if select.select([self.master], [], [], wait)[0]:
                for byte in os.read(self.master, _CHUNK):
                    await self._send(byte)
                silent, before = 0, self._said
            else:
                said = self._said
                await self._bits(_STEP_BITS)
                silent = 0 if self._saying or self._said != said else silent + _STEP_BITS

    async def _bits(self, count: float) -> None:
        await Timer(round(count * self._bit_ps), "ps")

    async def _send(self, byte: int) -> None:
        for level in (0, *(byte >> index & 1 for index in range(8)), 1):
            self._rx.value = level
            await self._bits(1)

    async def _listen(self) -> None:
        """Hand on what the design says; a byte whose stop bit is 0 is no byte."""
        tx = self._tx
        while True:
            await FallingEdge(tx)
            self._saying = True
            await self._bits(1.5)
            byte = 0
            for index in range(8):
                byte |= int(tx.value) << index
                await self._bits(1)
            if int(tx.value):
                with suppress(BlockingIOError):
                    os.write(self.master, bytes([byte]))
            self._said, self._saying = self._said + 1, False
