"""A core with several streams in lock step with the golden model."""
