"""What tests and campaigns reach of a circuit: states, transitions, corners, registers; and what they miss."""
