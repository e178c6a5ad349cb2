"""Daily output of DSSAT (`PlantGro.OUT`, `Weather.OUT`, `ET.OUT`, `SoilWat.OUT`, ...): a site for each treatment.

Blocks begin with `*RUN`; `EXPERIMENT` and `TREATMENT` name them; a line `@YEAR DOY DAS ...` names their columns. Lines
that begin with `!` are comments. -99 is missing.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.series import SECONDS_PER_DAY, SiteSeries

MISSING = (-99.0, -99.9, -999.0)
_EXPERIMENT = re.compile(r"EXPERIMENT\s*:\s*(\S+)")
_TREATMENT = re.compile(r"TREATMENT\s+(-?\d+)")
_RUN = re.compile(r"\*RUN\s+(\d+)")


def read_dssat(paths: Sequence[Path], site_id: str | None) -> list[SiteSeries]:
    """A series for each experiment and treatment, of all files; site_id replaces the name of a single one."""
    frames: dict[str, list[pd.DataFrame]] = {}
    for path in paths:
        for name, frame in _blocks(path):
            frames.setdefault(name, []).append(frame)
    if not frames:
        message = f"{paths[0]}: no line '@YEAR DOY ...'; is it a daily output file of DSSAT?"
        raise ImportFault(message)
    label = ", ".join(str(path) for path in paths[:3])
    return [
        _series(site_id if site_id is not None and len(frames) == 1 else name, parts, label)
        for name, parts in frames.items()
    ]


def _series(name: str, parts: list[pd.DataFrame], label: str) -> SiteSeries:
    whole = pd.DataFrame()
    for part in parts:
        whole = part if whole.empty else whole.combine_first(part)
    starts = whole.index.to_numpy().astype("datetime64[s]")
    columns = {str(column): whole[column].to_numpy(float) for column in whole.columns}
    return SiteSeries(name, label, starts, SECONDS_PER_DAY, columns)


def _blocks(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and columns by day of each run of a file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ImportFault(message) from None
    names = {"run": "1", "experiment": "", "treatment": ""}
    header: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(("*RUN", "@YEAR")):
            if header and rows:
                yield _name(names), _frame(path, header, rows)
            rows = []
        if line.startswith("*RUN"):
            header = []
            match = _RUN.match(line)
            names = {"run": match[1] if match else "1", "experiment": "", "treatment": ""}
        elif line.startswith("@YEAR"):
            header = line[1:].split()
        elif header and re.match(r"\s*\d{4}\s", line):
            rows.append((number, line.split()))
        for key, pattern in (("experiment", _EXPERIMENT), ("treatment", _TREATMENT)):
            if not header and (match := pattern.search(line)):
                names[key] = match[1]
    if header and rows:
        yield _name(names), _frame(path, header, rows)


def _name(names: dict[str, str]) -> str:
    if names["experiment"]:
        return f"{names['experiment']}_{names['treatment'] or names['run']}"
    return f"run_{names['run']}"


def _frame(path: Path, header: list[str], rows: list[tuple[int, list[str]]]) -> pd.DataFrame:
    for number, cells in rows:
        if len(cells) != len(header):
            message = f"{path} line {number}: {len(cells)} values for {len(header)} columns"
            raise ImportFault(message)
    values = pd.DataFrame([cells for _, cells in rows], columns=header)
    values = values.apply(pd.to_numeric, errors="coerce").astype(float).mask(lambda frame: frame.isin(MISSING))
    years = (values.pop("YEAR").to_numpy().astype(int) - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    days = years + (values.pop("DOY").to_numpy().astype(int) - 1)
    frame = values.drop(columns=[name for name in ("DAS", "DAP") if name in values]).loc[
        :, lambda columns: ~columns.columns.duplicated()
    ]
    frame.index = pd.Index(days.astype("datetime64[s]"), name="start")
    return frame[~frame.index.duplicated()].replace([np.inf, -np.inf], np.nan)
