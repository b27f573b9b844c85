"""Co-simulation: the circuit in Verilog simulators, in lock step with the golden model."""
