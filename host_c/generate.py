"""C headers of what `talos_ref` defines: `python -m host_c.generate` writes them into host_c/library.

``tables.h`` holds the tables of the integer arithmetics and their formats, from which shifts and limits follow;
``talos_arithmetic.h`` numbers the arithmetics.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from talos_ref.files import write_bytes
from talos_ref.golden.arithmetic import ARITHMETIC_NUMBERS, Arithmetic, folded, precise, talos_v2
from talos_ref.golden.attention import Exp2Attention
from talos_ref.golden.exp import EXP_TABLE
from talos_ref.golden.format import FORMATS, Format
from talos_ref.golden.gumbel_noise import GumbelNoise
from talos_ref.golden.gumbel_sampler import GumbelSampler
from talos_ref.golden.lane_bits import LAST_SHIFT, ROUNDS, WEYL
from talos_ref.golden.linear import ScaledLinear
from talos_ref.golden.rmsnorm import EPS, TableRmsNorm
from talos_ref.golden.sampler import TEMPERATURE, BucketSampler, Exp2Sampler
from talos_ref.golden.table import InterpolatedTable
from talos_ref.model.config import MICROGPT

__all__ = ["FOLDER", "headers"]

FOLDER = Path(__file__).resolve().parent / "library"

C_NAMES = {"talos-v2": "TALOS_V2", "precise": "TALOS_PRECISE", "folded": "TALOS_FOLDED", "float": "TALOS_FP32"}
"""The arithmetics that C knows; ``float`` is float32 there."""


def _file(guard: str, lines: Sequence[str]) -> str:
    first = "/* Generated from talos_ref by `python -m host_c.generate`; do not edit. */"
    return "\n".join([first, f"#ifndef {guard}", f"#define {guard}", "", *lines, "#endif", ""])


def _rows(items: Sequence[str], per_line: int = 8) -> str:
    lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
    return ",\n    ".join(lines)


def _table(name: str, table: InterpolatedTable) -> Iterator[str]:
    """Yield the widths of a table and its lines."""
    prefix = f"TALOS_{name.upper()}"
    yield f"#define {prefix}_INDEX_BITS {table.index_bits}"
    yield f"#define {prefix}_STEP_BITS {table.step_bits}"
    yield f"#define {prefix}_FIRST {table.first} /* segment of the first line */"
    yield f"#define {prefix}_FRACTION {table.fraction}"


def _lines(name: str, table: InterpolatedTable) -> Iterator[str]:
    yield f"#define TALOS_{name.upper()}_HIGH {(1 << table.output_bits) - 1}"
    pairs = _rows([f"{{{base}, {slope}}}" for base, slope in table.lines])
    yield f"static const int32_t talos_{name}_lines[{len(table.lines)}][2] = {{ /* base, slope */\n    {pairs}}};"
    yield ""


def _parts(arithmetic: Arithmetic) -> tuple[TableRmsNorm, ScaledLinear, Exp2Attention, Exp2Sampler]:
    """Return what `precise` is made of; TypeError if it is made of anything else than the C files."""
    norm, scaled, attention, sampler = (
        arithmetic.rmsnorm, arithmetic.scaled_linear, arithmetic.attention, arithmetic.sampler,
    )  # fmt: skip
    if not (
        isinstance(norm, TableRmsNorm) and isinstance(scaled, ScaledLinear)
        and isinstance(attention, Exp2Attention) and isinstance(sampler, Exp2Sampler)
    ):  # fmt: skip
        raise TypeError(f"precise must be made of tables, as host_c computes it, not {arithmetic!r}")
    return norm, scaled, attention, sampler


def _format_rows() -> Iterator[tuple[Format, dict[str, int]]]:
    """Yield every format of a word and what in `precise` depends on it."""
    for word in FORMATS:
        _, scaled, attention, _ = _parts(precise(MICROGPT, word))
        yield word, {
            "width": word.width, "low": word.low, "high": word.high,
            "wide_low": scaled.wide.low, "wide_high": scaled.wide.high, "wide_fraction": scaled.wide.fraction,
            "guard": attention.divide.guard,
        }  # fmt: skip


def _logit_rows() -> Iterator[tuple[Format, dict[str, int]]]:
    """Yield the format of a logit of `folded` for every format of words, in the fields of `_format_rows`."""
    for word in FORMATS:
        scaled = folded(MICROGPT, word).scaled_linear
        assert scaled is not None
        yield scaled.word, {
            "width": scaled.word.width, "low": scaled.word.low, "high": scaled.word.high,
            "wide_low": scaled.wide.low, "wide_high": scaled.wide.high, "wide_fraction": scaled.wide.fraction,
            "guard": 0,
        }  # fmt: skip


def _gumbel() -> Iterator[str]:
    """Yield what the noise of `folded` is made of: the hash, and the table with offset and base in one."""
    sampler = GumbelSampler(noise=GumbelNoise())
    noise = sampler.noise
    yield "/* Random bits of a lane, folded. */"
    yield f"#define TALOS_WEYL 0x{WEYL:08X}u"
    for number, (shift, a, b) in enumerate(ROUNDS):
        yield f"#define TALOS_HASH_SHIFT_{number} {shift}"
        yield f"#define TALOS_HASH_FACTOR_{number} 0x{1 + (1 << a) + (1 << b):08X}u"
    yield f"#define TALOS_HASH_SHIFT_{len(ROUNDS)} {LAST_SHIFT}"
    yield "/* -ln(-ln u): 64 octaves of segments; what a line begins with, and its rise in the lowest bits. */"
    yield f"#define TALOS_GUMBEL_SEGMENT_BITS {noise.segment_bits}"
    yield f"#define TALOS_GUMBEL_STEP_BITS {noise.step_bits}"
    yield f"#define TALOS_GUMBEL_RISE_BITS {noise.rise_width}"
    yield f"#define TALOS_GUMBEL_RISE_SHIFT {noise.rise_shift}"
    yield f"#define TALOS_KEY_SHIFT {sampler.key_shift} /* fraction bits that a key has beyond a logit's */"
    yield f"#define TALOS_NOISE_SHIFT {sampler.noise_shift} /* those that temperature times noise loses */"
    lines = [
        str((noise.offsets[index >> noise.segment_bits] + base << noise.rise_width) + rise)
        for index, (base, rise) in enumerate(noise.lines)
    ]
    yield f"static const int32_t talos_gumbel_lines[{len(lines)}] = {{\n    {_rows(lines, 10)}}};"


def _words() -> Iterator[str]:
    """Yield the formats of words: the narrowest as macros, all of them as rows of a table."""
    rows = list(_format_rows())
    (fraction,) = {word.fraction for word, _ in rows}
    yield "/* Words: weights and stored activations. All formats have the same fraction. */"
    yield f"#define TALOS_WORD_FRACTION {fraction}"
    narrowest, fields = rows[0]
    name = str(narrowest).replace(".", "_")
    for field, value in fields.items():
        yield f"#define TALOS_{name}_{field.upper()} {f'({value})' if value < 0 else value}"
    yield f"#define TALOS_MAX_WIDTH {FORMATS[-1].width}"
    yield ""
    yield "/* What depends on the format in `precise`: a sum that a scale multiplies is in the format `wide`, and"
    yield " * a weighted mean keeps `guard` bits below a word until its product. */"
    yield f"typedef struct {{\n    int32_t {', '.join(fields)};\n}} talos_format;"
    yield f"#define TALOS_FORMATS {len(rows)}"
    text = [f"    {{{', '.join(map(str, fields.values()))}}}, /* {word} */" for word, fields in rows]
    yield "\n".join(["static const talos_format talos_formats[TALOS_FORMATS] = {", *text, "};"])
    yield ""
    yield "/* The same of a logit of `folded`, by the format of words; macros are of the narrowest. No mean has it. */"
    rows = list(_logit_rows())
    for field, value in rows[0][1].items():
        yield f"#define TALOS_LOGIT_{field.upper()} {f'({value})' if value < 0 else value}"
    text = [f"    {{{', '.join(map(str, fields.values()))}}}, /* {logit} */" for logit, fields in rows]
    yield "\n".join(["static const talos_format talos_logit_formats[TALOS_FORMATS] = {", *text, "};"])
    yield ""


def tables() -> str:
    """Return the text of tables.h: every constant of the integer arithmetics that does not depend on a dimension."""
    norm, _, attention, sampler = _parts(precise(MICROGPT))
    published = talos_v2(MICROGPT)
    assert isinstance(published.sampler, BucketSampler)
    one = 1 << TEMPERATURE.fraction
    lines = [
        "#include <stdint.h>",
        "",
        *_words(),
        "/* RMSNorm. */",
        f"#define TALOS_EPS {EPS!r}",
        f"#define TALOS_SCALE_WIDTH {norm.scale_format.width}",
        f"#define TALOS_SCALE_FRACTION {norm.scale_format.fraction}",
        f"#define TALOS_SCALE_HIGH {norm.scale_format.high}",
        f"#define TALOS_V2_SCALE_HIGH {published.rmsnorm.scale_format.high}",
        "/* c / sqrt(u) for u in [1/4, 1): c and the lines depend on n_embd. */",
        *_table("rsqrt", norm.table),
        "",
        "/* Temperatures, UQ8.8, and log2(e) / temperature. */",
        f"#define TALOS_LOG2E {math.log2(math.e)!r}",
        f"#define TALOS_TEMPERATURE_FRACTION {TEMPERATURE.fraction}",
        f"#define TALOS_TEMPERATURE_HIGH {TEMPERATURE.high}",
        f"#define TALOS_MIN_TEMPERATURE {sampler.min_temperature}",
        f"#define TALOS_MAX_TEMPERATURE {sampler.max_temperature}",
        f"#define TALOS_INVERSE_FROM_ONE {sampler.numerator(one)}LL /* log2(e) for temperatures of 1 and more */",
        f"#define TALOS_INVERSE_BELOW_ONE {sampler.numerator(one - 1)}LL",
        f"#define TALOS_SHIFT_FROM_ONE {sampler.shift(one)}",
        f"#define TALOS_SHIFT_BELOW_ONE {sampler.shift(one - 1)}",
        f"#define TALOS_V2_MULTIPLIER 0x{published.sampler.multiplier:X}u",
        "",
        "/* e^(-i/4) in UQ1.12, talos-v2. */",
        f"#define TALOS_EXP_ENTRIES {len(EXP_TABLE)}",
        "static const int32_t talos_exp_table[TALOS_EXP_ENTRIES] = {",
        f"    {_rows([str(value) for value in EXP_TABLE], 16)}}};",
        "",
        "/* 2^f for f in [0, 1), read at the fraction of an exponent. */",
        f"#define TALOS_EXPONENT_FRACTION {attention.exp.fraction}",
        *_table("exp2", attention.exp.table),
        *_lines("exp2", attention.exp.table),
        "/* 1 / u for u in [1/2, 1). */",
        *_table("reciprocal", attention.divide.table),
        *_lines("reciprocal", attention.divide.table),
        *_gumbel(),
        "",
    ]
    return _file("TALOS_TABLES_H", lines)


def arithmetics() -> str:
    """Return the text of talos_arithmetic.h: one number for every arithmetic that C knows."""
    names = ", ".join(f"{name} = {ARITHMETIC_NUMBERS[key]}" for key, name in C_NAMES.items())
    return _file("TALOS_ARITHMETIC_H", [f"typedef enum {{ {names} }} talos_arithmetic;", ""])


def headers() -> dict[Path, str]:
    """Return the path and the text of every generated header."""
    return {FOLDER / "tables.h": tables(), FOLDER / "talos_arithmetic.h": arithmetics()}


if __name__ == "__main__":
    for path, text in headers().items():
        sys.stdout.write(f"{write_bytes(path, text.encode('ascii'))}\n")
