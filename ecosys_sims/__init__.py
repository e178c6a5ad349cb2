"""Simulations: runs the Fortran process model `ecosys` over many sites and writes one dataset (docs/simulations.md)."""

__version__ = "0.1.0"
