"""Register accesses by frames on a serial line: sent again where no answer comes, and after a pulled cable."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol

from cosim.host.errors import BoardError, BoardTimeout, HostError, NoBoard, NoPort
from hdl.boards.parts.serial_protocol import (
    BURST_WORDS,
    MAX_BODY,
    SILENCE_BITS,
    Answer,
    Status,
    find_frame,
    parse_answer,
    read_request,
    write_request,
)
from hdl.boards.parts.uart import FRAME_BITS

__all__ = ["Channel", "SerialTransport", "Unplugged"]

_CONTACT_SECONDS = 3.0
"""After this time nobody is there. A board answers within milliseconds."""
_WAIT_SECONDS = 0.2
"""How long an answer may take beside its time on the line, at the first try; twice as long at each further one."""
_MOST_WAIT_SECONDS = 4.0
_SLICE_SECONDS = 0.2
"""How long a read waits at once: on Windows, Ctrl-C is heeded only between two waits."""
_REOPEN_SECONDS = 0.2
_SHOWN_BYTES = 24


class Unplugged(OSError):
    """The port is gone."""


class Channel(Protocol):
    """An open port."""

    def write(self, data: bytes) -> None:
        """Send bytes; Unplugged if the port is gone."""

    def read(self, seconds: float) -> bytes:
        """Return what has come, or nothing after a time; Unplugged if the port is gone."""

    def close(self) -> None:
        """Give the port back."""


class SerialTransport:
    """A board behind `hdl.boards.parts.serial_bridge.SerialBridge`.

    Parameters
    ----------
    opens
        Opens the port; NoPort if it cannot be used.
    port
        Its name, for messages.
    baud
        Bits a second.
    seconds
        Wall time limit of an access, retries and a cable that is plugged in again included.
    notice
        Told that the port is gone, and when it is back.

    Raises NoPort if the port cannot be used, NoBoard if nothing that speaks the protocol answers.
    """

    def __init__(
        self,
        opens: Callable[[], Channel],
        *,
        port: str,
        baud: int,
        seconds: float,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._opens, self._notice = opens, notice
        self.port, self.baud, self.seconds = port, baud, seconds
        self._sequence = random.SystemRandom().randrange(256)
        self._heard = b""
        self._echoes = False
        self._channel: Channel | None = opens()
        try:
            # A read: from now on no write can be taken for one of an earlier session.
            limit = min(seconds, _CONTACT_SECONDS + 2 * self._line_seconds())
            self._exchange(lambda sequence: read_request(sequence, 0, 1), 1, limit)
        except BoardTimeout:
            self.close()
            raise NoBoard(self._silence()) from None
        except BaseException:
            self.close()
            raise

    def read(self, address: int) -> int:
        """Return a word; errors as `read_words`."""
        return self.read_words(address, 1)[0]

    def read_words(self, address: int, count: int) -> list[int]:
        """Return consecutive words.

        Raises BoardTimeout without an answer in time, BoardError if the board refuses, HostError if the port is gone
        for that time.
        """
        words: list[int] = []
        while len(words) < count:
            at, some = address + 4 * len(words), min(count - len(words), BURST_WORDS)
            answer = self._exchange(_reading(at, some), some, self.seconds)
            words += answer.words
        return words

    def write(self, address: int, value: int) -> None:
        """Write a word, once; errors as `read_words`."""
        self._exchange(lambda sequence: write_request(sequence, address, [value]), 0, self.seconds)

    def wait(self, seconds: float) -> None:
        """Let the machine work."""
        time.sleep(seconds)

    def close(self) -> None:
        """Give the port back; may be called again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _exchange(self, request: Callable[[int], bytes], count: int, seconds: float) -> Answer:
        """Send a request until it is answered."""
        self._sequence = (self._sequence + 1) % 256
        frame = request(self._sequence)
        wait = _WAIT_SECONDS + self._line_seconds()
        until, tries = time.monotonic() + seconds, 0
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise BoardTimeout(
                    f"the board at {self.port} must answer within {seconds:g} s, and did not ({tries} tries); "
                    "see --timeout"
                )
            try:
                answer = self._try(frame, min(wait, left))
            except Unplugged:
                self._reconnect(until, seconds)
                continue
            if answer is not None:
                break
            tries, wait = tries + 1, min(2 * wait, max(wait, _MOST_WAIT_SECONDS))
        if answer.status != Status.DONE or len(answer.words) != count:
            raise BoardError(
                f"the board at {self.port} refused an access: its design has another protocol than this host; "
                "program it again"
            )
        return answer

    def _line_seconds(self) -> float:
        """Return the time on the line: of a request and its answer, and of the silence after which the board forgets
        half a frame; a frame that is sent again any sooner would be lost too."""
        return float(2 * FRAME_BITS * MAX_BODY + SILENCE_BITS) / self.baud

    def _try(self, frame: bytes, seconds: float) -> Answer | None:
        """Send a frame; return its answer, None if there is none in time."""
        channel = self._channel
        if channel is None:
            raise Unplugged
        channel.write(frame)
        received, until = b"", time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            some = channel.read(min(left, _SLICE_SECONDS))
            received += some
            self._heard = (self._heard + some)[-_SHOWN_BYTES:]
            # Before it may stand lines of the demo, noise, or what is left of an answer that came too late.
            while (found := find_frame(received)) is not None:
                _, body, received = found
                answer = parse_answer(body)
                self._echoes |= answer is None
                if answer is not None and answer.sequence == self._sequence:
                    return answer
        return None

    def _reconnect(self, until: float, seconds: float) -> None:
        """Open the port again as soon as it is there."""
        self.close()
        self._notice(f"the serial port {self.port} is gone: waiting up to {seconds:g} s for it")
        while self._channel is None:
            try:
                self._channel = self._opens()
            except NoPort:
                if time.monotonic() > until:
                    raise HostError(
                        f"the serial port {self.port} is gone, and did not come back within {seconds:g} s: "
                        "plug its cable in"
                    ) from None
                time.sleep(_REOPEN_SECONDS)
        self._notice(f"the serial port {self.port} is back")

    def _silence(self) -> str:
        """Return why nobody seems to be there."""
        if self._echoes:
            return f"{self.port} sends back what it is sent: its TXD and RXD must lead to the board, not to each other"
        if self._heard:
            return (
                f"what is at {self.port} must be this project's board at {self.baud} bits a second, and is not: it "
                f"sent {self._heard!r} and no answer; see --port and --baud"
            )
        return (
            f"no board answers at {self.port}, at {self.baud} bits a second: program it with a design that has a "
            "serial line of that rate, and let TXD and RXD cross; see --port and --baud"
        )


def _reading(address: int, count: int) -> Callable[[int], bytes]:
    return lambda sequence: read_request(sequence, address, count)
