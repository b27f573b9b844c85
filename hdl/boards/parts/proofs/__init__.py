"""What is proven of the parts of boards: a file a unit."""
