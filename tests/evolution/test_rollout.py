"""Returns against a plain Python loop, policies against matrix products."""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.peers import ask
from redes_jax import devices
from redes_jax.evolution import policies, rollout
from redes_jax.games import cartpole
from redes_jax.process import Process, iterate

SIZES = (4, 6, 2)


def _population(size, sizes=SIZES):
    return jax.vmap(lambda key: policies.init(key, sizes))(jax.random.split(jax.random.key(0), size))


def _logits(params, observation):
    units = np.asarray(observation, np.float64)
    for number, (kernel, bias) in enumerate(params):
        units = units @ np.asarray(kernel, np.float64) + np.asarray(bias, np.float64)
        units = np.tanh(units) if number < len(params) - 1 else units
    return units


@pytest.mark.parametrize("policy", [policies.elementwise, policies.dense, policies.mlp])
@pytest.mark.parametrize("sizes", [(4, 6, 2), (3, 5, 4, 3)])
def test_policies_equal_the_matrix_product(policy, sizes):
    params = jax.tree.map(lambda leaf: leaf[0], _population(1, sizes))
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    observations = jax.random.normal(jax.random.key(1), (50, sizes[0]))
    outputs = jax.vmap(policy(params, head=jnp.stack))(observations)
    np.testing.assert_allclose(outputs, _logits(params, observations), atol=1e-5)
    np.testing.assert_array_equal(jax.vmap(policy(params))(observations), np.argmax(outputs, 1))


def test_large_networks_are_not_written_out():
    large = jax.tree.map(lambda leaf: leaf[0], _population(1, (4, 64, 64, 2)))
    jaxpr = jax.make_jaxpr(lambda observation: policies.mlp(large)(observation))(jnp.zeros(4))
    assert len(jaxpr.eqns) < 50


def test_greedy_takes_the_first_of_equals():
    assert policies.greedy([jnp.array(1.0), jnp.array(2.0), jnp.array(2.0)]) == 1


def test_returns_equal_a_plain_loop():
    world, size, steps = cartpole.cartpole(), 12, 60
    params, keys = _population(size), jax.random.split(jax.random.key(2), size)
    fitness = rollout.returns(world, policies.mlp, steps=steps, episodes=2)
    ours = jax.jit(jax.vmap(fitness))(keys, params)
    frame = jax.jit(world.step)
    expected = []
    for member in range(size):
        net = jax.tree.map(lambda leaf: leaf[member], params)  # noqa: B023
        total = 0.0
        for key in jax.random.split(keys[member], 2):
            state, output = world.init(jax.random.split(key)[0]), None
            for _ in range(steps):
                state, output = frame(None, state, jnp.argmax(_logits(net, world.observe(state))))
                total += float(output.reward)
                if output.terminated:
                    break
        expected.append(total / 2)
    np.testing.assert_array_equal(ours, expected)
    assert min(expected) < 20 < max(expected)


def test_a_film_shows_the_return():
    world = cartpole.cartpole()
    params, key = jax.tree.map(lambda leaf: leaf[0], _population(1)), jax.random.key(3)
    fitness = rollout.returns(world, policies.mlp, steps=100)
    start, frames = jax.random.split(jax.random.split(key, 1)[0])
    film = rollout.closed_loop(world, policies.mlp(params))
    _, output = iterate(film.step, frames, film.init(start), length=100)
    first_fall = int(np.argmax(output.terminated)) + 1
    assert fitness(key, params) == first_fall == output.reward[:first_fall].sum()


def test_truncation_ends_an_episode():
    world = cartpole.cartpole(cartpole.Physics(limit=7))
    fitness = rollout.returns(world, policies.mlp, steps=100)
    assert np.all(jax.vmap(fitness)(jax.random.split(jax.random.key(0), 8), _population(8)) == 7)


def test_the_same_bits_on_any_number_of_devices():
    if jax.device_count() < 4:
        pytest.skip("needs 4 devices")
    fitness = rollout.returns(cartpole.cartpole(), policies.dense, steps=100)
    params, keys = _population(64), jax.random.split(jax.random.key(2), 64)
    played = [
        jax.jit(devices.replicas(fitness, 16, on=devices.mesh(jax.devices()[:count])))(keys, params)
        for count in (1, 2, 4)
    ]
    np.testing.assert_array_equal(played[0], played[1])
    np.testing.assert_array_equal(played[0], played[2])


def test_memory_does_not_grow_with_the_length():
    params, keys = _population(64), jax.random.split(jax.random.key(2), 64)

    def temporaries(steps):
        fitness = partial(devices.blocks, width=16)(rollout.returns(cartpole.cartpole(), policies.dense, steps=steps))
        return jax.jit(fitness).lower(keys, params).compile().memory_analysis().temp_size_in_bytes

    assert temporaries(10) == temporaries(100_000)


def test_impossible_lengths_are_refused():
    with pytest.raises(ValueError, match="steps is 0"):
        rollout.returns(cartpole.cartpole(), policies.mlp, steps=0)
    with pytest.raises(ValueError, match="sizes"):
        policies.init(jax.random.key(0), (4,))


def test_a_player_with_memory_equals_a_plain_loop():
    """A player that leans on a running mean of what it saw, one that no player without memory can be."""
    world, weights = cartpole.cartpole(), jnp.array([0.1, 0.4, 3.0, 1.0])

    def policy(rate):
        def act(key, mean, seen):
            mean = mean + rate * (seen - mean)
            return mean, (mean @ weights > 0).astype(jnp.int32)

        return Process(lambda key: jnp.zeros(4), act)

    key, rate = jax.random.key(5), 0.02
    state, mean, total = world.init(jax.random.split(jax.random.split(key, 1)[0])[0]), np.zeros(4), 0
    for _ in range(200):
        mean = mean + rate * (np.asarray(world.observe(state)) - mean)
        state, output = world.step(None, state, jnp.int32(mean @ np.asarray(weights) > 0))
        total += float(output.reward)
        if output.terminated:
            break
    fitness = rollout.returns(world, policy, steps=200)
    assert fitness(key, rate) == total
    assert fitness(key, 1.0) != total


def test_playing_together_equals_playing_alone():
    """Games of very different lengths, through several moves into other blocks."""
    world, size, steps = cartpole.cartpole(), 21, 150
    members, keys = _population(size), jax.random.split(jax.random.key(2), 2)
    played = jax.jit(rollout.together(world, policies.mlp, steps, width=4, first=9))(keys, members)
    alone = jax.vmap(lambda params: jax.vmap(rollout.episode(world, policies.mlp(params), steps))(keys))
    jax.tree.map(np.testing.assert_array_equal, played, jax.jit(alone)(members))
    assert played.frames.min() < 18 and played.frames.max() == steps


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ga", "openes"])
def test_a_hundred_thousand_policies_in_bounded_memory(name):
    """Ask, 100 000 games of CartPole and tell, in a process of its own: at most 4 GB."""
    found = ask(sys.executable, "population_redes_jax.py", name, 100_000)
    assert isinstance(found, dict), found
    assert found["peak_mb"] < 4000 and found["finite"] == 1
