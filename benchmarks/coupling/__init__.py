"""Parts of benchmarks/coupler.py: what a call of an exported emulator costs."""
