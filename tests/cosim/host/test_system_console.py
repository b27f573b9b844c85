"""The host through System Console: our script in a tclsh with its commands, and every way of not finding a board."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cosim.host.board.tcl import COMMANDS, relay_environment
from cosim.host.cli import main
from cosim.host.errors import BoardError, BoardTimeout, HostError, NoBoard, NoCable, NoQuartus
from cosim.host.system_console import SCRIPT, system_console
from tests.helpers.model_board import ModelBoard, served

Console = Callable[..., Path]

# Takes the options that the real one is started with, and says as much.
_CONSOLE = """\
#!/bin/sh
echo "System Console, $1 $2"
script="${{2#--script=}}"
exec tclsh {commands} {before} "$script"
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all of ``PATH``, with no more than a shell, tclsh and what is put there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "tclsh", "sleep"):
        found = shutil.which(name)
        assert found is not None, f"{name} must be installed: see .ci/system-packages"
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("QUARTUS_ROOTDIR", raising=False)
    return folder


def put(folder: Path, name: str, text: str) -> None:
    """Make a program."""
    program = folder / name
    program.write_text(text)
    program.chmod(0o755)


@pytest.fixture
def console(programs: Path, tmp_path: Path) -> Console:
    """Return a function that makes a ``system-console``; ``tcl`` is run before our script."""

    def made(tcl: str = "") -> Path:
        before = tmp_path / "before.tcl"
        before.write_text(f"{tcl}\nset argv0 [lindex $argv 0]\nset argv [lrange $argv 1 end]\nsource $argv0\n")
        put(programs, "system-console", _CONSOLE.format(commands=COMMANDS, before=before))
        return programs

    return made


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelBoard]:
    """Return a board that System Console's commands reach."""
    found = ModelBoard()
    with served(found, tmp_path / "socket") as path:
        for name, value in relay_environment(path).items():
            monkeypatch.setenv(name, value)
        yield found


def test_accesses(console: Console, board: ModelBoard) -> None:
    console()
    with system_console(seconds=10) as transport:
        assert transport.read(0x00) == 0x4D475254
        transport.write(0x14, 0xFFFFFFFF)
        transport.write(0x28, 0x0A02)
        assert transport.read_words(0x190, 2) == [0x656C6974, 0x00003631]
        assert transport.link.heard == [f"System Console, --cli --script={SCRIPT}"]
    assert board.log == [
        ("read", 0x00, 0x4D475254), ("write", 0x14, 0xFFFFFFFF), ("write", 0x28, 0x0A02),
        ("read", 0x190, 0x656C6974), ("read", 0x194, 0x00003631),
    ]  # fmt: skip


