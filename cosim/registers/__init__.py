"""The lock step of the registers with their model."""
