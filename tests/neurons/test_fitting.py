"""Gradients by every route are one number, a nudge is what it says, a small fit finds the truth, features are right."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.neurons import stimuli
from redes_jax.neurons.fitting import covariance, features, levenberg_marquardt, nudged
from redes_jax.neurons.membrane import SQUID, Input
from redes_jax.neurons.schemes import RUSH_LARSEN
from redes_jax.neurons.simulation import simulate
from redes_jax.neurons.solvers import Staggered
from redes_jax.process import iterate

TRUTH = jnp.array([120.0, 36.0, 0.3])
DURATION, DT = 12.0, 0.05


def respond(logs, recorded=None, coupling=0.0, **options):
    sodium, potassium, leak = TRUTH * jnp.exp(logs)
    stimulus = stimuli.pulse(12.0, 1.0, 11.0)
    if recorded is not None:
        stimulus = nudged(stimulus, recorded, DT, coupling)
    params = SQUID.params(sodium=sodium, potassium=potassium, leak=leak)
    return simulate(SQUID, params, stimulus, duration=DURATION, dt=DT, **options)[1]


@pytest.fixture(scope="module")
def recorded():
    return jax.jit(respond)(jnp.zeros(3))


@pytest.mark.slow
def test_gradients_by_all_routes_equal_finite_differences():
    """Of the loss of a nudged fit: forward, in reverse by segments, through diffrax's adjoint."""
    with jax.enable_x64(True):
        target = respond(jnp.zeros(3))

        def loss(logs, **options):
            return jnp.mean((respond(logs, target, 0.5, **options) - target) ** 2)

        at, h = jnp.array([0.4, -0.3, 0.5]), 1e-5
        value = jax.jit(jax.vmap(loss))
        differences = (value(at + h * jnp.eye(3)) - value(at - h * jnp.eye(3))) / (2 * h)
        forward = jax.jit(jax.jacfwd(loss))(at)
        reverse = jax.jit(jax.grad(partial(loss, segment=15)))(at)
        adjoint = jax.jit(jax.grad(partial(loss, scheme=Staggered())))(at)
    np.testing.assert_allclose(forward, differences, rtol=1e-6)
    np.testing.assert_allclose(reverse, forward, rtol=1e-9)
    np.testing.assert_allclose(adjoint, forward, rtol=1e-9)


def test_a_nudge_is_a_conductance_to_the_recording():
    voltage = jnp.array([-60.0, -50.0, -20.0])
    pull = nudged(Input(1.0, 0.5), voltage, 0.1, 2.0)
    for t, between in ((0.0, -60.0), (0.1, -60.0), (0.15, -55.0), (0.275, -27.5), (0.9, -20.0)):
        given = pull(t)
        np.testing.assert_allclose([given.current, given.conductance], [1.0 + 2.0 * between, 2.5], rtol=1e-5)


def test_a_strong_nudge_follows_the_recording_and_none_leaves_it_alone(recorded):
    """Also under a scheme that solves the voltage exactly; and the truth is not moved by being pulled to itself."""
    wrong = jnp.log(jnp.array([0.4, 1.5, 3.0]))
    off = [jnp.abs(respond(wrong, recorded, k, scheme=RUSH_LARSEN) - recorded).max() for k in (0.0, 10.0, 100.0)]
    assert off[0] > 50 and off[1] < off[0] / 2 and off[2] < off[0] / 10
    np.testing.assert_allclose(respond(wrong, recorded, 0.0), respond(wrong), atol=2e-3)
    np.testing.assert_allclose(respond(jnp.zeros(3), recorded, 5.0), recorded, atol=0.5)


def test_marquardt_equals_scipy_on_a_curved_valley():
    from scipy.optimize import least_squares

    def residual(x, input=1.0):
        return input * jnp.stack([1.0 - x[0], 10.0 * (x[1] - x[0] ** 2), 0.5 * x[0] * x[1]])

    with jax.enable_x64(True):
        learner = levenberg_marquardt(residual)
        state = learner.init(jax.random.key(0), jnp.array([-1.2, 1.0]))
        state, moved = iterate(learner.step, jax.random.key(0), state, jnp.ones(60))
        exact = least_squares(lambda x: np.asarray(residual(x)), [-1.2, 1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15).x
    np.testing.assert_allclose(state.params, exact, rtol=1e-6)
    assert (np.diff(moved.loss) <= 1e-12).all()


@pytest.mark.slow
def test_conductances_are_found_from_afar(recorded):
    """From a noisy trace and starts up to three times wrong; their errors are of the size that Cramer and Rao allow."""
    noisy = recorded + 0.5 * jax.random.normal(jax.random.key(1), recorded.shape)
    learner = levenberg_marquardt(lambda logs, k: respond(logs, noisy, k) - noisy)
    starts = jnp.log(jnp.array([[0.4, 2.5, 0.5], [2.5, 0.5, 3.0], [0.35, 0.4, 0.4], [3.0, 3.0, 2.0]]))
    couplings = jnp.repeat(jnp.array([30.0, 10.0, 3.0, 1.0, 0.3, 0.0]), jnp.array([6, 3, 3, 3, 3, 6]))

    @jax.jit
    @jax.vmap
    def fit(start):
        key = jax.random.key(0)
        return iterate(learner.step, key, learner.init(key, start), couplings)[0].params

    error = np.asarray(fit(starts))
    least = np.sqrt(np.diag(covariance(lambda logs: respond(logs) - noisy, jnp.zeros(3), 0.5)))
    assert (np.abs(error) < 4 * least + 1e-3).all()
    assert least.max() < 0.02


def test_covariance_of_a_straight_line_is_the_textbook_one():
    x = np.linspace(-1.0, 2.0, 20)
    found = covariance(lambda p: p[0] + p[1] * x, jnp.zeros(2), 0.3)
    design = np.stack([np.ones(20), x], 1)
    np.testing.assert_allclose(found, 0.09 * np.linalg.inv(design.T @ design), rtol=1e-4)


def test_features_of_a_drawn_trace():
    """Three triangular spikes on a level of -60 mV, 1 ms up and 1 ms down, each followed by a dip."""
    dt = 0.01
    t = np.arange(0, 100, dt)
    trace = np.full(t.shape, -60.0)
    for start in (10.0, 30.0, 70.0):
        trace = np.where(np.abs(t - start - 1) <= 1, 20 - 80 * np.abs(t - start - 1), trace)
        trace = np.where((t > start + 2.001) & (t < start + 5), -70.0, trace)
    seen = features(jnp.asarray(trace, jnp.float32), dt)
    np.testing.assert_allclose([seen.rate, seen.late_rate], [30.0, 20.0])
    np.testing.assert_allclose(seen.latency, 10.0 + 50 / 80, atol=0.02)
    np.testing.assert_allclose([seen.peak, seen.threshold, seen.trough], [20.0, -60.0, -70.0], atol=1.0)
    np.testing.assert_allclose(seen.width, 1.0, atol=0.03)
    quiet = features(jnp.full(500, -65.0), dt)
    assert quiet.rate == 0 and quiet.width == 0 and quiet.latency == 5.0 and quiet.level == -65.0
