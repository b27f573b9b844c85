"""The options by which a command chooses a design."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from hdl.core.config import CLOCK_HZ
from hdl.design import Design, make_design
from hdl.options import Choice, clock_option, design_options, fastest_core, scrub_option, several_designs
from talos_ref.command_line import run
from talos_ref.golden.format import Q5_12
from talos_ref.model.checkpoint import Checkpoint, save
from tests.helpers.designs import published


def chosen(*arguments: str, default: str | None = None) -> tuple[int, list[Design]]:
    """Run a command with all the options; return its status, and the design that was chosen."""
    found: list[Design] = []

    @click.command()
    @design_options()
    @clock_option
    @scrub_option
    def command(**options: Any) -> None:
        found.append(Choice(**options).resolve(default))

    return run(command, arguments, "program"), found


def test_a_core_of_the_committed_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALOS_WEIGHTS", raising=False)
    assert chosen("--core", "tile16") == (0, [published("tile16")])
    assert chosen(default="tile16") == (0, [published("tile16")])
    status, (design,) = chosen("--core", "tile16", "--scrub")
    assert status == 0
    assert design.core == replace(published("tile16").core, scrub=True)
    assert design != published("tile16")


def test_the_default_is_the_fastest_core_that_the_model_can_have(
    checkpoint: Checkpoint, small_checkpoint: Checkpoint
) -> None:
    assert fastest_core(checkpoint).name == "fused"
    assert fastest_core(checkpoint, "Q5.12").word == Q5_12
    # Two layers, which the ROM of fused has no use for.
    assert fastest_core(small_checkpoint).name == "wide"


def test_weights_and_clock(
    small_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(small_checkpoint, tmp_path / "small.npz")
    monkeypatch.setenv("TALOS_WEIGHTS", str(path))
    for weights in (["--weights", str(path)], []):
        status, (design,) = chosen("--core", "wide", "--clock", "56.25", *weights)
        assert status == 0
        assert (design.checkpoint.digest, design.clock_hz) == (small_checkpoint.digest, CLOCK_HZ)
    _, (design,) = chosen("--core", "wide", "--clock", "0.000001")
    assert design.clock_hz == 1


def test_a_design(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    design = make_design("wide", small_checkpoint, word=Q5_12, clock_hz=50_000_000)
    path = design.save(tmp_path)
    assert chosen("--design", str(path)) == (0, [design])
    assert several_designs([], Choice(design=str(path))) == [design]


def test_cores_are_left_out_with_the_reason(
    tmp_path: Path, small_checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """A width that is no power of two has no root by shifting in talos-v2, and two layers no ROM for the first."""
    weights = str(save(small_checkpoint, tmp_path / "small.npz"))
    [design] = several_designs([], Choice(weights=weights))
    assert (design.name, design.word) == ("wide", Q5_12)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in said] == ["tile16 is left out", "fused is left out"]
    with pytest.raises(ValueError, match="n_layer"):
        several_designs(["wide", "fused"], Choice(weights=weights))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--core tile17", "--core must be tile16, wide or fused, not 'tile17'"),
        ("--design a --core wide", "--design must stand without --core: the file says what the design is"),
        ("--design a --weights b", "--design must stand without --weights: the file says what the design is"),
        ("--design a --format auto", "--design must stand without --format: the file says what the design is"),
        ("--design a --clock 50", "--design must stand without --clock: the file says what the design is"),
        ("--design a --scrub", "--design must stand without --scrub: the file says what the design is"),
        ("--core wide --weights /nowhere", "cannot open /nowhere: No such file or directory"),
        ("--core wide --format Q4.11", "--format must be Q4.12, Q5.12, Q6.12 or auto, not 'Q4.11'"),
        (
            "--core tile16 --format Q5.12",
            "word must be Q4.12 in talos-v2, not Q5.12; use precise for wider words",
        ),
        ("--core wide --clock 0.1234567", "--clock must be a number of MHz with at most six decimals, not '0.1234567'"),
        ("--core wide --clock fast", "--clock must be a number of MHz with at most six decimals, not 'fast'"),
        ("--core wide --clock nan", "--clock must be a number of MHz with at most six decimals, not 'nan'"),
        ("--core wide --clock inf", "--clock must be a number of MHz with at most six decimals, not 'inf'"),
        ("--core wide --clock 0", "clock_hz must be 1 to 1000000000, not 0"),
    ],
)
def test_bad_options(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen(*arguments.split()) == (2, [])
    assert capsys.readouterr().err == f"error: {message}\n"