def test_the_same_accesses_as_without(
    console: Console, board: ModelBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All commands, checked, through System Console: the transport is all that differs."""
    console()
    real = ["--transport", "system-console"]
    accesses, file = tmp_path / "accesses.txt", tmp_path / "found.json"
    arguments = ["--seed", "2", "--count", "2", "--replay", "--accesses", str(accesses), "--save", str(file)]
    assert main(["generate", *real, *arguments]) == 0
    said = capsys.readouterr()
    assert said.out == "kelyn\ntonan\n452 values compared with the golden model, all equal\n"
    assert said.err == "starting System Console, some ten seconds\n"
    assert accesses.read_text().splitlines() == [f"{kind} {at:#05x} {word:#010x}" for kind, at, word in board.log]
    assert json.loads(file.read_text())["transport"] == "system-console"
    for command in ("step --text ke --check", "counters --seed 2 --check", "bench 2 --check", "info"):
        assert main([*command.split(), *real]) == 0


def test_a_mismatch_and_a_foreign_design(
    console: Console, board: ModelBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    console()
    board.change = lambda address, word: word ^ (address == 0x168)
    assert main(["generate", "--transport", "system-console", "--seed", "2", "--check"]) == 1
    assert "error: seed 2, step 5: logit 26 must be 11863, not 11862\n" in capsys.readouterr().err
    board.change = lambda address, word: 0 if address == 0 else word
    assert main(["info", "--transport", "system-console"]) == 1
    assert "error: the board's ID must be 0x4d475254, not 0x00000000: it holds another" in capsys.readouterr().err


def test_no_quartus(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--transport", "system-console"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: system-console must be on PATH, or below QUARTUS_ROOTDIR: install Quartus Prime Lite, "
        "or use --transport simulation"
    )
    with pytest.raises(NoQuartus), system_console():
        pass


@pytest.mark.parametrize("folder", ["sopc_builder/bin", "../syscon/bin"])
def test_quartus_that_is_not_on_the_path(
    folder: str, console: Console, board: ModelBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = console() / "system-console"
    root = tmp_path / "intelFPGA" / "quartus"
    root.mkdir(parents=True)
    (root / folder).mkdir(parents=True)
    program.rename(root / folder / "system-console")
    monkeypatch.setenv("QUARTUS_ROOTDIR", str(root))
    with system_console(seconds=10) as transport:
        assert transport.read(0x04) == 0x00030003


@pytest.mark.parametrize(
    ("jtagconfig", "kind", "message"),
    [
        ("No JTAG hardware available", NoCable, r"^no JTAG cable is connected: plug the board's USB-Blaster port in"),
        (
            "1) DE-SoC [1-8]\n  Unable to lock chain (Insufficient port permissions)",
            NoCable,
            r"^the JTAG cable must be usable by this user, and is not \(1\) DE-SoC \[1-8\] Unable to lock chain",
        ),
        (
            "1) DE-SoC [1-8]\n  Unable to read device chain - JTAG chain broken",
            NoBoard,
            r"^no FPGA answers on the JTAG cable \(1\) DE-SoC \[1-8\] Unable to read .*\): switch the board on$",
        ),
        (None, NoBoard, r"^no FPGA was found: connect the USB-Blaster port, and switch the board on$"),
    ],
)
def test_no_cable_and_no_board(
    jtagconfig: str | None, kind: type[HostError], message: str, console: Console, board: ModelBoard
) -> None:
    folder = console("proc get_service_paths {args} {}; proc after {args} {}")
    if jtagconfig is not None:
        put(folder, "jtagconfig", f"#!/bin/sh\necho '{jtagconfig}'\n")
    with pytest.raises(kind, match=message), system_console(seconds=10):
        pass


def test_a_design_without_a_master(console: Console, board: ModelBoard) -> None:
    console(
        'proc get_service_paths {type} {expr {$type eq "device" ? "/devices/5CSEMA5@2#1" : ""}}; proc after {args} {}'
    )
    message = r"^the FPGA must hold a design with a JTAG-to-Avalon master, and does not \(/devices/5CSEMA5@2#1\): "
    with pytest.raises(NoBoard, match=message), system_console(seconds=10):
        pass


def test_services_that_are_found_late(console: Console, board: ModelBoard) -> None:
    console(
        "rename get_service_paths later; set ::left 3; proc after {args} {}\n"
        "proc refresh_connections {} {incr ::left -1}\n"
        'proc get_service_paths {type} {if {$::left > 0} {return ""}; later $type}'
    )
    with system_console(seconds=10) as transport:
        assert transport.read(0x00) == 0x4D475254


@pytest.mark.parametrize(
    ("tcl", "kind", "message"),
    [
        (
            'error "This transaction did not complete in 60 seconds. System Console is giving up."',
            BoardTimeout,
            r"^System Console: This transaction did not complete in 60 seconds\. System Console is giving up\.$",
        ),
        ('error "The service path is\ngone"', BoardError, r"^System Console: The service path is gone$"),
        ("exec sleep 30", BoardTimeout, r"^System Console must answer `read 0x000 1` within 0.5 s, and did not; see"),
        ('puts "Tcl fell"; exit 3', HostError, r"^System Console ended in mid-session\nSystem Console, .*\nTcl fell$"),
    ],
)
def test_a_master_that_does_not_answer(
    tcl: str, kind: type[HostError], message: str, console: Console, board: ModelBoard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("cosim.host.system_console._END_SECONDS", 0.2)
    console(f"proc master_read_32 {{args}} {{{tcl}}}")
    with pytest.raises(kind, match=message), system_console(seconds=0.5) as transport:
        transport.read(0)


def test_a_console_that_does_not_start(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.host.system_console._START_SECONDS", 0.3)
    monkeypatch.setattr("cosim.host.system_console._END_SECONDS", 0.2)
    put(programs, "system-console", "#!/bin/sh\nexec sleep 30\n")
    with pytest.raises(BoardTimeout, match=r"^System Console must start within 0.3 s, and did not$"), system_console():
        pass


def test_a_console_that_does_not_end_on_windows(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without killpg it is taskkill that ends System Console and what it started."""
    monkeypatch.setattr("cosim.host.system_console._START_SECONDS", 0.3)
    monkeypatch.setattr("cosim.host.system_console._END_SECONDS", 0.2)
    called = programs / "called"
    put(programs, "system-console", "#!/bin/sh\nsleep 30\n")
    put(programs, "taskkill", f'#!/bin/sh\necho "$@" > {called}\nkill -9 -"$4"\n')
    monkeypatch.delattr(os, "killpg")
    started = time.monotonic()
    with pytest.raises(BoardTimeout, match=r"^System Console must start within 0.3 s, and did not$"), system_console():
        pass
    assert time.monotonic() - started < 10
    assert re.fullmatch(r"/F /T /PID \d+\n", called.read_text())


def test_a_console_that_ends_at_once(programs: Path) -> None:
    put(programs, "system-console", "#!/bin/sh\necho no licence\nexit 1\n")
    with pytest.raises(HostError, match=r"^System Console ended in mid-session\nno licence$"), system_console():
        pass


def test_the_interpreter_is_the_one_of_the_tests() -> None:
    assert relay_environment(Path("/a b"))["TALOS_BOARD_RELAY"].startswith(f"{{{sys.executable}}} {{")
