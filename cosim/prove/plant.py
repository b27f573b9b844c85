"""A planted bug: a module of the product whose source is changed as Python loads it."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from typing import Any

from hdl.proof import Planted

__all__ = ["changed_source", "plant"]


def changed_source(planted: Planted) -> str:
    """Return the source of a module with the bug in it; ValueError if what is to be changed is not there once."""
    spec = importlib.util.find_spec(planted.module)
    if spec is None or spec.origin is None:
        raise ValueError(f"module of a planted bug must be there, not {planted.module!r}")
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    if (count := source.count(planted.right)) != 1:
        raise ValueError(f"{planted.right!r} must be in {planted.module} once, not {count} times")
    return source.replace(planted.right, planted.wrong)


class _Changed(SourceFileLoader):
    """Loads the changed source, and neither reads nor writes bytecode."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source.encode()

    def path_stats(self, path: Any) -> Any:
        raise OSError(f"no bytecode of {path}")

    def get_data(self, path: Any) -> bytes:
        return self._source


def plant(planted: Planted) -> None:
    """Load a module with its bug, so that all that is imported from now on gets it.

    Raises ValueError as `changed_source`, and RuntimeError if the module is loaded already.
    """
    if planted.module in sys.modules:
        raise RuntimeError(f"{planted.module} is loaded already, without the bug")
    origin = importlib.util.find_spec(planted.module)
    assert origin is not None
    assert origin.origin is not None
    loader = _Changed(planted.module, origin.origin, changed_source(planted))
    spec = importlib.util.spec_from_file_location(planted.module, origin.origin, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[planted.module] = module
    loader.exec_module(module)
