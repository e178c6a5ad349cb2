"""From classes of others to ours: land cover of the IGBP, plant functional types of CLM, soil textures of the USDA.

`crosswalks.csv` has a row for each class, or for each band of latitude of one that we divide; an empty meaning says
that none of our classes is like it. IGBP: codes of MODIS MCD12Q1 (Friedl & Sulla-Menashe 2019), names of FLUXNET;
forests and wetlands go by latitude, savannas are grass with trees: our choice. CLM: numbers and names of CLM5 (Lawrence
et al. 2019, J. Adv. Model. Earth Syst. 11:4245). Texture: numbers of STATSGO as Noah has them, with the mean fractions
of sand and clay of Cosby et al. 1984 (Water Resour. Res. 20:682), who have no silt: that is the middle of its triangle.
"""

import csv
import difflib
from functools import cache
from pathlib import Path

CROSSWALKS = Path(__file__).with_name("crosswalks.csv")


class NoSuchClassOfOurs(ValueError):
    """A class of a scheme that none of ours is like."""


def schemes() -> tuple[str, ...]:
    """The schemes that there are."""
    return tuple(dict.fromkeys(row["scheme"] for row in _rows()))


def crosswalk(scheme: str, name_or_code: str | int, lat: float | None = None) -> str:
    """Our meaning of a class: a biome, or of `usda_texture` the texture.

    lat: degrees; needed for classes that we divide by latitude, such as forests of the IGBP. ValueError where scheme or
    class are unknown or the latitude is missing; NoSuchClassOfOurs, which is one too, where none of ours is like it.

    >>> crosswalk("igbp", "GRA"), crosswalk("clm_pft", 61), crosswalk("igbp", 1, lat=-60.0)
    ('grassland', 'rice', 'boreal_forest')
    """
    rows = _class(scheme, name_or_code)
    name = rows[0]["name"]
    if rows[0]["lat_from"]:
        if lat is None:
            bands = ", ".join(f"{row['meaning']} from {row['lat_from']} degrees" for row in rows)
            message = f"{scheme} {name} goes by latitude ({bands}): give the latitude"
            raise ValueError(message)
        rows = [row for row in rows if float(row["lat_from"]) <= abs(lat) < float(row["lat_below"] or "inf")]
    if not rows or not rows[0]["meaning"]:
        message = f"{scheme} {name} is like none of our classes of {_class(scheme, name)[0]['variable']}"
        raise NoSuchClassOfOurs(message)
    return rows[0]["meaning"]


def texture_fractions(name_or_code: str | int) -> tuple[float, float]:
    """Mass fractions of sand and clay of a soil texture of the USDA; ValueError where it is unknown.

    >>> texture_fractions("sandy_loam")
    (0.58, 0.1)
    """
    row = _class("usda_texture", name_or_code)[0]
    return float(row["sand"]), float(row["clay"])


def _class(scheme: str, name_or_code: str | int) -> list[dict[str, str]]:
    """Rows of one class."""
    if scheme not in schemes():
        message = f"'{scheme}' is not one of the schemes {', '.join(schemes())}"
        raise ValueError(message)
    text = str(name_or_code).strip()
    in_scheme = [row for row in _rows() if row["scheme"] == scheme]
    rows = [row for row in in_scheme if text == row["code"] or _plain(text) == _plain(row["name"])]
    if not rows:
        names = list(dict.fromkeys(row["name"] for row in in_scheme))
        near = difflib.get_close_matches(_plain(text), [_plain(name) for name in names], 3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
        message = f"{scheme}: '{text}' is no class; {hint}"
        raise ValueError(message)
    return rows


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with CROSSWALKS.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
