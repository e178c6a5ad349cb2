"""Where each site class occurs: the climates and latitudes in which sites of it are drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BiomeClimate:
    """Climate in which a class occurs, from lowest to highest (the ensemble's ranges, not nature's extremes)."""

    weight: float  # share among the sites of its kind (wetland or upland), before normalisation
    abs_lat: tuple[float, float]  # degrees
    t_ann: tuple[float, float]  # annual mean air temperature, degC
    annual_precip: tuple[float, float]  # kg m-2 year-1
    least_wetness: float = 0.0  # annual precipitation over potential evaporation; fields are not irrigated, paddies are


CLIMATES: dict[str, BiomeClimate] = {
    "bog": BiomeClimate(0.20, (45, 68), (-6, 11), (350, 1600), 0.9),
    "fen": BiomeClimate(0.24, (42, 70), (-8, 13), (300, 1500), 0.7),
    "marsh": BiomeClimate(0.20, (15, 55), (5, 26), (400, 2200), 0.3),
    "swamp": BiomeClimate(0.14, (0, 35), (14, 30), (900, 4000), 0.6),
    "wet_tundra": BiomeClimate(0.14, (60, 76), (-16, -1), (120, 700), 0.5),
    "rice": BiomeClimate(0.08, (5, 45), (11, 29), (600, 2800)),
    "boreal_forest": BiomeClimate(0.20, (48, 69), (-10, 5), (300, 1100), 0.6),
    "temperate_forest": BiomeClimate(0.20, (28, 56), (4, 18), (550, 2200), 0.6),
    "tropical_forest": BiomeClimate(0.12, (0, 24), (19, 30), (1300, 4000), 0.8),
    "grassland": BiomeClimate(0.16, (20, 56), (0, 24), (250, 900), 0.15),
    "shrubland": BiomeClimate(0.08, (15, 45), (8, 25), (150, 600)),
    "tundra": BiomeClimate(0.10, (60, 76), (-16, -1), (120, 600), 0.4),
    "cropland": BiomeClimate(0.14, (20, 55), (4, 24), (400, 1500), 0.3),
}
