"""Does a plain GAN find all eight modes of a ring? (ch. 18)

The data are eight narrow Gaussians on a circle, the standard test of mode collapse (Metz et al. 2017, Unrolled GAN: radius 2,
standard deviation 0.02). A generator and a discriminator, two small perceptrons with an Adam each, learn against one another in
one step; a population of seeds plays at once. After training 2 500 samples of each generator are judged as in VEEGAN (Srivastava
et al. 2017): a sample within three standard deviations of a centre is of high quality, a mode with at least one of them is covered.

On one dimension the best discriminator is known, ``D* = p / (p + q)``; one trained against a generator held fixed is drawn
beside it.

    python -m experiments run gan

Expected: in the VEEGAN paper a plain GAN covers 1 of 8 modes, an unrolled one 7.6 and VEEGAN 8. How many a plain one
covers depends on its settings far more than that table suggests. Two CPU cores: quick 20 s, full 10 minutes.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import adversarial, bits, devices
from redes_jax.figures import adversarial as draw
from redes_jax.figures.style import panels
from redes_jax.process import Process, iterate, population


@dataclass(frozen=True)
class Config:
    modes: int = 8  # Gaussians on the ring
    radius: float = 2.0  # of the ring
    deviation: float = 0.02  # standard deviation of each Gaussian
    loss: Literal["non-saturating", "minimax", "least-squares"] = "non-saturating"  # what the players descend
    latent: int = 16  # dimensions of the noise
    hidden: int = 128  # units in each of the two hidden layers of either player
    batch: int = 256  # real samples in a step, and as many generated
    generator_rate: float = 1e-3  # Adam's rate for the generator
    discriminator_rate: float = 1e-3  # and for the discriminator; both fall to zero by a half cosine
    momentum: float = 0.5  # Adam's beta_1 of both
    steps: int = 3000  # in all
    periods: int = 30  # looks at the samples through training
    seeds: int = 4  # games side by side
    width: int = 1  # games in a block on a device
    seed: int = 0


PRESETS = {"quick": Config(), "full": Config(batch=512, steps=25_000, seeds=16)}

_VEEGAN = "Srivastava et al. 2017, table of the 2D ring (to be checked against the paper)"
CLAIMS = (
    Claim("modes", "modes of 8 covered: plain GAN there", 1, "", _VEEGAN, rule="at least"),
    Claim("modes", "modes of 8 covered: unrolled GAN there", 7.6, "", _VEEGAN, rule="at least"),
    Claim("modes", "modes of 8 covered: VEEGAN there", 8, "", _VEEGAN, rule="at least"),
    Claim("optimal_discriminator_error", "largest error of the trained D on one dimension", 0, "",
          "Goodfellow et al. 2014, proposition 1", 0.03),
)  # fmt: skip

_LOSSES = {
    "non-saturating": adversarial.NON_SATURATING,
    "minimax": adversarial.MINIMAX,
    "least-squares": adversarial.LEAST_SQUARES,
}
_JUDGED, _DRAWN = 2500, 600


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.steps % config.periods:
        raise ValueError(f"steps is {config.steps}: it must be a multiple of periods, which is {config.periods}")
    if min(config.modes, config.seeds, config.batch, config.latent) < 1:
        raise ValueError("modes, seeds, batch and latent must all be at least 1")
    key = jax.random.key(config.seed)
    games = population(game(config), config.seeds, over=lambda fn: devices.replicas(fn, config.width))
    state = jax.jit(games.init)(key)
    _, (samples, score) = lab.iterate("ring", games.step, key, state, length=config.periods, chunk=2)
    samples, score = np.swapaxes(samples, 0, 1), jax.tree.map(np.transpose, score)
    covered, quality, counts = judge(samples, config)
    arrays = {
        "samples": samples[:, :, :_DRAWN], "covered": covered, "quality": quality, "counts": counts[:, -1],
        "real": ring(key, _DRAWN, config), "loss_discriminator": score.discriminator_loss,
        "loss_generator": score.generator_loss, "belief_real": score.belief_in_real, "belief_fake": score.belief_in_fake,
        "step": np.arange(1, config.periods + 1) * (config.steps // config.periods),
    }  # fmt: skip
    arrays |= lab.once("one dimension", lambda: one_dimension(jax.random.fold_in(key, 1)))
    measured = {
        "modes": covered[:, -1],
        "high_quality_percent": 100 * quality[:, -1],
        "largest_mode_percent": 100 * counts[:, -1].max(1) / np.maximum(counts[:, -1].sum(1), 1),
        "optimal_discriminator_error": float(np.abs(arrays["line_learned"] - arrays["line_best"]).max()),
    }
    return Result({name: np.asarray(value) for name, value in arrays.items()}, measured)


def ring(key, count, config):
    """Samples of the data, (count, 2)."""
    which_key, where_key = jax.random.split(key)
    return centres(config)[jax.random.randint(which_key, (count,), 0, config.modes)] + config.deviation * bits.normal(
        where_key, (count, 2)
    )


def centres(config):
    angle = 2 * jnp.pi * jnp.arange(config.modes) / config.modes
    return config.radius * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def perceptron(sizes):
    """``init`` and ``apply`` of an MLP with rectified hidden layers, biases at zero and weights of He et al. 2015."""

    def init(key):
        keys = jax.random.split(key, len(sizes) - 1)
        shapes = zip(keys, sizes, sizes[1:], strict=False)
        return [(jax.random.normal(k, (m, n)) * jnp.sqrt(2 / m), jnp.zeros(n)) for k, m, n in shapes]

    def apply(params, x):
        for weights, bias in params[:-1]:
            x = jax.nn.relu(x @ weights + bias)
        weights, bias = params[-1]
        return x @ weights + bias

    return init, apply


def game(config):
    """A period of play as one process: its output is 2 500 samples at the end, and the mean score."""

    def adam(rate):
        return optax.adam(optax.cosine_decay_schedule(rate, config.steps), b1=config.momentum)

    init, generate = perceptron((config.latent, config.hidden, config.hidden, 2))
    generator = adversarial.Player(init, generate, adam(config.generator_rate))
    init, logits = perceptron((2, config.hidden, config.hidden, 1))
    discriminator = adversarial.Player(init, lambda params, x: logits(params, x)[:, 0], adam(config.discriminator_rate))
    noise = lambda key, count: bits.normal(key, (count, config.latent))  # noqa: E731
    duel = adversarial.adversaries(generator, discriminator, noise, _LOSSES[config.loss])

    def step(key, state, input):
        del input
        data_key, play_key = jax.random.split(key)

        def once(key, state, t):
            return duel.step(key, state, ring(jax.random.fold_in(data_key, t), config.batch, config))

        state, score = iterate(once, play_key, state, jnp.arange(config.steps // config.periods))
        samples = generate(state.generator, noise(data_key, _JUDGED))
        return state, (samples, jax.tree.map(jnp.mean, score))

    return Process(duel.init, step)


def judge(samples, config):
    """Modes covered, share of high-quality samples, and high-quality samples at each mode, of samples (..., n, 2)."""
    distance = np.linalg.norm(samples[..., None, :] - np.asarray(centres(config)), axis=-1)
    good = distance.min(-1) < 3 * config.deviation
    nearest = distance.argmin(-1)
    counts = np.stack([np.sum(good & (nearest == mode), axis=-1) for mode in range(config.modes)], axis=-1)
    return np.sum(counts > 0, axis=-1), good.mean(-1), counts


def one_dimension(key, steps=1500, batch=512):
    """A perceptron taught to tell N(1, 0.5) from a generator held at N(-0.5, 1), beside the best there is."""
    init, logits = perceptron((1, 64, 64, 1))
    still = adversarial.Player(lambda key: jnp.zeros(()), lambda shift, z: z - 0.5 + shift, optax.set_to_zero())
    optimiser = optax.adam(optax.cosine_decay_schedule(3e-3, steps))
    learner = adversarial.Player(init, lambda params, x: logits(params, x[:, None])[:, 0], optimiser)
    duel = adversarial.adversaries(still, learner, lambda key, count: bits.normal(key, (count,)))

    def step(key, state, _):
        return duel.step(key, state, 1 + 0.5 * bits.normal(jax.random.fold_in(key, 2), (batch,)))

    state, _ = jax.jit(lambda state: iterate(step, key, state, length=steps))(duel.init(key))
    x = np.linspace(-3, 3, 241)
    density = lambda x, mean, sd: np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))  # noqa: E731
    p, q = density(x, 1, 0.5), density(x, -0.5, 1)
    learned = jax.nn.sigmoid(learner.apply(state.discriminator, jnp.asarray(x, jnp.float32)))
    return {"line_x": x, "line_p": p, "line_q": q, "line_best": p / (p + q), "line_learned": learned}


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    periods = arrays["samples"].shape[1]
    order = np.argsort(-arrays["quality"][:, -1] - arrays["covered"][:, -1], kind="stable")
    shown = [0, *np.unique(np.geomspace(1, periods - 1, 5).round().astype(int))]
    pictures = {}

    seeds = order[:4]
    figure, axes = panels(len(seeds), len(shown), width=2.0, height=2.05, squeeze=False)
    for row, seed in zip(axes, seeds, strict=True):
        for panel, period in zip(row, shown, strict=True):
            draw.cloud(panel, arrays["samples"][seed, period], arrays["real"])
            if seed == seeds[0]:
                panel.set_title(f"step {arrays['step'][period]}", fontsize=11, loc="center")
        row[0].set_ylabel(f"{arrays['covered'][seed, -1]} modes\n{arrays['quality'][seed, -1]:.0%} good", fontsize=11)
    pictures["samples"] = Picture(
        figure, "Generated samples (orange) over the data (grey) through training, a row for each seed, best first."
    )

    figure, axes = panels(1, 3, width=4.4, height=3.7)
    draw.coverage(axes[0], arrays["step"], arrays["covered"], arrays["counts"].shape[1])
    draw.quality(axes[1], arrays["step"], 100 * arrays["quality"])
    draw.beliefs(axes[2], arrays["step"], arrays["belief_real"], arrays["belief_fake"])
    pictures["training"] = Picture(
        figure,
        "Over seeds: modes with at least one high-quality sample, the share of such samples, and what the discriminator "
        "believes of real and of generated samples (1/2 when it cannot tell).",
    )

    figure, axes = panels(width=6.4, height=4)
    draw.best_discriminator(axes, *(arrays[f"line_{name}"] for name in ("x", "p", "q", "best", "learned")))
    pictures["discriminator"] = Picture(
        figure, "The trained discriminator against the best there is, p / (p + q), for two Gaussians on a line."
    )

    frames = draw.cloud_frames(arrays["samples"][order[0]], arrays["real"])
    pictures["film"] = Picture(frames, "The best seed through training: the generator (orange) hunts the data (grey).")
    return pictures
