"""What goes wrong in a command of `ecostep`."""


class CommandError(RuntimeError):
    """Something that the user can mend; the message names file, variable and site."""
