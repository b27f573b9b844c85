"""golden/arithmetic.md is enough: ours, built again from its text in plain integers, give the same steps."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import talos_ref
from talos_ref.cli import main
from talos_ref.golden.arithmetic import arithmetic, folded, precise
from talos_ref.golden.constants import constants
from talos_ref.golden.format import FORMATS, Q4_12, Format
from talos_ref.golden.generate import steps
from talos_ref.golden.integer_model import IntegerModel
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT

PAGE = (Path(talos_ref.__file__).parent / "golden" / "arithmetic.md").read_text()

Vector = list[int]
Matrix = list[list[int]]


def rnd(v: int, n: int) -> int:
    return (v + (1 << (n - 1))) >> n if n else v


def clip(v: int, bits: int) -> int:
    return min(max(v, -(1 << (bits - 1))), (1 << (bits - 1)) - 1)


FORMAT_NUMBERS = {16: (13, 2), 17: (13, 2), 18: (12, 1), 19: (11, 0)}


class Table:
    def __init__(
        self, f: Callable[[float], float], index_bits: int, step_bits: int, first: int, output_bits: int
    ) -> None:
        self.step_bits, self.first, self.limit = step_bits, first, (1 << output_bits) - 1
        self.lines = []
        segments = 1 << index_bits
        for i in range(first, segments):
            left, middle, right = f(i / segments), f((i + 0.5) / segments), f((i + 1) / segments)
            base = round((left + (middle - (left + right) / 2) / 2) * 2**16)
            self.lines.append([base, round((right - left) * 2**16)])

    def __call__(self, u: int) -> int:
        base, slope = self.lines[(u >> self.step_bits) - self.first]
        return min(base + rnd(slope * (u % (1 << self.step_bits)), self.step_bits), self.limit)


class Page:
    """The section `precise`, function by function under the names it uses."""

    def __init__(self, weights: dict[str, Matrix], n: int, heads: int, layers: int, bits: int = 16) -> None:
        self.w, self.n, self.d, self.layers, self.b = weights, n, n // heads, layers, bits
        self.f, self.g = FORMAT_NUMBERS[bits]
        self.r = math.floor(math.log2(math.sqrt(n)))
        c = math.sqrt(n) / 2**self.r
        self.exp2 = Table(lambda u: 2.0**u, 5, 7, 0, 17)
        self.rsqrt = Table(lambda u: c / math.sqrt(u), 8, 8, 64, 17 if c == 1 else 18)
        self.reciprocal = Table(lambda u: 1 / u, 8, 8, 128, 17)
        self.eps = round(n * 1e-5 * 2**24)
        self.query_scale = round(math.log2(math.e) / math.sqrt(self.d) * 2**13)
        self.inv_low, self.inv_high = (round(math.log2(math.e) * 2**bits) for bits in (20, 24))
        head, fc2 = weights["lm_head"], weights[f"layer{layers - 1}.fc2"]
        columns = [list(column) for column in zip(*fc2, strict=True)]
        self.folded = [[self.sat(rnd(total, 12)) for total in self.times(columns, row)] for row in head]

    def constants(self) -> dict[str, Matrix]:
        return {"folded": self.folded}

    def sat(self, v: int) -> int:
        return clip(v, self.b)

    @staticmethod
    def times(matrix: Matrix, x: Vector) -> Vector:
        return [sum(a * b for a, b in zip(row, x, strict=True)) for row in matrix]

    def scale(self, x: Vector) -> int:
        m = sum(v * v for v in x) + self.eps
        e = (m.bit_length() + 1) // 2
        if e < 9 + self.r:
            return 131071
        return min(rnd(self.rsqrt(m >> (2 * e - 16)), e - 9 - self.r), 131071)

    def norm(self, x: Vector) -> Vector:
        s = self.scale(x)
        return [self.sat(rnd(v * s, 13)) for v in x]

    def linear(self, name: str, x: Vector) -> Vector:
        return [self.sat(rnd(total, 12)) for total in self.times(self.w[name], x)]

    def wide(self, t: int) -> int:
        return clip(rnd(t, 24 - self.f), self.f + self.b - 11)

    def scaled(self, t: int, s: int, a: int) -> int:
        return self.sat(rnd(self.wide(t) * s + a * 2 ** (self.f - 11), self.f + 1))

    def weights(self, t: Vector) -> Vector:
        top = max(v >> 12 for v in t)
        return [self.exp2(v % 4096) >> min(top - (v >> 12), 31) for v in t]

    def mean(self, numerator: int, total: int) -> int:
        e = total.bit_length() - 16
        return self.sat(rnd((numerator >> (e + 16 - self.g)) * self.reciprocal(total >> e), 16 + self.g))

    def attend(self, q: Vector, keys: Matrix, values: Matrix) -> Vector:
        out = []
        for first in range(0, self.n, self.d):
            lanes = range(first, first + self.d)
            w = self.weights([rnd(sum(q[i] * key[i] for i in lanes), 12) for key in keys])
            out += [self.mean(sum(a * v[i] for a, v in zip(w, values, strict=True)), sum(w)) for i in lanes]
        return out

    def step(self, token: int, pos: int, cache: list[tuple[Matrix, Matrix]]) -> Vector:
        def add(a: Vector, b: Vector) -> Vector:
            return [self.sat(u + v) for u, v in zip(a, b, strict=True)]

        x = self.norm(add(self.w["wte"][token], self.w["wpe"][pos]))
        for layer in range(self.layers):
            at = f"layer{layer}."
            m = self.norm(x)
            keys, values = cache[layer]
            keys.append(self.linear(at + "wk", m))
            values.append(self.linear(at + "wv", m))
            q = [self.scaled(total, self.query_scale, 0) for total in self.times(self.w[at + "wq"], m)]
            out = self.attend(q, keys, values)
            x = add(x, self.linear(at + "wo", out))
            h = [max(v, 0) for v in self.linear(at + "fc1", x)]
            s = self.scale(x)
            if layer < self.layers - 1:
                x = add(x, [self.scaled(total, s, 0) for total in self.times(self.w[at + "fc2"], h)])
        addends = self.times(self.w["lm_head"], x)
        return [self.scaled(t, s, a) for t, a in zip(self.times(self.folded, h), addends, strict=True)]

    def draw(self, logits: Vector, temperature: int, rng: int) -> int:
        inverse, shift = self.inv_low, 12
        if temperature >= 256:
            inverse, shift = self.inv_high, 16
        inverse = (inverse + temperature // 2) // temperature
        w = self.weights([rnd(logit * inverse, shift) for logit in logits])
        cut = (rng % 2**24 * sum(w)) >> 24
        running = 0
        for token, weight in enumerate(w):
            running += weight
            if running > cut:
                return token
        raise AssertionError("the cut lies below the sum")

    def name(self, seed: int, temperature: int, bos: int, limit: int) -> list[tuple[int, int, int, Vector]]:
        rng, token, cache = seed, bos, [(list[Vector](), list[Vector]()) for _ in range(self.layers)]
        rows = []
        for pos in range(limit):
            logits = self.step(token, pos, cache)
            if temperature == 0:
                drawn = logits.index(max(logits))
            else:
                rng ^= rng << 13 & 0xFFFFFFFF
                rng ^= rng >> 17
                rng ^= rng << 5 & 0xFFFFFFFF
                drawn = self.draw(logits, temperature, rng)
            rows.append((token, drawn, rng, logits))
            token = drawn
            if token == bos:
                break
        return rows


class FoldedPage(Page):
    """The section `folded`, on the functions of `precise`."""

    def __init__(self, weights: dict[str, Matrix], n: int, heads: int, layers: int, bits: int = 16) -> None:
        super().__init__(weights, n, heads, layers, bits)
        self.logit = Page(weights, n, heads, layers, bits + 1)
        columns = [list(column) for column in zip(*weights["layer0.wo"], strict=True)]
        self.fc1_wo, self.lm_head_wo = (
            [[self.sat(rnd(total, 12)) for total in self.times(columns, row)] for row in weights[name]]
            for name in ("layer0.fc1", "lm_head")
        )
        self.offset, self.lines = [], []
        for octave in range(64):
            half, e = divmod(octave, 32)
            first, rise = zip(*(self.line(half, e, k) for k in range(8)), strict=True)
            self.offset.append(round(first[0]))
            self.lines += [[round(a) - round(first[0]), b] for a, b in zip(first, rise, strict=True)]

    @staticmethod
    def line(half: int, e: int, k: int) -> tuple[float, int]:
        def g(q: float) -> float:
            w = (1 + (1 - q if half == 1 else q)) / 2 ** (e + 2)
            return 2**12 * -math.log(-(math.log1p(-w) if half == 1 else math.log(w)))

        start, m, end = g(k / 8), g((k + 0.5) / 8), g((k + 1) / 8)
        rise = round((end - start) / 4)
        return (start + 4 * m + end) / 6 - 4 * rise * (1 / 2 - 1 / 2048), rise

    def constants(self) -> dict[str, Matrix]:
        return super().constants() | {"fc1_wo": self.fc1_wo, "lm_head_wo": self.lm_head_wo}

    def step(self, token: int, pos: int, cache: list[tuple[Matrix, Matrix]]) -> Vector:
        x = self.norm([self.sat(u + v) for u, v in zip(self.w["wte"][token], self.w["wpe"][pos], strict=True)])
        m = self.norm(x)
        keys, values = cache[0]
        keys.append(self.linear("layer0.wk", m))
        values.append(self.linear("layer0.wv", m))
        a = self.attend([self.scaled(t, self.query_scale, 0) for t in self.times(self.w["layer0.wq"], m)], keys, values)
        f1, direct = self.linear("layer0.fc1", x), self.linear("lm_head", x)
        h = [max(self.sat(rnd(t + f * 2**12, 12)), 0) for t, f in zip(self.times(self.fc1_wo, a), f1, strict=True)]
        s = self.scale([self.sat(u + v) for u, v in zip(x, self.linear("layer0.wo", a), strict=True)])
        logits = []
        for t, u, c in zip(self.times(self.folded, h), self.times(self.lm_head_wo, a), direct, strict=True):
            logits.append(self.logit.scaled(t, s, u + c * 2**12))
        return logits

    @staticmethod
    def bits(rng: int, i: int) -> int:
        z = (rng + i * 0x9E3779B9) % 2**32
        z = z ^ (z >> 11)
        z = (z + (z << 14) + (z << 19)) % 2**32
        z = z ^ (z >> 12)
        z = (z + (z << 4) + (z << 8)) % 2**32
        z = z ^ (z >> 13)
        z = (z + (z << 11) + (z << 18)) % 2**32
        return z ^ (z >> 16)

    def noise(self, z: int) -> int:
        half = z >> 31
        v = 2 * ((2**32 - 1 - z if half else z) % 2**31) + 1
        e = 32 - v.bit_length()
        p = (v * 2**e % 2**31) // 2**18
        if half:
            p = 8191 - p
        base, rise = self.lines[256 * half + 8 * e + (p >> 10)]
        start: int = self.offset[32 * half + e] + base
        return start + rnd(rise * (p % 1024), 8)

    def draw(self, logits: Vector, temperature: int, rng: int) -> int:
        keys = [v * 2**4 + rnd(temperature * self.noise(self.bits(rng, i)), 4) for i, v in enumerate(logits)]
        return keys.index(max(keys))


def words(checkpoint: Checkpoint, bits: int = 16) -> dict[str, Matrix]:
    """As the page has them: sat(round_half_even(w · 4096))."""
    return {
        name: [[clip(round(float(v) * 4096), bits) for v in row] for row in tensor]
        for name, tensor in checkpoint.tensors.items()
    }


PAGES = {"precise": Page, "folded": FoldedPage}


def assert_same_steps(
    name: str, checkpoint: Checkpoint, seeds: range, temperature: int, word: Format = Q4_12
) -> None:
    config = checkpoint.config
    page = PAGES[name](words(checkpoint, word.width), config.n_embd, config.n_head, config.n_layer, word.width)
    model = IntegerModel(checkpoint, arithmetic(name, config, word))
    for constant, expected in page.constants().items():
        assert expected == model.tensors[constant], constant
    for seed in seeds:
        expected_steps = page.name(seed, temperature, config.bos, config.max_letters)
        trace = steps(model, seed=seed, temperature=temperature)
        actual = [(step.token_in, step.token_out, step.rng, list(step.logits)) for step in trace]
        for pos, (a, b) in enumerate(zip(actual, expected_steps, strict=False)):
            assert a == b, f"seed {seed}, step {pos}"
        assert len(actual) == len(expected_steps)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("temperature", [0, 16, 77, 128, 255, 256, 300, 512, 4096])
def test_steps_of_the_published_model(checkpoint: Checkpoint, name: str, temperature: int) -> None:
    assert_same_steps(name, checkpoint, range(500, 512), temperature)


def test_steps_of_another_model(small_checkpoint: Checkpoint) -> None:
    assert_same_steps("precise", small_checkpoint, range(1, 40), 256)


@pytest.mark.parametrize("word", FORMATS, ids=str)
@pytest.mark.parametrize("factor", [1, 7, 40])
def test_steps_of_every_word(small_checkpoint: Checkpoint, word: Format, factor: int) -> None:
    """Weights that fit, that clip in the narrower words, and that clip in all; two layers, and one of them."""
    tensors = {name: tensor * np.float32(factor) for name, tensor in small_checkpoint.tensors.items()}
    assert_same_steps("precise", Checkpoint(small_checkpoint.config, tensors), range(1, 10), 256, word)
    config = replace(small_checkpoint.config, n_layer=1)
    kept = {name: tensors[name] for name in config.shapes()}
    assert_same_steps("folded", Checkpoint(config, kept), range(1, 10), 256, word)


@pytest.mark.parametrize("word", FORMATS, ids=str)
def test_scale_scaled_and_mean_of_all_magnitudes(checkpoint: Checkpoint, word: Format) -> None:
    spec = precise(checkpoint.config, word)
    assert spec.scaled_linear is not None
    page = Page(words(checkpoint, word.width), 16, 4, 1, word.width)
    rng = np.random.default_rng(8)
    low, high = word.low, word.high + 1
    for _ in range(2000):
        x = (rng.integers(low, high, 16) >> rng.integers(0, word.width)).tolist()
        assert page.scale(x) == spec.rmsnorm.scale(x)
        total = int(rng.integers(65534, 16 * 131071))
        numerator = int(rng.integers(low, high)) * total + int(rng.integers(0, total))
        assert page.mean(numerator, total) == spec.attention.divide.compute(numerator, total)
        sums = rng.integers(low << 20, high << 20, 2) >> rng.integers(0, 30, 2)
        t, s, a = int(sums[0]), int(rng.integers(0, 1 << 17)), int(sums[1])
        assert page.scaled(t, s, a) == spec.scaled_linear.requantise(t, s, a)


def test_numbers_of_every_word() -> None:
    """The page's table of formats, row by row."""
    row = r"^\| (Q\d\.12) \| (\d+) \| (−\d+) \.\. .* \| (\d+) \| (Q\d\.\d+) \| (\d) \|$"
    found = re.findall(row, PAGE, re.MULTILINE)
    expected = []
    for word in FORMATS:
        values = constants(precise(MICROGPT, word))
        fraction = values["wide"].split(".")[1]
        low = str(word.low >> 12).replace("-", "−")
        expected.append((values["word"], str(word.width), low, fraction, values["wide"], str(values["guard"])))
    assert found == expected


