"""Strategies, and the game they play, as small as they go."""

import jax
import jax.numpy as jnp

from redes_jax.evolution import policies, rollout
from redes_jax.evolution.strategies import evolve, ga, openes
from redes_jax.games import cartpole
from redes_jax.process import Process
from tests.case import Case


def _bowl(key, params, input):
    del key, input
    return -jnp.sum(params["a"] ** 2) - jnp.sum((params["b"] - 1) ** 2)


def _learner(strategy):
    process = evolve(strategy, _bowl)

    def init(key):
        return process.init(key, {"a": jnp.array([0.5, -0.5]), "b": jnp.zeros(())})

    return Process(init, process.step)


def _player():
    params = policies.init(jax.random.key(0), (4, 3, 2))
    return rollout.closed_loop(cartpole.cartpole(), policies.mlp(params))


def _actions(key, length):
    return jax.random.randint(key, (length,), 0, 2)


_WORLD = cartpole.cartpole()

CASES: list[Case] = [
    Case("evolution: ga", _learner(ga(8, parents=4, elites=1, sigma=0.1, decay=0.99))),
    Case("evolution: openes", _learner(openes(8, sigma=0.1, learning_rate=0.05))),
    Case("evolution: policy in a world", _player()),
    Case("games: cartpole", Process(_WORLD.init, _WORLD.step), _actions),
]
