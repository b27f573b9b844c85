"""Workers on this machine: a process each, and another one in the place of one that is lost."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from cosim.campaign.shard import Outcome, Status
from talos_ref.processes import heed_signals

__all__ = ["ATTEMPTS", "run_local"]

ATTEMPTS = 3
"""How often a shard is tried whose worker is lost; then it is one that loses its workers."""
_GRACE_SECONDS = 15.0
"""How long a worker may take to end what it has started."""


class _Worker:
    """One process, and the thread that waits for its answers."""

    def __init__(self, answers: queue.SimpleQueue[tuple[_Worker, str | None]]) -> None:
        # One thread of NumPy a worker: there are as many workers as processors.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cosim.campaign.worker"], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, encoding="utf-8", process_group=0,
        )  # fmt: skip
        self._answers = answers
        self.task: int | None = None
        """Number of the task at hand."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):
                self._answers.put((self, line))
        self._answers.put((self, None))

    def give(self, number: int, line: str) -> None:
        """Hand over a task; a worker that is gone is told of by its thread."""
        self.task = number
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Ask it to end, with all that it has started."""
        if self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """See that it has ended."""
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


@contextmanager
def _pool() -> Iterator[list[_Worker]]:
    """Yield a list whose workers have ended when the block is left."""
    workers: list[_Worker] = []
    with heed_signals():
        try:
            yield workers
        finally:
            _end(workers)


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.end()
    for worker in workers:
        worker.wait()


def run_local(lines: Sequence[str], count: int) -> Iterator[tuple[int, Outcome]]:
    """Yield the number of each task and its outcome, as they come, from ``count`` processes at most.

    A task whose worker is lost is given to another one, `ATTEMPTS` times in all, and is then an outcome that failed.
    The processes end with the generator. Each ends by itself, with what it has started, if this process is lost.
    """
    waiting, attempts = deque(range(len(lines))), [0] * len(lines)
    answers: queue.SimpleQueue[tuple[_Worker, str | None]] = queue.SimpleQueue()
    with _pool() as workers:

        def give(worker: _Worker) -> None:
            number = waiting.popleft()
            attempts[number] += 1
            worker.give(number, lines[number])

        def start() -> None:
            workers.append(_Worker(answers))
            give(workers[-1])

        for _ in range(min(count, len(lines))):
            start()
        left = len(lines)
        while left:
            worker, line = answers.get()
            number, worker.task = worker.task, None
            if line is None:
                workers.remove(worker)
                worker.wait()
                if number is None:
                    continue
                if attempts[number] < ATTEMPTS:
                    waiting.appendleft(number)
                else:
                    left -= 1
                    yield number, _lost(worker)
                if waiting:
                    start()
                continue
            assert number is not None
            left -= 1
            if waiting:
                give(worker)
            yield number, Outcome.from_json(json.loads(line))


def _lost(worker: _Worker) -> Outcome:
    said = f"{ATTEMPTS} workers in turn were lost at it, the last with status {worker.process.returncode}"
    return Outcome(status=Status.FAILED, said=said)
