"""Bits of registers that no word of their ROM sets, as Amaranth's Verilog has both."""

from __future__ import annotations

import re

from cosim.evidence.state import module_bodies

__all__ = ["never_set"]

_NAME = r"(?:\\\S+ |\w+)"
_READ = re.compile(rf"^ +({_NAME}) ?<= ({_NAME}) ?\[", re.M)
_WORD = r"^ +{memory} ?\[\d+\] = \d+'h([0-9a-f]+);"
_WRITTEN = r"^ +{memory} ?\[[^\n]*\](?:\[[^\n]*\])? <= "


def never_set(verilog: str) -> dict[tuple[str, str], int]:
    """Return module and register -> mask of the bits that are 1 in some word of the memory that alone it is read from.

    Only memories that are never written, and registers that take nothing else.
    """
    found = {}
    for module, body in module_bodies(verilog).items():
        for register, memory in _READ.findall(body):
            name = re.escape(memory.strip())
            words = re.findall(_WORD.format(memory=name), body, re.M)
            taken = re.findall(rf"^ +{re.escape(register.strip())} ?(?:\[.*?\])? ?<= ", body, re.M)
            if words and len(taken) == 1 and not re.search(_WRITTEN.format(memory=name), body, re.M):
                bits = 0
                for word in words:
                    bits |= int(word, 16)
                found[module, register.strip().removeprefix("\\")] = bits
    return found
