"""A policy in a world: its return is its fitness.

:func:`returns` makes ``fitness(key, params, input)`` for :func:`redes_jax.evolution.strategies.evolve`. It plays one policy; laid
over a population by ``devices.blocks`` or ``devices.replicas``, the loop over time runs inside a block. 128 policies a block suit
a net of a hundred weights, 16 one of some thousands: their weights should stay in the cache. Nothing of a frame is kept, so the
memory beside the weights does not depend on the length of the episodes; a block stops when its last episode is over.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from redes_jax.process import Process


def closed_loop(world, act: Callable[[Any], Any]) -> Process:
    """The world and its player as one process that needs no input: ``iterate`` it to film a game.

    Args:
      world: ``init(key)``, ``step(key, state, action)`` and ``observe(state)``, as a ``redes_jax.games.world.World``.
      act: ``act(observation) -> action``.
    """

    def step(key, state, input):
        del input
        return world.step(key, state, act(world.observe(state)))

    return Process(world.init, step)


def returns(
    world, policy: Callable[[Any], Callable], *, steps: int, episodes: int = 1
) -> Callable[..., Float[Array, ""]]:
    """``fitness(key, params, input=None)``: the sum of rewards of an episode, averaged over ``episodes``.

    Args:
      world: see :func:`closed_loop`. Frame ``t`` gets the key ``fold_in(key, t)``; a world without chance pays nothing
        for it.
      policy: ``policy(params) -> act``, see :mod:`redes_jax.evolution.policies`.
      steps: frames after which an episode is left, if it has not ended by itself.
      episodes: independent starts to average over, played one after another.
    """
    if steps < 1 or episodes < 1:
        raise ValueError(f"steps is {steps} and episodes {episodes}: both must be at least 1")

    def fitness(key, params, input=None):
        del input
        play = closed_loop(world, policy(params)).step

        def episode(key):
            start, frames = jax.random.split(key)
            state = world.init(start)
            reward = jax.eval_shape(play, frames, state, None)[1].reward

            def going(carry):
                t, over, _, _ = carry
                return ~over & (t < steps)

            def frame(carry):
                t, _, total, state = carry
                state, output = play(jax.random.fold_in(frames, t), state, None)
                return t + 1, output.terminated | output.truncated, total + output.reward, state

            return lax.while_loop(going, frame, (jnp.uint32(0), jnp.bool_(False), jnp.zeros((), reward.dtype), state))[
                2
            ]

        return lax.map(episode, jax.random.split(key, episodes)).mean()

    return fitness
