"""Units of the table of variables and of its common alternatives: one table, one conversion."""

SECONDS_PER_DAY = 86400.0

_SCALES: dict[str, tuple[str, float, float]] = {
    # unit: (base unit, factor, offset), base = factor * value + offset
    "K": ("K", 1.0, 0.0),
    "degC": ("K", 1.0, 273.15),
    "degree_Celsius": ("K", 1.0, 273.15),
    "Celsius": ("K", 1.0, 273.15),
    "Pa": ("Pa", 1.0, 0.0),
    "hPa": ("Pa", 100.0, 0.0),
    "mbar": ("Pa", 100.0, 0.0),
    "kPa": ("Pa", 1000.0, 0.0),
    "kg m-2 s-1": ("kg m-2 s-1", 1.0, 0.0),
    "mm s-1": ("kg m-2 s-1", 1.0, 0.0),
    "mm day-1": ("kg m-2 s-1", 1.0 / SECONDS_PER_DAY, 0.0),
    "kg m-2 day-1": ("kg m-2 s-1", 1.0 / SECONDS_PER_DAY, 0.0),
    "g m-2 day-1": ("kg m-2 s-1", 1e-3 / SECONDS_PER_DAY, 0.0),
    "g m-2 s-1": ("kg m-2 s-1", 1e-3, 0.0),
    "mg m-2 day-1": ("kg m-2 s-1", 1e-6 / SECONDS_PER_DAY, 0.0),
    "kg m-2": ("kg m-2", 1.0, 0.0),
    "mm": ("kg m-2", 1.0, 0.0),
    "m": ("m", 1.0, 0.0),
    "cm": ("m", 0.01, 0.0),
    "km": ("m", 1000.0, 0.0),
    "W m-2": ("W m-2", 1.0, 0.0),
    "m s-1": ("m s-1", 1.0, 0.0),
    "1": ("1", 1.0, 0.0),
    "m2 m-2": ("1", 1.0, 0.0),
    "%": ("1", 0.01, 0.0),
    "percent": ("1", 0.01, 0.0),
    "1e-6": ("1", 1e-6, 0.0),
    "ppm": ("1", 1e-6, 0.0),
    "1e-9": ("1", 1e-9, 0.0),
    "ppb": ("1", 1e-9, 0.0),
    "degrees_north": ("degrees_north", 1.0, 0.0),
    "degrees_east": ("degrees_east", 1.0, 0.0),
}


def unit_conversion(source: str, target: str) -> tuple[float, float]:
    """(factor, offset) with target value = factor * source value + offset; ValueError where there is none."""
    if source == target:
        return 1.0, 0.0
    if source not in _SCALES or target not in _SCALES or _SCALES[source][0] != _SCALES[target][0]:
        message = f"units '{source}' cannot be converted to '{target}'"
        raise ValueError(message)
    _, source_factor, source_offset = _SCALES[source]
    _, target_factor, target_offset = _SCALES[target]
    return source_factor / target_factor, (source_offset - target_offset) / target_factor
