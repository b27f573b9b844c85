"""From a design to a routed board, by the commands of Amaranth's Trellis toolchain; each step is an artefact."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from hdl.boards.digest import boards_digest
from hdl.boards.ulx3s.platform import PROJECT, Ulx3sPlatform
from hdl.boards.ulx3s.top import BoardTop
from hdl.build_cache import artefact, cached, design_folder
from hdl.design import Design
from hdl.device.ecp5 import Ecp5
from hdl.device.ecp5_floorplan import copy_fixed, floorplan_digest
from hdl.device.ecp5_netlist import prepare_commands
from hdl.device.nextpnr import PLACER_OPTIONS, Progress, ecppack_program, nextpnr_program, nextpnr_version
from hdl.device.nextpnr_report import Report, read_report
from hdl.device.yosys import log_yosys, yosys_version
from hdl.device.yowasp import run_program
from hdl.pinned_yosys import use_pinned_yosys
from talos_ref.files import write_bytes

__all__ = [
    "BITSTREAM", "SYNTHESIS_LOG", "Stuck", "place_and_route", "plan_files", "read_cells", "read_seed", "synthesise",
    "write_plan",
]  # fmt: skip

BITSTREAM, SYNTHESIS_LOG = f"{PROJECT}.bit", "synthesis.log"
_COMMANDS, _UNITS, _REPORT = f"build_{PROJECT}.json", "units.json", "report.json"
OnLine = Callable[[str], None]


class Stuck(RuntimeError):
    """A seed was given up, since its router did not come nearer to an end."""


def plan_files(design: Design, device: Ecp5, grade: int) -> dict[str, str]:
    """Return what Amaranth hands to the tools, name -> text: netlist, pins, scripts, and the commands themselves.

    nextpnr ends well whatever the slack; `read_seed` says whether it will do.

    Raises ValueError if there is no PLL for the design's clock, or the grade is none.
    """
    use_pinned_yosys()
    plan = Ulx3sPlatform(device, grade).prepare(
        BoardTop(design), PROJECT, emit_src=False, verbose=True,
        nextpnr_opts=[*PLACER_OPTIONS, "--timing-allow-fail", "--report", _REPORT, "--detailed-timing-report"],
        script_after_read=prepare_commands(PROJECT),
    )  # fmt: skip
    return {name: text if isinstance(text, str) else text.decode() for name, text in plan.files.items()}


def write_plan(design: Design, device: Ecp5, grade: int) -> Path:
    """Return a folder of the build cache that holds ``plan_files``, and the names of all units."""

    def make(folder: Path) -> None:
        files = plan_files(design, device, grade)
        for name, text in files.items():
            write_bytes(folder / name, text.encode())
        units = re.findall(rf"^module \\{PROJECT}\.(\S+)$", files[f"{PROJECT}.il"], re.M)
        write_bytes(folder / _UNITS, json.dumps(units).encode())

    return artefact(design, "ulx3s", {"part": device.part, "grade": grade, "boards": boards_digest()}, make)


def synthesise(design: Design, plan: Path, on_line: OnLine | None = None) -> Path:
    """Return a folder of the build cache with the netlist of the device's cells, and Yosys's log with their counts.

    It is the same for every grade. Raises RuntimeError, with the end of Yosys's output, if that fails.
    """
    sources = [f"{PROJECT}.il", f"{PROJECT}.ys"]

    def make(folder: Path) -> None:
        for name in sources:
            shutil.copyfile(plan / name, folder / name)
        log_yosys(_command(plan, "yosys"), folder, SYNTHESIS_LOG, on_line)
        # Amaranth's command has Yosys write the same log by another name.
        for name in (*sources, f"{PROJECT}.rpt"):
            (folder / name).unlink()

    made_from = {"yosys": yosys_version(), **{name: _digest(plan / name) for name in sources}}
    return cached(design_folder(design), "ulx3s-synthesis", made_from, make)


def read_cells(synthesis: Path) -> dict[str, int]:
    """Return the cells of a synthesis, name -> number, as its log counts them at its end."""
    counted = (synthesis / SYNTHESIS_LOG).read_text().rpartition("Printing statistics")[2]
    return {name: int(number) for number, name in re.findall(r"^ +(\d+) +([A-Z]\w+)$", counted, re.M)}


def place_and_route(
    design: Design, device: Ecp5, plan: Path, synthesis: Path, seed: int, on_line: OnLine | None = None
) -> Path:
    """Return a folder of the build cache with the bitstream of one seed, and nextpnr's report of it.

    Raises `Stuck` if the router is given up; RuntimeError, with the end of the tool's output, if one fails.
    """
    netlist, pins = f"{PROJECT}.json", f"{PROJECT}.lpf"
    place, pack = [*_command(plan, "nextpnr-ecp5"), "--seed", str(seed)], _command(plan, "ecppack")

    def make(folder: Path) -> None:
        copy_fixed(synthesis / netlist, folder / netlist, device.part)
        shutil.copyfile(plan / pins, folder / pins)
        progress = Progress()

        def see(line: str) -> None:
            progress.see(line)
            if on_line is not None:
                on_line(line)

        if not run_program(nextpnr_program(), place, folder, "place.log", see, progress.stuck):
            raise Stuck(
                f"seed {seed} was given up: nextpnr had {progress.left or 0:,} arcs left, and did not come down to "
                f"fewer in {progress.patience / 60:g} minutes"
            )
        run_program(ecppack_program(), pack, folder, "pack.log", on_line)
        write_bytes(folder / f"{_REPORT}.gz", gzip.compress((folder / _REPORT).read_bytes(), 1))
        # What is large, or made again in a moment.
        for name in (netlist, _REPORT, f"{PROJECT}.config", f"{PROJECT}.svf", f"{PROJECT}.tim"):
            (folder / name).unlink(missing_ok=True)

    made_from = {
        "netlist": _digest(synthesis / netlist), "pins": _digest(plan / pins), "place": place, "pack": pack,
        "sites": floorplan_digest(), "tools": nextpnr_version(),
    }  # fmt: skip
    return cached(design_folder(design), "ulx3s-seed", made_from, make)


def read_seed(plan: Path, seed: Path) -> Report:
    """Return the report of a seed; ValueError if it is none."""
    units = json.loads((plan / _UNITS).read_text())
    return read_report(gzip.decompress((seed / f"{_REPORT}.gz").read_bytes()).decode(), set(units))


def _command(plan: Path, tool: str) -> list[str]:
    """Return the arguments that Amaranth's script gives to a tool."""
    commands = json.loads((plan / _COMMANDS).read_text())["commands"]
    return next(command[1:] for command in commands if command[0] == tool)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
