"""All stages, one after the other or side by side."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cosim.core.verify import generate
from cosim.engine.simulators import SimulatorError
from cosim.names.c_form import make_c_form
from cosim.names.cores import check_cores, choose_cores
from cosim.names.draw import draw
from cosim.names.order import Order
from cosim.names.quality import measure
from cosim.names.quartus import make_project
from cosim.names.report import JSON_FILE, TEXT_FILE
from cosim.names.results import Results
from cosim.names.simulate import co_simulate
from cosim.names.train import read_list, train
from cosim.simulate import progress
from hdl.design import DESIGN_FILE, Design, make_design
from talos_ref.files import make_folder
from talos_ref.processes import workers

__all__ = ["make_everything"]

T = TypeVar("T")

_C_NAMES = 1000
"""Names that the C library and the golden model both make."""
_FAILURES = (ImportError, OSError, RuntimeError, TypeError, ValueError)
"""What a stage fails with; the others go on, and the report says so."""


def make_everything(order: Order, say: Callable[[str], None]) -> Results:
    """Do all that an order asks for; ``say`` is told how far it is.

    Raises OSError or ValueError, before anything is written, if the words, the dimensions or the cores cannot be had.
    What fails later is in the results.
    """
    seconds: dict[str, float] = {}
    words, config = read_list(order)
    check_cores(order, config)
    folder = make_folder(order.out)
    # A report that is there tells of these words, or of none.
    for name in (JSON_FILE, TEXT_FILE):
        (folder / name).unlink(missing_ok=True)
    say(f"{words.report.words:,} words of up to {words.report.longest} letters, {len(config.alphabet)} different ones")
    with _timed(seconds, "training"):
        trained = train(order, words, config)
    say(f"trained in {seconds['training']:.1f} s: loss {trained.loss:.3f} nats a character")
    with _timed(seconds, "format and cores"):
        cores = choose_cores(order, trained.checkpoint, words.words)
        designs = tuple(make_design(core, trained.checkpoint) for core in cores.chosen)
    first = designs[0]
    first.save(folder)
    say(f"{cores.word.reason}; cores: {', '.join(core.name for core in cores.chosen)}")
    with _timed(seconds, "accuracy"):
        accuracy = measure(first, words.words[: order.limit])
        names = draw(first, order.count, order.temperature)
    say(f"NLL {accuracy.nll_float:.5f} nats a character in float64, {accuracy.nll_fixed:.5f} in {first.word}")

    failures: list[str] = []

    def attempt(what: str, work: Callable[[], T]) -> T | None:
        started = time.monotonic()
        try:
            return work()
        except _FAILURES as error:
            failures.append(f"{what}: {error}")
            return None
        finally:
            seconds[what] = time.monotonic() - started

    with progress() as bars, workers(2) as pool:
        project = bars.add_task("Quartus project", total=1)
        quartus = pool.submit(attempt, "Quartus project", lambda: _project(folder))
        quartus.add_done_callback(lambda _: bars.update(project, completed=1))
        c_form = pool.submit(attempt, "C form", lambda: make_c_form(first, folder, _C_NAMES, order.temperature))
        with _timed(seconds, "simulation"):
            simulated = co_simulate(order, designs, bars)
        made = quartus.result(), c_form.result()
    verilog = attempt("Verilog", lambda: _verilog(designs, folder))
    return Results(
        order=order, report=words.report, trained=trained, cores=cores, designs=designs, accuracy=accuracy,
        names=tuple(names), simulated=simulated, c_form=made[1], quartus=made[0], verilog=verilog or (),
        failures=tuple(failures), seconds=seconds,
    )  # fmt: skip


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[stage] = time.monotonic() - started


def _project(folder: Path) -> Path:
    made = folder / "quartus"
    make_project(folder / DESIGN_FILE, made)
    return made


def _verilog(designs: tuple[Design, ...], folder: Path) -> tuple[Path, ...]:
    """Copy the Verilog that was simulated."""
    paths = []
    for design in designs:
        try:
            source = generate(design).path
        except SimulatorError:
            # The simulations have said so.
            continue
        paths.append(Path(shutil.copyfile(source, folder / source.name)))
    return tuple(paths)
