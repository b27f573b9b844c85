"""The host of a board, real or simulated: ``python -m cosim.host``; see README.md here."""
