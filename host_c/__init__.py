"""The microGPT on a CPU: a C11 library and its binding."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host_c.binding.extension import ARITHMETICS, TalosError, kernels
    from host_c.binding.model import Model, Step, Stream

__all__ = ["ARITHMETICS", "Model", "Step", "Stream", "TalosError", "kernels"]


def __getattr__(name: str) -> Any:
    # Late, so that `python -m host_c.build` can run before the extension exists.
    if name in __all__:
        module = "model" if name in ("Model", "Step", "Stream") else "extension"
        return getattr(importlib.import_module(f"host_c.binding.{module}"), name)
    raise AttributeError(f"module 'host_c' has no attribute {name!r}")
