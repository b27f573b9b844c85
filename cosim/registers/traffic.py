"""What hosts do with the registers: the published host's way, and everything else at random."""

from __future__ import annotations

import random
from collections.abc import Callable

from cosim.registers.access import Access
from cosim.registers.host import RegisterHost
from cosim.registers.initiator import Initiator
from cosim.registers.random_accesses import RandomAccesses
from hdl.registers.register import Register

__all__ = ["EVENTS", "direct_step", "every_register", "published_name", "random_traffic", "restarts", "words_of"]

EVENTS = (
    "name", "direct step", "clear", "clear while running", "reset while running", "write in reset", "read in reset",
    "illegal_length", "illegal_step", "direct_disabled", "busy", "read_only", "unmapped", "partial_write",
    "refused by the core", "division waited for",
)  # fmt: skip
"""What random traffic must meet, as the model counts it."""


async def published_name(
    host: RegisterHost, seed: int, temperature: int, limit: int, pause: int
) -> tuple[list[int], int]:
    """Make a name as TALOS-V2's host does, polling every ``pause`` cycles; return its letters and the random state.

    Display cleared, clear, configuration, seed, start; status and new letters until done or error; random state,
    cycles, letters, each pushed to the display.
    """
    status = host.registers.register("status")
    await host.set("hex", clear=1)
    await host.set("control", clear=1)
    await host.set("config", limit=limit, temperature=temperature)
    await host.set("seed", value=seed)
    await host.set("control", start=1)
    streamed, seen = 0, status.decode(0)
    while not seen["done"] and not seen["error"]:
        seen = status.decode(await host.get("status"))
        while streamed < seen["letters"]:
            await host.get("letters", streamed)
            streamed += 1
        await host.idle(pause)
    state = await host.get("seed")
    await host.get("cycles")
    letters = []
    for index in range(seen["letters"]):
        letters.append(await host.get("letters", index))
        # A faulty word is the model's to report.
        await host.set("hex", push=1, token=letters[-1] & 0xFF)
    return letters, state


async def direct_step(host: RegisterHost, token: int, position: int, *, clear: bool, pause: int) -> list[int]:
    """Make a direct step as TALOS-V2's host does; return its logits as words."""
    status = host.registers.register("status")
    await host.set("direct", enable=1, clear_cache=int(clear), position=position, token=token)
    await host.set("step", start=1)
    seen = status.decode(0)
    while not seen["done"] and not seen["error"]:
        seen = status.decode(await host.get("status"))
        await host.idle(pause)
    await host.get("cycles")
    return [await host.get("logits", index) for index in range(host.registers.register("logits").count)]


async def every_register(host: Initiator, generator: random.Random, *, running: bool = False) -> dict[int, int]:
    """Write to each register what it refuses, in every part and read only, and read it; return address -> word.

    What is write only is read too. With ``running`` each comes beside a request, which is cleared by the next one.
    """
    words: dict[int, int] = {}
    for entry in host.registers.registers:
        if running:
            await host.set("control", clear=1, start=1)
        for enables in range(15 if entry.access.writable else 16):
            place = entry.at(generator.randrange(entry.count))
            await host.write(place, generator.getrandbits(32), enables)
        words |= await words_of(host, entry)
    return words


async def words_of(host: Initiator, entry: Register) -> dict[int, int]:
    """Read a register; return address -> word."""
    return {address: await host.read(address) for address in entry.addresses}


async def random_traffic(
    host: RegisterHost, generator: random.Random, accesses: int, *, step_cycles: int, resets: float = 0.01
) -> None:
    """Do ``accesses`` accesses of any kind, with any gaps, resets in between, and the enable input at random.

    ``step_cycles``: about what a step of the core takes, so that gaps are of the order of all that can happen.
    """
    draw = RandomAccesses(generator, host.registers)
    first = host.model.accesses
    while host.model.accesses - first < accesses:
        if generator.random() < resets:
            host.reset_cycles = generator.choice((1, 1, 2, 5))
        if generator.random() < 0.05:
            host.enable = generator.getrandbits(1)
        for access in draw.one():
            await host.post(access)
            if generator.random() < 0.3:
                await host.idle(generator.choice((1, 1, 2, 3, 7)))
        if generator.random() < 0.12:
            await host.idle(generator.randrange(2 * step_cycles))
        elif generator.random() < 0.1:
            await host.until_done(400 * step_cycles)
    await host.drain()
    host.reset_cycles = 0
    await host.until_done(400 * step_cycles)


async def restarts(
    host: RegisterHost,
    generator: random.Random,
    names: int,
    *,
    step_cycles: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Make so many names to their end, each after some that were ended in any cycle, by whatever can end one.

    All letters, the random state, the cycles, their stages and the rate of a name that ends are read.
    """
    registers, most = host.registers, host.model.model.max_letters
    longest = (most + 1) * step_cycles
    for done in range(names):
        host.reset_cycles = 0
        await host.set("config", limit=most, temperature=generator.choice((0x80, 0x80, 0x100, 0x200, 0x40)))
        await host.set("seed", value=generator.getrandbits(32))
        await host.set("control", start=1)
        while generator.random() < 0.4:
            await host.idle(generator.randrange(generator.choice((10, step_cycles, longest))))
            how = generator.choice(("reset", "clear", "start", "clear and start"))
            if how == "reset":
                host.reset_cycles = generator.choice((1, 2, 5))
                await host.idle(host.reset_cycles)
            else:
                await host.set("control", clear=int("clear" in how), start=int("start" in how))
        # What was posted last shows its effect after a cycle.
        await host.idle(2)
        if host.model.run is None:
            await host.set("control", start=1)
            await host.idle(1)
        await host.until_done(20 * longest)
        if host.model.run is None or not host.model.run.count:
            host.model.report(host.now, f"name {done}", "made", "refused or lost")
        letters = registers.register("status").decode(await host.get("status"))["letters"]
        letter, after = registers.register("letters"), ("seed", "cycles", "tokens_per_second", "error", "stage_cycles")
        for address in (
            *(letter.at(index) for index in range(letters + 1)),
            *(address for name in after for address in registers.register(name).addresses),
        ):
            await host.post(Access(address))
        await host.drain()
        report(done + 1, names)
