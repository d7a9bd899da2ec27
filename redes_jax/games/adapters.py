"""Games of other libraries as worlds; the library is imported when its adapter is called, and is not a dependency.

Gymnax (Lange, "gymnax: a JAX-based reinforcement learning environment library", 2022) has MinAtar's miniatures of the Atari
games among many others: ``gymnax("Breakout-MinAtar")``.
"""

import jax
import jax.numpy as jnp

from redes_jax.games.world import Output, World


def gymnax(name: str) -> tuple[World, int]:
    """A game of gymnax.

    Its ``step_env`` is used, which begins no new episode by itself, and the end of the time is told apart from the end of
    the game.

    Args:
      name: as ``gymnax.make`` takes it, ``"Breakout-MinAtar"``.

    Returns:
      ``(world, actions)``: the world, and the number of actions to choose from.

    Raises:
      ImportError: when gymnax is not installed.
    """
    try:
        import gymnax as library  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(f"{name} is a game of gymnax, which is not installed: pip install gymnax") from error
    game, numbers = library.make(name)

    def init(key):
        return jax.tree.map(jnp.asarray, game.reset_env(key, numbers)[1])

    def observe(state):
        # A picture of the state alone: games whose view depends on chance or on the last action are not for this adapter.
        return jnp.asarray(game.get_obs(state, params=numbers, key=None)).astype(float)

    def step(key, state, action):
        _, after, reward, over, *_ = game.step_env(key, state, action, numbers)
        after = jax.tree.map(lambda new, old: jnp.asarray(new, jnp.asarray(old).dtype), after, state)
        truncated = after.time >= numbers.max_steps_in_episode
        # Older versions count the end of the time as an end of the game.
        terminated = over if hasattr(game, "is_truncated") else over & ~truncated
        return after, Output(observe(after), jnp.asarray(reward).astype(float), terminated, truncated)

    return World(init, step, observe), game.num_actions
