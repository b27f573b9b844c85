"""A core as nextpnr placed and routed it on the ECP5, in a form that the test benches run.

nextpnr's netlist leaves inputs open that are constant, each kind of cell by rules of its own; here they are tied, and
a mode that ``cells/ecp5.v`` does not know is refused. A netlist can carry faults, one of which a run switches on by
``+fault=NUMBER``: a bit of a look-up table is then the other one.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosim.engine.simulators import SimulatorError
from cosim.evidence.gate_level import Fault
from hdl.device.yosys import run_yosys
from talos_ref.files import write_bytes

__all__ = ["CELLS", "count_cells", "netlist_verilog", "tie"]

CELLS = Path(__file__).parent / "cells" / "ecp5.v"
"""Models of all cells that a netlist may have."""

Cell = dict[str, Any]
_ONE, _ZERO = "1", "0"


def _text(cell: Cell, name: str, default: str) -> str:
    """Return a parameter that is a word; nextpnr puts a space behind one that could be taken for a number."""
    return str(cell["parameters"].get(name, default)).strip()


def _refuse(cell: Cell, parameter: str, value: str) -> None:
    raise ValueError(f"{cell['type']} must not have {parameter} {value!r}: its model has no such mode")


def _require(cell: Cell, wanted: Mapping[str, str]) -> None:
    """Refuse a cell that has another value of a parameter; one that it lacks has the right value."""
    for name, value in wanted.items():
        if _text(cell, name, value) != value:
            _refuse(cell, name, _text(cell, name, value))


def _pin(cell: Cell, name: str, unconnected: str) -> Any:
    """Return what drives an input: a net, or a constant, where its multiplexer or nothing is at the pin."""
    bits = cell["connections"].get(name, [])
    selected = _text(cell, f"{name}MUX", name)
    if selected in (_ONE, _ZERO):
        return selected
    if selected == "INV" and not bits:
        # What is open is 1, inverted 0.
        return _ZERO
    if selected not in (name, "INV"):
        _refuse(cell, f"{name}MUX", selected)
    if selected == "INV":
        raise ValueError(f"{cell['type']} must not invert its {name}")
    return bits[0] if bits else unconnected


def _table(cell: Cell) -> Cell:
    mode = _text(cell, "MODE", "LOGIC")
    if mode == "RAMW_BLOCK":
        # It stands where the write port has taken the place of a table.
        mode = "LOGIC"
    if mode not in ("LOGIC", "CCU2", "DPRAM"):
        _refuse(cell, "MODE", mode)
    pins = cell["connections"]
    wider = "FX" if pins.get("FXA") or pins.get("FXB") else "F1"
    inputs = {name: _pin(cell, name, _ONE) for name in ("A", "B", "C", "D", "M", "F1", "FXA", "FXB", "WCK", "WRE")}
    inputs |= {name: _pin(cell, name, _ZERO) for name in ("FCI", "WD", "WAD0", "WAD1", "WAD2", "WAD3")}
    inject = _text(cell, "CCU2_INJECT1", "NO")
    bits = cell["parameters"].get("INITVAL", "0" * 16)
    parameters = {"MODE": mode, "INITVAL": bits, "CCU2_INJECT1": inject, "WIDER": wider}
    return _cell("TRELLIS_COMB", parameters, inputs, {name: pins.get(name, []) for name in ("F", "FCO", "OFX")})


def _register(cell: Cell) -> Cell:
    mode = _text(cell, "SRMODE", "LSR_OVER_CE")
    if mode != "LSR_OVER_CE":
        _refuse(cell, "SRMODE", mode)
    if _text(cell, "LSRMODE", "LSR") != "LSR":
        _refuse(cell, "LSRMODE", _text(cell, "LSRMODE", "LSR"))
    source = "DI" if _text(cell, "SD", "1") == "1" else "M"
    enable = _text(cell, "CEMUX", "1")
    pins = cell["connections"]
    inputs = {"CLK": _pin(cell, "CLK", _ZERO), "D": pins[source][0], "LSR": _pin(cell, "LSR", _ZERO)}
    if enable not in ("1", "CE", "INV"):
        _refuse(cell, "CEMUX", enable)
    inputs["CE"] = _ONE if enable == "1" else pins["CE"][0]
    inverted = {"CE_INVERTED": "1" if enable == "INV" else "0"}
    parameters = {"REGSET": _text(cell, "REGSET", "RESET"), **inverted}
    return _cell("TRELLIS_FF", parameters, inputs, {"Q": pins.get("Q", [])})


def _vector(cell: Cell, name: str, width: int, unconnected: str) -> list[Any]:
    return [_pin(cell, f"{name}{index}", unconnected) for index in range(width)]


def _outputs(cell: Cell, name: str, width: int) -> list[Any]:
    pins = cell["connections"]
    # An output that nothing reads has no net; a bit number of its own keeps the vector whole.
    return [(pins.get(f"{name}{index}") or [None])[0] for index in range(width)]


def _product(cell: Cell) -> Cell:
    registered = _text(cell, "REG_OUTPUT_CLK", "NONE") != "NONE"
    wanted = dict.fromkeys(("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_INPUTC_CLK", "REG_PIPELINE_CLK"), "NONE")
    if registered:
        wanted |= {"REG_OUTPUT_CLK": "CLK0", "REG_OUTPUT_CE": "CE0", "REG_OUTPUT_RST": "RST0", "RESETMODE": "SYNC"}
    _require(cell, wanted)
    inputs: dict[str, Any] = {name: _vector(cell, name, 18, _ZERO) for name in "AB"}
    inputs |= {name: _pin(cell, name, _ZERO) for name in ("SIGNEDA", "SIGNEDB")}
    inputs |= {"CLK": _pin(cell, "CLK0", _ZERO), "CE": _pin(cell, "CE0", _ONE), "RST": _pin(cell, "RST0", _ZERO)}
    return _cell("MULT18X18D", {"REGISTERED": f"{registered:032b}"}, inputs, {"P": _outputs(cell, "P", 36)})


def _memory(cell: Cell) -> Cell:
    modes = {f"WRITEMODE_{port}": _text(cell, f"WRITEMODE_{port}", "NORMAL") for port in "AB"}
    for name, mode in modes.items():
        if mode not in ("NORMAL", "READBEFOREWRITE"):
            _refuse(cell, name, mode)
    wanted = {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG", "CSDECODE_A": "0b000", "CSDECODE_B": "0b000"}
    if any(_pin(cell, f"RST{port}", _ONE) != _ZERO for port in "AB"):
        wanted["RESETMODE"] = "SYNC"
    _require(cell, wanted)
    inputs: dict[str, Any] = {}
    for port in "AB":
        inputs |= {f"AD{port}": _vector(cell, f"AD{port}", 14, _ONE), f"DI{port}": _vector(cell, f"DI{port}", 18, _ONE)}
        for name in ("CLK", "CE", "WE", "RST"):
            inputs[f"{name}{port}"] = _pin(cell, f"{name}{port}", _ONE)
    chunks = [cell["parameters"].get(f"INITVAL_{index:02X}", "0" * 320) for index in range(64)]
    # A chunk is sixteen words of 18 bits in 20, the first one lowest; so bits stand from the right.
    words = [chunk[320 - 20 * place - 18 : 320 - 20 * place] for chunk in chunks for place in range(16)]
    widths = {f"WIDTH_{port}": _number(cell["parameters"].get(f"DATA_WIDTH_{port}", 18)) for port in "AB"}
    parameters = {**widths, **modes, "INIT": "".join(reversed(words))}
    return _cell("DP16KD", parameters, inputs, {f"DO{port}": _outputs(cell, f"DO{port}", 18) for port in "AB"})


def _number(value: Any) -> str:
    """Return a number as Yosys's JSON has it: 32 binary digits."""
    return f"{int(value, 2) if isinstance(value, str) and len(value) > 5 else int(value):032b}"


