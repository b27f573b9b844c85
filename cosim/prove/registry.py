"""All properties, found where they lie: in the folders ``proofs`` of ``hdl``."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import hdl
from hdl.proof import Property

__all__ = ["Found", "properties", "property_of"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A property, and the module that it was found in."""

    module: str
    entry: Property

    @property
    def unit(self) -> str:
        """The module of the unit that it is of."""
        return self.module.replace(".proofs.", ".")


def properties() -> dict[str, Found]:
    """Return name -> property, by module; ValueError if a name is there twice."""
    root = Path(hdl.__file__).parent
    found: dict[str, Found] = {}
    for path in sorted(root.rglob("proofs/[!_]*.py")):
        module = path.relative_to(root.parent).with_suffix("").as_posix().replace("/", ".")
        for one in importlib.import_module(module).PROPERTIES:
            if one.name in found:
                raise ValueError(f"name of a property must be there once, not twice: {one.name!r}")
            found[one.name] = Found(module=module, entry=one)
    return found


def property_of(module: str, name: str) -> Property:
    """Return a property by its module and name, without a look at any other."""
    named: dict[str, Property] = {one.name: one for one in importlib.import_module(module).PROPERTIES}
    return named[name]
