"""The library under address, undefined-behaviour and thread sanitizers, and its model reader under libFuzzer."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from host_c.binding.model_file import write_model
from host_c.build import compile_program, sources, target_defines
from talos_ref.model.checkpoint import default_checkpoint
from talos_ref.programs import find_program
from tests.helpers.fuzz_corpus import seeds

FUZZ = Path(__file__).with_name("fuzz_model.c")
CORPUS = Path(__file__).resolve().parents[1] / "data" / "host_c"
X86 = platform.machine() in ("x86_64", "amd64")
NEON = platform.machine() in ("aarch64", "arm64")
SANITIZE = ("-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
RUNS = 4_000
"""Fuzzed inputs in one test run."""

THREADS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "talos.h"
enum { NAMES = 3000 };
static uint32_t seeds[NAMES];
static uint8_t one[NAMES * 16], many[NAMES * 16], single[NAMES * 16], kept[NAMES * 16];
static int singly(talos_model *model) {
    talos_stream *stream;
    if (talos_stream_create(model, 1, 0.5, &stream)) return 1;
    memset(single, 26, sizeof single);
    for (int i = 0; i < NAMES; i++) {
        talos_stream_reset(stream, seeds[i]);
        if (talos_generate(stream, 1, single + 16 * i, 16, NULL, NULL)) return 1;
    }
    talos_stream_free(stream);
    return 0;
}
int main(int count, char **arguments) {
    for (int i = 0; i < NAMES; i++) seeds[i] = (uint32_t)i + 1;
    const talos_arithmetic arithmetics[] = {TALOS_FP32, TALOS_PRECISE, TALOS_FOLDED, TALOS_V2};
    for (int i = 0; i < 4 && count == 2; i++) {
        talos_arithmetic a = arithmetics[i];
        int known = 0; /* whether another kernel of this arithmetic has written its names to `kept` */
        for (size_t k = 0; talos_kernel_name(a, k); k++) {
            talos_model *model;
            if (!talos_kernel_available(a, k)) continue;
            const char *kernel = talos_kernel_name(a, k);
            if (talos_model_open(arguments[1], a, kernel, &model)) return 1;
            if (talos_generate_many(model, seeds, NAMES, 0.5, 1, one, sizeof one, NULL)) return 2;
            if (talos_generate_many(model, seeds, NAMES, 0.5, 7, many, sizeof many, NULL)) return 3;
            if (memcmp(one, many, sizeof one)) return 4;
            if (singly(model)) return 5;
            if (memcmp(one, single, sizeof one)) return 6;
            if (a != TALOS_FP32 && known && memcmp(one, kept, sizeof one)) return 7;
            memcpy(kept, one, sizeof one);
            known = 1;
            talos_model_free(model);
        }
    }
    puts("same");
    return 0;
}
"""


def clang() -> str:
    """Return the newest clang; its libFuzzer and sanitizers come with libclang-rt."""
    newest_first = (f"clang-{version}" for version in range(25, 13, -1))
    return find_program(*filter(shutil.which, newest_first), "clang")


def library() -> list[Path]:
    return sources(x86=X86, neon=NEON)


def run(*command: str | Path, timeout: float = 500) -> str:
    words = [str(part) for part in command]
    result = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-6000:]
    return result.stdout + result.stderr


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_threads_and_kernels_under_sanitizers(sanitizer: str, tmp_path: Path) -> None:
    main = tmp_path / "threads.c"
    main.write_text(THREADS, encoding="ascii")
    flags = [*SANITIZE, f"-fsanitize={sanitizer}", *target_defines(x86=X86, neon=NEON)]
    program = compile_program(["gcc"], [*library(), main], tmp_path / "threads", flags)
    model = write_model(default_checkpoint(), tmp_path / "model.bin")
    assert "same" in run(program, model)


def test_fuzzed_model_files(tmp_path: Path) -> None:
    """The corpus, then inputs grown from it with a fixed seed; every arithmetic and kernel on each."""
    flags = [*SANITIZE, "-fsanitize=fuzzer,address,undefined", *target_defines(x86=X86, neon=NEON)]
    files = [FUZZ, *(path for path in library() if path.name != "model.c")]
    program = compile_program([clang()], files, tmp_path / "fuzz", flags)
    grown = tmp_path / "grown"
    grown.mkdir()
    run(program, *sorted(CORPUS.iterdir()))
    output = run(program, f"-runs={RUNS}", "-seed=1", "-max_len=20000", "-timeout=60", grown, CORPUS)
    assert f"Done {RUNS} runs" in output


def test_corpus_is_current() -> None:
    wanted = dict(seeds())
    assert {path.name for path in CORPUS.iterdir()} == set(wanted)
    for name, contents in wanted.items():
        assert (CORPUS / name).read_bytes() == contents, name
