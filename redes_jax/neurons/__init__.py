"""Nerve as a differential equation: channels that compose into a membrane, and the ways to step it through time.

Read :mod:`channels` (what a channel is), :mod:`membrane` (channels make a membrane; ``simulate``), :mod:`schemes`
(forward Euler, Rush-Larsen, Hines' staggered scheme), :mod:`solvers` (the same as diffrax solvers), :mod:`stimuli`,
:mod:`spikes`, :mod:`excitability`.

Units: ms, mV, uA/cm2 (depolarising is positive), mS/cm2, uF/cm2; ``celsius`` for temperatures.
"""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__, ("channels", "excitability", "membrane", "schemes", "simulation", "solvers", "spikes", "stimuli")
)
