"""The board on a cable: register accesses through Intel's System Console."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cosim.host.errors import BoardError, BoardTimeout, HostError, NoBoard, NoCable, NoQuartus
from cosim.host.link import Link
from cosim.host.transport import LinkTransport

__all__ = ["SCRIPT", "find_quartus_program", "system_console"]

SCRIPT = Path(__file__).resolve().parent / "system_console.tcl"
"""What System Console runs."""

_MARK = "@board "
_CHUNK = 65536
_START_SECONDS = 90.0
"""System Console takes some ten seconds to start, and then looks for services."""
_END_SECONDS = 10.0
_CABLE_SECONDS = 30.0
# Below the root of Quartus Standard and Lite, and beside it in Pro.
_FOLDERS = ("bin", "bin64", "sopc_builder/bin", "../syscon/bin")


def find_quartus_program(name: str) -> str | None:
    """Return the path of a program on ``PATH``, or below ``QUARTUS_ROOTDIR``; None if it is not there."""
    found = shutil.which(name)
    root = os.environ.get("QUARTUS_ROOTDIR")
    if found is None and root:
        found = shutil.which(name, path=os.pathsep.join(f"{root}/{folder}" for folder in _FOLDERS))
    return found


@contextmanager
def system_console(*, seconds: float = 90.0) -> Iterator[LinkTransport]:
    """Start System Console and open the first JTAG-to-Avalon master that it finds; it ends with the block.

    Parameters
    ----------
    seconds
        Wall time limit of an access. System Console itself gives one up after 60 s.

    Raises
    ------
    NoQuartus
        If ``system-console`` is not installed.
    NoCable
        If no cable is connected, or it must not be used.
    NoBoard
        If no FPGA answers, or its design has no master.
    BoardTimeout
        If System Console does not start in time.
    """
    program = find_quartus_program("system-console")
    if program is None:
        raise NoQuartus(
            "system-console must be on PATH, or below QUARTUS_ROOTDIR: install Quartus Prime Lite, "
            "or use --transport simulation"
        )
    # Unbuffered, so that a read returns what there is. In a session or group of its own, so that Ctrl-C is for the host
    # alone, which then ends it in good order.
    process = subprocess.Popen(
        [program, "--cli", f"--script={SCRIPT.as_posix()}"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )  # fmt: skip
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None
    link = Link(lambda: stdout.read(_CHUNK), stdin.write, peer="System Console", seconds=seconds, mark=_MARK)

    def end() -> None:
        stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
        # A descriptor that is still being read must stay what it is.
        if link.join(_END_SECONDS):
            stdout.close()

    try:
        try:
            link.answer("its start", _START_SECONDS)
        except BoardError as error:
            raise _start_error(str(error)) from None
        except BoardTimeout:
            raise BoardTimeout(f"System Console must start within {_START_SECONDS:g} s, and did not") from None
        yield LinkTransport(link, end)
    finally:
        end()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started: System Console is a script or a launcher around Java."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)


def _start_error(message: str) -> HostError:
    if "no-master" in message:
        device = message.partition("no-master")[2].strip()
        return NoBoard(
            f"the FPGA must hold a design with a JTAG-to-Avalon master, and does not ({device}): "
            "program it with program.sh or program.bat of its Quartus folder"
        )
    if "no-device" in message:
        return _cable_error(_jtagconfig())
    return HostError(message)


def _jtagconfig() -> str:
    """Return what jtagconfig prints, nothing if it is not there or hangs."""
    program = find_quartus_program("jtagconfig")
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program], capture_output=True, text=True, errors="replace", timeout=_CABLE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout + done.stderr


def _cable_error(said: str) -> HostError:
    text = " ".join(said.split())
    if "No JTAG hardware available" in said:
        return NoCable(
            "no JTAG cable is connected: plug the board's USB-Blaster port in; if it is, this user may not use it "
            "(on Linux, give the udev rule for USB vendor 09fb mode 0666, and restart jtagd) or it has no driver (on "
            "Windows, install the one in Quartus's drivers folder)"
        )
    if "permissions" in said:
        return NoCable(f"the JTAG cable must be usable by this user, and is not ({text}): see udev, and restart jtagd")
    if text:
        return NoBoard(f"no FPGA answers on the JTAG cable ({text}): switch the board on")
    return NoBoard("no FPGA was found: connect the USB-Blaster port, and switch the board on")
