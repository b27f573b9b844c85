"""The lock step of a core with the golden model."""
