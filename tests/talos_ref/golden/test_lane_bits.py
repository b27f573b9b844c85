"""Random bits of lanes: the hash, bit for bit, and how well it mixes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_ref.golden.lane_bits import ROUNDS, batched_lane_bits, lane_bits

WORDS = st.integers(0, 0xFFFFFFFF)


def unshift(z: int, shift: int) -> int:
    """Return the y with ``y ^ (y >> shift) == z``."""
    y = z
    for _ in range(32 // shift):
        y = z ^ (y >> shift)
    return y


@given(WORDS, st.integers(0, 255))
def test_every_lane_is_a_bijection(z: int, lane: int) -> None:
    """The hash run backwards from any 32 bits finds the state they come from."""
    state = unshift(z, 16)
    for shift, a, b in reversed(ROUNDS):
        state = unshift(state * pow(1 + 2**a + 2**b, -1, 2**32) % 2**32, shift)
    state = (state - lane * 0x9E3779B9) % 2**32
    assert lane_bits(state, lane) == z


@pytest.mark.parametrize(
    ("rng", "lane", "bits"),
    [
        (0x0, 0, 0x00000000),
        (0x1, 0, 0x9BF6B845),
        (0x1, 26, 0x35802945),
        (0xFFFFFFFF, 1, 0xFEE9A08C),
        (0x2545F491, 13, 0x3287D403),
    ],
)
def test_recorded_bits(rng: int, lane: int, bits: int) -> None:
    assert lane_bits(rng, lane) == bits


def test_the_batched_form() -> None:
    rng = np.random.default_rng(1).integers(0, 1 << 32, 100)
    rng[:2] = 1, 0xFFFFFFFF
    assert batched_lane_bits(rng, 27).tolist() == [[lane_bits(s, lane) for lane in range(27)] for s in rng.tolist()]


def flips(z: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the share of differing bits, [bit]."""
    bits = np.unpackbits((z ^ other).astype("<u4").view(np.uint8), bitorder="little")
    shares: np.ndarray = bits.reshape(-1, 32).mean(axis=0)
    return shares


@pytest.mark.parametrize("lane", [0, 26])
def test_a_changed_bit_of_the_state_flips_half_of_the_bits(lane: int) -> None:
    """Within 0.012, and 5 standard errors of 20,000 states."""
    rng = np.random.default_rng(2).integers(0, 1 << 32, 20_000)
    z = batched_lane_bits(rng, lane + 1)[:, lane]
    for bit in range(32):
        share = flips(z, batched_lane_bits(rng ^ (1 << bit), lane + 1)[:, lane])
        assert np.abs(share - 0.5).max() < 0.012 + 5 * 0.5 / np.sqrt(20_000), bit


def test_lanes_and_neighbouring_states_differ_in_half_of_the_bits() -> None:
    rng = np.arange(1, 20_002)
    z = batched_lane_bits(rng, 27)
    limit = 5 * 0.5 / np.sqrt(20_000)
    for lane in range(26):
        assert np.abs(flips(z[:-1, lane], z[:-1, lane + 1]) - 0.5).max() < limit, lane
        assert np.abs(flips(z[:-1, lane], z[1:, lane]) - 0.5).max() < 0.012 + limit, lane
