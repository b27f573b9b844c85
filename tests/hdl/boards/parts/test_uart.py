"""Transmitter and receiver, each alone: levels and their times, senders that are off, noise, breaks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from amaranth.sim import Simulator

from hdl.boards.parts.uart import FRAME_BITS, BitRate, UartReceiver, UartTransmitter
from tests.helpers.streams import CLOCK_PERIOD, seed

# Bits of 8, 10.3 and 18.75 cycles.
RATES = (BitRate(8, 1), BitRate(103, 10), BitRate(56_250_000, 3_000_000))


def levels(data: bytes) -> Iterator[int]:
    """Yield the levels of some bytes, bit by bit."""
    for byte in data:
        yield from (0, *(byte >> index & 1 for index in range(8)), 1)


def received(rate: BitRate, line: Sequence[int]) -> list[int | None]:
    """Return what a receiver makes of a level a cycle, None for an error."""
    receiver, found = UartReceiver(rate), list[int | None]()

    async def bench(ctx: Any) -> None:
        for level in [1, 1, 1, *line, *[1] * rate.cycles(FRAME_BITS)]:
            ctx.set(receiver.rx, level)
            _, _, valid, byte, error = await ctx.tick().sample(receiver.o.valid, receiver.o.payload, receiver.error)
            assert not (valid and error)
            if valid or error:
                found.append(byte if valid else None)

    simulate(receiver, bench)
    return found


def simulate(component: Any, bench: Any) -> None:
    simulator = Simulator(component)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    simulator.run()


def sampled(bits: Sequence[int], rate: BitRate, *, off: float, jitter: float, rng: random.Random) -> list[int]:
    """Return a level a cycle of bits whose sender's rate is off, and whose edges are displaced by a part of a bit."""
    length = rate.clock_hz / rate.baud / (1 + off)
    start = rng.random()
    edges = [start + length * (index + rng.uniform(-jitter, jitter)) for index in range(1, len(bits) + 1)]
    line, at = [], 0
    for cycle in range(int(edges[-1])):
        while edges[at] <= cycle:
            at += 1
        line.append(bits[at])
    return line


@pytest.mark.parametrize("rate", RATES)
def test_transmitter(rate: BitRate) -> None:
    """Every level lasts as long as its bit, and the errors of rounding do not add up."""
    rng = random.Random(seed())
    data = bytes([0x00, 0xFF, 0x55, *rng.randbytes(5)])
    transmitter = UartTransmitter(rate)
    line: list[int] = []

    async def bench(ctx: Any) -> None:
        waiting = list(data)
        for _ in range(rate.cycles(FRAME_BITS) * len(data) + 3 * len(data)):
            ctx.set(transmitter.i.valid, bool(waiting))
            ctx.set(transmitter.i.payload, waiting[0] if waiting else 0)
            _, _, ready, tx = await ctx.tick().sample(transmitter.i.ready, transmitter.tx)
            line.append(tx)
            if ready and waiting:
                waiting.pop(0)

    simulate(transmitter, bench)
    at = 0
    for byte in data:
        start = line.index(0, at)
        # A byte waits a cycle for its acceptance; the first one has no other before it.
        assert start - at == (UartTransmitter.LATENCY if at == 0 else 1)
        for index, level in enumerate(levels(bytes([byte]))):
            first, end = (start + -(-bit * rate.clock_hz // rate.baud) for bit in (index, index + 1))
            assert set(line[first:end]) == {level}, f"bit {index} of {byte:#x}"
        at = start + rate.cycles(FRAME_BITS)
    assert set(line[at:]) == {1}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("jitter", [0, 0.02])
@pytest.mark.parametrize("off", [-0.02, 0, 0.02])
def test_a_sender_that_is_off(rate: BitRate, off: float, jitter: float) -> None:
    rng = random.Random(seed())
    data = bytes([0x00, 0xFF, 0x55, 0x80, 0x7F, *rng.randbytes(8)])
    line = sampled([*levels(data)], rate, off=off, jitter=jitter, rng=rng)
    assert received(rate, line) == list(data)


@pytest.mark.parametrize("off", [-0.03, 0.03])
def test_the_most_that_a_sender_may_be_off(off: float) -> None:
    rate = BitRate(20, 1)
    rng = random.Random(seed())
    data = bytes([0x00, 0xFF, 0x55, *rng.randbytes(8)])
    assert received(rate, sampled([*levels(data)], rate, off=off, jitter=0, rng=rng)) == list(data)


def test_noise() -> None:
    """A dip that is shorter than half a bit is no start bit, and a wrong sample in a bit is outvoted."""
    rate, rng = BitRate(16, 1), random.Random(seed())
    for cycles in range(1, 8):
        assert received(rate, [0] * cycles + [1] * 170) == [], f"{cycles} cycles"
    clean = [level for level in levels(b"\xa5") for _ in range(16)]
    for cycle in range(16 + rng.randrange(5), len(clean), 5):
        line = [*clean]
        line[cycle] ^= 1
        assert received(rate, line) == [0xA5], f"cycle {cycle}"


def test_errors_and_breaks() -> None:
    rate = BitRate(8, 1)
    good = [level for level in levels(b"\x5a") for _ in range(8)]
    bad = [level for level in [0, *[1] * 8, 0] for _ in range(8)]
    rest = [1] * 4
    assert received(rate, [*bad, *rest, *good]) == [None, 0x5A]
    # However long it is, a break is one error.
    assert received(rate, [*[0] * 1000, *rest, *good]) == [None, 0x5A]
    # A line that is low from the beginning on: no start bit, until it was high.
    assert received(rate, [0] * 300) == [None]


def test_random_bytes() -> None:
    """Whatever comes, a byte after a rest of ten bits is right."""
    rate = BitRate(8, 1)
    rng = random.Random(seed())
    for _ in range(10):
        noise = [rng.randrange(2) for _ in range(rng.randrange(300))]
        found = received(rate, [*noise, *[1] * 80, *[level for level in levels(b"\x96") for _ in range(8)]])
        assert found[-1] == 0x96


def test_rate() -> None:
    assert (BitRate(56_250_000, 115_200).period, BitRate(56_250_000, 115_200).step) == (15_625, 32)
    assert BitRate(56_250_000, 115_200).cycles(2048) == 1_000_000
