"""Which columns a mapping speaks of."""

from emulator.data.importers.mapping import Column, Mapping, Names


def asked_names(mapping: Mapping) -> list[str]:
    """All columns that a mapping speaks of, once each."""
    names: list[str] = [*mapping.time.column, *mapping.time.clock, *mapping.site.column]
    for alternatives in mapping.time.parts.values():
        names += alternatives
    for source in mapping.variables.values():
        names += columns_of(source, source.fill, source.measured_where, source.twin, source.uncertainty)
        names += source.quality.column if source.quality else ()
        names += (*source.filled.column, *source.filled.quality) if source.filled else ()
        for column in source.inputs.values():
            names += columns_of(column)
    return list(dict.fromkeys(names))


def columns_of(column: Column, *others: Names) -> list[str]:
    """The columns of a quantity."""
    terms = (term.removeprefix("-") for term in column.sum)
    return [*column.column, *terms, *(name for names in others for name in names)]
