"""TALOS-V2's published hosts for System Console on the simulated board."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cosim.host.board.simulation import SimulatedBoard
from cosim.host.board.tcl import COMMANDS, SESSION, relay_environment
from cosim.host.check import expected_names, expected_steps
from talos_ref.model.config import MICROGPT
from tests.helpers.console_host import ConsoleHost
from tests.helpers.designs import published
from tests.helpers.simulated_names import TEMPERATURE, shown

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
        "4d475254", "00030003", "4", f"{golden[-1].rng:08x}", str(int(cycles[0].split()[-1], 16)),
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
