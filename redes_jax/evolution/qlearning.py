r"""The network that estimates the reward: Q-learning from experience kept and drawn again.

A network :math:`Q_\theta(s, a)` estimates the discounted sum of rewards that follows action :math:`a` in state :math:`s`.
It descends the squared distance to what one step of play and its own estimate of the rest say,

.. math:: y = r + \gamma\, (1 - \text{terminated}) \max_{a'} Q_{\theta^-}(s', a'), \qquad
          L(\theta) = \langle (y - Q_\theta(s, a))^2 \rangle

with the ``target`` network :math:`\theta^-` following :math:`\theta` slowly, and the mean over a batch drawn from the last
``capacity`` frames. Mnih et al., "Human-level control through deep reinforcement learning", Nature 518 (2015). With
``double`` the action :math:`a'` is chosen by :math:`\theta` and valued by :math:`\theta^-`: van Hasselt, Guez & Silver,
"Deep reinforcement learning with double Q-learning" (2016). The loss is the plain square: errors clipped to 1 (Huber's
loss), as in 2015, let the estimates run away on games whose values go far beyond 1.

The estimate goes on past an episode whose time was up (truncated), not past one that was lost or won (terminated).

Playing and learning are one :class:`~redes_jax.process.Process`, so a population of learners is ``vmap``. The memory keeps
states of the world, often a few integers, instead of pictures: what the player saw is computed again when it is drawn.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, Int, PyTree

from redes_jax import bits
from redes_jax.process import Process


class Numbers(NamedTuple):
    """The numbers of a learner; they are leaves, so a change compiles nothing.

    Args:
      discount: :math:`\\gamma`.
      explore: share of random actions at the start.
      explore_last: and from ``explore_frames`` on; it falls on a straight line between.
      explore_frames: see ``explore_last``.
      share: of the way from the target network to the network that is gone at an update of the target.
      every: steps between updates of the target. ``share`` 1 copies it, as in 2015; a small share at every step is
        Polyak's average.
      warmup: frames that are played before learning begins.
    """

    discount: float | Array = 0.99
    explore: float | Array = 1.0
    explore_last: float | Array = 0.05
    explore_frames: float | Array = 100_000.0
    share: float | Array = 0.01
    every: int | Array = 1
    warmup: int | Array = 1_000


class Experience(NamedTuple):
    """Frames played, along the leading axis: the state, the action, what it earned, the state after it, and whether
    the game was over for good."""

    state: PyTree
    action: Int[Array, " frames"]
    reward: Float[Array, " frames"]
    after: PyTree
    terminated: Bool[Array, " frames"]


class QState(NamedTuple):
    """The network, its slow copy, the optimiser's memory, the experience, the games in play and what each has earned so
    far, and the steps done."""

    params: PyTree
    target: PyTree
    memory: PyTree
    experience: Experience
    games: PyTree
    score: Float[Array, " games"]
    steps: Int[Array, ""]

    @property
    def best(self):
        """The network that plays, as a strategy's answer is called."""
        return self.params


class Tick(NamedTuple):
    """What a step shows.

    Args:
      loss: mean squared error over the batch, 0 while warming up.
      value: mean of the estimate for the best action.
      explore: share of random actions.
      finished: episodes that ended at this step.
      score: sum of what they earned.
      finite: whether loss and value are numbers.
    """

    loss: Float[Array, ""]
    value: Float[Array, ""]
    explore: Float[Array, ""]
    finished: Int[Array, ""]
    score: Float[Array, ""]
    finite: Bool[Array, ""]


