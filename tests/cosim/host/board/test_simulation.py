"""The host on the simulated board: the Verilog that Quartus compiles, from power-on to every letter and logit."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosim.engine.digests import ROOT
from cosim.host.board import simulation
from cosim.host.board.simulation import SimulatedBoard, board_model, simulated_board
from cosim.host.board.socket_folder import socket_folder
from cosim.host.board.tcl import COMMANDS, SESSION, relay_environment
from cosim.host.check import check_name, check_step, expected_names, expected_steps
from cosim.host.cli import main
from cosim.host.errors import NoBoard
from cosim.host.machine import identify, run_name, run_step
from cosim.host.transport import Access, Recorded
from cosim.host.wanted import check_identity, wanted_by
from hdl.boards.parts.hex_display import segments
from hdl.boards.parts.leds import LEDS
from hdl.core.config import CLOCK_HZ
from hdl.core.cores import core_config
from hdl.design import Design
from hdl.options import Choice
from hdl.registers.map import register_map
from talos_ref.model.config import MICROGPT
from tests.helpers.board_designs import DEMO_CYCLES, demo_board
from tests.helpers.console_host import ConsoleHost
from tests.helpers.designs import published, tiny_design
from tests.helpers.processes import alive, children, until

TILE16 = core_config("tile16")
TEMPERATURE = 0x0080
REGISTERS = register_map(MICROGPT)
PERIOD_NS = DEMO_CYCLES * 1_000_000_000 // CLOCK_HZ
"""From one name of the shortened demo to the next."""


@pytest.fixture
def board() -> Iterator[SimulatedBoard]:
    """Return the board with tile16, just switched on."""
    with simulated_board(demo_board(), seconds=60) as found:
        yield found


def golden_names(first: int, count: int) -> list[list[int]]:
    """Return the letters of the names of seeds from ``first`` on."""
    names = expected_names(published("tile16"), range(first, first + count), TEMPERATURE, 15)
    return [[step.token_out for step in name if step.token_out != MICROGPT.bos] for name in names]


def shown(letters: list[int]) -> list[int]:
    """Return the lit segments of HEX0 to HEX5 after these letters were pushed to a dark display."""
    lit = [segments(MICROGPT.alphabet[letter]) for letter in letters[-6:]]
    return list(reversed(lit + [0] * (6 - len(lit))))


def name(board: SimulatedBoard, seed: int) -> list[int]:
    """Run a name, compare everything, and return its letters."""
    golden = next(expected_names(published("tile16"), [seed], TEMPERATURE, 15))
    run = run_name(board.transport(), REGISTERS, seed=seed, temperature=TEMPERATURE, limit=15, seconds=60)
    assert check_name(seed, golden, run, MICROGPT.bos) == len(run.letters) + 35
    return list(run.letters)


def test_identity(board: SimulatedBoard) -> None:
    found = identify(board.transport())
    assert check_identity(found, wanted_by(Choice(core="tile16"))) == (published("tile16"), None)
    assert (found.arithmetic, found.clock_hz) == ("talos-v2", CLOCK_HZ)


def test_names_and_display(board: SimulatedBoard) -> None:
    for seed in (2, 1, 77, 0xFFFFFFFF, 0x9E3779B9):
        letters = name(board, seed)
        assert board.segments() == shown(letters), f"display after seed {seed}"
    long = next(seed for seed, letters in enumerate(golden_names(1, 200), 1) if len(letters) > 6)
    assert board.segments() != shown(name(board, long)[:6])
    assert board.segments() == shown(golden_names(long, 1)[0])


def test_leds(board: SimulatedBoard) -> None:
    name(board, 2)
    board.run(1000)
    lit = dict(zip(LEDS, board.leds(), strict=True))
    activity = lit.pop("activity")
    assert lit == {
        "ready": 0, "busy": 0, "done": 1, "running": 1, "enable": 1, "blink": lit["blink"],
        "token0": 0, "token1": 1, "token2": 0,
    }  # fmt: skip
    board.transport().read(0)
    board.run(1000)
    assert board.leds()[LEDS.index("activity")] == 1 - activity
    control = REGISTERS.register("control")
    board.transport().write(control.address, control.encode(clear=1))
    board.run(1000)
    lit = dict(zip(LEDS, board.leds(), strict=True))
    assert (lit["ready"], lit["busy"], lit["done"]) == (1, 0, 0)


def test_steps(board: SimulatedBoard) -> None:
    tokens = [26, 10, 4, 11, 24, 13, 25, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    for wanted in expected_steps(published("tile16"), tokens):
        run = run_step(
            board.transport(), REGISTERS, token=wanted.token_in, position=wanted.pos, clear=wanted.pos == 0, seconds=60
        )
        assert check_step(wanted, run) == 31


def test_every_access_reaches_the_bus(board: SimulatedBoard) -> None:
    """What the host did is what the bridge did, access for access and word for word."""
    record: list[Access] = []
    bus = Recorded(board.transport(), record.append)
    run_name(bus, REGISTERS, seed=2, temperature=TEMPERATURE, limit=15, seconds=60)
    run_step(bus, REGISTERS, token=26, position=0, clear=True, seconds=60)
    lines = [line.split(" ", 1)[1] for line in board.accesses.read_text().splitlines()]
    assert lines == [str(access) for access in record]
    assert len(lines) > 100


def test_demo_without_a_host(board: SimulatedBoard) -> None:
    """A name a period, of seeds 1, 2, 3 …; SW0 stops it, and it goes on where it was."""
    names = golden_names(1, 5)
    board.run(PERIOD_NS // 2)
    for letters in names[:3]:
        assert board.segments() == shown(letters)
        board.run(PERIOD_NS)
    board.switch(0, 0)
    board.run(3 * PERIOD_NS)
    assert board.segments() == shown(names[3])
    assert board.leds()[LEDS.index("enable")] == 0
    board.switch(0, 1)
    board.run(PERIOD_NS // 10)
    assert board.segments() == shown(names[4])


def test_a_host_stops_the_demo_until_a_reset(board: SimulatedBoard) -> None:
    letters = name(board, 77)
    for _ in range(3):
        board.run(PERIOD_NS)
        assert board.segments() == shown(letters)
    board.switch(1, 1)
    board.run(1000)
    board.switch(1, 0)
    board.run(PERIOD_NS // 2)
    assert board.segments() != shown(letters)
    assert board.segments() in [shown(demo) for demo in golden_names(1, 4)]


def test_the_reset_switch(board: SimulatedBoard) -> None:
    """Held in reset the machine answers, and says so; after it, in any state, names come out right."""
    bus = board.transport()
    control = REGISTERS.register("control")
    for cycles in (0, 3, 50, 299, 1000):
        bus.write(REGISTERS.register("seed").address, 5)
        bus.write(control.address, control.encode(clear=1))
        bus.write(control.address, control.encode(start=1))
        board.run(cycles * 160 // 9)
        board.switch(1, 1)
        board.run(500)
        assert board.leds()[LEDS.index("running")] == 0
        with pytest.raises(NoBoard, match=r"^the board must not be held in reset: put SW1 down$"):
            identify(bus)
        assert bus.read(REGISTERS.register("status").address) & 7 == 0
        board.switch(1, 0)
        board.run(500)
        assert identify(bus).core == "tile16"
        name(board, 2)


def test_the_enable_switch_is_for_the_demo_alone(board: SimulatedBoard) -> None:
    board.switch(0, 0)
    board.run(1000)
    assert identify(board.transport()).core == "tile16"
    assert name(board, 2) == [10, 4, 11, 24, 13]


def test_a_board_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = demo_board()
    monkeypatch.setattr("hdl.boards.de1_soc.project.board_files", lambda *_, **__: pytest.fail("made again"))
    notices: list[str] = []
    again = board_model(published("tile16"), DEMO_CYCLES, notice=notices.append)
    assert (again.folder, again.compiled, notices) == (made.folder, False, [])


# The accesses of TALOS-V2's published host for System Console, in its order.
_HOST = """
set device [lindex [get_service_paths device] 0]
design_link [design_instantiate [design_load [info script]]] $device
set master [lindex [get_service_paths master] 0]
open_service master $master
proc word {address} {lindex [master_read_32 $::master $address 1] 0}
puts [format "%08x %08x" [word 0x00] [word 0x04]]
master_write_32 $master 0x28 0x1
master_write_32 $master 0x08 0x2
master_write_32 $master 0x10 [expr {(128 << 16) | (15 << 8)}]
master_write_32 $master 0x14 2
master_write_32 $master 0x08 0x1
while {([word 0x0C] & 0xC) == 0} {}
set status [word 0x0C]
puts [format "%x %08x %u" [expr {$status & 0xF}] [word 0x14] [word 0xD8]]
for {set i 0} {$i < (($status >> 16) & 0xFF)} {incr i} {
    set letter [word [expr {0x60 + 4 * $i}]]
    puts [expr {$letter}]
    master_write_32 $master 0x28 [expr {0x2 | ($letter << 8)}]
}
master_write_32 $master 0x20 [expr {1 | (1 << 1) | (26 << 16)}]
master_write_32 $master 0x24 0x1
while {([word 0x0C] & 0xC) == 0} {}
foreach logit [master_read_32 $master 0x100 27] {
    puts [expr {$logit >= 0x80000000 ? $logit - 0x100000000 : $logit}]
}
close_service master $master
"""


def test_a_script_for_system_console(board: SimulatedBoard, tmp_path: Path) -> None:
    script = tmp_path / "host.tcl"
    script.write_text(_HOST)
    done = subprocess.run(
        ["tclsh", str(COMMANDS), str(script)],
        env=relay_environment(board.socket), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    golden = next(expected_names(published("tile16"), [2], TEMPERATURE, 15))
    cycles = [line for line in board.accesses.read_text().splitlines() if " read 0x0d8 " in line]
    logits = next(iter(expected_steps(published("tile16"), [26]))).logits
    assert done.stdout.split() == [
        "4d475254", "00030002", "4", f"{golden[-1].rng:08x}", str(int(cycles[0].split()[-1], 16)),
        "10", "4", "11", "24", "13", *(str(logit) for logit in logits),
    ]  # fmt: skip
    assert board.segments() == shown([10, 4, 11, 24, 13])


# What TALOS-V2's published Python host sends to System Console first, and the commands that it then calls.
_SESSION = """
proc word {address} { lindex [master_read_32 $::master $address 1] 0 }
proc store {address value} { master_write_32 $::master $address $value }
proc seed {value} {
    store 0x14 $value
    puts "SEED=1"
    flush stdout
}
proc display {args} {
    store 0x28 0x1
    foreach token $args {
        store 0x28 [expr {0x2 | ($token << 8)}]
    }
    puts "DISPLAY=1"
    flush stdout
}
proc step {token position clear} {
    store 0x20 [expr {1 | ($clear << 1) | ($position << 8) | ($token << 16)}]
    store 0x24 0x1
    while {([word 0x0C] & 0xC) == 0} { after 1 }
    puts [format "STATUS=%x" [expr {[word 0x0C] & 0xF}]]
    puts [format "CYCLES=%u" [word 0xD8]]
    set logits {}
    for {set index 0} {$index < 27} {incr index} {
        set logit [word [expr {0x100 + 4 * $index}]]
        lappend logits [expr {$logit >= 0x80000000 ? $logit - 0x100000000 : $logit}]
    }
    puts "LOGITS=$logits"
    puts "END=1"
    flush stdout
}
refresh_connections
set device [lindex [get_service_paths device] 0]
if {$device eq ""} { error "no device" }
set jdi [file normalize [file join [pwd] no_such.jdi]]
if {![file exists $jdi]} {
    error "no such file: $jdi"
}
set design [design_load $jdi]
design_link [design_instantiate $design] $device
set master [lindex [get_service_paths master] 0]
open_service master $master
store 0x08 0x2
puts "READY=1"
flush stdout
"""


def test_a_session_of_the_published_host(board: SimulatedBoard, tmp_path: Path) -> None:
    """The host steps, draws by itself, and shows the name; a file that it misses stops neither the session nor it."""
    console = ConsoleHost(
        ["tclsh", str(COMMANDS), str(SESSION), ""], _SESSION, "READY=1", folder=tmp_path,
        environment={**os.environ, **relay_environment(board.socket)},
    )  # fmt: skip
    try:
        assert console.ask("seed 2", "SEED=1") == []
        assert board.accesses.read_text().endswith(" write 0x014 0x00000002\n")
        tokens = [MICROGPT.bos, 10, 4, 11, 24, 13]
        for position, wanted in enumerate(expected_steps(published("tile16"), tokens)):
            status, cycles, logits = console.ask(f"step {tokens[position]} {position} {int(position == 0)}", "END=1")
            assert (status, logits) == ("STATUS=4", "LOGITS=" + " ".join(str(logit) for logit in wanted.logits))
            assert cycles == f"CYCLES={board.transport().read(0xD8)}"
        assert console.ask("display 10 4 11 24 13", "DISPLAY=1") == []
        assert board.segments() == shown([10, 4, 11, 24, 13])
        ended, _, errors = console.close("close_service master $master\nstep 26 0 1\n")
        assert ended == 0
        missing, load, instance, closed = errors.splitlines()
        assert [missing[:15], load[:15]] == ["no such file: /", "No such file: /"]
        assert (instance, closed[:24]) == ('can\'t read "design": no such variable', "Service path is not open")
    finally:
        console.kill()


def test_the_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All commands on tile16, all values compared, each on a board of its own."""
    monkeypatch.setattr(simulation, "board_model", lambda design, notice: demo_board())
    file, core = tmp_path / "found.json", ["--core", "tile16"]
    assert main(["generate", *core, "--seed", "1", "--count", "8", "--replay", "--save", str(file)]) == 0
    said = capsys.readouterr()
    names = ["".join(MICROGPT.alphabet[letter] for letter in letters) for letters in golden_names(1, 8)]
    assert said.out.split()[:8] == names
    assert json.loads(file.read_text())["mismatch"] is None
    assert main(["bench", "30", *core, "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == 30
    assert found["letters_per_second"] > 100_000
    for command in ("info", "step --text kelyn --check", "counters --seed 2 --check"):
        assert main([*command.split(), *core]) == 0


@pytest.mark.parametrize("command", ["generate", "step"])
def test_what_the_page_shows(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples on tile16 in README.md are what the commands print."""
    monkeypatch.setattr(simulation, "board_model", lambda design, notice: demo_board())
    page = (ROOT / "cosim" / "host" / "README.md").read_text()
    example = re.search(rf"^```\n\$ python -m cosim\.host ({command} .*?)\n(.*?)^```$", page, re.M | re.S)
    assert example is not None
    assert main(example[1].split()) == 0
    assert capsys.readouterr().out == example[2]


@pytest.fixture
def tiny() -> Design:
    """The smallest design."""
    return tiny_design()


def test_another_alphabet(tiny: Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host knows the board of other weights, and writes its letters; one that no digit can form leaves it dark."""
    folder = ["--design", str(tiny.save(tmp_path))]
    assert main(["info", *folder]) == 0
    assert "as these sources make it\n" in capsys.readouterr().out
    assert main(["generate", *folder, "--seed", "5", "--count", "20", "--replay"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    *names, checked = said.out.splitlines()
    assert set("".join(names)) == {"n", "あ"}
    assert checked.endswith("values compared with the golden model, all equal")
    registers = register_map(tiny.model, tiny.word)
    with simulated_board(board_model(tiny), seconds=60) as board:
        for seed in range(5, 9):
            run = run_name(board.transport(), registers, seed=seed, temperature=TEMPERATURE, limit=4, seconds=60)
            board.run(1000)
            lit = [segments("n") if letter == 0 else 0 for letter in run.letters]
            assert board.segments() == list(reversed(lit + [0] * (6 - len(lit))))


def test_a_program_that_is_system_console(tiny: Design, tmp_path: Path) -> None:
    """From any folder, with the design that it was made for: a session, a script, a script before a session."""
    board_model(tiny)
    program, folder = tmp_path / "it's a program", tmp_path / "elsewhere"
    folder.mkdir()
    design = os.path.relpath(tiny.save(tmp_path))
    assert main(["system-console", "--design", design, "--program", str(program)]) == 0
    (folder / "hdl.py").write_text("raise SystemExit('the wrong module')\n")
    (folder / "script.tcl").write_text(
        "set m [claim_service master [lindex [get_service_paths master] 0] {}]\n"
        "puts $argv,[master_read_32 $m 0 1]\nif {$argc} { exit 5 }\n"
    )
    environment = {**os.environ, "PYTHONSAFEPATH": ""}

    def run(*words: str, text: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [program, *words], cwd=folder, env=environment, input=text, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    assert run("-cli", "-disable_readline", text="puts [pwd]\nexit 3\n") == (3, f"% {folder}\n% ", "")
    assert run("--cli", "--script=script.tcl") == (0, ",0x4d475254\n", "")
    assert run("-cli", "--script", "script.tcl", "--", "--op", "x") == (5, "--op x,0x4d475254\n", "")
    assert run("-cli", "-rc_script=script.tcl", text="master_read_32 $m 4 1") == (
        0, ",0x4d475254\n% 0x00030002\n% ", ""
    )  # fmt: skip
    assert run()[::2] == (2, "error: -cli must be given: the simulated board's System Console has no window\n")


def test_fused(capsys: pytest.CaptureFixture[str]) -> None:
    """The flagship through the command line, sampled and greedy, with every logit."""
    assert main(["generate", "--core", "fused", "--seed", "100", "--count", "12", "--replay"]) == 0
    said = capsys.readouterr()
    core = core_config("fused")
    names = expected_names(published(core.name), range(100, 112), TEMPERATURE, 15)
    for line, golden in zip(said.out.splitlines(), names, strict=False):
        assert line == MICROGPT.decode([step.token_out for step in golden])
    assert main(["generate", "--core", "fused", "--temperature", "0", "--count", "1", "--replay"]) == 0
    assert main(["bench", "50", "--core", "fused", "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["steps_per_second"] > 1_000_000


def host(folder: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own, on the board with fused, and wait until it works.

    Its temporary files go to ``folder``: one that is killed leaves them.
    """
    board_model(published("fused"))
    # Where the tests run in the background, Ctrl-C is ignored, and a new process would ignore it too.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "cosim.host", *arguments, "--core", "fused"],
            cwd=ROOT, env={**os.environ, "TMPDIR": folder}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, handler)
    assert process.stdout is not None
    assert process.stdout.read(5)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_simulation_never_outlives_the_host(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signals end both in good order; even if the host is killed, the simulation notices, and the next one clears."""
    with tempfile.TemporaryDirectory() as folder:
        process = host(folder, "generate", "--count", "100000")
        simulations = children(process.pid)
        assert len(simulations) == 1
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=30)
        assert until(lambda: not any(map(alive, simulations)), 10)
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert errors.decode().endswith("error: interrupted\n")
        else:
            assert process.returncode == -number
        if number == signal.SIGKILL:
            monkeypatch.setattr(tempfile, "tempdir", folder)
            with socket_folder() as mine, socket_folder() as other:
                assert sorted(os.listdir(folder)) == sorted(path.name for path in (mine, other))
        assert not os.listdir(folder)
