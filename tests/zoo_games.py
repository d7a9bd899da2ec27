"""The worlds, and the learner that estimates their rewards, as small as they go."""

import jax
import jax.numpy as jnp
import optax

from redes_jax.evolution import policies, qlearning
from redes_jax.games import acrobot, breakout, cartpole, flappy, mountain_car, pendulum, snake
from redes_jax.process import Process
from tests.case import Case


def _choices(count):
    return lambda key, length: jax.random.randint(key, (length,), 0, count)


def _torques(key, length):
    return jax.random.uniform(key, (length,), float, -2.0, 2.0)


def _learner():
    def apply(params, observation):
        return policies.dense(params, head=jnp.stack)(observation)

    numbers = qlearning.Numbers(warmup=4, every=2)
    process = qlearning.dqn(cartpole.cartpole(), apply, optax.sgd(1e-2), numbers, games=2, capacity=8, batch=4)
    return Process(lambda key: process.init(key, policies.init(key, (4, 3, 2))), process.step)


def _game(world):
    return Process(world.init, world.step)


CASES: list[Case] = [
    Case("games: acrobot", _game(acrobot.acrobot()), _choices(3)),
    Case("games: mountain car", _game(mountain_car.mountain_car()), _choices(3)),
    Case("games: pendulum", _game(pendulum.pendulum()), _torques),
    Case("games: breakout", _game(breakout.breakout()), _choices(3)),
    Case("games: snake", _game(snake.snake(6)), _choices(4)),
    Case("games: flappy", _game(flappy.flappy()), _choices(2)),
    Case("evolution: dqn", _learner()),
]
