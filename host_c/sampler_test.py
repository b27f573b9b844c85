"""The sampler of ``folded`` at length, drawn by the C library: ``python -m host_c.sampler_test``.

The tests are those of ``python -m talos_ref sampler-test``, and first letters by the hundred million.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from host_c.binding.extension import TalosError
from host_c.binding.model import Model
from talos_ref import command_line
from talos_ref.command_line import SETTINGS, emit
from talos_ref.commands.sampler_test import report
from talos_ref.golden.arrays import Ints
from talos_ref.golden.float_model import FloatModel
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.lane_bits import batched_lane_bits
from talos_ref.model.checkpoint import Checkpoint, load, weights_path
from talos_ref.options import Integer, json_option, out_option, weights_option
from talos_ref.studies.sampler_test import Finding, findings

__all__ = ["command", "first_letter_shares"]

CHUNK = 1 << 20
"""Names made at once."""
LIMIT = 2.0**-12
"""How far a share may be from its probability."""


def first_letter_shares(model: Model, temperature: float, names: int) -> np.ndarray:
    """Return the share of every first letter over the names of seeds 1 to ``names``, [vocab]."""
    counts = np.zeros(model.config.vocab_size, dtype=np.int64)
    for first in range(1, names + 1, CHUNK):
        seeds = np.arange(first, min(first + CHUNK, names + 1), dtype=np.uint32)
        letters = model.generate_many(seeds, temperature)[:, 0]
        counts += np.bincount(letters, minlength=len(counts))
    return counts / names


def _shares(checkpoint: Checkpoint, model: Model, names: int) -> Iterator[Finding]:
    """Yield the largest error of a first letter's share, in units of ``LIMIT``."""
    exact = FloatModel(checkpoint)
    logits = exact.logits(exact.config.bos, 0, exact.new_cache())
    for temperature in (0.5, 1.0):
        wanted = np.array(exact.probabilities(logits, temperature))
        error = float(np.abs(first_letter_shares(model, temperature, names) - wanted).max()) / LIMIT
        subject = f"T {temperature:g}, error / 2^-12"
        yield Finding(test="probabilities", subject=subject, value=error, passed=error < 1, size=names)


def _all_findings(weights: str | None, draws: int, **sizes: int) -> Iterator[Finding]:
    checkpoint = load(weights_path(weights))
    model, lanes, noise = Model(checkpoint, "folded"), checkpoint.config.vocab_size, GumbelNoise()

    def draw(seeds: Ints, temperature: float) -> Ints:
        return model.generate_many(seeds.astype(np.uint32), temperature).astype(np.int64)

    yield from _shares(checkpoint, model, draws)
    yield from findings(
        checkpoint, draw, lambda rng: noise.batched_compute(batched_lane_bits(rng, lanes)), **sizes
    )


@click.command(context_settings=SETTINGS)
@weights_option
@click.option("--tokens", type=Integer(1000), default=2_000_000, metavar="N",
              help="drawn at each temperature and repetition (default: 2000000)")
@click.option("--repetitions", type=Integer(1), default=20, metavar="N", help="default: 20")
@click.option("--seeds", type=Integer(1000), default=200_000, metavar="N",
              help="neighbouring seeds, 1 to N (default: 200000)")
@click.option("--steps", type=Integer(1000), default=10_000_000, metavar="N",
              help="whose lanes are correlated (default: 10000000)")
@click.option("--draws", type=Integer(1000), default=100_000_000, metavar="N",
              help="first letters whose shares are compared (default: 100000000)")
@click.option("--seed", type=Integer(0), default=1, metavar="S", help="what all is drawn from (default: 1)")
@json_option("an object a test")
@out_option
def command(out: str | None, as_json: bool, **options: Any) -> None:
    """Test the sampler of folded in the C library: probabilities, letters, neighbouring seeds, lanes of noise."""
    emit(report(_all_findings(**options), as_json), out)


if __name__ == "__main__":
    sys.exit(command_line.run(command, None, "python -m host_c.sampler_test", failures=(TalosError,)))