def _write_port(cell: Cell) -> Cell:
    inputs = {f"{name}{half}": _pin(cell, f"{name}{half}", _ONE) for name in "ABCD" for half in "01"}
    outputs = [f"{kind}{index}" for kind in ("WDO", "WADO") for index in range(4)]
    return _cell("TRELLIS_RAMW", {}, inputs, {name: cell["connections"].get(name, []) for name in outputs})


def _cell(kind: str, parameters: Mapping[str, str], inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Cell:
    pins = {name: bits if isinstance(bits, list) else [bits] for name, bits in inputs.items()}
    ways = {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")}
    return {
        "hide_name": 1, "type": kind, "parameters": dict(parameters), "attributes": {}, "port_directions": ways,
        "connections": {**pins, **outputs},
    }  # fmt: skip


_KINDS = {
    "TRELLIS_COMB": _table, "TRELLIS_FF": _register, "MULT18X18D": _product, "DP16KD": _memory,
    "TRELLIS_RAMW": _write_port,
}  # fmt: skip


def count_cells(netlist: Mapping[str, Any]) -> dict[str, int]:
    """Return how many cells of each kind nextpnr's netlist has."""
    (module,) = netlist["modules"].values()
    return dict(Counter(cell["type"] for cell in module["cells"].values()))


def tie(netlist: Mapping[str, Any], top: str, faults: int, seed: int = 1) -> tuple[dict[str, Any], list[Fault]]:
    """Return nextpnr's netlist of a module with every input driven, and with switches for faults in its tables.

    Raises ValueError for a cell, or a mode of one, that has no model, and if there are fewer tables than faults.
    """
    (module,) = netlist["modules"].values()
    used = [bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int)]
    fresh = iter(range(max(used, default=1) + 1, 1 << 62))
    cells: dict[str, Cell] = {}
    for name, cell in module["cells"].items():
        if cell["type"] == "DCCA":
            # A clock's buffer is a wire.
            cells[name] = _cell("$_BUF_", {}, {"A": cell["connections"]["CLKI"]}, {"Y": cell["connections"]["CLKO"]})
            continue
        if cell["type"] not in _KINDS:
            raise ValueError(f"cells must be of a core on the ECP5, not {cell['type']!r}")
        tied = _KINDS[cell["type"]](cell)
        for pin, bits in tied["connections"].items():
            tied["connections"][pin] = [next(fresh) if bit is None else bit for bit in bits]
        cells[name] = tied
    switched = _switch(cells, faults, seed)
    # nextpnr names every bit of a port by itself.
    ports: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    ways: dict[str, str] = {}
    for name, port in module["ports"].items():
        found = re.fullmatch(r"(.*)\[(\d+)\]", name)
        stem, first = (found[1], int(found[2])) if found else (name, 0)
        ways[stem] = port["direction"]
        ports[stem] |= {first + index: bit for index, bit in enumerate(port["bits"])}
    joined = {
        stem: {"direction": ways[stem], "bits": [bits[index] for index in range(len(bits))]}
        for stem, bits in ports.items()
    }
    nets = {
        f"n{bit}": {"hide_name": 1, "bits": [bit], "attributes": {}}
        for bit in sorted({bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits
                           if isinstance(bit, int)})
    }  # fmt: skip
    return {"modules": {top: {"attributes": {}, "ports": joined, "cells": cells, "netnames": nets}}}, switched


def _switch(cells: Mapping[str, Cell], faults: int, seed: int) -> list[Fault]:
    """Put switches into tables, and return which; bits are drawn with ``seed``."""
    draw = random.Random(seed)
    tables = [name for name, cell in cells.items() if cell["type"] == "TRELLIS_COMB"
              and cell["parameters"]["MODE"] == "LOGIC" and cell["connections"]["F"]]  # fmt: skip
    if len(tables) < faults:
        raise ValueError(f"netlist must have at least {faults} look-up tables, not {len(tables)}")
    found = []
    for number, name in enumerate(draw.sample(sorted(tables), faults), start=1):
        pins = cells[name]["connections"]
        # An open input is 1, so that other bits are never selected.
        open_bits = sum(1 << place for place, pin in enumerate("ABCD") if pins[pin] == [_ONE])
        bit = draw.choice([bit for bit in range(16) if bit & open_bits == open_bits])
        cells[name]["parameters"] |= {"FAULT": f"{number:032b}", "FAULT_BIT": f"{bit:032b}"}
        found.append(Fault(number, "TRELLIS_COMB", name, bit))
    return found


def netlist_verilog(netlist: Mapping[str, Any], folder: Path, target: Path) -> None:
    """Write a netlist that was tied as Verilog; it works in ``folder``. Raises SimulatorError if Yosys fails."""
    write_bytes(folder / "tied.json", json.dumps(netlist).encode())
    script = f"read_json tied.json; write_verilog -noattr -norename {target.name}.part"
    done = run_yosys(["-q", "-p", script], folder)
    if done.returncode:
        raise SimulatorError(f"yosys could not write {target}: {done.stdout[-2000:].strip()}")
    part = folder / f"{target.name}.part"
    write_bytes(target, part.read_bytes())
    part.unlink()
    (folder / "tied.json").unlink()
