"""Dimensions of a microGPT: the one description that every view of the model is built from."""

from __future__ import annotations

import string
from dataclasses import dataclass

from talos_ref.model.letters import is_letter, letter_name

__all__ = ["ModelConfig", "DIMENSIONS", "LAYER_TENSORS", "MAX_LETTERS", "MICROGPT"]

LAYER_TENSORS = ("wq", "wk", "wv", "wo", "fc1", "fc2")
DIMENSIONS = {"block_size": (2, 256), "n_embd": (2, 256), "n_head": (1, 64), "mlp_dim": (1, 1024), "n_layer": (1, 16)}
"""Field of ModelConfig -> least and greatest value."""
MAX_LETTERS = 255
"""Longest alphabet: a token is a byte, and BOS takes one."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Dimensions of a character-level transformer without biases.

    Tokens ``0 .. len(alphabet) - 1`` are the letters in order; the last token is BOS, which also ends a name.

    Raises
    ------
    TypeError
        If a dimension is not an integer or the alphabet is not a string.
    ValueError
        If a dimension is out of range, the heads do not divide the embedding, or a letter repeats or cannot be seen.
    """

    alphabet: str = string.ascii_lowercase
    """Letters by token number: 1 to 255 of any script (`letters.is_letter`)."""
    block_size: int = 16
    """Positions, and so the longest context: 2 to 256 here, 2 to 64 in a circuit."""
    n_embd: int = 16
    """Width of the residual stream."""
    n_head: int = 4
    """Attention heads."""
    mlp_dim: int = 64
    """Hidden units of the MLP."""
    n_layer: int = 1
    """Transformer layers."""

    def __post_init__(self) -> None:
        if not isinstance(self.alphabet, str):
            raise TypeError(f"alphabet must be a string, not {self.alphabet!r}")
        if not 1 <= len(self.alphabet) <= MAX_LETTERS:
            raise ValueError(f"alphabet must have 1 to {MAX_LETTERS} letters, not {len(self.alphabet)!r}")
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError(f"alphabet must not repeat a letter, not {self.alphabet!r}")
        if refused := [letter_name(letter) for letter in self.alphabet if not is_letter(letter)]:
            raise ValueError(f"alphabet must hold characters that can be seen, and blanks, not {refused[0]}")
        for name, (low, high) in DIMENSIONS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low} to {high}, not {value!r}")
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd must be a multiple of n_head ({self.n_head}), not {self.n_embd!r}")

    @property
    def vocab_size(self) -> int:
        """Letters and BOS."""
        return len(self.alphabet) + 1

    @property
    def bos(self) -> int:
        """Token that begins and ends a name."""
        return len(self.alphabet)

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.n_embd // self.n_head

    @property
    def max_letters(self) -> int:
        """Letters of the longest name: BOS takes the first position."""
        return self.block_size - 1

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return tensor name -> (rows, columns), in the order in which a checkpoint is drawn, hashed and stored.

        Layer ``i`` holds ``layer{i}.wq`` and so on; a matrix maps its columns to its rows.
        """
        e, m = self.n_embd, self.mlp_dim
        of_layer = {"wq": (e, e), "wk": (e, e), "wv": (e, e), "wo": (e, e), "fc1": (m, e), "fc2": (e, m)}
        shapes = {"wte": (self.vocab_size, e), "wpe": (self.block_size, e), "lm_head": (self.vocab_size, e)}
        for layer in range(self.n_layer):
            shapes |= {f"layer{layer}.{name}": of_layer[name] for name in LAYER_TENSORS}
        return shapes

    def encode(self, text: str) -> list[int]:
        """Return the tokens of ``text``, without BOS; ValueError names the first letter beyond the alphabet."""
        for letter in text:
            if letter not in self.alphabet:
                raise ValueError(f"text must hold letters of {self.alphabet!r} only, not {letter!r}")
        return [self.alphabet.index(letter) for letter in text]

    def decode(self, tokens: list[int]) -> str:
        """Return the letters of ``tokens``; BOS is left out."""
        return "".join(self.alphabet[token] for token in tokens if token != self.bos)


MICROGPT = ModelConfig()
"""The published model: 4,192 parameters."""
