"""A core: shape, schedule, control, and the units wired together."""
