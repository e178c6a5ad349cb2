"""Judges the process model against published ranges, towers and another model: what docs/validation.md reports."""
