"""Verilog of others, in a folder of the user's: checked by hash, mapped to the device in a scratch copy.

Nothing of it is part of this project, and nothing is fetched. The list of a design's files is in the form that
``sha256sum`` writes and checks.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdl.build_cache import cached
from hdl.device.pairs import Estimate
from hdl.device.resources import map_verilog, mapped_cells, mapped_netlist
from hdl.device.static_timing import Path as TimedPath
from hdl.device.static_timing import longest_paths
from hdl.device.yosys import yosys_version
from talos_ref.files import build_root, write_bytes

__all__ = ["TALOS_V2", "OtherSources", "Part", "check_files", "estimate_of", "loop_variables_set"]

_HERE = Path(__file__).parent
_DECLARATIONS = "declarations.v"
_PATHS = 60
"""Paths among which those of the kinds are sought."""
_BLOCK = re.compile(
    r"(^[ \t]*always\s*@\s*\(?\s*\*\s*\)?\s*begin\b(?:\s*:\s*\w+)?)(.*?)(?=^[ \t]*always|^[ \t]*endmodule)", re.M | re.S
)
_LOOP = re.compile(r"\bfor\s*\(\s*(\w+)\s*=")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A module that is mapped by itself."""

    module: str
    read: tuple[str, ...]
    """What is read for it: beginnings of the names of listed files."""
    black_boxes: tuple[str, ...] = ()
    """Modules within that are left out: mapped as another part, or the vendor's own."""


@dataclass(frozen=True, kw_only=True)
class OtherSources:
    """A published design: which files, and what of them is mapped."""

    name: str
    url: str
    commit: str
    hashes: Mapping[str, str]
    """File, relative to the folder -> SHA-256 (hex) of its text with Unix line ends."""
    root: str
    """Folder within in which tools run, and to which the sources' own file names refer."""
    options: str = ""
    """Of Yosys's ``read_verilog -sv``: include folders, relative to ``root``, and macros."""
    declarations: str = ""
    """Verilog of ours: the vendor's modules that the sources instantiate and do not bring along, without contents."""
    core: Part
    others: tuple[Part, ...]
    """What else the fit holds."""
    paths: Mapping[str, str]
    """Kind of path -> pattern of its end: of each kind the longest path in the core is told."""

    @property
    def clone(self) -> str:
        """The commands that get the sources."""
        return f"git clone {self.url}, git checkout {self.commit[:12]}"

    def kind(self, path: TimedPath) -> str:
        """Return the kind of a path that `estimate_of` tells."""
        return next(kind for kind, end in self.paths.items() if re.search(end, path.end))


def _read_hashes(path: Path) -> dict[str, str]:
    pairs = (line.split(maxsplit=1) for line in path.read_text(encoding="ascii").splitlines())
    return {name: digest for digest, name in pairs}


TALOS_V2 = OtherSources(
    name="TALOS-V2",
    url="https://github.com/Luthiraa/TALOS-V2",
    commit="86d346e14df79e73c63562d5e58f54f85ce00306",
    hashes=_read_hashes(_HERE / "talos_v2.sha256"),
    root="rtl",
    options="-Isrc/include -D ALTERA_RESERVED_QIS",  # The macro by which Intel's sources know Quartus.
    declarations=(_HERE / "intel_modules.v").read_text(encoding="ascii"),
    core=Part(module="microgpt_exact_core", read=("rtl/src/",)),
    others=(
        Part(
            module="de1_soc_microgpt_rtl",
            read=("rtl/src/", "rtl/ip/jtag_microgpt_bridge/synthesis/jtag_microgpt_bridge.v"),
            black_boxes=("microgpt_exact_core", "jtag_microgpt_bridge", "sys_pll_56_25"),
        ),
        Part(
            module="jtag_microgpt_bridge",
            read=("rtl/ip/",),
            black_boxes=("altera_std_synchronizer", "scfifo", "sld_virtual_jtag_basic"),
        ),
    ),
    paths={
        "multiplexers of the state": r"^x_vec",
        "sum of 64 bits": r"^sumsq_reg",
        "dot product": r"^attn_dot_acc_reg",
        "divider": r"attn_div_inst\.quotient",
    },
)


