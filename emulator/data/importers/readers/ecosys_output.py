"""Daily text output of the original ecosys, beside its weather files: one site.

Output files begin with `DOY DATE`; those of the ecosystem (`ECO_...`, water) are read, those of single plant types are
left out. Values are at the end of the day; fluxes add up since 1 January, losses are negative. Weather files, of either
age of their format (`foundations.ecosys_weather`), become days of local solar time: `tas tasmin tasmax` K, `pr` mm,
`rsds rlds` W m-2, `vpd` Pa, `wind` m s-1, `ps` Pa, `co2` ppm.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.notes import Notes
from emulator.data.importers.series import SECONDS_PER_DAY, SiteSeries
from foundations.air import saturation_vapour_pressure
from foundations.ecosys_weather import HOURS_OF_DAY, ZERO_CELSIUS, offset_to_local, read_years

ECOSYSTEM = ("ECO_GPP", "ECO_RH", "PRECN", "ECO_CO2_FLUX", "CO2_FLUX", "CH4_FLUX", "TMAX_AIR")
"""A file with one of these columns tells of the whole ecosystem."""


def read_ecosys(paths: Sequence[Path], site_id: str | None, notes: Notes) -> list[SiteSeries]:
    """The site of some output and weather files; ImportFault where its name is not given."""
    if site_id is None:
        message = f"{paths[0]}: ecosys output does not tell its site; give --site"
        raise ImportFault(message)
    outputs: list[Path] = []
    weather: list[Path] = []
    for path in paths:
        first = _first_line(path).split()[:1]
        (outputs if first == ["DOY"] else weather).append(path)
    frames = [frame for path in outputs if (frame := _output(path)) is not None]
    if len(frames) < len(outputs):
        text = "output files of single plant types, left out"
        notes.add("dropped", text, site_id, count=len(outputs) - len(frames))
    if weather:
        frames.append(_days_of_weather(weather))
    if not frames:
        message = f"{paths[0]}: no output of the ecosystem among the files (a column {' or '.join(ECOSYSTEM[:3])})"
        raise ImportFault(message)
    whole = _joined(frames)
    label = f"{paths[0]}" + (f" and {len(paths) - 1} more files" if len(paths) > 1 else "")
    starts = whole.index.to_numpy().astype("datetime64[s]")
    columns = {str(name): whole[name].to_numpy(float) for name in whole.columns}
    return [SiteSeries(site_id, label, starts, SECONDS_PER_DAY, columns)]


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Years one after another, kinds of files side by side."""
    groups: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for frame in frames:
        groups.setdefault(tuple(frame.columns), []).append(frame)
    whole = pd.DataFrame()
    for group in groups.values():
        kind = pd.concat(group).sort_index(kind="stable")
        kind = kind[~kind.index.duplicated()]
        whole = kind if whole.empty else whole.combine_first(kind)
    return whole


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ImportFault(message) from None


def _output(path: Path) -> pd.DataFrame | None:
    """Columns of an output file by date; None for one of a single plant type."""
    names = _first_line(path).split()
    if not any(name in names for name in ECOSYSTEM):
        return None
    try:
        frame = pd.read_csv(path, sep=r"\s+", header=0, names=names, dtype={"DATE": str}, index_col=False)
        dates = pd.to_datetime(frame.pop("DATE").str.zfill(8), format="%d%m%Y")
        if dates.isna().any():
            line = int(np.flatnonzero(dates.isna())[0]) + 2
            message = f"{path} line {line}: DATE is no date such as 31012001"
            raise ImportFault(message)
        frame = frame.drop(columns="DOY").astype(float)
    except ImportFault:
        raise
    except (ValueError, KeyError) as error:
        message = f"{path}: not a daily output file of ecosys: {str(error).splitlines()[0]}"
        raise ImportFault(message) from None
    return frame.replace([-9999.0, 9999.0], np.nan).set_axis(pd.Index(dates.to_numpy(), name="start"), axis=0)


def _days_of_weather(paths: list[Path]) -> pd.DataFrame:
    """Daily means, extremes and sums of the weather files."""
    start, step, hours = read_years(sorted(paths), 0.0, offset_to_local(paths))
    per_day = HOURS_OF_DAY // step
    rows = {name: values.reshape(-1, per_day) for name, values in hours.items()}
    celsius, pressure = rows["temperature"], 1000.0 * rows["pressure"]
    vapour = rows["humidity"] * pressure / (0.622 + 0.378 * rows["humidity"])
    days = {
        "tas": celsius.mean(axis=1) + ZERO_CELSIUS,
        "tasmin": celsius.min(axis=1) + ZERO_CELSIUS,
        "tasmax": celsius.max(axis=1) + ZERO_CELSIUS,
        "pr": rows["precipitation"].sum(axis=1),
        "rsds": np.maximum(rows["shortwave"], 0.0).mean(axis=1),
        "vpd": np.maximum(saturation_vapour_pressure(celsius) - vapour, 0.0).mean(axis=1),
        "wind": rows["wind"].mean(axis=1),
    }
    if np.ptp(pressure) > 0.0:  # else it was not in the files
        days["ps"] = pressure.mean(axis=1)
    if "longwave" in rows:
        days["rlds"] = rows["longwave"].mean(axis=1)
    if "co2" in rows:
        days["co2"] = rows["co2"].mean(axis=1)
    index = np.datetime64(start, "D") + np.arange(len(days["tas"]))
    return pd.DataFrame(days, index=pd.Index(index.astype("datetime64[s]"), name="start"))
