"""Neural networks from the ion channel to the GAN, as pure functions under one arrow: see :mod:`redes_jax.process`.

Units are one system everywhere: ms, mV, uA/cm2, mS/cm2, uF/cm2, mM, and temperature in degrees Celsius where an argument
is named ``celsius``.

Submodules load when first touched, so ``import redes_jax`` costs nothing beyond JAX.
"""

from redes_jax.lazy import submodules
from redes_jax.process import Process, chunks, iterate, population

_rooms, __getattr__, _ = submodules(
    __name__,
    (
        "adversarial", "bits", "data", "devices", "energy", "evolution", "figures", "games", "learning", "networks", "neurons", "ode",
    ),
)  # fmt: skip
__all__ = ["Process", "chunks", "iterate", "population", *_rooms]
__version__ = "0.1.0"


def __dir__():
    return sorted(__all__)
