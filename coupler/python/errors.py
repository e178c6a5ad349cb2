"""The one exception of the coupler."""

from coupler.python import _binding


class EcostepError(RuntimeError):
    """A call into the library failed; neither state nor outputs were written.

    ``status`` is the name of the status in ``ecostep.h`` without its prefix, such as ``"BAD_UNITS"``.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


def check(status: int) -> None:
    """Raise :class:`EcostepError` with the library's message unless ``status`` is 0."""
    if status != 0:
        raise EcostepError(_binding.status_name(status), _binding.last_error())
