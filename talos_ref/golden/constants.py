"""Every table and constant of an arithmetic, by name, as whoever re-implements it needs them."""

from __future__ import annotations

from typing import Any

from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.attention import StepAttention
from talos_ref.golden.divide import TruncatingDivide
from talos_ref.golden.exp import EXP_TABLE
from talos_ref.golden.rmsnorm import RootRmsNorm
from talos_ref.golden.sampler import BucketSampler
from talos_ref.golden.table import InterpolatedTable

__all__ = ["constants"]


def _table(table: InterpolatedTable) -> dict[str, Any]:
    return {
        "index_bits": table.index_bits,
        "step_bits": table.step_bits,
        "fraction": table.fraction,
        "output_bits": table.output_bits,
        "first": table.first,
        "lines": [list(line) for line in table.lines],
    }


def constants(arithmetic: Arithmetic) -> dict[str, Any]:
    """Return name -> integer or table, ready for JSON; ``lines`` are [base, slope] from segment ``first`` on."""
    attention, norm, sampler = arithmetic.attention, arithmetic.rmsnorm, arithmetic.sampler
    if isinstance(norm, RootRmsNorm) or isinstance(attention, StepAttention) or isinstance(sampler, BucketSampler):
        assert isinstance(sampler, BucketSampler)
        return {"arithmetic": arithmetic.name, "exp": list(EXP_TABLE), "random_multiplier": sampler.multiplier}
    assert not isinstance(attention.divide, TruncatingDivide)
    return {
        "arithmetic": arithmetic.name,
        "exp2": _table(sampler.exp.table),
        "rsqrt": _table(norm.table),
        "reciprocal": _table(attention.divide.table),
        "eps": norm.eps,
        "unit_exponent": norm.unit_exponent,
        "query_scale": attention.query_scale,
        "inverse_numerator_below_one": sampler.numerator(0x100 - 1),
        "inverse_numerator_from_one": sampler.numerator(0x100),
    }
