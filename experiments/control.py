"""Gymnasium's four classic control tasks, each as a world, a small network that plays it, and a score that counts as solved;
and the settings with which each strategy meets all four.

Observations are shifted and divided by fixed numbers that stand in the table below, so that what a network sees is of order
one. Thresholds are those of Gymnasium's register. ``Pendulum-v1`` has none there; -200 is our own and a little easier than
what RL Baselines3 Zoo lists for agents trained by gradient, means over 750 episodes of -151 to -170 (its ``benchmark.md`` of
2022: DDPG, TQC, TD3, SAC, A2C, PPO on the identical ``Pendulum-v0``).

Each strategy has one setting for all four tasks, chosen out of two to four by the share of 8 runs that solve, under a key
of its own (12345) that no preset uses.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.lab import Lab
from redes_jax import devices
from redes_jax.evolution import policies, rollout
from redes_jax.evolution.strategies import Strategy, cma_es, evolve, ga, openes, pgpe, sep_cma_es, snes
from redes_jax.games import acrobot, cartpole, mountain_car, pendulum
from redes_jax.games.world import World
from redes_jax.process import Process, population


class Task(NamedTuple):
    """A game and what it takes to play it.

    Args:
      game: its name in Gymnasium.
      world: the game.
      centre, scales: a player sees ``(observation - centre) / scales``, one number each a feature.
      outputs: of the network that plays.
      threshold: the mean return from which the game counts as solved.
      low, high: of the returns to be drawn.
      episodes: starts over which a member's return is averaged.
      steps: frames after which the game's time is up.
      head: what makes an action of the list of outputs.
    """

    game: str
    world: World
    centre: tuple[float, ...]
    scales: tuple[float, ...]
    outputs: int
    threshold: float
    low: float
    high: float
    episodes: int
    steps: int
    head: Callable = policies.greedy

    def seen(self) -> World:
        """The game as the player sees it."""
        return scaled(self.world, self.centre, self.scales)

    def player(self, params):
        """The network with these weights as a player."""
        return policies.mlp(params, self.head)

    def returns(self, episodes: int):
        """``fitness(key, params)``: the mean return of so many episodes."""
        return rollout.returns(self.seen(), self.player, steps=self.steps, episodes=episodes)

    def blank(self, hidden: int):
        """A network with one hidden layer, all of whose weights and biases are zero."""
        return jax.tree.map(jnp.zeros_like, policies.init(jax.random.key(0), (len(self.scales), hidden, self.outputs)))


def scaled(world: World, centre: tuple[float, ...], scales: tuple[float, ...]) -> World:
    """The world seen through ``(observation - centre) / scales``."""

    def observe(state):
        return (world.observe(state) - jnp.asarray(centre)) / jnp.asarray(scales)

    return World(world.init, world.step, observe)


def torque(outputs):
    """The pendulum's action, N m: its motor gives at most 2."""
    return 2.0 * jnp.tanh(outputs[0])


TASKS = {
    "cartpole": Task(
        "CartPole-v1", cartpole.cartpole(), (0.0,) * 4, (2.4, 2.0, 0.21, 2.0), 2, 475, 0, 510, episodes=1, steps=500
    ),
    "acrobot": Task(
        "Acrobot-v1", acrobot.acrobot(), (0.0,) * 6, (1.0, 1.0, 1.0, 1.0, 4.0, 9.0), 3, -100, -505, -50, episodes=1, steps=500
    ),
    "mountain_car": Task(
        "MountainCar-v0", mountain_car.mountain_car(), (-0.3, 0.0), (0.9, 0.07), 3, -110, -202, -90, episodes=2, steps=200
    ),
    "pendulum": Task(
        "Pendulum-v1", pendulum.pendulum(), (0.0,) * 3, (1.0, 1.0, 8.0), 1, -200, -1600, 0, episodes=4, steps=200,
        head=torque,
    ),
}  # fmt: skip


class Guess(NamedTuple):
    """The fittest network guessed so far, and its fitness."""

    best: Any
    fitness: jax.Array


def guessing(members: int) -> Strategy:
    """Random weight guessing, the mark that a strategy must beat: every weight and bias of every member is drawn from the
    standard Gaussian, and the fittest so far is the answer. Schmidhuber, Hochreiter & Bengio (2001); Oller, Glasmachers &
    Cuccu, "Analyzing reinforcement learning benchmarks with random weight guessing" (2020)."""

    def init(key, params):
        del key
        return Guess(params, jnp.float32(-jnp.inf))

    def ask(key, state):
        leaves, tree = jax.tree.flatten(state.best)
        keys = jax.random.split(key, len(leaves))
        return tree.unflatten(
            [jax.random.normal(k, (members, *leaf.shape)) for k, leaf in zip(keys, leaves, strict=True)]
        )

    def tell(key, state, population, fitness):
        del key
        first = jnp.argmax(fitness)
        better = fitness[first] > state.fitness
        best = jax.tree.map(lambda old, new: jnp.where(better, new[first], old), state.best, population)
        return Guess(best, jnp.maximum(state.fitness, fitness[first]))

    return Strategy(init, ask, tell)


