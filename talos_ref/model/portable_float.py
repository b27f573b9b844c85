"""Float64 operations with the same bits on every processor, for what is trained again and compared byte for byte.

NumPy's ``exp`` and ``@`` pick their code by the processor: AVX-512 has another last bit of ``exp`` than AVX2 has, and
a BLAS adds in an order of its own. After some thousand steps of training, such a bit shows in a float32 weight. Here
are only sums, products, comparisons and powers of two of IEEE 754, one rounding each, in an order that is fixed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["exp", "matmul"]

Array = npt.NDArray[np.float64]

_LOG2_E = 1.4426950408889634
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
"""The first 32 bits of ln 2: its product with an exponent of at most 11 bits is exact."""
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
"""ln 2 less `_LN2_HIGH`, to 53 bits."""
_INVERSE_FACTORIALS = tuple(
    1.0 / factorial
    for factorial in (2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800)
)
"""1/n! for n from 2 to 13: the first term left out is at most 4e-18 of the sum where |r| ≤ ln(2)/2."""
_LOWEST, _HIGHEST = -708.0, 709.0
"""Where results are normal numbers: ``ldexp`` would round others a second time."""


def exp(x: Array) -> Array:
    """Return e**x, less than 1 unit in the last place from the value; 0 for x below -708.

    ``x = k ln 2 + r`` with ``|r| ≤ ln(2)/2`` (Cody and Waite's reduction: ln 2 in two parts), then
    ``2**k · (1 + (r + r² Σ rⁿ/(n+2)!))`` by Horner's scheme. Raises ValueError if an x is above 709 or is no number.
    """
    if not (x <= _HIGHEST).all():
        raise ValueError(f"x must be at most {_HIGHEST}, not {float(x.max())!r}")
    clipped = np.maximum(x, _LOWEST)
    exponent = np.rint(clipped * _LOG2_E)
    r = (clipped - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    series = np.full_like(r, _INVERSE_FACTORIALS[-1])
    for coefficient in reversed(_INVERSE_FACTORIALS[:-1]):
        series *= r
        series += coefficient
    power = np.ldexp(1.0 + (r + r * r * series), exponent.astype(np.int32))
    return np.where(x < _LOWEST, 0.0, power)


def matmul(a: Array, b: Array) -> Array:
    """Return ``a @ b`` of ``a[…, i, k]`` and ``b[…, k, j]``, from products that are rounded before they are added.

    They are added in the order of k where there is more than one column, and else in NumPy's pairs of blocks.
    """
    # In C order whatever the order of a and b, since NumPy adds in another order where k is the fastest axis.
    products = np.multiply(a[..., :, :, None], b[..., None, :, :], order="C")
    return np.asarray(np.add.reduce(products, axis=-2))
