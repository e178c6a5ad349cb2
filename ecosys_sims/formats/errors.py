"""What is raised where a file, or what a user says of a site, cannot be used."""

from foundations.file_faults import SourceFault


class FormatError(ValueError):
    """A file is not what docs/formats.md asks for; the message lists the faults."""


AdapterError = SourceFault
