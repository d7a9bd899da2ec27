"""Batteries against textbook tables, the constant-field equation by quadrature, and the pump's three for two."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from redes_jax.neurons import ions

OUTSIDE, INSIDE, VALENCE = np.array([20.0, 440.0, 560.0]), np.array([400.0, 50.0, 52.0]), np.array([1.0, 1.0, -1.0])
PERMEABILITY = np.array([1.0, 0.04, 0.45])


@pytest.mark.parametrize(
    ("outside", "inside", "valence", "celsius", "expected"),
    [
        (20, 400, 1, 6.3, -72.1), (440, 50, 1, 6.3, 52.4), (560, 52, -1, 6.3, -57.2),
        (5, 140, 1, 37, -89.1), (145, 15, 1, 37, 60.6), (110, 10, -1, 37, -64.1),
    ],
)  # fmt: skip
def test_nernst(outside, inside, valence, celsius, expected):
    assert float(ions.nernst(float(outside), float(inside), valence, celsius)) == pytest.approx(expected, abs=0.05)


def constant_field(voltage, permeability, outside, inside, valence, celsius=6.3):
    """The flux of the Nernst-Planck equation with a field of constant strength, by its integrating factor."""
    u = valence * voltage / float(ions.thermal_voltage(celsius))
    weight = quad(lambda x: np.exp(u * (x - 1)), 0, 1)[0]  # of exp(u x) across the membrane, x from outside to inside
    return permeability * valence * ions.FARADAY * (inside - outside * np.exp(-u)) / weight


@pytest.mark.parametrize("valence", [1, 2, -1])
def test_current_solves_nernst_planck(valence):
    with jax.enable_x64(True):
        for voltage in (-120.0, -3.0, -1e-3, 0.0, 1e-3, 40.0):
            ours = ions.goldman_current(voltage, 1e-6, 20.0, 400.0, valence)
            np.testing.assert_allclose(ours, constant_field(voltage, 1e-6, 20.0, 400.0, valence), rtol=1e-9)


def test_current_and_gradient_at_the_singularity_in_float32():
    value, slope = jax.value_and_grad(ions.goldman_current)(jnp.float32(0.0), 1e-6, 20.0, 400.0)
    np.testing.assert_allclose(value, 1e-6 * ions.FARADAY * 380.0, rtol=1e-6)
    np.testing.assert_allclose(slope, 1e-6 * ions.FARADAY * 210.0 / ions.thermal_voltage(6.3), rtol=1e-5)
    ends = jax.vmap(jax.grad(ions.goldman_current), (0, None, None, None))(jnp.array([-1e4, 1e4]), 1e-6, 20.0, 400.0)
    assert np.isfinite(ends).all()


def test_currents_cancel_at_the_goldman_potential():
    with jax.enable_x64(True):
        ours = ions.goldman(*map(jnp.asarray, (PERMEABILITY, OUTSIDE, INSIDE, VALENCE)))

        def total(voltage):
            return sum(
                constant_field(voltage, *row) for row in zip(PERMEABILITY, OUTSIDE, INSIDE, VALENCE, strict=True)
            )

        assert float(ours) == pytest.approx(brentq(total, -100, 60, xtol=1e-12), abs=1e-8)
        alone = ions.goldman(jnp.array([1.0, 0.0, 0.0]), *map(jnp.asarray, (OUTSIDE, INSIDE, VALENCE)))
        assert float(alone) == pytest.approx(float(ions.nernst(20.0, 400.0)))


def test_at_the_pumped_rest_sodium_leaks_three_to_two():
    with jax.enable_x64(True):
        pair = tuple(map(jnp.asarray, (PERMEABILITY[:2], OUTSIDE[:2], INSIDE[:2])))
        rest = float(ions.mullins_noda(*pair))
        below = rest - float(ions.goldman(*pair, valence=jnp.ones(2)))
    potassium, sodium = (constant_field(rest, PERMEABILITY[i], OUTSIDE[i], INSIDE[i], 1) for i in (0, 1))
    assert sodium / potassium == pytest.approx(-1.5)
    assert -24.1 * np.log(1.5) < below < 0


def test_pump():
    pump = ions.Pump(largest=2.0, half_sodium=10.0, hill=1.5, half_potassium=1.5)
    far = 1e6  # at a voltage this high nothing holds it back
    assert float(pump.current(10.0, 1.5, 145.0, far)) == pytest.approx(2.0 / 4)
    assert float(pump.current(20.0, 1e9, 145.0, far)) == pytest.approx(2.0 / (1 + 0.5**1.5))
    currents = jax.vmap(lambda v: pump.current(15.0, 5.0, 145.0, v))(jnp.linspace(-150.0, 50.0, 41))
    assert (jnp.diff(currents) > 0).all()
    sodium, potassium = ions.pumped(0.7)
    assert sodium + potassium == pytest.approx(0.7)
    assert sodium / potassium == pytest.approx(-1.5)
