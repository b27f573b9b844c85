"""The cable of the simulated board, as a cocotb test: register accesses and pins over a Unix socket.

A request is a line of ASCII, and so is its answer: ``ok``, ``ok VALUES``, ``error TEXT`` for a wrong request, or
``timeout TEXT`` if the bus does not answer, which the next access then waits for too. Numbers are as in C.

===============================  ===================================================================================
``read ADDRESS [COUNT]``         ``ok`` and ``COUNT`` words from consecutive addresses (1 without)
``write ADDRESS WORD [ENABLE]``  a write with the given byte enables (15 without)
``pins``                         ``ok`` and a JSON object: port of the board top -> level
``set PORT LEVEL``               drives an input, such as ``switch_1__io``, from now on
``run NANOSECONDS``              lets simulated time pass
``time``                         ``ok`` and the simulated nanoseconds so far
``debug``                        ``ok clock C reset_n R ticked T``, each 0 or 1: levels of the bridge's clock and reset,
                                 and whether the clock has ticked since the last ``debug`` or the start
``loop BYTE …``                  ``ok`` and the bytes; the cable has no JTAG chain behind it
``port``                         ``ok`` and the pseudo-terminal at the end of the serial line
===============================  ===================================================================================

Time stands still while no request is served; a read, write, ``debug`` or ``loop`` takes ``TALOS_BOARD_GAP`` nanoseconds
more than the bus needs, for the cable. The first client owns the simulation, which ends when that connection does;
others may come and go. With ``TALOS_BOARD_BAUD``, bits a second, a board that has a serial line carries it too (see
`serial_line`); what comes there is served as a request is. ``TALOS_BOARD_ACCESSES`` names a file for a line per access:
simulated ns, kind, address, word.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.simtime import get_sim_time
from cocotb.triggers import SimTimeoutError, Timer, ValueChange, with_timeout

from cosim.host.board.serial_line import SerialLine

__all__ = ["serve"]

_OSCILLATOR_NS = 20
_START_NS = 20_000
"""What the PLL's model needs to lock, and some more."""
_ANSWER_NS = 100_000
"""After this time an access is given up; a machine that works answers within two microseconds."""
_LINE_BYTES = 4096
_REQUESTS = "read, write, pins, set, run, time, debug, loop or port"
_INPUT = re.compile(r"(switch|button)_\d+__io")
_OUTPUT = re.compile(r"(led|display_7seg)_\d+__(\w+?__)?io")


class _Refused(Exception):
    """A request that cannot be served; the text goes to the client."""


class _Hangs(Exception):
    """An access that the design does not answer; the text goes to the client."""


def _number(text: str, high: int) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        raise _Refused(f"number must be an integer, not {text[:40]!r}") from None
    if not 0 <= value <= high:
        raise _Refused(f"number must be 0 to {high:#x}, not {text[:40]}")
    return value


