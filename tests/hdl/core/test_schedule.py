"""What every schedule has to be, whatever the core: complete, in order, and flagged where units rely on it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from hdl.core.config import CORES, CoreConfig
from hdl.core.interface import Stage
from hdl.core.schedule import Instruction, Operation, Vector, schedule, tile_instructions
from talos_ref.model.config import ModelConfig

GENERAL = ModelConfig(alphabet="abcde", block_size=6, n_embd=8, n_head=2, mlp_dim=12, n_layer=3)


def general(
    arithmetic_name: str, rows: int, columns: int, layers: int, in_rom: bool = False, **options: Any
) -> CoreConfig:
    marks = "".join(f"-{name}" for name in options)
    return CoreConfig(
        name=f"{arithmetic_name}-{rows}x{columns}-{layers}{'-rom' if in_rom else ''}{marks}",
        arithmetic_name=arithmetic_name, tile_rows=rows, tile_columns=columns, model=replace(GENERAL, n_layer=layers),
        first_layer_in_rom=in_rom, **options,
    )  # fmt: skip


CONFIGS = [
    *CORES.values(),
    general("precise", 4, 2, 3),
    general("precise", 5, 3, 2),
    general("precise", 16, 16, 1),
    general("precise", 3, 4, 1, in_rom=True),
    general("talos-v2", 4, 2, 3),
    general("talos-v2", 3, 5, 2),
    general("talos-v2", 64, 64, 1),
    general("talos-v2", 1, 1, 1, in_rom=True),
    general("precise", 4, 3, 2, share_multipliers=True),
    general("talos-v2", 4, 3, 2, share_multipliers=True),
    general("precise", 4, 3, 2, sparse_head=False),
    general("precise", 2, 5, 1, in_rom=True, sparse_head=False),
    general("folded", 2, 8, 1, in_rom=True),
    general("folded", 3, 3, 1, in_rom=True),
    general("folded", 8, 4, 1, in_rom=True, sparse_head=False),
]
every_core = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)


def matrices(config: CoreConfig) -> list[str]:
    """The tensors that the tile multiplies by, in the order in which a step needs them."""
    model, names = config.model, []
    if config.arithmetic.folds_projection:
        return [*_folded_order(config), "lm_head_wo", *(["folded"] if config.dense_head else [])]
    for layer in range(model.n_layer):
        in_rom = config.first_layer_in_rom and layer == 0
        in_head = config.arithmetic.deferred and layer == model.n_layer - 1
        projections = ["wk", "wv", "wq"] if config.query_last else ["wk", "wq", "wv"]
        kinds = [*([] if in_rom else projections), "wo", "fc1", *([] if in_head else ["fc2"])]
        names += [f"layer{layer}.{kind}" for kind in kinds]
    return [*names, "lm_head", *(["folded"] if config.dense_head else [])]


def scale_cycles(config: CoreConfig) -> int:
    """RMSNorm's scale takes as many cycles beyond those of an instruction."""
    return 6 if config.tile_register else 7


def _folded_order(config: CoreConfig) -> list[str]:
    """Hidden units are begun first unless those that wait for the scale's time are all that there are."""
    rows, columns = config.blocks(config.model.mlp_dim, config.model.n_embd)
    head_rows, _ = config.blocks(config.model.vocab_size, config.model.n_embd)
    order = ["fc1_wo", "layer0.wo"]
    # Whole row blocks.
    return order if rows > math.ceil(scale_cycles(config) / columns) - head_rows else order[::-1]


def products(config: CoreConfig) -> list[list[Instruction]]:
    """The MULTIPLYs of every matrix, in the order in which the matrices are begun."""
    groups: dict[str, list[Instruction]] = {}
    for step in tile_instructions(schedule(config)):
        groups.setdefault(step.matrix, []).append(step)
    return list(groups.values())


