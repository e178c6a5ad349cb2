"""What the packages share: the table of variables, units, files that are complete or absent, provenance, configuration files.

Knows none of `ecosys_sims`, `emulator` and `coupler`; imports neither torch nor Dask.
"""
