"""Keys and values of the positions so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from talos_ref.model.config import ModelConfig

__all__ = ["LayerCache", "KVCache"]


@dataclass
class LayerCache:
    """One layer: ``keys[position]`` and ``values[position]`` are vectors of n_embd words, all heads side by side."""

    keys: list[list[int]] = field(default_factory=list)
    values: list[list[int]] = field(default_factory=list)


class KVCache:
    """The cache of one name; position ``len(cache)`` comes next."""

    def __init__(self, config: ModelConfig) -> None:
        self.layers = [LayerCache() for _ in range(config.n_layer)]

    def __len__(self) -> int:
        return len(self.layers[0].keys)

    def truncate(self, position: int) -> None:
        """Forget ``position`` and all that follow, so that it can be stepped again."""
        for layer in self.layers:
            del layer.keys[position:]
            del layer.values[position:]
