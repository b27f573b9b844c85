"""What is built and shipped of the C library."""

from __future__ import annotations

import tomllib
from pathlib import Path

import host_c
from host_c.build import COMMON, KERNELS, LIBRARY, declarations, sources

FOLDER = Path(host_c.__file__).parent


def test_every_c_file_is_shipped() -> None:
    """An installed package builds its extension, and the kernels of a GPU, from these files."""
    text = (FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8")
    patterns = tomllib.loads(text)["tool"]["setuptools"]["package-data"]["host_c"]
    shipped = {path for pattern in patterns for path in FOLDER.glob(pattern)}
    sources_of = (".c", ".h", ".pyi", ".cpp", ".cu", ".cuh")
    assert {path for path in FOLDER.rglob("*") if path.suffix in sources_of} == shipped


def test_every_processor_has_the_generic_kernels_and_its_own() -> None:
    generic, x86, neon = sources(), sources(x86=True), sources(neon=True)
    assert {path.parent for path in generic} == {LIBRARY, KERNELS / "generic"}
    assert {path.parent for path in x86} - {path.parent for path in generic} == {KERNELS / "x86"}
    assert {path.parent for path in neon} - {path.parent for path in generic} == {KERNELS / "neon"}
    assert all(path.is_file() for path in (*x86, *neon))
    assert [path.name for path in generic[: len(COMMON)]] == list(COMMON)
    assert len({path.name for path in (*x86, *neon)}) == len({*x86, *neon})


def test_declarations_have_no_preprocessor_line_and_no_comment() -> None:
    text = declarations()
    assert "talos_model_load" in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("#") or "/*" in line]
