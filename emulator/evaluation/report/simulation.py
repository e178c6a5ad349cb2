"""The report's part on what was simulated."""

import numpy as np

from emulator.evaluation.figures import simulation as figures
from emulator.evaluation.figures.style import biome_name, to_svg
from emulator.evaluation.report.page import figure, notice, paragraph
from emulator.evaluation.report.products import SIMULATE_AGAIN, Products, Simulations, example_sites, readable


def simulation_section(products: Products) -> str:
    """Map of the sites and example site-years."""
    simulations = products.simulations
    if simulations is None:
        return notice("There is no dataset in this folder: nothing was simulated yet.")
    with readable(simulations.path, SIMULATE_AGAIN):
        return _section(simulations)


def _section(simulations: Simulations) -> str:
    data, years = simulations.dataset, np.unique(simulations.dates.year.values)
    wetland = int(np.isin(simulations.biome, ("bog", "fen", "marsh", "swamp", "wet_tundra", "rice")).sum())
    intro = (
        f"{data.sizes['site']} sites ({wetland} of them wetlands) over the globe were simulated day by day from "
        f"{years[0]} to {years[-1]} with "
        "the Fortran program ecosys on an hourly step, from generated weather, each with its own hidden soil and "
        "plant "
        "parameters that the emulators never see."
    )
    return (
        paragraph(intro + _cost(simulations))
        + _map(simulations)
        + figure(to_svg(figures.site_years(_examples(simulations)), "Example site-years"), _EXAMPLE_CAPTION)
    )


_EXAMPLE_CAPTION = (
    "One simulated year at three sites: daily mean air temperature; water table (negative: below the surface; the "
    "pale blue bar marks days "
    "with snow on the ground); gross primary production and ecosystem respiration; methane flux to the atmosphere, "
    "positive upward, on "
    "an axis that is linear up to ±10 and logarithmic beyond, so that uptake by dry soils and wetland emission are "
    "seen together."
)


def _cost(simulations: Simulations) -> str:
    total = simulations.facts.get("total")
    if not total:
        return ""
    count, seconds = total["site_years"], total["block_seconds"]
    each = 1e3 * seconds / count
    return f" The {count:,.0f} site-years, spin-up included, took {seconds:.0f} s of one core ({each:.0f} ms each)."


def _map(simulations: Simulations) -> str:
    data = simulations.dataset
    drawing = figures.site_map(data["lat"].values, data["lon"].values, list(simulations.biome))
    caption = "Simulated sites by biome; circles are wetlands, triangles uplands, the number of sites is in brackets."
    caption += " Coasts and lakes are those of Natural Earth."
    return figure(to_svg(drawing, "Map of the simulated sites"), caption)


def _examples(simulations: Simulations) -> list[figures.SiteYear]:
    """The example sites, last year."""
    emission = np.nanmean(simulations.target("fch4"), axis=1)
    return [_site_year(simulations, k) for k in example_sites(simulations.biome, emission)]


def _site_year(simulations: Simulations, site: int) -> figures.SiteYear:
    year = int(simulations.dates.year.values[-1])
    days = np.flatnonzero(simulations.dates.year.values == year)
    data = simulations.dataset
    lat, lon = float(data["lat"][site]), float(data["lon"][site])
    place = f"{abs(lat):.0f}°{'N' if lat >= 0 else 'S'} {abs(lon):.0f}°{'E' if lon >= 0 else 'W'}"

    def series(name: str, units: str) -> np.ndarray:
        return simulations.values(name, units, site)[days]

    return figures.SiteYear(
        title=f"{biome_name(simulations.biome[site])}, {place}, {year}",
        tas=series("tas", "degC"),
        wtd=series("wtd", "m"),
        snw=series("snw", "kg m-2"),
        gpp=series("gpp", "g m-2 day-1"),
        reco=series("ra", "g m-2 day-1") + series("rh", "g m-2 day-1"),
        fch4=series("fch4", "mg m-2 day-1"),
    )
