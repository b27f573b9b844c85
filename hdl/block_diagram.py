"""The block diagram of a design as SVG: the units of its core, what each holds, and what passes between them."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from hdl.core.config import CoreConfig
from hdl.core.core import Core
from hdl.design import Design

__all__ = ["Arrow", "Block", "block_diagram", "arrows_of", "blocks_of"]

_COLUMN, _ROW, _BOX = 236, 150, (176, 74)
"""Distances of box centres, and the size of a box, in pixels."""
_MARGIN = (100, 100)
_FONT = "font-family='Helvetica,Arial,sans-serif'"


@dataclass(frozen=True)
class Block:
    """A box: a unit of the core, or a port of it where ``unit`` is empty."""

    unit: str
    title: str
    lines: tuple[str, ...]
    column: int
    row: int


@dataclass(frozen=True)
class Arrow:
    """What passes from one unit to another; ``both`` ways where it does."""

    source: str
    target: str
    label: str
    both: bool = False


def blocks_of(core: Core) -> list[Block]:
    """Return the boxes of a core; numbers come from the units and the configuration."""
    config, model = core.config, core.model
    words = len(core.units.weights.words)
    bits = config.tile_rows * config.tile_columns * config.word.width
    rom = config.first_layer_in_rom
    layers = "1 layer" if model.n_layer == 1 else f"{model.n_layer} layers"
    blocks = [
        Block("request", "request", ("seed, temperature", "letters at most"), 0, 0),
        Block("control", "request control", ("random state, position", "feeds the token back"), 1, 0),
        Block(
            "embedding",
            "first layer in ROM" if rom else "embedding",
            (f"{model.vocab_size} × {model.block_size} rows", _rom_row(config) if rom else "token + position"),
            2, 0,
        ),
        Block("attention", "attention", _attention_lines(config), 3, 0),
        Block("result", "result", ("token, logits", "random state"), 0, 1),
        Block("sampler", "sampler", _sampler_lines(core), 1, 1),
        Block("vectors", "vectors", (f"residual stream of {model.n_embd}", f"{model.mlp_dim} hidden units"), 3, 1),
        Block("rmsnorm", "RMSNorm", ("scale, applied once" if core.arithmetic.deferred else "scaled vector",), 4, 1),
        Block("sequencer", "sequencer", (f"{len(core.program)} instructions", layers), 1, 2),
        Block("weights", "weight ROM", (f"{words:,} words", f"of {bits:,} bits"), 2, 2),
        Block("tile", "systolic tile", (f"{config.tile_rows} × {config.tile_columns} multipliers",), 3, 2),
    ]
    if core.units.head is not None:
        blocks.append(Block("head", "sparse head", ("skips hidden units", "that are 0"), 2, 1))
    return blocks


def _rom_row(config: CoreConfig) -> str:
    return "of x, q, k, v, F1, L" if config.arithmetic.folds_projection else "of x, q, k, v"


def _sampler_lines(core: Core) -> tuple[str, ...]:
    config, tokens = core.config, core.model.vocab_size
    if core.units.sampler.PREPARES:
        return f"noise, {core.units.sampler.noise.lanes} tokens a cycle", f"largest of {tokens} tokens"
    return f"{config.sampler_lanes} tokens a cycle", f"{tokens} tokens"


def _attention_lines(config: CoreConfig) -> tuple[str, ...]:
    positions = config.attention_positions
    return (
        f"{config.model.n_head} heads, KV cache of {config.model.block_size}",
        f"{positions} position{'s' if positions > 1 else ''} a cycle",
    )


def arrows_of(core: Core) -> list[Arrow]:
    """Return what passes between the units of a core."""
    rom = core.config.first_layer_in_rom
    arrows = [
        Arrow("request", "control", ""),
        Arrow("control", "result", ""),
        Arrow("control", "embedding", "token"),
        Arrow("sequencer", "weights", "address"),
        Arrow("weights", "tile", "weights"),
        Arrow("vectors", "tile", "x, totals", both=True),
        Arrow("sampler", "control", "token"),
    ]
    if rom:
        arrows += [Arrow("embedding", "attention", "q, k, v"), Arrow("embedding", "vectors", "x")]
        arrows += [Arrow("attention", "vectors", "attended"), Arrow("vectors", "rmsnorm", "x")]
    else:
        arrows += [Arrow("embedding", "rmsnorm", "x"), Arrow("vectors", "rmsnorm", "x, y", both=True)]
        arrows += [Arrow("attention", "vectors", "q, k, v; out", both=True)]
    if core.units.tile.addends:
        arrows.append(Arrow("embedding", "tile", "F1, L"))
    if core.units.head is not None:
        arrows += [Arrow("vectors", "head", "hidden"), Arrow("head", "vectors", "logits")]
        arrows += [Arrow("rmsnorm", "head", "scale"), Arrow("vectors", "sampler", "logits")]
    else:
        arrows.append(Arrow("vectors", "sampler", "logits"))
    return arrows


def block_diagram(design: Design) -> str:
    """Return the diagram of a design's core as SVG text."""
    core = Core(design)
    blocks, arrows = blocks_of(core), arrows_of(core)
    width = 2 * _MARGIN[0] + 4 * _COLUMN
    height = 2 * _MARGIN[1] + 2 * _ROW
    title = (
        f"{design.name}: {design.core.arithmetic_name} arithmetic, words of {design.word}, "
        f"{design.clock_hz / 1e6:g} MHz"
    )
    places = {block.unit: block for block in blocks}
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img'>",
        f"<title>{escape(title)}</title>",
        "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' markerHeight='8' "
        "orient='auto-start-reverse'><path d='M0,0 L8,4 L0,8 z' fill='#456'/></marker></defs>",
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
        f"<text x='{_MARGIN[0] - _BOX[0] // 2}' y='34' {_FONT} font-size='19' fill='#123'>{escape(title)}</text>",
        *(_draw_arrow(arrow, places) for arrow in _shown(arrows)),
        *(_draw_block(block) for block in blocks),
        "</svg>",
    ]
    return "\n".join([*lines, ""])


