"""What each command does with a board: from its options to output, and to the object that ``--save`` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from cosim.host.check import check_name, check_step, expected_names, expected_steps
from cosim.host.machine import Counters, NameRun, StepRun, read_counters, run_name, run_step
from cosim.host.screen import screen
from cosim.host.session import Session
from cosim.host.totals import Totals
from talos_ref.golden.generate import check_limit, check_tokens, quantise_temperature
from talos_ref.model.config import ModelConfig
from talos_ref.terminal import console

__all__ = ["MAX_NAMES", "Drawing", "Result", "bench", "counters", "generate", "info", "step"]

MAX_NAMES = 1_000_000
"""Names at most in one run; a day's through a cable."""
_LOGITS_PER_LINE = 9

Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """How names are drawn, and what of them is compared with the golden model."""

    seed: int = 1
    """Of the first name."""
    temperature: float = 0.5
    limit: int | None = None
    """Letters at most; what fits the block, if None."""
    check: bool = False
    replay: bool = False
    """Repeat every name in single steps, and compare all logits."""


def info(session: Session, result: Result, as_json: bool) -> None:
    """Show who the board says it is."""
    identity = session.identity
    if as_json:
        print(json.dumps(result["board"]))
        return
    print(f"id          {identity.id:#010x}")
    print(f"version     {identity.version >> 16}.{identity.version & 0xFFFF}")
    print(f"core        {identity.core}")
    print(f"arithmetic  {identity.arithmetic}")
    print(f"build       {identity.build:08x}{'' if session.warning else ', as these sources make it'}")
    print(f"clock       {identity.clock_hz / 1e6:g} MHz")
    print(f"model       {identity.vocab_size} tokens, {identity.block_size} positions, words of {identity.word}")
    if identity.streams > 1:
        print(f"streams     {identity.streams}")
    if identity.scrubber:
        passes = session.bus.read(session.registers.register("rom_passes").address)
        print(f"ROMs        as they were programmed, in all of {passes:,} passes of the scrubber")


def generate(session: Session, result: Result, as_json: bool, *, drawing: Drawing, count: int) -> None:
    """Generate names, each letter shown when it is read."""
    totals = _names(session, result, drawing, count, as_json=as_json, show=True)
    result["totals"] = totals.to_json()
    _say_checked(result, as_json)


