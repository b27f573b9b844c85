"""The circuits of every arithmetic: each golden specification beside the class that computes it.

A new arithmetic adds its circuits in files of their own and a line here for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from amaranth.lib import data

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
from talos_ref.golden.format import Format
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm
from talos_ref.golden.sampler import BucketSampler, Exp2Sampler

__all__ = ["attention_divide_of", "rms_scale_of", "sampler_weights_of", "softmax_of"]

Circuit = TypeVar("Circuit")

_SOFTMAX: Mapping[type, Callable[..., Softmax]] = {StepAttention: StepSoftmax, Exp2Attention: Exp2Softmax}
_DIVIDE: Mapping[type, Callable[..., AttentionDivide]] = {
    TruncatingDivide: TruncatingAttentionDivide,
    ReciprocalDivide: ReciprocalAttentionDivide,
}
_SCALE: Mapping[type, Callable[..., RmsScale]] = {RootRmsNorm: RootScale, TableRmsNorm: TableScale}
_WEIGHTS: Mapping[type, Callable[..., SamplerWeights]] = {BucketSampler: BucketWeights, Exp2Sampler: Exp2Weights}


def softmax_of(spec: object) -> Softmax:
    """Return the softmax of an attention; TypeError if it has no circuit."""
    return _create(_SOFTMAX, spec)


def attention_divide_of(spec: object, operands: data.StructLayout, bits_per_cycle: int) -> AttentionDivide:
    """Return attention's division; TypeError if it has no circuit."""
    return _create(_DIVIDE, spec, operands, bits_per_cycle)


def rms_scale_of(spec: object, bits_per_cycle: int) -> RmsScale:
    """Return the scale of an RMSNorm; TypeError if it has no circuit."""
    return _create(_SCALE, spec, bits_per_cycle)


def sampler_weights_of(spec: object, word: Format, lanes: int, bits_per_cycle: int) -> SamplerWeights:
    """Return the weights of a sampler; TypeError if it has no circuit."""
    return _create(_WEIGHTS, spec, word, lanes, bits_per_cycle)


def _create(circuits: Mapping[type, Callable[..., Circuit]], spec: object, *arguments: Any) -> Circuit:
    """Return the circuit of a specification."""
    circuit = circuits.get(type(spec))
    if circuit is None:
        raise TypeError(f"spec must be one of {', '.join(kind.__name__ for kind in circuits)}, not {spec!r}")
    return circuit(spec, *arguments)
