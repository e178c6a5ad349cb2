"""Tables of text with a column of times: one site a file, or many by a column of names."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emulator.data.importers.errors import ImportFault
from emulator.data.importers.mapping import Mapping, TableLayout
from emulator.data.importers.readers.asked import asked_names, columns_of
from emulator.data.importers.readers.stamps import starts_of
from emulator.data.importers.series import SiteSeries, interval

_SEPARATORS = {",": ",", ";": ";", "tab": "\t", "space": r"\s+"}


def read_tables(paths: Sequence[Path], mapping: Mapping, site_id: str | None) -> Iterator[list[SiteSeries]]:
    """The series of one site after another; files of one site are joined in time. site_id: of all files, if given.

    Files that name their site are read when it is its turn; those with a column of sites are read together.
    """
    groups: dict[str, list[Path]] = {}
    for path in paths:
        header = read_header(path, _layout(path, mapping))
        many = any(name in header for name in mapping.site.column)
        groups.setdefault("" if many else site_id or site_of(path, mapping), []).append(path)
    if "" in groups:  # sites of a column may have files of their own
        groups = {"": list(paths)}
    for of_group in groups.values():
        yield from _read_together(of_group, mapping, site_id)


def _read_together(paths: Sequence[Path], mapping: Mapping, site_id: str | None) -> Iterator[list[SiteSeries]]:
    by_site: dict[str, list[tuple[Path, pd.DataFrame, np.ndarray]]] = {}
    for path in paths:
        frame = read_frame(path, mapping)
        starts = starts_of(frame, mapping.time, path)
        for name, rows in _sites(path, frame, mapping, site_id):
            by_site.setdefault(name, []).append((path, frame.loc[rows], starts[rows]))
    for name, parts in by_site.items():
        yield _joined(name, parts, mapping)


def _joined(site_id: str, parts: list[tuple[Path, pd.DataFrame, np.ndarray]], mapping: Mapping) -> list[SiteSeries]:
    """The files of a site: those with the same columns follow one another, others stand side by side.

    Files with intervals of another length make a series of their own.
    """
    groups: dict[tuple[str, ...], list[tuple[Path, pd.DataFrame]]] = {}
    for path, frame, starts in parts:
        numbers = _numbers(path, frame, mapping).set_axis(pd.Index(starts, name="start"), axis=0)
        groups.setdefault(tuple(numbers.columns), []).append((path, numbers))
    by_step: dict[int | None, tuple[str, pd.DataFrame]] = {}
    for group in groups.values():
        label = ", ".join(str(path) for path, _ in group[:3]) + (", ..." if len(group) > 3 else "")
        stacked = pd.concat([frame for _, frame in group]).sort_index(kind="stable")
        step = interval(stacked.index.to_numpy(), label)
        if step in by_step:
            label, whole = f"{by_step[step][0]}, {label}", by_step[step][1]
            whole, stacked = (frame[~frame.index.duplicated()] for frame in (whole, stacked))
            stacked = whole.combine_first(stacked)
        by_step[step] = label, stacked
    return [_series(site_id, label, step, frame, mapping) for step, (label, frame) in by_step.items()]


def _series(site_id: str, label: str, step: int | None, frame: pd.DataFrame, mapping: Mapping) -> SiteSeries:
    starts = frame.index.to_numpy().astype("datetime64[s]")
    columns = {str(name): frame[name].to_numpy(float) for name in frame.columns}
    return SiteSeries(site_id, label, starts, step, columns, calendar=mapping.time.calendar)


def _layout(path: Path, mapping: Mapping) -> TableLayout:
    """The layout of a file: the mapping's, or that with another delimiter, where that tells times and columns.

    ImportFault where none does.
    """
    fault: ImportFault | None = None
    for delimiter in dict.fromkeys((mapping.table.delimiter, ",", ";", "tab", "space")):
        layout = mapping.table.model_copy(update={"delimiter": delimiter})
        header = read_header(path, layout)
        try:
            wanted = _wanted(header, mapping, path)
        except ImportFault as error:
            fault = fault or error
            continue
        times = {*mapping.time.column, *(name for names in mapping.time.parts.values() for name in names)}
        if delimiter == mapping.table.delimiter or (wanted.keys() & times and wanted.keys() - times):
            return layout
    raise fault or ImportFault(f"{path}: has no columns")


def read_frame(path: Path, mapping: Mapping) -> pd.DataFrame:
    """The columns of a file that the mapping names, under the names of the mapping, as text."""
    layout = _layout(path, mapping)
    header = read_header(path, layout)
    wanted = _wanted(header, mapping, path)
    skipped = layout.header + 1 + (1 if layout.units_line and not _is_of_values(path, layout) else 0)
    engine = "python" if layout.delimiter == "space" and layout.comment else "c"
    try:
        frame = pd.read_csv(
            path, sep=_SEPARATORS[layout.delimiter], comment=layout.comment, skip_blank_lines=True, header=None,
            skiprows=_lines_to_skip(path, layout, skipped), names=list(range(len(header))), dtype=str,
            usecols=list(wanted.values()), encoding="utf-8-sig", skipinitialspace=True, keep_default_na=False,
            na_filter=False, index_col=False, engine=engine,
        )  # fmt: skip
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        message = f"{path}: cannot be read as a table: {str(error).strip().splitlines()[0]}"
        raise ImportFault(message) from None
    frame = frame.rename(columns={position: name for name, position in wanted.items()})
    frame = frame[(frame != "").any(axis=1)]
    if frame.empty:
        message = f"{path}: no data lines"
        raise ImportFault(message)
    frame.attrs["first_line"] = _lines_to_skip(path, layout, skipped) + 1
    return frame


def _is_of_values(path: Path, layout: TableLayout) -> bool:
    """Whether the line after the names is of numbers, so that a line of units is not there."""
    lines = [line for line in _lines(path) if not _is_comment(line, layout)]
    if len(lines) <= layout.header + 1:
        return False
    words = {str(word) for word in layout.missing if isinstance(word, str)} | {"", "NA", "NaN", "nan"}
    cells = pd.Series(_cells(lines[layout.header + 1], layout))
    return bool((cells.isin(words) | pd.to_numeric(cells, errors="coerce").notna()).all())


def _lines_to_skip(path: Path, layout: TableLayout, skipped: int) -> int:
    """Lines of the file before the data, comments included."""
    count = 0
    for number, line in enumerate(_lines(path), start=1):
        if not _is_comment(line, layout):
            count += 1
        if count == skipped:
            return number
    return 0


def _is_comment(line: str, layout: TableLayout) -> bool:
    return not line.strip() or (layout.comment is not None and line.lstrip().startswith(layout.comment))


def _lines(path: Path) -> list[str]:
    """The first lines of a file, compressed or not."""
    from pandas.io.common import get_handle

    try:
        with get_handle(path, "r", compression="infer", encoding="utf-8-sig", errors="replace") as opened:
            return [line for _, line in zip(range(200), opened.handle, strict=False)]
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise ImportFault(message) from None


def read_header(path: Path, layout: TableLayout) -> list[str]:
    """Names of the columns; ImportFault where the file has none."""
    lines = [line for line in _lines(path) if not _is_comment(line, layout)]
    if len(lines) <= layout.header:
        message = f"{path}: has no line of column names"
        raise ImportFault(message)
    return _cells(lines[layout.header], layout)


def _cells(line: str, layout: TableLayout) -> list[str]:
    line = line.strip("\r\n")
    if layout.delimiter == "space":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=_SEPARATORS[layout.delimiter]))]


def _wanted(header: list[str], mapping: Mapping, path: Path) -> dict[str, int]:
    """Name of the mapping -> position in the file, of the columns that both have; ImportFault where there are none."""
    wanted = {}
    for name in asked_names(mapping):
        position = _position(header, name, mapping.table.suffixes)
        if position is not None:
            wanted[name] = position
    if not wanted:
        message = f"{path}: has none of the columns of {mapping.name}; its columns are {', '.join(header[:8])} ..."
        raise ImportFault(message)
    return wanted


def _position(header: list[str], name: str, suffixes: bool) -> int | None:
    if name in header:
        return header.index(name)
    if not suffixes:
        return None
    pattern = re.compile(re.escape(name) + r"((_\d+){3}|(_\d+){2}_A|_\d+|_\d+_\d+_\d+_A)")
    matching = sorted((column for column in header if pattern.fullmatch(column)), key=_suffix_order)
    return header.index(matching[0]) if matching else None


def _suffix_order(column: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"_(\d+)", column))


def _numbers(path: Path, frame: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """The columns of values as numbers, NaN where missing; ImportFault for text, with its line."""
    words = {str(word) for word in mapping.table.missing if isinstance(word, str)} | {"", "NA", "NaN", "nan"}
    marks = [mark for mark in mapping.table.missing if not isinstance(mark, str)]
    times = {
        *mapping.time.column,
        *mapping.time.clock,
        *mapping.site.column,
        *(n for names in mapping.time.parts.values() for n in names),
    }
    numbers = {}
    for name in frame.columns:
        if name in times and name not in _value_names(mapping):
            continue
        text = frame[name]
        if mapping.table.decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        values = pd.to_numeric(text.where(~text.isin(words)), errors="coerce").to_numpy(float, copy=True)
        faulty = np.isnan(values) & ~text.isin(words).to_numpy()
        if faulty.any() and (lowered := text.str.lower().isin({"nan", "na", "null"}).to_numpy()).any():
            faulty &= ~lowered
        if faulty.any():
            row = int(np.flatnonzero(faulty)[0])
            line = frame.index[row] + frame.attrs["first_line"]
            message = (
                f"{path} line {line}: {name} is {text.iloc[row]!r}, not a number; if it marks missing values, say "
                "so in table.missing, and decimal commas in table.decimal"
            )
            raise ImportFault(message)
        for mark in marks:
            values[np.isclose(values, mark, rtol=1e-9, atol=0.0)] = np.nan
        numbers[name] = values
    return pd.DataFrame(numbers)


def _value_names(mapping: Mapping) -> set[str]:
    return {name for source in mapping.variables.values() for name in columns_of(source)}


def _sites(path: Path, frame: pd.DataFrame, mapping: Mapping, site_id: str | None) -> list[tuple[str, np.ndarray]]:
    """Names of the sites of a file, and their rows."""
    everything = np.arange(len(frame))
    column = next((name for name in mapping.site.column if name in frame.columns), None)
    if column is not None:
        names = frame[column].to_numpy()
        return [(str(name), everything[names == name]) for name in dict.fromkeys(names)]
    return [(site_id or site_of(path, mapping), everything)]


def site_of(path: Path, mapping: Mapping) -> str:
    """The site's name in the name of a file; without a pattern the file's name itself."""
    if mapping.site.pattern is None:
        return path.name.split(".")[0]
    match = re.search(mapping.site.pattern, path.name)
    if match is None:
        message = f"{path}: the name tells no site, it does not match {mapping.site.pattern!r}; give --site"
        raise ImportFault(message)
    return match["site"]
