"""Programs whose output goes to a log, and none of which outlives what started it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

__all__ = ["execute", "workers"]

_lock = threading.Lock()
# Signals concern the whole process, and so does the set of programs that have to end with it.
_running: set[subprocess.Popen[str]] = set()
_ending = threading.Event()
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def execute(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    *,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> int | None:
    """Run a program, add its output to a log, and return its status, or None if it had to be ended.

    It runs in a process group of its own, which is ended however this function is left: a make goes with its compilers.

    Parameters
    ----------
    folder
        Working folder of the program.
    timeout
        Wall time in seconds after which it is ended.
    on_line
        Called with each line of output.

    Raises
    ------
    OSError
        If the program cannot be started, or the log cannot be written.
    RuntimeError
        If all programs are being ended.
    """
    expired = threading.Event()
    with _heed_signals(), log.open("a", encoding="utf-8", buffering=1) as output:
        process = _start(command, folder, environment)
        assert process.stdout is not None

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = None if timeout is None else threading.Timer(timeout, expire)
        if timer is not None:
            timer.start()
        try:
            for line in process.stdout:
                output.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        finally:
            if timer is not None:
                timer.cancel()
            # Its group may outlive it. It is not yet waited for, so that nothing else can have got the group's number.
            _kill(process)
            process.wait()
            process.stdout.close()
            with _lock:
                _running.discard(process)
    return None if expired.is_set() else process.returncode


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    with _lock:
        if _ending.is_set():
            raise RuntimeError(f"{command[0]} was not started, for all programs are being ended")
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            process_group=0,
        )  # fmt: skip
        _running.add(process)
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_all() -> None:
    for process in list(_running):
        _kill(process)


@contextmanager
def _heed_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the programs that run, and then this process as they do without it.

    In the main thread, that is, which alone can heed them; Ctrl-C raises KeyboardInterrupt there, as always.
    """

    def end(number: int, frame: FrameType | None) -> None:
        # Without the lock: the code that a signal interrupts may hold it.
        _kill_all()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        # One that is ignored, as under nohup, or that somebody else heeds, stays so.
        heeded = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
        before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads for calls that wait for programs; an exception in the block ends those programs."""
    with _heed_signals(), ThreadPoolExecutor(max_workers=count) as pool:
        try:
            yield pool
        except BaseException:
            with _lock:
                _ending.set()
                _kill_all()
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            _ending.clear()
