"""The benchmark's bookkeeping: what may be compared, how steps are counted, what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from cosim.page.inputs import check
from host_c import Model
from host_c.bench.chart import write_chart
from host_c.bench.cli import bench
from host_c.bench.cuda_rows import cuda_rows, missing_cuda
from host_c.bench.peer import best_ratios, peer_rows
from host_c.bench.row import Row, ratio, ratio_text, run
from host_c.bench.rows import BASE, PUBLISHED, base_row, measured_rows, missing_rows, other_rows, simulated_rows
from host_c.cuda.emulated_device import EmulatedDevice, build_emulation
from talos_ref.golden.format import Q4_12, Q5_12
from talos_ref.model.checkpoint import Checkpoint, default_checkpoint, save
from talos_ref.model.config import ModelConfig


def small_checkpoint() -> Checkpoint:
    """Return two layers of 24 x 6 heads, which no SIMD kernel takes, and talos-v2 neither."""
    config = ModelConfig(alphabet="αβγ", block_size=5, n_embd=24, n_head=6, mlp_dim=8, n_layer=2)
    rng = np.random.default_rng(1)
    return Checkpoint(config, {n: rng.normal(0, 0.3, s).astype(np.float32) for n, s in config.shapes().items()})


def test_ratio_between_emulated_and_real_is_refused() -> None:
    emulated = Row(name="A64 under qemu", kind="emulated", steps_per_second=[1.0])
    measured = Row(name="C", kind="measured", steps_per_second=[6.0, 2.0, 4.0])
    for pair in ((emulated, measured), (measured, emulated), (emulated, PUBLISHED[0])):
        with pytest.raises(ValueError, match="rows must be both emulated or neither"):
            ratio(*pair)
    assert ratio(measured, Row(name="base", kind="published", steps_per_second=[2.0])) == 2.0
    assert ratio(emulated, emulated) == 1.0
    assert measured.spread == 1.0


def test_every_row_runs_and_counts_the_same_steps() -> None:
    """Batched rows start at the same seeds in every implementation, so float rows take the same steps."""
    rows = {row.name: (row, work, names) for row, work, names in measured_rows(default_checkpoint())}
    loops = [work(40) for name, (_, work, _) in rows.items() if name.startswith(("pure", "NumPy"))]
    batched = [work(40) for name, (_, work, _) in rows.items() if name.startswith("C float32") and "batched" in name]
    assert len(set(loops)) == 1
    assert set(batched) == set(loops)
    for row, work, _ in rows.values():
        run((row, work, 20))
        assert row.median > 0


def test_rows_of_a_gpu(tmp_path: Path) -> None:
    """The kernels as built for this processor, in place of a GPU."""
    device = EmulatedDevice(build_emulation(tmp_path))
    works = cuda_rows(default_checkpoint(), Q4_12, device, scale=1e-9)
    assert [row.name for row, _, _ in works] == [
        f"CUDA {model}, emulated, {kind}"
        for model in ("float32", "Q4.12 folded")
        for kind in ("a launch an operation", "one stream", "all streams")
    ]
    single = Model(default_checkpoint(), "float").stream(2, 0.5).generate(4)[1]
    many = Model(default_checkpoint(), "folded").generate_counted(np.arange(1, 5, dtype=np.uint32), 0.5)[1]
    assert [work(4) for _, work, _ in works[:2]] == [single, single]
    assert works[-1][1](4) == many
    assert [row.name for row, _, _ in cuda_rows(default_checkpoint(), Q5_12, device)][-1].startswith("CUDA float32")
    assert cuda_rows(small_checkpoint(), Q4_12, device) == []


def test_a_missing_gpu_says_so() -> None:
    """Where there is one, nothing is missing for the published model."""
    missing = missing_cuda(default_checkpoint(), Q4_12)
    assert len(missing) == (0 if cuda_rows(default_checkpoint(), Q4_12) else 1)
    assert all(line.startswith("CUDA: ") and len(line) > 10 for line in missing)


def test_simulated_rows_come_from_the_report(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    checkpoint = default_checkpoint()
    assert simulated_rows(path, checkpoint) == []
    runs = [
        {"core": "fused", "steps": 9, "steps_per_second": 1.6e6},
        {"core": "fused", "steps": 6000, "steps_per_second": 1.5e6},
        {"core": "fused", "steps": 30, "steps_per_second": 1.7e6},
    ]
    path.write_text(json.dumps({"clock_hz": 56_250_000, "runs": runs}), encoding="utf-8")
    (row,) = simulated_rows(path, checkpoint)
    assert (row.name, row.kind, row.median) == ("fused, co-simulated at 56.25 MHz", "simulated", 1.5e6)
    assert simulated_rows(path, small_checkpoint()) == []
    runs = [{"core": "barrel", "streams": 8, "steps": 9, "steps_per_second": 4.8e6}]
    path.write_text(json.dumps({"clock_hz": 56_250_000, "runs": runs}), encoding="utf-8")
    assert [row.name for row in simulated_rows(path, checkpoint)] == [
        "barrel, all 8 streams, co-simulated at 56.25 MHz"
    ]


def test_ratio_of_letters_to_steps_is_refused() -> None:
    letters = next(row for row in PUBLISHED if row.counts == "letters")
    with pytest.raises(ValueError, match="rows must count the same, not letters of 'TALOS-V2, board"):
        ratio(letters, BASE)
    assert ratio_text(letters, BASE) == ""
    assert ratio_text(BASE, BASE) == "1.00"


def test_chart_is_written_as_png_and_svg(tmp_path: Path) -> None:
    png, svg = write_chart([*PUBLISHED, Row(name="C", kind="measured", steps_per_second=[1e7])], tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()


def test_another_model_has_the_rows_that_can_have_it(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    works = measured_rows(checkpoint, Q5_12)
    names = [row.name for row, _, _ in works]
    assert {"C float32, scalar", "C float32, scalar, batched", "C Q5.12 precise, scalar"} < set(names)
    assert not [name for name in names if "talos-v2" in name or name.endswith((" avx2", " avx512", " neon"))]
    assert other_rows(tmp_path / "sim.json", checkpoint) == []
    assert base_row([row for row, _, _ in works]).name == "C float32, scalar"
    assert "C talos-v2: n_embd must be a power of two in talos-v2, not 24" in missing_rows(checkpoint, Q5_12)
    assert any(line.startswith("CUDA") for line in missing_rows(checkpoint, Q5_12))
    for row, work, _ in works:
        run((row, work, 5))
        assert row.median > 0


STAND_IN = r"""
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads weights as the public C does, and fails unless the first and the last are those of the published model. */
int main(int count, char **arguments) {
    WORD w[4193];
    FILE *f = fopen("assets/" FILE_NAME, "rb");
    if (count != 3 || !f || fread(w, sizeof w[0], 4193, f) != 4192) return 2;
    fclose(f);
    int32x4_t ends = {(int32_t)lrint(w[0] * SCALE), (int32_t)lrint(w[4191] * SCALE)};
    if (vgetq_lane_s32(ends, 0) != FIRST || vgetq_lane_s32(ends, 1) != LAST) return 3;
    printf("%ld tok/sec\n", atol(arguments[1]));
    return 0;
}
"""
"""A program of ours in place of the public one, with its name, arguments and files."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with stand-ins for the sources of talos-vs-macbook."""
    folder = tmp_path / "clone"
    folder.mkdir()
    tensors = default_checkpoint().tensors
    first, last = (Q4_12.quantise(float(x)) for x in (tensors["wte"][0, 0], tensors["lm_head"][-1, -1]))
    ends = f"#define FIRST {first}\n#define LAST {last}\n"
    kinds = {"bench_c": ("float", "4096.0", "weights_fp32.bin"), "bench_c_q412": ("int16_t", "1.0", "weights_q412.bin")}
    for name, (word, scale, file) in kinds.items():
        head = f'#define WORD {word}\n#define SCALE {scale}\n#define FILE_NAME "{file}"\n{ends}'
        (folder / f"{name}.c").write_text(head + STAND_IN, encoding="ascii")
    return folder


