"""How good an arithmetic is."""
