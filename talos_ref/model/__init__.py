"""What is modelled: dimensions, checkpoints, words, training, imports."""
