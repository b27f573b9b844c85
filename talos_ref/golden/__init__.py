"""What every bit must be: formats, units, integer and float models."""
