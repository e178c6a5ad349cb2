"""What is raised where a file, or what a user says of a site, cannot be used."""


class FormatError(ValueError):
    """A file is not what docs/formats.md asks for; the message lists the faults."""


class AdapterError(ValueError):
    """A source file cannot be used; the message names file, column, line or date, and what was expected."""