def check_files(sources: OtherSources, folder: Path) -> dict[str, bytes]:
    """Return file -> text of a folder with the sources, checked.

    Raises FileNotFoundError or NotADirectoryError if there is no such folder or a file is missing; ValueError if the
    folder is another one or a file differs. Each says how to get the sources.
    """
    if not folder.exists():
        raise FileNotFoundError(f"{folder} is missing; it must be a folder with {sources.name} ({sources.clone})")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} must be a folder with {sources.name}, not a file ({sources.clone})")
    missing = [name for name in sources.hashes if not (folder / name).is_file()]
    if len(missing) == len(sources.hashes):
        raise ValueError(
            f"{folder} must be a folder with {sources.name}, not one without {missing[0]} ({sources.clone})"
        )
    if missing:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise FileNotFoundError(f"{folder / missing[0]}{more} must be there ({sources.clone})")
    texts = {}
    for name, expected in sources.hashes.items():
        texts[name] = (folder / name).read_bytes().replace(b"\r\n", b"\n")
        if (found := hashlib.sha256(texts[name]).hexdigest()) != expected:
            raise ValueError(
                f"{folder / name} must have the SHA-256 {expected[:16]}…, not {found[:16]}… ({sources.clone})"
            )
    return texts


def loop_variables_set(verilog: str) -> str:
    """Return Verilog in which every combinational block gives its loop variables a value at its top.

    Without one Yosys infers a latch where a loop stands in a branch, and stops there.
    """

    def mended(block: re.Match[str]) -> str:
        names = dict.fromkeys(_LOOP.findall(block[2]))
        return block[1] + "".join(f" {name} = 0;" for name in names) + block[2]

    return _BLOCK.sub(mended, verilog)


def estimate_of(sources: OtherSources, folder: Path) -> Estimate:
    """Return what synthesis makes of the sources in a folder: the core, and what else the fit holds.

    Takes some minutes; the netlists are kept in the build cache, and the formulas are applied each time. Raises as
    `check_files`; RuntimeError, with the end of the log, if Yosys fails; ValueError if a path is not among the longest.
    """
    texts = check_files(sources, folder)
    parts = (sources.core, *sources.others)
    mapped = {part: _mapped(sources, part, texts) for part in parts}
    others: Counter[str] = Counter()
    for part in sources.others:
        cells = mapped_cells(part.module, mapped[part])
        others.update({kind: number for kind, number in cells.items() if kind not in part.black_boxes})
    return Estimate(
        synthesis=yosys_version(),
        core_cells=mapped_cells(sources.core.module, mapped[sources.core]),
        board_cells=dict(others),
        longest_paths=_paths(sources, mapped_netlist(sources.core.module, mapped[sources.core])),
    )


def _paths(sources: OtherSources, netlist: Mapping[str, Any]) -> tuple[TimedPath, ...]:
    """Return the longest path of each kind, the longest first."""
    longest = longest_paths(netlist, _PATHS)
    found = [next((path for path in longest if re.search(end, path.end)), None) for end in sources.paths.values()]
    paths = [path for path in found if path is not None]
    if len(paths) < len(found):
        missing = list(sources.paths)[found.index(None)]
        raise ValueError(f"{sources.name} must have a path of the {missing} among its {_PATHS} longest")
    return tuple(sorted(paths, key=lambda path: -path.picoseconds))


def _mapped(sources: OtherSources, part: Part, texts: Mapping[str, bytes]) -> Path:
    """Return the folder in which a part has been mapped, now or earlier."""
    root = f"{sources.root}/" if sources.root else ""
    scratch = {f"{root}{_DECLARATIONS}": sources.declarations.encode()}
    read = []
    for name, text in texts.items():
        verilog = name.endswith((".v", ".sv"))
        scratch[name] = loop_variables_set(text.decode()).encode() if verilog else text
        if verilog and name.startswith(part.read):
            read.append(name.removeprefix(root))
    command = f"read_verilog -sv {_DECLARATIONS}; read_verilog -sv {sources.options} {' '.join(read)}"
    if part.black_boxes:
        command += f"; blackbox {' '.join(part.black_boxes)}"
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in scratch.items()}

    def make(folder: Path) -> None:
        for name, text in scratch.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(folder / name, text)
        map_verilog(part.module, command, folder / sources.root, dsp_cells=False)

    made_from = {"files": digests, "command": command, "module": part.module, "yosys": yosys_version()}
    parent = build_root() / "calibration" / sources.name.lower()
    return cached(parent, part.module, made_from, make) / sources.root
