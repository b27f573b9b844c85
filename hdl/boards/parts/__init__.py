"""Parts that any board uses."""