@every_core
def test_every_element_is_taken_once_and_in_order(config: CoreConfig) -> None:
    assert [group[0].matrix for group in products(config)] == matrices(config)
    for group in products(config):
        rows, columns = config.matrices()[group[0].matrix]
        assert [(step.row, step.column) for step in group] == sorted((step.row, step.column) for step in group)
        taken = Counter(
            (step.row * config.tile_rows + r, step.column * config.tile_columns + c)
            for step in group
            for r in range(config.tile_rows)
            for c in range(config.tile_columns)
        )
        inside = {place: count for place, count in taken.items() if place[0] < rows and place[1] < columns}
        assert inside == {(row, column): 1 for row in range(rows) for column in range(columns)}, group[0].matrix
        # No instruction takes nothing but padding.
        assert all(step.row * config.tile_rows < rows for step in group)
        assert all(step.column * config.tile_columns < columns for step in group)


@every_core
def test_flags_of_a_product(config: CoreConfig) -> None:
    for group in products(config):
        for row, block in groupby(group, lambda step: step.row):
            steps = list(block)
            assert [step.first for step in steps] == [True] + [False] * (len(steps) - 1), row
            assert [step.last for step in steps] == [False] * (len(steps) - 1) + [True], row
        # The totals of lm_head are no logits yet where the tile adds those of the folded matrix.
        ends = not (config.dense_head and group[0].matrix in ("lm_head", "lm_head_wo"))
        assert [step.complete for step in group] == [False] * (len(group) - 1) + [ends]
        assert not any(step.release for step in group[:-1])
        for name in ("source", "destination", "layer", "stage", "scaled", "measure", "sparse", "addends"):
            assert len({getattr(step, name) for step in group}) == 1, name
        layer = group[0].matrix.partition(".")[0].removeprefix("layer")
        assert group[0].layer == (int(layer) if layer.isdigit() else 0)


@every_core
def test_the_scale_has_its_time(config: CoreConfig) -> None:
    """Where nothing else needs the residual stream, it comes so late that its scale is just there for the logits."""
    program = tile_instructions(schedule(config))
    if config.arithmetic.folds_projection:
        last = max(index for index, step in enumerate(program) if step.matrix == "layer0.wo")
        logits = max(index for index, step in enumerate(program) if step.matrix == "lm_head_wo")
        hidden = max(index for index, step in enumerate(program) if step.matrix == "fc1_wo")
        assert logits - last >= scale_cycles(config)
        columns = sum(step.row == 0 for step in program if step.matrix == "fc1_wo")
        late = logits - last - scale_cycles(config)
        assert hidden < last or late < columns or program[0].matrix == "layer0.wo"
        # A row block is summed without anything in between.
        rows = [(step.matrix, step.row) for step in program]
        assert len([row for row, _ in groupby(rows)]) == len(set(rows))


@every_core
def test_a_step_ends_in_one_sample(config: CoreConfig) -> None:
    program = schedule(config)
    assert [step.operation for step in program].count(Operation.SAMPLE) == 1
    assert program[-1].operation is Operation.SAMPLE
    assert program[-1].source is Vector.LOGITS
    assert tile_instructions(program) == [step for step in program if step.operation is Operation.MULTIPLY]


@every_core
def test_sources_are_made_before_they_are_read(config: CoreConfig) -> None:
    """A vector is read only when it is complete; query, key and value together make what attention attends."""
    there = {Vector.EMBEDDING}
    if config.first_layer_in_rom:
        there |= {Vector.RESIDUAL, Vector.ATTENDED}
    for index, step in enumerate(schedule(config)):
        assert step.source in there, f"instruction {index} reads {step.source.name}, which is not there: {step}"
        if step.operation is Operation.NORMALISE or step.complete:
            there.add(step.destination)
        if {Vector.QUERY, Vector.KEY, Vector.VALUE} <= there:
            there = (there - {Vector.QUERY, Vector.KEY, Vector.VALUE}) | {Vector.ATTENDED}
        if step.release:
            there.remove(step.source)
    assert there <= {Vector.EMBEDDING, Vector.RESIDUAL, Vector.HIDDEN, Vector.LOGITS}


