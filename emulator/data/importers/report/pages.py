"""The report of an import as text and as one HTML page, which needs no other file."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from emulator.data.importers.notes import Note
from emulator.data.importers.report.contents import MOST_SITES, Contents, Row
from foundations.atomic_file import write_text
from foundations.own_folder import is_marked, mark, present, refuse_foreign

KIND = "import report"
FILES = ("report.txt", "report.html")
HEADINGS = {
    "suspicion": "Doubtful: look at these before you train",
    "conflict": "Contradictions",
    "dropped": "Left out",
    "absent": "Not there",
    "assumed": "Assumed",
    "filled": "Filled",
    "duplicate": "Twice",
}
COLUMNS = (
    "site", "variable", "units", "days", "measured", "filled", "other year", "longest gap", "lowest", "mean", "highest",
    "impossible",
)  # fmt: skip
SITE_COLUMNS = ("site", "files", "first day", "last day", "days", "whole years")
STYLE = """body{font:14px sans-serif;margin:2em auto;max-width:70em;color:#222}table{border-collapse:collapse}
td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd}td:first-child,td:nth-child(2){text-align:left}
.suspicion{background:#fff3cd;padding:4px 8px;margin:2px 0}h1{font-size:1.5em}h2{font-size:1.2em;margin-top:1.5em}
rect.m{fill:#2a78b5}"""


def write_report(contents: Contents, folder: Path) -> None:
    """Write report.txt and report.html; ForeignFiles where a folder has such files that no import made."""
    if not is_marked(folder, KIND):
        refuse_foreign(folder, present(folder, FILES))
    folder.mkdir(parents=True, exist_ok=True)
    mark(folder, KIND)
    write_text(folder / "report.txt", as_text(contents))
    write_text(folder / "report.html", as_page(contents))


def as_text(contents: Contents) -> str:
    """The report in plain text."""
    lines = [contents.title, "=" * len(contents.title), ""]
    for kind, heading in HEADINGS.items():
        notes = [note for note in contents.notes if note.kind == kind]
        if notes:
            lines += [heading, *(f"  {_sentence(note)}" for note in notes), ""]
    lines.append("Sites")
    for site in contents.sites[:MOST_SITES]:
        period = f"{site.first} to {site.last}, {site.days} days, {site.complete_years} whole years"
        lines.append(f"  {site.name}: {period} ({site.label})")
    if len(contents.sites) > MOST_SITES:
        lines.append(f"  ... and {len(contents.sites) - MOST_SITES} more")
    lines.append("")
    cells = [COLUMNS, *(_cells(row) for row in contents.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines += ["Variables", *("  " + "  ".join(_aligned(row, widths)) for row in cells)]
    return "\n".join(lines) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if column < 3 else cell.rjust(width)


def _sentence(note: Note) -> str:
    where = " ".join(part for part in (note.site, note.variable) if part)
    count = f" ({note.count})" if note.count else ""
    return f"{where}: {note.text}{count}" if where else f"{note.text}{count}"


def _cells(row: Row) -> tuple[str, ...]:
    counts = (row.present, row.measured, row.filled, row.other_year, row.gap)
    numbers = (f"{value:.4g}" for value in (row.low, row.mean, row.high))
    return (row.site, row.variable, row.units, *map(str, counts), *numbers, str(row.outside))


def as_page(contents: Contents) -> str:
    """The report as an HTML page."""
    parts = [f"<h1>{html.escape(contents.title)}</h1>"]
    for kind, heading in HEADINGS.items():
        notes = [note for note in contents.notes if note.kind == kind]
        if notes:
            parts.append(f"<h2>{heading}</h2>")
            tag = f'<div class="{kind}">' if kind == "suspicion" else "<div>"
            parts += [f"{tag}{html.escape(_sentence(note))}</div>" for note in notes]
    header = "".join(f"<th>{name}</th>" for name in SITE_COLUMNS)
    parts.append(f"<h2>Sites</h2><table><tr>{header}</tr>")
    for site in contents.sites[:MOST_SITES]:
        cells = (site.name, site.label, site.first, site.last, str(site.days), str(site.complete_years))
        parts.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    if len(contents.sites) > MOST_SITES:
        parts.append(f"<tr><td>... and {len(contents.sites) - MOST_SITES} more</td></tr>")
    parts.append("</table><h2>Variables</h2><table><tr>")
    parts += [f"<th>{name}</th>" for name in (*COLUMNS, "measured in the period")]
    parts.append("</tr>")
    for row in contents.rows:
        columns = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(row))
        parts.append(f"<tr>{columns}<td>{_bar(row.coverage)}</td></tr>")
    parts.append("</table>")
    body = "\n".join(parts)
    title = html.escape(contents.title)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _bar(coverage: Sequence[float]) -> str:
    """A strip of the period, darker where more was measured."""
    rectangles = "".join(
        f'<rect class="m" x="{3 * place}" y="0" width="3" height="12" opacity="{share:.2f}"/>'
        for place, share in enumerate(coverage)
        if share > 0.0
    )
    return f'<svg width="{3 * len(coverage)}" height="12" style="background:#eee">{rectangles}</svg>'
