"""The design: the shape of a core, its checkpoint, number format and clock, as one value.

Everything that builds, simulates, synthesises, packs or talks to a core takes a `Design`. Only command lines know a
default one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hdl.core.config import CLOCK_HZ, CoreConfig
from hdl.core.cores import core_config
from hdl.core.hidden_order import hidden_order
from talos_ref.files import write_bytes
from talos_ref.golden.arithmetic import Arithmetic
from talos_ref.golden.format import Q4_12, Format, named_format
from talos_ref.model.checkpoint import Checkpoint, load, save
from talos_ref.model.config import ModelConfig

__all__ = ["CHECKPOINT_FILE", "DESIGN_FILE", "Design", "make_design"]

DESIGN_FILE, CHECKPOINT_FILE = "design.json", "checkpoint.npz"
"""A saved design's two files, side by side."""

_KIND, _VERSION = "talos-design", 1
_MAX_HZ = 1_000_000_000
# What the checkpoint and the entries of their own carry is not repeated among the fields of the core.
_ELSEWHERE = ("model", "word")


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """A core with its weights and its clock. Two designs are equal if their digests are.

    Raises TypeError if a field is of another kind; ValueError if the checkpoint is of another model than the core, the
    clock is out of range, or ``hidden_order`` is no order of the hidden units.
    """

    core: CoreConfig
    """Shape of the hardware, model dimensions, arithmetic and number format."""
    checkpoint: Checkpoint
    """Float32 weights and alphabet."""
    clock_hz: int
    """Clock of the core, Hz."""
    hidden_order: tuple[int, ...]
    """The hidden units of the last layer in the order in which the core computes them; see `hdl.core.hidden_order`."""

    def __post_init__(self) -> None:
        if not isinstance(self.core, CoreConfig):
            raise TypeError(f"core must be a CoreConfig, not {self.core!r}")
        if not isinstance(self.checkpoint, Checkpoint):
            raise TypeError(f"checkpoint must be a Checkpoint, not {self.checkpoint!r}")
        if self.checkpoint.config != self.core.model:
            raise ValueError(f"checkpoint must be of the model {self.core.model!r}, not {self.checkpoint.config!r}")
        if not isinstance(self.clock_hz, int) or isinstance(self.clock_hz, bool):
            raise TypeError(f"clock_hz must be an integer, not {self.clock_hz!r}")
        if not 1 <= self.clock_hz <= _MAX_HZ:
            raise ValueError(f"clock_hz must be 1 to {_MAX_HZ}, not {self.clock_hz!r}")
        if sorted(self.hidden_order) != list(range(self.model.mlp_dim)):
            raise ValueError(f"hidden_order must hold 0 to {self.model.mlp_dim - 1} once each")

    @property
    def name(self) -> str:
        """Name of the core, and of its Verilog module."""
        return self.core.name

    @property
    def model(self) -> ModelConfig:
        """Dimensions and alphabet."""
        return self.core.model

    @property
    def word(self) -> Format:
        """Format of weights and stored activations."""
        return self.core.word

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """What every unit computes."""
        return self.core.arithmetic

    def to_json(self) -> dict[str, Any]:
        """Return everything but the weights, which stand as a digest, ready for JSON."""
        core = {
            field.name: getattr(self.core, field.name)
            for field in dataclasses.fields(self.core)
            if field.name not in _ELSEWHERE
        }
        return {
            "kind": _KIND,
            "version": _VERSION,
            "core": core,
            "format": str(self.word),
            "clock_hz": self.clock_hz,
            "hidden_order": list(self.hidden_order),
            "checkpoint": self.checkpoint.digest,
        }

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode("ascii")).hexdigest()

    def digest(self) -> str:
        """Return the SHA-256 (hex) that names the design: shape, checkpoint, arithmetic, format and clock."""
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Design) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    def save(self, folder: Path) -> Path:
        """Write ``design.json`` and ``checkpoint.npz`` into a folder; return the former. OSError if that fails."""
        folder.mkdir(parents=True, exist_ok=True)
        save(self.checkpoint, folder / CHECKPOINT_FILE)
        return write_bytes(folder / DESIGN_FILE, (json.dumps(self.to_json(), indent=1) + "\n").encode("ascii"))

    @staticmethod
    def load(path: Path) -> Design:
        """Return the design that `save` wrote as ``path``; its checkpoint lies beside it.

        Raises OSError if a file cannot be read; ValueError, naming the file, if it is no design or its checkpoint is
        another one.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(fields, dict) or fields.get("kind") != _KIND:
                raise ValueError(f"its kind must be {_KIND!r}")
            if fields.get("version") != _VERSION:
                raise ValueError(f"its version must be {_VERSION}, not {fields.get('version')!r}")
            checkpoint = load(path.with_name(CHECKPOINT_FILE))
            if checkpoint.digest != fields["checkpoint"]:
                raise ValueError(f"{CHECKPOINT_FILE} beside it must be the one that it was made with")
            core = CoreConfig(**fields["core"], model=checkpoint.config, word=named_format(fields["format"]))
            order = tuple(fields["hidden_order"])
            return Design(core=core, checkpoint=checkpoint, clock_hz=fields["clock_hz"], hidden_order=order)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a usable design: {' '.join(str(error).split())}") from None


def make_design(
    core: str | CoreConfig, checkpoint: Checkpoint, *, word: Format | None = None, clock_hz: int = CLOCK_HZ
) -> Design:
    """Return the design of a core with a checkpoint.

    Parameters
    ----------
    core
        Name of a core, which is bound to the checkpoint's model, or the configuration itself.
    word
        Format of weights and activations; Q4.12 by default. Only for a named core.

    Raises
    ------
    TypeError, ValueError
        As `core_config` and `Design`; ValueError if a configuration is given with a format.
    """
    if isinstance(core, str):
        core = core_config(core, checkpoint.config, Q4_12 if word is None else word)
    elif word is not None:
        raise ValueError("word must be left out where core is a CoreConfig, which has one")
    order = tuple(hidden_order(checkpoint, core.arithmetic)) if checkpoint.config == core.model else ()
    return Design(core=core, checkpoint=checkpoint, clock_hz=clock_hz, hidden_order=order)
