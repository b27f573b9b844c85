"""The usual software loops for the same model, as rows to compare a circuit with.

Each module has ``generate(checkpoint, seed, temperature, count)`` and returns names as tokens without BOS. Name i
starts the xorshift32 state at ``seed + i``; each step advances it once and draws the first index whose cumulative
probability exceeds ``(state & 0xFFFFFF) / 2^24``. A name ends at BOS or after ``config.max_letters`` letters.
"""
