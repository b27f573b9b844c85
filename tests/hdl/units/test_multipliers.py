"""Banks of multipliers: products, row sums, and units that take turns at one."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from amaranth.hdl import Module, Shape, signed, unsigned

from hdl.device.target import DspMode
from hdl.units.dsp_block import OPERAND, WIDE_OPERAND
from hdl.units.multipliers import MultiplierBank, MultiplierPort, bank_layout, bank_of, share
from tests.helpers.streams import run, seed

Matrix = list[list[int]]


def shared(bank: MultiplierBank, ports: Sequence[Any], apart: Sequence[Any] = ()) -> Module:
    m = Module()
    m.submodules.bank = bank
    share(m, bank, ports, apart)
    return m


def results_of(products: Sequence[int]) -> list[int]:
    """Return the sums of two neighbours."""
    return [sum(products[column : column + 2]) for column in range(0, len(products), 2)]


def corners(draw: random.Random, shape: Shape) -> int:
    low, high = -(1 << (shape.width - 1)), (1 << (shape.width - 1)) - 1
    return draw.choice((low, high, 0, -1, draw.randint(low, high)))


def matrix(draw: random.Random, port: Any, shape: Shape) -> Matrix:
    return [[corners(draw, shape) for _ in range(port.signature.columns)] for _ in range(port.signature.rows)]


async def check_turns(
    ctx: Any, ports: Sequence[Any], shapes: Sequence[tuple[Shape, Shape]], draw: random.Random
) -> None:
    """Multiply with one port at a time, every cycle; all ports hold operands all the time."""
    for turn in range(200):
        chosen = draw.randrange(len(ports))
        expected: Matrix = []
        for number, (port, (a_shape, b_shape)) in enumerate(zip(ports, shapes, strict=True)):
            a, b = matrix(draw, port, a_shape), matrix(draw, port, b_shape)
            ctx.set(port.valid, number == chosen)
            ctx.set(port.a, a)
            ctx.set(port.b, b)
            if number == chosen:
                expected = [[x * y for x, y in zip(*pair, strict=True)] for pair in zip(a, b, strict=True)]
        await ctx.tick()
        port = ports[chosen]
        for r, row in enumerate(expected):
            got = [ctx.get(port.results[r][j]) for j in range(-(-len(row) // 2))]
            assert got == results_of(row), f"turn {turn}, port {chosen}, row {r}: must be {results_of(row)}, not {got}"
            total = ctx.get(port.sums[r])
            assert total == sum(row), f"turn {turn}, port {chosen}, row {r}: sum must be {sum(row)}, not {total}"


def shapes_of(*widths: tuple[int, int]) -> list[tuple[Shape, Shape]]:
    return [(signed(a), signed(b)) for a, b in widths]


@pytest.mark.parametrize(
    ("sizes", "widths", "bank"),
    [
        ([(3, 2)], [(18, 18)], None),
        # Narrow operands are extended, products keep their sign.
        ([(2, 3)], [(16, 9)], None),
        # One unit in a corner of a bank that is larger on both sides.
        ([(2, 1)], [(16, 16)], (3, 4)),
        ([(2, 2), (2, 2)], [(16, 16), (18, 17)], None),
        # As in a core: a wide tile, a tall attention, its division; one has columns, another rows, to itself.
        ([(3, 4), (5, 2), (5, 1)], [(16, 16), (16, 18), (18, 18)], None),
        ([(4, 1), (2, 5), (1, 1), (3, 3)], [(18, 2), (7, 18), (1, 1), (16, 16)], None),
        # 19 bits in a corner alone.
        ([(3, 2), (2, 1)], [(18, 18), (19, 18)], None),
        ([(1, 1), (3, 1), (1, 3)], [(19, 18), (19, 1), (18, 18)], None),
    ],
)
def test_turns(sizes: list[tuple[int, int]], widths: list[tuple[int, int]], bank: tuple[int, int] | None) -> None:
    draw = random.Random(seed())
    shapes = shapes_of(*widths)
    signatures = [MultiplierPort(*size, *shape) for size, shape in zip(sizes, shapes, strict=True)]
    ports = [signature.create() for signature in signatures]

    async def bench(ctx: Any) -> None:
        await check_turns(ctx, ports, shapes, draw)

    if bank is not None:
        signatures.append(MultiplierPort(*bank))
    run(shared(MultiplierBank(bank_layout(signatures)), ports), bench)


def test_two_at_once_are_seen() -> None:
    """Units that wrongly multiply in one cycle get each other's bits, so that a comparison cannot miss it."""
    first, second = MultiplierPort(1, 1).create(), MultiplierPort(1, 1).create()

    async def bench(ctx: Any) -> None:
        for port, a, b in ((first, 5, 3), (second, 2, 4)):
            ctx.set(port.valid, 1)
            ctx.set(port.a, [[a]])
            ctx.set(port.b, [[b]])
        await ctx.tick()
        assert ctx.get(first.results[0][0]) == (5 | 2) * (3 | 4)

    run(shared(bank_of([first, second]), [first, second]), bench)


