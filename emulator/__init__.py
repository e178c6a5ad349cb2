"""Emulators of ecosystem process models: data, models, training, evaluation, export."""
