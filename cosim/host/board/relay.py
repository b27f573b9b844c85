"""Standard input and output joined to a board's Unix socket, which Tcl cannot open: ``python relay.py SOCKET``."""

from __future__ import annotations

import os
import select
import socket
import sys

__all__ = ["main"]

_CHUNK = 65536


def main(path: str) -> int:
    """Carry bytes both ways until either end is closed; return the exit status."""
    board = socket.socket(socket.AF_UNIX)
    try:
        board.connect(path)
    except OSError as error:
        print(f"error: no simulated board at {path}: {error.strerror}", file=sys.stderr)
        return 1
    other = {0: board.fileno(), board.fileno(): 1}
    while True:
        for source in select.select([*other], [], [])[0]:
            data = os.read(source, _CHUNK)
            if not data:
                return 0
            while data:
                data = data[os.write(other[source], data) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
