"""Step 6, the circuit's model: four heads, Adam in place of plain descent, and a learnable gain for each norm.

Nine words in ten are learnt from; the others, none of which is among them, say how well the model predicts new words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig
from talos_ref.studies.ladder.functions import cross_entropy
from talos_ref.studies.ladder.gpt import GAINS, Parameters, forward
from talos_ref.studies.ladder.one_head import first_parameters, next_logits
from talos_ref.studies.ladder.stream import mean_nll, random_windows, stream_of
from talos_ref.studies.ladder.tensor import Array, Tensor
from talos_ref.studies.ladder.trained import SEED, OnProgress, Trained

__all__ = ["STEPS", "Adam", "folded", "split", "train"]

STEPS = 4300
"""As many as reach the published figures, for which 5,000 steps were taken with a norm before the last matrix."""
RATE, WARM_UP = 3e-3, 200
"""The rate grows over the first steps, and then stays."""
LEARNT = 0.9


def split(words: Sequence[str], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return nine tenths of the different words, in random order, and the rest."""
    different = rng.permutation(sorted(set(words))).tolist()
    count = int(LEARNT * len(different))
    return different[:count], different[count:]


class Adam:
    """A step for each parameter by the mean of its gradients and of their squares (Kingma and Ba, 2015)."""

    BETA1, BETA2, EPS = 0.9, 0.999, 1e-8

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.steps = 0
        self.moments = {name: (np.zeros_like(p.value), np.zeros_like(p.value)) for name, p in parameters.items()}

    def step(self, rate: float) -> None:
        """Move every parameter against its gradient."""
        self.steps += 1
        for name, p in self.parameters.items():
            first, second = self.moments[name]
            first = self.BETA1 * first + (1 - self.BETA1) * p.gradient
            second = self.BETA2 * second + (1 - self.BETA2) * p.gradient**2
            self.moments[name] = first, second
            mean, square = first / (1 - self.BETA1**self.steps), second / (1 - self.BETA2**self.steps)
            p.value = p.value - rate * mean / (np.sqrt(square) + self.EPS)


def folded(parameters: Parameters) -> dict[str, Array]:
    """Return the parameters of a circuit, which has no gains: ``W · (gain · x) = (W · gain) · x``, column by column."""
    weights = {name: p.value for name, p in parameters.items() if not name.startswith("gain.")}
    for gain, matrices in GAINS.items():
        for name in matrices:
            weights[name] = weights[name] * parameters[gain].value
    return weights


def train(words: Sequence[str], config: ModelConfig, on_progress: OnProgress, steps: int = STEPS) -> Trained:
    """Return the model after ``steps`` steps, each on 32 windows, with the checkpoint that a circuit takes."""
    rng = np.random.default_rng(SEED)
    learnt, kept_back = (stream_of(part, config) for part in split(words, rng))
    p = first_parameters(config, rng) | {gain: Tensor(np.ones(config.n_embd)) for gain in GAINS}
    adam = Adam(p)
    for step in range(steps):
        tokens, wanted = random_windows(learnt, config.block_size, rng)
        loss = cross_entropy(forward(p, tokens, config), wanted)
        loss.backward()
        adam.step(RATE * min(1, (step + 1) / WARM_UP))
        on_progress(step + 1, float(loss.value))
    nll = partial(mean_nll, lambda tokens: forward(p, tokens, config), length=config.block_size)
    return Trained(
        nll=nll(learnt),
        validation_nll=nll(kept_back),
        parameters=sum(tensor.value.size for tensor in p.values()),
        next_logits=partial(next_logits, p, config),
        checkpoint=Checkpoint(config, {name: value.astype(np.float32) for name, value in folded(p).items()}),
    )