def test_digests_of_the_page(checkpoint: Checkpoint) -> None:
    page = Page(words(checkpoint), 16, 4, 1)
    for name in ("exp2", "rsqrt", "reciprocal"):
        (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
        lines = getattr(page, name).lines
        assert hashlib.sha256(json.dumps(lines).encode()).hexdigest() in row
        assert lines == constants(precise(checkpoint.config))[name]["lines"]


def test_noise_of_the_page(checkpoint: Checkpoint) -> None:
    page, values = FoldedPage(words(checkpoint), 16, 4, 1), constants(folded(checkpoint.config))
    assert (page.lines, page.offset) == (values["gumbel"]["lines"], values["gumbel_offsets"])
    for part in (page.lines, page.offset):
        assert f"`{hashlib.sha256(json.dumps(part).encode()).hexdigest()}`" in PAGE


def test_constants_of_the_page(checkpoint: Checkpoint) -> None:
    page, values = Page(words(checkpoint), 16, 4, 1), constants(precise(checkpoint.config))
    found = re.findall(r"^    (\w+) += round\(.*\)  +(\d+)\b", PAGE, re.MULTILINE)
    quoted = {name: int(value) for name, value in found}
    assert quoted == {
        "eps": values["eps"],
        "query_scale": values["query_scale"],
        "inv_low": values["inverse_numerator_below_one"],
        "inv_high": values["inverse_numerator_from_one"],
    }
    assert quoted == {name: getattr(page, name) for name in quoted}


def test_figures_of_the_page(names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names[:500]))
    assert main(["quality", "--names", str(path), "--json"]) == 0
    for line in capsys.readouterr().out.splitlines():
        row: dict[str, Any] = json.loads(line)
        name = f"`{row['arithmetic']}`" + (r" \(float64\)" if row["arithmetic"] == "float" else "")
        (quoted,) = re.findall(rf"^\| {name} \|(.* \|.* \|.* \|.*) \|$", PAGE, re.MULTILINE)
        nll, kl, sampled, impossible, wrapped = (cell.strip() for cell in quoted.split("|"))
        assert nll == f"{row['nll']:.6f}"
        assert kl == (f"{row['kl']:.1e}" if row["kl"] else "0")
        assert sampled == f"{row['sampled_nll']:.4f}"
        assert impossible == str(row.get("impossible", 0))
        assert wrapped == (f"{100 * row['wrapped_share']:.1f} %" if "wrapped_share" in row else "")
