"""xorshift32: known states, and the full period, proved by the order of its matrix over GF(2)."""

from __future__ import annotations

import pytest

from talos_ref.golden.xorshift32 import ZERO_STATE, check_seed, xorshift32

Matrix = list[int]
"""Column i is what bit i turns into."""


def apply(matrix: Matrix, state: int) -> int:
    result = 0
    for bit, column in enumerate(matrix):
        if state >> bit & 1:
            result ^= column
    return result


def power(matrix: Matrix, exponent: int) -> Matrix:
    result = [1 << bit for bit in range(32)]
    while exponent:
        if exponent & 1:
            result = [apply(matrix, column) for column in result]
        matrix = [apply(matrix, column) for column in matrix]
        exponent >>= 1
    return result


def test_states_of_the_published_check() -> None:
    state, states = 2, []
    for _ in range(5):
        state = xorshift32(state)
        states.append(state)
    assert states == [540738, 134253570, 697882754, 1670953222, 3819972634]


def test_linear_over_gf2() -> None:
    matrix = [xorshift32(1 << bit) for bit in range(32)]
    for state in (1, 0xFFFFFFFF, 0xDEADBEEF, 123456789, ZERO_STATE):
        assert xorshift32(state) == apply(matrix, state)


def test_period_is_every_state_but_zero() -> None:
    matrix = [xorshift32(1 << bit) for bit in range(32)]
    identity = [1 << bit for bit in range(32)]
    period = 2**32 - 1
    assert power(matrix, period) == identity
    assert period == 3 * 5 * 17 * 257 * 65537
    for prime in (3, 5, 17, 257, 65537):
        assert power(matrix, period // prime) != identity


def test_zero_stays_and_has_a_substitute() -> None:
    assert xorshift32(0) == 0
    assert check_seed(ZERO_STATE) == ZERO_STATE


def test_seeds() -> None:
    assert (check_seed(1), check_seed(0xFFFFFFFF)) == (1, 0xFFFFFFFF)
    for seed in (0, -1, 1 << 32):
        with pytest.raises(ValueError, match=rf"^seed must be 1 to 4294967295 \(.*\), not {seed}$"):
            check_seed(seed)
    for kind in (1.0, "1", None, True):
        with pytest.raises(TypeError, match=r"^seed must be an integer, not "):
            check_seed(kind)  # type: ignore[arg-type]
