"""Exit status and messages that every command line shares."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from functools import partial

import click
import pytest

from talos_ref.command_line import emit, run
from talos_ref.options import Integer, Number, OneOf, Seed, Tokens


class SimulatorFault(Exception):
    """Stands for the failures of another package."""


def call(work: Callable[[], object], *arguments: str) -> int:
    @click.command()
    @click.option("--n", type=Integer(1, 9))
    @click.option("--seed", type=Seed())
    @click.option("--t", type=Number())
    @click.option("--one", type=OneOf(["a", "b"]))
    @click.option("--tokens", type=Tokens())
    def command(**_: object) -> object:
        return work()

    return run(command, arguments, "program", (SimulatorFault,))


def failing(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ValueError("seed must be\n 1"), 2, "seed must be 1"),
        (TypeError("seed must be an integer"), 2, "seed must be an integer"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a"), 2, "cannot open a: No such file"),
        (PermissionError("cannot write a"), 2, "cannot write a"),
        (OSError("download failed"), 1, "download failed"),
        (MemoryError(), 1, "not enough memory"),
        (RuntimeError("no simulator"), 1, "no simulator"),
        (SimulatorFault("it stopped"), 1, "it stopped"),
        (click.ClickException("not so"), 1, "not so"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.UsageError("Not both."), 2, "not both; see program --help"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_status_and_message(
    error: BaseException, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(failing(error)) == status
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_what_a_command_returns_is_its_status() -> None:
    for returned, status in ((None, 0), (0, 0), (1, 1), (3, 3)):
        assert call(partial(int, returned) if returned is not None else lambda: None) == status
    assert call(failing(click.exceptions.Exit(4))) == 4


def test_a_fault_of_the_program_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        call(failing(KeyError("x")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n", "0"], "--n must be 1 to 9, not 0"),
        (["--n", "0x1G"], "--n must be an integer, not '0x1G'"),
        (["--n", ""], "--n must be an integer, not ''"),
        (["--seed", "0"], "--seed must be 1 to 4294967295 (xorshift32 never leaves state 0), not 0"),
        (["--t", "nan"], "--t must be a finite number, not 'nan'"),
        (["--t", "x"], "--t must be a number, not 'x'"),
        (["--one", "c"], "--one must be a or b, not 'c'"),
        (["--tokens", "1,,2"], "--tokens must be an integer, not ''"),
        (["--n"], "option '--n' requires an argument"),
        (["--m", "1"], "no such option '--m'; see program --help"),
        (["more"], "got unexpected extra argument (more); see program --help"),
    ],
)
def test_bad_parameters(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(failing(AssertionError("it ran")), *arguments) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_good_parameters() -> None:
    @click.command()
    @click.option("--n", type=Integer())
    @click.option("--seed", type=Seed())
    @click.option("--tokens", type=Tokens())
    def command(n: int, seed: int, tokens: list[int]) -> int:
        return int((n, seed, tokens) != (-31, 0xFFFFFFFF, [26, 0]))

    assert run(command, ["--n", "-31", "--seed", "0xffffffff", "--tokens", "26,0"], "p") == 0


def test_emit_prints_lines_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    printed: list[str] = []

    def lines() -> Iterator[str]:
        yield "a"
        printed.append(capsys.readouterr().out)
        yield "b"

    emit(lines())
    assert [*printed, capsys.readouterr().out] == ["a\n", "b\n"]
