"""A board without a circuit: its registers, with the golden model behind them, as a transport or on a Unix socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cosim.core.model import GoldenModel
from cosim.registers.machine import Machine
from hdl.build_cache import build_id
from hdl.core.interface import Stage
from hdl.design import Design
from tests.helpers.designs import published

__all__ = ["ModelBoard", "served"]

_STEP_CYCLES = 300


class ModelBoard:
    """The registers' model over the golden one; each time the status is read, one more step of the name has ended.

    Parameters
    ----------
    core
        Name of a core with the committed weights, or a design.
    change
        Takes the address and the word of every read, and returns what the host is to see.
    hangs
        Whether a request never ends.
    """

    def __init__(
        self,
        core: str | Design = "tile16",
        *,
        change: Callable[[int, int], int] = lambda address, word: word,
        hangs: bool = False,
    ) -> None:
        self.design = published(core) if isinstance(core, str) else core
        self.machine = Machine(
            self.design.core, GoldenModel(self.design), build=build_id(self.design), clock_hz=self.design.clock_hz
        )
        self.change, self.hangs = change, hangs
        self.log: list[tuple[str, int, int]] = []
        self.closed = 0
        self.hex: list[int] = []
        self._ended = 0

    def close(self) -> None:
        """Count how often the host closed the connection."""
        self.closed += 1

    def wait(self, seconds: float) -> None:
        """Let no time pass: the machine goes on when it is asked."""

    def read(self, address: int) -> int:
        """Answer a read."""
        word = self.change(address, self._read(address)) & 0xFFFFFFFF
        self.log.append(("read", address, word))
        return word

    def read_words(self, address: int, count: int) -> list[int]:
        """Answer consecutive reads."""
        return [self.read(address + 4 * index) for index in range(count)]

    def write(self, address: int, value: int) -> None:
        """Answer a write."""
        self.log.append(("write", address, value))
        found = self.machine.registers.find(address)
        assert found is not None, f"write to {address:#x}, where there is no register"
        entry, _ = found
        assert entry.access.writable, f"write to {entry.name}, which cannot be written"
        fields = entry.decode(value)
        if entry.name == "control":
            self._launch(fields["start"], self.machine.start, clear=True)
        elif entry.name == "step":
            self._launch(fields["start"], self.machine.step, clear=False)
        elif entry.name == "hex":
            self.hex = [] if fields["clear"] else [*self.hex, fields["token"]]
        else:
            self.machine.set(entry, value)

    def _launch(self, wanted: int, launch: Callable[[], list[str]], *, clear: bool) -> None:
        self.machine.abandon([self._ended])
        self._ended = 0
        if clear:
            self.machine.clear()
        if wanted:
            self.machine.fault(*launch())
            launched = self.machine.launched
            if launched is not None and launched.offered and not launched.results:
                self.machine.fault("illegal_step")

    def _read(self, address: int) -> int:
        machine = self.machine
        found = machine.registers.find(address)
        assert found is not None, f"read of {address:#x}, where there is no register"
        entry, index = found
        match entry.name:
            case "status":
                return self._status()
            case "machine":
                return 0
            case "seed" | "logits":
                held = machine.held_after(self._ended)[0]
                return held.rng if entry.name == "seed" else held.logits[index]
            case "cycles":
                return _STEP_CYCLES * self._ended
            case "stage_cycles":
                return _STEP_CYCLES * self._ended if index == Stage.FC1 else 0
            case "tokens_per_second":
                letters = len(machine.drawn(self._ended))
                return letters * machine.clock_hz // (_STEP_CYCLES * self._ended) if self._ended else 0
        return machine.word(entry, index, self._ended)

    def _status(self) -> int:
        launched = self.machine.launched
        if launched is None:
            return self.machine.status(0, ready=1, busy=0, done=0)
        if not self.hangs:
            self._ended = min(self._ended + 1, len(launched.results))
        done = int(self._ended == len(launched.results) and not self.hangs)
        return self.machine.status(self._ended, ready=0, busy=1 - done, done=done)


@contextmanager
def served(board: ModelBoard, path: Path) -> Iterator[Path]:
    """Serve a board at a Unix socket, in the lines of `cosim.host.board.server`, a client after the other."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(board, listener), daemon=True)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(board: ModelBoard, listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, client.makefile("rw") as lines:
            for line in lines:
                kind, *numbers = line.split()
                values = [int(number, 0) for number in numbers]
                if kind == "read":
                    words = board.read_words(values[0], values[1] if len(values) > 1 else 1)
                    lines.write("ok " + " ".join(f"{word:#x}" for word in words) + "\n")
                else:
                    board.write(values[0], values[1])
                    lines.write("ok\n")
                lines.flush()