def bench(session: Session, result: Result, as_json: bool, *, drawing: Drawing, count: int) -> None:
    """Generate names without showing them, and show the rates."""
    totals = _names(session, result, drawing, count, as_json=as_json, show=False)
    result["totals"] = totals.to_json()
    if as_json:
        print(json.dumps({"board": result["board"], **result["totals"], "checked": result["checked"]}))
        return
    out = console()
    table = Table(title=f"{session.identity.core}, {session.transport}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = {
        "names": f"{totals.names:,}",
        "letters": f"{totals.letters:,}",
        "steps": f"{totals.steps:,}",
        "cycles": f"{totals.cycles:,}",
        "cycles per step": f"{totals.cycles / totals.steps:.1f}",
        "steps/s": f"{totals.steps_per_second:,.0f}",
        "letters/s": f"{totals.letters_per_second:,.0f}",
        "host: seconds": f"{totals.seconds:.2f}",
        "host: names/s": f"{totals.names / totals.seconds:,.1f}",
        "values compared": f"{totals.values:,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)
    out.print(_stage_table(totals.cycles, result["totals"]["cycles_by_stage"], totals.steps))


def counters(session: Session, result: Result, as_json: bool, *, drawing: Drawing | None) -> None:
    """Show what the machine counted in a name or, without ``drawing``, in whatever ran last."""
    if drawing is None:
        found = read_counters(session.bus, session.registers)
    else:
        found = next(_runs(session, result, drawing, 1)).last.counters
    result["counters"] = _counters_json(session, found)
    if as_json:
        print(json.dumps(result["counters"]))
        return
    for name, value in result["counters"].items():
        if name != "cycles_by_stage":
            print(f"{name.replace('_', ' '):18} {value:,.0f}")
    if found.steps:
        console().print(_stage_table(found.cycles, found.by_stage(), found.steps))


def step(
    session: Session, result: Result, as_json: bool, *, tokens: Sequence[int] | None, text: str | None, check: bool
) -> None:
    """Run single steps on given tokens, or on BOS and a text, or on BOS alone; show all logits of each."""
    model = session.design.model
    if tokens is None:
        tokens = [model.bos, *model.encode(text or "")]
    check_tokens(tokens, model)
    expected = list(expected_steps(session.design, tokens)) if check else None
    result["steps"] = []
    for position, token in enumerate(tokens):
        run = run_step(
            session.bus, session.registers, token=token, position=position, clear=position == 0, seconds=session.seconds
        )
        fields = _step_json(position, token, run)
        result["steps"].append(fields)
        _show_step(fields, model, session.design.arithmetic.word.fraction, as_json=as_json)
        if expected is not None:
            result["checked"] += check_step(expected[position], run)
    _say_checked(result, as_json)


def _names(
    session: Session, result: Result, drawing: Drawing, count: int, *, as_json: bool, show: bool
) -> Totals:
    """Run names and return their sums."""
    model = session.design.model
    totals = Totals(session.identity.clock_hz)
    with screen(count, as_json=as_json, show=show) as shown:

        def on_letter(letter: int) -> None:
            shown.letter(_decode([letter], model))

        for run in _runs(session, result, drawing, count, on_letter):
            totals.add(run)
            totals.values = result["checked"]
            shown.name(result["names"][-1], totals.rate())
    return totals


def _runs(
    session: Session,
    result: Result,
    drawing: Drawing,
    count: int,
    on_letter: Callable[[int], None] = lambda letter: None,
) -> Iterator[NameRun]:
    """Yield the run of each seed, compared if that was asked for; each joins ``result`` before it is compared."""
    model = session.design.model
    seeds = _seeds(drawing.seed, count)
    temperature = quantise_temperature(drawing.temperature, session.design.arithmetic.sampler)
    limit = model.max_letters if drawing.limit is None else check_limit(drawing.limit, model)
    result |= {"seed": drawing.seed, "temperature_q8_8": temperature, "limit": limit, "names": []}
    check = drawing.check or drawing.replay
    expected = iter(expected_names(session.design, seeds, temperature, limit)) if check else None
    for seed in seeds:
        golden = next(expected) if expected is not None else None
        run = run_name(
            session.bus, session.registers, seed=seed, temperature=temperature, limit=limit, seconds=session.seconds,
            on_letter=on_letter,
        )  # fmt: skip
        letters = list(run.letters)
        result["names"].append({"seed": seed, "tokens": letters, "text": _decode(letters, model)})
        if golden is not None:
            result["checked"] += check_name(seed, golden, run, model.bos)
            if drawing.replay:
                result["checked"] += _replay(session, seed, golden)
        yield run


def _replay(session: Session, seed: int, golden: list[Any]) -> int:
    """Run a name again in single steps, and return how many values were compared."""
    values = 0
    for wanted in golden:
        run = run_step(
            session.bus, session.registers, token=wanted.token_in, position=wanted.pos, clear=wanted.pos == 0,
            seconds=session.seconds,
        )  # fmt: skip
        values += check_step(wanted, run, seed)
    return values


def _seeds(first: int, count: int) -> range:
    if first + count - 1 > 0xFFFFFFFF:
        raise ValueError(f"seed + count - 1 must be at most 4294967295, not {first + count - 1}; ask for fewer names")
    return range(first, first + count)


def _decode(letters: list[int], model: ModelConfig) -> str:
    """Return letters as text, ``?`` for what no letter is: a faulty board may answer anything."""
    return "".join(model.alphabet[letter] if letter < len(model.alphabet) else "?" for letter in letters)


def _say_checked(result: Result, as_json: bool) -> None:
    if result["checked"] and not as_json:
        print(f"{result['checked']:,} values compared with the golden model, all equal")


def _counters_json(session: Session, found: Counters) -> Result:
    clock, cycles = session.identity.clock_hz, found.cycles
    return {
        "cycles": cycles,
        "steps": found.steps,
        "letters": found.letters,
        "tokens_per_second": found.tokens_per_second,
        "letters_per_second": found.letters * clock / cycles if cycles else 0.0,
        "steps_per_second": found.steps * clock / cycles if cycles else 0.0,
        "cycles_by_stage": found.by_stage(),
    }


def _step_json(position: int, token: int, run: StepRun) -> Result:
    return {
        "pos": position,
        "token_in": token,
        "argmax": run.argmax,
        "top_logit": run.top_logit,
        "logits": list(run.logits),
        "cycles": run.counters.cycles,
        "cycles_by_stage": run.counters.by_stage(),
    }


def _show_step(fields: Result, model: ModelConfig, fraction: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(fields), flush=True)
        return
    signs = _signs(model)
    print(
        f"position {fields['pos']}, {signs[fields['token_in']]} in: {signs[fields['argmax']]} is the most likely, "
        f"{fields['cycles']} cycles"
    )
    for first in range(0, len(signs), _LOGITS_PER_LINE):
        line = range(first, min(first + _LOGITS_PER_LINE, len(signs)))
        print("  " + "  ".join(f"{signs[i]} {fields['logits'][i] / (1 << fraction):8.4f}" for i in line), flush=True)


def _signs(model: ModelConfig) -> list[str]:
    """Return what stands for each token: letters, and for BOS a dot, or another sign if that is a letter."""
    return [*model.alphabet, next(sign for sign in "·∎␃" if sign not in model.alphabet)]


def _stage_table(cycles: int, by_stage: dict[str, int], steps: int) -> Table:
    table = Table(title="cycles by stage", title_justify="left", show_footer=True)
    table.add_column("stage", footer="total")
    for name, footer in (("cycles", f"{cycles:,}"), ("per step", f"{cycles / steps:.1f}"), ("share", "100.0 %")):
        table.add_column(name, justify="right", footer=footer)
    for stage, spent in by_stage.items():
        share = f"{100 * spent / cycles:.1f} %" if cycles else ""
        table.add_row(stage, f"{spent:,}", f"{spent / steps:.1f}", share)
    return table
