"""Static timing of a netlist mapped to the Cyclone V: the longest paths from register to register.

Yosys's ``sta`` knows neither carry chains nor wires; this adds both. Cell delays are those of the slow corner (1.1 V,
100 °C) that nextpnr and Yosys carry for this family (nextpnr ``mistral/delay.cc``, Yosys ``intel_alm/common``), where
an arc has several the largest. A wire is not known before routing: every hop that is not a carry counts

    WIRE_PS + FANOUT_PS · max(0, log2(fan-out) - 2)

which is what nextpnr's router makes of small units of this design: 0.9 to 1.3 ns a hop. So the result ranks paths and
tells a long one from a short one; it is no sign-off. Quartus, which routes better, has been seen a third faster.

A DSP block is taken to be as fast as Yosys's multiplier of 18 × 18 bits, whether it sums or not, and its register as
fast as any other: neither tool carries figures of the block itself.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hdl.device.cyclone_v import (
    CARRY_PS,
    MEMORY_PS,
    MEMORY_SETUP_PS,
    MLAB_READ_PS,
    MULTIPLIER_PS,
    REGISTER_PS,
    TABLE_PS,
)  # fmt: skip
from hdl.device.cyclone_v_target import MAC_CELL

__all__ = ["Path", "longest_paths", "WIRE_PS", "FANOUT_PS"]

WIRE_PS = 900
FANOUT_PS = 120

_REGISTER_INPUTS = ("DATAIN", "ENA", "SCLR", "SLOAD", "SDATA", "ACLR")


@dataclass(frozen=True)
class Path:
    """A path from a register or memory to another; ``picoseconds`` long."""

    picoseconds: int
    start: str
    end: str
    hops: int
    """Wires on it, carries apart."""


class _Graph:
    """Arcs between nets: ``arcs[to] = [(from, ps, routed)]``, with nets as bit numbers and multipliers as names."""

    def __init__(self) -> None:
        self.arcs: defaultdict[int | str, list[tuple[int | str, int, bool]]] = defaultdict(list)
        self.starts: dict[int | str, tuple[int, str]] = {}
        self.ends: list[tuple[int, int, str]] = []
        self.fanout: Counter[int | str] = Counter()

    def arc(self, source: Any, target: Any, delay: int, routed: bool = True) -> None:
        """Add an arc, unless an end of it is a constant or not connected."""
        if isinstance(source, str) and source in "01xz":
            return
        self.arcs[target].append((source, delay, routed))
        self.fanout[source] += routed

    def end(self, source: Any, setup: int, name: str) -> None:
        """Add an end, unless a constant drives it."""
        if isinstance(source, int):
            self.ends.append((source, setup, name))
            self.fanout[source] += 1

    def wire(self, net: int | str) -> int:
        """Return the allowance for the wire of a net."""
        return WIRE_PS + round(FANOUT_PS * max(0.0, math.log2(max(self.fanout[net], 1)) - 2))


def longest_paths(netlist: Mapping[str, Any], count: int = 5) -> list[Path]:
    """Return the ``count`` longest paths of a flat mapped design, the longest first, one for each pair of names.

    Parameters
    ----------
    netlist
        As Yosys's ``write_json`` writes it.

    Raises ValueError if the design has no register, holds a cell of an unknown kind or a combinational loop.
    """
    top = max(netlist["modules"].values(), key=lambda module: len(module["cells"]))
    names = _names(top)
    graph = _Graph()
    for name, cell in top["cells"].items():
        _add_cell(graph, name, cell, names)
    if not graph.ends:
        raise ValueError("netlist must have registers, not none")
    arrival, before = _arrivals(graph)
    ends = sorted(
        ((arrival[net] + graph.wire(net) + setup, net, name) for net, setup, name in graph.ends), reverse=True
    )
    paths: dict[tuple[str, str], Path] = {}
    for length, net, name in ends:
        first: int | str = net
        hops = 1
        while (step := before[first]) is not None:
            first, routed = step
            hops += routed
        start = graph.starts[first][1] if first in graph.starts else names.get(first, "input")
        paths.setdefault((_stem(start), _stem(name)), Path(length, start, name, hops))
        if len(paths) == count:
            break
    return list(paths.values())


def _names(module: Mapping[str, Any]) -> dict[int | str, str]:
    """Return the most telling name of every net: of the source rather than of synthesis, and a short one."""
    best: dict[int | str, tuple[tuple[bool, int, int], str]] = {}
    for name, entry in module["netnames"].items():
        rank = (bool(entry.get("hide_name")), name.count("$") + name.count("MISTRAL"), len(name))
        for place, bit in enumerate(entry["bits"]):
            if isinstance(bit, int) and (bit not in best or rank < best[bit][0]):
                best[bit] = rank, f"{name}[{place}]" if len(entry["bits"]) > 1 else name
    return {bit: name for bit, (_, name) in best.items()}


def _stem(name: str) -> str:
    """Return a name without what numbers its bits and lanes."""
    return re.sub(r"\d+", "#", name)


def _add_cell(graph: _Graph, name: str, cell: Mapping[str, Any], names: Mapping[int | str, str]) -> None:
    """Add the arcs, starts and ends of a cell."""
    kind, pins = cell["type"], cell["connections"]
    if kind in TABLE_PS:
        for pin, delay in zip("ABCDEF", TABLE_PS[kind], strict=False):
            graph.arc(pins[pin][0], pins["Q"][0], delay)
    elif kind == "MISTRAL_ALUT_ARITH":
        for pin, delays in CARRY_PS.items():
            for output, delay in zip(("SO", "CO"), delays, strict=True):
                if pins.get(output) and pins.get(pin):
                    graph.arc(pins[pin][0], pins[output][0], delay, routed=pin != "CI")
    elif kind in MULTIPLIER_PS:
        for pin, delay in MULTIPLIER_PS[kind].items():
            for bit in pins[pin]:
                graph.arc(bit, name, delay)
        for bit in pins["Y"]:
            graph.arcs[bit].append((name, 0, False))
    elif kind == MAC_CELL.name:
        _add_block(graph, name, cell, names)
    elif kind == "MISTRAL_FF":
        graph.starts[pins["Q"][0]] = REGISTER_PS, names.get(pins["Q"][0], name)
        for pin in _REGISTER_INPUTS:
            for bit in pins.get(pin, []):
                graph.end(bit, 0, names.get(pins["Q"][0], name))
    elif kind in ("MISTRAL_M10K", "MISTRAL_MLAB"):
        for pin, bits in pins.items():
            for bit in bits if not pin.startswith("CLK") else ():
                if pin != "B1DATA" and not (kind == "MISTRAL_MLAB" and pin == "B1ADDR"):
                    graph.end(bit, MEMORY_SETUP_PS, name)
        for bit in pins["B1DATA"]:
            if kind == "MISTRAL_M10K":
                graph.starts[bit] = MEMORY_PS, name
            else:
                for address in pins["B1ADDR"]:
                    graph.arc(address, bit, MLAB_READ_PS)
    elif kind not in ("MISTRAL_CLKBUF", "MISTRAL_IB", "MISTRAL_OB", "MISTRAL_IO"):
        raise ValueError(f"cells must be Cyclone V cells, not {kind!r}")


def _add_block(graph: _Graph, name: str, cell: Mapping[str, Any], names: Mapping[int | str, str]) -> None:
    """Add a DSP block: from its operands to the register in it, or through it."""
    pins, delays = cell["connections"], MULTIPLIER_PS["MISTRAL_MUL18X18"]
    results = [bit for pin in ("resulta", "resultb") for bit in pins.get(pin, [])]
    # Yosys writes a space behind a string that could be taken for bits.
    registered = cell["parameters"]["output_clock"].strip() == "0"
    for pin, side in (("ax", "A"), ("ay", "B"), ("bx", "A"), ("by", "B")):
        for bit in pins[pin]:
            if registered:
                graph.end(bit, delays[side], names.get(results[0], name))
            else:
                graph.arc(bit, name, delays[side])
    for bit in results:
        if registered:
            graph.starts[bit] = REGISTER_PS, names.get(bit, name)
        else:
            graph.arcs[bit].append((name, 0, False))


def _arrivals(graph: _Graph) -> tuple[dict[int | str, int], dict[Any, tuple[int | str, bool] | None]]:
    """Return when each net that an end needs arrives, in ps, and the net before it on the longest way."""
    arrival: dict[int | str, int] = {}
    before: dict[Any, tuple[int | str, bool] | None] = {}
    entered: set[int | str] = set()
    stack: list[int | str] = [net for net, _, _ in graph.ends]
    while stack:
        net = stack[-1]
        arcs = graph.arcs.get(net, [])
        if net in arrival or net in graph.starts or not arcs:
            if net not in arrival:
                arrival[net], before[net] = graph.starts[net][0] if net in graph.starts else 0, None
            stack.pop()
            continue
        missing = [source for source, _, _ in arcs if source not in arrival]
        if missing:
            if net in entered:
                raise ValueError(f"netlist must have no combinational loop, not one through {net!r}")
            entered.add(net)
            stack.extend(missing)
            continue
        lengths = [
            (arrival[source] + delay + (graph.wire(source) if routed else 0), source, routed)
            for source, delay, routed in arcs
        ]
        arrival[net], source, routed = max(lengths, key=lambda length: length[0])
        before[net] = source, routed
        stack.pop()
    return arrival, before
