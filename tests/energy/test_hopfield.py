import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf

from redes_jax.energy import hopfield
from redes_jax.process import iterate


@pytest.fixture(scope="module", autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def patterns():
    return jnp.where(jax.random.bernoulli(jax.random.key(1), 0.5, (9, 150)), 1.0, -1.0)


@pytest.fixture(scope="module")
def starts():
    return jnp.where(jax.random.bernoulli(jax.random.key(2), 0.5, (6, 150)), 1.0, -1.0)


@pytest.fixture(scope="module")
def bias():
    return 0.1 * jax.random.normal(jax.random.key(3), (150,))


def naive_sweep(matrix, bias, spins, order, limits=None):
    """One spin after another, written without a thought of speed."""
    spins, drop, flips = spins.copy(), 0.0, 0
    for k, i in enumerate(order):
        field = matrix[i] @ spins + bias[i]
        limit = 0.0 if limits is None else limits[k]
        new = 1.0 if field > limit else -1.0 if field < limit else spins[i]
        drop += (new - spins[i]) * field
        flips += new != spins[i]
        spins[i] = new
    return spins, drop, flips


@pytest.mark.parametrize("low_rank", [True, False])
@pytest.mark.parametrize("sites", [150, 70, 5])
def test_a_sweep_is_the_naive_loop(patterns, starts, bias, low_rank, sites):
    weights = hopfield.hebb(patterns)
    matrix = hopfield.dense(weights)
    order = jax.random.permutation(jax.random.key(4), 150)[:sites]
    step = hopfield.asynchronous(weights if low_rank else matrix, bias).step
    spins, fall = jax.jit(step)(jax.random.key(0), starts, order)
    for ours, drop, flips, start in zip(spins, fall.energy_drop, fall.flips, starts, strict=True):
        theirs, their_drop, their_flips = naive_sweep(*map(np.asarray, (matrix, bias, start, order)))
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_allclose(drop, their_drop, rtol=1e-12)
        assert flips == their_flips


def test_a_hot_sweep_is_the_naive_loop_on_the_same_uniforms(patterns, starts, bias):
    weights, temperature, key = hopfield.hebb(patterns), 0.7, jax.random.key(5)
    order = jnp.arange(150)
    spins, _ = hopfield.asynchronous(weights, bias, temperature).step(key, starts, order)
    u = np.asarray(
        jax.random.uniform(jax.random.split(key)[1], (150, 6), jnp.float32, jnp.finfo(jnp.float32).tiny), np.float64
    )
    limits = temperature / 2 * (np.log(u) - np.log1p(-u))
    matrix = np.asarray(hopfield.dense(weights))
    expected = [
        naive_sweep(matrix, np.asarray(bias), np.asarray(s), range(150), limits[:, i])[0] for i, s in enumerate(starts)
    ]
    # The thresholds are computed from float32 uniforms: a field within rounding of one may fall either way.
    assert np.mean(np.asarray(spins) != np.stack(expected)) < 2e-3


def test_hot_sweeps_visit_states_as_boltzmann_says():
    n, temperature = 4, 1.3
    coupling = jax.random.normal(jax.random.key(0), (n, n))
    weights, bias = (coupling + coupling.T) / 2, 0.3 * jnp.arange(n)
    states = 1.0 - 2 * ((jnp.arange(2**n)[:, None] >> jnp.arange(n)) & 1)
    energies = np.asarray(hopfield.energy(hopfield.dense(weights), states, bias))
    expected = np.exp(-energies / temperature) / np.exp(-energies / temperature).sum()
    process = hopfield.asynchronous(weights, bias, temperature)
    start = jnp.ones((20_000, n))
    spins, _ = jax.jit(lambda s: iterate(process.step, jax.random.key(1), s, length=30))(start)
    seen = np.bincount(np.asarray(((1 - spins) / 2) @ 2 ** jnp.arange(n)).astype(int), minlength=2**n) / len(start)
    assert np.abs(seen - expected).max() < 5 * np.sqrt(expected.max() / len(start))


def test_energy_never_rises_and_the_drop_is_exact(patterns, starts, bias):
    weights = hopfield.pseudo_inverse(patterns)
    process = hopfield.asynchronous(weights, bias)
    observe = lambda spins, fall: (hopfield.energy(weights, spins, bias), fall)  # noqa: E731
    _, (energies, fall) = iterate(process.step, jax.random.key(0), starts, length=12, observe=observe)
    energies = np.vstack([hopfield.energy(weights, starts, bias), energies])
    np.testing.assert_allclose(-np.diff(energies, axis=0), fall.energy_drop, atol=1e-11)
    assert (np.diff(energies, axis=0) <= 1e-12).all()
    assert (fall.flips[-1] == 0).all()


def test_energy_is_the_double_sum(patterns, starts, bias):
    matrix = np.asarray(patterns).T @ np.asarray(patterns) / 150
    np.fill_diagonal(matrix, 0)
    expected = [-s @ matrix @ s / 2 - np.asarray(bias) @ s for s in np.asarray(starts)]
    for weights in (hopfield.hebb(patterns), jnp.asarray(matrix)):
        np.testing.assert_allclose(hopfield.energy(weights, starts, bias), expected, rtol=1e-12)


def test_synchronous_updates_are_those_of_the_matrix_and_may_cycle(patterns, starts):
    weights = hopfield.hebb(patterns)
    for w in (weights, hopfield.dense(weights)):
        spins, flips = hopfield.synchronous(w).step(jax.random.key(0), starts, None)
        np.testing.assert_array_equal(spins, np.sign(starts @ hopfield.dense(weights)))
        np.testing.assert_array_equal(flips, np.sum(spins != starts, axis=1))
    apart = jnp.array([[0.0, -1.0], [-1.0, 0.0]])
    spins, _ = iterate(hopfield.synchronous(apart).step, jax.random.key(0), jnp.ones(2), length=5)
    np.testing.assert_array_equal(spins, [-1, -1])


def test_the_projection_rule_stores_one_pattern_less_than_units_where_hebb_fails():
    size = 60
    patterns = jnp.where(jax.random.bernoulli(jax.random.key(0), 0.7, (size - 1, size)), 1.0, -1.0)
    projection = hopfield.pseudo_inverse(patterns)
    inverse = np.linalg.pinv(np.asarray(patterns).T)
    np.testing.assert_allclose(projection.left.T @ projection.right, np.asarray(patterns).T @ inverse, atol=1e-10)
    for weights, stored in ((projection, True), (hopfield.hebb(patterns), False)):
        spins, _ = hopfield.asynchronous(weights).step(jax.random.key(0), patterns, None)
        assert bool((spins == patterns).all()) is stored
    with pytest.raises(ValueError, match="61 patterns in 60 units"):
        hopfield.pseudo_inverse(jnp.ones((61, 60)))


def test_mean_field_theory_gives_the_published_values():
    load, overlap = hopfield.capacity(jnp.float64)
    np.testing.assert_allclose((load, overlap), (0.137906, 0.96742), atol=1e-5)
    ours = hopfield.retrieval_overlap(jnp.array([0.05, 0.10, 0.12, 0.13, 0.1380]))
    np.testing.assert_allclose(ours, [0.99999, 0.9980, 0.99322, 0.9872, 0], atol=5e-5)


def test_mean_field_theory_solves_the_saddle_point_equations():
    """The equations as Amit, Gutfreund & Sompolinsky wrote them, in m, r and C, solved by SciPy."""
    load = 0.11

    def overlap_gap(m):
        def width_gap(r):
            c = np.sqrt(2 / (np.pi * load * r)) * np.exp(-(m**2) / (2 * load * r))
            return np.sqrt(r) * (1 - c) - 1

        r = brentq(width_gap, 1.0, 5.0)
        return m - erf(m / np.sqrt(2 * load * r))

    np.testing.assert_allclose(
        hopfield.retrieval_overlap(jnp.float64(load)), brentq(overlap_gap, 0.98, 1.0), atol=1e-10
    )


def test_recall_keeps_the_overlap_that_theory_gives():
    n, load = 1000, 0.1
    patterns = jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, (int(load * n), n)), 1.0, -1.0).astype(
        jnp.float32
    )
    process = hopfield.asynchronous(hopfield.hebb(patterns))
    spins, _ = iterate(process.step, jax.random.key(1), patterns, length=10)
    ours = hopfield.overlap(patterns, spins)
    assert ours.dtype == jnp.float32
    # Finite nets lie below the limit by about the spread between patterns.
    assert abs(ours.mean() - hopfield.retrieval_overlap(jnp.float64(load))) < 1.5e-3


def test_a_state_of_the_wrong_size_is_refused(patterns):
    with pytest.raises(ValueError, match="7 spins in a net of 150"):
        hopfield.asynchronous(hopfield.hebb(patterns)).init(jax.random.key(0), jnp.ones(7))
