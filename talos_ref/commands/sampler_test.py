"""What ``sampler-test`` does: from its options to lines of output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from talos_ref.golden.folded import folded
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.lane_bits import batched_lane_bits
from talos_ref.model.checkpoint import load, weights_path
from talos_ref.studies.sampler_test import Finding, findings, golden_draw

__all__ = ["report", "sampler_test"]


def report(found: Iterable[Finding], as_json: bool) -> Iterator[str]:
    """Yield a line a finding, and raise RuntimeError at the end if one has not passed."""
    failed = count = 0
    for finding in found:
        count += 1
        failed += not finding.passed
        if as_json:
            yield json.dumps(asdict(finding))
        else:
            verdict = "" if finding.passed else "  FAILED"
            yield f"{finding.test:14}{finding.subject:26}{finding.value:8.4f}  of {finding.size}{verdict}"
    if failed:
        raise RuntimeError(f"{failed} of {count} tests of the sampler have failed")


def sampler_test(
    *, weights: str | None, tokens: int, repetitions: int, seeds: int, steps: int, seed: int, as_json: bool
) -> Iterator[str]:
    """Yield a line a test of the golden sampler."""
    checkpoint = load(weights_path(weights))
    lanes, noise = checkpoint.config.vocab_size, GumbelNoise()
    found = findings(
        checkpoint,
        golden_draw(checkpoint, folded(checkpoint.config)),
        lambda rng: noise.batched_compute(batched_lane_bits(rng, lanes)),
        tokens=tokens,
        repetitions=repetitions,
        seeds=seeds,
        steps=steps,
        seed=seed,
    )
    yield from report(found, as_json)
