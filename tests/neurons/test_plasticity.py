"""Rules on rates against linear algebra, rules on spikes against the sum over all pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from redes_jax.neurons import plasticity
from redes_jax.process import iterate

WINDOW = plasticity.Window(0.1, 0.06, 17.0, 34.0)
STEPS = 30


@pytest.fixture(scope="module")
def inputs():
    """(20 000, 5) correlated inputs of mean 0."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    x = rng.normal(size=(20_000, 5)) * np.sqrt([2.0, 1.0, 0.5, 0.2, 0.1]) @ turn
    return x - x.mean(0)


def last(process, weights, x):
    return np.asarray(jax.jit(lambda w, x: iterate(process.step, jax.random.key(0), w, x)[0])(weights, jnp.asarray(x)))


def test_oja_finds_the_first_principal_axis(inputs):
    w = last(plasticity.oja(0.002), jnp.full(5, 0.1), inputs)
    assert np.linalg.norm(w) == pytest.approx(1, abs=0.05)
    assert abs(w @ PCA(1).fit(inputs).components_[0]) / np.linalg.norm(w) > 0.998


def test_sanger_finds_the_first_axes_in_order(inputs):
    start = 0.1 * jax.random.normal(jax.random.key(2), (3, 5))
    w = last(plasticity.sanger(0.003), start, inputs)
    cosines = np.abs(np.sum(w * PCA(3).fit(inputs).components_, 1)) / np.linalg.norm(w, axis=1)
    assert cosines.min() > 0.99


def test_hebb_grows_along_the_first_axis_at_its_eigenvalue(inputs):
    """Shown the axes themselves one after another, the rule is linear and its growth exact."""
    values, vectors = np.linalg.eigh(np.cov(inputs.T))
    cycle = np.tile((vectors * np.sqrt(values * 5)).T, (400, 1))  # covariance as the inputs', by five vectors
    rate = 1e-4
    w = last(plasticity.hebb(rate), jnp.asarray(vectors[:, -1], jnp.float32), cycle)
    np.testing.assert_allclose(w @ vectors[:, -1], (1 + rate * 5 * values[-1]) ** 400, rtol=1e-3)
    assert np.log(np.linalg.norm(w)) == pytest.approx(rate * values[-1] * 2000, rel=1e-2)


def test_bcm_chooses_one_pattern():
    """At the fixed point the chosen answer is 1 / its share, and the threshold the mean squared answer."""
    patterns = jnp.eye(4) * 0.8 + 0.2
    process = plasticity.bcm(0.002, 100.0)
    start = process.init(jax.random.key(0), jnp.array([0.3, 0.25, 0.2, 0.22]))
    order = jnp.tile(jnp.arange(4), 10_000)
    state, _ = jax.jit(lambda s: iterate(process.step, jax.random.key(0), s, patterns[order]))(start)
    answers = np.maximum(patterns @ state.weights, 0)
    assert np.argmax(answers) == 0
    np.testing.assert_allclose(answers, [4, 0, 0, 0], atol=0.1)
    assert float(state.threshold) == pytest.approx(np.mean(answers**2), rel=0.02)


def pairs(pre, post, window, pairing):
    """The change of a weight by brute force over pairs of spikes, dt = 1 ms."""
    pre, post = np.flatnonzero(pre), np.flatnonzero(post)
    change = 0.0
    for spikes, others, sign in ((post, pre, 1), (pre, post, -1)):
        for t in spikes:
            before = [s for s in others if s < t]
            for s in before if pairing == "all" else before[-1:]:
                change += float(window(sign * (t - s)))
    return change


@pytest.fixture(scope="module")
def online():
    def run(spikes, pairing):
        process = plasticity.stdp(WINDOW, pairing=pairing)
        start = process.init(None, jnp.zeros((spikes.post.shape[1], spikes.pre.shape[1])))
        return iterate(process.step, jax.random.key(0), start, spikes)[0].weights

    return jax.jit(run, static_argnames="pairing")


