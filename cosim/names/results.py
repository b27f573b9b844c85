"""What came of a word list."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cosim.names.c_form import CForm
from cosim.names.cores import Cores
from cosim.names.order import Order
from cosim.names.quality import Accuracy
from cosim.names.simulate import Simulated
from cosim.names.train import Trained
from hdl.design import Design
from talos_ref.model.word_report import WordReport

__all__ = ["Results"]


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that the stages found; None where one could not do its work."""

    order: Order
    report: WordReport
    trained: Trained
    cores: Cores
    designs: tuple[Design, ...]
    accuracy: Accuracy
    names: tuple[str, ...]
    """Of seed 1 on, by the golden model of the first design, which every other form has to repeat."""
    simulated: Simulated
    c_form: CForm | None
    quartus: Path | None
    """Folder of the project."""
    verilog: tuple[Path, ...]
    failures: tuple[str, ...]
    """What a stage could not do, and why."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Stage -> wall time. Simulations, C form and Quartus project run side by side."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What did not match and what could not be done, a line each; empty if all is well."""
        c_differences = () if self.c_form is None else self.c_form.differences
        return (*self.simulated.differences, *self.simulated.failures, *c_differences, *self.failures)

    @property
    def not_done(self) -> tuple[str, ...]:
        """What this command leaves to others, or the model does not allow."""
        lines = [f"{name} was not built: {why}" for name, why in self.cores.impossible.items()]
        lines += [f"{name} was not built: --core {name} builds it" for name in self.cores.left_out]
        if self.quartus is not None:
            script = self.quartus / "compile.sh"
            lines.append(f"Quartus has not compiled the project: {script} does that where it is installed")
        lines.append("no board was programmed, so that the clock of 56.25 MHz is an aim, not a measurement")
        return tuple(lines)
