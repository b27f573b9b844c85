# amaranth: UnusedElaboratable=no
"""RMSNorm against the golden model; the scale of ``talos-v2`` over every mean square there is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from cosim.engine.compile import compile_verilog
from cosim.engine.run import run
from cosim.engine.simulators import Simulator
from hdl.units.rmsnorm import RmsNorm
from hdl.units.root_scale import RootScale
from hdl.units.table_scale import TableScale
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.format import Q4_12, Q5_12, Q6_12, Format, Rounding
from talos_ref.golden.rmsnorm import RmsNorm as RmsNormSpec
from talos_ref.golden.rmsnorm import RootRmsNorm, TableRmsNorm
from talos_ref.model.config import MICROGPT
from tests.helpers.streams import assert_equal, latencies, seed, transfer

BUILD = Path(__file__).resolve().parents[3] / "build" / "test" / "root_scale"
BATCH = 64
NEAREST = replace(Q4_12, rounding=Rounding.NEAREST)
SPECS: dict[str, RmsNormSpec] = {
    "root16": RootRmsNorm(n=16, word=Q4_12),
    "root4": RootRmsNorm(n=4, word=Q4_12),
    "table16": TableRmsNorm(n=16, word=NEAREST),
    "table24": TableRmsNorm(n=24, word=NEAREST),
    "table8-Q5.12": TableRmsNorm(n=8, word=replace(Q5_12, rounding=Rounding.NEAREST)),
    "table6-Q6.12": TableRmsNorm(n=6, word=replace(Q6_12, rounding=Rounding.NEAREST)),
}


def vectors(n: int, draw: random.Random, word: Format = Q4_12) -> list[list[int]]:
    """Zeros, extremes, single elements, and random vectors of all magnitudes."""
    low, high = word.low, word.high
    cases = [[0] * n, [low] * n, [high] * n, [low, high] * (n // 2), [1] * n]
    cases += [[0] * (n - 1) + [low], [64] + [0] * (n - 1)]
    for bits in range(word.width):
        cases += [[draw.randint(-(1 << bits), (1 << bits) - 1) for _ in range(n)] for _ in range(6)]
    return cases


def ref_rmsnorm(spec: RmsNormSpec, x: Sequence[int]) -> tuple[int, list[int]]:
    """Scale and scaled vector, as ``Arithmetic.normalise`` makes them."""
    scale = spec.scale(x)
    return scale, [spec.word.requantise(v * scale, spec.word.fraction + spec.scale_format.fraction) for v in x]


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("stalling", [False, True])
def test_vectors(name: str, stalling: bool) -> None:
    draw = random.Random(seed())
    spec = SPECS[name]
    cases = vectors(spec.n, draw, spec.word)
    actual = transfer(
        RmsNorm(spec), [{"x": x} for x in cases], lambda o: (o.scale, list(o.y)), stalls=draw if stalling else None
    )
    assert_equal(actual, [ref_rmsnorm(spec, x) for x in cases], cases)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("stalling", [False, True])
def test_scale_alone(name: str, stalling: bool) -> None:
    draw = random.Random(seed())
    spec = SPECS[name]
    cases = vectors(spec.n, draw, spec.word)
    component = RmsNorm(spec, normalise=False)
    actual = transfer(component, [{"x": x} for x in cases], lambda o: o.scale, stalls=draw if stalling else None)
    assert_equal(actual, [spec.scale(x) for x in cases], cases)


@pytest.mark.parametrize("name", ["talos-v2", "precise"])
def test_arithmetic(name: str) -> None:
    draw = random.Random(seed())
    golden = arithmetic(name, MICROGPT)
    cases = vectors(MICROGPT.n_embd, draw)
    actual = transfer(RmsNorm(golden.rmsnorm), [{"x": x} for x in cases], lambda o: list(o.y))
    assert_equal(actual, [golden.normalise(x) for x in cases], cases)


@pytest.mark.parametrize(
    ("name", "normalise", "cycles"),
    [("root16", True, 15), ("root16", False, 13), ("table16", True, 6), ("table16", False, 4)],
)
def test_latency(name: str, normalise: bool, cycles: int) -> None:
    spec = SPECS[name]
    component = RmsNorm(spec, normalise)
    assert cycles == component.LATENCY
    cases: list[Any] = [{"x": x} for x in vectors(spec.n, random.Random(1))[:20]]
    spans, periods = latencies(component, cases)
    assert set(spans) == {cycles}
    assert set(periods) == {cycles}


@pytest.mark.parametrize("stalling", [False, True])
@pytest.mark.parametrize("name", ["table16", "table6-Q6.12"])
def test_table_scale(name: str, stalling: bool) -> None:
    # Around every change of the exponent, and anywhere.
    draw = random.Random(seed())
    spec = SPECS[name]
    assert isinstance(spec, TableRmsNorm)
    top = spec.n * spec.word.low**2
    totals = [0, 1, top, top - 1]
    for bits in range(1, spec.sum_bits):
        totals += [min(max((1 << bits) + near - spec.eps, 0), top) for near in (-1, 0, 1)]
        totals += [draw.randrange(1 << (bits - 1), min(1 << bits, top)) for _ in range(40)]
    payloads = [total + spec.eps for total in totals]
    actual = transfer(TableScale(spec), payloads, stalls=draw if stalling else None)
    assert_equal(actual, [spec.scale_of_sum(total) for total in totals], totals)
    spans, periods = latencies(TableScale(spec), payloads[:20])
    assert set(spans) == {TableScale.LATENCY}
    assert set(periods) == {1}


def test_root_scale_stalls() -> None:
    draw = random.Random(seed())
    spec = RootRmsNorm(n=16, word=Q4_12)
    means = [1, spec.max_mean_square, *(draw.randint(1, 1 << draw.randint(1, 18)) for _ in range(100))]
    component = RootScale(spec, 3)
    actual = transfer(component, means, stalls=draw)
    assert_equal(actual, [spec.scale_of_mean(mean) for mean in means], means)
    spans, _ = latencies(RootScale(spec, 3), [5])
    assert spans == [component.LATENCY]


class Sweep(wiring.Component):
    """Feeds every mean square from 1 on and shows ``BATCH`` scales at a time; ``parity`` changes with each batch."""

    def __init__(self, spec: RootRmsNorm) -> None:
        self.spec = spec
        super().__init__({"scales": Out(data.ArrayLayout(spec.scale_format.width, BATCH)), "parity": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.scale = scale = RootScale(self.spec, 3)
        mean, place = Signal(scale.mean_width, init=1), Signal(range(BATCH))
        m.d.comb += [scale.i.valid.eq(1), scale.i.payload.eq(mean), scale.o.ready.eq(1)]
        with m.If(scale.i.ready):
            m.d.sync += mean.eq(mean + 1)
        with m.If(scale.o.valid):
            m.d.sync += [self.scales[place].eq(scale.o.payload), place.eq(place + 1)]
            m.d.sync += self.parity.eq(self.parity ^ (place == BATCH - 1))
        return m


def test_every_root_scale(tmp_path: Path) -> None:
    spec = RootRmsNorm(n=16, word=Q4_12)
    source = tmp_path / "sweep.v"
    source.write_text(verilog.convert(Sweep(spec), name="sweep", emit_src=False))
    lines: list[str] = []
    env = {"BATCH": str(BATCH)}
    bench = "tests.helpers.bench_root_scale"
    model = compile_verilog(Simulator.VERILATOR, [source], "sweep", BUILD)
    run(model, bench, tmp_path / "run", env=env, on_line=lines.append)
    assert f"scales {spec.max_mean_square}" in lines


def test_refusals() -> None:
    with pytest.raises(TypeError, match=r"^spec must be one of RootRmsNorm, TableRmsNorm, not 16$"):
        RmsNorm(16)  # type: ignore[arg-type]
