"""Circuits of the datapath, a unit a file."""
