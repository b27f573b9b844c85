"""The DE1-SoC in simulation: behaviour of the vendor's blocks, and a server in place of the JTAG cable."""
