"""The quantisation study: every published figure to its digits, and the formats that ours adds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from talos_ref import studies
from talos_ref.baselines.published import QUANTISATION
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import MICROGPT
from talos_ref.studies.quant.forward import forward
from talos_ref.studies.quant.study import Row, quantisation_rows, row_names, single_precision_nll


@pytest.fixture(scope="module")
def rows(checkpoint: Checkpoint, names: list[str]) -> dict[str, Row]:
    found = list(quantisation_rows(checkpoint, names[:500], names[:600]))
    assert [row.format for row in found] == row_names(checkpoint)
    return {row.format: row for row in found}


@pytest.mark.parametrize("name", QUANTISATION)
def test_published_figures(rows: dict[str, Row], name: str) -> None:
    error, nll = QUANTISATION[name]
    assert round(rows[name].max_error, 5) == round(error, 5)
    assert f"{rows[name].nll:.4f}" == f"{nll:.4f}"
    # A running sum in single precision is off by no more than this.
    assert abs(rows[name].nll - rows[name].nll_exact) < 1e-5


def test_published_samples(rows: dict[str, Row]) -> None:
    assert rows["fp32"].samples == ["kana", "keelan", "alilan", "ariel", "cairi"]
    assert rows["int4"].samples != rows["fp32"].samples


def test_what_ours_adds(rows: dict[str, Row]) -> None:
    added = [name for name in rows if name not in QUANTISATION]
    assert {"Q4.12 precise", "Q5.12 precise", "Q6.12 precise", "Q4.12 talos-v2"} < set(added)
    for name in added:
        kind = "weights and activations" if name.startswith("int8") else "circuit"
        assert (rows[name].kind, rows[name].nll) == (kind, rows[name].nll_exact)
        assert rows[name].max_error == rows["int8" if name.startswith("int8") else "Q4.12"].max_error
        assert 0 < abs(rows[name].nll - rows["fp32"].nll_exact) < 2e-4
    assert f"{rows['Q4.12 precise'].nll:.6f} {rows['Q4.12 talos-v2'].nll:.6f}" == "2.263328 2.263310"
    by_vector, by_tensor = rows["int8, activations by vector"], rows["int8, activations by tensor"]
    assert f"{by_vector.nll:.5f} {by_tensor.nll:.5f}" == "2.26320 2.26339"


def test_the_page(rows: dict[str, Row]) -> None:
    page = (Path(studies.__file__).parent / "README.md").read_text(encoding="utf-8")
    lines = page.partition("$ python -m talos_ref quant\n")[2].partition("```")[0].splitlines()[1:]
    shown = {line[:27].rstrip(): line for line in lines}
    assert set(QUANTISATION) < set(shown) <= set(rows)
    for name, line in shown.items():
        row = rows[name]
        assert line.startswith(f"{row.format:27}{row.max_error:10.5f}{row.nll:9.4f}")
        assert line.endswith(f"  {', '.join(row.samples)}")


def test_whole_list(rows: dict[str, Row], checkpoint: Checkpoint, names: list[str]) -> None:
    """The order by length and the padding left out change nothing."""
    total, count = 0.0, 0
    tensors = {name: tensor.astype(np.float64) for name, tensor in checkpoint.tensors.items()}
    for word in names[:600]:
        tokens = [26, *MICROGPT.encode(word), 26]
        logits = forward(tensors, MICROGPT, np.array([tokens[:-1]]))[0]
        for row, wanted in zip(logits.tolist(), tokens[1:], strict=True):
            total += math.log(math.fsum(map(math.exp, row))) - row[wanted]
            count += 1
    assert rows["fp32"].nll_all == pytest.approx(total / count, abs=1e-12)


def test_running_sum_in_single_precision(checkpoint: Checkpoint, names: list[str]) -> None:
    words = names[:40]
    total, count = np.float32(0), 0
    for word in words:
        tokens = [26, *MICROGPT.encode(word), 26]
        logits = forward(checkpoint.tensors, MICROGPT, np.array([tokens[:-1]]))[0]
        assert logits.dtype == np.float32
        for row, wanted in zip(logits, tokens[1:], strict=True):
            z = row - row.max()
            total += np.log(np.exp(z).sum()) - z[wanted]
            count += 1
    assert single_precision_nll(words, checkpoint) == pytest.approx(float(total) / count, abs=1e-6)


def test_an_arithmetic_that_the_model_cannot_have_is_left_out(small_checkpoint: Checkpoint) -> None:
    formats = row_names(small_checkpoint)
    assert "Q6.12 precise" in formats
    assert "Q4.12 talos-v2" not in formats
