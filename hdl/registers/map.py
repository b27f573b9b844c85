"""The register map of a design: the one description of decoder, C header, Tcl constants and page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

from hdl.registers.added import added_registers
from hdl.registers.places import ADDRESS_WIDTH
from hdl.registers.published import ID, TEMPERATURE, TOP_LOGIT_BITS, VERSION, published_registers
from hdl.registers.register import Register
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import ModelConfig

__all__ = ["ID", "TEMPERATURE", "TOP_LOGIT_BITS", "VERSION", "RegisterMap", "register_map"]


@dataclass(frozen=True)
class RegisterMap:
    """The registers of a design, in the order of addresses; every other address is unmapped.

    Raises ValueError if two registers have the same name or share an address, or one lies beyond the address space.
    """

    model: ModelConfig
    word: Format
    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        names: set[str] = set()
        end = 0
        for entry in self.registers:
            if entry.name in names:
                raise ValueError(f"register {entry.name} must be there once")
            if entry.address < end:
                raise ValueError(f"register {entry.name} must begin at {end:#x} or above, not at {entry.address:#x}")
            names.add(entry.name)
            end = entry.last + 4
            if end > 1 << ADDRESS_WIDTH:
                raise ValueError(f"register {entry.name} must end at {1 << ADDRESS_WIDTH:#x} at most, not at {end:#x}")

    @cached_property
    def _by_name(self) -> dict[str, Register]:
        return {entry.name: entry for entry in self.registers}

    @cached_property
    def _by_address(self) -> dict[int, tuple[Register, int]]:
        return {entry.at(index): (entry, index) for entry in self.registers for index in range(entry.count)}

    @property
    def version(self) -> int:
        """What the register ``version`` answers."""
        return self.register("version").reset or 0

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def register(self, name: str) -> Register:
        """Return a register; ValueError if there is none of that name."""
        if name not in self._by_name:
            raise ValueError(f"register must be one of {', '.join(self._by_name)}, not {name!r}")
        return self._by_name[name]

    def find(self, address: int) -> tuple[Register, int] | None:
        """Return the register at a byte address (its lowest two bits are ignored) and the word's index, or None."""
        return self._by_address.get(address & ~3)


@cache
def register_map(model: ModelConfig, word: Format = Q4_12) -> RegisterMap:
    """Return the map of all designs of a model whose logits have the format ``word``.

    Only ``letters`` and ``logits`` have an address that depends on the model; see `hdl.registers.places`.
    """
    registers = (*published_registers(model, word), *added_registers(model, word))
    return RegisterMap(model, word, tuple(sorted(registers, key=lambda entry: entry.address)))
