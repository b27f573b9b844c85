"""Simulators: compile, run, read waveforms."""
