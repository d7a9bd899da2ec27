"""Stimuli against what they are said to be; and a membrane under them against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np

from redes_jax.neurons import channels as ch
from redes_jax.neurons import stimuli
from redes_jax.neurons.membrane import compose
from redes_jax.neurons.simulation import simulate, times

PASSIVE = compose(ch.LEAK)


def test_shapes_in_time():
    t = jnp.array([0.0, 2.5, 5.0, 12.5])
    both = stimuli.total(stimuli.pulse(3.0, 2.0, 5.0), stimuli.ramp(2.0, 4.0))
    np.testing.assert_allclose(jax.vmap(both)(t), [0.0, 3.0, 2.0, 17.0])
    np.testing.assert_allclose(jax.vmap(stimuli.sine(2.0, 100.0))(t), [0.0, 2.0, 0.0, 2.0], atol=1e-6)
    np.testing.assert_allclose(jax.vmap(stimuli.sampled(jnp.arange(3.0), 2.5))(t), [0.0, 1.0, 2.0, 2.0])


def test_a_passive_membrane_filters_a_sine():
    """The amplitude is that of a low-pass filter: I / sqrt(g^2 + (omega C)^2)."""
    amplitude, frequency = 1.0, 40.0
    stimulus = stimuli.sine(amplitude, frequency)
    _, voltage = simulate(PASSIVE, PASSIVE.params(), stimulus, duration=100.0, dt=0.05)
    last = times(100.0, 0.05) > 75.0
    g, omega = ch.LEAK.conductance, 2e-3 * np.pi * frequency
    expected = amplitude / np.hypot(g, omega)
    np.testing.assert_allclose(np.ptp(np.asarray(voltage)[last]) / 2, expected, rtol=2e-3)


def test_noise_is_held_and_has_its_deviation():
    stimulus = stimuli.noise(jax.random.key(0), 2.0, 0.5, (400,))
    held = jax.vmap(stimulus)(jnp.array([0.1, 0.4, 0.6]))
    np.testing.assert_array_equal(held[0], held[1])
    assert not np.array_equal(held[1], held[2])
    draws = jax.vmap(stimulus)(0.25 + 0.5 * jnp.arange(100))
    np.testing.assert_allclose([draws.mean(), draws.std()], [0.0, 2.0], atol=5 * 2.0 / np.sqrt(draws.size))


def test_a_passive_membrane_under_noise_wanders_as_an_ornstein_uhlenbeck_process():
    """Stationary variance: deviation^2 dt / (2 g C), for noise much faster than the membrane."""
    deviation, dt, g = 5.0, 0.1, ch.LEAK.conductance
    stimulus = stimuli.noise(jax.random.key(1), deviation, dt, (2000,))
    final, _ = simulate(PASSIVE, PASSIVE.params(), stimulus, duration=30.0, dt=dt, observe=None)
    variance = deviation**2 * dt / (2 * g)
    np.testing.assert_allclose(final.voltage.std() ** 2, variance, rtol=5 * np.sqrt(2 / 2000))
