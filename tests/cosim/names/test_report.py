"""The report on a word list: fields that programs rely on, and a page that shows any letters as they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cosim.core.checker import Counted
from cosim.core.enums import STAGES
from cosim.core.measurement import Measurement
from cosim.core.request import name_request
from cosim.names.c_form import CForm
from cosim.names.cores import choose_cores
from cosim.names.draw import draw
from cosim.names.quality import measure
from cosim.names.report import markdown, to_json, write_report
from cosim.names.results import Results
from cosim.names.simulate import Simulated
from cosim.names.train import read_list, train
from hdl.design import make_design
from tests.helpers.word_orders import WORDS, order_of

FIELDS = {
    "words", "alphabet", "dimensions", "format", "nll_float", "nll_fixed", "kl", "cores", "names", "quartus", "weights",
}  # fmt: skip
"""What programs rely on."""


def results_of(folder: Path, text: str = WORDS) -> Results:
    """Return results of real stages, with a simulation of one name as if it had been."""
    order = order_of(folder, text, count=3)
    order.out.mkdir()
    words, config = read_list(order)
    done = train(order, words, config)
    cores = choose_cores(order, done.checkpoint, words.words)
    design = make_design(cores.chosen[0], done.checkpoint)
    stages = [0] * len(STAGES)
    stages[STAGES["ATTENTION"]] = 22
    run = Measurement(
        design=design, simulator="A 1", verilog_sha256="0", values=7, mismatch=None, recorded=0, differences=(),
        counted=(Counted(name_request(1, 0x80, 7), 22, (10, 12), 1, tuple(stages)),),
    )  # fmt: skip
    return Results(
        order=order, report=words.report, trained=done, cores=cores, designs=(design,),
        accuracy=measure(design, words.words), names=tuple(draw(design, 3, 0.5)),
        simulated=Simulated(runs=(run,), differences=(), failures=()),
        c_form=CForm(model=order.out / "model.bin", arithmetic="precise", kernels=("scalar",), names=9, differences=()),
        quartus=order.out / "quartus", verilog=(order.out / "fused.v",), failures=(), seconds={"training": 1.5},
    )  # fmt: skip


def test_fields_for_programs(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    report = to_json(results)
    assert report.keys() >= FIELDS
    assert (report["words"], report["alphabet"]) == (8, "광구대부산서세울인전종주천")
    assert report["dimensions"] == {"block_size": 8, "n_embd": 4, "n_head": 1, "mlp_dim": 6, "n_layer": 1}
    assert report["format"] == "Q4.12"
    assert report["cores"] == [results.simulated.runs[0].to_json()]
    assert report["names"] == list(results.names)
    assert report["quartus"] == str(tmp_path / "out" / "quartus")
    assert report["weights"] == str(tmp_path / "out" / "checkpoint.npz")
    assert report["problems"] == []
    assert len(report["not_done"]) == 3  # tile16, Quartus, the board


def test_files(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    data, page = write_report(results)
    assert json.loads(data.read_text(encoding="utf-8")) == json.loads(json.dumps(to_json(results)))
    assert page.read_text(encoding="utf-8") == markdown(results)
    # Letters are readable in both.
    assert results.names[0] in data.read_text(encoding="utf-8")


def test_the_page_of_what_is_right(tmp_path: Path) -> None:
    page = markdown(results_of(tmp_path))
    assert "\nEverything matched.\n" in page
    assert "| fused | A 1 | 1 | 11.0 | 5,113,636 | 7 | 0 |" in page
    assert "## Problems" not in page
    assert "9 names of its kernels scalar and of the golden model are the same" in page


def test_the_page_of_what_is_wrong(tmp_path: Path) -> None:
    results = results_of(tmp_path)
    wrong = replace(
        results,
        simulated=replace(results.simulated, differences=("one\nand *two*",), failures=("a tool failed",)),
        c_form=None, quartus=None, failures=("C form: no compiler",),
    )  # fmt: skip
    assert wrong.problems == ("one\nand *two*", "a tool failed", "C form: no compiler")
    page = markdown(wrong)
    assert "\nNot everything is right: 3 problems below.\n" in page
    assert "\n- one and \\*two\\*\n" in page
    report = to_json(wrong)
    assert (report["c"], report["quartus"]) == (None, None)
    assert report["problems"] == list(wrong.problems)


@pytest.mark.parametrize("letters", ["|*", "_`", "#-", "<&"])
def test_letters_that_mean_something_in_markdown(tmp_path: Path, letters: str) -> None:
    """Every one of them is written with a backslash, so that the page shows the letter."""
    a, b = letters[0], letters[1]
    page = markdown(results_of(tmp_path, f"{a}{b}\n{b}{a}{a}\n"))
    row = next(line for line in page.splitlines() if line.startswith("| letters |"))
    assert row == f"| letters | 2: {''.join(chr(92) + letter for letter in sorted(letters))} |"
