"""Golden models of a microGPT in Q4.12, its training and its float reference."""
