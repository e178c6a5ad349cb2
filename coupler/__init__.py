"""Run a trained emulator step by step from Python, through the same C library that land models link.

    from coupler import Model

    model = Model("model.pt")
    cells = model.cells(ncell)
    cells.set_input("tas", tair, "degC")            # numpy arrays of the host, read in place at every step
    cells.set_static("lat", lat, "degrees_north")
    cells.set_output("fch4", fch4, "kg m-2 s-1")    # written in place at every step
    cells.init_state()
    cells.step(2001, 1, 1, seconds=0, dt=3600)
    np.save("restart.npy", cells.state)

Failures raise :class:`EcostepError`, whose ``status`` is the name of the C library's status.
"""

from coupler.python.cells import Cells
from coupler.python.errors import EcostepError
from coupler.python.model import Model, Variable, library_version
from coupler.python.units import unit_conversion

__all__ = ["Cells", "EcostepError", "Model", "Variable", "library_version", "unit_conversion"]
