"""Proofs of the properties that lie beside the units, by Yosys and an SMT solver of PyPI."""
