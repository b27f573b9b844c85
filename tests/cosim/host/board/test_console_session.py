"""Sessions of System Console on a small board: commands on standard input, answers at once, through pipes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cosim.host.board.simulation import SimulatedBoard, simulated_board
from cosim.host.board.tcl import COMMANDS, SESSION, relay_environment
from tests.helpers.board_designs import small_board
from tests.helpers.console_host import ConsoleHost

SETUP = """
proc word {address} { lindex [master_read_32 $::master $address 1] 0 }
proc store {address value} {
    master_write_32 $::master $address $value
    puts "STORED=1"
    flush stdout
}
refresh_connections
set master [lindex [get_service_paths master] 0]
if {$master eq ""} {
    error "no master"
}
open_service master $master
puts "READY=1"
flush stdout
"""


@pytest.fixture(scope="module")
def board() -> Iterator[SimulatedBoard]:
    with simulated_board(small_board(), seconds=20) as found:
        yield found


@contextmanager
def session(
    board: SimulatedBoard, folder: Path, *arguments: str, setup: str = "puts READY", ready: str = "READY"
) -> Iterator[ConsoleHost]:
    host = ConsoleHost(
        ["tclsh", str(COMMANDS), str(SESSION), *(arguments or [""])], setup, ready, folder=folder,
        environment={**os.environ, **relay_environment(board.socket)},
    )  # fmt: skip
    try:
        yield host
    finally:
        host.kill()


def test_answers_come_while_the_input_is_open(board: SimulatedBoard, tmp_path: Path) -> None:
    with session(board, tmp_path, setup=SETUP, ready="READY=1") as host:
        device = "/devices/5CSEBA5(.|ES)|5CSEMA5|..@2#simulation"
        assert host.before == [f"{device}/(link)/JTAG/(110:132 v1 #0)/phy_0/master"]
        for value in range(0xABC0, 0xABC8):
            assert host.ask(f"store 4 {value}", "STORED=1") == []
            assert host.ask("puts [word 4]", f"{value:#010x}") == []
        assert host.close("close_service master $master\nputs CLOSED=1\n") == (0, "% % CLOSED=1\n% ", "")


def test_every_command_is_followed_by_a_prompt(board: SimulatedBoard, tmp_path: Path) -> None:
    """A host may wait for the prompt alone: nothing is echoed, and a result stands before it."""
    with session(board, tmp_path) as host:
        assert host.prompt() == ""
        for text, said in (
            ("set path [lindex [get_service_paths master] 0]; set m [claim_service master $path {}]",
             "/channels/local/(lib)/master_1\n"),
            ("master_write_32 $m 0 0x1234", ""),
            ("master_read_32 $m 0 1", "0x00001234\n"),
            ("puts -nonewline abc", "abc"),
            ("proc f {} {\n\n return \"two\nlines\"\n}", ""),
            ("f; f", "two\nlines\n"),
            ("", ""),
            ("# a comment", ""),
            ("return 5", "5\n"),
        ):  # fmt: skip
            host.send(text)
            assert host.prompt() == said, text


def test_errors_keep_the_session(board: SimulatedBoard, tmp_path: Path) -> None:
    with session(board, tmp_path) as host:
        status, out, err = host.close(
            "master_read_32 /no 0 1\nno_such_command\nbreak\ncontinue\nreturn -code 9 x\nreturn -code error y\n"
            "puts ON\nputs {open\n"
        )
    assert status == 0
    assert out.replace("% ", "") == "ON\n"
    first, *others = err.splitlines()
    assert first.startswith('Service path is not open: "/no"')
    assert others == [
        'invalid command name "no_such_command"', 'invoked "break" outside of a loop',
        'invoked "continue" outside of a loop', "command returned bad code: 9", "y",
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "status"), [("", 0), ("exit\nputs no\n", 0), ("exit 7\nputs no\n", 7)])
def test_the_end(text: str, status: int, board: SimulatedBoard, tmp_path: Path) -> None:
    with session(board, tmp_path) as host:
        assert host.close(text) == (status, "% ", "")


def test_a_script_before_the_session(board: SimulatedBoard, tmp_path: Path) -> None:
    (tmp_path / "start.tcl").write_text("set found [file tail [info script]]\nproc f {} { return $::found,$::argv }\n")
    with session(board, tmp_path, "start.tcl", "one", "two words") as host:
        assert host.ask("f\nputs @", "@") == ["start.tcl,one {two words}"]
        assert host.close() == (0, "% ", "")
    (tmp_path / "start.tcl").write_text("error wrong")
    with session(board, tmp_path, "start.tcl") as host:
        assert host.close() == (0, "% ", "wrong\n")


def test_events_between_commands(board: SimulatedBoard, tmp_path: Path) -> None:
    """What a command leaves for later happens while the session waits; a command that waits starts no other one."""
    with session(board, tmp_path) as host:
        assert host.ask("after 20 {puts LATER}", "LATER")[:1] == ["after#0"]
        assert host.ask("after 100 {set go 1}; vwait go; puts FIRST\nputs SECOND", "SECOND")[-1:] == ["FIRST"]


def test_a_board_that_has_ended(tmp_path: Path) -> None:
    with simulated_board(small_board()) as board:
        with session(board, tmp_path, setup=SETUP, ready="READY=1") as host:
            board.end()
            status, _, err = host.close("word 0\nword 0\nexit 4\n")
    assert (status, err) == (4, "the simulated board has ended\nthe simulated board has ended\n")
