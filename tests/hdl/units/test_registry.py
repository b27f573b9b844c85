"""Every specification of the golden model has a circuit, and nothing else has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hdl.units.bucket_weights import BucketWeights
from hdl.units.exp2_softmax import Exp2Softmax
from hdl.units.exp2_weights import Exp2Weights
from hdl.units.reciprocal_attention_divide import ReciprocalAttentionDivide
from hdl.units.registry import attention_divide_of, rms_scale_of, sampler_weights_of, softmax_of
from hdl.units.root_scale import RootScale
from hdl.units.step_softmax import StepSoftmax
from hdl.units.table_scale import TableScale
from hdl.units.truncating_attention_divide import TruncatingAttentionDivide
from talos_ref.golden.arithmetic import Arithmetic, arithmetic
from talos_ref.model.config import MICROGPT

# Of every part: what finds its circuit, and the specification of an arithmetic.
PARTS: dict[str, tuple[Callable[[Any], Any], Callable[[Arithmetic], Any]]] = {
    "softmax": (softmax_of, lambda golden: golden.attention),
    "divide": (attention_divide_of, lambda golden: golden.attention.divide),
    "scale": (rms_scale_of, lambda golden: golden.rmsnorm),
    "weights": (sampler_weights_of, lambda golden: golden.sampler),
}
CIRCUITS = {
    "talos-v2": (StepSoftmax, TruncatingAttentionDivide, RootScale, BucketWeights),
    "precise": (Exp2Softmax, ReciprocalAttentionDivide, TableScale, Exp2Weights),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_of_an_arithmetic(name: str) -> None:
    golden = arithmetic(name, MICROGPT)
    assert tuple(find(part(golden)) for find, part in PARTS.values()) == CIRCUITS[name]


@pytest.mark.parametrize("part", PARTS)
def test_other_specifications(part: str) -> None:
    kinds = {
        "softmax": "StepAttention, Exp2Attention",
        "divide": "TruncatingDivide, ReciprocalDivide",
        "scale": "RootRmsNorm, TableRmsNorm",
        "weights": "BucketSampler, Exp2Sampler",
    }
    find, _ = PARTS[part]
    with pytest.raises(TypeError, match=f"^spec must be one of {kinds[part]}, not None$"):
        find(None)
