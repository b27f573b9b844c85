"""Programs and the signals that end a command: none of its programs outlives it, and what it began is cleared away."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

__all__ = ["Ended", "capture", "end_of", "execute", "heed_signals", "started", "workers"]

_SIGNALS = (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_GRACE_SECONDS = 10.0
"""How long a command may take to clear away after a signal."""

_lock = threading.Lock()
# Signals concern the whole process, and so does the set of programs that have to end with it.
_running: set[subprocess.Popen[str]] = set()
_ending = threading.Event()


def end_of(log: Path, lines: int) -> str:
    """Return the last lines of a log, whatever bytes are in it."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class Ended(BaseException):
    """A signal asks this process to end; like KeyboardInterrupt, it is no Exception.

    Parameters
    ----------
    number
        The signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class _Signalled:
    """What the handler of a signal and the main thread tell each other."""

    number: int | None = None
    """The signal that came."""
    starting = False
    """Whether the main thread is starting a program: an exception in its midst would lose the program."""


def execute(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    *,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
    give_up: Callable[[], bool] | None = None,
) -> int | None:
    """Run a program, add its output to a log, and return its status, or None if it had to be ended.

    It ends as `started` says.

    Parameters
    ----------
    folder
        Working folder of the program.
    timeout
        Wall time in seconds after which it is ended.
    on_line
        Called with each line of output.
    give_up
        Asked every second, in another thread, whether it is to be ended.

    Raises
    ------
    OSError
        If the program cannot be started, or the log cannot be written.
    RuntimeError
        If all programs are being ended.
    """
    done, expired = threading.Event(), threading.Event()
    with (
        log.open("a", encoding="utf-8", buffering=1) as output,
        started(command, folder, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None

        def watch() -> None:
            end = math.inf if timeout is None else time.monotonic() + timeout
            while not done.wait(min(1.0, max(0.0, end - time.monotonic()))):
                if time.monotonic() >= end or (give_up is not None and give_up()):
                    expired.set()
                    _kill(process)
                    return

        watcher = None if timeout is None and give_up is None else threading.Thread(target=watch, daemon=True)
        if watcher is not None:
            watcher.start()
        try:
            for line in process.stdout:
                output.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        finally:
            done.set()
            if watcher is not None:
                watcher.join()
    return None if expired.is_set() else process.returncode


def capture(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as ``subprocess.run`` does, and return its status and output; errors as `execute`."""
    with started(command, folder, environment, stdout=stdout, stderr=stderr) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def started(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    stdout: int | IO[bytes],
    stderr: int,
) -> Iterator[subprocess.Popen[str]]:
    """Yield a running program without input, whose output is text; it has ended when the block is left.

    It runs in a process group of its own, which is ended however the block is left: a make goes with its compilers. It
    gets a folder of its own for temporary files, which goes with it, for a compiler that is killed leaves some. Raises
    OSError if it cannot be started or temporary files have no place, RuntimeError if all programs are being ended, and
    in any thread `Ended` after a signal.
    """
    with heed_signals(), _temporary_folder() as variables:
        inherited = os.environ if environment is None else environment
        process = _start(command, folder, {**inherited, **variables}, stdout, stderr)
        try:
            yield process
        finally:
            # Its group may outlive it. It is not yet waited for, so that nothing else can have got the group's number.
            _kill(process)
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            with _lock:
                _running.discard(process)
    # What a thread has of a program that a signal ended is no result, and no failure either.
    _raise_if_ended()


@contextmanager
def _temporary_folder() -> Iterator[dict[str, str]]:
    """Yield the variables by which programs find a new folder for temporary files, which goes with the block."""
    try:
        folder = tempfile.mkdtemp(prefix="talos-")
    except OSError as error:
        reason = "" if isinstance(error, FileNotFoundError) else f": {error.strerror}"
        raise OSError(
            f"no folder for temporary files can be made{reason}; set TMPDIR to a folder that can be written"
        ) from None
    try:
        yield dict.fromkeys(("TMPDIR", "TMP", "TEMP"), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(
    command: Sequence[str],
    folder: Path | None,
    environment: Mapping[str, str],
    stdout: int | IO[bytes],
    stderr: int,
) -> subprocess.Popen[str]:
    main = threading.current_thread() is threading.main_thread()
    with _lock:
        _raise_if_ended()
        if _ending.is_set():
            raise RuntimeError(f"{command[0]} was not started, for all programs are being ended")
        try:
            _Signalled.starting = _Signalled.starting or main
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                encoding="utf-8", errors="replace", process_group=0,
            )  # fmt: skip
            _running.add(process)
        finally:
            _Signalled.starting = _Signalled.starting and not main
    _check_signal(process, main)
    return process


def _check_signal(process: subprocess.Popen[str], main: bool) -> None:
    """End a program that was started as a signal came."""
    if _Signalled.number is not None:
        _kill(process)
        if main:
            _raise_if_ended()


def _raise_if_ended() -> None:
    if _Signalled.number is not None:
        raise Ended(_Signalled.number)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_all() -> None:
    for process in list(_running):
        _kill(process)


def _kill_children(parent: int) -> None:
    """End what a process started by other means than this module, where the system tells what that is."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name before the bracket may hold anything.
            if int(stat.read_text(errors="replace").rpartition(") ")[2].split()[1]) == parent:
                _kill_children(int(stat.parent.name))
                os.kill(int(stat.parent.name), signal.SIGKILL)


def _give_up(number: int) -> None:
    """End this process, whatever its threads still do."""
    _kill_all()
    _kill_children(os.getpid())
    os._exit(128 + number)


def _end(number: int, frame: FrameType | None) -> None:
    """Handle a signal: end the programs, and let the main thread clear away."""
    if _Signalled.number is not None:
        # A second one, as of a shell and of make.
        return
    _Signalled.number = number
    # Without the lock: the code that a signal interrupts may hold it.
    _kill_all()
    timer = threading.Timer(_GRACE_SECONDS, _give_up, (number,))
    timer.daemon = True
    timer.start()
    if not _Signalled.starting:
        raise Ended(number)


@contextmanager
def heed_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the programs that run and raise `Ended` in the main thread.

    Where the block ends by it, all is cleared away, and this process ends as it does by the signal alone. Does nothing
    outside the main thread, which alone can heed signals, and within another such block. Ctrl-C raises
    KeyboardInterrupt, as always.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        # One that is ignored, as under nohup, or that somebody else heeds, stays so.
        heeded = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
        before = {number: signal.signal(number, _end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if before and _Signalled.number is not None:
            _kill_children(os.getpid())
            os.kill(os.getpid(), _Signalled.number)


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads for calls that wait for programs; an exception in the block ends those programs."""
    with heed_signals(), ThreadPoolExecutor(max_workers=count) as pool:
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
