"""What can be checked of the board without Quartus: what three tools object to, and its memories and registers."""

from __future__ import annotations

from pathlib import Path

from hdl.boards.de1_soc.memories import find_memories, problems, unset_registers
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.project import project_files
from hdl.boards.de1_soc.vendor_cells import black_boxes
from hdl.boards.elaborate import Waiver, elaborate
from hdl.design import Design
from talos_ref.files import write_bytes

__all__ = ["WAIVERS", "check_design", "memory_counts"]

_TOP, _CELLS = f"{PROJECT}.v", "vendor_cells.v"

WAIVERS = (
    Waiver("UNUSEDSIGNAL", _TOP, "Amaranth keeps every signal that has a name, for the reader of a waveform"),
    Waiver("PROCASSINIT", _TOP, "a register's value after configuration, and its value in each cycle"),
    Waiver("PINMISSING", _TOP, "a DSP block that sums has no second result; all other cells are connected in full"),
    Waiver("DECLFILENAME", _TOP, "one file holds everything that Quartus compiles"),
    Waiver("UNUSEDSIGNAL", _CELLS, "a black box has no contents"),
    Waiver("UNUSEDPARAM", _CELLS, "a black box has no contents"),
    Waiver("DECLFILENAME", _CELLS, "one file holds all black boxes"),
)


def check_design(design: Design, folder: Path, serial_baud: int | None = None) -> list[str]:
    """Write a design's board Verilog and black boxes into a folder; return what tools and memories object to.

    ``serial_baud`` as of ``BoardTop``. Raises FileNotFoundError if a tool is missing.
    """
    text = (project_files(design, serial_baud=serial_baud) / _TOP).read_text(encoding="ascii")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / _TOP, text.encode("ascii"))
    write_bytes(folder / _CELLS, black_boxes().encode("ascii"))
    found = elaborate(folder, PROJECT, (_TOP, _CELLS), WAIVERS)
    memories = find_memories(text)
    if not memories:
        found.append(f"{design.name} must have memories")
    found += [line for memory in memories for line in problems(memory)]
    return found + [f"{name} must have a value after configuration" for name in unset_registers(text)]


def memory_counts(folder: Path) -> str:
    """Return how many memories of which style the Verilog in a folder of ``check_design`` has."""
    styles = [memory.style for memory in find_memories((folder / _TOP).read_text(encoding="ascii"))]
    counts = ", ".join(f"{styles.count(style)} for {style}" for style in dict.fromkeys(styles))
    return f"{len(styles)} memories: {counts}"
