"""The emulator as a component that speaks BMI 2.0, the Basic Model Interface of CSDMS, as NextGen and PyMT do.

    from coupler.bmi import EcostepBmi

Needs `bmipy` (``pip install ecostep[bmi]``). The same component in Fortran is beside this file; see README.md there.
"""

try:
    import bmipy  # noqa: F401
except ModuleNotFoundError as error:
    message = "coupler.bmi needs the package bmipy: pip install 'ecostep[bmi]'"
    raise ModuleNotFoundError(message, name="bmipy") from error

from coupler.bmi.component import EcostepBmi

__all__ = ["EcostepBmi"]
