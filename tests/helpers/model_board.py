"""A board without a circuit: its registers, with the golden model behind them, as a transport or on a Unix socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cosim.core.model import Expected, GoldenModel
from cosim.core.request import name_request, step_request
from hdl.build_cache import build_id
from hdl.core.config import CLOCK_HZ
from hdl.core.cores import core_config
from hdl.core.interface import Stage
from hdl.registers.map import ARITHMETICS, ID, VERSION, core_name_words, find_register, register
from tests.helpers.designs import published

__all__ = ["ModelBoard", "served"]

_STEP_CYCLES = 300


class ModelBoard:
    """The register map over the golden model; each time the status is read, one more step of the name has ended.

    Parameters
    ----------
    core
        Name of the core.
    change
        Takes the address and the word of every read, and returns what the host is to see.
    hangs
        Whether a request never ends.
    """

    def __init__(
        self,
        core: str = "tile16",
        *,
        change: Callable[[int, int], int] = lambda address, word: word,
        hangs: bool = False,
    ) -> None:
        self.config = core_config(core)
        self.model = GoldenModel(published(self.config.name))
        self.change, self.hangs = change, hangs
        self.log: list[tuple[str, int, int]] = []
        self.closed = 0
        self.hex: list[int] = []
        self._words: dict[str, int] = {"config": 0x0080_0F00, "direct": 0}
        self._seed = self._rng = 1
        self._answers: list[Expected] = []
        self._ended = 0
        self._direct = self._started = False
        self._error = 0

    def close(self) -> None:
        """Count how often the host closed the connection."""
        self.closed += 1

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
        found = find_register(address)
        assert found is not None, f"write to {address:#x}, where there is no register"
        entry, _ = found
        assert entry.access.writable, f"write to {entry.name}, which cannot be written"
        fields = entry.decode(value)
        if entry.name == "control":
            if fields["clear"]:
                self._answers, self._ended, self._started, self._error = [], 0, False, 0
                self.model.clear()
            if fields["start"]:
                config = register("config").decode(self._words["config"])
                self._start(config["limit"], config["temperature"])
        elif entry.name == "step" and fields["start"]:
            self._step()
        elif entry.name == "hex":
            self.hex = [] if fields["clear"] else [*self.hex, fields["token"]]
        elif entry.name == "seed":
            self._seed = self._rng = value
        else:
            self._words[entry.name] = value

    def _start(self, limit: int, temperature: int) -> None:
        self._direct, self._started, self._ended, self._error = False, True, 0, 0
        self._answers = []
        if not 1 <= limit <= self.config.model.max_letters:
            self._error = register("error").encode(illegal_length=1)
            return
        self._answers = self.model.respond(name_request(self._seed, temperature, limit))

    def _step(self) -> None:
        self._direct, self._started, self._ended, self._error = True, True, 0, 0
        direct = register("direct").decode(self._words["direct"])
        if direct["clear_cache"]:
            self.model.clear()
        request = step_request(self._seed, 0x80, direct["token"], direct["position"], greedy=True)
        self._answers = self.model.respond(request)
        if not self._answers:
            self._error = register("error").encode(illegal_step=1)

    def _letters(self) -> list[int]:
        drawn = [answer.fields["token_out"] for answer in self._answers[: self._ended]]
        return [] if self._direct else [token for token in drawn if token != self.config.model.bos]

    def _read(self, address: int) -> int:
        found = find_register(address)
        assert found is not None, f"read of {address:#x}, where there is no register"
        entry, index = found
        last = self._answers[self._ended - 1] if self._ended else None
        steps = self._ended
        match entry.name:
            case "status":
                if self._answers and not self.hangs:
                    self._ended = min(self._ended + 1, len(self._answers))
                done = self._started and self._ended == len(self._answers) and not self.hangs
                return entry.encode(
                    ready=int(not self._started), busy=int(self._started and not done), done=int(done),
                    error=int(self._error != 0), letters=len(self._letters()),
                )  # fmt: skip
            case "id":
                return ID
            case "version":
                return VERSION
            case "arithmetic":
                return ARITHMETICS[self.config.arithmetic_name]
            case "clock":
                return CLOCK_HZ
            case "build":
                return build_id(published(self.config.name))
            case "core_name":
                return core_name_words(self.config.name)[index]
            case "letters":
                return (self._letters() + 16 * [0])[index]
            case "seed":
                return self._rng if last is None or self._direct else last.fields["rng"]
            case "last" if last is not None:
                token = last.fields["argmax"] if self._direct else last.fields["token_out"]
                return entry.encode(token=token, argmax=last.fields["argmax"], top_logit=last.fields["top_logit"])
            case "logits" if last is not None:
                return last.logits[index] & 0xFFFFFFFF
            case "cycles":
                return _STEP_CYCLES * steps
            case "stage_cycles":
                return _STEP_CYCLES * steps if index == Stage.FC1 else 0
            case "step_count":
                return steps
            case "letter_count":
                return len(self._letters())
            case "tokens_per_second":
                return len(self._letters()) * CLOCK_HZ // (_STEP_CYCLES * steps) if steps else 0
            case "error":
                return self._error
        return self._words.get(entry.name, 0)


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
