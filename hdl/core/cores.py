"""The named cores, bound to a model and a number format."""

from __future__ import annotations

from dataclasses import replace

from hdl.core.config import CORES, CoreConfig
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

__all__ = ["core_config"]


def core_config(name: str, model: ModelConfig = MICROGPT, word: Format = Q4_12) -> CoreConfig:
    """Return a named core bound to a model and a number format; ValueError for an unknown name."""
    if name not in CORES:
        raise ValueError(f"core must be one of {', '.join(CORES)}, not {name!r}")
    return replace(CORES[name], model=model, word=word)
