"""Gradients by the chain rule: each result remembers what it was made of, and how a gradient goes back there.

The operations are those that the ladder's models need. Arrays are float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Indices", "Tensor", "add", "linear", "matmul", "multiply", "reshape", "rows", "transpose"]

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Back = Callable[[Array], Array]
"""From the gradient of a result to what it adds to the gradient of one operand."""


class Tensor:
    """A value, the operands that it was made of, and after `backward` the gradient of the loss by it."""

    def __init__(self, value: Array, operands: tuple[tuple[Tensor, Back], ...] = ()) -> None:
        self.value = value
        self.operands = operands
        self.gradient: Array = np.zeros(())

    def backward(self) -> None:
        """Set the gradients of all that this scalar was made of; what they were before is forgotten."""
        order: list[Tensor] = []
        seen: set[int] = set()

        def visit(tensor: Tensor) -> None:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                for operand, _ in tensor.operands:
                    visit(operand)
                order.append(tensor)

        visit(self)
        for tensor in order:
            tensor.gradient = np.zeros(())
        self.gradient = np.ones(())
        for tensor in reversed(order):
            for operand, back in tensor.operands:
                operand.gradient = operand.gradient + back(tensor.gradient)


def _summed(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an operand that was repeated along missing axes, or along axes of length 1."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, length in enumerate(shape) if length == 1 < gradient.shape[axis])
    return np.asarray(gradient.sum(axis=repeated, keepdims=True))


def add(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a + b``."""
    return Tensor(
        a.value + b.value,
        ((a, lambda g: _summed(g, a.value.shape)), (b, lambda g: _summed(g, b.value.shape))),
    )


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a · b``, element by element."""
    return Tensor(
        a.value * b.value,
        ((a, lambda g: _summed(g * b.value, a.value.shape)), (b, lambda g: _summed(g * a.value, b.value.shape))),
    )


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of the matrices in the last two axes; the axes before are the same in both."""
    return Tensor(
        a.value @ b.value,
        ((a, lambda g: g @ b.value.swapaxes(-1, -2)), (b, lambda g: a.value.swapaxes(-1, -2) @ g)),
    )


def linear(x: Tensor, w: Tensor) -> Tensor:
    """Return ``x Wᵀ``: a matrix [rows, columns] maps its columns to its rows."""

    def back(g: Array) -> Array:
        return np.asarray(g.reshape(-1, g.shape[-1]).T @ x.value.reshape(-1, x.value.shape[-1]))

    return Tensor(x.value @ w.value.T, ((x, lambda g: g @ w.value), (w, back)))


def rows(table: Tensor, indices: Indices) -> Tensor:
    """Return the rows of a table [row, column] at ``indices``, of any shape."""

    def back(g: Array) -> Array:
        total = np.zeros_like(table.value)
        np.add.at(total, indices, g)
        return total

    return Tensor(table.value[indices], ((table, back),))


def reshape(x: Tensor, *shape: int) -> Tensor:
    """Return the same values in another shape."""
    return Tensor(x.value.reshape(shape), ((x, lambda g: g.reshape(x.value.shape)),))


def transpose(x: Tensor, *axes: int) -> Tensor:
    """Return the axes in another order."""
    return Tensor(x.value.transpose(axes), ((x, lambda g: g.transpose(np.argsort(axes))),))
