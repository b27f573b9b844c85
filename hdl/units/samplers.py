"""Which circuit draws for a golden sampler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hdl.units.gumbel_sampler import GumbelSampler
from hdl.units.sampler import Sampler
from talos_ref.golden.gumbel_sampler import GumbelSampler as GumbelSamplerSpec
from talos_ref.golden.sampler import BucketSampler, Exp2Sampler

__all__ = ["sampler_of"]

_SAMPLERS: Mapping[type, Any] = {BucketSampler: Sampler, Exp2Sampler: Sampler, GumbelSamplerSpec: GumbelSampler}


def sampler_of(spec: object) -> Any:
    """Return the class of a sampler, whose ports and parameters are those of `Sampler`; TypeError if it has none."""
    circuit = _SAMPLERS.get(type(spec))
    if circuit is None:
        raise TypeError(f"spec must be one of {', '.join(kind.__name__ for kind in _SAMPLERS)}, not {spec!r}")
    return circuit