class _Board:
    """The pins of the board top and the bridge inside it."""

    def __init__(self, dut: Any, gap_ns: int, accesses: TextIO) -> None:
        self._gap_ns, self._accesses = gap_ns, accesses
        ports = {handle._name: handle for handle in dut if _INPUT.fullmatch(handle._name) or
                 _OUTPUT.fullmatch(handle._name)}  # fmt: skip
        self._ports = dict(sorted(ports.items()))
        self._clock = dut.clk50_0__io
        self._bridge = _bridge(dut)
        self._ticks = 0
        self.line: SerialLine | None = None
        if baud := int(os.environ.get("TALOS_BOARD_BAUD", "0")):
            self.line = SerialLine(dut.uart_0__rx__io, dut.uart_0__tx__io, baud)

    async def start(self) -> None:
        """Power on: SW0 (enable) up, SW1 (reset) down, buttons up; then wait for the PLL."""
        for name, handle in self._ports.items():
            if _INPUT.fullmatch(name):
                handle.value = int(name == "switch_0__io" or name.startswith("button"))
        Clock(self._clock, _OSCILLATOR_NS, unit="ns", impl="gpi").start(start_high=False)
        await Timer(_START_NS, "ns")

    async def answer(self, words: list[str]) -> str:
        """Return what a request asks for."""
        match words:
            case ["read", address, *count] if len(count) < 2:
                first = _number(address, 0xFFFFFFFC)
                number = _number(count[0], 1024) if count else 1
                found = [f"{await self._access(first + 4 * index, None, 15):#x}" for index in range(number)]
                await self._gap()
                return " ".join(found)
            case ["write", address, word, *enable] if len(enable) < 2:
                lanes = _number(enable[0], 15) if enable else 15
                await self._access(_number(address, 0xFFFFFFFC), _number(word, 0xFFFFFFFF), lanes)
                await self._gap()
                return ""
            case ["pins"]:
                return json.dumps({name: int(handle.value) for name, handle in self._ports.items()})
            case ["set", name, level]:
                if name not in self._ports or not _INPUT.fullmatch(name):
                    known = ", ".join(name for name in self._ports if _INPUT.fullmatch(name))
                    raise _Refused(f"port must be one of {known}, not {name[:40]!r}")
                self._ports[name].value = _number(level, 1)
                await Timer(_OSCILLATOR_NS, "ns")
                return ""
            case ["run", time]:
                await Timer(max(1, _number(time, 10**10)), "ns")
                return ""
            case ["time"]:
                return str(_now_ns())
            case ["debug"]:
                return await self._debug()
            case ["loop", *values] if values:
                looped = " ".join(str(_number(value, 0xFF)) for value in values)
                await self._gap()
                return looped
            case ["port"] if self.line is not None:
                return self.line.port
            case _:
                raise _Refused(f"request must be {_REQUESTS}, not {' '.join(words)[:40]!r}")

    async def _access(self, address: int, word: int | None, enable: int) -> int:
        bridge = self._bridge
        bridge.address.value = address
        bridge.writes.value = int(word is not None)
        bridge.data.value = word or 0
        bridge.byteenable.value = enable
        bridge.go.value = 1 - int(bridge.go.value)
        kind = "read" if word is None else "write"
        try:
            await with_timeout(ValueChange(bridge.done), _ANSWER_NS, "ns")
        except SimTimeoutError:
            raise _Hangs(f"no answer to a {kind} at {address:#05x} in {_ANSWER_NS // 1000} microseconds") from None
        value = int(bridge.answer.value) if word is None else word
        self._accesses.write(f"{_now_ns()} {kind} {address:#05x} {value:#010x}\n")
        self._accesses.flush()
        return value

    async def _debug(self) -> str:
        bridge = self._bridge
        bridge.sample.value = 1 - int(bridge.sample.value)
        await ValueChange(bridge.sampled)
        before, self._ticks = self._ticks, int(bridge.ticks_then.value)
        ticked = int(self._ticks != before)
        found = f"clock {bridge.clock_level.value} reset_n {bridge.reset_level.value} ticked {ticked}"
        await self._gap()
        return found

    async def _gap(self) -> None:
        if self._gap_ns:
            await Timer(self._gap_ns, "ns")


def _now_ns() -> int:
    return int(get_sim_time("ns"))


def _bridge(scope: Any) -> Any:
    """Return the instance of ``jtag_bridge``, known by its signals; LookupError if there is none."""
    queue = [scope]
    while queue:
        instance = queue.pop(0)
        children = list(instance)
        if {"go", "done", "byteenable"} <= {child._name for child in children}:
            return instance
        queue += [child for child in children if isinstance(child, HierarchyObject)]
    raise LookupError("the board top must have an instance of jtag_bridge")


def _requests(listener: socket.socket, serial: SerialLine | None) -> Iterator[tuple[socket.socket | None, str]]:
    """Yield client and line in the order of arrival, until the first client goes; None for bytes on the serial line."""
    owner: socket.socket | None = None
    buffers: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        if serial is not None:
            selector.register(serial.master, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if serial is not None and key.fd == serial.master:
                    yield None, ""
                    continue
                if key.fileobj is listener:
                    client, _ = listener.accept()
                    owner = client if owner is None else owner
                    selector.register(client, selectors.EVENT_READ)
                    buffers[client] = b""
                    continue
                client = key.fileobj  # type: ignore[assignment]
                try:
                    received = client.recv(_LINE_BYTES)
                except ConnectionError:
                    received = b""
                *lines, rest = (buffers[client] + received).split(b"\n")
                if not received or len(rest) > _LINE_BYTES:
                    selector.unregister(client)
                    client.close()
                    del buffers[client]
                    if client is owner:
                        return
                    continue
                buffers[client] = rest
                for line in lines:
                    yield client, line.decode("ascii", "replace")


@cocotb.test()
async def serve(dut: Any) -> None:
    """Serve until the first client goes."""
    with open(os.environ["TALOS_BOARD_ACCESSES"], "w") as accesses:
        board = _Board(dut, int(os.environ["TALOS_BOARD_GAP"]), accesses)
        await board.start()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.environ["TALOS_BOARD_SOCKET"])
            listener.listen()
            for client, line in _requests(listener, board.line):
                if client is None:
                    assert board.line is not None
                    await board.line.serve()
                    continue
                try:
                    found = await board.answer(line.split())
                    answer = f"ok {found}" if found else "ok"
                except _Refused as refusal:
                    answer = f"error {refusal}"
                except _Hangs as hang:
                    answer = f"timeout {hang}"
                with suppress(ConnectionError):
                    client.sendall(answer.encode() + b"\n")
