"""What the literature says of each quantity, and the verdict on what was simulated."""

from dataclasses import dataclass

import numpy as np

from ecosys_sims.evaluation.flux_scores import rounded

LUYSSAERT = "Luyssaert et al. 2007, mean ± standard error"
TOWERS = "range of flux towers"
MEAD = "Suyker and Verma 2012, Mead, Nebraska"
PLAIN = "Zhang et al. 2020, North China Plain; ± 20 % is ours"
CAO = "Cao et al. 1996, model mean; a factor of 2 either way is ours"
METHANE = "Turetsky et al. 2014, Kuhn et al. 2021, Knox et al. 2019, Delwiche et al. 2021"
SINK = "Dutaur and Verchot 2007"


@dataclass(frozen=True)
class Anchor:
    """One published range."""

    key: str
    group: str
    quantity: str
    unit: str
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class Verdict:
    """An anchor beside the simulated median and 5th to 95th percentile over sites."""

    anchor: Anchor
    n: int
    median: float
    p05: float
    p95: float
    share_inside: float

    @property
    def word(self) -> str:
        """Inside: the median is in the range; partly: only some of the middle 90 % of sites are; else outside."""
        if self.anchor.low <= self.median <= self.anchor.high:
            return "inside"
        return "partly" if self.p05 <= self.anchor.high and self.p95 >= self.anchor.low else "outside"

    def as_json(self) -> dict[str, str | float | int | None]:
        """What docs/results holds of it."""
        numbers = {name: rounded(getattr(self, name)) for name in ("n", "median", "p05", "p95", "share_inside")}
        anchor = self.anchor
        return {
            "group": anchor.group, "quantity": anchor.quantity, "unit": anchor.unit, "low": anchor.low,
            "high": anchor.high, "source": anchor.source, **numbers, "verdict": self.word,
        }  # fmt: skip


