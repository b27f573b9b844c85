"""What hosts do with the registers: the published host's way, and everything else at random."""

from __future__ import annotations

import random
from collections.abc import Callable

from cosim.registers.access import Access
from cosim.registers.host import RegisterHost
from hdl.registers.map import REGISTERS, Register, find_register, register
from talos_ref.model.config import ModelConfig

__all__ = ["EVENTS", "address_of", "direct_step", "published_name", "random_traffic", "restarts"]

EVENTS = (
    "name", "direct step", "clear", "clear while running", "reset while running", "write in reset", "read in reset",
    "illegal_length", "illegal_step", "direct_disabled", "busy", "read_only", "unmapped", "partial_write",
    "refused by the core", "division waited for",
)  # fmt: skip
"""What random traffic must meet, as the model counts it."""


def address_of(name: str, index: int = 0) -> int:
    """Return the byte address of a register's word."""
    return register(name).at(index)


async def published_name(
    host: RegisterHost, seed: int, temperature: int, limit: int, pause: int
) -> tuple[list[int], int]:
    """Make a name as TALOS-V2's host does, polling every ``pause`` cycles; return its letters and the random state.

    Display cleared, clear, configuration, seed, start; status and new letters until done or error; random state,
    cycles, letters, each pushed to the display.
    """
    status = register("status")
    await host.write(address_of("hex"), register("hex").encode(clear=1))
    await host.write(address_of("control"), register("control").encode(clear=1))
    await host.write(address_of("config"), register("config").encode(limit=limit, temperature=temperature))
    await host.write(address_of("seed"), seed)
    await host.write(address_of("control"), register("control").encode(start=1))
    streamed, seen = 0, status.decode(0)
    while not seen["done"] and not seen["error"]:
        seen = status.decode(await host.read(address_of("status")))
        while streamed < seen["letters"]:
            await host.read(address_of("letters", streamed))
            streamed += 1
        await host.idle(pause)
    state = await host.read(address_of("seed"))
    await host.read(address_of("cycles"))
    letters = []
    for index in range(seen["letters"]):
        letters.append(await host.read(address_of("letters", index)))
        await host.write(address_of("hex"), register("hex").encode(push=1, token=letters[-1]))
    return letters, state


async def direct_step(host: RegisterHost, token: int, position: int, *, clear: bool, pause: int) -> list[int]:
    """Make a direct step as TALOS-V2's host does; return its logits as words."""
    status, direct = register("status"), register("direct")
    word = direct.encode(enable=1, clear_cache=int(clear), position=position, token=token)
    await host.write(address_of("direct"), word)
    await host.write(address_of("step"), register("step").encode(start=1))
    seen = status.decode(0)
    while not seen["done"] and not seen["error"]:
        seen = status.decode(await host.read(address_of("status")))
        await host.idle(pause)
    await host.read(address_of("cycles"))
    return [await host.read(address_of("logits", index)) for index in range(register("logits").count)]


async def random_traffic(
    host: RegisterHost, generator: random.Random, accesses: int, *, step_cycles: int, resets: float = 0.01
) -> None:
    """Do ``accesses`` accesses of any kind, with any gaps, resets in between, and the enable input at random.

    ``step_cycles``: about what a step of the core takes, so that gaps are of the order of all that can happen.
    """
    readable = [entry for entry in REGISTERS if entry.access.readable]
    actions: list[tuple[float, Callable[[], list[Access]]]] = [
        (6, lambda: [Access(address_of("status"))]),
        (10, lambda: [_read(generator, generator.choice(readable))]),
        (2, lambda: [_read(generator, register("tokens_per_second"))]),
        (2, lambda: [Access(address_of("stage_cycles", i)) for i in range(register("stage_cycles").count)]),
        (1, lambda: [Access(_unmapped(generator), generator.random() < 0.5, generator.getrandbits(32))]),
        (1, lambda: [_wrong(generator)]),
        (4, lambda: _name(generator, host.model.model)),
        (4, lambda: _step(generator, host.model.model)),
        (1, lambda: [_write("control", clear=1)]),
        (1, lambda: [_write("control", clear=generator.getrandbits(1), start=generator.getrandbits(1))]),
        (2, lambda: [_hex(generator)]),
        (1, lambda: [Access(address_of("seed"), True, generator.getrandbits(32))]),
        (1, lambda: [_write("config", limit=generator.randrange(17), temperature=generator.getrandbits(10))]),
    ]
    weights = [weight for weight, _ in actions]
    first = host.model.accesses
    while host.model.accesses - first < accesses:
        if generator.random() < resets:
            host.reset_cycles = generator.choice((1, 1, 2, 5))
        if generator.random() < 0.05:
            host.enable = generator.getrandbits(1)
        (action,) = generator.choices([action for _, action in actions], weights)
        for access in action():
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


def _write(name: str, **values: int) -> Access:
    return Access(address_of(name), True, register(name).encode(**values))


def _read(generator: random.Random, entry: Register) -> Access:
    # Byte enables and the lowest address bits are of no concern to a read.
    low = generator.choice((0, 0, 0, generator.randrange(4)))
    return Access(
        entry.at(generator.randrange(entry.count)) | low, enables=generator.choice((0xF, generator.randrange(16)))
    )


