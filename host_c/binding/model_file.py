"""The model file of the C library: a checkpoint as little-endian float32 behind a fixed header.

    offset  0  magic "TALOSMDL"
            8  version: 2, or 1, which is the same with words of Q4.12
           12  vocab_size, block_size, n_embd, n_head, mlp_dim, n_layer
           36  number of parameters
           40  CRC-32 (zlib) of all that follows the header
           44  bits of a word: 16 (Q4.12), 17 (Q5.12) or 18 (Q6.12); of no meaning in float
           48  zeros
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
from talos_ref.golden.format import FORMATS, Q4_12, Format, named_format
from talos_ref.model.checkpoint import Checkpoint
from talos_ref.model.config import ModelConfig

__all__ = ["HEADER_BYTES", "MAGIC", "VERSION", "model_bytes", "read_header", "write_model"]

MAGIC, VERSION, HEADER_BYTES = b"TALOSMDL", 2, 64
_FORMATS = {format.width: format for format in FORMATS}


def model_bytes(checkpoint: Checkpoint, word: Format = Q4_12) -> bytes:
    """Return a checkpoint as a model file; ValueError if the word is none of ``FORMATS``, whatever its rounding."""
    if not isinstance(word, Format):
        raise TypeError(f"word must be a Format, not {word!r}")
    width = named_format(str(word)).width
    config = checkpoint.config
    flat = np.concatenate([checkpoint.tensors[name].ravel() for name in config.shapes()])
    alphabet = np.array([ord(letter) for letter in config.alphabet], dtype="<u4")
    body = alphabet.tobytes() + flat.astype("<f4").tobytes()
    dimensions = (config.vocab_size, config.block_size, config.n_embd, config.n_head, config.mlp_dim, config.n_layer)
    header = struct.pack("<8s10I", MAGIC, VERSION, *dimensions, flat.size, zlib.crc32(body), width)
    return header.ljust(HEADER_BYTES, b"\0") + body


def write_model(checkpoint: Checkpoint, path: str | Path, word: Format = Q4_12) -> Path:
    """Write a checkpoint as a model file; OSError if ``path`` cannot be written."""
    return write_bytes(path, model_bytes(checkpoint, word))


def read_header(file: BinaryIO) -> tuple[ModelConfig, Format]:
    """Return the dimensions with the alphabet, and the word, of a model file that the C library has accepted.

    Raises ValueError if its alphabet is none: the library has no use for it, and does not read it.
    """
    header = file.read(HEADER_BYTES)
    version, vocab_size, block_size, n_embd, n_head, mlp_dim, n_layer = struct.unpack_from("<7I", header, 8)
    word = Q4_12 if version == 1 else _FORMATS[struct.unpack_from("<I", header, 44)[0]]
    letters = np.frombuffer(file.read(4 * (vocab_size - 1)), dtype="<u4").tolist()
    if any(letter > sys.maxunicode for letter in letters):
        raise ValueError(f"alphabet must hold code points, not {max(letters)}")
    config = ModelConfig(
        alphabet="".join(map(chr, letters)), block_size=block_size, n_embd=n_embd, n_head=n_head, mlp_dim=mlp_dim,
        n_layer=n_layer,
    )  # fmt: skip
    return config, word
