"""Float64 operations that are the same on every processor: how exact they are, and which bits they have."""

from __future__ import annotations

import hashlib
import math
import random
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from talos_ref.model.portable_float import exp, matmul

SEED = 20261127
BITS = "809d5e52d85c716b63d40dfe12bcdd675100fd187a8b4c208876eb350cb52b06"
"""SHA-256 of the results below: they must be the same wherever the tests run, not only where they were written."""


def arguments(count: int, limit: float) -> npt.NDArray[np.float64]:
    rng = random.Random(SEED)
    return np.array([rng.uniform(-limit, limit) for _ in range(count)])


@pytest.mark.parametrize("limit", [0.3, 1.0, 20.0, 708.0])
def test_exp_is_less_than_a_unit_in_the_last_place_away(limit: float) -> None:
    values = arguments(1500, limit)
    with localcontext() as context:
        context.prec = 40
        for x, found in zip(values.tolist(), exp(values).tolist(), strict=True):
            error = abs(Decimal(found) - Decimal(x).exp()) / Decimal(math.ulp(found))
            assert error < 1, f"seed {SEED}, x = {x!r}: {found!r} is {error:.2f} units away"


def test_exp_at_its_ends() -> None:
    ends = np.array([0.0, -0.0, -np.inf, np.nextafter(-708.0, -np.inf), -1e300])
    assert exp(ends).tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert exp(np.array([-708.0, 709.0])).tolist() == pytest.approx([math.exp(-708.0), math.exp(709.0)], rel=2.0**-52)


@pytest.mark.parametrize("x", [np.nextafter(709.0, np.inf), np.inf, np.nan])
def test_refused_exponents(x: float) -> None:
    with pytest.raises(ValueError, match=rf"^x must be at most 709.0, not {float(x)!r}$"):
        exp(np.array([0.0, x]))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 16, 64), (16, 64, 16), (5, 1, 9), (7, 13, 1)])
def test_matmul_rounds_every_product_and_sum(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    values = arguments(rows * inner + inner * columns, 3.0)
    a, b = values[: rows * inner].reshape(rows, inner), values[rows * inner :].reshape(inner, columns)
    found = matmul(a, b)
    assert found.shape == (rows, columns)
    for i in range(rows):
        for j in range(columns):
            products = [float(a[i, k] * b[k, j]) for k in range(inner)]
            exact = sum(Fraction(float(a[i, k])) * Fraction(float(b[k, j])) for k in range(inner))
            bound = 2.0**-53 * inner * sum(abs(product) for product in products)
            assert abs(Fraction(float(found[i, j])) - exact) <= bound, f"seed {SEED}, row {i}, column {j}"
            if columns > 1:
                total = products[0]
                for product in products[1:]:
                    total += product
                assert found[i, j] == total, f"seed {SEED}, row {i}, column {j}"


def test_matmul_of_stacks() -> None:
    values = arguments(2 * 4 * 6 * 5, 1.0)
    a, b = values[: 4 * 6 * 5].reshape(4, 6, 5), values[4 * 6 * 5 :].reshape(4, 5, 6)
    for stack, left, right in zip(matmul(a, b), a, b, strict=True):
        assert stack.tobytes() == matmul(left, right).tobytes()


def test_matmul_does_not_depend_on_the_order_in_memory() -> None:
    values = arguments(2 * 37 * 41, 1.0)
    a, b = values[: 37 * 41].reshape(37, 41), values[37 * 41 :].reshape(41, 37)
    expected = matmul(a, b).tobytes()
    for left in (a, a.copy(order="F")):
        for right in (b, b.copy(order="F")):
            assert matmul(left, right).tobytes() == expected


def test_bits_are_the_same_on_every_processor() -> None:
    values = arguments(65536, 700.0)
    digest = hashlib.sha256(exp(values).tobytes())
    digest.update(exp(values / 100).tobytes())
    digest.update(matmul(values[:1024].reshape(16, 64), values[1024:2048].reshape(64, 16)).tobytes())
    digest.update(matmul(values[:1024].reshape(16, 64).T, values[1024:1280].reshape(16, 16)).tobytes())
    assert digest.hexdigest() == BITS
