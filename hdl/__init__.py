"""Circuits of the accelerator, one unit a file, each the counterpart of a file in talos_ref."""