def _shown(arrows: list[Arrow]) -> list[Arrow]:
    """Return the arrows to draw: logits that pass from head to vectors to sampler become one arrow."""
    if not any((arrow.source, arrow.target) == ("head", "vectors") for arrow in arrows):
        return arrows
    joined = (("vectors", "sampler"), ("head", "vectors"))
    kept = [arrow for arrow in arrows if (arrow.source, arrow.target) not in joined]
    return [*kept, Arrow("head", "sampler", "logits")]


def _centre(block: Block) -> tuple[int, int]:
    return _MARGIN[0] + block.column * _COLUMN, _MARGIN[1] + 12 + block.row * _ROW


def _draw_block(block: Block) -> str:
    x, y = _centre(block)
    port = block.unit in ("request", "result")
    fill, stroke, radius = ("#f4f4f0", "#999988", 36) if port else ("#e8f0fa", "#4a78b5", 6)
    parts = [
        f"<rect x='{x - _BOX[0] // 2}' y='{y - _BOX[1] // 2}' width='{_BOX[0]}' height='{_BOX[1]}' rx='{radius}' "
        f"fill='{fill}' stroke='{stroke}' stroke-width='1.5'/>",
        _text(x, y - 14, block.title, 16, bold=True),
    ]
    parts += [_text(x, y + 6 + 18 * index, line, 13) for index, line in enumerate(block.lines)]
    return "".join(parts)


def _text(x: float, y: float, text: str, size: int, *, bold: bool = False) -> str:
    weight = " font-weight='bold'" if bold else ""
    return (
        f"<text x='{x:g}' y='{y:g}' {_FONT} font-size='{size}'{weight} fill='#123' text-anchor='middle'>"
        f"{escape(text)}</text>"
    )


def _draw_arrow(arrow: Arrow, places: dict[str, Block]) -> str:
    if (arrow.source, arrow.target) == ("rmsnorm", "head"):
        # Around the vectors, which stand between the two.
        (x0, y0), (x1, y1) = _centre(places["rmsnorm"]), _centre(places["head"])
        low = y0 + _BOX[1] // 2 + 30
        points = [(x0, y0 + _BOX[1] // 2), (x0, low), (x1, low), (x1, y1 + _BOX[1] // 2 + 4)]
        label = (x0 - 60, low - 6)
    elif (arrow.source, arrow.target) == ("embedding", "rmsnorm"):
        (x0, y0), (x1, y1) = _centre(places["embedding"]), _centre(places["rmsnorm"])
        high = y0 - _BOX[1] // 2 - 18
        points = [(x0, y0 - _BOX[1] // 2), (x0, high), (x1, high), (x1, y1 - _BOX[1] // 2 - 4)]
        label = (x1 - 60, high - 6)
    else:
        points = _straight(places[arrow.source], places[arrow.target])
        (x0, y0), (x1, y1) = points
        upright = x0 == x1
        label = (
            (x0 + x1) // 2 + (len(arrow.label) * 3 + 12 if upright else 0),
            (y0 + y1) // 2 + (4 if upright else -8),
        )
        if (arrow.source, arrow.target) == ("embedding", "tile"):
            # Past the boxes of the row between, which other arrows join.
            label = (x1 - 40, y1 - 18)
    path = " ".join(f"{x},{y}" for x, y in points)
    start = " marker-start='url(#tip)'" if arrow.both else ""
    line = f"<polyline points='{path}' fill='none' stroke='#456' stroke-width='1.5' marker-end='url(#tip)'{start}/>"
    return line + (_text(*label, arrow.label, 12) if arrow.label else "")


def _straight(source: Block, target: Block) -> list[tuple[int, int]]:
    """Return the ends of a line between the edges of two boxes."""
    (x0, y0), (x1, y1) = _centre(source), _centre(target)
    half_width, half_height, gap = _BOX[0] // 2, _BOX[1] // 2, 4
    if y0 == y1:
        side = 1 if x1 > x0 else -1
        return [(x0 + side * (half_width + gap), y0), (x1 - side * (half_width + gap), y1)]
    down = 1 if y1 > y0 else -1
    if x0 == x1:
        return [(x0, y0 + down * (half_height + gap)), (x1, y1 - down * (half_height + gap))]
    side = 1 if x1 > x0 else -1
    return [(x0 + side * (half_width - 20), y0 + down * (half_height + gap)),
            (x1 - side * (half_width - 20), y1 - down * (half_height + gap))]  # fmt: skip
