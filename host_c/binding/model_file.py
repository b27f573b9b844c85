"""The model file of the C library: a checkpoint as little-endian float32 behind a fixed header.

    offset  0  magic "TALOSMDL"
            8  version 1
           12  vocab_size, block_size, n_embd, n_head, mlp_dim, n_layer
           36  number of parameters
           40  CRC-32 (zlib) of all that follows the header
           44  zeros
           64  alphabet: a code point a letter, vocab_size - 1 of them
               parameters: float32, tensors in the order of ModelConfig.shapes(), row by row

Integers are unsigned and 32 bits wide. host_c/library/model.c reads it.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from talos_ref.files import write_bytes
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["MAGIC", "VERSION", "HEADER_BYTES", "model_bytes", "write_model", "read_config"]

MAGIC, VERSION, HEADER_BYTES = b"TALOSMDL", 1, 64


def model_bytes(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as a model file."""
    config = checkpoint.config
    flat = np.concatenate([checkpoint.tensors[name].ravel() for name in config.shapes()])
    alphabet = np.array([ord(letter) for letter in config.alphabet], dtype="<u4")
    body = alphabet.tobytes() + flat.astype("<f4").tobytes()
    dimensions = (config.vocab_size, config.block_size, config.n_embd, config.n_head, config.mlp_dim, config.n_layer)
    header = struct.pack("<8s9I", MAGIC, VERSION, *dimensions, flat.size, zlib.crc32(body))
    return header.ljust(HEADER_BYTES, b"\0") + body


def write_model(checkpoint: Checkpoint, path: str | Path) -> Path:
    """Write a checkpoint as a model file; OSError if ``path`` cannot be written."""
    return write_bytes(path, model_bytes(checkpoint))


def read_config(file: BinaryIO) -> ModelConfig:
    """Return the dimensions and the alphabet of a model file that the C library has accepted.

    Raises ValueError if its alphabet is none: the library has no use for it, and does not read it.
    """
    header = file.read(HEADER_BYTES)
    vocab_size, block_size, n_embd, n_head, mlp_dim, n_layer = struct.unpack_from("<6I", header, 12)
    letters = np.frombuffer(file.read(4 * (vocab_size - 1)), dtype="<u4").tolist()
    if any(letter > sys.maxunicode for letter in letters):
        raise ValueError(f"alphabet must hold code points, not {max(letters)}")
    return ModelConfig(
        alphabet="".join(map(chr, letters)), block_size=block_size, n_embd=n_embd, n_head=n_head, mlp_dim=mlp_dim,
        n_layer=n_layer,
    )  # fmt: skip
