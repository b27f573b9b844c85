"""The model for the C library, and whether the library makes the same names."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from cosim.names.draw import draw
from hdl.design import Design
from talos_ref.processes import capture

__all__ = ["CForm", "MODEL_FILE", "make_c_form"]

MODEL_FILE = "model.bin"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class CForm:
    """A model file of the C library."""

    model: Path
    arithmetic: str
    kernels: tuple[str, ...]
    """Those of this processor that the model was run with, the fastest first."""
    names: int
    """Names compared with the golden model, by every kernel."""
    differences: tuple[str, ...]
    """Where they are not the same, a line a kernel."""


def _build_library() -> None:
    """Compile the C library unless that is done; RuntimeError, with the compiler's words, if it fails."""
    if importlib.util.find_spec("host_c.binding._talos") is None:
        done = capture([sys.executable, "-m", "host_c.build"], _ROOT)
        if done.returncode:
            raise RuntimeError(f"the C library could not be compiled: {done.stderr.strip()[-1000:]}")
        importlib.invalidate_caches()


def make_c_form(design: Design, folder: Path, count: int, temperature: float) -> CForm:
    """Write the model file, and compare names of seeds 1 to ``count`` with the golden model's, letter by letter.

    Compiles the library if that has not been done. Raises RuntimeError if that fails, or the library cannot run the
    model; ImportError if it was compiled from other sources.
    """
    _build_library()
    # Late: the extension may not be built, and the rest of the command does without.
    from host_c import Model, TalosError, kernels
    from host_c.binding.model_file import write_model

    path = write_model(design.checkpoint, folder / MODEL_FILE, design.word)
    name, wanted = design.core.arithmetic_name, draw(design, count, temperature)
    seeds, run, differences = range(1, count + 1), [], []
    for kernel in kernels(name):
        try:
            model = Model(path, name, kernel)
        except TalosError:
            # Kernels for one size of model do not take others; the portable one takes all.
            continue
        made = [design.model.decode(row.tolist()) for row in model.generate_many(list(seeds), temperature)]
        run.append(kernel)
        different = [seed for seed, one, other in zip(seeds, made, wanted, strict=True) if one != other]
        if different:
            seed = different[0]
            differences.append(
                f"C kernel {kernel}: {len(different)} of {count} names differ from the golden model's, the first of "
                f"seed {seed}: {made[seed - 1]!r} in place of {wanted[seed - 1]!r}"
            )
    if not run:
        raise RuntimeError(f"no kernel of the C library takes this model in {name}")
    return CForm(
        model=path, arithmetic=name, kernels=tuple(run), names=count, differences=tuple(differences)
    )
