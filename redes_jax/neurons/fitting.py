"""What made this recording? A membrane's numbers from its voltage: nudging, Gauss-Newton, and features of spikes.

The squared error of a spiking trace has as many valleys as there are ways to align its spikes, and a simulation that
fires at the wrong time has a gradient that points anywhere. Two ways out are here.

Nudging (:func:`nudged`) lets the recording pull the simulation along,

    C dV/dt = I - sum of currents + k (V_recorded - V)

so that gates follow the recorded voltage whatever the conductances, and what remains of the difference is nearly linear
in them. Fitted under a strong coupling k, which is then let go step by step to zero, the last fit is that of the free
membrane. :func:`levenberg_marquardt` is the fit: a process whose input is the coupling.

    >>> import jax, jax.numpy as jnp
    >>> from redes_jax.process import iterate
    >>> learner = levenberg_marquardt(lambda x, scale: scale * jnp.array([x[0] - 3.0, 10.0 * (x[1] - x[0] ** 2)]))
    >>> state = learner.init(jax.random.key(0), jnp.array([-1.0, 1.0]))
    >>> state, _ = iterate(learner.step, jax.random.key(0), state, jnp.ones(30))
    >>> [round(float(x), 3) for x in state.params]
    [3.0, 9.0]

A real recording is no simulation plus noise: its spikes fall at other times at every repetition, and what a fit should keep
is their number and shape (:func:`features`; Druckmann et al., Front. Neurosci. 1:1, 2007).

References: Abarbanel, Creveling, Farsian & Kostuk, SIAM J. Appl. Dyn. Syst. 8:1341 (2009); Marquardt, J. SIAM 11:431
(1963).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, PyTree

from redes_jax.neurons.simulation import as_function
from redes_jax.neurons.spikes import crossings
from redes_jax.process import Process


def nudged(stimulus, voltage: Float[Array, " time"], dt, coupling):
    """A stimulus that also pulls the membrane towards a recording, with ``coupling * (V_recorded - V)``.

    It is a conductance whose battery is the recording, so every scheme solves for it implicitly or exactly and a strong
    coupling is no harder to step than a weak one.

    Args:
      stimulus: a number, or a function of time (ms), uA/cm2 or a ``membrane.Input``.
      voltage: the recording at dt, 2 dt, ..., mV, as ``simulation.simulate`` gives one; linear in between.
      dt: the interval of the recording, ms.
      coupling: k, mS/cm2; 0 leaves the membrane free.

    Returns:
      A function of time that returns a ``membrane.Input``, and carries its numbers as leaves.
    """
    return Partial(_nudged, stimulus, voltage, dt, coupling)


def _nudged(stimulus, voltage, dt, coupling, t):
    given = as_function(stimulus)(t)
    position = jnp.clip(t / dt - 1.0, 0.0, voltage.shape[0] - 1.0)
    before = jnp.floor(position).astype(jnp.int32)
    after = jnp.minimum(before + 1, voltage.shape[0] - 1)
    recorded = voltage[before] + (position - before) * (voltage[after] - voltage[before])
    return given._replace(current=given.current + coupling * recorded, conductance=given.conductance + coupling)


class Search(NamedTuple):
    """Where :func:`levenberg_marquardt` stands: the parameters, and how cautious the next step is."""

    params: PyTree
    damping: Float[Array, ""]


class Moved(NamedTuple):
    """One step: the loss before it (half the sum of squares), the damping it was tried with, and whether it was taken."""

    loss: Float[Array, ""]
    damping: Float[Array, ""]
    accepted: Bool[Array, ""]


def levenberg_marquardt(residual: Callable[[Any, Any], Array], *, damping=1e-2, longest=1.0) -> Process:
    """Least squares for a few parameters, by forward-mode Jacobians.

        (J'J + damping diag(J'J)) step = -J'r

    A step that does not lower the loss, or ends where it is not finite, is not taken; then the damping grows tenfold,
    otherwise it falls to a third. One step costs as many simulations as there are parameters, and two.

    Args:
      residual: ``residual(params, input) -> r`` with r of any shape; ``input`` is the step's, a coupling say.
      damping: of the first step.
      longest: bound on the change of any parameter in one step; parameters are best logarithms.

    Returns:
      ``init(key, params) -> Search`` and ``step(key, search, input) -> (search, Moved)``; the keys are not used.
    """

    def init(key, params):
        del key
        flat = ravel_pytree(params)[0]
        return Search(params, jnp.asarray(damping, flat.dtype))

    def step(key, search, input):
        del key
        flat, unravel = ravel_pytree(search.params)

        def difference(flat):
            value = jnp.ravel(residual(unravel(flat), input))
            return value, value

        jacobian, value = jax.jacfwd(difference, has_aux=True)(flat)
        loss = 0.5 * value @ value
        curvature, slope = jacobian.T @ jacobian, jacobian.T @ value
        scale = jnp.maximum(jnp.diag(curvature), 1e-6 * jnp.diag(curvature).max())
        move = -jnp.linalg.solve(curvature + search.damping * jnp.diag(scale), slope)
        move = move * jnp.minimum(1.0, longest / jnp.maximum(jnp.abs(move).max(), 1e-30))
        moved = difference(flat + move)[0]
        better = 0.5 * moved @ moved < loss
        flat = jnp.where(better, flat + move, flat)
        after = jnp.clip(search.damping * jnp.where(better, 1 / 3, 10.0), 1e-7, 1e7).astype(search.damping.dtype)
        return Search(unravel(flat), after), Moved(loss, search.damping, better)

    return Process(init, step)


def covariance(residual: Callable[[Any], Array], params: PyTree, noise) -> Float[Array, "n n"]:
    """The least covariance of any unbiased estimate from a recording with white noise: noise^2 (J'J)^-1 (Cramer-Rao).

    Args:
      residual: ``residual(params) -> r``, simulation minus recording.
      params: the true parameters, or the best known.
      noise: standard deviation of one sample, in the unit of r.
    """
    flat, unravel = ravel_pytree(params)
    jacobian = jax.jacfwd(lambda flat: jnp.ravel(residual(unravel(flat))))(flat)
    return noise**2 * jnp.linalg.inv(jacobian.T @ jacobian)


class Features(NamedTuple):
    """What a trace does under a step of current. Rates in Hz, times in ms, potentials in mV.

    Without spikes, ``latency`` is the length of the trace, ``width`` zero, and peak, threshold and trough are its extremes.

    Args:
      rate: spikes over the whole trace.
      late_rate: over its second half.
      latency: of the first spike.
      peak: of a spike, mean.
      threshold: where the upstroke first exceeds 10 mV/ms, mean.
      trough: least potential between two spikes, mean.
      width: how long a spike stays above the middle between threshold and peak, mean.
      level: mean potential of the second half, spikes cut off at the threshold.
      sag: ``level`` minus the least potential.
    """

    rate: Float[Array, ""]
    late_rate: Float[Array, ""]
    latency: Float[Array, ""]
    peak: Float[Array, ""]
    threshold: Float[Array, ""]
    trough: Float[Array, ""]
    width: Float[Array, ""]
    level: Float[Array, ""]
    sag: Float[Array, ""]


def features(voltage: Float[Array, " time"], dt, *, above=-10.0, most: int = 128) -> Features:
    """Measure a trace, recorded or simulated, by one rule.

    Args:
      voltage: mV, sampled every ``dt`` ms, from the onset of the step to its end.
      dt: ms.
      above: what counts as a spike crosses this, mV.
      most: spikes that can be told apart.
    """
    size = voltage.shape[0]
    second, index = slice(size // 2, None), jnp.arange(size)
    spike = crossings(voltage, above)
    count, number = spike.sum(), jnp.minimum(jnp.cumsum(spike), most - 1)
    fires, among = count > 0, jnp.arange(most)
    highest = jax.ops.segment_max(voltage, number, most, indices_are_sorted=True)
    lowest = jax.ops.segment_min(voltage, number, most, indices_are_sorted=True)

    def mean(values, chosen):
        return jnp.where(chosen, values, 0.0).sum() / jnp.maximum(chosen.sum(), 1)

    peak = jnp.where(fires, mean(highest, (among >= 1) & (among <= count)), voltage.max())
    trough = jnp.where(count > 1, mean(lowest, (among >= 1) & (among < count)), voltage.min())
    fast = crossings(jnp.append(jnp.diff(voltage) / dt, 0.0), 10.0)
    onset = voltage[jax.lax.cummax(jnp.where(fast, index, 0))]
    threshold = jnp.where(fires, mean(onset, spike), voltage.max())
    width = jnp.where(fires, dt * (voltage > 0.5 * (threshold + peak)).sum() / jnp.maximum(count, 1), 0.0)
    level = jnp.minimum(voltage, threshold)[second].mean()
    return Features(
        1e3 * count / (size * dt), 1e3 * spike[second].sum() / (spike[second].size * dt),
        dt * jnp.where(fires, jnp.argmax(spike), size), peak, threshold, trough, width, level, level - voltage.min(),
    )  # fmt: skip
