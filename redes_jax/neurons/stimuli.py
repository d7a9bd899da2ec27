"""Currents to inject: each is a function of time (ms) that returns uA/cm2, and carries its numbers as leaves.

So a stimulus goes through ``jit``, ``vmap`` and ``grad`` like any other argument, and a sweep over amplitudes compiles
once.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from redes_jax import bits


def constant(amplitude):
    """``amplitude`` at all times."""
    return Partial(_constant, amplitude)


def pulse(amplitude, start, stop):
    """``amplitude`` from ``start`` until ``stop`` (ms), zero outside."""
    return Partial(_pulse, amplitude, start, stop)


def ramp(slope, start=0.0):
    """Zero until ``start`` (ms), then rising by ``slope`` (uA/cm2 each ms)."""
    return Partial(_ramp, slope, start)


def sine(amplitude, frequency, phase=0.0):
    """``amplitude sin(2 pi frequency t + phase)``, with the frequency in Hz and the phase in radians."""
    return Partial(_sine, amplitude, frequency, phase)


def noise(key, deviation, dt, shape: tuple[int, ...] = ()):
    """Gaussian noise: every ``dt`` ms a new draw with mean 0 and this standard deviation, held until the next.

    Its power below ``1 / dt`` is flat; for the same effect on a membrane at another ``dt`` keep ``deviation**2 * dt``. A
    function of time like the others: the draw at a time does not depend on how it is stepped.

    Args:
      key: of all draws.
      deviation: uA/cm2.
      dt: ms.
      shape: of a draw, one entry a neuron.
    """
    return Partial(partial(_noise, shape), key, deviation, dt)


def sampled(currents, dt):
    """A recorded current: ``currents[i]`` during ``[i dt, (i + 1) dt)``, the last one held afterwards."""
    return Partial(_sampled, currents, dt)


def total(*stimuli):
    """The sum of several stimuli."""
    return Partial(_total, stimuli)


def _constant(amplitude, t):
    del t
    return amplitude


def _pulse(amplitude, start, stop, t):
    return jnp.where((t >= start) & (t < stop), amplitude, jnp.zeros_like(amplitude))


def _ramp(slope, start, t):
    return slope * jnp.maximum(t - start, 0.0)


def _sine(amplitude, frequency, phase, t):
    return amplitude * jnp.sin(2e-3 * jnp.pi * frequency * t + phase)


def _noise(shape, key, deviation, dt, t):
    draw = jax.random.fold_in(key, jnp.floor(t / dt).astype(jnp.int32))
    return deviation * bits.normal(draw, shape)


def _sampled(currents, dt, t):
    index = jnp.floor(t / dt).astype(jnp.int32)
    return currents[jnp.clip(index, 0, currents.shape[0] - 1)]


def _total(stimuli, t):
    return sum(stimulus(t) for stimulus in stimuli)