@pytest.mark.parametrize("pairing", ["all", "nearest"])
@settings(max_examples=15, deadline=None)
@given(pre=st.lists(st.booleans(), min_size=STEPS, max_size=STEPS), seed=st.integers(0, 2**31))
def test_traces_equal_the_sum_over_pairs(online, pairing, pre, seed):
    other, *post = np.random.default_rng(seed).random((3, STEPS)) < 0.2
    spikes = plasticity.Spikes(jnp.array([pre, other]).T, jnp.array(post).T)
    weights = online(spikes, pairing)
    expected = [[pairs(a, b, WINDOW, pairing) for a in np.asarray(spikes.pre).T] for b in post]
    np.testing.assert_allclose(weights, expected, atol=2e-5)


def test_window_is_measured_by_pairs_of_spikes(online):
    time = np.arange(200)
    for delay in (-50, -3, 0, 3, 50):
        spikes = plasticity.Spikes(jnp.array(time == 100)[:, None], jnp.array(time == 100 + delay)[:, None])
        expected = 0 if delay == 0 else (0.1 * np.exp(-delay / 17) if delay > 0 else -0.06 * np.exp(delay / 34))
        assert float(online(spikes, "all")[0, 0]) == pytest.approx(expected, abs=1e-6)
        assert float(WINDOW(delay)) == pytest.approx(expected, abs=1e-6)


def test_multiplicative_weakening_is_proportional_to_the_weight(key):
    process = plasticity.stdp(WINDOW, dependence="multiplicative")
    spikes = plasticity.Spikes(jnp.array([[False], [True]]), jnp.array([[True], [False]]))
    for weight in (0.2, 0.8):
        state, _ = iterate(process.step, key, process.init(key, jnp.full((1, 1), weight)), spikes)
        assert float(state.weights[0, 0]) == pytest.approx(weight * (1 - 0.06 * np.exp(-1 / 34)), rel=1e-5)


def test_bounds_hold(key):
    process = plasticity.stdp(WINDOW, low=0.0, high=1.0)
    fired = jax.random.bernoulli(key, 0.5, (300, 4))
    state = process.init(key, jnp.full((2, 2), 0.5))
    _, weights = iterate(
        process.step, key, state, plasticity.Spikes(fired[:, :2], fired[:, 2:]), observe=lambda s, _: s.weights
    )
    assert weights.min() >= 0 and weights.max() <= 1


def test_competing_neuron_without_plasticity_has_the_closed_form_mean_potential(key):
    """No spikes from weak inputs alone: the mean conductances are rate x peak x 5 ms, the potential their balance."""
    frozen = plasticity.SONG_2000._replace(
        rate=4.0, window=plasticity.Window(0.0, 0.0, 20.0, 20.0), inhibitory_peak=0.01
    )
    process = plasticity.competition(frozen, synapses=400)
    observe = lambda state, fired: (state.voltage, state.excitation, fired)  # noqa: E731
    start = process.init(key)
    _, (voltage, excitation, fired) = jax.jit(lambda s: iterate(process.step, key, s, length=20_000, observe=observe))(
        start
    )
    assert not fired.any()
    # a conductance sampled after its jump, decaying by exp(-1/5) a step
    mean = 0.015 * float(start.synapses.weights.sum()) * 4.0 / 1000 / (1 - np.exp(-1 / 5))
    inhibition = 0.01 * 200 * 0.01 / (1 - np.exp(-1 / 5))
    assert float(excitation[100:].mean()) == pytest.approx(mean, rel=0.05)
    expected = (-70 * (1 + inhibition)) / (1 + mean + inhibition)
    assert float(voltage[200:].mean()) == pytest.approx(expected, abs=0.5)


@pytest.mark.slow
def test_synapses_part_into_two_groups(key):
    """Song, Miller & Abbott 2000: few weights are left between the two groups."""
    process = plasticity.competition(
        plasticity.SONG_2000._replace(rate=10.0, window=plasticity.Window(0.02, 0.021, 20.0, 20.0))
    )
    state, _ = jax.jit(lambda s: iterate(process.step, key, s, length=200_000))(process.init(key))
    count, _ = np.histogram(state.synapses.weights, 10, (0, 1))
    assert min(count[0], count[-1]) > 1.5 * count[3:7].max()


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="pairing is 'some'"):
        plasticity.stdp(WINDOW, pairing="some")
