"""Benchmark of the emulators."""