@every_core
def test_order_of_the_projections(config: CoreConfig) -> None:
    """Scores need key and query, so that they are made beside the value, unless multipliers are shared for longer."""
    ends = [step.destination for step in schedule(config) if step.complete]
    wanted = {Vector.KEY, Vector.QUERY, Vector.VALUE}
    layers = config.model.n_layer - config.first_layer_in_rom
    found = [vector for vector in ends if vector in wanted]
    cycles = math.prod(config.blocks(config.model.n_embd, config.model.n_embd))
    last = config.share_multipliers and cycles > (3 if config.arithmetic.deferred else 2)
    order = [Vector.KEY, Vector.VALUE, Vector.QUERY] if last else [Vector.KEY, Vector.QUERY, Vector.VALUE]
    assert found == order * layers


@every_core
def test_row_blocks_of_a_dense_head(config: CoreConfig) -> None:
    """Every row block of addends comes right before that of the folded matrix, to which it is added."""
    blocks = [(step.row, step.matrix) for step in tile_instructions(schedule(config)) if step.stage is Stage.LM_HEAD]
    addends = "lm_head_wo" if config.arithmetic.folds_projection else "lm_head"
    matrices = (addends, "folded") if config.dense_head else (addends,)
    rows, _ = config.blocks(config.model.vocab_size, 1)
    assert list(dict.fromkeys(blocks)) == [(row, matrix) for row in range(rows) for matrix in matrices]


@every_core
def test_scales(config: CoreConfig) -> None:
    """Only a deferred arithmetic scales afterwards: the query, and what fc2 adds; Wo's result is measured for that."""
    deferred = config.arithmetic.deferred
    folds = config.arithmetic.folds_projection
    last = "fc1_wo" if folds else f"layer{config.model.n_layer - 1}.fc1"
    for group in products(config):
        kind = group[0].matrix.partition(".")[2]
        assert group[0].addends == (group[0].matrix in ("fc1_wo", "lm_head_wo")), group[0].matrix
        assert group[0].scaled == (deferred and (kind in ("wq", "fc2") or group[0].matrix == "folded")), kind
        assert group[0].measure == (deferred and kind == "wo"), group[0].matrix
        sparse = deferred and not config.dense_head and group[0].matrix == last
        assert group[0].sparse == sparse, group[0].matrix
        if kind == "fc1":
            assert group[0].source is (Vector.RESIDUAL if deferred else Vector.NORMED)
    norms = [step for step in schedule(config) if step.operation is Operation.NORMALISE]
    of_a_layer = 1 if deferred else 2
    in_rom = 2 if config.first_layer_in_rom else 0
    assert len(norms) == 1 + of_a_layer * config.model.n_layer - in_rom
    if folds:
        assert {step.source for step in tile_instructions(schedule(config))} - {Vector.HIDDEN} == {Vector.ATTENDED}


@every_core
def test_stages(config: CoreConfig) -> None:
    stages = {
        "wk": Stage.QKV, "wq": Stage.QKV, "wv": Stage.QKV, "wo": Stage.WO, "fc1": Stage.FC1, "fc2": Stage.FC2,
        "fc1_wo": Stage.FC1, "lm_head_wo": Stage.LM_HEAD, "lm_head": Stage.LM_HEAD, "folded": Stage.LM_HEAD,
    }  # fmt: skip
    for step in schedule(config):
        if step.operation is Operation.MULTIPLY:
            assert step.stage is stages[step.matrix.rpartition(".")[2]]
        else:
            assert step.stage is (Stage.NORM if step.operation is Operation.NORMALISE else Stage.SAMPLE)
        waits = {Vector.NORMED: Stage.NORM, Vector.ATTENDED: Stage.ATTENTION}
        assert step.wait_stage is waits.get(step.source, step.stage)
    used = {step.stage for step in schedule(config)} | {step.wait_stage for step in schedule(config)}
    assert Stage.IDLE not in used
    assert Stage.STALL not in used
