"""Models without gradients, which every network must beat: climatology, nearest site, ridge and XGBoost.

Each module has `fit(dataset, split, signature, *, past_flux, seed) -> Predictor`. They learn from training sites and
years, choose their options by the validation parts, and are run as the networks are (see `Predictor`).
"""

KINDS = ("climatology", "nearest", "ridge", "xgboost")
"""Modules of this package with a `fit`."""
