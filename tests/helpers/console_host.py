"""A host that starts System Console and talks to it through pipes, in the manner of TALOS-V2's published one."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["ConsoleHost"]


class ConsoleHost:
    """A session of System Console; text is sent and read a line at a time, and its prompts are skipped.

    Parameters
    ----------
    command
        Program and options.
    setup
        Tcl that is sent first, as a file would be.
    ready
        The line that ends what ``setup`` prints.
    """

    def __init__(
        self, command: Sequence[str], setup: str, ready: str, *, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._stdin, self._stdout, self._stderr = self.process.stdin, self.process.stdout, self.process.stderr
        self.before = self.ask(setup, ready)

    def send(self, text: str) -> None:
        """Send a text and a new line, while the input stays open."""
        self._stdin.write(f"{text}\n")
        self._stdin.flush()

    def ask(self, text: str, last: str) -> list[str]:
        """Send a text, and return the lines that come before a line ``last``."""
        self.send(text)
        lines: list[str] = []
        while True:
            line = self._stdout.readline()
            assert line, f"System Console ended before {last}: {self._stderr.read()}"
            line = line.strip().lstrip("% ")
            if line == last:
                return lines
            lines += [line] if line else []

    def prompt(self) -> str:
        """Return what is said up to the next prompt, which no new line follows."""
        said = ""
        while not said.endswith("% "):
            letter = self._stdout.read(1)
            assert letter, f"System Console ended after {said!r}: {self._stderr.read()}"
            said += letter
        return said[:-2]

    def close(self, text: str = "") -> tuple[int, str, str]:
        """Send a last text, end the input, and return status, the rest of the output and all errors."""
        self._stdin.write(text)
        self._stdin.close()
        # Not communicate(), which knows nothing of what has been read ahead.
        out, err = self._stdout.read(), self._stderr.read()
        return self.process.wait(60), out, err

    def kill(self) -> None:
        """End the session in any state."""
        self.process.kill()
        self.process.wait()
        for pipe in (self._stdout, self._stderr):
            pipe.close()
        with suppress(OSError):
            self._stdin.close()
