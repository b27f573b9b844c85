"""The DE1-SoC: pins, PLL, JTAG and the Quartus project; nothing outside this folder imports it."""
