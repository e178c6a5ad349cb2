"""Models without gradients, which every network must beat: climatology, nearest site, ridge, XGBoost and, for few
sites, Gaussian processes.

Each module has `fit(dataset, split, signature, *, past_flux, seed) -> Predictor`. They learn from training sites and
years, choose their options by the validation parts, and are run as the networks are (see `Predictor`).
"""

KINDS = ("climatology", "nearest", "ridge", "xgboost", "gaussian_process")
"""Modules of this package with a `fit`."""
