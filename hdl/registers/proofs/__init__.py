"""What is proven of the registers: a file a unit."""
