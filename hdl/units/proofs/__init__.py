"""What is proven of the units: a file a unit."""
