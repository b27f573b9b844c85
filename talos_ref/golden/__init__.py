"""What every bit must be: formats, units, integer models and the float64 one."""
