"""Netlists, faults, and registers unknown at power-up."""
