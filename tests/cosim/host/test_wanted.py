"""What a board has to hold by the options, and what a host says of a board that holds something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosim.host.errors import OtherBuild
from cosim.host.machine import Identity, identify
from cosim.host.wanted import check_identity, wanted_by
from hdl.build_note import BUILD_FILE, read_build, write_build
from hdl.design import Design
from hdl.options import Choice
from talos_ref.model.checkpoint import Checkpoint, save
from tests.helpers.designs import published, small_design
from tests.helpers.model_board import ModelBoard

FOLDER = r"--design FOLDER/design\.json of the Quartus folder that the board was programmed from"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALOS_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def korean() -> Design:
    """A design with seven syllables, seven positions and words of 17 bits."""
    return small_design("가나다라마바사")


@pytest.fixture
def tile16() -> Identity:
    return identify(ModelBoard())


def test_the_design_on_the_board(tile16: Identity) -> None:
    for choice in (Choice(), Choice(core="tile16")):
        assert check_identity(tile16, wanted_by(choice)) == (published("tile16"), None)
    assert check_identity(identify(ModelBoard("fused")), wanted_by(Choice())) == (published("fused"), None)


@pytest.mark.parametrize(
    ("field", "value", "core", "message"),
    [
        (
            "core", "other", None,
            rf"^the board's core must be one of tile16, wide, fused, barrel, not 'other'; give {FOLDER}$",
        ),
        (
            "core", "wide", "fused",
            rf"^the board's core must be fused, not wide; the board's arithmetic must be folded, not talos-v2; the "
            rf"board's format of logits must be Q5.12, not Q4.12: program it again, or give --weights FILE of its "
            rf"weights in place of the default checkpoint, or {FOLDER}$",
        ),
        ("arithmetic", "precise", None, r"^the board's arithmetic must be talos-v2, not precise: program it again, "),
    ],
)  # fmt: skip
def test_another_core(field: str, value: str, core: str | None, message: str, tile16: Identity) -> None:
    with pytest.raises(OtherBuild, match=message):
        check_identity(Identity(**{**vars(tile16), field: value}), wanted_by(Choice(core=core)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("vocab_size", 41, r"^the board's number of tokens must be 27, not 41: program it again, or give --weights "),
        ("block_size", 20, r"^the board's number of positions must be 16, not 20: program it again, "),
        ("word", "Q7.9", r"^the board's logits must be of Q4\.12, not of Q7\.9; program it again$"),
    ],
)  # fmt: skip
def test_another_model(field: str, value: object, message: str, tile16: Identity) -> None:
    with pytest.raises(OtherBuild, match=message):
        check_identity(Identity(**{**vars(tile16), field: value}), wanted_by(Choice()))


def test_the_format_is_the_boards_own() -> None:
    design, warning = check_identity(replace(identify(ModelBoard("wide")), word="Q5.12"), wanted_by(Choice()))
    assert str(design.word) == "Q5.12"
    assert warning is not None


def test_another_build_is_a_warning(tile16: Identity) -> None:
    design, warning = check_identity(replace(tile16, build=0xDEAD), wanted_by(Choice()))
    assert design == published("tile16")
    assert warning is not None
    assert warning.startswith("the board's build is 0000dead, not ")
    assert "which these sources make of the default checkpoint" in warning


def test_a_board_of_other_weights_says_which_options_to_give(korean: Design) -> None:
    """The default checkpoint has 26 letters and 16 positions, and that board's has not."""
    message = (
        rf"^the board's number of tokens must be 27, not 8; the board's number of positions must be 16, not 7: "
        rf"program it again, or give --weights FILE of its weights in place of the default checkpoint, or {FOLDER}$"
    )
    with pytest.raises(OtherBuild, match=message):
        check_identity(identify(ModelBoard(korean)), wanted_by(Choice()))


