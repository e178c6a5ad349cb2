"""Options of the models without gradients, which every network must beat; `emulator.baselines` fits them."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict


class GradientFreeConfig(BaseModel):
    """Options that all have. `past_flux`: 'none', or flux of earlier years where it is known ('ungauged')."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    past_flux: Literal["none", "ungauged"] = "none"


class ClimatologyConfig(GradientFreeConfig):
    """Day-of-year means of the site class; with past flux, of the site's own past years where it has any."""

    label: ClassVar[str] = "climatology"
    kind: Literal["climatology"] = "climatology"


class NearestConfig(GradientFreeConfig):
    """Flux of the nearest training site; with past flux, of the site itself a year ago."""

    label: ClassVar[str] = "nearest site"
    kind: Literal["nearest"] = "nearest"


class RidgeConfig(GradientFreeConfig):
    """Ridge regression on lag features of the drivers."""

    label: ClassVar[str] = "ridge"
    kind: Literal["ridge"] = "ridge"


class GaussianProcessConfig(GradientFreeConfig):
    """Gaussian process on lag features: for few sites, of whose own records it makes the most."""

    label: ClassVar[str] = "Gaussian process"
    kind: Literal["gaussian_process"] = "gaussian_process"


class XGBoostConfig(GradientFreeConfig):
    """Gradient-boosted trees on lag features of the drivers; needs the package xgboost."""

    label: ClassVar[str] = "XGBoost"
    kind: Literal["xgboost"] = "xgboost"
