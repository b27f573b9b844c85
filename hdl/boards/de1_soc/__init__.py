"""The DE1-SoC: pins, PLL, JTAG, Quartus project."""
