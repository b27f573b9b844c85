"""The C library of a page beside the public WebAssembly of the same model, in one process of node."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

from cosim.page.measure import MeasureError
from talos_ref.processes import capture

__all__ = ["race"]

_FILES = ("microgpt_inf.js", "microgpt_inf.wasm", "weights.bin")
_LABELS = {"float": "float32", "folded": "Q4.12 (folded)"}
_PROGRAM = Path(__file__).with_name("peer_race.js")


def race(page: Path, peer: Path, turns: int) -> str:
    """Return, as a line for people, what both make: medians of turns that alternate, by processor time.

    Parameters
    ----------
    page
        The folder of a page.
    peer
        The folder ``wasm`` of https://github.com/NakliTechie/micro-gpt.

    Raises
    ------
    FileNotFoundError
        If a file of the peer is not there.
    MeasureError
        If node fails.
    """
    for file in (peer / name for name in _FILES):
        if not file.is_file():
            raise FileNotFoundError(f"--peer must be the folder wasm of a clone of micro-gpt; {file} is not there")
    done = capture([str(_node()), str(_PROGRAM), str(page), str(peer), str(turns)])
    if done.returncode != 0:
        raise MeasureError(f"node could not run the race: {done.stderr[-2000:].strip()}")
    found = json.loads(done.stdout)
    medians = {name: statistics.median(rates) for name, rates in found["rates"].items()}
    ours = "; ".join(
        f"{label} {medians[name] / 1e6:.2f} ({medians[name] / medians['peer']:.1f} times)"
        for name, label in _LABELS.items()
    )
    return f"node {found['node']}, million steps/s: micro-gpt {medians['peer'] / 1e6:.2f}; {ours}"


def _node() -> Path:
    """Return node: that of the system, or else the one that Playwright brings."""
    if found := shutil.which("node"):
        return Path(found)
    try:
        import playwright
    except ImportError:
        raise MeasureError("the Python package playwright is not installed; `make setup` installs it") from None
    return Path(playwright.__file__).parent / "driver" / "node"
