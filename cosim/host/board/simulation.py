"""The simulated board: the Verilog that Quartus compiles, under Verilator, with models of the vendor's blocks."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cosim.engine.cells import CYCLONEV_MAC
from cosim.engine.compile import Model, compile_verilog
from cosim.engine.simulators import Simulator, child_environment, log_tail
from cosim.host.board.socket_folder import SOCKET, socket_folder
from cosim.host.errors import HostError
from cosim.host.link import Link
from cosim.host.transport import LinkTransport, Transport
from cosim.host.transports import Connection
from hdl.boards.de1_soc.platform import PROJECT
from hdl.boards.de1_soc.project import project_files
from hdl.build_cache import design_folder
from hdl.design import Design

__all__ = [
    "LINE_BAUD",
    "LINE_DEMO_CYCLES",
    "MODELS",
    "SimulatedBoard",
    "board_model",
    "compile_board",
    "connect",
    "simulated_board",
    "simulation",
]

MODELS = (
    *(
        Path(__file__).resolve().parent / f"{name}.v"
        for name in ("altera_pll", "synchronizers", "io_buffers", "jtag_bridge")
    ),
    CYCLONEV_MAC,
)
"""Behaviour of what Quartus brings along."""

LINE_BAUD = 4_000_000
"""Bits a second of a simulated serial line, a rate that Linux knows: a byte is then 141 cycles of 56.25 MHz long."""
LINE_DEMO_CYCLES = 8_000
"""From one name of the demo to the next, where they are to be seen on that line; a second takes long to simulate."""

_GAP_NS = 500
"""Simulated time that a request takes beside the bus. A cable takes a thousand times that, in which a board waits."""
_BRIDGE_SIGNALS = (
    "go", "writes", "address", "data", "byteenable", "done", "answer", "sample", "sampled",
    "clock_level", "reset_level", "ticks_then",
)  # fmt: skip
_WAIT_NS = 100_000
"""Simulated time that passes at once where a host waits for a machine."""
_START_SECONDS = 120.0
_END_SECONDS = 5.0
_CHUNK = 65536


@dataclass(frozen=True)
class SimulatedBoard:
    """A running simulation; its socket takes any number of clients."""

    link: Link
    """The first connection, with which the simulation ends."""
    socket: Path
    process: subprocess.Popen[bytes]
    log: Path
    """What the simulator printed."""
    accesses: Path
    """A line per word on the bus, of all clients: simulated ns, kind, address, word."""
    end: Callable[[], None]

    def transport(self) -> LinkTransport:
        """Return register accesses over the first connection; closing them ends the simulation."""
        return LinkTransport(self.link, self.end, self.wait)

    def port(self) -> str:
        """Return the pseudo-terminal at the end of the serial line; BoardError if the board has none."""
        return self.link.ask("port")

    def pins(self) -> dict[str, int]:
        """Return the level of every pin: port of the board top -> 0 or 1."""
        pins: dict[str, int] = json.loads(self.link.ask("pins"))
        return pins

    def leds(self) -> list[int]:
        """Return LEDR0 to LEDR9, 1 for a lit one."""
        pins = self.pins()
        return [pins[f"led_{index}__io"] for index in range(10)]

    def segments(self) -> list[int]:
        """Return the lit segments of HEX0 to HEX5, bit 0 for a to bit 6 for g; a segment lights when its pin is 0."""
        pins = self.pins()
        shown = [[1 - pins[f"display_7seg_{digit}__{segment}__io"] for segment in "abcdefg"] for digit in range(6)]
        return [sum(lit << bit for bit, lit in enumerate(digit)) for digit in shown]

    def switch(self, index: int, level: int) -> None:
        """Put SW0 (enable) or SW1 (reset) up (1) or down (0)."""
        self.link.ask(f"set switch_{index}__io {level}")

    def run(self, nanoseconds: int) -> None:
        """Let simulated time pass."""
        self.link.ask(f"run {nanoseconds}")

    def wait(self, seconds: float) -> None:
        """Let simulated time pass, not all of it: a second takes minutes."""
        _wait(self.link, seconds)

    def nanoseconds(self) -> int:
        """Return the simulated time."""
        return int(self.link.ask("time"))


def board_model(
    design: Design,
    demo_cycles: int | None = None,
    notice: Callable[[str], None] = lambda text: None,
    serial_baud: int | None = None,
    *,
    quick: bool = False,
) -> Model:
    """Return the board with a design, generated and compiled unless that was done; minutes if it was not.

    Parameters
    ----------
    demo_cycles
        Clock cycles from one name of the demo to the next; a second's by default.
    notice
        Told of what takes long.
    serial_baud
        Bits a second of its serial line; without, it has none.
    quick
        As of `compile_verilog`: for a board that has little to do.

    Raises SimulatorError if it does not compile.
    """

    def before() -> None:
        notice(
            f"making the simulated board with {design.name}, a few minutes, for it is new or its sources have changed"
        )

    files = project_files(design, demo_cycles=demo_cycles, serial_baud=serial_baud, before=before)
    source = files / f"{PROJECT}.v"
    return compile_board(source, design_folder(design) / "board", quick=quick)


def compile_board(source: Path, build_dir: Path, *, quick: bool = False) -> Model:
    """Compile a board top for Verilator with the models of the vendor's blocks, unless ``build_dir`` holds it already.

    ``quick`` as of `board_model`. Raises SimulatorError if it does not compile.
    """
    public = [("jtag_bridge", name) for name in _BRIDGE_SIGNALS]
    return compile_verilog(
        Simulator.VERILATOR, [source, *MODELS], PROJECT, build_dir, public=public, timing=True, quick=quick
    )


@contextmanager
def simulated_board(
    model: Model, *, seconds: float = 30.0, gap_ns: int = _GAP_NS, serial_baud: int | None = None
) -> Iterator[SimulatedBoard]:
    """Start a compiled board; it has power, SW0 up, SW1 down, and a locked PLL. It ends with the block.

    Parameters
    ----------
    seconds
        Wall time limit of an access.
    gap_ns
        Simulated time that passes after each read or write, of one word or several.
    serial_baud
        What the model was made with; a pseudo-terminal is then at the end of its serial line.

    Raises
    ------
    HostError
        If it does not start.
    """
    with socket_folder() as folder, _running(model, folder, seconds, gap_ns, serial_baud) as board:
        yield board


@contextmanager
def _running(
    model: Model, folder: Path, seconds: float, gap_ns: int, serial_baud: int | None
) -> Iterator[SimulatedBoard]:
    """Yield the board of `simulated_board`, with its files in a folder."""
    path, log, accesses = folder / SOCKET, folder / "simulation.log", folder / "accesses.log"
    environment = child_environment(
        {
            "COCOTB_TOPLEVEL": model.top,
            "TOPLEVEL_LANG": "verilog",
            "COCOTB_TEST_MODULES": "cosim.host.board.server",
            "COCOTB_RESULTS_FILE": str(folder / "results.xml"),
            "COCOTB_ANSI_OUTPUT": "0",
            "COCOTB_TRUST_INERTIAL_WRITES": "1",
            "TALOS_BOARD_SOCKET": str(path),
            "TALOS_BOARD_GAP": str(gap_ns),
            "TALOS_BOARD_ACCESSES": str(accesses),
            **({} if serial_baud is None else {"TALOS_BOARD_BAUD": str(serial_baud)}),
        }
    )
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C is for the host, which then ends the simulation in good order.
        process = subprocess.Popen(
            [str(model.program)], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    first: LinkTransport | None = None

    def end() -> None:
        if first is not None:
            first.close()
        try:
            process.wait(_END_SECONDS if first is not None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        first = _transport(_connect(path, process, log), seconds)
        yield SimulatedBoard(first.link, path, process, log, accesses, end)
    finally:
        end()


@contextmanager
def simulation(connection: Connection) -> Iterator[Transport]:
    """Yield the registers of a simulated board: the transport of that name. Errors as `board_model` and the others."""
    model = board_model(connection.design(), notice=connection.notice)
    with simulated_board(model, seconds=connection.seconds) as board:
        yield board.transport()


def connect(path: Path, seconds: float = 30.0) -> LinkTransport:
    """Return register accesses to a running simulation beside its owner's; OSError if there is none at ``path``."""
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return _transport(client, seconds)


def _transport(client: socket.socket, seconds: float) -> LinkTransport:
    link = Link(lambda: client.recv(_CHUNK), client.sendall, peer="the simulated board", seconds=seconds)

    def close() -> None:
        # Ends the wait for more, so that nobody reads from a descriptor that is someone else's by then.
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        link.join(_END_SECONDS)
        client.close()

    return LinkTransport(link, close, partial(_wait, link))


def _wait(link: Link, seconds: float) -> None:
    link.ask(f"run {min(round(seconds * 1e9), _WAIT_NS)}")


def _connect(path: Path, process: subprocess.Popen[bytes], log: Path) -> socket.socket:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
            return client
        except OSError:
            client.close()
            time.sleep(0.02)
    raise HostError(f"the simulated board did not start\n{log_tail(log)}")
