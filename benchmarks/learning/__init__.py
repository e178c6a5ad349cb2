"""The benchmark of the emulators: which runs there are, how one is done, and the report. See benchmarks/models.py."""
