"""Receptive fields: which part of the world moves a neuron, and how to read that off its spikes.

A receptive field is a weight for every point of what is seen or touched; the neuron's drive is the weighted sum.

    retina   :class:`DifferenceOfGaussians`   an excitatory centre in an inhibitory surround (Rodieck 1965)
    cortex   :class:`Gabor`                   a grating under a Gaussian: it prefers an orientation (Daugman 1985)
    skin     :func:`merkel`                   a slowly adapting touch receptor: answers the press, and keeps answering

:func:`respond` lays a field over every point of an image. :func:`triggered_average` goes the other way: it shows a
linear-nonlinear-Poisson neuron noise and averages what came before its spikes, which for Gaussian noise of covariance C is
``C`` times the field (Chichilnisky 2001), so that ``C^-1`` uncovers it.

Lengths are in one unit of the caller's choice (degrees of visual angle, pixels), frequencies in cycles per that unit.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.signal import fftconvolve
from jax.tree_util import Partial
from jaxtyping import Bool, Float, Int

from redes_jax import bits
from redes_jax.process import Process


class DifferenceOfGaussians(NamedTuple):
    """``k_c exp(-r^2 / r_c^2) - k_s exp(-r^2 / r_s^2)`` (Rodieck, Vision Res. 5:583, 1965; here as Enroth-Cugell & Robson 1966).

    Args:
      center, surround: the radii ``r_c, r_s`` at which each Gaussian has fallen to 1/e.
      center_gain, surround_gain: ``k_c, k_s`` per unit area.
    """

    center: Any = 1.0
    surround: Any = 3.0
    center_gain: Any = 1.0
    surround_gain: Any = 0.1

    def __call__(self, x, y):
        """The field's value at ``(x, y)``."""
        r2 = x**2 + y**2
        center = self.center_gain * jnp.exp(-r2 / self.center**2)
        return center - self.surround_gain * jnp.exp(-r2 / self.surround**2)

    def grating(self, frequency):
        """Response to a grating of contrast 1 and ``frequency``, centred: the Fourier transform of the field.

        ``pi k_c r_c^2 exp(-(pi r_c f)^2) - pi k_s r_s^2 exp(-(pi r_s f)^2)``; at frequency 0 it is the DC gain.
        """

        def gaussian(gain, radius):
            return jnp.pi * gain * radius**2 * jnp.exp(-((jnp.pi * radius * frequency) ** 2))

        return gaussian(self.center_gain, self.center) - gaussian(self.surround_gain, self.surround)


class Gabor(NamedTuple):
    """``exp(-(u^2 + (aspect v)^2) / (2 width^2)) cos(2 pi frequency u + phase)`` (Daugman 1985; Jones & Palmer 1987).

    ``u = x cos(orientation) + y sin(orientation)`` runs across the stripes, ``v`` along them.

    Args:
      width: standard deviation across the stripes.
      frequency: of the stripes.
      orientation: of ``u``, radians; the stripes stand at a right angle to it.
      phase: radians; 0 is a bright bar in the middle, pi/2 an edge.
      aspect: ratio of the widths across and along.
    """

    width: Any = 1.0
    frequency: Any = 0.25
    orientation: Any = 0.0
    phase: Any = 0.0
    aspect: Any = 0.5

    def __call__(self, x, y):
        """The field's value at ``(x, y)``."""
        u = x * jnp.cos(self.orientation) + y * jnp.sin(self.orientation)
        v = y * jnp.cos(self.orientation) - x * jnp.sin(self.orientation)
        envelope = jnp.exp(-(u**2 + (self.aspect * v) ** 2) / (2 * self.width**2))
        return envelope * jnp.cos(2 * jnp.pi * self.frequency * u + self.phase)

    def grating(self, frequency, orientation):
        """The largest response, over all phases, to a drifting grating of contrast 1.

        The modulus of the field's Fourier transform: two Gaussians, at plus and at minus the preferred frequency.
        """
        angle = orientation - self.orientation
        along_u, along_v = frequency * jnp.cos(angle), frequency * jnp.sin(angle)

        def bump(shift):
            exponent = (along_u - shift) ** 2 + (along_v / self.aspect) ** 2
            return jnp.exp(-2 * (jnp.pi * self.width) ** 2 * exponent)

        area = jnp.pi * self.width**2 / self.aspect
        turned = jnp.exp(1j * self.phase) * bump(self.frequency) + jnp.exp(-1j * self.phase) * bump(-self.frequency)
        return area * jnp.abs(turned)


