"""Boards: parts that any board uses, and the DE1-SoC; nothing outside this folder imports it."""
