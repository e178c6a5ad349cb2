"""The sections of a simulation's configuration that say which sites there are and how they differ and change."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecosys_sims.formats import biomes

NARROWEST_BELT = 5  # degrees of latitude, or of longitude


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, content: Any) -> Any:
        return {} if content is None else content  # `sites:` with every key commented out


class GridConfig(Section):
    """The land cells of a regular grid, a site each, whose centres are between the limits of `sites`."""

    resolution: Annotated[float, Field(ge=0.05, le=30)] = 0.5  # degrees; a multiple of 0.05 that divides 180
    least_land: Annotated[float, Field(ge=0, le=1)] = 0.5  # share of a cell that must be land, lakes left out

    @model_validator(mode="after")
    def _whole_cells(self) -> "GridConfig":
        across = round(self.resolution / 0.05)
        if abs(across * 0.05 - self.resolution) > 1e-9 or 3600 % across:  # cells of 0.05 degrees from pole to pole
            message = f"resolution {self.resolution:g}: expected a multiple of 0.05 that divides 180"
            raise ValueError(message)
        return self


class SitesConfig(Section):
    """How many sites, and of which kinds."""

    count: Annotated[int, Field(ge=1)] = 128
    wetland_share: Annotated[float, Field(ge=0, le=1)] = 0.7
    biome_weights: dict[str, Annotated[float, Field(ge=0)]] = {}  # replaces the default weight of the biomes named
    lat_min: Annotated[float, Field(ge=-56, le=75)] = -56.0
    lat_max: Annotated[float, Field(ge=-55, le=84)] = 76.0
    lon_min: Annotated[float, Field(ge=-180, le=175)] = -180.0
    lon_max: Annotated[float, Field(ge=-175, le=180)] = 180.0
    grid_degrees: Annotated[float, Field(ge=0, le=10)] = 0.0  # places are centres of cells of such a grid; 0: anywhere
    grid: GridConfig | None = None  # all land cells of a grid in place of `count` sites that are drawn
    table: str | None = None  # a site table of the user, whose sites replace those that would be drawn

    @model_validator(mode="after")
    def _known_biomes(self) -> "SitesConfig":
        unknown = sorted(set(self.biome_weights) - set(biomes.BY_NAME))
        if unknown:
            message = f"unknown biome {unknown[0]!r} in biome_weights (known: {', '.join(biomes.BY_NAME)})"
            raise ValueError(message)
        if self.lat_max - self.lat_min < NARROWEST_BELT:
            message = f"lat_max must exceed lat_min by {NARROWEST_BELT} degrees or more"
            raise ValueError(message)
        counted = self.count != type(self).model_fields["count"].default
        if self.grid is not None and (self.table is not None or counted):
            message = "sites.grid says which sites there are; leave out sites.count and sites.table"
            raise ValueError(message)
        if self.lon_max - self.lon_min < NARROWEST_BELT:
            message = f"lon_max must exceed lon_min by {NARROWEST_BELT} degrees or more"
            raise ValueError(message)
        return self


class SharesConfig(Section):
    """What the variance of a hidden parameter over the sites of a kind consists of."""

    # Biome means, regression on climate and soil, and random field together; the rest is noise of each site.
    structured: Annotated[float, Field(ge=0, le=1)] = 0.7
    # Of the structured deviations from the biome's mean: climate and soil; the rest is the field.
    climate_soil: Annotated[float, Field(ge=0, le=1)] = 0.5


class HiddenParametersConfig(Section):
    """Spread and spatial structure of the parameters that an emulator is not told."""

    shares: SharesConfig = SharesConfig()
    # How climate and soil tell of a parameter: by one linear sum for all classes, or by a curved map of each class.
    climate_soil_map: Literal["linear", "by_class"] = "linear"
    range_km: tuple[Annotated[float, Field(ge=50)], Annotated[float, Field(le=5000)]] = (300.0, 1000.0)
    spread: Annotated[float, Field(ge=0, le=1)] = 1.0  # 1: the full ranges; 0: every site has its biome's default

    @model_validator(mode="after")
    def _ordered(self) -> "HiddenParametersConfig":
        shortest, longest = self.range_km
        if shortest > longest:
            message = "range_km must be [shortest, longest]"
            raise ValueError(message)
        return self


class EvolutionConfig(Section):
    """Sites that change over the years, in ways that an emulator is not told (docs/process_model.md).

    The shares are of the sites to which each can happen: wetlands, all but crops, and sites below -2 degC.
    """

    drained_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # drained or rewetted in a year of the period
    shifted_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # denser or sparser vegetation, over 5 to 20 years
    thawing_share: Annotated[float, Field(ge=0, le=1)] = 0.0  # permafrost that collapses where it thaws deeper
    mgo_walk: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # random walk of methane production, step of log a year
    cultivar_trend: Annotated[float, Field(ge=-0.02, le=0.05)] = 0.0  # of the quantum yield of crops, a year


class CropsConfig(Section):
    """What grows on the fields (biome cropland) of an ensemble."""

    # Rotation (digits, docs/parameters.md) -> weight among those that a field's climate suits; {}: the program's own.
    rotations: dict[str, Annotated[float, Field(ge=0)]] = {}

    @field_validator("rotations", mode="before")
    @classmethod
    def _digits(cls, rotations: Any) -> Any:
        if not isinstance(rotations, dict):
            return {} if rotations is None else rotations
        weights = {str(rotation): weight for rotation, weight in rotations.items()}
        for rotation in weights:
            # A leading fallow year would be lost in the number that the program reads, and so would its phases.
            if not re.fullmatch("[1-5]{1,5}", rotation):
                message = f"{rotation!r} is not a rotation: 1 to 5 digits, each 1 to 5"
                raise ValueError(message)
        return weights


class PeriodConfig(Section):
    """Simulated years."""

    start_year: Annotated[int, Field(ge=1850, le=2300)] = 2001
    years: Annotated[int, Field(ge=1, le=500)] = 10
    spinup_years: Annotated[int, Field(ge=0, le=500)] = 2
    calendar: Literal["standard", "noleap"] = "standard"
