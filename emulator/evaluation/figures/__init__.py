"""Figures of a run: one module per question. Every function takes plain data and gives a matplotlib Figure."""
