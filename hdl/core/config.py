"""Named cores: a model, an arithmetic and the shape of the hardware, as one value object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from talos_ref.golden.arithmetic import Arithmetic, arithmetic
from talos_ref.golden.format import Q4_12, Format
from talos_ref.model.config import MICROGPT, ModelConfig

__all__ = ["BARRELS", "CLOCK_HZ", "LIMITS", "CoreConfig", "CORES"]

CLOCK_HZ = 56_250_000
"""The published design's clock, which every throughput here is quoted at."""


LIMITS = {"block_size": (2, 64), "n_embd": (2, 64), "mlp_dim": (1, 256), "n_layer": (1, 4)}
"""Least and largest dimension of the models that cores are made for."""


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """Everything that a core is generated from, its weights apart.

    Every model of the family can be had within ``LIMITS``, with any alphabet that a model may have and any number of
    heads that divides ``n_embd``. What of that the device holds is for ``hdl.device.estimate``.

    Raises TypeError if a number is not an integer; ValueError if one is out of range, or the arithmetic is unknown or
    not defined for the model and the word.
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
    sparse_head: bool = True
    """In a deferred arithmetic, a product of its own, a multiplier a token, takes the last layer's hidden units as they
    come and skips those that are 0; without, the tile takes all of them after fc1."""
    attention_registers: bool = True
    """Attention's scores and sums are in registers before they are compared and divided by."""
    tile_register: bool = True
    """The tile's totals are in registers before they are rounded; without, a cycle sums and rounds."""
    sampler_register: bool = False
    """The random cut is in a register before the running sums are compared with it; `Sampler` alone has a cut."""
    first_layer_in_rom: bool = False
    """Residual stream, query, key and value come from a ROM addressed by (token, position); one layer only."""
    streams: int = 1
    """Names in flight, a power of two. With more than one the core is that of ``hdl.core.barrel``."""
    scrub: bool = False
    """While the core is idle, a ``RomScrubber`` reads its ROMs, and registers tell of one that has changed."""
    model: ModelConfig = field(default=MICROGPT)
    word: Format = field(default=Q4_12)
    """Format of weights and stored activations."""

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self.model, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low} to {high} in a core, not {value!r}")
        _ = self.arithmetic
        if self.arithmetic.folds_projection and not self.first_layer_in_rom:
            raise ValueError(f"first_layer_in_rom must be set in {self.arithmetic_name}, which adds to tables of it")
        if self.first_layer_in_rom and self.model.n_layer != 1:
            raise ValueError(f"n_layer must be 1 with first_layer_in_rom, not {self.model.n_layer!r}")
        for name, high in (("tile_rows", 64), ("tile_columns", 64), ("bits_per_cycle", 8), ("sampler_lanes", 256)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not 1 <= value <= high:
                raise ValueError(f"{name} must be 1 to {high}, not {value!r}")
        self._check_streams()
        positions, high = self.attention_positions, self.model.block_size
        if not isinstance(positions, int) or isinstance(positions, bool):
            raise TypeError(f"attention_positions must be an integer, not {positions!r}")
        if not 1 <= positions <= high or positions & (positions - 1):
            raise ValueError(f"attention_positions must be a power of two from 1 to {high}, not {positions!r}")

    def _check_streams(self) -> None:
        streams = self.streams
        if not isinstance(streams, int) or isinstance(streams, bool):
            raise TypeError(f"streams must be an integer, not {streams!r}")
        if not 1 <= streams <= 64 or streams & (streams - 1):
            raise ValueError(f"streams must be a power of two from 1 to 64, not {streams!r}")
        if streams > 1 and not self.arithmetic.folds_projection:
            raise ValueError(f"arithmetic_name must be folded with several streams, not {self.arithmetic_name!r}")
        if streams > 1 and self.tile_columns != self.model.n_embd:
            raise ValueError(
                f"tile_columns must be n_embd, {self.model.n_embd}, with several streams, not {self.tile_columns!r}"
            )

    @property
    def arithmetic(self) -> Arithmetic:
        """What every unit computes."""
        return arithmetic(self.arithmetic_name, self.model, self.word)

    @property
    def constant_position_0(self) -> bool:
        """Whether the logits at position 0, where nothing but the token is attended to, are constants from ROM."""
        return self.arithmetic.folds_projection

    @property
    def dense_head(self) -> bool:
        """Whether the tile makes the whole head of a deferred arithmetic."""
        return self.arithmetic.deferred and not self.sparse_head

    @property
    def query_last(self) -> bool:
        """Whether a layer's query is made after its value, so that attention and the tile never multiply at once.

        Attention first multiplies four cycles after the last instruction of the query, three without the tile's
        register, and one later if the query is scaled. The tile multiplies one cycle after each instruction, and those
        of a value that comes after the query follow it without a gap.
        """
        most = 1 + self.tile_register + self.arithmetic.deferred
        rows, columns = self.blocks(self.model.n_embd, self.model.n_embd)
        return self.share_multipliers and rows * columns > most

    def blocks(self, rows: int, columns: int) -> tuple[int, int]:
        """Return how many blocks of rows and of columns the tile takes for a matrix."""
        return -(-rows // self.tile_rows), -(-columns // self.tile_columns)

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Return name -> (rows, columns) of the model's tensors, and of what an arithmetic makes of them."""
        model = self.model
        return {
            **model.shapes(),
            "folded": (model.vocab_size, model.mlp_dim),
            "fc1_wo": (model.mlp_dim, model.n_embd),
            "lm_head_wo": (model.vocab_size, model.n_embd),
        }


# Any checkpoint of the family: a tile of 128 multipliers that attention shares, RMSNorm's scale deferred past the MLP,
# hidden units that are 0 skipped. Four positions and nine tokens a cycle: with eight and 27 it takes 92 % of the ALMs.
# No register stands between a product and its rounding, which makes the longest path 22.0 ns by the estimate.
_WIDE = CoreConfig(
    name="wide",
    arithmetic_name="precise",
    tile_rows=16,
    tile_columns=8,
    bits_per_cycle=2,
    sampler_lanes=9,
    attention_positions=4,
    share_multipliers=True,
    attention_registers=False,
    tile_register=False,
)

CORES = {
    core.name: core
    for core in (
        # The published machine without its idle cycles: 16 multipliers for the projections, 16 for attention,
        # 16 for RMSNorm.
        CoreConfig(name="tile16", arithmetic_name="talos-v2", tile_rows=16, tile_columns=1),
        _WIDE,
        # One stream: all that precedes attention is ROM, and so are the constants that folding Wo leaves. A tile of
        # whole rows finishes hidden units from its first cycle on, and no register stands between a product and its
        # rounding, which makes the longest path 21.6 ns by the estimate.
        replace(
            _WIDE,
            name="fused",
            arithmetic_name="folded",
            tile_rows=8,
            tile_columns=16,
            attention_positions=8,
            first_layer_in_rom=True,
        ),
    )
}
"""Every core that is built, verified and reported."""

BARRELS = {
    core.name: core
    for core in (
        # Eight names in flight: a ninth would change little, and a cache of their keys fills half of a memory block.
        CoreConfig(
            name="barrel",
            arithmetic_name="folded",
            tile_rows=8,
            tile_columns=16,
            sampler_lanes=4,
            first_layer_in_rom=True,
            streams=8,
        ),
    )
}
"""Cores with several streams, whose ports are those of ``hdl.core.barrel``."""
