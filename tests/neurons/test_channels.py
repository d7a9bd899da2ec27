"""Rates against the printed formulas, at the voltages where those are 0/0, and the squid's fast kernel against its
channels.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.neurons import channels as ch
from redes_jax.neurons.membrane import SQUID, compose

RATES = {"m": ch.m_rates, "h": ch.h_rates, "n": ch.n_rates}


def test_rates_of_1952_at_rest_and_depolarised():
    """The formulas of the paper in its own variable, v = V + 65 with today's sign."""
    for v in (0.0, 6.0, 30.0, 100.0, -20.0):
        paper = {
            "m": (0.1 * (25 - v) / np.expm1((25 - v) / 10), 4 * np.exp(-v / 18)),
            "h": (0.07 * np.exp(-v / 20), 1 / (np.exp((30 - v) / 10) + 1)),
            "n": (0.01 * (10 - v) / np.expm1((10 - v) / 10), 0.125 * np.exp(-v / 80)),
        }
        with jax.enable_x64(True):
            for gate, rates in RATES.items():
                np.testing.assert_allclose(rates(jnp.asarray(v - 65.0)), paper[gate], rtol=1e-13)


@pytest.mark.parametrize(("gate", "voltage", "alpha", "slope"), [("m", -40.0, 1.0, 0.05), ("n", -55.0, 0.1, 0.005)])
def test_removable_singularities_in_float32(gate, voltage, alpha, slope):
    for offset in (0.0, 1e-6, -1e-4, 1e-2):
        value, gradient = jax.value_and_grad(lambda v: RATES[gate](v)[0])(jnp.float32(voltage + offset))
        assert value.dtype == jnp.float32
        np.testing.assert_allclose(value, alpha + slope * offset, rtol=2e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-3)
    number = {"m": 0, "n": 2}[gate]
    fraction = lambda v: (lambda a, b, d: a / d)(*ch.squid_kinetics(v)[number])  # noqa: E731
    value, gradient = jax.value_and_grad(fraction)(jnp.float32(voltage))
    np.testing.assert_allclose(value, alpha, rtol=2e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3)


@pytest.mark.parametrize("x64", [True, False])
def test_x_over_expm1_against_scipy(x64):
    from scipy.special import exprel

    x = np.concatenate([np.linspace(-60, 60, 241), [0.0, 0.0999999, 0.1000001, 1e-8, -1e-8]])
    with jax.enable_x64(x64):
        ours = ch.x_over_expm1(jnp.asarray(x))
        slope = jax.vmap(jax.grad(ch.x_over_expm1))(jnp.asarray([-1e4, -80.0, 0.0, 80.0, 1e4]))
    np.testing.assert_allclose(ours, 1 / exprel(x), rtol=1e-13 if x64 else 1e-5, atol=1e-20)
    assert np.isfinite(slope).all()


def test_fast_squid_kernel_equals_composed_channels():
    composed = compose(*SQUID.channels)
    with jax.enable_x64(True):
        voltage = jnp.concatenate([jnp.linspace(-120.0, 80.0, 2001), jnp.array([-40.0, -55.0])])

        def rates(kinetics):
            return jnp.stack([jnp.stack([a / d, b / d]) for a, b, d in kinetics(voltage)])

        np.testing.assert_allclose(rates(SQUID.kinetics), rates(composed.kinetics), rtol=1e-10)


def test_q10_is_three_for_ten_degrees():
    assert ch.q10(6.3) == 1.0
    assert ch.q10(16.3) == pytest.approx(3.0)


def test_steady_and_time_constant_are_recovered():
    alpha, beta = ch.steady_and_time_constant(0.2, 5.0)
    assert alpha / (alpha + beta) == pytest.approx(0.2)
    assert 1 / (alpha + beta) == pytest.approx(5.0)
