"""Programs of other people that lie on ``PATH``."""

from __future__ import annotations

import shutil

__all__ = ["find_program"]

_PACKAGES = {
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "c++": "g++",
    "clang": "clang libclang-rt-dev",
    "qemu-aarch64": "qemu-user",
    "qemu-arm": "qemu-user",
    "tclsh": "tcl",
    "vvp": "iverilog",
}
"""Program -> Debian packages, where they are not of the same name."""


def find_program(*names: str) -> str:
    """Return the path of the first of several programs that is there; FileNotFoundError with the remedy if none is."""
    for name in names:
        if path := shutil.which(name):
            return path
    packages = _PACKAGES.get(names[0], names[0])
    raise FileNotFoundError(f"{names[0]} was not found; install it with `sudo apt-get install -y {packages}`")
