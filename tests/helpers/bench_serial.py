"""cocotb bench of the bridge in test_serial_bridge.py: a host that sends whole, damaged and half frames."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer, ValueChange

from hdl.boards.parts.serial_protocol import (
    BURST_WORDS,
    SILENCE_BITS,
    SYNC,
    Answer,
    Status,
    find_frame,
    frame,
    parse_answer,
    read_request,
    write_request,
)

__all__ = ["damage", "jitter", "longest", "noise", "refusals", "resets", "retries", "text"]

CLOCK_PS = 10_000
WORDS = 1024
MEMORY = [0] * WORDS
"""What was written, by all tests of a run: the memory behind the bridge outlives each of them."""


class Line:
    """A host's end of the line, and what is written on the bus."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = random.Random(int(os.environ["TALOS_TEST_SEED"]))
        self.bit_ps = CLOCK_PS * float(os.environ["BIT_CYCLES"])
        self.received = bytearray()
        self.writes: list[tuple[int, int]] = []
        self.sequence = 0

    async def start(self) -> None:
        dut = self.dut
        dut.clk.value, dut.rst.value, dut.rx.value = 0, 1, 1
        dut.text__valid.value, dut.text__payload.value = 0, 0
        await Timer(1, "ns")
        Clock(dut.clk, CLOCK_PS, unit="ps", impl="gpi").start(start_high=False)
        await Timer(3 * CLOCK_PS, "ps")
        dut.rst.value = 0
        cocotb.start_soon(self._listen())
        cocotb.start_soon(self._watch())
        await self.wait(3)

    async def _listen(self) -> None:
        tx = self.dut.tx
        while True:
            await FallingEdge(tx)
            await self.wait(1.5)
            byte = 0
            for index in range(8):
                byte |= int(tx.value) << index
                await self.wait(1)
            assert int(tx.value) == 1, "stop bit"
            self.received.append(byte)

    async def _watch(self) -> None:
        dut = self.dut
        while True:
            await ValueChange(dut.wrote)
            await Timer(CLOCK_PS // 10, "ps")
            at, word = int(dut.address.value), int(dut.word.value)
            self.writes.append((at, word))
            MEMORY[at] = word

    async def wait(self, bits: float) -> None:
        await Timer(round(bits * self.bit_ps), "ps")

    async def silence(self) -> None:
        await self.wait(SILENCE_BITS + 20)

    async def send(self, data: bytes, *, off: float = 0, jitter: float = 0) -> None:
        """Send bytes at a rate that is off, each edge displaced by up to ``jitter`` of a bit."""
        at, edge = 0.0, 0.0
        for byte in data:
            for level in [0, *(byte >> index & 1 for index in range(8)), 1]:
                self.dut.rx.value = level
                at += 1 / (1 + off)
                after = at + self.rng.uniform(-jitter, jitter)
                await self.wait(after - edge)
                edge = after

    async def answer(self, request: bytes, bits: float = 1600, **rate: float) -> Answer | None:
        """Send a request and return its answer, None if there is none in time."""
        self.received.clear()
        await self.send(request, **rate)
        for _ in range(int(bits) // 20):
            await self.wait(20)
            found = find_frame(bytes(self.received))
            if found is not None:
                assert found[0] == b""
                # Nothing is behind it.
                await self.wait(25)
                found = find_frame(bytes(self.received))
                assert found is not None
                assert found[2] == b""
                return parse_answer(found[1])
        return None

    def request(self) -> tuple[bytes, list[tuple[int, int]], list[int]]:
        """Return a new request, the writes that it is to do, and the words that it is to read."""
        self.sequence = (self.sequence + 1) % 256
        count = self.rng.choice([1, 1, 2, self.rng.randint(1, BURST_WORDS)])
        at = self.rng.randrange(WORDS - count + 1)
        if self.rng.random() < 0.5:
            return read_request(self.sequence, 4 * at, count), [], MEMORY[at : at + count]
        words = [self.rng.choice([0, SYNC, self.rng.getrandbits(32)]) for _ in range(count)]
        writes = [(at + index, word) for index, word in enumerate(words)]
        return write_request(self.sequence, 4 * at, words), writes, []

    async def exchange(self, **rate: float) -> None:
        """Send a request, and compare all that comes of it."""
        request, writes, words = self.request()
        self.writes.clear()
        found = await self.answer(request, **rate)
        assert found == Answer(status=Status.DONE, sequence=self.sequence, words=tuple(words)), request.hex()
        assert self.writes == writes

    def damaged(self, request: bytes) -> bytes:
        """Return a request with bytes lost, added or changed, or one cut short."""
        data, rng = bytearray(request), self.rng
        match rng.randrange(5):
            case 0:
                del data[rng.randrange(len(data))]
            case 1:
                data.insert(rng.randrange(len(data)), rng.choice([SYNC, rng.getrandbits(8)]))
            case 2:
                for _ in range(rng.randint(1, 3)):
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 3:
                del data[rng.randrange(len(data)) :]
            case _:
                at = rng.randrange(len(data))
                data[at:] = rng.randbytes(len(data) - at)
        return bytes(data)


def bench(test: Callable[[Line], Awaitable[None]]) -> Any:
    """Make a cocotb test of what is done on a line."""

    async def run(dut: Any) -> None:
        line = Line(dut)
        await line.start()
        await test(line)

    run.__name__ = run.__qualname__ = test.__name__
    return cocotb.test()(run)


@bench
async def jitter(line: Line) -> None:
    """A sender 2 % off, edges displaced by 2 % of a bit, in every combination."""
    for off in (-0.02, 0, 0.02):
        for displaced in (0, 0.02):
            for _ in range(6):
                await line.exchange(off=off, jitter=displaced)


@bench
async def damage(line: Line) -> None:
    """A damaged frame does nothing and gets no answer; its retry does all of it, once."""
    silent = 0
    for _ in range(150):
        request, writes, words = line.request()
        before = line.damaged(request) if line.rng.random() < 0.7 else line.rng.randbytes(line.rng.randint(1, 60))
        # Whole all the same, such as with a byte before it.
        whole = find_frame(before)
        line.writes.clear()
        if whole is not None and whole[1] == request[2:-4]:
            continue
        assert await line.answer(before, 100) is None
        silent += 1
        assert line.writes == []
        if line.rng.random() < 0.3:
            # A break ends what was begun, and so does silence.
            line.dut.rx.value = 0
            await line.wait(line.rng.uniform(10, 40))
            line.dut.rx.value = 1
            await line.wait(line.rng.uniform(1, 3))
        else:
            await line.silence()
        found = await line.answer(request)
        assert found == Answer(status=Status.DONE, sequence=line.sequence, words=tuple(words)), request.hex()
        assert line.writes == writes
    assert silent > 100


@bench
async def noise(line: Line) -> None:
    """Levels of any length do nothing, whatever bytes they make; after a silence a request is served."""
    for shortest in (0.02, 0.5, 0.9):
        line.writes.clear()
        for _ in range(2000):
            line.dut.rx.value = line.rng.randrange(2)
            await line.wait(line.rng.uniform(shortest, 2))
        line.dut.rx.value = 1
        await line.silence()
        assert line.received == b""
        assert line.writes == []
        assert int(line.dut.accesses.value) == 0
    await line.exchange()


@bench
async def retries(line: Line) -> None:
    """A write that comes again is answered and not done; after a read, or changed, it is another one."""
    done = Answer(status=Status.DONE, sequence=7, words=())
    first, other = write_request(7, 0x40, [1, 2]), write_request(7, 0x40, [1, 3])
    for request, writes in (
        (first, [(16, 1), (17, 2)]),
        (first, []),
        (first, []),
        (other, [(16, 1), (17, 3)]),
        (first, [(16, 1), (17, 2)]),
    ):
        line.writes.clear()
        assert await line.answer(request) == done
        assert line.writes == writes
    assert await line.answer(read_request(8, 0x40, 2)) == Answer(status=Status.DONE, sequence=8, words=(1, 2))
    assert await line.answer(read_request(8, 0x40, 2)) == Answer(status=Status.DONE, sequence=8, words=(1, 2))
    line.writes.clear()
    assert await line.answer(first) == done
    assert line.writes == [(16, 1), (17, 2)]


@bench
async def longest(line: Line) -> None:
    """The longest of both kinds, at both ends of the bus."""
    for at in (0, 4 * (WORDS - BURST_WORDS)):
        words = [line.rng.getrandbits(32) for _ in range(BURST_WORDS)]
        line.writes.clear()
        assert await line.answer(write_request(1, at, words)) == Answer(status=Status.DONE, sequence=1, words=())
        assert line.writes == [(at // 4 + index, word) for index, word in enumerate(words)]
        found = await line.answer(read_request(2, at, BURST_WORDS))
        assert found == Answer(status=Status.DONE, sequence=2, words=tuple(words))


@bench
async def refusals(line: Line) -> None:
    """A whole frame that is no request is answered, and nothing is done."""
    for body in (
        b"\x01\x05\x00\x00\x00",  # no words
        b"\x01\x05\x00\x00\x21",  # more than a burst
        b"\x01\x05\x00\x00\xff",
        b"\x01\x05\x02\x00\x01",  # no multiple of four
        b"\x01\x05\x00\x10\x01",  # beyond the bus
        b"\x01\x05\xfc\x0f\x02",
        b"\x01\x05\x00\xf0\x01",
        b"\x01\x05\x00\x00\x01\x00",  # a length that is none
        b"\x02\x05\x00\x00\x01",
        b"\x02\x05\x00\x00\x01\x00\x00",
        b"\x02\x05\x00\x00\x01\x00\x00\x00\x02",
        b"\x02\x05\x01\x00\x01\x00\x00\x00",
        b"\x02\x05\xfc\x0f\x01\x00\x00\x00\x02\x00\x00\x00",
        b"\x00\x05\x00\x00\x01",  # no opcode
        b"\x03\x05\x00\x00\x01\x00\x00\x00",
        b"\x81\x05\x00\x00\x01",
    ):
        line.writes.clear()
        found = await line.answer(frame(body))
        assert found == Answer(status=Status.REFUSED, sequence=5, words=()), body.hex()
        assert line.writes == []
        assert int(line.dut.accesses.value) == 0
    # Shorter than any request: not even that.
    assert await line.answer(frame(b"\x01\x05\x00\x00"), 100) is None
    await line.exchange()


@bench
async def resets(line: Line) -> None:
    """A reset at any time, before the end of a request or of its answer; it does nothing afterwards, and the next does
    what it is to do."""
    for _ in range(40):
        request, writes, _ = line.request()
        line.writes.clear()
        line.received.clear()
        sender = cocotb.start_soon(line.send(request))
        length = 10 * len(request)
        at = line.rng.uniform(0, length - 1) if line.rng.random() < 0.7 else line.rng.uniform(length, length + 80)
        await line.wait(at)
        line.dut.rst.value = 1
        await Timer(line.rng.randint(1, 5) * CLOCK_PS, "ps")
        line.dut.rst.value = 0
        # What was written at the last edge before is seen.
        await Timer(CLOCK_PS // 2, "ps")
        done = len(line.writes)
        await sender
        await line.silence()
        assert line.writes == writes[:done]
        assert at > length or line.received == b""
        await line.exchange()


@bench
async def text(line: Line) -> None:
    """Text goes between frames, never into one; no byte of it is lost."""
    dut, said, wanted = line.dut, b"", "".join("kelyn é あ\r\n" for _ in range(20)).encode()

    async def type_() -> None:
        for byte in wanted:
            await FallingEdge(dut.clk)
            dut.text__payload.value = byte
            dut.text__valid.value = 1
            await Timer(1, "ps")
            while not int(dut.text__ready.value):
                await FallingEdge(dut.clk)
            await FallingEdge(dut.clk)
            dut.text__valid.value = 0
            await line.wait(line.rng.choice([0.1, 30]))

    typing = cocotb.start_soon(type_())
    for _ in range(20):
        await line.wait(line.rng.uniform(0, 100))
        request, _, words = line.request()
        if words:
            sending = cocotb.start_soon(line.send(request))
            # A byte of text that was begun ends.
            await line.wait(25)
            begun = len(line.received)
            await sending
            assert len(line.received) == begun
            await line.wait(10 * (12 + 4 * len(words)))
    await typing
    await line.wait(20)
    rest, frames = bytes(line.received), 0
    while (found := find_frame(rest)) is not None:
        said, rest, frames = said + found[0], found[2], frames + 1
        assert parse_answer(found[1]) is not None
    assert said + rest == wanted
    assert frames > 3
