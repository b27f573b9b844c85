"""``python -m cosim.prove.state``: a property in a process of its own, in which its bug may be planted.

It writes the circuit as ``circuit.il`` into a folder; a property that is proven case by case it decides itself, and
writes what it found as ``differences.txt``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cosim.prove.plant import plant
from hdl.proof import Planted

__all__ = ["CIRCUIT", "DIFFERENCES", "main"]

CIRCUIT = "circuit.il"
DIFFERENCES = "differences.txt"


def main(arguments: list[str]) -> None:
    """State a property: its module, its name, a folder, and the bug to plant as JSON, or nothing."""
    module, name, folder, *bug = arguments
    if bug:
        plant(Planted(**json.loads(bug[0])))
    # Only now, since it imports the unit.
    from cosim.prove.registry import property_of
    from hdl.proof import Circuit, Exhaustive

    claim = property_of(module, name).claim
    if isinstance(claim, Exhaustive):
        found = "".join(line + "\n" for line in claim.differences())
        (Path(folder) / DIFFERENCES).write_text(found, encoding="utf-8")
        return
    circuit = Circuit()
    claim.circuit(circuit)
    (Path(folder) / CIRCUIT).write_text(circuit.rtlil(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
