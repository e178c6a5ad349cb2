"""Python face of the coupler: a thin layer over the C functions of ``ecostep.h``."""

try:
    from coupler.python import _binding  # noqa: F401
except ModuleNotFoundError as error:
    message = (
        "the compiled part of the package `coupler` is not installed; run bash scripts/setup.sh, or "
        "pip install --no-build-isolation -e . in the project"
    )
    raise ModuleNotFoundError(
        message,
        name="coupler.python._binding",
    ) from error
