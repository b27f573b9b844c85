"""What a visitor chooses among: lists of words, a checkpoint each, and the cores of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdl.design import DESIGN_FILE, Design
from hdl.options import Choice, several_designs
from talos_ref.model.checkpoint import DEFAULT_PATH, weights_path

__all__ = ["COMMITTED", "Words", "choose"]

COMMITTED = {
    DEFAULT_PATH.name: ("names", "learnt from 32,033 given names"),
    "minerals.npz": ("minerals", "learnt from 678 minerals and gems"),
}
"""File of a committed checkpoint -> what its words are called, and where they are from. The first is the default."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The designs of one checkpoint."""

    name: str
    about: str
    """Where the words are from; empty where nothing is known of it."""
    designs: tuple[Design, ...]
    """The first is the one that a visitor sees first."""


def choose(cores: Sequence[str], choice: Choice, also: Sequence[str]) -> list[Words]:
    """Return the words of a page: those of the chosen designs, and those of the files ``also``.

    Each of the latter is a design.json, or a checkpoint, of which there is the fastest core. Where nothing is chosen,
    they are the other committed checkpoints.
    Says and raises as `hdl.options.several_designs`; ValueError, too, for a core of several streams, or a name that is
    there twice.
    """
    path = weights_path(choice.weights)
    nothing_chosen = not cores and choice == Choice() and path == DEFAULT_PATH
    others = [str(DEFAULT_PATH.with_name(name)) for name in COMMITTED][1:] if nothing_chosen and not also else also
    # The fastest core comes last in CORES.
    found = [_words(path if choice.design is None else Path(choice.design), several_designs(cores, choice)[::-1])]
    found += [_words(Path(file), [_chosen(file).resolve()]) for file in others]
    names = [words.name for words in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"checkpoints must have different names, not {twice[0]!r} twice; rename a file")
    for design in _designs(found):
        if design.core.streams > 1:
            raise ValueError(f"core must be one that makes one name at a time, not {design.name!r}")
    return found


def _words(file: Path, designs: Sequence[Design]) -> Words:
    # A design.json is in a folder that says what it is.
    name, about = (file.resolve().parent.name if file.name == DESIGN_FILE else file.stem), ""
    if file.parent == DEFAULT_PATH.parent:
        name, about = COMMITTED.get(file.name, (name, about))
    return Words(name=name, about=about, designs=tuple(designs))


def _chosen(file: str) -> Choice:
    return Choice(design=file) if Path(file).suffix == ".json" else Choice(weights=file)


def _designs(lists: Sequence[Words]) -> Iterator[Design]:
    for words in lists:
        yield from words.designs