def grid(size: int, spacing: float = 1.0) -> tuple[Float[Array, "size size"], Float[Array, "size size"]]:
    """``(x, y)`` of a square of points centred on 0; ``y`` grows downwards, as in an image.

    Args:
      size: points on a side; odd, so that one is the centre.
      spacing: between neighbours.
    """
    if size % 2 == 0:
        raise ValueError(f"size is {size}: odd, so that the field has a point in its middle; take {size + 1}")
    along = (jnp.arange(size) - size // 2) * spacing
    return tuple(jnp.meshgrid(along, along))  # pyright: ignore[reportReturnType]


def respond(image: Float[Array, "rows columns"], field: Float[Array, "n n"]) -> Float[Array, "rows columns"]:
    """The drive of neurons that sit on every pixel with the same field: ``sum_ab field[a, b] image[i + a, j + b]``.

    Beyond its edge the image goes on as it ends, so a constant image gives the field's sum everywhere.
    """
    margin = field.shape[0] // 2
    return fftconvolve(jnp.pad(image, margin, mode="edge"), field[::-1, ::-1], mode="valid")


class Merkel(NamedTuple):
    """A slowly adapting type I touch receptor: a step of pressure calls up currents that fade at different speeds.

    The current after a unit step is ``K(t) = sustained + sum_i gain_i exp(-t / tau_i)``, and steps add up: the generator
    function of Gerling et al., PLoS Comput. Biol. 14:e1006264 (2018), whose rapidly and slowly inactivating currents have the
    time constants 8 and 200 ms; their ultra-slow one is 4 s here. The gains are set so that the rate declines by 38% over
    the first 12 s of a steady indentation, the mean of 21 monkey afferents (Burgess et al., J. Neurosci. 3:2652, 1983).

    Args:
      tau: (currents,) ms.
      gain: (currents,) of each current at once after a unit step.
      sustained: what remains of a unit step for ever.
      threshold: current below which it is silent.
      slope: Hz per unit of current above threshold.
    """

    tau: Any = (8.0, 200.0, 4000.0)
    gain: Any = (1.2, 0.8, 0.42)
    sustained: Any = 0.7
    threshold: Any = 0.05
    slope: Any = 60.0

    def step_current(self, time):
        """``K(t)`` in closed form: the current ``time`` ms after a unit step."""
        tau, gain = jnp.asarray(self.tau), jnp.asarray(self.gain)
        return self.sustained + jnp.sum(gain * jnp.exp(-jnp.asarray(time)[..., None] / tau), axis=-1)

    def rate(self, current):
        """Firing rate in Hz under a current: linear above threshold."""
        return self.slope * jnp.maximum(current - self.threshold, 0.0)


GERLING_2018 = Merkel()


class Touch(NamedTuple):
    """Pressure as last seen, and what is left of each fading current."""

    pressure: Float[Array, ""]
    currents: Float[Array, " currents"]


class Firing(NamedTuple):
    """Rate in Hz, and whether a spike fell into this step."""

    rate: Float[Array, ""]
    spike: Bool[Array, ""]


def merkel(params: Merkel = GERLING_2018, dt=1.0) -> Process:
    """The receptor as a process: the input is pressure (at least 0, in units of a light touch), the output :class:`Firing`.

    A step of pressure at the start of a time step is felt in full; the currents then decay exactly. Spikes are Poisson.

    Args:
      params: of the receptor.
      dt: ms.
    """

    def init(key):
        del key
        return Touch(jnp.zeros(()), jnp.zeros(len(params.tau)))

    return Process(init, Partial(_touch, params, dt))


def _touch(params, dt, key, state, pressure):
    dtype = state.currents.dtype
    tau, gain = jnp.asarray(params.tau, dtype), jnp.asarray(params.gain, dtype)
    currents = state.currents + gain * (pressure - state.pressure)
    rate = params.rate(jnp.sum(currents) + params.sustained * pressure)
    spike = bits.bernoulli(key, -jnp.expm1(-rate * dt / 1000.0))
    return Touch(jnp.asarray(pressure, dtype), currents * jnp.exp(-dt / tau)), Firing(rate, spike)


class Moments(NamedTuple):
    """All that a spike-triggered average needs of the past, however long: sums over frames and over spikes."""

    frames: Int[Array, ""]
    spikes: Int[Array, ""]
    stimulus: Float[Array, " pixels"]
    triggered: Float[Array, " pixels"]
    outer: Float[Array, "pixels pixels"]

    def average(self) -> Float[Array, " pixels"]:
        """Mean stimulus at a spike, less the mean stimulus: the covariance of the stimulus times the field."""
        return self.triggered / jnp.maximum(self.spikes, 1) - self.stimulus / self.frames

    def whitened(self, ridge=1e-3) -> Float[Array, " pixels"]:
        """The average with the stimulus' own covariance undone.

        Args:
          ridge: added to the covariance, as a share of its mean variance: directions never shown stay unknown.
        """
        mean = self.stimulus / self.frames
        covariance = self.outer / self.frames - jnp.outer(mean, mean)
        level = ridge * jnp.trace(covariance) / len(mean)
        return jnp.linalg.solve(covariance + level * jnp.eye(len(mean), dtype=mean.dtype), self.average())


def poisson_neuron(
    key, stimuli: Float[Array, "frames pixels"], field: Float[Array, " pixels"], rate
) -> Int[Array, " frames"]:
    """Spike counts of a linear-nonlinear-Poisson neuron: Poisson with mean ``rate exp(stimulus . field)`` in each frame."""
    return jax.random.poisson(key, rate * jnp.exp(stimuli @ field))


def triggered_average(field, mixing=None, rate=0.1, batch: int = 256) -> Process:
    """A neuron watching noise, and the sums its spikes leave behind: a process without input in constant memory.

    Under the exponential nonlinearity and Gaussian stimuli, :meth:`Moments.average` tends to ``C field`` exactly.

    Args:
      field: (pixels,) of the neuron, flattened.
      mixing: (pixels, pixels) ``A``: stimuli are ``A`` times white noise, so ``C = A A^T``; None for white noise.
      rate: spikes per frame where the drive is 0.
      batch: frames shown in one step.

    Returns:
      A process whose state is :class:`Moments` and whose output is the number of spikes of the step.
    """
    size = len(field)

    def init(key):
        del key
        zeros = jnp.zeros(size)
        return Moments(jnp.int32(0), jnp.int32(0), zeros, zeros, jnp.outer(zeros, zeros))

    def step(field, mixing, rate, key, state, input):
        del input
        field = jnp.asarray(field, state.stimulus.dtype)
        noise_key, spike_key = jax.random.split(key)
        stimuli = bits.normal(noise_key, (batch, size)).astype(state.stimulus.dtype)
        stimuli = stimuli if mixing is None else stimuli @ mixing.T
        counts = poisson_neuron(spike_key, stimuli, field, rate).astype(jnp.int32)
        moments = Moments(
            state.frames + batch,
            state.spikes + jnp.sum(counts, dtype=jnp.int32),
            state.stimulus + jnp.sum(stimuli, axis=0),
            state.triggered + counts.astype(stimuli.dtype) @ stimuli,
            state.outer + stimuli.T @ stimuli,
        )
        return moments, moments.spikes - state.spikes

    return Process(init, Partial(step, field, mixing, rate))
