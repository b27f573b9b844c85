"""Names from a model: the loop that draws a token, feeds it back, and ends a name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from talos_ref.golden.sampler import TEMPERATURE, Sampler, argmax
from talos_ref.golden.xorshift32 import check_seed, xorshift32
from talos_ref.model.config import ModelConfig

__all__ = [
    "Model",
    "Step",
    "check_limit",
    "check_tokens",
    "check_temperature",
    "quantise_temperature",
    "steps",
    "letters",
]


class Model(Protocol):
    """What the float64 and the integer models share."""

    config: ModelConfig

    @property
    def greedy_at_zero(self) -> bool:
        """Whether temperature 0 means the argmax."""

    def new_cache(self) -> Any:
        """Return an empty cache."""

    def logits(self, token: int, position: int, cache: Any) -> Sequence[float]:
        """Return the logits after ``token`` at ``position``; its keys and values join the cache."""

    def draw(self, logits: Any, temperature: Any, rng: int) -> int:
        """Return a token drawn with the state ``rng``."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step as every view of the model reports it; ``rng`` is the state after the step."""

    pos: int
    token_in: int
    token_out: int
    argmax: int
    rng: int
    top_logit: float
    logits: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields for a JSON line."""
        return asdict(self)


def check_temperature(temperature: float) -> float:
    """Return ``temperature`` as a float; TypeError or ValueError unless it is a finite number, 0 or more."""
    if not isinstance(temperature, (int, float)) or isinstance(temperature, bool):
        raise TypeError(f"temperature must be a number, not {temperature!r}")
    if not math.isfinite(temperature) or temperature < 0:
        raise ValueError(f"temperature must be finite and 0 or more, not {temperature!r}")
    return float(temperature)


def quantise_temperature(temperature: float, sampler: Sampler) -> int:
    """Return ``temperature`` in UQ8.8, rounded to nearest.

    Raises ValueError if it is negative, not finite, or outside the sampler's range.
    """
    value = round(check_temperature(temperature) * (1 << TEMPERATURE.fraction))
    if value == 0 and temperature == 0 and sampler.greedy_at_zero:
        return 0
    if not sampler.min_temperature <= value <= sampler.max_temperature:
        low, high = (TEMPERATURE.to_float(bound) for bound in (sampler.min_temperature, sampler.max_temperature))
        zero = "0 (greedy) or " if sampler.greedy_at_zero else ""
        raise ValueError(f"temperature must be {zero}{low:g} to {high:g}, not {temperature!r}")
    return value


def check_limit(limit: int, config: ModelConfig) -> int:
    """Return ``limit`` (letters at most); TypeError or ValueError unless it is 1 to ``config.max_letters``."""
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit must be an integer, not {limit!r}")
    if not 1 <= limit <= config.max_letters:
        raise ValueError(f"limit must be 1 to {config.max_letters} letters, not {limit!r}")
    return limit


def check_tokens(tokens: Sequence[int], config: ModelConfig) -> tuple[int, ...]:
    """Return forced input tokens; ValueError unless there are 1 to block_size of them, each in the vocabulary."""
    if not 1 <= len(tokens) <= config.block_size:
        raise ValueError(f"tokens must number 1 to {config.block_size}, not {len(tokens)!r}")
    for token in tokens:
        if not isinstance(token, int) or isinstance(token, bool):
            raise TypeError(f"token must be an integer, not {token!r}")
        if not 0 <= token < config.vocab_size:
            raise ValueError(f"token must be 0 to {config.vocab_size - 1}, not {token!r}")
    return tuple(tokens)


def steps(
    model: Model,
    *,
    seed: int,
    temperature: Any,
    limit: int | None = None,
    greedy: bool = False,
    forced: Sequence[int] | None = None,
) -> Iterator[Step]:
    """Yield the steps of one name: from BOS until BOS is drawn or ``limit`` letters are.

    Each step advances the random state once and draws with the new state; a greedy step (temperature 0 is one, where
    the model has it so) takes the first maximum and leaves the state alone. With ``forced``, these tokens are the
    inputs and decide the number of steps.

    Parameters
    ----------
    temperature
        As ``model.draw`` takes it: a real number for the float64 model, or UQ8.8 for an integer model.
    """
    config = model.config
    greedy = greedy or (temperature == 0 and model.greedy_at_zero)
    rng = check_seed(seed)
    inputs = None if forced is None else check_tokens(forced, config)
    count = check_limit(config.max_letters if limit is None else limit, config) if inputs is None else len(inputs)
    cache, token = model.new_cache(), config.bos
    for pos in range(count):
        token_in = token if inputs is None else inputs[pos]
        logits = tuple(model.logits(token_in, pos, cache))
        best = argmax(logits)
        if greedy:
            token = best
        else:
            rng = xorshift32(rng)
            token = model.draw(logits, temperature, rng)
        yield Step(
            pos=pos, token_in=token_in, token_out=token, argmax=best, rng=rng, top_logit=logits[best], logits=logits
        )
        if inputs is None and token == config.bos:
            return


def letters(model: Model, **options: Any) -> list[int]:
    """Return the letters of one name (tokens without BOS); options as for ``steps``."""
    return [step.token_out for step in steps(model, **options) if step.token_out != model.config.bos]
