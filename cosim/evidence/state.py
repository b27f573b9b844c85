"""The state of a circuit: every register and every memory that is written, as Amaranth's Verilog has them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Register", "list_state", "module_bodies"]

_NAME = r"\\\S+(?= )|\w+"
_MODULE = re.compile(rf"^module ({_NAME}) ?\(.*?\);\n(.*?)^endmodule", re.M | re.S)
_DECLARED = re.compile(rf"^  reg (?:signed )?(?:\[(\d+):0\] )?({_NAME}) ?(?:\[(\d+):0\])?(?: =[^;]*)?;", re.M)
_INSTANCE = re.compile(rf"^  ({_NAME}) +({_NAME}) +\(\n", re.M)
# Blocks of `always @*` assign with `=`.
_CLOCKED = re.compile(rf"^ +({_NAME}) ?(?:\[.*?\])* ?<= ", re.M)


@dataclass(frozen=True)
class Register:
    """A register, or a memory of several words."""

    module: str
    """Of the Verilog."""
    path: tuple[str, ...]
    """Instances from the top module, which is the first, down."""
    name: str
    width: int
    words: int

    @property
    def bits(self) -> int:
        """Bits of state."""
        return self.width * self.words


def module_bodies(verilog: str) -> dict[str, str]:
    """Return module -> what stands between its ports and its end."""
    return {_plain(name): body for name, body in _MODULE.findall(verilog)}


def list_state(verilog: str, top: str) -> list[Register]:
    """Return the state below module ``top``, instance by instance; ValueError if there is no such module."""
    modules = module_bodies(verilog)
    if top not in modules:
        raise ValueError(f"top must be a module of the Verilog, not {top!r}")
    found = []
    waiting: list[tuple[str, tuple[str, ...]]] = [(top, (top,))]
    for module, path in waiting:
        body = modules[module]
        clocked = {_plain(name) for name in _CLOCKED.findall(body)}
        for width, name, words in _DECLARED.findall(body):
            if _plain(name) in clocked:
                sizes = int(width or 0) + 1, int(words or 0) + 1
                found.append(Register(module, path, _plain(name), *sizes))
                clocked.discard(_plain(name))
        if clocked:
            raise ValueError(f"registers of {module} must be declared before they are assigned: {', '.join(clocked)}")
        waiting += [
            (_plain(kind), (*path, _plain(name))) for kind, name in _INSTANCE.findall(body) if _plain(kind) in modules
        ]
    return found


def _plain(name: str) -> str:
    return name.removeprefix("\\")