def test_bank_is_busy_while_a_user_is() -> None:
    port = MultiplierPort(1, 1)
    first, second = port.create(), port.create()
    bank = bank_of([first, second])

    async def bench(ctx: Any) -> None:
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            ctx.set(first.valid, a)
            ctx.set(second.valid, b)
            assert ctx.get(bank.port.valid) == (a | b)

    run(shared(bank, [first, second]), bench)


@pytest.mark.parametrize(("rows", "columns"), [(3, 1), (1, 3), (3, 3)])
def test_port_larger_than_the_bank(rows: int, columns: int) -> None:
    m, bank = Module(), MultiplierBank(bank_layout([MultiplierPort(2, 2)]))
    with pytest.raises(ValueError, match=f"^port must be at most 2 x 2, not {rows} x {columns}$"):
        share(m, bank, [MultiplierPort(rows, columns).create()])


@pytest.mark.parametrize("shape", [signed(20), unsigned(18), unsigned(1)])
def test_operands_of_a_port(shape: Shape) -> None:
    for name, bits, shapes in (("a_shape", 19, (shape, OPERAND)), ("b_shape", 18, (WIDE_OPERAND, shape))):
        text = re.escape(f"{name} must be signed and at most {bits} bits wide, not {shape!r}")
        with pytest.raises(ValueError, match=f"^{text}$"):
            MultiplierPort(1, 1, *shapes)


def test_second_operand_is_not_the_wider_one() -> None:
    text = re.escape("b_shape must be signed and at most 18 bits wide, not signed(19)")
    with pytest.raises(ValueError, match=f"^{text}$"):
        MultiplierPort(1, 1, OPERAND, WIDE_OPERAND)


def test_ports_are_equal_by_their_members() -> None:
    assert MultiplierPort(2, 3) == MultiplierPort(2, 3)
    assert MultiplierPort(2, 3) != MultiplierPort(3, 2)
    assert MultiplierPort(2, 3) != MultiplierPort(2, 3, signed(17))
    assert MultiplierPort(2, 3) != "port"


def test_apart() -> None:
    """A port apart multiplies in every cycle, beside any other."""
    draw = random.Random(seed())
    turns = [MultiplierPort(3, 1).create(), MultiplierPort(2, 1, WIDE_OPERAND).create()]
    apart = MultiplierPort(1, 1).create()

    async def bench(ctx: Any) -> None:
        ctx.set(apart.valid, 1)
        for _ in range(50):
            chosen = draw.randrange(2)
            pairs = [(corners(draw, OPERAND), corners(draw, OPERAND)) for _ in range(3)]
            for number, port in enumerate(turns):
                ctx.set(port.valid, number == chosen)
                for row, (a, b) in zip(range(port.signature.rows), pairs, strict=False):
                    ctx.set(port.a[row][0], a)
                    ctx.set(port.b[row][0], b)
            a, b = corners(draw, OPERAND), corners(draw, OPERAND)
            ctx.set(apart.a[0][0], a)
            ctx.set(apart.b[0][0], b)
            await ctx.tick()
            assert ctx.get(apart.results[0][0]) == a * b
            for row in range(turns[chosen].signature.rows):
                assert ctx.get(turns[chosen].results[row][0]) == pairs[row][0] * pairs[row][1]

    bank = bank_of(turns, [apart])
    assert len(bank.layout.blocks) == 2
    run(shared(bank, turns, [apart]), bench)


def test_layout() -> None:
    """Two rows a block without a second column, else two columns of a row; nothing where no port multiplies."""
    pair = bank_layout([MultiplierPort(3, 1), MultiplierPort(1, 1, WIDE_OPERAND)], [MultiplierPort(2, 1)])
    assert (pair.mode, pair.columns, pair.wide) == (DspMode.PAIR, (1, 1, 1, 1, 1), (1, 0, 0, 0, 0))
    assert pair.blocks == (((0, 0), (1, 0)), ((2, 0), (3, 0)), ((4, 0),))
    corner = bank_layout([MultiplierPort(1, 5), MultiplierPort(3, 1)])
    assert (corner.mode, corner.columns) == (DspMode.SUM, (5, 1, 1))
    assert corner.blocks == (((0, 0), (0, 1)), ((0, 2), (0, 3)), ((0, 4),), ((1, 0),), ((2, 0),))
