"""Shards of the C library alone: all kernels of an arithmetic make the same names, by one digest of all steps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cosim.campaign.shard import Outcome, Shard, Status
from cosim.engine.digests import ROOT
from hdl.design import Design
from host_c.binding import _talos, extension
from host_c.binding.digest import Digest, digest
from host_c.binding.extension import TalosError
from host_c.binding.model import Model
from talos_ref.sources import sources_digest

__all__ = ["able_kernels", "load_models", "made_of", "run"]

_CHUNK = 1 << 16
"""Names that are compared at a time in search of the first difference."""


@cache
def _library_digest() -> str:
    """Return the SHA-256 (hex) of the compiled library."""
    return hashlib.sha256(Path(_talos.__file__).read_bytes()).hexdigest()


@cache
def _binding_digest() -> str:
    return sources_digest(ROOT, (ROOT / "host_c" / "binding").glob("*.py"), ("numpy", "cffi"))


def able_kernels(design: Design) -> tuple[str, ...]:
    """Return the kernels that this processor runs and that can have the design's model, fastest first."""
    able = []
    for name in extension.kernels(design.core.arithmetic_name):
        try:
            Model(design, kernel=name)
        except TalosError:
            continue
        able.append(name)
    return tuple(able)


def load_models(shard: Shard, design: Design) -> list[Model]:
    """Return the design's model in each of the shard's kernels; TalosError if this processor does not run one."""
    return [Model(design, kernel=name) for name in shard.kernels]


def made_of(shard: Shard, design: Design) -> dict[str, Any]:
    """Return the digests of the compiled library and of what binds it."""
    return {"library": _library_digest(), "binding": _binding_digest()}


def run(shard: Shard, design: Design) -> Outcome:
    """Make every name in every kernel and compare their digests; TalosError if this processor lacks a kernel."""
    return compare(shard, load_models(shard, design))


def compare(shard: Shard, models: Sequence[Model]) -> Outcome:
    """Compare the digests of models; the last is what the others are held against."""
    *others, reference = models
    wanted = digest(reference, shard.seed, shard.names, shard.temperature, threads=1)
    figures = {"digest": f"{wanted.digest:08x}", "letters": wanted.letters}
    for model in others:
        found = digest(model, shard.seed, shard.names, shard.temperature, threads=1)
        if found != wanted:
            said = _first_difference(shard, model, reference, found, wanted)
            return Outcome(status=Status.DIFFERS, steps=wanted.steps, said=said, figures=figures)
    values = wanted.steps * len(others)
    return Outcome(status=Status.PASSED, steps=wanted.steps, values=values, figures=figures)


def _first_difference(shard: Shard, model: Model, reference: Model, found: Digest, wanted: Digest) -> str:
    """Return the first seed whose letters differ, or that the same letters gave other digests."""
    head = f"{model.arithmetic}, kernel {model.kernel} beside {reference.kernel}"
    end = shard.seed + shard.names
    for first in range(shard.seed, end, _CHUNK):
        seeds = np.arange(first, min(first + _CHUNK, end), dtype=np.uint32)
        rows, right = (one.generate_many(seeds, shard.temperature, 1) for one in (model, reference))
        if not np.array_equal(rows, right):
            name = int(np.flatnonzero((rows != right).any(axis=1))[0])
            step = int(np.flatnonzero(rows[name] != right[name])[0])
            return f"{head}: seed {seeds[name]}, step {step}: token must be {right[name, step]}, not {rows[name, step]}"
    return f"{head}: digest must be {wanted.digest:08x}, not {found.digest:08x}, though a second run agrees"
