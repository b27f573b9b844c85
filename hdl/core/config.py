"""Named cores: a model, an arithmetic and the shape of the hardware, as one value object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from talos_ref.golden.arithmetic import Arithmetic, arithmetic
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

__all__ = ["CLOCK_HZ", "CoreConfig", "CORES", "core_config"]

CLOCK_HZ = 56_250_000
"""The published design's clock, which every throughput here is quoted at."""


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """Everything that a core is generated from, its weights apart.

    Raises TypeError if a number is not an integer; ValueError if one is out of range, the arithmetic is unknown or not
    defined for the model, or units would use a shared multiplier at the same time.
    """

    name: str
    arithmetic_name: str
    tile_rows: int
    """Output lanes of the matrix-vector tile."""
    tile_columns: int
    """Inputs that the tile takes a cycle."""
    bits_per_cycle: int = 3
    """Result bits a cycle of the digit-recurrence divider and square root."""
    sampler_lanes: int = 9
    """Logits that the sampler weighs a cycle."""
    attention_positions: int = 1
    """Cached positions that attention takes a cycle, a power of two."""
    share_multipliers: bool = False
    """Tile and attention take turns at one bank, and so do the folded head and the sampler."""
    first_layer_in_rom: bool = False
    """Residual stream, query, key and value come from a ROM addressed by (token, position); one layer only."""
    model: ModelConfig = field(default=MICROGPT)
    word: Format = field(default=Q4_12)
    """Format of weights and stored activations."""

    def __post_init__(self) -> None:
        deferred = self.arithmetic.deferred
        if self.first_layer_in_rom and self.model.n_layer != 1:
            raise ValueError(f"n_layer must be 1 with first_layer_in_rom, not {self.model.n_layer!r}")
        for name, high in (("tile_rows", 64), ("tile_columns", 64), ("bits_per_cycle", 8), ("sampler_lanes", 256)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not 1 <= value <= high:
                raise ValueError(f"{name} must be 1 to {high}, not {value!r}")
        positions, high = self.attention_positions, self.model.block_size
        if not isinstance(positions, int) or isinstance(positions, bool):
            raise TypeError(f"attention_positions must be an integer, not {positions!r}")
        if not 1 <= positions <= high or positions & (positions - 1):
            raise ValueError(f"attention_positions must be a power of two from 1 to {high}, not {positions!r}")
        if self.share_multipliers and not self.first_layer_in_rom:
            self._check_turns(3 if deferred else 2)

    def _check_turns(self, most: int) -> None:
        """Raise ValueError if the value takes more cycles than ``most``, since attention multiplies then."""
        # Attention first multiplies four cycles after the last instruction of the query, five if that is scaled; the
        # tile one cycle after each instruction, and those of the value follow the query's without a gap.
        rows, columns, n = self.tile_rows, self.tile_columns, self.model.n_embd
        cycles = -(-n // rows) * -(-n // columns)
        if cycles > most:
            raise ValueError(
                f"with share_multipliers the tile must make a vector of {n} in at most {most} cycles, not {cycles}: "
                f"make it larger than {rows} x {columns}"
            )

    @property
    def arithmetic(self) -> Arithmetic:
        """What every unit computes."""
        return arithmetic(self.arithmetic_name, self.model, self.word)


# Any checkpoint of the family: a tile of 128 multipliers that attention shares, RMSNorm's scale deferred past the MLP,
# hidden units that are 0 skipped. Four positions and nine tokens a cycle: with eight and 27 it takes 92 % of the ALMs.
_WIDE = CoreConfig(
    name="wide",
    arithmetic_name="precise",
    tile_rows=16,
    tile_columns=8,
    bits_per_cycle=2,
    sampler_lanes=9,
    attention_positions=4,
    share_multipliers=True,
)

CORES = {
    core.name: core
    for core in (
        # The published machine without its idle cycles: 16 multipliers for the projections, 16 for attention,
        # 16 for RMSNorm.
        CoreConfig(name="tile16", arithmetic_name="talos-v2", tile_rows=16, tile_columns=1),
        _WIDE,
        # The first layer's embedding, norms and projections are 52 M10K of ROM instead, which leaves room for eight
        # positions and all 27 tokens a cycle.
        replace(_WIDE, name="fused", first_layer_in_rom=True, attention_positions=8, sampler_lanes=27),
    )
}
"""Every core that is built, verified and reported."""


def core_config(name: str, model: ModelConfig = MICROGPT, word: Format = Q4_12) -> CoreConfig:
    """Return a named core bound to a model and a number format; ValueError for an unknown name."""
    if name not in CORES:
        raise ValueError(f"core must be one of {', '.join(CORES)}, not {name!r}")
    return replace(CORES[name], model=model, word=word)
