"""What a board's display shows of a machine, as it takes it."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["DigestSignature", "DisplaySignature"]


class DisplaySignature(wiring.Signature):
    """Commands to a display that shows the last letters, as their sender sees them.

    Timing: a command is there for one cycle, and is always taken. There is none in a reset.

    Members
    -------
    clear : Out(1)
        Blank it; a push beside it is ignored.
    push : Out(1)
        Append the letter ``token``.
    token : Out(8)
        A letter of the model's alphabet, below BOS, while ``push`` is 1.
    """

    def __init__(self) -> None:
        super().__init__({"clear": Out(1), "push": Out(1), "token": Out(8)})


class DigestSignature(wiring.Signature):
    """What a display shows of a machine whose letters never leave it.

    Members
    -------
    digest : Out(32)
        Of all steps so far, in every cycle; see ``talos_ref.golden.digest``.
    """

    def __init__(self) -> None:
        super().__init__({"digest": Out(32)})