def test_weights_that_the_boards_core_cannot_have(
    tile16: Identity, small_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    path = save(small_checkpoint, tmp_path / "small.npz")
    found = replace(tile16, core="fused", arithmetic="precise", vocab_size=6, block_size=7)
    message = rf"^the board's core fused cannot be of {path} \(core must be wide for this model, not 'fused': n_lay"
    with pytest.raises(OtherBuild, match=message):
        check_identity(found, wanted_by(Choice(weights=str(path))))


def test_the_weights_of_the_board(korean: Design, tmp_path: Path) -> None:
    path = save(korean.checkpoint, tmp_path / "korean.npz")
    design, warning = check_identity(identify(ModelBoard(korean)), wanted_by(Choice(weights=str(path))))
    assert design.checkpoint.digest == korean.checkpoint.digest
    assert str(design.word) == "Q5.12"
    # The order of its hidden units is not that of `make_design`.
    assert warning is not None
    saved = korean.save(tmp_path)
    assert check_identity(identify(ModelBoard(korean)), wanted_by(Choice(design=str(saved)))) == (korean, None)


def test_a_folder_that_other_sources_wrote(tile16: Identity, tmp_path: Path) -> None:
    """Its note says what its board answers, so that the host knows that board in spite of newer sources."""
    path = published("tile16").save(tmp_path)
    write_build(tmp_path, published("tile16"))
    assert read_build(tmp_path / BUILD_FILE) == tile16.build
    (tmp_path / BUILD_FILE).write_text('{"build": "0000dead"}')
    expected = wanted_by(Choice(design=str(path)))
    _, warning = check_identity(replace(tile16, build=0xDEAD), expected)
    assert warning == (
        f"the board's build is 0000dead, not {tile16.build:08x}, which these sources make of {path}: "
        "it holds what that folder was made for, by other sources than these"
    )
    _, warning = check_identity(replace(tile16, build=0xBEEF), expected)
    assert warning is not None
    assert warning.endswith("its bits differ")
    (tmp_path / BUILD_FILE).write_text("[]")
    assert wanted_by(Choice(design=str(path))).folder_build is None
    with pytest.raises(ValueError, match=rf"^{tmp_path}/build\.json must be a note of a build, with its digits under"):
        read_build(tmp_path / BUILD_FILE)


def test_a_design_at_another_clock(tile16: Identity, tmp_path: Path) -> None:
    path = published("tile16").save(tmp_path)
    _, warning = check_identity(replace(tile16, clock_hz=50_000_000, build=1), wanted_by(Choice(design=str(path))))
    assert warning is not None
    assert warning.endswith(f"{path}: its clock is 50 MHz, not 56.25 MHz, or more differs")


def test_another_clock_is_the_boards_own(tile16: Identity) -> None:
    design, warning = check_identity(replace(tile16, clock_hz=50_000_000), wanted_by(Choice()))
    assert design.clock_hz == 50_000_000
    assert warning is not None


def test_a_design_file(tile16: Identity, tmp_path: Path) -> None:
    path = published("tile16").save(tmp_path)
    assert check_identity(tile16, wanted_by(Choice(design=str(path)))) == (published("tile16"), None)
    wide = published("wide").save(tmp_path / "wide")
    message = rf"^the board's core must be wide, not tile16; .*: program it with the folder of {wide}, or give --design"
    with pytest.raises(OtherBuild, match=message):
        check_identity(tile16, wanted_by(Choice(design=str(wide))))


def test_weights_by_option_and_by_variable(
    tile16: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(published("tile16").checkpoint, tmp_path / "a.npz")
    given = wanted_by(Choice(weights=str(path)))
    monkeypatch.setenv("TALOS_WEIGHTS", str(path))
    for expected in (given, wanted_by(Choice())):
        assert (expected.given, expected.origin) == (True, str(path))
        assert check_identity(tile16, expected) == (published("tile16"), None)
    with pytest.raises(OtherBuild, match=rf": program it again, give its weights in place of {path}, or give --desig"):
        check_identity(replace(tile16, arithmetic="precise"), given)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        wanted_by(Choice(design=str(tmp_path / "design.json")))
    with pytest.raises(ValueError, match=r"^--design must stand without --core: the file says what the design is$"):
        Choice(design="a", core="tile16")
