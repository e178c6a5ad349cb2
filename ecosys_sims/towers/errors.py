"""What is raised where a run at a tower cannot be made."""


class TowerError(ValueError):
    """The forcing file or a command-line option cannot be used for a run."""
