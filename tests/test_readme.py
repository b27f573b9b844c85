"""The pages are true: the commands that they quote print what they say, and what they point at is there."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md",)
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A code block of a page: its commands in order, each with what the page says that it prints."""

    page: str
    commands: tuple[tuple[str, str], ...]


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page whose first line begins with ``$``."""
    found = []
    for text in re.findall(r"^```\n(\$ .*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S):
        parts = (part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.M)[1:])
        found.append(Block(page, tuple((command, printed) for command, _, printed in parts)))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}: {block.commands[-1][0][:50]}")
def test_quoted_commands_print_what_the_page_says(block: Block, tmp_path: Path, names: list[str]) -> None:
    assert names
    # The reader's `python` is the one of this environment.
    programs, folder = tmp_path / "bin", tmp_path / "folder"
    programs.mkdir()
    folder.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    for command, printed in block.commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.stdout == printed


def test_the_pages_quote_commands() -> None:
    assert len(BLOCKS) >= 3
    assert any("talos_ref generate" in command for block in BLOCKS for command, _ in block.commands)


def test_the_python_examples_are_right() -> None:
    examples = doctest.DocTestParser().get_doctest(PAGE.replace("\n```", "\n\n"), {}, "README.md", "README.md", 0)
    assert len(examples.examples) >= 4
    result = doctest.DocTestRunner(verbose=False).run(examples)
    assert result.failed == 0


def test_what_the_pages_point_at_is_there() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for path in re.findall(r"`((?:talos_ref|hdl|cosim|host_c|weights|tests)/[\w/.]*)`", text):
            assert (ROOT / path).exists(), f"{page} points at {path}"
        for path in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (ROOT / path).exists(), f"{page} links to {path}"


def test_the_targets_are_makes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for target in re.findall(r"`make ([a-z-]+)", PAGE):
        assert target in targets, f"README.md names make {target}"


def test_the_first_screen() -> None:
    """A picture, a number, two commands and a name come within the first 25 lines; the number is right."""
    first = "\n".join(PAGE.splitlines()[:25])
    for part in ("![", "make sim", "make test", '"text": "aarin"'):
        assert part in first
    times = re.search(r"\*\*(\d+) × \[TALOS-V2\].*?: ([\d,]+) steps a second .*? makes ([\d,]+) ", first, re.S)
    assert times is not None
    assert int(times[1]) == int(times[2].replace(",", "")) // int(times[3].replace(",", ""))