def _unmapped(generator: random.Random) -> int:
    while True:
        address = generator.choice((generator.randrange(0x240), generator.randrange(0x1000)))
        if find_register(address) is None:
            return address


def _wrong(generator: random.Random) -> Access:
    """A write to what is read only, or of less than a word."""
    entry = generator.choice(REGISTERS)
    data = generator.getrandbits(32)
    if generator.random() < 0.5:
        return Access(entry.at(generator.randrange(entry.count)), True, data, generator.randrange(15))
    entry = generator.choice([entry for entry in REGISTERS if not entry.access.writable])
    return Access(entry.at(generator.randrange(entry.count)), True, data)


def _name(generator: random.Random, model: ModelConfig) -> list[Access]:
    """Configuration, seed and start, each of the former two not always."""
    most = model.max_letters
    limit = generator.choice((most, most, generator.randrange(1, most + 1), most + 1, 0, generator.randrange(256)))
    temperature = generator.choice(
        (0x80, 0x81, 0, 0x0F, 0x10, 0x11, 0x100, 0x101, 0x200, 0x201, 0x1000, generator.getrandbits(16))
    )
    made = []
    if generator.random() < 0.8:
        word = _other_bits(generator, "config", limit=limit, temperature=temperature)
        made.append(Access(address_of("config"), True, word))
    if generator.random() < 0.8:
        made.append(Access(address_of("seed"), True, generator.choice((0, generator.getrandbits(32)))))
    made.append(Access(address_of("control"), True, _other_bits(generator, "control", start=1, clear=0)))
    if generator.random() < 0.2:
        # What is written on the heels of a start is for the next one.
        made.append(_write("config", limit=generator.randrange(16), temperature=generator.getrandbits(16)))
    return made


def _step(generator: random.Random, model: ModelConfig) -> list[Access]:
    """Two direct steps of one kind, legal or not, the first perhaps with an empty cache."""
    made = []
    for clear in (generator.random() < 0.4, False):
        draw = generator.randrange
        token = generator.choice((draw(model.vocab_size), draw(model.vocab_size), model.vocab_size, draw(256)))
        high = generator.choice((draw(model.block_size), model.block_size, draw(256)))
        position = generator.choice((0, 0, 1, 1, 2, 3, high))
        enable = int(generator.random() < 0.9)
        word = _other_bits(generator, "direct", enable=enable, clear_cache=int(clear), position=position, token=token)
        made += [
            Access(address_of("direct"), True, word),
            Access(address_of("step"), True, _other_bits(generator, "step", start=int(generator.random() < 0.95))),
        ]
        if generator.random() < 0.2:
            made.append(_write("direct", token=draw(256)))
    return made


def _hex(generator: random.Random) -> Access:
    token = generator.choice((generator.randrange(26), generator.randrange(26), generator.randrange(256)))
    word = _other_bits(
        generator, "hex", clear=int(generator.random() < 0.1), push=int(generator.random() < 0.9), token=token
    )
    return Access(address_of("hex"), True, word)


def _other_bits(generator: random.Random, name: str, **values: int) -> int:
    """Return a word with the fields as given, and at times any bits beside them."""
    entry = register(name)
    fields = 0
    for part in entry.fields:
        fields |= part.mask
    return entry.encode(**values) | (generator.choice((0, generator.getrandbits(32))) & ~fields)


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
    longest = (host.model.model.max_letters + 1) * step_cycles
    for done in range(names):
        host.reset_cycles = 0
        temperature = generator.choice((0x80, 0x80, 0x100, 0x200, 0x40))
        await host.post(_write("config", limit=host.model.model.max_letters, temperature=temperature))
        await host.write(address_of("seed"), generator.getrandbits(32))
        await host.post(_write("control", start=1))
        while generator.random() < 0.4:
            await host.idle(generator.randrange(generator.choice((10, step_cycles, longest))))
            how = generator.choice(("reset", "clear", "start", "clear and start"))
            if how == "reset":
                host.reset_cycles = generator.choice((1, 2, 5))
                await host.idle(host.reset_cycles)
            else:
                await host.post(_write("control", clear=int("clear" in how), start=int("start" in how)))
        # What was posted last shows its effect after a cycle.
        await host.idle(2)
        if host.model.run is None:
            await host.write(address_of("control"), register("control").encode(start=1))
            await host.idle(1)
        await host.until_done(20 * longest)
        if host.model.run is None or not host.model.run.results:
            host.model.report(host.now, f"name {done}", "made", "refused or lost")
        letters = register("status").decode(await host.read(address_of("status")))["letters"]
        for index in range(letters + 1):
            await host.post(Access(address_of("letters", index)))
        for name in ("seed", "cycles", "tokens_per_second", "error"):
            await host.post(Access(address_of(name)))
        for index in range(register("stage_cycles").count):
            await host.post(Access(address_of("stage_cycles", index)))
        await host.drain()
        report(done + 1, names)
