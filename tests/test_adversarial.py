import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from redes_jax import adversarial
from redes_jax.adversarial import LEAST_SQUARES, MINIMAX, NON_SATURATING, Player, adversaries
from redes_jax.process import iterate


def noise(key, n):
    return jax.random.normal(key, (n,))


def shift_generator(optimiser, start):
    """``G(z) = z + shift``: its best shift is the mean of the data."""
    return Player(lambda key: jnp.array(start), lambda shift, z: z + shift, optimiser)


def quadratic_discriminator(optimiser):
    """Logit ``c0 + c1 x + c2 x^2``: contains the optimum between any two Gaussians."""
    return Player(lambda key: jnp.zeros(3), lambda c, x: c[0] + c[1] * x + c[2] * x**2, optimiser)


def gaussians(steps, n, mean, deviation):
    return mean + deviation * jax.random.normal(jax.random.key(9), (steps, n))


def test_trained_discriminator_is_the_density_ratio():
    """``D*(x) = p / (p + q)`` (Goodfellow et al. 2014, proposition 1), data N(1, 0.7), generator held at N(0, 1)."""
    schedule = optax.adam(optax.exponential_decay(0.05, 200, 0.5))
    game = adversaries(shift_generator(optax.set_to_zero(), 0.0), quadratic_discriminator(schedule), noise)
    state, score = iterate(game.step, jax.random.key(1), game.init(jax.random.key(0)), gaussians(1500, 2048, 1.0, 0.7))
    x = np.linspace(-2, 3, 41)
    p, q = norm.pdf(x, 1, 0.7), norm.pdf(x)
    ours = jax.nn.sigmoid(state.discriminator[0] + state.discriminator[1] * x + state.discriminator[2] * x**2)
    np.testing.assert_allclose(ours, p / (p + q), atol=0.01)
    grid = np.linspace(-8, 9, 20_001)
    p, q = norm.pdf(grid, 1, 0.7), norm.pdf(grid)
    best = -np.trapezoid(p * np.log(p / (p + q)) + q * np.log(q / (p + q)), grid)
    np.testing.assert_allclose(score.discriminator_loss[-300:].mean(), best, atol=0.01)
    assert state.generator == 0


def test_the_game_ends_where_neither_can_tell():
    game = adversaries(shift_generator(optax.sgd(0.05), -1.0), quadratic_discriminator(optax.adam(0.02)), noise)
    state, score = iterate(game.step, jax.random.key(1), game.init(jax.random.key(0)), gaussians(1500, 256, 0.5, 1.0))
    np.testing.assert_allclose(state.generator, 0.5, atol=0.15)
    np.testing.assert_allclose(score.belief_in_fake[-200:].mean(), 0.5, atol=0.02)
    np.testing.assert_allclose(score.discriminator_loss[-200:].mean(), 2 * np.log(2), atol=0.02)


@pytest.mark.parametrize("loss", [MINIMAX, NON_SATURATING, LEAST_SQUARES])
def test_a_step_is_two_gradients_by_hand(loss):
    """The discriminator's by finite differences, then the generator's against the discriminator that has moved."""
    with jax.enable_x64(True):
        game = adversaries(shift_generator(optax.sgd(0.1), 0.3), quadratic_discriminator(optax.sgd(0.2)), noise, loss)
        state = game.init(jax.random.key(0))._replace(discriminator=jnp.array([0.2, -0.4, 0.1]))
        key, real = jax.random.key(5), jnp.linspace(-1, 2, 7)
        after, score = game.step(key, state, real)
        z = [noise(k, 7) for k in jax.random.split(key)]
        logit = lambda c, x: c[0] + c[1] * x + c[2] * x**2  # noqa: E731

        def of_discriminator(c):
            return float(loss.discriminator(logit(c, real), logit(c, z[0] + 0.3)))

        def of_generator(shift):
            return float(loss.generator(logit(after.discriminator, z[1] + shift)))

        c, h = np.asarray(state.discriminator), 1e-6
        slope = [(of_discriminator(c + h * e) - of_discriminator(c - h * e)) / (2 * h) for e in np.eye(3)]
        np.testing.assert_allclose(after.discriminator, c - 0.2 * np.array(slope), atol=1e-8)
        slope = (of_generator(0.3 + h) - of_generator(0.3 - h)) / (2 * h)
        np.testing.assert_allclose(after.generator, 0.3 - 0.1 * slope, atol=1e-8)
        np.testing.assert_allclose(score.discriminator_loss, of_discriminator(c))


def test_losses_are_those_of_the_probabilities():
    real, fake = jnp.array([0.3, -1.2]), jnp.array([2.0, -0.5, 0.1])
    p, q = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    np.testing.assert_allclose(
        adversarial.cross_entropy(real, fake), -np.log(p).mean() - np.log(1 - q).mean(), rtol=1e-5
    )
    np.testing.assert_allclose(adversarial.saturating(fake), np.log(1 - q).mean(), rtol=1e-5)
    np.testing.assert_allclose(adversarial.non_saturating(fake), -np.log(q).mean(), rtol=1e-5)


def test_a_sure_discriminator_stops_the_minimax_generator_alone():
    sure = jnp.array([-20.0])
    assert abs(jax.grad(adversarial.saturating)(sure)[0]) < 1e-8
    assert jax.grad(adversarial.non_saturating)(sure)[0] < -0.99
