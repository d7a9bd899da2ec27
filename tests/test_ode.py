"""Each method has its order and its region of stability; the plane is read as the eigenvalues say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial
from scipy.integrate import solve_ivp

from redes_jax import ode
from redes_jax.process import chunks, iterate

FIRING = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo(current=0.5))
STABILITY = {  # Hairer & Wanner 1996, section IV.2
    "forward_euler": lambda z: 1 + z,
    "heun": lambda z: 1 + z + z**2 / 2,
    "rk4": lambda z: 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24,
    "backward_euler": lambda z: 1 / (1 - z),
}


@pytest.fixture(scope="module")
def exact():
    """FitzHugh-Nagumo at t = 5 by SciPy."""

    def field(t, y):
        v, w = y
        return v - v**3 / 3 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)

    return solve_ivp(field, (0, 5), (-1.0, 1.0), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


@pytest.mark.parametrize("name", ode.METHODS)
def test_order_of_convergence(name, exact):
    with jax.enable_x64(True):
        end = jax.jit(lambda steps: ode.final(FIRING, jnp.array([-1.0, 1.0]), 0.0, 5.0, steps, ode.METHODS[name]))
        coarse, fine = (np.abs(end(steps) - exact).max() for steps in (200, 400))
    assert np.log2(coarse / fine) == pytest.approx(ode.ORDERS[name], abs=0.06)


@pytest.mark.parametrize("name", ode.METHODS)
def test_stability_function_is_the_published_one(name):
    with jax.enable_x64(True):
        z = jnp.array([-2.5 + 0.3j, -0.1 - 1.7j, 0.4 + 2.2j])
        np.testing.assert_allclose(ode.stability(ode.METHODS[name], z), STABILITY[name](z), rtol=1e-12)


def test_longest_step():
    """Forward Euler on a spiral with eigenvalues a +- ib: |1 + lambda dt| = 1 at dt = -2a / (a^2 + b^2)."""
    with jax.enable_x64(True):
        modes = jnp.array([-1.0 + 3.0j, -1.0 - 3.0j, -0.5 + 0.0j])
        assert float(ode.longest_step(ode.forward_euler, modes)) == pytest.approx(0.2, rel=1e-9)
        assert float(ode.longest_step(ode.rk4, jnp.array([-1.0 + 0.0j]))) == pytest.approx(2.7852935634, rel=1e-9)
        assert float(ode.longest_step(ode.rk4, jnp.array([1.0j]))) == pytest.approx(8**0.5, rel=1e-6)
        assert np.isinf(ode.longest_step(ode.backward_euler, modes))


def test_a_run_blows_up_beyond_the_longest_step_and_not_before():
    matrix = jnp.array([[-1.0, 3.0], [-3.0, -1.0]])

    def size(dt):
        y = ode.final(lambda t, y: matrix @ y, jnp.ones(2), 0.0, 1000 * dt, 1000, ode.forward_euler)
        return float(jnp.linalg.norm(y))

    assert size(0.19) < 1e-3 < 1e3 < size(0.21)


def test_pytrees_and_time():
    """dy/dt = y cos t in the leaf of a dict, beside a leaf that decays: both have closed forms."""

    def field(t, y):
        return {"swing": y["swing"] * jnp.cos(t), "decay": (-y["decay"][0],)}

    with jax.enable_x64(True):
        y0 = {"swing": jnp.ones(2), "decay": (jnp.float64(3.0),)}
        for name, tolerance in (("rk4", 1e-8), ("backward_euler", 2e-2)):
            time, y = ode.solve(field, y0, 0.5, 2.5, 200, ode.METHODS[name])
            assert time.shape == (201,) and y["swing"].shape == (201, 2)
            np.testing.assert_allclose(y["swing"][:, 0], np.exp(np.sin(time) - np.sin(0.5)), rtol=tolerance)
            np.testing.assert_allclose(y["decay"][0], 3 * np.exp(0.5 - time), rtol=tolerance)


def test_as_a_process_it_is_the_same_run(key):
    process = ode.process(FIRING, 0.1)
    start = process.init(key, jnp.array([-1.0, 1.0]))
    state, ys = iterate(process.step, key, start, length=50)
    np.testing.assert_allclose(ys, ode.solve(FIRING, jnp.array([-1.0, 1.0]), 0.0, 5.0, 50)[1][1:], rtol=1e-5)
    *_, (t, last, _) = chunks(process.step, key, start, length=50, chunk=20)
    assert t == 50 and int(last.steps) == 50
    np.testing.assert_array_equal(last.y, state.y)


def test_an_input_is_held_for_a_step(key):
    process = ode.process(lambda t, y, drive: drive - y, 0.1, ode.forward_euler)
    _, ys = iterate(process.step, key, process.init(key, jnp.array(0.0)), jnp.array([1.0, 0.0, 2.0]))
    np.testing.assert_allclose(ys, [0.1, 0.09, 0.281], rtol=1e-6)


def test_fixed_points_of_fitzhugh_nagumo_solve_the_cubic():
    params = ode.FitzHughNagumo(b=2.0, a=0.0, current=0.0)  # steep enough for three crossings
    starts = jnp.asarray(np.random.default_rng(0).uniform(-3, 3, (40, 2)))
    with jax.enable_x64(True):
        found = ode.fixed_points(Partial(ode.fitzhugh_nagumo, params), starts.astype(jnp.float64))
    roots = np.sort(np.roots([-1 / 3, 0, 1 - 1 / 2.0, 0]).real)
    np.testing.assert_allclose(found[:, 0], roots, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], roots / 2.0, atol=1e-6)


@pytest.mark.parametrize(
    ("jacobian", "kind"),
    [
        ([[-1, 0], [0, -2]], "stable node"), ([[3, 1], [0, 1]], "unstable node"), ([[1, 0], [0, -1]], "saddle"),
        ([[-1, 2], [-2, -1]], "stable focus"), ([[1, 2], [-2, 1]], "unstable focus"), ([[0, 1], [-1, 0]], "centre"),
        ([[1, 1], [1, 1]], "degenerate"),
    ],
)  # fmt: skip
def test_classify(jacobian, kind):
    assert ode.classify(jacobian) == kind


def test_nullclines_are_where_the_field_has_no_such_component():
    with jax.enable_x64(True):
        x = jnp.linspace(-2.0, 2.0, 41)
        cubic, line = (np.asarray(ode.nullcline(FIRING, i, x, -3.0, 3.0)) for i in (0, 1))
    x = np.asarray(x)
    np.testing.assert_allclose(cubic, x - x**3 / 3 + 0.5, atol=1e-9)
    inside = (x + 0.7) / 0.8 < 3
    np.testing.assert_allclose(line[inside], ((x + 0.7) / 0.8)[inside], atol=1e-9)
    assert np.isnan(line[~inside]).all() and not inside.all()


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="steps is 0"):
        ode.solve(FIRING, jnp.zeros(2), 0.0, 1.0, 0)
    with pytest.raises(ValueError, match="shape"):
        ode.classify(np.eye(3))
