"""Two learners, one step (Goodfellow et al. 2014).

A generator turns latent noise ``z`` into samples ``G(z)``; a discriminator gives each sample a logit, ``D(x) = sigmoid(logit)``
its belief that ``x`` is real. The one plays against the other,

    min_G max_D  E_x log D(x) + E_z log(1 - D(G(z))),

and for a fixed generator of density ``q`` the best discriminator of data of density ``p`` is ``D*(x) = p(x) / (p(x) + q(x))``.

Either player is any pure function with any optax optimiser. A step of :func:`adversaries` moves first the discriminator, then
the generator against it: the pair is a process like any other, so a population of games is ``process.population``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from redes_jax.process import Process


class Player(NamedTuple):
    """A network and the way it learns.

    Args:
      init: ``init(key) -> params``.
      apply: ``apply(params, x) -> y``; latent to sample for a generator, sample to logit ``(n,)`` for a discriminator.
      optimiser: an ``optax.GradientTransformation``.
    """

    init: Callable[[Array], Any]
    apply: Callable[[Any, Array], Array]
    optimiser: Any


class Loss(NamedTuple):
    """What each player descends.

    Args:
      discriminator: ``(real_logits, fake_logits) -> value``.
      generator: ``fake_logits -> value``.
    """

    discriminator: Callable[[Array, Array], Array]
    generator: Callable[[Array], Array]


class Game(NamedTuple):
    """The state: parameters and optimiser state of both players."""

    generator: Any
    discriminator: Any
    generator_optimiser: Any
    discriminator_optimiser: Any


class Score(NamedTuple):
    """What a step reports: both losses, and the discriminator's mean belief in real and in generated samples; both beliefs
    are 1/2 when the generator has won."""

    discriminator_loss: Float[Array, ""]
    generator_loss: Float[Array, ""]
    belief_in_real: Float[Array, ""]
    belief_in_fake: Float[Array, ""]


def cross_entropy(real: Float[Array, " n"], fake: Float[Array, " m"]) -> Float[Array, ""]:
    """``-E log D(x) - E log(1 - D(G(z)))``, from logits; ``2 log 2`` where the discriminator cannot tell."""
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def saturating(fake: Float[Array, " n"]) -> Float[Array, ""]:
    """``E log(1 - D(G(z)))``: the minimax game itself. Its gradient vanishes where the discriminator is sure."""
    return -jnp.mean(jax.nn.softplus(fake))


def non_saturating(fake: Float[Array, " n"]) -> Float[Array, ""]:
    """``-E log D(G(z))``: the same fixed point, and a gradient that is strongest where the discriminator is sure."""
    return jnp.mean(jax.nn.softplus(-fake))


MINIMAX = Loss(cross_entropy, saturating)
NON_SATURATING = Loss(cross_entropy, non_saturating)
LEAST_SQUARES = Loss(  # Mao et al. 2017, real 1, fake 0
    lambda real, fake: jnp.mean((real - 1) ** 2 + fake**2) / 2, lambda fake: jnp.mean((fake - 1) ** 2) / 2
)


def adversaries(
    generator: Player, discriminator: Player, latent: Callable[[Array, int], Array], loss: Loss = NON_SATURATING
) -> Process:
    """Two players learning against each other.

    ``init(key)`` draws both. The input is a batch of real samples ``(n, ...)``; as many are generated for each player. The
    output is a :class:`Score`, taken before either moves.

    Args:
      generator, discriminator: the players.
      latent: ``latent(key, n)`` draws the noise.
      loss: a pair such as :data:`MINIMAX` or :data:`NON_SATURATING`.
    """

    def init(key):
        generator_key, discriminator_key = jax.random.split(key)
        g, d = generator.init(generator_key), discriminator.init(discriminator_key)
        return Game(g, d, generator.optimiser.init(g), discriminator.optimiser.init(d))

    def step(key, game, real):
        first_key, second_key = jax.random.split(key)
        fake = generator.apply(game.generator, latent(first_key, len(real)))

        def discriminate(params):
            logits = discriminator.apply(params, real), discriminator.apply(params, fake)
            return loss.discriminator(*logits), logits

        (value, (on_real, on_fake)), gradient = jax.value_and_grad(discriminate, has_aux=True)(game.discriminator)
        d, d_memory = _descend(discriminator.optimiser, gradient, game.discriminator_optimiser, game.discriminator)

        z = latent(second_key, len(real))
        generate = lambda params: loss.generator(discriminator.apply(d, generator.apply(params, z)))  # noqa: E731
        generator_value, gradient = jax.value_and_grad(generate)(game.generator)
        g, g_memory = _descend(generator.optimiser, gradient, game.generator_optimiser, game.generator)

        score = Score(value, generator_value, jnp.mean(jax.nn.sigmoid(on_real)), jnp.mean(jax.nn.sigmoid(on_fake)))
        return Game(g, d, g_memory, d_memory), score

    return Process(init, step)


def _descend(optimiser, gradient, memory, params):
    updates, memory = optimiser.update(gradient, memory, params)
    return jax.tree.map(jnp.add, params, updates), memory
