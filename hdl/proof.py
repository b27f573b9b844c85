"""What is proven of a unit: a property, the circuit that states it, and a bug that it has to find.

The properties of a unit lie beside it, in the folder ``proofs`` of its room. Who proves them is no concern of theirs
(`cosim.prove`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, Fragment, MemoryInstance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring

__all__ = ["Always", "Circuit", "Claim", "Everywhere", "Exhaustive", "Planted", "Property", "Within"]

TOP = "proof"
"""Name of the module that a proof is written as."""


class Circuit:
    """Units, the logic that watches them, and what is claimed of both.

    An input of a unit that nothing drives may have any value in any cycle, and so may the reset.
    """

    def __init__(self) -> None:
        self.m = Module()
        self._inputs: list[Signal] = []

    def free(self, shape: Any, name: str) -> Any:
        """Return a signal that may have any value in any cycle."""
        signal = Signal(shape, name=name)
        self._inputs.append(Value.cast(signal))
        return signal

    def unit(self, unit: wiring.Component, name: str, without: tuple[str, ...] = ()) -> dict[str, Signal]:
        """Add a unit, and return the signals inside it by name; one of a unit inside is ``name.signal``.

        ``without`` leaves units and memories inside away: what they drive, or are read as, may have any value in any
        cycle.
        """
        fragment = Fragment.get(unit, None)
        found: dict[str, Signal] = {}
        for path, signal in _signals(fragment, ""):
            found.setdefault(path, signal)
        for entry in [entry for entry in fragment.subfragments if entry[1] in without]:
            fragment.subfragments.remove(entry)
            self._inputs += [signal for _, signal in _signals(entry[0], "")] + list(_read(entry[0]))
        self.m.submodules[name] = fragment
        for _, member, value in unit.signature.flatten(unit):
            # A port that is always ready, or always valid, is a constant.
            if member.flow is wiring.In and (port := Value.cast(value)).__class__ is Signal:
                self._inputs.append(port)
        return found

    def offered(self, stream: Any) -> tuple[Value, Value]:
        """Return whether a stream was offered and not taken in the cycle before, and whether its payload is as then."""
        payload = Value.cast(stream.payload)
        waits, before = Signal(name="waits"), Signal.like(payload, name="before")
        self.m.d.sync += [waits.eq(stream.valid & ~stream.ready), before.eq(payload)]
        return waits, payload == before

    def reset(self) -> Any:
        """Return the reset, to be kept out of what is claimed, or in."""
        return ResetSignal("sync")

    def always(self, *conditions: Any) -> None:
        """Claim that conditions hold in every cycle."""
        for condition in conditions:
            self.m.d.comb += Assert(condition)

    def assume(self, *conditions: Any) -> None:
        """Let nothing happen in which a condition does not hold."""
        for condition in conditions:
            self.m.d.comb += Assume(condition)

    def rtlil(self) -> str:
        """Return the circuit in Yosys's language; its top module is ``TOP``."""
        driven = {id(signal) for statements in Fragment.get(self.m, None).statements.values()
                  for signal in _driven(statements)}  # fmt: skip
        free = [signal for signal in self._inputs if id(signal) not in driven]
        text: str = rtlil.convert(self.m, name=TOP, ports=free, emit_src=False)
        return text


def _driven(statements: Iterable[Any]) -> Iterable[Signal]:
    for statement in statements:
        yield from statement._lhs_signals()


def _read(fragment: Fragment) -> Iterable[Signal]:
    """Yield what the memories of a fragment are read as; no statement drives it."""
    if isinstance(fragment, MemoryInstance):
        for port in fragment._read_ports:
            yield from port._data._rhs_signals()
    for inner, _, _ in fragment.subfragments:
        yield from _read(inner)


def _signals(fragment: Fragment, path: str) -> Iterable[tuple[str, Signal]]:
    """Yield the driven signals of a fragment by name; where several have one, the first has it alone."""
    for statements in fragment.statements.values():
        for signal in _driven(statements):
            yield path + signal.name, signal
    for inner, name, _ in fragment.subfragments:
        yield from _signals(inner, f"{path}{name}.")


@dataclass(frozen=True, kw_only=True)
class Everywhere:
    """A circuit without state: for all values of its inputs, by SMT."""

    circuit: Callable[[Circuit], None]


@dataclass(frozen=True, kw_only=True)
class Always:
    """In every cycle after power-up, however many: in the first ``depth``, and by induction from so many to the next.

    The bug has to show in the first ``cycles``. Registers of the units in ``any_state`` may start with anything, the
    others with their initial values.
    """

    circuit: Callable[[Circuit], None]
    depth: int = 1
    cycles: int
    any_state: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Within:
    """In the first ``cycles`` cycles after power-up, one after another; of those behind them nothing is known."""

    circuit: Callable[[Circuit], None]
    cycles: int
    any_state: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exhaustive:
    """All inputs of a circuit, one by one, against the golden model.

    ``differences`` returns a line for each difference that it has found, and may leave off at the first.
    """

    cases: int
    differences: Callable[[], list[str]]


Claim = Everywhere | Always | Within | Exhaustive


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug: in the source of ``module`` the one piece ``right`` becomes ``wrong``."""

    module: str
    right: str
    wrong: str


@dataclass(frozen=True, kw_only=True)
class Property:
    """What is claimed of a unit, and the bug by which the claim shows that it can fail."""

    name: str
    """Unit and property: ``divide.quotient``."""
    statement: str
    claim: Claim
    planted: Planted
    quick: bool = False
    """Whether it is proven within some three seconds, and so in ``make test``."""

