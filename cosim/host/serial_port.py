"""The board on a serial port, opened by pyserial."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from serial import Serial, SerialException
from serial.tools.list_ports import comports

from cosim.host.errors import NoPort
from cosim.host.serial_link import SerialTransport, Unplugged

__all__ = ["chosen_port", "serial_board"]

_WRITE_SECONDS = 5.0

# Windows gives no number, but the name of the exception inside the message.
_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, "FileNotFoundError")
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK, "PermissionError")
_FORBIDDEN = (errno.EACCES, errno.EPERM)


class _Port:
    """An open port, as `cosim.host.serial_link.Channel`."""

    def __init__(self, port: Serial) -> None:
        self._port = port

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._port.write(data)
        except (SerialException, OSError) as error:
            raise Unplugged(str(error)) from None

    def read(self, seconds: float) -> bytes:
        """Return what has come."""
        try:
            self._port.timeout = seconds
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else first
        except (SerialException, OSError) as error:
            raise Unplugged(str(error)) from None

    def close(self) -> None:
        """Give the port back, if it is there."""
        with suppress(SerialException, OSError):
            self._port.close()


def chosen_port(port: str | None) -> str:
    """Return a port, where none is named the only one on USB; NoPort, naming all, if there is not one."""
    if port is not None:
        return port
    found = sorted(entry.device for entry in comports() if entry.vid is not None)
    if not found:
        raise NoPort("no serial port is on USB: plug the board's cable in, or name its port by --port")
    if len(found) > 1:
        raise NoPort(f"--port must name one of the serial ports {', '.join(found)}")
    return str(found[0])


def _open(port: str, baud: int) -> _Port:
    try:
        return _Port(Serial(port, baud, exclusive=True, write_timeout=_WRITE_SECONDS))
    except (SerialException, OSError) as error:
        raise NoPort(_reason(port, error)) from None
    except (ValueError, OverflowError):
        raise NoPort(
            f"the serial port {port} must have the rate of {baud} bits a second, and has not; see --baud"
        ) from None


def _reason(port: str, error: OSError) -> str:
    """Return why a port cannot be opened, and what to do about it."""

    def is_one_of(causes: tuple[int | str, ...]) -> bool:
        return any(cause == error.errno or (isinstance(cause, str) and cause in str(error)) for cause in causes)

    if is_one_of(_BUSY):
        return f"the serial port {port} must be free, and is in use: close the other host or terminal program"
    if is_one_of(_FORBIDDEN):
        return (
            f"this user must be allowed to use the serial port {port}, and is not: on Debian and Ubuntu, "
            "`sudo usermod -aG dialout $USER` and a new login"
        )
    if is_one_of(_ABSENT):
        others = ", ".join(sorted(entry.device for entry in comports())) or "none"
        return f"there is no serial port {port}: plug its cable in, or name another by --port (there are: {others})"
    return f"{port} must be a serial port, and is not ({error})"


@contextmanager
def serial_board(
    port: str | None, *, baud: int, seconds: float, notice: Callable[[str], None] = lambda text: None
) -> Iterator[SerialTransport]:
    """Yield the registers of the board on a port, the only one on USB where none is named.

    Raises NoPort if the port cannot be opened; and what `SerialTransport` raises.
    """
    name = chosen_port(port)
    transport = SerialTransport(lambda: _open(name, baud), port=name, baud=baud, seconds=seconds, notice=notice)
    try:
        yield transport
    finally:
        transport.close()
