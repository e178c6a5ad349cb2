"""Datasets, splits, scalers and windows: everything between a file on disk and the tensors that models learn from."""
