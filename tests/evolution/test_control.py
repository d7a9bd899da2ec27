"""The control tasks of chapter 8: thresholds as Gymnasium registers them, and the marks and judgements beside them."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import control, neuroevolution
from experiments.lab import QUIET
from redes_jax.evolution.strategies import evolve, ga, snes
from redes_jax.process import iterate

START = {"a": jnp.zeros(2), "b": jnp.zeros(())}


def bowl(key, params, input):
    del key, input
    return -jnp.sum((params["a"] - 1.0) ** 2) - params["b"] ** 2


@pytest.mark.parametrize("name", list(control.TASKS))
def test_thresholds_and_lengths_are_gymnasiums(name):
    task = control.TASKS[name]
    spec = gymnasium.spec(task.game)
    assert task.steps == spec.max_episode_steps
    assert task.threshold == (-200 if name == "pendulum" else spec.reward_threshold)
    space = gymnasium.make(task.game).observation_space
    assert len(task.centre) == len(task.scales) == space.shape[0]


def test_what_a_player_sees_is_shifted_and_scaled():
    task = control.TASKS["mountain_car"]
    state = task.world.init(jax.random.key(0))._replace(position=jnp.float32(0.6), velocity=jnp.float32(-0.07))
    np.testing.assert_allclose(task.seen().observe(state), [1.0, -1.0], atol=1e-6)


def test_guessing_keeps_the_fittest_of_all_it_has_drawn():
    strategy = control.guessing(500)
    learner = evolve(strategy, bowl)
    state, shown = iterate(learner.step, jax.random.key(0), learner.init(jax.random.key(1), START), length=6)
    assert float(state.fitness) == float(shown.best.max())
    assert float(bowl(None, state.best, None)) == pytest.approx(float(shown.best.max()), rel=1e-6)
    drawn = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(strategy.ask(jax.random.key(2), state))])
    assert abs(drawn.mean()) < 4 / np.sqrt(drawn.size)
    assert abs(drawn.std() - 1) < 4 / np.sqrt(2 * drawn.size)


def test_a_contest_changes_nothing_for_those_who_take_part():
    alone = {"ga": ga(8, parents=2), "snes": snes(8)}
    contest = control.contest(alone, 8)
    init, ask, tell = jax.random.split(jax.random.key(0), 3)
    state = contest.init(init, START)
    population = contest.ask(ask, state)
    fitness = jax.vmap(lambda params: bowl(None, params, None))(population)
    after = contest.tell(tell, state, population, fitness)
    for number, (name, strategy) in enumerate(alone.items()):
        own = strategy.init(jax.random.split(init)[number], START)
        members = strategy.ask(jax.random.split(ask)[number], own)
        scores = jax.vmap(lambda params: bowl(None, params, None))(members)
        told = strategy.tell(jax.random.split(tell)[number], own, members, scores)
        for one, other in zip(jax.tree.leaves(told), jax.tree.leaves(after.states[name]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_an_answer_is_chosen_by_one_test_and_judged_by_another():
    def game(key, params):
        return params + jax.random.normal(key)

    best = np.array([[0.0, 5.0], [3.0, 1.0], [2.0, 4.0]], np.float32)  # (generations, runs)
    curves, returns = control.judge("toy", game, best, jax.random.key(0), QUIET)
    first, second = (float(jax.random.normal(key)) for key in jax.random.split(jax.random.key(0)))
    np.testing.assert_allclose(curves, best.T + first, rtol=1e-6)
    np.testing.assert_allclose(returns, np.array([3.0, 5.0]) + second, rtol=1e-6)
    assert abs(first - second) > 0.1


def test_evaluations_are_counted_to_the_first_success():
    curves = np.array([[1.0, 5.0, 2.0, 9.0], [0.0, 1.0, 2.0, 3.0], [7.0, 0.0, 0.0, 0.0]])
    needed = neuroevolution.evaluations(curves, np.array([10, 20, 30, 40]), 5.0)
    assert needed.tolist() == [20, np.inf, 10]


@pytest.mark.parametrize(
    "change", [{"tasks": ("cartpol",)}, {"strategies": ("adam",)}, {"strategies": ()}, {"seeds": 0}]
)
def test_bad_configs_are_refused_by_name(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        neuroevolution.run(neuroevolution.Config(**change))
