"""C header of the tables that `talos_ref` defines: `python -m host_c.generate` writes host_c/library/tables.h."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from talos_ref.files import write_bytes
from talos_ref.golden.arithmetic import precise
from talos_ref.golden.attention import Exp2Attention
from talos_ref.golden.exp import EXP_TABLE
from talos_ref.golden.rmsnorm import EPS
from talos_ref.golden.sampler import Exp2Sampler
from talos_ref.model.config import MICROGPT

__all__ = ["HEADER_PATH", "header"]

HEADER_PATH = Path(__file__).resolve().parent / "library" / "tables.h"


def _rows(items: Sequence[str], per_line: int = 8) -> str:
    lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
    return ",\n    ".join(lines)


def _lines(name: str, lines: Sequence[tuple[int, int]]) -> str:
    pairs = _rows([f"{{{base}, {slope}}}" for base, slope in lines])
    return f"static const int32_t talos_{name}_lines[{len(lines)}][2] = {{ /* base, slope */\n    {pairs}}};\n"


def header() -> str:
    """Return the text of tables.h: every constant of the integer arithmetics that does not depend on a dimension."""
    arithmetic = precise(MICROGPT)
    attention, sampler = arithmetic.attention, arithmetic.sampler
    if not isinstance(attention, Exp2Attention) or not isinstance(sampler, Exp2Sampler):
        raise TypeError("precise must use Exp2Attention and Exp2Sampler")
    return "\n".join(
        [
            "/* Generated from talos_ref by `python -m host_c.generate`; do not edit. */",
            "#ifndef TALOS_TABLES_H",
            "#define TALOS_TABLES_H",
            "",
            "#include <stdint.h>",
            "",
            f"#define TALOS_EPS {EPS!r}",
            f"#define TALOS_LOG2E {math.log2(math.e)!r}",
            f"#define TALOS_INVERSE_FROM_ONE {sampler.numerator(0x100)}LL /* log2(e) for temperatures of 1 and more */",
            f"#define TALOS_INVERSE_BELOW_ONE {sampler.numerator(0xFF)}LL",
            f"#define TALOS_SHIFT_FROM_ONE {sampler.shift(0x100)}",
            f"#define TALOS_SHIFT_BELOW_ONE {sampler.shift(0xFF)}",
            f"#define TALOS_MIN_TEMPERATURE {sampler.min_temperature} /* UQ8.8 */",
            f"#define TALOS_MAX_TEMPERATURE {sampler.max_temperature}",
            "",
            "/* e^(-i/4) in UQ1.12, talos-v2. */",
            f"static const int32_t talos_exp_table[{len(EXP_TABLE)}] = {{",
            f"    {_rows([str(value) for value in EXP_TABLE], 16)}}};",
            "",
            "/* 2^16 * 2^(i/32). */",
            _lines("exp2", attention.exp.table.lines),
            "/* 2^16 / u for u in [1/2, 1). */",
            _lines("reciprocal", attention.divide.table.lines),
            "#endif",
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(f"{write_bytes(HEADER_PATH, header().encode('ascii'))}\n")
