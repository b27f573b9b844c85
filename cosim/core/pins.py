"""What the test bench asks of a simulator: a core's ports, cycle by cycle.

A cycle goes from one rising edge of the clock to the next. Inputs change in its middle, at the falling edge, which no
circuit samples; outputs are looked at after that, once everything has settled; the rising edge at its end takes both.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

__all__ = ["INPUTS", "OUTPUTS", "Pins"]

INPUTS = ("request__valid", "request__payload", "result__ready", "clear", "rst")
"""What a driver drives; the clock goes by itself."""
OUTPUTS = (
    "request__ready", "result__valid", "result__payload", "logits", "busy", "error", "stage", "counters",
)  # fmt: skip
"""What can be read."""


class Pins(Protocol):
    """A core in a simulator. Several tasks may wait at once; each of them resumes in every cycle that it waits for."""

    async def start(self) -> None:
        """Start the clock; inputs have been driven."""

    async def cycle(self) -> None:
        """Let the cycle at hand pass; return in the next one, where inputs can be driven."""

    async def drivable(self) -> None:
        """Return in the first cycle whose inputs can still be driven, that at hand if possible."""

    async def settle(self) -> None:
        """Return once every task has driven the inputs of the cycle at hand and the outputs have followed."""

    async def rises(self, name: str) -> None:
        """Let cycles pass until an output that is 0 is 1; return settled in the first such cycle."""

    def drive(self, **inputs: int) -> None:
        """Set inputs, of ``INPUTS``, from the cycle at hand on."""

    def read(self, name: str) -> str:
        """Return an output, of ``OUTPUTS``, in the cycle at hand: binary digits, most significant first, X or Z."""

    @property
    def edge(self) -> int:
        """Number of the rising edge that ends the cycle at hand."""

    def spawn(self, task: Coroutine[Any, Any, None]) -> None:
        """Run a task beside the others, until the simulation ends."""

    def wake(self) -> None:
        """End the `sleep` of another task."""

    async def sleep(self, cycles: int) -> bool:
        """Let cycles pass until `wake` is called, ``cycles`` at most; return whether it was, settled if so."""
