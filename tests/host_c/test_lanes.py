"""Streams in lanes against single streams: logits and tokens to the bit, at every position and temperature."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from host_c import Model, kernels
from host_c.binding.model_file import write_model
from host_c.build import KERNELS, compile_program, sources, target_defines
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint
from talos_ref.model.config import ModelConfig

X86 = platform.machine() in ("x86_64", "amd64")
LANES = r"""
#include "fp32_avx512_lanes.c"
#include <stdio.h>

/* Random histories of sixteen streams at every position: x of the lanes' own function against the kernel's step. */
BEGIN_AVX512
static int compare(talos_model *model) {
    enum { ROUNDS = 200 };
    uint32_t vocab = model->config.vocab_size, state = 12345;
    static uint8_t drawn[LANES][TALOS_ROW];
    uint32_t rows[LANES];
    talos_stream *streams[LANES];
    scratch s;
    __m512i tokens[FAST_POSITIONS + 4] = {_mm512_set1_epi32((int)vocab - 1)};
    __m512 x[FAST_EMBD];
    _mm512_store_ps(s.hidden[FAST_MLP], _mm512_setzero_ps());
    for (int lane = 0; lane < LANES; lane++) {
        rows[lane] = (uint32_t)lane;
        if (talos_stream_create(model, 1, 0.5, &streams[lane])) return 1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int lane = 0; lane < LANES; lane++) {
            talos_stream_reset(streams[lane], 1);
            for (int i = 0; i < TALOS_ROW; i++) drawn[lane][i] = (uint8_t)((state = talos_xorshift32(state)) % vocab);
        }
        for (uint32_t position = 0; position < model->config.block_size; position++) {
            talos_group group = {.position = position, .tokens = (const uint8_t(*)[TALOS_ROW])drawn, .rows = rows};
            lane_logits l = {.pairs = (int)(vocab + 1) / 2, .last_odd = vocab % 2 == 0};
            gather(&group, _mm512_loadu_si512(rows), 0xFFFF, tokens);
            attend(model->pack, position, tokens, x);
            mlp(model->pack, &s, x, &l);
            for (int lane = 0; lane < LANES; lane++) {
                talos_step_result result;
                uint32_t token = position ? drawn[lane][position - 1] : vocab - 1;
                if (talos_stream_force(streams[lane], token, &result)) return 1;
                for (uint32_t i = 0; i < vocab; i++) {
                    const float *mine = (const float *)&(i % 2 ? l.odd : l.even)[i / 2];
                    float expected = streams[lane]->logits[i];
                    if (memcmp(&mine[lane], &expected, 4) == 0) continue;
                    printf("round %d lane %d position %u logit %u must be %a, not %a\n", round, lane, position, i,
                           (double)expected, (double)mine[lane]);
                    return 1;
                }
            }
        }
    }
    for (int lane = 0; lane < LANES; lane++) talos_stream_free(streams[lane]);
    printf("%d logits the same\n", ROUNDS * LANES * (int)(model->config.block_size * vocab));
    return 0;
}
END_AVX512

int main(int count, char **arguments) {
    talos_model *model;
    if (!talos_kernel_available(TALOS_FP32, 0)) {
        puts("no AVX-512 here, 0 logits the same");
        return 0;
    }
    if (count != 2 || talos_model_open(arguments[1], TALOS_FP32, "avx512", &model)) return 2;
    int result = compare(model);
    talos_model_free(model);
    return result;
}
"""
"""The lanes' functions are static, so the program takes their file in."""


def small(alphabet: str, block_size: int, seed: int = 3) -> Checkpoint:
    config = ModelConfig(alphabet=alphabet, block_size=block_size)
    rng = np.random.default_rng(seed)
    return Checkpoint(config, {n: rng.normal(0, 0.15, s).astype(np.float32) for n, s in config.shapes().items()})


MODELS = {"shipped": default_checkpoint(), "five tokens": small("abcd", 7), "six tokens": small("abcde", 13)}


@pytest.fixture(scope="module")
def compare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program of LANES, where the processor can have it."""
    if not X86:
        assert "avx512" not in kernels("float")
        return Path("none")
    folder = tmp_path_factory.mktemp("lanes")
    main = folder / "lanes.c"
    main.write_text(LANES, encoding="ascii")
    files = [path for path in sources(x86=True) if path.name != "fp32_avx512_lanes.c"]
    return compile_program(
        ["gcc"], [*files, main], folder / "lanes", [*target_defines(x86=True), f"-I{KERNELS / 'x86'}"]
    )


@pytest.mark.parametrize("which", MODELS)
def test_logits_in_lanes_are_those_of_single_streams(which: str, compare: Path, tmp_path: Path) -> None:
    if not X86:
        return
    model = write_model(MODELS[which], tmp_path / "model.bin")
    done = subprocess.run([compare, model], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "logits the same" in done.stdout


@pytest.mark.parametrize("which", MODELS)
@pytest.mark.parametrize("temperature", [0.0, 0.0003, 0.0625, 0.25, 1.0, 16.0])
@pytest.mark.parametrize(("name", "kernel"), [(n, k) for n in ("float", "precise", "folded") for k in kernels(n)])
def test_names_at_any_temperature(which: str, temperature: float, name: str, kernel: str) -> None:
    if temperature == 0.0003 and name != "float":
        temperature = 0.07
    assert_same_names(Model(MODELS[which], name, kernel), temperature, 700)


@pytest.mark.parametrize("kernel", kernels("float"))
def test_weights_beyond_the_range_of_float(kernel: str) -> None:
    """Low temperatures, where some lanes of a vector overflow, some vanish and some do neither."""
    for seed in range(120):
        model = Model(small("abcdefgh"[: 1 + seed % 8], 9, seed), "float", kernel)
        for temperature in (0.0005, 0.004, 0.02):
            assert_same_names(model, temperature, 40)


def assert_same_names(model: Model, temperature: float, count: int) -> None:
    seeds = np.random.default_rng(6).integers(1, 1 << 32, count, dtype=np.uint32)
    rows, total = model.generate_counted(seeds, temperature, 1)
    stream, taken, bos = model.stream(1, temperature), 0, model.config.bos
    for row, seed in zip(rows.tolist(), seeds.tolist(), strict=True):
        stream.reset(seed)
        tokens, count = stream.generate(1)
        taken += count
        assert row == tokens.tolist() + [bos] * (len(row) - len(tokens)), f"seed {seed}"
    assert total == taken
