"""Q-learning against value iteration, its pieces against their definitions, and CartPole as the slow proof."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from redes_jax.evolution import policies, qlearning
from redes_jax.games import cartpole
from redes_jax.games.world import Output, World
from redes_jax.process import iterate, population

CELLS, LIMIT, DISCOUNT = 6, 5, 0.9


class Place(NamedTuple):
    cell: jax.Array
    time: jax.Array


def chain(limit=LIMIT) -> World:
    """A corridor: left or right by one; the right end pays 1 and is the end of the game, the left end pays 0.2 and is not
    left by itself. Episodes are cut after ``limit`` frames."""

    def init(key):
        return Place(jax.random.randint(key, (), 0, CELLS - 1, jnp.int32), jnp.int32(0))

    def observe(state):
        return jax.nn.one_hot(state.cell, CELLS)

    def step(key, state, action):
        del key
        after = Place(jnp.clip(state.cell + 2 * action - 1, 0, CELLS - 1).astype(jnp.int32), state.time + 1)
        won = after.cell == CELLS - 1
        reward = jnp.where(won, 1.0, jnp.where((state.cell == 0) & (action == 0), 0.2, 0.0))
        return after, Output(observe(after), reward, won, after.time >= limit)

    return World(init, step, observe)


def value_iteration() -> np.ndarray:
    """The value of each action in each cell, without any limit of time."""
    values = np.zeros((CELLS, 2))
    for _ in range(500):
        for cell in range(CELLS - 1):
            left, right = max(cell - 1, 0), cell + 1
            rest = 0.0 if right == CELLS - 1 else values[right].max()
            values[cell] = [
                (0.2 if cell == 0 else 0.0) + DISCOUNT * values[left].max(),
                (1.0 if right == CELLS - 1 else 0.0) + DISCOUNT * rest,
            ]
    return values[:-1]


def table(params, observation):
    return observation @ params


def learner(**more):
    numbers = qlearning.Numbers(discount=DISCOUNT, explore_last=1.0, share=0.1, warmup=200)
    chosen = {"games": 8, "capacity": 2_000, "batch": 64} | more
    return qlearning.dqn(chain(), table, optax.adam(0.02), numbers, **chosen)


@pytest.mark.parametrize("double", [True, False])
def test_a_table_learns_the_values_of_value_iteration(double):
    """Episodes are cut after 5 frames, too soon to be worth staying for: only who bootstraps through that finds the values."""
    process = learner(double=double)
    state = process.init(jax.random.key(0), jnp.zeros((CELLS, 2)))
    state, tick = jax.jit(lambda state: iterate(process.step, jax.random.key(1), state, length=3_000))(state)
    expected = value_iteration()
    assert expected[0, 0] > 1.9
    np.testing.assert_allclose(state.params[:-1], expected, atol=0.05)
    np.testing.assert_allclose(state.target[:-1], expected, atol=0.05)
    assert tick.finite.all()
    np.testing.assert_array_equal(tick.loss[:20], 0)


def test_experience_is_what_was_played_and_the_oldest_goes_first():
    process = learner(capacity=40)
    state = process.init(jax.random.key(0), jnp.zeros((CELLS, 2)))
    state, _ = jax.jit(lambda state: iterate(process.step, jax.random.key(1), state, length=12))(state)
    kept, world = state.experience, chain()
    after, output = jax.vmap(world.step, (None, 0, 0))(jax.random.key(0), kept.state, kept.action)
    for ours, again in ((kept.after, after), (kept.reward, output.reward), (kept.terminated, output.terminated)):
        jax.tree.map(np.testing.assert_array_equal, ours, again)
    # Steps 10 and 11 have overwritten 5 and 6, and the next frames start from where step 11 ended or from a new start.
    newest = jax.tree.map(lambda leaf: leaf[8:16], kept.after)
    ended = np.asarray(kept.terminated[8:16]) | (np.asarray(newest.time) >= LIMIT)
    np.testing.assert_array_equal(np.asarray(state.games.cell)[~ended], np.asarray(newest.cell)[~ended])
    np.testing.assert_array_equal(np.asarray(state.games.time)[ended], 0)


def test_scores_are_those_of_the_episodes():
    process = learner()
    state = process.init(jax.random.key(0), jnp.zeros((CELLS, 2)))

    def observe(state, tick):
        return tick.finished, tick.score, state.score

    run = jax.jit(lambda state: iterate(process.step, jax.random.key(1), state, length=100, observe=observe))
    end, (finished, score, _) = run(state)
    earned = end.experience.reward[:800].sum()
    np.testing.assert_allclose(score.sum() + end.score.sum(), earned, rtol=1e-5)
    assert finished.sum() > 800 / LIMIT


def test_exploration_falls_on_a_line_and_the_target_follows():
    numbers = qlearning.Numbers(explore=1.0, explore_last=0.2, explore_frames=80.0, share=1.0, every=3, warmup=1)
    process = qlearning.dqn(chain(), table, optax.sgd(0.1), numbers, games=8, capacity=80, batch=8)
    state = process.init(jax.random.key(0), jnp.ones((CELLS, 2)))

    def observe(state, tick):
        return tick.explore, state.params, state.target

    _, (explore, params, target) = iterate(process.step, jax.random.key(1), state, length=13, observe=observe)
    np.testing.assert_allclose(explore, np.maximum(1 - 0.08 * np.arange(13), 0.2), rtol=1e-6)
    for t in range(13):
        np.testing.assert_array_equal(target[t], params[t - t % 3])


def test_greedy_play_takes_the_best_action():
    numbers = qlearning.Numbers(explore=0.0, explore_last=0.0, warmup=10_000)
    process = qlearning.dqn(chain(), table, optax.sgd(0.1), numbers, games=8, capacity=80, batch=8)
    always_right = jnp.zeros((CELLS, 2)).at[:, 1].set(1.0)
    state, _ = iterate(process.step, jax.random.key(1), process.init(jax.random.key(0), always_right), length=10)
    assert (state.experience.action == 1).all() and state.best is state.params


def test_a_population_of_learners_is_a_vmap():
    seeds = population(learner(), 3)
    state = jax.jit(seeds.init)(jax.random.key(0), jnp.zeros((CELLS, 2)))
    state, tick = jax.jit(lambda state: iterate(seeds.step, jax.random.key(1), state, length=60))(state)
    assert state.params.shape == (3, CELLS, 2) and tick.loss.shape == (60, 3)
    assert not np.allclose(state.params[0], state.params[1])


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="capacity is 10: .* take 16"):
        learner(capacity=10)
    with pytest.raises(ValueError, match="batch 0"):
        learner(batch=0)


def test_pixels_equal_a_convolution():
    params = policies.init_pixels(jax.random.key(0), (9, 10, 3), 4, features=5, window=3, hidden=(7,))
    params = jax.tree.map(lambda leaf: leaf + 0.05, params)
    views = jax.random.normal(jax.random.key(1), (6, 9, 10, 3))
    ours = jax.vmap(policies.pixels(params, jnp.stack))(views)
    maps = jax.lax.conv_general_dilated(
        views, params.kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    units = np.maximum(np.asarray(maps + params.bias), 0).reshape(6, -1)
    (kernel, bias), (last, shift) = params.layers
    expected = np.maximum(units @ np.asarray(kernel) + bias, 0) @ np.asarray(last) + shift
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(jax.vmap(policies.pixels(params))(views), expected.argmax(1))
    with pytest.raises(ValueError, match="window is 4"):
        policies.init_pixels(jax.random.key(0), (3, 10, 1), 2)


@pytest.mark.slow
def test_cartpole_is_learned():
    """Greedy play of the last networks of three seeds, in fresh games; the estimate stays below the most there is, 100."""
    numbers = qlearning.Numbers(explore_frames=20_000.0, explore_last=0.02, share=0.01)
    world = cartpole.cartpole()

    def apply(params, observation):
        return policies.dense(params, head=jnp.stack)(observation)

    process = qlearning.dqn(world, apply, optax.adam(5e-4), numbers, games=8, capacity=40_000, batch=64)

    def train(key):
        params = policies.init(key, (4, 64, 64, 2))
        state, tick = iterate(process.step, key, process.init(key, params), length=25_000)
        return state.best, tick.value

    def play(key, params):
        act = policies.dense(params)

        def frame(key, carry, input):
            state, on = carry
            state, output = world.step(key, state, act(world.observe(state)))
            return (state, on & ~output.terminated), on

        return iterate(frame, key, (world.init(key), jnp.bool_(True)), length=500)[1].sum()

    best, value = jax.jit(lambda keys: jax.lax.map(train, keys))(jax.random.split(jax.random.key(0), 3))
    games = jax.random.split(jax.random.key(1), 50)
    returns = jax.jit(jax.vmap(lambda params: jax.vmap(play, (0, None))(games, params).mean()))(best)
    assert np.median(returns) > 350 and value.max() < 130
