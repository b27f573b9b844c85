"""Points of the register bus: every word in both directions, refused writes, partial writes, unmapped addresses."""

from __future__ import annotations

from collections.abc import Callable

from cosim.coverage.group import Group
from hdl.registers.map import RegisterMap
from hdl.registers.places import ADDRESS_WIDTH
from hdl.registers.register import Register

__all__ = ["register_groups"]

_WORD = "bus__address >> 2"
_READ = "bus__read && !bus__waitrequest"
_WRITTEN = "bus__write && !bus__waitrequest"
_WHOLE = "bus__byteenable == 4'hf"


def register_groups(registers: RegisterMap) -> list[Group]:
    """Return the groups of a register map behind its bus."""

    def places(chosen: Callable[[Register], bool], *, words: bool) -> dict[int, str]:
        return {
            address >> 2: f"{entry.name}[{index}]" if words and entry.count > 1 else entry.name
            for entry in registers.registers if chosen(entry)
            for index, address in enumerate(entry.addresses)
        }  # fmt: skip

    unmapped = {
        word: "any" for word in range(1 << (ADDRESS_WIDTH - 2)) if registers.find(4 * word) is None
    }
    readable = places(lambda entry: entry.access.readable, words=True)
    writable = places(lambda entry: entry.access.writable, words=True)
    every = places(lambda entry: True, words=False)
    groups = [
        Group(name="register read", when=_READ, index=_WORD, places=readable),
        Group(name="register written", when=f"{_WRITTEN} && {_WHOLE}", index=_WORD, places=writable),
        Group(name="register written in part, which is refused", when=f"{_WRITTEN} && !({_WHOLE})", index=_WORD,
              places=every),
        Group(name="unmapped address read", when=_READ, index=_WORD, places=unmapped),
        Group(name="unmapped address written", when=_WRITTEN, index=_WORD, places=unmapped),
        Group(name="bus", when="(bus__read || bus__write) && !rst", index="{bus__write, bus__waitrequest}",
              places={0: "a read taken at once", 1: "a read that waits", 2: "a write taken at once",
                      3: "a write that waits"}),
    ]  # fmt: skip
    fixed = places(lambda entry: not entry.access.writable, words=False)
    unread = places(lambda entry: not entry.access.readable, words=False)
    for name, when, found in (
        ("register written though it is read only", f"{_WRITTEN} && {_WHOLE}", fixed),
        ("register read though it is write only", _READ, unread),
    ):
        if found:
            groups.append(Group(name=name, when=when, index=_WORD, places=found))
    return groups
