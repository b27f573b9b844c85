"""Gradients by the chain rule against differences of the values, for each operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from talos_ref.studies.ladder import functions, tensor
from talos_ref.studies.ladder.functions import cross_entropy, relu, rmsnorm, softmax, tanh
from talos_ref.studies.ladder.tensor import Tensor, add, linear, matmul, multiply, reshape, rows, transpose

SHAPES = {"x": (2, 3, 4), "y": (2, 3, 4), "row": (4,), "column": (3, 1), "w": (5, 4), "m": (2, 4, 3), "table": (6, 4)}
INDICES = np.array([[0, 2, 2], [5, 0, 1]])
CASES: dict[str, Callable[[dict[str, Tensor]], Tensor]] = {
    "add": lambda t: add(t["x"], t["y"]),
    "add row": lambda t: add(t["x"], t["row"]),
    "add column": lambda t: add(t["column"], t["x"]),
    "multiply": lambda t: multiply(t["x"], t["y"]),
    "multiply row": lambda t: multiply(t["row"], t["x"]),
    "square": lambda t: multiply(t["x"], t["x"]),
    "matmul": lambda t: matmul(t["x"], t["m"]),
    "linear": lambda t: linear(t["x"], t["w"]),
    "rows": lambda t: rows(t["table"], INDICES),
    "reshape": lambda t: reshape(t["x"], 6, 4),
    "transpose": lambda t: transpose(t["x"], 1, 2, 0),
    "tanh": lambda t: tanh(t["x"]),
    "relu": lambda t: relu(t["x"]),
    "softmax": lambda t: softmax(t["x"]),
    "softmax in part": lambda t: softmax(t["x"], np.array([False, True, False, False])),
    "rmsnorm": lambda t: rmsnorm(t["x"]),
    "cross entropy": lambda t: cross_entropy(t["x"], INDICES % 4),
    "cross entropy of shares": lambda t: cross_entropy(t["x"], INDICES % 4, np.array([0.1, 0.2, 0.1, 0.3, 0.2, 0.1])),
}


def inputs() -> dict[str, Tensor]:
    rng = np.random.default_rng(11)
    return {name: Tensor(rng.normal(0, 1, shape)) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("case", CASES)
def test_gradients(case: str) -> None:
    make, leaves = CASES[case], inputs()
    weights = np.random.default_rng(12).normal(0, 1, make(leaves).value.shape)

    def total() -> Tensor:
        result = reshape(multiply(make(leaves), Tensor(weights)), 1, weights.size)
        return reshape(linear(result, Tensor(np.ones((1, weights.size)))))

    total().backward()
    used = {name: leaf for name, leaf in leaves.items() if leaf.gradient.shape}
    assert used
    for name, leaf in used.items():
        assert leaf.gradient.shape == SHAPES[name]
        numeric = np.zeros(SHAPES[name])
        for at in np.ndindex(*SHAPES[name]):
            before, sums = leaf.value[at], []
            for step in (1e-5, -1e-5):
                leaf.value[at] = before + step
                sums.append(float(total().value))
            leaf.value[at] = before
            numeric[at] = (sums[0] - sums[1]) / 2e-5
        assert np.abs(leaf.gradient - numeric).max() < 1e-8, name


def test_every_operation_has_a_case() -> None:
    assert {case.split(" ")[0] for case in CASES} - {"square", "cross"} | {"cross_entropy"} == {
        name for module in (tensor, functions) for name in module.__all__ if name[0].islower()
    }


def test_backward_starts_anew() -> None:
    x = Tensor(np.array(3.0))
    y = multiply(x, x)
    y.backward()
    y.backward()
    assert float(x.gradient) == 6.0


def test_a_result_used_twice_counts_twice() -> None:
    x = Tensor(np.array(2.0))
    y = multiply(x, x)
    multiply(y, y).backward()
    assert float(x.gradient) == 4 * 2**3
