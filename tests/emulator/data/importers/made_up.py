"""Made-up weather and fluxes of a tower, half-hourly or daily, and files of collections with them."""

from datetime import date, datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np

from foundations.air import saturation_vapour_pressure

LAT = 50.0


def weather(days: int, per_day: int = 1, seed: int = 1) -> dict[str, np.ndarray]:
    """Columns (days per_day,) of a northern site from 1 January: degC, W m-2, hPa, kPa, m s-1, mm, umol and nmol."""
    rng = np.random.default_rng(seed)
    time = (np.arange(days * per_day) + 0.5) / per_day
    season = np.cos(2 * np.pi * (time - 200.0) / 365.25)
    cloud = np.repeat(rng.uniform(0.3, 1.0, days), per_day)
    day = np.maximum(np.sin(np.pi * (time % 1.0 * 2.0 - 0.5)), 0.0) * 3.0 if per_day > 1 else np.ones(len(time))
    light = (160.0 + 120.0 * season) * cloud * day
    celsius = 8.0 + 12.0 * season + 3.0 * (cloud - 0.6) + (4.0 * (day - 1.0) if per_day > 1 else 0.0)
    uptake = 0.04 * light * (1.2 + season)
    respiration = 2.0 * 2.0 ** ((celsius - 10.0) / 10.0)
    falls = rng.random(len(time)) < 0.3
    return {
        "TA": celsius,
        "SW_IN": light,
        "LW_IN": 280.0 + 50.0 * season + rng.normal(0, 3, len(time)),
        "RH": 75.0 - 15.0 * season + rng.normal(0, 2, len(time)),
        "VPD": 0.01 * saturation_vapour_pressure(celsius) * (0.25 + 0.15 * season),
        "PA": 100.0 + rng.normal(0, 0.5, len(time)),
        "WS": 2.5 + rng.random(len(time)),
        "P": np.where(falls, 5.0 * rng.random(len(time)), 0.0) / per_day,
        "GPP": uptake,
        "RECO": respiration,
        "NEE": respiration - uptake,
        "FCH4": 30.0 * np.exp(0.08 * (celsius - 10.0)) * rng.lognormal(0, 0.1, len(time)),
    }


def written(columns: dict[str, np.ndarray], stamps: list[str], path: Path, first: tuple[str, ...] = ()) -> Path:
    """A CSV file of a first column of stamps and of columns; NaN is -9999."""
    names = [name for name in columns if name != "TIMESTAMP"]
    lines = [*first, ",".join(["TIMESTAMP", *names])]
    cells = [["-9999" if np.isnan(value) else f"{value:.9g}" for value in columns[name]] for name in names]
    lines += [",".join(row) for row in zip(stamps, *cells, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def days_from(start: date, count: int) -> list[date]:
    """Consecutive days."""
    return [start + timedelta(days=number) for number in range(count)]


def fluxnet_ch4(
    folder: Path, site: str = "XX-Abc", start: date = date(2014, 1, 2), days: int = 500, **changes: np.ndarray
) -> Path:
    """A daily file of FLUXNET-CH4; methane every third day only. `changes` replace columns."""
    made = weather(days)
    columns = {name: made[name] for name in ("TA", "SW_IN", "LW_IN", "VPD", "PA", "WS", "P")}
    columns |= {f"{name}_F": values.copy() for name, values in columns.items()}
    missing = np.arange(days) % 3 == 0
    columns |= {
        "NEE": np.where(missing, np.nan, made["NEE"] - 0.5), "NEE_F": made["NEE"],
        "FCH4": np.where(missing, np.nan, made["FCH4"]), "FCH4_F": made["FCH4"], "FCH4_F_ANNOPTLM": made["FCH4"],
        "FCH4_F_ANNOPTLM_QC": np.where(np.arange(days) < 100, 1.0, 3.0), "GPP_DT": made["GPP"],
        "RECO_DT": made["RECO"], "WTD": np.full(days, -0.1),
    } | changes  # fmt: skip
    stamps = [f"{day:%Y%m%d}" for day in days_from(start, days)]
    return written(columns, stamps, folder / f"FLX_{site}_FLUXNET-CH4_DD_2014-2015_1-1.csv")


def ameriflux(folder: Path, days: int = 120, **changes: np.ndarray) -> Path:
    """A half-hourly AmeriFlux BASE file of 2013 with position suffixes; `changes` replace columns."""
    made = weather(days, 48)
    columns = {
        "TIMESTAMP_END": np.zeros(days * 48), "FC": made["NEE"], "FC_PI_F": made["NEE"], "GPP_PI_F": made["GPP"],
        "RECO_PI_F": made["RECO"], "TA_1_1_1": made["TA"], "TA_1_2_1": made["TA"] + 50.0, "RH_1_1_1": made["RH"],
        "SW_IN": made["SW_IN"], "LW_IN": made["LW_IN"], "PA": made["PA"], "WS": made["WS"], "P": made["P"],
        "LE": np.full(days * 48, 50.0),
    } | changes  # fmt: skip
    start = datetime(2013, 1, 1)
    stamps = [f"{start + timedelta(minutes=30 * step):%Y%m%d%H%M}" for step in range(days * 48)]
    path = written(columns, stamps, folder / "AMF_XX-Fld_BASE_HH_1-5.csv", ("# Site: XX-Fld", "# Version: 1-5"))
    path.write_text(path.read_text().replace("TIMESTAMP,", "TIMESTAMP_START,", 1))
    return path


def sites(folder: Path, *rows: str) -> Path:
    """A table of sites in the names of FLUXNET-CH4."""
    header = "SITE_ID,LAT,LON,SITE_CLASSIFICATION,UPLAND_CLASS"
    (folder / "sites.csv").write_text("\n".join([header, *(rows or ("XX-Abc,50.0,10.0,Fen,",))]) + "\n")
    return folder / "sites.csv"


def values_of(path: Path, name: str, site: int = 0) -> np.ndarray:
    """A daily series of a dataset (T,), NaN where missing."""
    with netCDF4.Dataset(path) as file:
        return np.ma.filled(file[name][site].astype(float), np.nan)
