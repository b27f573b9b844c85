"""What is proven of the core's own units: a file a unit."""
