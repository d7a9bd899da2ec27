"""Low-rank noise against the same matrices written out, closed forms, and the strategy with full noise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax import devices
from redes_jax.evolution import lowrank, policies
from redes_jax.evolution.strategies import evolve, islands, openes
from redes_jax.process import iterate


def params(key):
    return {"kernel": jax.random.normal(key, (40, 30)), "thin": jnp.ones((3, 2)), "bias": jnp.zeros(30)}


def made(members):
    return jax.vmap(lambda own: lowrank.whole(members.made(own)))(members.own)


def test_noise_has_the_variance_of_full_noise_and_its_rank(key):
    mean, sigma = params(key), 0.3
    for rank in (1, 3):
        members = lowrank.ask(500, rank, key, mean, sigma)
        assert sum(leaf[0].size for leaf in jax.tree.leaves(members.own)) == 70 * rank + 36
        noise = jax.tree.map(lambda all, one: np.asarray(all - one) / sigma, made(members), mean)
        for leaf in noise.values():
            np.testing.assert_allclose(leaf[:500], -leaf[500:], atol=1e-5)
            np.testing.assert_allclose(leaf.std(), 1, atol=0.05)
        flat = noise["kernel"][:500].reshape(500, -1)[:, :50]
        correlation = np.corrcoef(flat.T) - np.eye(50)
        assert np.abs(correlation).max() < 6 * 3 / np.sqrt(500)  # products of Gaussians have heavier tails
        assert np.linalg.matrix_rank(noise["kernel"][0], tol=1e-4) == rank


def test_a_product_equals_that_with_the_matrix_written_out(key):
    shape = (10, 10, 4)
    network = policies.init_pixels(key, shape, 3)
    members = lowrank.ask(4, 2, key, network, 0.1)
    views = jax.random.normal(key, (8, *shape))

    def values(own, view, written):
        one = members.made(own)
        assert isinstance(one.layers[0].kernel, lowrank.LowRank)
        return policies.pixels(lowrank.whole(one) if written else one, jnp.stack)(view)

    thin, full = (jax.vmap(partial(values, written=written))(members.own, views) for written in (False, True))
    np.testing.assert_allclose(thin, full, rtol=1e-4, atol=1e-5)
    assert np.ptp(thin, axis=0).min() > 0.1


def test_gradient_is_that_of_the_moves_written_out(key):
    """The sum of utilities times moves, over matrices written out one by one."""
    mean, sigma = params(key), 0.2
    members, utility = lowrank.ask(30, 2, key, mean, sigma), jax.random.normal(key, (60,))
    found = lowrank.smoothed_gradient(members, utility, sigma)
    moves = jax.tree.map(lambda all, one: np.asarray(all - one, float), made(members), mean)
    for name, move in moves.items():
        expected = np.tensordot(np.asarray(utility, float), move, 1) / (60 * sigma**2)
        np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=1e-3)


def test_gradient_of_a_linear_fitness_is_without_bias(key):
    """E[<G, E> E] = G for noise of rank one, within the error that the samples themselves show."""
    slope, mean = jax.random.normal(key, (32, 16)), jnp.zeros((32, 16))
    batches = []
    for number in range(40):
        members = lowrank.ask(500, 1, jax.random.fold_in(key, number), mean, 1.0)
        utility = jnp.sum(made(members) * slope, axis=(1, 2))
        batches.append(np.asarray(lowrank.smoothed_gradient(members, utility, 1.0)))
    batches = np.stack(batches)
    error = batches.std(0) / np.sqrt(len(batches) - 1)
    assert np.abs((batches.mean(0) - slope) / error).max() < 5.5
    assert error.max() < 0.5


def fitness(key, params, input):
    x = jax.random.normal(jax.random.key(9), (64, 40))
    wanted = jnp.tanh(x @ jax.random.normal(jax.random.key(8), (40, 30)) / 6)
    return -jnp.mean((jnp.tanh(x @ params["kernel"] + params["bias"]) - wanted) ** 2)


def test_learning_keeps_up_with_full_noise(key):
    """A regression by 1 230 weights: after the same generations the loss is about as low."""
    start = jax.tree.map(jnp.zeros_like, params(key))
    losses = {}
    for rank in (None, 1):
        learner = evolve(openes(128, sigma=0.05, learning_rate=0.02, rank=rank), fitness)
        state = learner.init(key, start)
        losses[rank] = -jax.jit(partial(iterate, learner.step, length=150))(key, state)[1].mean
    assert losses[1][-1] < 0.35 * losses[1][0]
    np.testing.assert_allclose(losses[1][-1], losses[None][-1], rtol=0.25)


@pytest.mark.slow
def test_the_same_bits_on_any_number_of_devices(key):
    results = []
    for count in (1, 2, 4):
        over = partial(devices.replicas, width=8, on=devices.mesh(jax.devices()[:count]), gather=True)
        learner = evolve(openes(64, rank=1), fitness, over)
        results.append(jax.jit(partial(iterate, learner.step, length=3))(key, learner.init(key, params(key))))
    for other in results[1:]:
        jax.tree.map(np.testing.assert_array_equal, results[0], other)


def test_what_cannot_be_is_refused(key):
    with pytest.raises(ValueError, match="rank is 0"):
        openes(8, rank=0)
    with pytest.raises(ValueError, match="without a rank"):
        both = islands(openes(8, rank=1), 2)
        everyone = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), params(key))
        both.ask(key, both.init(key, everyone))
