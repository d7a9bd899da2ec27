"""Nerve as a differential equation: channels that compose into a membrane, and the ways to step it through time.

Read :mod:`channels` (what a channel is), :mod:`membrane` (channels make a membrane; ``simulate``), :mod:`schemes`
(forward Euler, Rush-Larsen, Hines' staggered scheme), :mod:`solvers` (the same as diffrax solvers), :mod:`stimuli`,
:mod:`spikes`, :mod:`excitability`.

Units: ms, mV, uA/cm2 (depolarising is positive), mS/cm2, uF/cm2; ``celsius`` for temperatures.
"""

import importlib

_MODULES = ("channels", "excitability", "membrane", "schemes", "solvers", "spikes", "stimuli")

__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
