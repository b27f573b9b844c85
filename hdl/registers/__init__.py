"""The registers that a host sees, and the system behind them."""