def dqn(
    world,
    apply: Callable[[PyTree, Any], Float[Array, " actions"]],
    optimiser: optax.GradientTransformation,
    numbers: Numbers = Numbers(),  # noqa: B008  (a tuple of numbers)
    *,
    games: int = 8,
    capacity: int = 50_000,
    batch: int = 32,
    double: bool = True,
) -> Process:
    """A player that learns the value of its actions: one frame of every game and one step of descent a step.

    Args:
      world: ``init(key)``, ``step(key, state, action)`` and ``observe(state)``, as a ``redes_jax.games.world.World``; an
        episode that ends is begun again here.
      apply: ``apply(params, observation) -> values``, one an action, for one observation.
      optimiser: any ``optax`` transformation.
      numbers: see :class:`Numbers`.
      games: played side by side by the same network. One descent for so many frames.
      capacity: frames kept, a multiple of ``games``.
      batch: frames drawn for a descent.
      double: choose the best next action by the network, value it by its slow copy.

    Returns:
      ``init(key, params) -> QState`` and ``step(key, state, input) -> (QState, Tick)``.
    """
    if min(games, batch) < 1:
        raise ValueError(f"games is {games} and batch {batch}: both must be at least 1")
    if capacity < games or capacity % games:
        raise ValueError(
            f"capacity is {capacity}: it must be a multiple of the {games} games, take {-(-capacity // games) * games}"
        )

    def values(params, states):
        return jax.vmap(lambda state: apply(params, world.observe(state)))(states)

    def start(key):
        return jax.vmap(world.init)(jax.random.split(key, games))

    def init(key: Array, params: PyTree) -> QState:
        states = start(key)
        _, output = jax.eval_shape(
            jax.vmap(world.step), jax.random.split(key, games), states, jnp.zeros(games, jnp.int32)
        )

        def room(leaf):
            return jnp.zeros((capacity, *leaf.shape[1:]), leaf.dtype)

        experience = Experience(
            jax.tree.map(room, states),
            jnp.zeros(capacity, jnp.int32),
            room(output.reward),
            jax.tree.map(room, states),
            jnp.zeros(capacity, bool),
        )
        score = jnp.zeros(games, output.reward.dtype)
        return QState(params, params, optimiser.init(params), experience, states, score, jnp.int32(0))

    def play(key, state, explore):
        chance, choice, frames, restart = jax.random.split(key, 4)
        estimate = values(state.params, state.games)
        drawn = (bits.uniform(choice, (games,)) * estimate.shape[-1]).astype(jnp.int32)
        best = jnp.argmax(estimate, axis=-1).astype(jnp.int32)
        action = jnp.where(bits.uniform(chance, (games,)) < explore, drawn, best)
        after, output = jax.vmap(world.step)(jax.random.split(frames, games), state.games, action)
        seen = Experience(state.games, action, output.reward, after, output.terminated)
        over = output.terminated | output.truncated
        again = _choose(over, start(restart), after)
        earned = state.score + output.reward
        finished = jnp.sum(over, dtype=jnp.int32), jnp.sum(jnp.where(over, earned, 0))
        return seen, again, jnp.where(over, 0, earned).astype(earned.dtype), finished

    def loss(params, target, discount, drawn):
        rows = jnp.arange(batch)
        estimate = values(params, drawn.state)[rows, drawn.action]
        slow = values(target, drawn.after)
        chooser = lax.stop_gradient(values(params, drawn.after)) if double else slow
        rest = slow[rows, jnp.argmax(chooser, axis=-1)]
        aim = drawn.reward + discount * jnp.where(drawn.terminated, 0, rest)
        return jnp.mean(jnp.square(lax.stop_gradient(aim) - estimate)), jnp.mean(jnp.max(chooser, axis=-1))

    def learn(numbers, state, drawn):
        (error, value), gradient = jax.value_and_grad(loss, has_aux=True)(
            state.params, state.target, numbers.discount, drawn
        )
        updates, memory = optimiser.update(gradient, state.memory, state.params)
        params = optax.apply_updates(state.params, updates)
        share = jnp.where(state.steps % numbers.every == 0, numbers.share, 0.0)
        target = jax.tree.map(lambda old, new: (old + share * (new - old)).astype(old.dtype), state.target, params)
        return params, target, memory, error, value

    def step(numbers: Numbers, key: Array, state: QState, input) -> tuple[QState, Tick]:
        del input
        playing, drawing = jax.random.split(key)
        done = state.steps * games
        through = jnp.clip(done / jnp.maximum(numbers.explore_frames, 1), 0, 1)
        explore = numbers.explore + through * (numbers.explore_last - numbers.explore)
        seen, again, score, (finished, earned) = play(playing, state, explore)
        experience = jax.tree.map(
            lambda kept, new: lax.dynamic_update_slice_in_dim(kept, new.astype(kept.dtype), done % capacity, 0),
            state.experience,
            seen,
        )
        filled = jnp.minimum(done + games, capacity)
        # Drawn before the condition, so that no branch takes the whole memory.
        index = jnp.minimum((bits.uniform(drawing, (batch,)) * filled).astype(jnp.int32), filled - 1)
        drawn = jax.tree.map(lambda leaf: leaf[index], experience)
        resting = jnp.zeros((), score.dtype)
        params, target, memory, error, value = lax.cond(
            filled >= numbers.warmup,
            lambda: learn(numbers, state, drawn),
            lambda: (state.params, state.target, state.memory, resting, resting),
        )
        finite = jnp.isfinite(error) & jnp.isfinite(value)
        after = QState(params, target, memory, experience, again, score, state.steps + 1)
        return after, Tick(error, value, explore, finished, earned, finite)

    # As arrays, numbers give the same bits whether they are compiled in or passed as arguments.
    return Process(init, Partial(step, jax.tree.map(jnp.asarray, numbers)))


def _choose(over, one, other):
    def choose(a, b):
        return jnp.where(over.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(choose, one, other)
