"""What lowering says when it cannot go on."""


class LoweringError(Exception):
    """A model does something that native programs have no operation for; the message says what and where."""
