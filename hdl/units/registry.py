"""The circuits of every arithmetic: each golden specification beside the class that computes it.

A new arithmetic adds its circuits in files of their own and a line here for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from hdl.units.bucket_weights import BucketWeights
from hdl.units.exp2_softmax import Exp2Softmax
from hdl.units.exp2_weights import Exp2Weights
from hdl.units.reciprocal_attention_divide import ReciprocalAttentionDivide
from hdl.units.root_scale import RootScale
from hdl.units.step_softmax import StepSoftmax
from hdl.units.table_scale import TableScale
from hdl.units.truncating_attention_divide import TruncatingAttentionDivide
from hdl.units.variants import AttentionDivide, RmsScale, SamplerWeights, Softmax
from talos_ref.golden.attention import Exp2Attention, StepAttention
from talos_ref.golden.divide import ReciprocalDivide, TruncatingDivide
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm
from talos_ref.golden.sampler import BucketSampler, Exp2Sampler

__all__ = ["attention_divide_of", "rms_scale_of", "sampler_weights_of", "softmax_of"]

Circuit = TypeVar("Circuit")

_SOFTMAX: Mapping[type, type[Softmax]] = {StepAttention: StepSoftmax, Exp2Attention: Exp2Softmax}
_DIVIDE: Mapping[type, type[AttentionDivide]] = {
    TruncatingDivide: TruncatingAttentionDivide,
    ReciprocalDivide: ReciprocalAttentionDivide,
}
_SCALE: Mapping[type, type[RmsScale]] = {RootRmsNorm: RootScale, TableRmsNorm: TableScale}
_WEIGHTS: Mapping[type, type[SamplerWeights]] = {BucketSampler: BucketWeights, Exp2Sampler: Exp2Weights}


def softmax_of(spec: object) -> type[Softmax]:
    """Return the class of an attention's softmax; TypeError if it has no circuit."""
    return _find(_SOFTMAX, spec)


def attention_divide_of(spec: object) -> type[AttentionDivide]:
    """Return the class of attention's division; TypeError if it has no circuit."""
    return _find(_DIVIDE, spec)


def rms_scale_of(spec: object) -> type[RmsScale]:
    """Return the class of an RMSNorm's scale; TypeError if it has no circuit."""
    return _find(_SCALE, spec)


def sampler_weights_of(spec: object) -> type[SamplerWeights]:
    """Return the class of a sampler's weights; TypeError if it has no circuit."""
    return _find(_WEIGHTS, spec)


def _find(circuits: Mapping[type, type[Circuit]], spec: object) -> type[Circuit]:
    circuit = circuits.get(type(spec))
    if circuit is None:
        raise TypeError(f"spec must be one of {', '.join(kind.__name__ for kind in circuits)}, not {spec!r}")
    return circuit
