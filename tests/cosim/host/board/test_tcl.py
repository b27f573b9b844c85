"""System Console's commands in tclsh on a small board: accesses, files, the JTAG node, services, and every refusal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosim.host.board.simulation import SimulatedBoard, simulated_board
from cosim.host.board.tcl import COMMANDS, relay_environment, write_program
from tests.helpers.board_designs import small_board

MASTER = "set m [lindex [get_service_paths master] 0]; open_service master $m\n"
NODE = "set j [lindex [get_service_paths jtag_debug] 0]\n"
PREFIX = "/devices/5CSEBA5(.|ES)|5CSEMA5|..@2#simulation"


@pytest.fixture(scope="module")
def board() -> Iterator[SimulatedBoard]:
    with simulated_board(small_board(), seconds=20) as found:
        yield found


def tcl(board: SimulatedBoard, folder: Path, text: str) -> list[str]:
    """Run Tcl with System Console's commands in a folder, and return the lines that it printed."""
    script = folder / "script.tcl"
    script.write_text(text)
    done = subprocess.run(
        ["tclsh", str(COMMANDS), str(script), "one", "two words"], cwd=folder,
        env={**os.environ, **relay_environment(board.socket)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


def accesses(board: SimulatedBoard, since: int = 0) -> list[str]:
    """Return kind, address and word of every access on the bus after the first ``since``."""
    return [line.split(" ", 1)[1] for line in board.accesses.read_text().splitlines()[since:]]


def test_words_and_bytes(board: SimulatedBoard, tmp_path: Path) -> None:
    said = tcl(
        board, tmp_path,
        MASTER
        + """
        refresh_connections
        puts [llength [get_service_paths device]],[get_service_paths processor]
        puts [master_write_32 $m 0x0 {0x11223344 0x55667788}]
        puts [master_read_32 $m 0 2]
        master_write_8 $m 1 0xab
        master_write_16 $m 6 {0xcdef}
        master_write_memory $m 4 {0x01 0x02}
        puts [master_read_16 $m 0 4]
        puts [master_read_memory $m 3 3]
        puts [master_read_8 $m 7 1]
        master_write_32 $m 16 {-1 -2147483648 4294967295}
        master_write_8 $m 28 {-128 255 0x7f}
        puts [master_read_32 $m 16 4]
        puts $argc,[lindex $argv 1]
        """,
    )  # fmt: skip
    assert said == [
        "1,", "", "0x11223344 0x55667788", "0xab44 0x1122 0x0201 0xcdef", "0x11 0x01 0x02", "0xcd",
        "0xffffffff 0x80000000 0xffffffff 0x007fff80", "2,two words",
    ]  # fmt: skip


def test_one_access_a_value_below_32_bits(board: SimulatedBoard, tmp_path: Path) -> None:
    before = len(accesses(board))
    tcl(
        board, tmp_path,
        MASTER
        + """
        master_write_32 $m 0 {0 0}
        master_write_8 $m 2 {1 2}
        master_read_8 $m 2 2
        master_read_memory $m 2 4
        """,
    )  # fmt: skip
    assert [line.rpartition(" ")[0] for line in accesses(board, before)] == [
        "write 0x000", "write 0x004", "write 0x000", "write 0x000",
        "read 0x000", "read 0x000", "read 0x000", "read 0x004",
    ]  # fmt: skip


@pytest.mark.parametrize(("address", "count"), [(16, 4), (21, 1), (17, 3), (18, 3), (19, 9), (20, 9), (32, 0)])
def test_files(address: int, count: int, board: SimulatedBoard, tmp_path: Path) -> None:
    """Bytes of a file go where they belong and nowhere else, with whole words in between; paths may be relative."""
    data = bytes(0x80 + 7 * index & 0xFF for index in range(count))
    (tmp_path / "in.bin").write_bytes(data)
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "out.bin").write_bytes(b"an older and longer file than what is read from the board now")
    before = len(accesses(board))
    tcl(
        board, tmp_path,
        MASTER
        + f"""
        master_write_32 $m 16 [lrepeat 8 0x55555555]
        master_write_from_file $m in.bin {address}
        master_read_to_file $m ./deeper/out.bin 16 32
        cd deeper
        master_read_to_file $m part.bin {address} {max(1, count)}
        """,
    )  # fmt: skip
    memory = bytearray(b"\x55" * 48)
    memory[address : address + count] = data
    assert (tmp_path / "deeper" / "out.bin").read_bytes() == memory[16:]
    assert (tmp_path / "deeper" / "part.bin").read_bytes() == memory[address : address + max(1, count)]
    words = len({(address + index) // 4 for index in range(count)})
    assert sum(line.startswith("write") for line in accesses(board, before)) == 8 + words


def test_a_read_that_fails_leaves_the_file(board: SimulatedBoard, tmp_path: Path) -> None:
    (tmp_path / "out.bin").write_text("before")
    said = tcl(board, tmp_path, MASTER + "puts [catch {master_read_to_file $m out.bin 0xFFFFFFFF 2}]\n")
    assert said == ["1"]
    assert (tmp_path / "out.bin").read_text() == "before"


def test_the_jtag_node(board: SimulatedBoard, tmp_path: Path) -> None:
    """It takes its own path, open or not, the master's, and claims."""
    said = tcl(
        board, tmp_path,
        MASTER + NODE
        + """
        puts [jtag_debug_loop $j {1 0x7f 255}]
        puts [expr {[jtag_debug_loop $m [lrepeat 1000 0xa5]] eq [lrepeat 1000 0xa5]}]
        set levels {}
        for {set i 0} {$i < 16} {incr i} { lappend levels [jtag_debug_sample_clock $j] }
        puts [lsort -unique $levels]
        puts [jtag_debug_sense_clock $j][jtag_debug_sample_reset [claim_service jtag_debug $j library]]
        open_service jtag_debug $j
        master_write_32 $m 0 0x12345678
        puts <[jtag_debug_reset_system $j]>[master_read_32 $m 0 1]
        puts [is_service_open jtag_debug $j][is_service_open master $j]
        """,
    )  # fmt: skip
    assert said == ["0x01 0x7f 0xff", "1", "0 1", "11", "<>0x12345678", "10"]


def test_a_bridge_in_reset(tmp_path: Path) -> None:
    with simulated_board(small_board()) as board:
        board.switch(2, 1)
        assert tcl(board, tmp_path, NODE + "puts [jtag_debug_sample_reset $j]\n") == ["0"]


def test_claims(board: SimulatedBoard, tmp_path: Path) -> None:
    """Each claim is a path of its own that allows access until it is closed; the service's own path must be opened."""
    said = tcl(
        board, tmp_path,
        """
        set m [lindex [get_service_paths master] 0]
        set a [claim_service master $m library]
        set b [claim_service master $m "" {{0x0 0x100 EXCLUSIVE}}]
        puts [list $a $b [catch {master_read_32 $m 0 1} text] $text]
        puts [is_service_open master $a][is_service_open master $m][is_service_open jtag_debug $a]
        puts [get_claimed_services library]/[get_claimed_services ""]/[get_claimed_services other]
        puts [llength [master_read_32 $a 0 1]][llength [master_read_32 $b 0 1]]
        close_service master $a
        puts [list [catch {master_read_32 $a 0 1} text] $text [catch {close_service master $a}]]
        puts [llength [master_read_32 $b 0 1]]/[get_claimed_services library]
        open_service master $m
        master_read_32 $m 0 1
        close_service master $m
        puts [catch {master_write_32 $m 0 1} text]:$text
        """,
    )  # fmt: skip
    refusal = 'Service path is not open: "{}"; open_service or claim_service opens a master'
    master = f"{PREFIX}/(link)/JTAG/(110:132 v1 #0)/phy_0/master"
    assert said == [
        f"/channels/local/library/master_1 /channels/local/(lib)/master_2 1 {{{refusal.format(master)}}}", "100",
        "/channels/local/library/master_1 master//channels/local/(lib)/master_2 master/", "11",
        f"1 {{{refusal.format('/channels/local/library/master_1')}}} 1", "1/", f"1:{refusal.format(master)}",
    ]  # fmt: skip


def test_services(board: SimulatedBoard, tmp_path: Path) -> None:
    said = tcl(
        board, tmp_path,
        MASTER + NODE
        + """
        puts [get_service_types]
        set d [lindex [get_service_paths device] 0]
        puts $d
        puts [expr {[get_service_paths -device $d master] eq [get_service_paths -device $j master]}]
        puts <[get_service_paths -device /devices/other master]>[is_service_path $m][is_service_path /nowhere]
        puts [design_link [design_instantiate [design_load /dev/null]] device]<[device_download_sof $d /dev/null]>
        puts [get_version]
        """,
    )  # fmt: skip
    assert said == ["device jtag_debug master", PREFIX, "1", "<>10", "<>", "simulation"]


NOT_OPEN = "Service path is not open: "
REFUSALS = {
    "master_read_32 /no 0 1": f'{NOT_OPEN}"/no"; open_service or claim_service opens a master',
    "master_read_32 $j 0 1": NOT_OPEN,
    "master_read_memory /no 0 1": NOT_OPEN,
    "master_write_8 /no 0 1": NOT_OPEN,
    "master_write_from_file /no script.tcl 0": NOT_OPEN,
    "master_read_to_file /no out.bin 0 1": NOT_OPEN,
    "close_service master /no": NOT_OPEN,
    "close_service jtag_debug $m": NOT_OPEN,
    "open_service master /nowhere": 'No master service at "/nowhere"',
    "open_service jtag_debug $m": "No jtag_debug service at ",
    "open_service jtag $m": "No jtag service at ",
    'claim_service master "" library': 'No master service at ""',
    "get_service_paths -hpath a master": 'option must be -device, not "-hpath"',
    "master_read_32 $m 0 0": 'count must be an integer from 1 to 4294967296, not "0"',
    "master_read_8 $m 0 x": 'count must be an integer from 1 to 4294967296, not "x"',
    "master_read_32 $m 2 1": "address must be a multiple of 4, not 0x2",
    "master_read_16 $m 1 1": "address must be a multiple of 2, not 0x1",
    "master_write_32 $m 1 0": "address must be a multiple of 4, not 0x1",
    "master_read_32 $m zero 1": 'address must be an integer from 0 to 0xffffffff, not "zero"',
    "master_read_32 $m -4 1": 'address must be an integer from 0 to 0xffffffff, not "-4"',
    "master_read_32 $m 0xfffffffc 2": "address must leave room for 2 values below 0x100000000, not 0xfffffffc",
    "master_write_memory $m 0xffffffff {1 2}": "address must leave room for 2 values below 0x100000000, not 0xffffffff",
    "master_write_8 $m 0 {1 256}": 'value must be an integer from -128 to 255, not "256"',
    "master_write_16 $m 0 -32769": 'value must be an integer from -32768 to 65535, not "-32769"',
    "master_write_32 $m 0 0x100000000": 'value must be an integer from -2147483648 to 4294967295, not "0x100000000"',
    "master_write_32 $m 0 {}": 'values must be a list of integers, not ""',
    "master_write_memory $m 0 {1 x}": 'value must be an integer from -128 to 255, not "x"',
    "master_write_from_file $m nothing.bin 0": 'couldn\'t open "nothing.bin": no such file or directory',
    "master_read_to_file $m no/out.bin 0 1": 'couldn\'t open "no/out.bin": no such file or directory',
    "master_read_to_file $m out.bin 0 0": 'count must be an integer from 1 to 4294967296, not "0"',
    "master_write_from_file $m script.tcl 0xffffffff": "address must leave room for ",
    "master_read_32 $m 0": 'wrong # args: should be "master_read_32 path address count"',
    "master_read_to_file $m out.bin 0": 'wrong # args: should be "master_read_to_file path file address count"',
    "master_write_from_file $m out.bin": 'wrong # args: should be "master_write_from_file path file address"',
    "jtag_debug_loop $j": 'wrong # args: should be "jtag_debug_loop path values"',
    "jtag_debug_loop $j {}": 'values must be a list of integers, not ""',
    "jtag_debug_loop $j {1 256}": 'value must be an integer from 0 to 255, not "256"',
    "jtag_debug_loop /no 1": 'No jtag_debug service at "/no"',
    "jtag_debug_sense_clock [claim_service device [lindex [get_service_paths device] 0] x]": (
        'No jtag_debug service at "/channels/local/x/device_1"'
    ),
    "jtag_debug_sense_clock /no": 'No jtag_debug service at "/no"',
    "jtag_debug_sample_clock /no": 'No jtag_debug service at "/no"',
    "jtag_debug_sample_reset /no": 'No jtag_debug service at "/no"',
    "jtag_debug_reset_system /no": 'No jtag_debug service at "/no"',
    "design_load /nowhere.jdi": "No such file: /nowhere.jdi",
    "device_download_sof $m /dev/null": "No device service at ",
}


def test_refusals(board: SimulatedBoard, tmp_path: Path) -> None:
    """Each is one line of text, and none has reached the bus but what is read for a file that cannot be made."""
    before = len(accesses(board))
    lines = "".join(f"puts [catch {{{command}}} text]:$text\n" for command in REFUSALS)
    said = tcl(board, tmp_path, MASTER + NODE + lines)
    for (command, message), line in zip(REFUSALS.items(), said, strict=True):
        assert line.startswith(f"1:{message}"), command
    assert [line.split()[0] for line in accesses(board, before)] == ["read"]


def test_a_bus_that_hangs(tmp_path: Path) -> None:
    with simulated_board(small_board()) as board:
        said = tcl(board, tmp_path, MASTER + "catch {master_read_32 $m 0xc 1} text; puts $text\n")
    assert said == ["This transaction did not complete: no answer to a read at 0x00c in 100 microseconds"]


def test_without_a_board(tmp_path: Path) -> None:
    script = tmp_path / "script.tcl"
    script.write_text(f"{MASTER}master_read_32 $m 0 1\n")
    done = subprocess.run(
        ["tclsh", str(COMMANDS), str(script)], env={**os.environ, **relay_environment(tmp_path / "nothing")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the simulated board has ended" in done.stderr


def test_a_program_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"^cannot write .*: it is a folder; give the name of a file$"):
        write_program(tmp_path, [])
