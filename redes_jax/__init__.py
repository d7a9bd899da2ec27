"""Neural networks from the ion channel to the GAN, as pure functions under one arrow: see :mod:`redes_jax.process`.

Units are one system everywhere: ms, mV, uA/cm2, mS/cm2, uF/cm2, mM, and temperature in degrees Celsius where an argument
is named ``celsius``.

Submodules load when first touched, so ``import redes_jax`` costs nothing beyond JAX.
"""

import importlib
from typing import TYPE_CHECKING

from redes_jax.process import Process, chunks, iterate, population

if TYPE_CHECKING:
    from redes_jax import adversarial as adversarial
    from redes_jax import bits as bits
    from redes_jax import data as data
    from redes_jax import devices as devices
    from redes_jax import energy as energy
    from redes_jax import evolution as evolution
    from redes_jax import figures as figures
    from redes_jax import games as games
    from redes_jax import learning as learning
    from redes_jax import networks as networks
    from redes_jax import neurons as neurons

_ROOMS = (
    "adversarial", "bits", "data", "devices", "energy", "evolution", "figures", "games", "learning", "networks", "neurons",
)  # fmt: skip

__all__ = ["Process", "chunks", "iterate", "population", *_ROOMS]
__version__ = "0.1.0"


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"redes_jax.{name}")
    raise AttributeError(f"module 'redes_jax' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
