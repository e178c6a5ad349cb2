"""How much longer a work takes, told as people read it."""


def duration(seconds: float) -> str:
    """45 s, 3 min, 2.5 h, 3 days."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def time_left(seconds: float, done: float, total: float) -> str:
    """`3 min left` of a work of which `done` of `total` parts took `seconds`; empty where nothing is done or left."""
    if done <= 0 or done >= total:
        return ""
    return f"{duration(seconds * (total - done) / done)} left"
