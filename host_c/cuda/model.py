"""A model on a device: a launch for every operation, a single stream, and many streams."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from host_c.cuda.devices import Device
from host_c.cuda.layout import DESK, JOB, POSITIONS, TOKENS, float_model, folded_model
from talos_ref.golden.arithmetic import arithmetic
from talos_ref.golden.generate import check_temperature, quantise_temperature
from talos_ref.golden.xorshift32 import check_seed
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["ARITHMETICS", "DeviceModel"]

_STREAMS_OF_A_PROCESSOR = 32
"""Streams that a multiprocessor is given; as many are under way as its registers hold, and hide each other's waits."""
_OPERATIONS = (
    ("embed", 16), ("norm_in_place", 16), ("norm", 16), ("query", 16), ("key", 16), ("value", 16), ("attend", 16),
    ("project", 16), ("unit_addend", 64), ("unit", 64), ("logit_addend", 32), ("logit", 32), ("draw", 32),
)  # fmt: skip
"""Kernels of a step where each does one operation, and their threads."""


def _folded_temper(config: ModelConfig, temperature: float) -> int:
    return quantise_temperature(temperature, arithmetic("folded", config).sampler)


def _float_temper(config: ModelConfig, temperature: float) -> int:
    value = check_temperature(temperature)
    inverse = np.float32(np.log2(np.e) / value) if value else np.float32(0)
    return int(struct.unpack("<I", struct.pack("<f", inverse))[0])


ARITHMETICS: dict[str, tuple[Callable[[Checkpoint], Any], Callable[[ModelConfig, float], int]]] = {
    "folded": (folded_model, _folded_temper),
    "float": (float_model, _float_temper),
}
"""Arithmetic -> the model's layout, and a temperature as the kernels take it."""


class DeviceModel:
    """A checkpoint under ``folded`` in Q4.12 or under ``float`` in float32, on one device.

    Raises ValueError for another arithmetic, or a model that the kernels do not take.
    """

    def __init__(self, checkpoint: Checkpoint, name: str, device: Device) -> None:
        if name not in ARITHMETICS:
            raise ValueError(f"arithmetic must be one of {', '.join(ARITHMETICS)} on a GPU, not {name!r}")
        self.config, self.arithmetic, self.device = checkpoint.config, name, device
        make, self._temper = ARITHMETICS[name]
        model = make(checkpoint)
        self._model = self._put(model)
        self._desk, self._counters = device.allocate(DESK.itemsize), device.allocate(3 * 8)

    def _put(self, array: npt.NDArray[Any]) -> int:
        address = self.device.allocate(array.nbytes)
        self.device.upload(address, array)
        return address

    def _job(self, temperature: float, **fields: int) -> npt.NDArray[Any]:
        job = np.zeros((), dtype=JOB)
        job["model"], job["desk"], job["counters"] = self._model, self._desk, self._counters
        job["temper"] = self._temper(self.config, temperature)
        for name, value in fields.items():
            job[name] = value
        return job

    def _run(
        self, kernel: str, blocks: int, threads: int, job: npt.NDArray[Any], names: int, *, logits: bool
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any] | None, int]:
        """Return tokens [name, block_size], logits [name, position, vocab] if asked for, and the steps taken."""
        device, config = self.device, self.config
        tokens = np.empty((names, POSITIONS), dtype=np.uint8)
        words = np.empty((names, POSITIONS, TOKENS), dtype="<f4" if self.arithmetic == "float" else "<i4")
        counters = np.zeros(3, dtype=np.uint64)
        job["names"], job["tokens"] = names, device.allocate(tokens.nbytes)
        if logits:
            job["logits"] = device.allocate(words.nbytes)
        device.upload(self._counters, counters)
        device.launch(f"{self.arithmetic}_{kernel}", blocks, threads, job)
        device.download(counters, self._counters)
        device.download(tokens, int(job["tokens"]))
        device.release(int(job["tokens"]))
        if logits:
            device.download(words, int(job["logits"]))
            device.release(int(job["logits"]))
        steps = int(counters[0])
        return tokens[:, : config.block_size], words[..., : config.vocab_size] if logits else None, steps

    def one_stream(
        self, seed: int, temperature: float, names: int, *, logits: bool = False
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any] | None, int]:
        """Return names one after the other from one random state, in one launch: tokens, logits and steps as `_run`.

        Raises ValueError for a seed or a temperature out of range.
        """
        job = self._job(temperature, seed=check_seed(seed))
        return self._run("one_stream", 1, 32, job, names, logits=logits)

    def many_streams(
        self, seeds: npt.NDArray[np.uint32], temperature: float, *, logits: bool = False
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any] | None, int]:
        """Return a name for each seed, in one launch; as `one_stream`."""
        if not seeds.all():
            check_seed(0)
        device = self.device
        job = self._job(temperature, seeds=self._put(np.ascontiguousarray(seeds, dtype=np.uint32)))
        blocks = device.processors * _STREAMS_OF_A_PROCESSOR // device.warps
        result = self._run("many_streams", blocks, 32 * device.warps, job, len(seeds), logits=logits)
        device.release(int(job["seeds"]))
        return result

    def by_operations(self, seed: int, temperature: float, names: int) -> tuple[npt.NDArray[np.uint8], int]:
        """Return the names of `one_stream` and their steps, with a launch for every operation and a wait a step."""
        device, config, desk = self.device, self.config, np.zeros((), dtype=DESK)
        job = self._job(temperature, seed=check_seed(seed), position=1)
        tokens, steps = np.full((names, config.block_size), config.bos, dtype=np.uint8), 0
        device.launch(f"{self.arithmetic}_begin", 1, 1, job)
        for row in tokens:
            job["position"] = 0
            device.launch(f"{self.arithmetic}_begin", 1, 1, job)
            for position in range(config.max_letters):
                job["position"] = position
                for operation, threads in _OPERATIONS:
                    device.launch(f"{self.arithmetic}_{operation}", 1, threads, job)
                device.download(desk, self._desk)
                steps += 1
                row[position] = desk["token"]
                if row[position] == config.bos:
                    break
        return tokens, steps
