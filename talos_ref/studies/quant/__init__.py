"""What coarser numbers cost: weights of 16 to 2 bits, 8-bit activations, and the circuits' arithmetics."""
