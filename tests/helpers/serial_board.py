"""A board without a circuit behind a pseudo-terminal: the bridge's protocol in Python, on a line that can go wrong."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cosim.host.transport import Transport
from hdl.boards.parts.serial_protocol import ANSWER, Opcode, Status, find_frame, frame

__all__ = ["SerialBoard", "plugged_in"]

_POLL_SECONDS = 0.05


class SerialBoard:
    """Answers frames out of a board's registers.

    Parameters
    ----------
    board
        What is behind the line; None for nobody.
    hear, say
        What the line makes of each piece of what the host, or the board, sends.
    """

    def __init__(
        self,
        board: Transport | None,
        *,
        hear: Callable[[bytes], bytes] = lambda data: data,
        say: Callable[[bytes], bytes] = lambda data: data,
    ) -> None:
        self._board, self._hear, self._say = board, hear, say
        self._last = b""
        self._received = b""

    def answer(self, data: bytes) -> bytes:
        """Return what comes back for some bytes."""
        self._received += self._hear(data)
        found = find_frame(self._received)
        if found is None or self._board is None:
            # In place of the silence after which the bridge forgets a half frame.
            self._received = b""
            return b""
        _, body, self._received = found
        opcode, sequence, address = body[0], body[1], int.from_bytes(body[2:4], "little")
        words: list[int] = []
        if opcode == Opcode.READ:
            self._last = b""
            words = self._board.read_words(address, body[4])
        elif body != self._last:
            self._last = body
            for at in range(4, len(body), 4):
                self._board.write(address + at - 4, int.from_bytes(body[at : at + 4], "little"))
        fields = {"status": Status.DONE, "sequence": sequence}
        head = int(ANSWER.const(fields).as_value().value).to_bytes(ANSWER.size // 8, "little")
        return self._say(frame(head + b"".join(word.to_bytes(4, "little") for word in words)))


@contextmanager
def plugged_in(board: SerialBoard, port: Path) -> Iterator[None]:
    """Let ``port`` lead to a board while the block lasts."""
    master, slave = os.openpty()
    tty.setraw(slave)
    port.symlink_to(os.ttyname(slave))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if select.select([master], [], [], _POLL_SECONDS)[0]:
                with suppress(OSError):
                    os.write(master, board.answer(os.read(master, 4096)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)
        port.unlink()
        os.close(slave)
        os.close(master)
