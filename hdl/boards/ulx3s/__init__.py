"""The ULX3S: pins, PLL, top, and a bitstream by Yosys and nextpnr."""
