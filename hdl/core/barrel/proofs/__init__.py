"""What is proven of the barrel's own units: a file a unit."""
