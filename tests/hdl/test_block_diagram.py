"""The block diagram: every arrow is a way through the core's wires, and the committed picture is of today's core."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from amaranth.back import rtlil

from hdl.block_diagram import Arrow, arrows_of, block_diagram, blocks_of
from hdl.core.core import Core
from hdl.core.cores import core_config
from hdl.design import Design
from talos_ref.model.config import ModelConfig
from tests.helpers.core_bench import random_checkpoint
from tests.helpers.designs import design_of, published

ROOT = Path(__file__).resolve().parents[2]
PORTS = {"request": "in", "result": "out"}
"""Boxes that are ports of the core: names of wires that begin so."""

Ways = dict[str, set[str]]


SMALL = ModelConfig(alphabet="abc", block_size=8, n_embd=4, n_head=1, mlp_dim=8)
"""A model whose circuit is small: what is connected to what does not depend on it."""


@cache
def small(name: str) -> Design:
    """Return a named core with the small model."""
    return design_of(core_config(name, SMALL), random_checkpoint(SMALL, 1))


@cache
def ways(name: str) -> Ways:
    """Return unit or port -> units and ports that its outputs reach, through wires and cells of the core's own level.

    Amaranth writes that level as connections, primitive cells, processes, and cells of the units. A wire drives what is
    on the left of a statement that it is on the right of.
    """
    text = rtlil.convert(Core(small(name)), name=name, emit_src=False)
    modules = dict(re.findall(r"^module \\(\S+)\n(.*?)^end\n", text, re.M | re.S))
    drives: dict[str, set[str]] = defaultdict(set)
    starts: dict[str, set[str]] = defaultdict(set)
    ends: dict[str, set[str]] = defaultdict(set)
    body = modules[name]
    for kind, instance, lines in re.findall(r"^  cell (\S+) (\S+)\n(.*?)^  end\n", body, re.M | re.S):
        pins = re.findall(r"connect (\S+) (.*)", lines)
        if kind.startswith("\\"):
            # Where a wire has the name of a unit already, Amaranth adds a number to the latter.
            unit, inside = instance.removeprefix("\\").split("$")[0], modules[kind.removeprefix("\\")]
            outputs = set(re.findall(r"^  wire .*\boutput \d+ .*?(\S+)$", inside, re.M))
            for pin, expression in pins:
                target = starts if pin in outputs else ends
                target[unit] |= wires(expression)
        else:
            into = set().union(*(wires(e) for pin, e in pins if pin not in ("\\Y", "\\Q")))
            for pin, expression in pins:
                if pin in ("\\Y", "\\Q"):
                    for wire in into:
                        drives[wire] |= wires(expression)
    for process in re.findall(r"^  process .*?\n(.*?)^  end\n", body, re.M | re.S):
        assigned = [re.match(r"\s*assign (.*)", line) for line in process.splitlines()]
        chosen = set().union(*(wires(e) for e in re.findall(r"switch (.*)", process)), set())
        for match in filter(None, assigned):
            left, right = split(match[1])
            for wire in right | chosen:
                drives[wire] |= left
    for line in re.findall(r"^  connect (.*)$", body, re.M):
        left, right = split(line)
        for wire in right:
            drives[wire] |= left
    for port in re.findall(r"^  wire .*\b(?:input|output) \d+ .*?(\S+)$", body, re.M):
        for box, direction in PORTS.items():
            if port.startswith(f"\\{box}__"):
                (starts if direction == "in" else ends)[box].add(port)
    found: Ways = {}
    for unit, wave in starts.items():
        seen, front = set(wave), list(wave)
        while front:
            for wire in drives[front.pop()] - seen:
                seen.add(wire)
                front.append(wire)
        found[unit] = {other for other, pins in ends.items() if pins & seen}
    return found


def wires(expression: str) -> set[str]:
    return set(re.findall(r"(?<![\w'])([\\$][^\s{}]+)", re.sub(r"\[[\d:]+\]", " ", expression)))


def split(statement: str) -> tuple[set[str], set[str]]:
    """Return the wires of the first and of the second expression."""
    statement = re.sub(r" \[[\d:]+\]", "", statement)
    if statement.startswith("{"):
        end = statement.index("}") + 1
        return wires(statement[:end]), wires(statement[end:])
    left, right = statement.split(" ", 1)
    return wires(left), wires(right)


@pytest.mark.parametrize("name", ["tile16", "wide", "fused"])
def test_every_arrow_is_a_way_through_the_core(name: str) -> None:
    core = Core(small(name))
    units = {block.unit for block in blocks_of(core)}
    assert units - set(PORTS) <= set(core.units.named)
    for arrow in arrows_of(core):
        assert arrow.target in ways(name)[arrow.source], f"{name}: nothing passes along {arrow}"
        if arrow.both:
            assert arrow.source in ways(name)[arrow.target], f"{name}: nothing passes back along {arrow}"
        assert {arrow.source, arrow.target} <= units


def test_an_arrow_can_be_wrong() -> None:
    for arrow in (Arrow("weights", "sampler", ""), Arrow("tile", "embedding", ""), Arrow("head", "weights", "")):
        assert arrow.target not in ways("fused")[arrow.source]


def test_the_readme_shows_todays_core() -> None:
    """If not: `python -m hdl diagram --core fused --out hdl/fused.svg`."""
    assert (ROOT / "hdl" / "fused.svg").read_text(encoding="utf-8") == block_diagram(published("fused"))


def test_the_numbers_are_the_designs() -> None:
    root = ElementTree.fromstring(block_diagram(published("tile16")))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for text in ("tile16: talos-v2 arithmetic, words of Q4.12, 56.25 MHz", "16 × 1 multipliers", "27 × 16 rows"):
        assert text in texts
    assert "sparse head" not in texts
