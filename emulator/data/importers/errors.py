"""What is raised where a file, a mapping or a table of sites cannot be used."""


class ImportFault(ValueError):
    """The message names file, variable, site or line, what was expected, and the remedy."""
