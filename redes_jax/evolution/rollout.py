"""A policy in a world: its return is its fitness.

:func:`returns` makes ``fitness(key, params, input)`` for :func:`redes_jax.evolution.strategies.evolve`. It plays one policy; laid
over a population by ``devices.blocks`` or ``devices.replicas``, the loop over time runs inside a block. 128 to 256 policies a
block suit a net of a hundred weights, 16 one of some thousands: their weights should stay in the cache. Nothing of a frame is
kept, so the memory beside the weights does not depend on the length of the episodes; a block stops when its last episode is
over.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from redes_jax import devices
from redes_jax.evolution.asktell import apart
from redes_jax.process import Process


class Playing(NamedTuple):
    """A game under way: the state of the world, and what the player remembers, ``()`` for one without memory."""

    world: Any
    memory: Any


def closed_loop(world, player: Callable[[Any], Any] | Process) -> Process:
    """The world and its player as one process that needs no input: ``iterate`` it to film a game.

    Args:
      world: ``init(key)``, ``step(key, state, action)`` and ``observe(state)``, as a ``redes_jax.games.world.World``.
      player: ``act(observation) -> action``; or, for a player that remembers or draws its actions, a process from
        observations to actions, ``step(key, memory, observation) -> (memory, action)``.

    Returns:
      ``init(key) -> Playing`` and ``step(key, playing, input) -> (playing, Output)``.
    """
    remember, act = player if isinstance(player, Process) else _without_memory(player)

    def init(key):
        return Playing(world.init(key), remember(jax.random.fold_in(key, 1)))

    def step(key, playing, input):
        del input
        memory, action = act(jax.random.fold_in(key, 1), playing.memory, world.observe(playing.world))
        state, output = world.step(key, playing.world, action)
        return Playing(state, memory), output

    return Process(init, step)


def _without_memory(act):
    return Process(lambda key: (), lambda key, memory, observation: (memory, act(observation)))


class Played(NamedTuple):
    """What an episode came to: the sum of its rewards, and its frames."""

    score: Float[Array, ""]
    frames: Int[Array, ""]


def episode(world, player: Callable[[Any], Any] | Process, steps: int) -> Callable[[Array], Played]:
    """``play(key) -> Played``: one episode from a start of its own.

    Args:
      world, player: see :func:`closed_loop`. Frame ``t`` gets the key ``fold_in(key, t)``; a world without chance pays
        nothing for it.
      steps: frames after which the episode is left, if it has not ended by itself.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: an episode has at least 1 frame")
    game = closed_loop(world, player)

    def play(key):
        start, frames = jax.random.split(key)
        return Played(*_go_on(game, frames, steps, _begin(game, start))[1:3])

    return play


class _Episode(NamedTuple):
    over: Bool[Array, ""]
    score: Float[Array, ""]
    frames: Int[Array, ""]
    playing: Playing


def _begin(game, key):
    playing = game.init(key)
    reward = jax.eval_shape(game.step, key, playing, None)[1].reward
    return _Episode(jnp.bool_(False), jnp.zeros((), reward.dtype), jnp.int32(0), playing)


def _go_on(game, key, until, begun):
    """The episode until it is over, or until so many frames of it were played."""

    def frame(episode):
        playing, output = game.step(jax.random.fold_in(key, episode.frames), episode.playing, None)
        over = output.terminated | output.truncated
        return _Episode(over, episode.score + output.reward, episode.frames + 1, playing)

    return lax.while_loop(lambda episode: ~episode.over & (episode.frames < until), frame, begun)


def together(world, policy, steps: int, width: int, first: int = 16) -> Callable[..., Played]:
    """``play(keys, population) -> Played``, each (members, episodes): everyone plays the same episodes, one a key.

    A block of members stops with the last of them, and where most games are soon lost nearly all of it waits for a few.
    So after ``first`` frames, after twice as many, and so on, those who still play move together into blocks of their
    own. That all face the same starts and the same chance also makes their scores easier to tell apart.

    Args:
      world, policy, steps: see :func:`returns`.
      width: members in a block, see :func:`redes_jax.devices.blocks`.
      first: frames until members move for the first time.
    """

    def play(keys, population):
        starts, frames = jax.vmap(jax.random.split, out_axes=1)(keys)
        members, made = apart(population)

        def game(own):
            return closed_loop(world, policy(made(own)))

        def begin(own):
            return jax.vmap(partial(_begin, game(own)))(starts)

        def go_on(until, own, episodes):
            return jax.vmap(lambda key, episode: _go_on(game(own), key, until, episode))(frames, episodes)

        def round(carry):
            done, episodes = carry
            until = jnp.minimum(jnp.maximum(2 * done, first), steps)
            order = jnp.argsort(episodes.over.all(1))
            moved = jax.tree.map(lambda leaf: leaf[order], (members, episodes))
            moved = devices.blocks(partial(go_on, until), width)(*moved)
            return until, jax.tree.map(lambda old, new: old.at[order].set(new), episodes, moved)

        def unfinished(carry):
            done, episodes = carry
            return (done < steps) & ~episodes.over.all()

        _, episodes = lax.while_loop(unfinished, round, (jnp.int32(0), jax.vmap(begin)(members)))
        return Played(episodes.score, episodes.frames)

    return play


def returns(
    world, policy: Callable[[Any], Callable | Process], *, steps: int, episodes: int = 1
) -> Callable[..., Float[Array, ""]]:
    """``fitness(key, params, input=None)``: the sum of rewards of an episode, averaged over ``episodes``.

    Args:
      world, steps: see :func:`episode`.
      policy: ``policy(params) -> player``, see :func:`closed_loop` and :mod:`redes_jax.evolution.policies`.
      episodes: independent starts to average over, played side by side: the weights are read once for all of them.
    """
    if steps < 1 or episodes < 1:
        raise ValueError(f"steps is {steps} and episodes {episodes}: both must be at least 1")

    def fitness(key, params, input=None):
        del input
        return jax.vmap(episode(world, policy(params), steps))(jax.random.split(key, episodes)).score.mean()

    return fitness
