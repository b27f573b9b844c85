"""RMSNorm's scale in C against the golden model: sums at the ends of every segment of its table and between them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from host_c.binding.model_file import write_model
from host_c.build import compile_program, sources
from talos_ref.golden.format import Format
from talos_ref.golden.rmsnorm import TableRmsNorm
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.processes import capture
from talos_ref.programs import find_program

SOURCE = Path(__file__).with_name("norm_scale.c")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("norm_scale") / "norm_scale"
    return compile_program([find_program("gcc")], [SOURCE, *sources()], out)


@pytest.mark.parametrize("n_embd", [8, 16, 24])
def test_every_segment_at_every_exponent(program: Path, n_embd: int, tmp_path: Path) -> None:
    config = ModelConfig(alphabet="ab", n_embd=n_embd, n_head=2)
    zeros = {name: np.zeros(shape, dtype=np.float32) for name, shape in config.shapes().items()}
    model = write_model(Checkpoint(config, zeros), tmp_path / "model.bin")
    norm = TableRmsNorm(n=n_embd, word=Format(width=16, fraction=12))
    sums = sums_of(norm, random.Random(n_embd))
    (tmp_path / "sums").write_text("\n".join(map(str, sums)))
    done = capture([str(program), str(model), str(tmp_path / "sums")])
    scales = [int(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(scales) == len(sums)
    for total, scale in zip(sums, scales, strict=True):
        assert scale == norm.scale_of_sum(total), f"n {n_embd} sum {total}"
    # Small vectors have the largest scale, and many others occur.
    assert scales[0] == norm.scale_format.high
    assert len(set(scales)) > 1000


def sums_of(norm: TableRmsNorm, rng: random.Random) -> list[int]:
    """Return sums of squares whose normalised numbers begin, end and lie in each segment."""
    table, sums = norm.table, []
    for shift in range(-table.input_bits, norm.sum_bits - table.input_bits + 1, 2):
        for segment in range(table.first, 1 << table.index_bits):
            first, last = segment << table.step_bits, (segment + 1 << table.step_bits) - 1
            for u in (first, first + 1, rng.randint(first, last), last):
                low = u << shift if shift >= 0 else u >> -shift
                high = (u + 1 << shift) - 1 if shift >= 0 else low
                sums += [low - norm.eps, high - norm.eps]
    return sorted({total for total in sums if 0 <= total <= norm.n * norm.word.low**2})
