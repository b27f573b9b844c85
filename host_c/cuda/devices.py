"""What runs kernels: the protocol that a GPU and this processor share."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Device"]


class Device(Protocol):
    """A processor with memory of its own; arrays there are addresses. Launches come in their order."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def processors(self) -> int:
        """Blocks that run at the same time, at least."""

    @property
    def warps(self) -> int:
        """Streams of a block where there are many."""

    def allocate(self, size: int) -> int:
        """Return the address of ``size`` new bytes, zeroed."""

    def release(self, address: int) -> None:
        """Give memory back."""

    def upload(self, address: int, array: npt.NDArray[Any]) -> None:
        """Copy a contiguous array to the device."""

    def download(self, array: npt.NDArray[Any], address: int) -> None:
        """Fill a contiguous array from the device, after all that was launched."""

    def launch(self, kernel: str, blocks: int, threads: int, job: npt.NDArray[np.void]) -> None:
        """Run a kernel on a `layout.JOB`."""
