"""Nets with an energy: Hopfield's, that falls, and the Boltzmann machine, that wanders."""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(__name__, ("hopfield", "partition", "rbm"))
