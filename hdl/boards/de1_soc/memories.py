"""The memories in generated Verilog: whether Quartus can put each into a block, as its manual says.

Intel's guide to recommended HDL coding styles ("Inferring Memory Functions from HDL Code", 683082) wants of a memory in
Verilog: an array, written and read at a clock edge only, the read data in a register, the contents in ``initial``; the
``ramstyle`` attribute says which block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["RAM_STYLES", "VerilogMemory", "find_memories", "problems", "unset_registers"]

RAM_STYLES = ("M10K", "MLAB")

_NAME = r"(?P<name>\\\S+ |\w+)"
_ARRAY = re.compile(
    r"(?P<attributes>(?:^ *\(\* .* \*\)\n)*)"
    rf"^ *reg (?:signed )?(?:\[(?P<high>\d+):0\] )?{_NAME} ?\[(?P<last>\d+):0\];$",
    re.M,
)
_REGISTER = re.compile(r"^ *reg (?:signed )?(?:\[\d+:0\] )?(\\\S+ |\w+) ?;$", re.M)
_MODULE = re.compile(r"^module (?P<name>\\\S+|\w+)(?P<body>.*?)^endmodule$", re.M | re.S)


@dataclass(frozen=True, kw_only=True)
class VerilogMemory:
    """An array of a module and how it is used."""

    module: str
    name: str
    depth: int
    width: int
    style: str
    """The ``ramstyle`` attribute; empty without."""
    undefined: tuple[int, ...]
    """Words without a value in ``initial``, or with one that is not all ones and zeros."""
    reads: int
    """Registers that are read into at a clock edge."""
    other_uses: tuple[str, ...]
    """Lines that use the memory otherwise than by a clocked read or write."""
    writes: int


def find_memories(text: str) -> list[VerilogMemory]:
    """Return the memories of all modules of a file that Amaranth's Verilog back end wrote."""
    return [memory for module in _MODULE.finditer(text) for memory in _in_module(module["name"], module["body"])]


def _in_module(module: str, body: str) -> Iterator[VerilogMemory]:
    for array in _ARRAY.finditer(body):
        name, depth = array["name"], int(array["last"]) + 1
        style = re.search(r'\bramstyle = "([^"]*)"', array["attributes"])
        defined: set[int] = set()
        others: list[str] = []
        reads = writes = 0
        rest = body[: array.start()] + body[array.end() :]
        # Behind a point it is a part of an escaped name.
        use = re.compile(rf"(?<![\w$\\.]){re.escape(name)}\[")
        for line in rest.splitlines():
            if not use.search(line):
                continue
            statement = line.strip()
            value = re.fullmatch(rf"{re.escape(name)}\[(\d+)\] = \d+'(?:h[0-9a-f]+|d\d+);", statement)
            if value is not None:
                defined.add(int(value[1]))
            elif re.fullmatch(rf"{re.escape(name)}\[.+\](?:\[[\d:]+\])? <= .+;", statement):
                writes += 1
            elif re.fullmatch(rf"(?:\\\S+ |\w+) <= {re.escape(name)}\[.+\];", statement):
                reads += 1
            else:
                others.append(statement)
        yield VerilogMemory(
            module=module,
            name=name.strip(),
            depth=depth,
            width=int(array["high"] or 0) + 1,
            style=style[1] if style else "",
            undefined=tuple(word for word in range(depth) if word not in defined),
            reads=reads,
            writes=writes,
            other_uses=tuple(others),
        )


def problems(memory: VerilogMemory) -> list[str]:
    """Return why Quartus would not make a block of a memory, a line each."""
    name = f"{memory.module}.{memory.name}"
    lines = []
    if memory.style not in RAM_STYLES:
        lines.append(f"{name} must have a ramstyle of {' or '.join(RAM_STYLES)}, not {memory.style!r}")
    if memory.undefined:
        lines.append(f"{name} must have a value in every word; word {memory.undefined[0]} has none")
    if memory.other_uses:
        lines.append(f"{name} must be read and written at clock edges only, not in {memory.other_uses[0]!r}")
    if not memory.reads:
        lines.append(f"{name} must be read into a register")
    return lines


def unset_registers(text: str) -> list[str]:
    """Return the registers that have no value after configuration, apart from those that memories are read into."""
    found = []
    for module in _MODULE.finditer(text):
        body = module["body"]
        arrays = "|".join(re.escape(array["name"]) for array in _ARRAY.finditer(body)) or "(?!)"
        for name in _REGISTER.findall(body):
            sources = re.findall(rf"^ *{re.escape(name)}(?:\[[\d:]+\])? <= (.*);$", body, re.M)
            if sources and not all(re.match(rf"(?:{arrays})\[", source) for source in sources):
                found.append(f"{module['name']}.{name.strip()}")
    return found
