"""What the packages share: table of variables, units, provenance, configuration files, files complete or absent.

Knows none of `ecosys_sims`, `emulator` and `coupler`; imports neither torch nor Dask.
"""
