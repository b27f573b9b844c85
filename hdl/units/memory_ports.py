"""Ports of a memory whose signals have given names, where Amaranth would take them from the bytecode of the caller."""

from __future__ import annotations

from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.utils import ceil_log2

__all__ = ["read_port", "write_port"]


def read_port(memory: Memory, name: str = "read") -> ReadPort:
    """Return a new read port of a memory, in ``sync``: data a cycle after the address; its signals are ``name__…``."""
    signature = ReadPort.Signature(addr_width=ceil_log2(memory.depth), shape=memory.shape)
    return ReadPort(signature, memory=memory, domain="sync", path=(name,))


def write_port(memory: Memory) -> WritePort:
    """Return a new write port of whole words, in ``sync``; its signals are ``write__…``."""
    signature = WritePort.Signature(addr_width=ceil_log2(memory.depth), shape=memory.shape)
    return WritePort(signature, memory=memory, domain="sync", path=("write",))