def judge(anchor: Anchor, values: np.ndarray) -> Verdict | None:
    """The verdict on values (n,) of sites or years; None where there are none."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    p05, median, p95 = (float(percentile) for percentile in np.percentile(values, [5, 50, 95]))
    inside = float(np.mean((values >= anchor.low) & (values <= anchor.high)))
    return Verdict(anchor, int(values.size), median, p05, p95, inside)


def _gpp(key: str, name: str, low: float, high: float, source: str) -> Anchor:
    return Anchor(f"gpp.{key}", "Gross primary production", name, "g C m⁻² yr⁻¹", low, high, source)


def _crop(key: str, name: str, unit: str, low: float, high: float, source: str = MEAD) -> Anchor:
    return Anchor(f"crop.{key}", "Crops", name, unit, low, high, source)


def _peak(key: str, name: str, low: float, high: float) -> Anchor:
    return Anchor(f"peak.{key}", "Daily peaks", name, "g C m⁻² d⁻¹", low, high, TOWERS)


def _season(key: str, name: str, low: float, high: float, source: str = METHANE) -> Anchor:
    return Anchor(f"ch4.{key}", "CH₄ emission, growing season", name, "mg CH₄ m⁻² d⁻¹", low, high, source)


def _uptake(key: str, name: str, low: float, high: float, source: str = SINK) -> Anchor:
    return Anchor(f"uptake.{key}", "CH₄ uptake of uplands", name, "mg CH₄ m⁻² d⁻¹", low, high, source)


def _share(key: str, name: str, low: float, high: float, source: str) -> Anchor:
    return Anchor(f"share.{key}", "Shares of CH₄ emission", name, "1", low, high, source)


def _ratio(key: str, name: str, low: float, high: float, source: str = "general") -> Anchor:
    return Anchor(f"ratio.{key}", "Budgets", name, "1", low, high, source)


ANCHORS: tuple[Anchor, ...] = (
    _gpp("tropical_forest", "tropical humid forest", 3391, 3711, LUYSSAERT),
    _gpp("temperate_forest", "temperate forest, deciduous to evergreen", 1319, 1818, LUYSSAERT),
    _gpp("boreal_forest", "boreal forest, semi-arid to humid", 738, 1056, LUYSSAERT),
    _gpp("grassland", "grassland", 400, 1500, TOWERS),
    _gpp("tundra", "tundra", 150, 450, TOWERS),
    _gpp("wet_tundra", "wet tundra", 150, 450, TOWERS),
    _gpp("bog", "bog", 300, 900, TOWERS),
    _gpp("fen", "fen", 300, 900, TOWERS),
    _gpp("marsh", "marsh", 800, 2000, TOWERS),
    _gpp("rice", "rice", 800, 2000, TOWERS),
    _gpp("shrubland", "desert shrub", 50, 300, TOWERS),
    _crop("maize_gpp", "maize, irrigated, GPP", "g C m⁻² yr⁻¹", 1704, 1888),
    _crop("maize_rainfed_gpp", "maize, rainfed, GPP", "g C m⁻² yr⁻¹", 1462, 1610),
    _crop("soy_share", "soybean GPP / maize GPP", "1", 0.50, 0.62, MEAD + ": 0.56; ± 10 % is ours"),
    _crop("maize_re", "maize, irrigated, respiration of the season", "g C m⁻²", 983, 1075),
    _crop("maize_rainfed_re", "maize, rainfed, respiration of the season", "g C m⁻²", 843, 901),
    _crop("winter_re", "respiration outside the season / year", "1", 0.10, 0.24),
    _crop("maize_et", "maize, evapotranspiration of the season", "mm", 544, 578),
    _crop("soy_et", "soybean, evapotranspiration of the season", "mm", 430, 474),
    _crop("maize_lai", "maize, highest leaf area index", "1", 5.5, 6.0),
    _crop("soy_lai", "soybean, highest leaf area index", "1", 4.4, 5.7),
    _crop("wheat_gpp", "winter wheat, GPP of the season", "g C m⁻²", 939, 1409, PLAIN),
    _crop("wheat_nee", "winter wheat, NEE of the season", "g C m⁻²", -437, -291, PLAIN),
    _crop("plain_maize_gpp", "summer maize, GPP of the season", "g C m⁻²", 806, 1210, PLAIN),
    _crop("plain_maize_nee", "summer maize, NEE of the season", "g C m⁻²", -163, -109, PLAIN),
    _peak("maize_gpp", "maize GPP", 22, 30),
    _peak("soy_gpp", "soybean GPP", 13, 18),
    _peak("forest_gpp", "forest GPP (boreal, temperate)", 8, 14),
    _peak("tundra_gpp", "tundra GPP", 2, 5),
    _peak("maize_nee", "maize NEE, lowest", -18, -12),
    Anchor("nep.forest", "Budgets", "net ecosystem production of forests", "g C m⁻² yr⁻¹", 100, 400, LUYSSAERT),
    _ratio("hr_npp", "heterotrophic respiration / NPP", 0.8, 1.1, "about 1; limits are ours"),
    _ratio("ra_gpp", "autotrophic respiration / GPP", 0.4, 0.6),
    _ratio("ch4_hr", "CH₄-C / heterotrophic respiration, wetlands", 0.01, 0.10),
    _ratio("runoff", "runoff / precipitation, uplands", 0.1, 0.5),
    _season("bog", "bog", 5, 60),
    _season("permafrost_bog", "bog, annual mean air below −2 °C", 0, 15),
    _season("fen", "fen", 40, 200),
    _season("wet_tundra", "wet tundra", 15, 80),
    _season("marsh", "marsh", 60, 300),
    _season("swamp", "swamp", 30, 150),
    _season("rice", "rice, under the crop", 50, 400),
    _season("northern", "all wetlands north of 45° N", 20, 80, CAO),
    _season("temperate", "all wetlands between 23° and 45°", 75, 300, CAO),
    _season("tropical", "all wetlands within 23° of the equator", 100, 398, CAO),
    *(
        Anchor(f"year.{key}", "CH₄ emission, year", name, "g CH₄-C m⁻² yr⁻¹", low, high, METHANE)
        for key, name, low, high in (("bog", "bog", 2, 8), ("fen", "fen", 8, 20), ("marsh", "marsh", 20, 60))
    ),
    _share("cold_season", "October to April, north of 60° N", 0.10, 0.40, "10-40 %; months are ours"),
    _share("fen_plants", "fen, plants", 0.5, 0.9, "Walter and Heimann 2000; Tang et al. 2010"),
    _share("bare_bubbles", "flooded marsh, plants conduct nothing: bubbles", 0.5, 1.0, "Walter and Heimann 2000"),
    _share("bog_soil", "bog, diffusion and bubbles", 0.5, 1.0, "Walter and Heimann 2000; Tang et al. 2010"),
    _uptake("temperate_forest", "temperate forest", 0.66, 1.3, "China and warm deciduous forests (Forests 2022)"),
    _uptake("boreal_forest", "boreal forest", 0.3, 3.0),
    _uptake("tropical_forest", "tropical forest", 0.3, 3.0),
    _uptake("grassland", "grassland", 0.3, 1.5),
    _uptake("tundra", "tundra", 0.1, 0.8),
    Anchor("uptake.cropland", "CH₄ uptake of uplands", "cropland / median of grassland and temperate forest", "1",
           0.25, 0.5, SINK),
    _uptake("highest", "highest of any upland site", 0.0, 5.0),
    Anchor("sens.q10", "Sensitivities", "apparent Q10 of CH₄ within a year, wet sites", "1", 2, 6, "general"),
    Anchor("sens.water_table", "Sensitivities", "CH₄ with the water table at 30 cm / 10 cm", "1", 0, 0.33, "general"),
    Anchor("sens.wet_uptake", "Sensitivities", "uptake at 80-95 % filled pores / at 30-50 %", "1", 0, 0.3,
           "falls towards 0; limit is ours"),
    Anchor("sens.co2", "Sensitivities", "GPP at 560 ppm CO₂ / at 400 ppm", "1", 1.10, 1.25, "general"),
    Anchor("n2o.maize", "Nitrous oxide", "N₂O of fertilised maize", "kg N ha⁻¹ yr⁻¹", 0.5, 5.0, "IPCC; field studies"),
    Anchor("n2o.factor", "Nitrous oxide", "share of fertiliser N emitted as N₂O", "%", 0.3, 3.0, "IPCC"),
)  # fmt: skip
