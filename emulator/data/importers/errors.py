"""What is raised where a file, a mapping or a table of sites cannot be used."""

from foundations.file_faults import SourceFault


class ImportFault(SourceFault):
    """The message names file, variable, site or line, what was expected, and the remedy."""


class NoValues(ImportFault):
    """A site without a value on any day."""
