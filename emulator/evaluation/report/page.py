"""The report's page: pieces of HTML, and the style sheet. Everything is inside the one file; nothing is fetched."""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

OUTSIDE_REFERENCE = re.compile(
    r"""(?:src|href|data|action)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?\s*(?:https?:)?//|@import""", re.IGNORECASE
)
"""What a self-contained page must not hold."""


def page(
    title: str, subtitle: str, cards: Sequence[tuple[str, str, str]], sections: Sequence[tuple[str, str, str]]
) -> str:
    """A whole HTML document.

    cards: (value, label, detail) headline numbers; sections: (anchor, heading, HTML body). ValueError if it refers
    to anything outside.
    """
    style = resources.files("emulator.evaluation.report").joinpath("page.css").read_text(encoding="utf-8")
    contents = " ".join(f'<a href="#{anchor}">{escape(heading)}</a>' for anchor, heading, _ in sections)
    headline = "".join(
        f'<div class="card"><span class="value">{escape(value)}</span><span class="label">{escape(label)}</span>'
        f'<span class="detail">{escape(detail)}</span></div>'
        for value, label, detail in cards
    )
    body = "".join(
        f'<section id="{anchor}"><h2>{escape(heading)}</h2>{html}</section>' for anchor, heading, html in sections
    )
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><p class='lead'>{escape(subtitle)}</p>"
        f"<div class='cards'>{headline}</div><nav>{contents}</nav></header>"
        f"<main>{body}</main></body></html>\n"
    )
    if reference := OUTSIDE_REFERENCE.search(document):
        excerpt = document[reference.start() : reference.start() + 80]
        message = f"the report would not be self-contained: it refers to '{excerpt}'"
        raise ValueError(message)
    return document


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def notice(text: str) -> str:
    """Something the reader must not overlook."""
    return f'<p class="notice">{escape(text)}</p>'


def figure(picture: str, caption: str) -> str:
    """A picture (SVG) with the sentence that says what is seen."""
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def tiles(pictures: Iterable[str]) -> str:
    """Narrow pictures (SVG), as many beside each other as the screen is wide."""
    return f'<div class="tiles">{"".join(pictures)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", text_columns: int = 1) -> str:
    """A table of text; the first `text_columns` columns are words, the others numbers; `*` begins a cell in bold."""
    titles = "".join(f"<th{_align(k, text_columns)}>{escape(title)}</th>" for k, title in enumerate(head))
    lines = ""
    for row in rows:
        opens_group = 1 < text_columns < len(head) and row[0]
        cells = "".join(_cell(k, text, text_columns) for k, text in enumerate(row))
        lines += f'<tr class="group">{cells}</tr>' if opens_group else f"<tr>{cells}</tr>"
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    words = ' class="words"' if text_columns >= len(head) else ""
    return (
        f'<div class="scroll"><table{words}>{title}<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, for provenance."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"


def folded(summary: str, text: str) -> str:
    """Long plain text that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"


def folded_html(summary: str, html: str) -> str:
    """Ready HTML that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def number(value: float | None, digits: int = 3) -> str:
    """A number with `digits` significant digits, a dash for one that is not defined."""
    if value is None or math.isnan(value):
        return "–"
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}×10{_superscript(int(exponent))}".replace("-", "−")
    places = max(0, digits - 1 - (len(str(int(abs(value)))) - 1 if abs(value) >= 1 else 0))
    return f"{value:.{places}f}".replace("-", "−")


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _align(column: int, text_columns: int) -> str:
    return "" if column < text_columns else ' class="number"'


def _cell(column: int, text: str, text_columns: int) -> str:
    strong = text.startswith("*")
    inner = f"<strong>{escape(text[1:])}</strong>" if strong else escape(text)
    return f"<td{_align(column, text_columns)}>{inner}</td>"