def contest(strategies: dict[str, Strategy], members: int) -> Strategy:
    """Several strategies that know nothing of each other as one: their populations stand in one line, ``members`` each, so
    that the game is compiled once for all of them. ``state.best`` holds the answer of each."""

    def init(key, params):
        keys = zip(jax.random.split(key, len(strategies)), strategies.items(), strict=True)
        return Contest({name: strategy.init(key, params) for key, (name, strategy) in keys})

    def ask(key, state):
        keys = zip(jax.random.split(key, len(strategies)), strategies.items(), strict=True)
        asked = [strategy.ask(key, state.states[name]) for key, (name, strategy) in keys]
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *asked)

    def tell(key, state, population, fitness):
        keys = zip(jax.random.split(key, len(strategies)), strategies.items(), strict=True)
        told = {}
        for number, (key, (name, strategy)) in enumerate(keys):
            own = slice(number * members, (number + 1) * members)
            part = jax.tree.map(lambda leaf: leaf[own], population)  # noqa: B023  (used at once)
            told[name] = strategy.tell(key, state.states[name], part, fitness[own])
        return Contest(told)

    return Strategy(init, ask, tell)


class Contest(NamedTuple):
    """The state of each strategy by name."""

    states: dict[str, Any]

    @property
    def best(self):
        """The answer of each strategy."""
        return {name: state.best for name, state in self.states.items()}


STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "guessing": guessing,
    "ga": lambda members: ga(members, parents=members // 8, sigma=1.0, spread=1.0),
    "openes": lambda members: openes(members, sigma=0.5, learning_rate=0.6),
    "pgpe": lambda members: pgpe(members, sigma=2.0, learning_rate=2.0),
    "snes": lambda members: snes(members, sigma=2.0),
    "sep_cma_es": lambda members: sep_cma_es(members, sigma=2.0),
    "cma_es": lambda members: cma_es(members, sigma=2.0),
}


def learn(stage: str, learner: Process, params, seeds: int, generations: int, chunk: int, key, lab: Lab):
    """Independent populations, dealt to the devices one by one; the best of every generation is kept.

    All members of a generation meet the same chance: the step's input is a key that they share, ``fitness(key, params,
    shared)``, so that what is compared are the members and not their luck.

    Args:
      stage: a name for this loop.
      learner: from :func:`redes_jax.evolution.strategies.evolve`.
      params: where every search starts.
      seeds: populations.
      generations, chunk: how many, and how many from one look to the next.
      key: of all of it.
      lab: where it runs.

    Returns:
      ``(Generation, params)`` with leading axes (generations, seeds).
    """
    one = Process(
        lambda key: learner.init(key, params),
        lambda key, state, input: learner.step(key, state, jax.random.fold_in(key, 3)),
    )
    runs = population(one, seeds, partial(devices.replicas, width=1))
    first, rest = jax.random.split(key)

    def observe(states, shown):
        return shown, jax.vmap(lambda state: state.best)(states)

    state = jax.jit(runs.init)(first)
    return lab.iterate(stage, runs.step, rest, state, length=generations, chunk=chunk, observe=observe)[1]


def play(task: Task, strategy: Strategy, members: int):
    """The learner of a task."""
    game = task.returns(task.episodes)
    return evolve(
        strategy, lambda key, params, shared: game(shared, params), over=partial(devices.blocks, width=members)
    )


def judge(stage: str, game: Callable, best, key, lab: Lab) -> tuple[np.ndarray, np.ndarray]:
    """What the answers of a run are worth in fresh episodes.

    The answer of every generation plays the same test episodes. The best of a run by these then plays others, that chose
    nothing: its return there is the run's.

    Args:
      stage: a name for this piece of work.
      game: ``game(key, params) -> return`` of as many episodes as a test has.
      best: answers with leading axes (generations, runs).
      key: of the test episodes.
      lab: where it runs.

    Returns:
      ``(curves, returns)``: (runs, generations) of test returns, and (runs,).
    """
    first, second = jax.random.split(key)
    scores = jax.jit(lambda key, players: devices.replicas(lambda params: game(key, params), 16)(players))

    def compute():
        generations = jax.tree.leaves(best)[0].shape[0]
        one_by_one = [jax.tree.map(lambda leaf: leaf[t], best) for t in range(generations)]  # noqa: B023
        curves = np.stack([np.asarray(scores(first, players)) for players in one_by_one], -1)
        chosen = jax.tree.map(lambda leaf: leaf[curves.argmax(-1), np.arange(len(curves))], best)
        return {"curves": curves, "returns": scores(second, chosen)}

    judged = lab.once(f"judge {stage}", compute)
    return judged["curves"], judged["returns"]
