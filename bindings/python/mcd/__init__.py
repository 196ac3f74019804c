"""mcd: from the conductance of a quantum wire in a magnetic field to its potential, and back.

>>> import mcd, numpy as np
>>> wire = mcd.Wire(length=30, width=30, fields=np.linspace(0, 0.12, 101), energy=1.2)
>>> G, J = wire.jacobian(wire.clean())
>>> result = mcd.find_defect(wire, target)
>>> result.plot()

Energies are in units of the hopping t, lengths in lattice constants a, conductances in e²/h, fields are φ = πBa²/φ₀.
Arrays over a wire are ``[x, y]``, x along transport.
"""

from ._library import version as __version__
from .device import *  # noqa: F403
from .errors import *  # noqa: F403
from .problem import *  # noqa: F403
from .result import *  # noqa: F403
from .search import *  # noqa: F403
from .silhouette import *  # noqa: F403
from .wire import *  # noqa: F403
from . import device, errors, problem, result, search, silhouette, wire

__all__ = ["__version__", *(name for module in (wire, device, problem, search, result, silhouette, errors)
                            for name in module.__all__)]


def __getattr__(name):
    """What needs Kwant is loaded when it is asked for."""
    from importlib import import_module
    if name == "kwant":
        return import_module(".kwant", __name__)
    if name == "from_kwant":
        return import_module("._from_kwant", __name__).from_kwant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