def test_rows_of_the_public_c(clone: Path, tmp_path: Path) -> None:
    works = peer_rows(clone, default_checkpoint(), tmp_path, names=5)
    assert {name.split(",")[0] for name in (row.name for row, _, _ in works)} == {
        "talos-vs-macbook float32", "talos-vs-macbook Q4.12",
    }  # fmt: skip
    for row, work, names in works:
        assert ", gcc " in row.name or ", clang" in row.name
        assert work(names) == 30
    with pytest.raises(ValueError, match="--peer needs a model of the published dimensions"):
        peer_rows(clone, small_checkpoint(), tmp_path)
    (clone / "bench_c.c").write_text("int main(void) { return 1; }\n", encoding="ascii")
    with pytest.raises(RuntimeError, match=r"bench_c\.\w+ 30 0 failed"):
        peer_rows(clone, default_checkpoint(), tmp_path, names=5)[0][1](5)
    (clone / "bench_c.c").write_text("int main(void) { return x; }\n", encoding="ascii")
    with pytest.raises(RuntimeError, match=r"(?s)failed:\n.*error: "):
        peer_rows(clone, default_checkpoint(), tmp_path)


def test_ratios_to_the_public_c() -> None:
    """The best run of the best row, on one core."""

    def row(name: str, *rates: float, threads: int = 1) -> Row:
        return Row(name=name, kind="measured", steps_per_second=list(rates), threads=threads)

    ours = [
        row("C float32, scalar", 1, 1), row("C float32, avx2", 8, 6), row("C float32, avx2, batched", 12, 20),
        row("C float32, avx2, batched, 2 cores", 99, 99, threads=2), row("C Q4.12 folded, avx2", 4, 6),
    ]  # fmt: skip
    theirs = [
        row("talos-vs-macbook float32, gcc 12", 2, 1), row("talos-vs-macbook float32, clang 14", 1, 1),
        row("talos-vs-macbook Q4.12, gcc 12", 1, 2),
    ]  # fmt: skip
    assert best_ratios(ours) == {}
    assert best_ratios([*ours, *theirs]) == {
        "float32, one stream": 4, "float32, in batches": 10, "Q4.12, one stream": 3
    }  # fmt: skip


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command, which replaces its process, in one of its own."""
    words = [sys.executable, "-m", "host_c.bench", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, encoding="utf-8", check=False)


def test_the_command_measures_any_checkpoint(tmp_path: Path) -> None:
    path = save(small_checkpoint(), tmp_path / "small.npz")
    done = command("--weights", path, "--format", "Q6.12", "--runs", "1", "--out", tmp_path / "out", "--no-chart")
    assert done.returncode == 0, done.stderr
    report = check("bench", json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8")))
    assert (report["format"], report["checkpoint"]) == ("Q6.12", small_checkpoint().digest)
    assert report["base"] == "C float32, scalar"
    assert {row["kind"] for row in report["rows"]} == {"measured"}
    shown = " ".join(done.stdout.split())
    assert "Model: 3 letters, block 5, layers 2, width 24, heads 6, hidden units 8; words of Q6.12." in shown
    assert "instructions of a step: no SIMD kernel takes this model" in report["not_measured"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "error: --runs must be 1 or more, not 0\n"),
        (["--format", "Q9.9"], "error: --format must be Q4.12, Q5.12, Q6.12 or auto, not 'Q9.9'\n"),
        (["--peer", "no-such"], "error: --peer must be a clone of talos-vs-macbook; no-such/bench_c.c is not there\n"),
        (["--weights", "no-such.npz"], "error: cannot open no-such.npz: No such file or directory\n"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], message: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_a_group_can_mount_the_command() -> None:
    group = click.Group("talos", commands=[bench])
    assert "--weights" in CliRunner().invoke(group, ["bench", "--help"]).output
