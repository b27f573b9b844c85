"""The AVX-512 kernels on any x86 processor, their instructions in C.

Lanes have the bits of single streams; `precise` and `folded` have those of the scalar kernel.
"""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from host_c.bench.emulator import Target, run_letters
from host_c.binding.model_file import write_model
from host_c.build import LIBRARY
from tests.helpers.emulated_avx512 import PRAGMAS, Emulation, emulate, without_pragmas
from tests.helpers.histories import HISTORIES, assert_same_histories
from tests.helpers.lanes import LANES, assert_same_logits, assert_same_names, lanes_file, lanes_flags
from tests.helpers.small_models import MODELS, small

X86 = platform.machine() in ("x86_64", "amd64")
TARGET = Target(name="emulated AVX-512", compiler=("gcc",), flags=(), emulator=())
TEMPERATURES = [0.0, 0.0625, 0.5, 0.7, 1.0, 16.0]
NAMES = 317
"""Neither a multiple of the lanes nor of a group."""


@pytest.fixture(scope="module")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> Emulation | None:
    """Return the kernels in C; None where not even the rest of x86's kernels can be built."""
    return emulate(tmp_path_factory.mktemp("emulated")) if X86 else None


@pytest.fixture(scope="module")
def letters(emulation: Emulation | None) -> Path | None:
    """Return the command line with them."""
    return build_letters(emulation) if emulation else None


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the models' files."""
    folder = tmp_path_factory.mktemp("models")
    return {name: write_model(model, folder / f"{name}.bin") for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def lanes(emulation: Emulation | None) -> Path | None:
    """Return the program of lanes.c with them."""
    return build_lanes(emulation) if emulation else None


@pytest.fixture(scope="module")
def histories(emulation: Emulation | None) -> Path | None:
    """Return the program of histories.c with them."""
    return build_histories(emulation) if emulation else None


def build_letters(emulation: Emulation) -> Path:
    return emulation.link(LIBRARY / "letters.c", emulation.folder / "letters")


def build_lanes(emulation: Emulation) -> Path:
    main = emulation.compile(LANES, emulation.folder / "lanes.o", lanes_flags("avx512"))
    return emulation.link(main, emulation.folder / "lanes", without=[lanes_file("avx512")])


def build_histories(emulation: Emulation) -> Path:
    return emulation.link(HISTORIES, emulation.folder / "histories")


def text(
    program: Path, model: Path, arithmetic: str, kernel: str, temperature: float, mode: str | None, names: int = NAMES
) -> str:
    """Return what the command line prints."""
    return run_letters(
        TARGET, program, model, arithmetic=arithmetic, kernel=kernel, seed=77, temperature=temperature, names=names,
        mode=mode,
    )  # fmt: skip


def assert_same_as_scalar(program: Path, model: Path, arithmetic: str, temperature: float) -> None:
    """Assert that names of one stream and of many, and the logits of steps, are those of the scalar kernel."""
    for mode in (None, "many", "steps"):
        ours, scalar = (text(program, model, arithmetic, kernel, temperature, mode) for kernel in ("avx512", "scalar"))
        assert len(scalar.splitlines()) >= NAMES
        assert ours == scalar, f"{arithmetic} {temperature} {mode}"


@pytest.mark.parametrize("which", MODELS)
def test_logits_in_lanes_are_those_of_single_streams(which: str, lanes: Path | None, models: dict[str, Path]) -> None:
    if lanes:
        assert_same_logits(lanes, models[which], MODELS[which].config)


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("arithmetic", ["float", "precise", "folded"])
def test_any_token_may_be_the_first(
    arithmetic: str, which: str, histories: Path | None, models: dict[str, Path]
) -> None:
    """The candidates among the hidden units are those of names that begin with BOS."""
    if histories:
        assert_same_histories(histories, models[which], MODELS[which].config, arithmetic, "avx512")


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("temperature", [0.0003, *TEMPERATURES])
def test_names_in_lanes_are_those_of_single_streams(
    which: str, temperature: float, lanes: Path | None, models: dict[str, Path]
) -> None:
    if lanes:
        assert_same_names(lanes, models[which], NAMES, temperature)


def test_weights_beyond_the_range_of_float(lanes: Path | None, tmp_path: Path) -> None:
    """Low temperatures, where some lanes of a vector overflow, some vanish and some do neither."""
    if not lanes:
        return
    for seed in range(40):
        model = write_model(small("abcdefgh"[: 1 + seed % 8], 9, seed), tmp_path / "model.bin")
        for temperature in (0.0005, 0.004, 0.02):
            assert_same_names(lanes, model, 40, temperature)


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("arithmetic", ["precise", "folded"])
def test_integers_are_those_of_the_scalar_kernel(
    arithmetic: str, temperature: float, which: str, letters: Path | None, models: dict[str, Path]
) -> None:
    if letters:
        assert_same_as_scalar(letters, models[which], arithmetic, temperature)


@pytest.mark.parametrize("arithmetic", ["precise", "folded"])
def test_integers_agree_for_many_names(arithmetic: str, letters: Path | None, models: dict[str, Path]) -> None:
    """A wrong rounding shows in a name of a thousand, most at a high temperature."""
    if not letters:
        return
    ours, scalar = (
        text(letters, models["shipped"], arithmetic, kernel, 16.0, "many", 10_000) for kernel in ("avx512", "scalar")
    )
    assert scalar.count("\n") == 10_001
    assert ours == scalar


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_float_is_near_the_scalar_kernel(
    temperature: float, which: str, letters: Path | None, models: dict[str, Path]
) -> None:
    """The same letters, and logits within 1e-5."""
    if not letters:
        return
    lines = [text(letters, models[which], "float", kernel, temperature, "steps") for kernel in ("avx512", "scalar")]
    ours, scalar = (np.array([line.split() for line in lines_of.splitlines()], float) for lines_of in lines)
    assert len(scalar) >= NAMES
    assert np.array_equal(ours[:, :2], scalar[:, :2])
    assert np.abs(ours - scalar).max() <= 1e-5


def test_another_order_of_a_sum_is_seen(emulation: Emulation | None, models: dict[str, Path], tmp_path: Path) -> None:
    if emulation is None:
        return
    ours, other = "sum4(t[0], t[2], t[1], t[3])", "sum4(t[0], t[1], t[2], t[3])"
    changed = emulation.changed(tmp_path, "fp32_avx512_lanes.c", ours, other)
    with pytest.raises(AssertionError, match=r"position \d+ logit \d+ must be"):
        assert_same_logits(build_lanes(changed), models["shipped"], MODELS["shipped"].config)


@pytest.mark.parametrize(
    ("arithmetic", "name", "old", "new"),
    [
        ("float", "fp32_avx512.c", "units->few && state->from_bos", "units->few"),
        ("folded", "folded_avx512.c", "state->from_bos ? units->count : 0", "units->count"),
    ],
    ids=["float", "folded"],
)
def test_a_unit_that_is_left_out_is_seen(
    arithmetic: str, name: str, old: str, new: str, emulation: Emulation | None, models: dict[str, Path], tmp_path: Path
) -> None:
    if emulation is None:
        return
    changed = emulation.changed(tmp_path, name, old, new, [name])
    with pytest.raises(AssertionError, match=r"position \d+ logit \d+ must be"):
        assert_same_histories(
            build_histories(changed), models["shipped"], MODELS["shipped"].config, arithmetic, "avx512"
        )


def test_another_mask_is_seen(emulation: Emulation | None, models: dict[str, Path], tmp_path: Path) -> None:
    if emulation is None:
        return
    changed = emulation.changed(tmp_path, "lanes_avx512.h", "r[i], 0x0F00", "r[i], 0x0E00", ["folded_avx512.c"])
    with pytest.raises(AssertionError, match=r"folded 0\.5 many"):
        assert_same_as_scalar(build_letters(changed), models["shipped"], "folded", 0.5)


def test_pragmas_of_the_kernels_are_known() -> None:
    assert without_pragmas("avx512.h", '_Pragma("GCC target(\\"a\\")") x' * 3) == " x" * 3
    for name, count in PRAGMAS.items():
        with pytest.raises(ValueError, match=rf"^{name} must have {count} pragmas of GCC, not 0$"):
            without_pragmas(name, "#pragma once\n")
    with pytest.raises(ValueError, match=r"^lanes_avx512\.h must have 0 pragmas of GCC, not 1$"):
        without_pragmas("lanes_avx512.h", '#pragma GCC target("avx512f")\n')
