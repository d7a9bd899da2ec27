"""Over how many steps can a network remember? The adding problem, by sequence length (ch. 11-14)

A sequence of random numbers in [0, 1] goes by, two of them marked, one in each half; at the end the network must say
their sum. Always answering 1 gives a mean squared error of 1/6, the variance of the sum of two uniform numbers
(0.1767 in Le et al. 2015 is a slip for 0.1667); below that, something was remembered. A plain recurrent network,
LSTM, GRU and one block of self-attention learn it by Adam on fresh sequences, each as a population of seeds, at every
length. The gates of LSTM and GRU start with time scales up to the longest length (chrono initialisation).

    python -m experiments run long_memory
    python -m experiments run long_memory --preset full --seed 1

Expected: the plain network stays at 1/6 from some tens of steps on; LSTM learns any length here. Hochreiter &
Schmidhuber (1997) needed 74 000 sequences for LSTM at 100 steps (values in [-1, 1], both marks in the first half, 93
weights, one sequence a step). Two CPU cores: quick 40 s, full some half an hour, estimated.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial
from jaxtyping import Array, Float

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import bits, devices
from redes_jax.figures import learning as draw
from redes_jax.figures.style import GREY, panels
from redes_jax.learning.gradient import descend
from redes_jax.learning.losses import squared_error
from redes_jax.networks.attention import Encoder
from redes_jax.networks.recurrent import GRU, LSTM, Unrolled, Vanilla
from redes_jax.process import Process, population

NETWORKS = ("RNN", "LSTM", "GRU", "attention")
BASELINE = 1 / 6


@dataclass(frozen=True)
class Config:
    lengths: tuple[int, ...] = (10, 40)  # of the sequences, one experiment each
    features: int = 24  # units of every network
    seeds: int = 4  # networks of each kind at each length
    steps: int = 480  # batches learned from
    batch: int = 32  # sequences in a batch, drawn anew each time
    rate: float = 0.01  # Adam's first learning rate; a half cosine takes it to zero
    clip: float = 1.0  # longest gradient; longer ones are shortened to it
    test_batches: int = 80  # batches to judge by; also how many are learned from between two checkpoints
    width: int = 1  # networks in a block on a device
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(lengths=(50, 100, 200, 400), features=32, seeds=6, steps=1600),
}

_HS = "Hochreiter & Schmidhuber 1997"
CLAIMS = (
    Claim("baseline_mse", "squared error of always answering 1", 1 / 6, "", "variance of two uniforms", 0.005),
    Claim("LSTM_sequences_100", "LSTM, 100 steps: sequences until learned", 74_000, "", _HS, rule="at most"),
    Claim("LSTM_wrong_100", "LSTM, 100 steps: wrong answers of 2 560", 1, "", _HS, 1, rule="at most"),
)


def run(config: Config, lab: Lab = QUIET) -> Result:
    if not config.lengths or min(config.lengths) < 4:
        raise ValueError(
            f"lengths is {config.lengths}: give at least one, none below 4, so that each half has a choice"
        )
    if config.features % 2 or min(config.features, config.seeds, config.steps) < 1:
        raise ValueError(
            f"features {config.features}, seeds {config.seeds}, steps {config.steps}: at least 1 each, features even"
        )
    arrays, measured = {"lengths": np.array(config.lengths), "batch": config.batch}, {}
    for kind in NETWORKS:
        start = jax.jit(adders(kind, 4, config, config.rate).init)(jax.random.key(config.seed))
        for length in config.lengths:
            seen, judged = learn(kind, length, start, config, lab)
            if not seen["finite"].all():
                raise FloatingPointError(f"{kind} at length {length} diverged: try a rate below {config.rate}")
            arrays[f"{kind}_{length}_loss"] = seen["loss"]
            arrays[f"{kind}_{length}_mse"] = measured[f"{kind}_mse_{length}"] = judged["loss"].mean(1)
            measured[f"{kind}_wrong_{length}"] = judged["wrong"].mean(1) * 2560
            sequences = sequences_until_learned(seen["loss"], config.batch)
            if np.isfinite(sequences).all():
                measured[f"{kind}_sequences_{length}"] = sequences
    _, sums = sample(jax.random.key(config.seed), 100_000, 4)
    return Result(arrays, measured | {"baseline_mse": float(((sums - 1) ** 2).mean())})


# Hochreiter & Schmidhuber call an answer wrong from 0.04 on, where their targets span 0 to 1; ours span 0 to 2.
_WRONG = 0.08


def sample(key, batch: int, length: int) -> tuple[Float[Array, "batch length 2"], Float[Array, " batch"]]:
    """Sequences of (value, mark) pairs, and the sum of the two marked values of each.

    The marks fall anywhere in the first and anywhere in the second half, as in Arjovsky, Shah & Bengio (2016).
    """
    of_values, of_marks = jax.random.split(key)
    values = bits.uniform(of_values, (batch, length))
    half = length // 2
    places = jnp.floor(bits.uniform(of_marks, (2, batch)) * jnp.array([[half], [length - half]])).astype(jnp.int32)
    time = jnp.arange(length)
    marks = (time == places[0][:, None]) | (time == half + places[1][:, None])
    marks = marks.astype(values.dtype)
    return jnp.stack([values, marks], axis=-1), (values * marks).sum(1)


class Adder(nn.Module):
    """A network over the sequence, and one linear unit that reads its last state (attention: its mean over time)."""

    kind: str
    features: int
    longest: int

    @nn.compact
    def __call__(self, xs: Float[Array, "batch length 2"]) -> Float[Array, " batch"]:
        if self.kind == "attention":
            summary = Encoder(self.features, blocks=1, heads=2, hidden=2 * self.features)(xs).mean(1)
        else:
            cell = {
                "RNN": partial(Vanilla, self.features),
                "LSTM": partial(LSTM, self.features, longest=self.longest),
                "GRU": partial(GRU, self.features, longest=self.longest),
            }[self.kind]()
            _, states = Unrolled(cell)(xs)
            summary = states[:, -1]
        return nn.Dense(1, param_dtype=xs.dtype)(summary)[:, 0]


def adders(kind: str, length: int, config: Config, rate) -> Process:
    """A population of learners of one kind at one length; each step draws its own batch."""
    net = Adder(kind, config.features, max(config.lengths))

    def loss(params, buffers, key, batch):
        del batch
        xs, sums = sample(key, config.batch, length)
        answers: Any = net.apply(params, xs)
        wrong = (jnp.abs(answers - sums) > _WRONG).mean()
        return squared_error(answers, sums).mean(), (buffers, {"wrong": wrong})

    schedule = optax.cosine_decay_schedule(1.0, config.steps)
    optimiser = optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(rate), optax.scale_by_schedule(schedule))
    learner = descend(loss, optimiser)

    def init(key):
        return learner.init(key, lambda key: (net.init(key, jnp.zeros((1, 4, 2))), {}))

    return population(Process(init, learner.step), config.seeds, over=lambda fn: devices.replicas(fn, config.width))


def learn(kind: str, length: int, start, config: Config, lab: Lab):
    """What is seen (seeds, steps) while a population learns, and then on fresh sequences."""

    def step(rate, key, states, batch):
        return adders(kind, length, config, rate).step(key, states, batch)

    name = f"{kind}, {length} steps"
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), length), NETWORKS.index(kind))
    of_training, of_test = jax.random.split(key)
    states, seen = lab.iterate(
        name, Partial(step, config.rate), of_training, start, length=config.steps, chunk=config.test_batches
    )
    # A learner at rate zero is an examiner: the same program, compiled already.
    _, judged = lab.iterate(
        f"{name}, judged", Partial(step, 0.0), of_test, states, length=config.test_batches, chunk=config.test_batches
    )
    return ({name: value.T for name, value in outputs.items()} for outputs in (seen, judged))


def sequences_until_learned(losses: np.ndarray, batch: int) -> np.ndarray:
    """Sequences seen until the root mean square error of the last 2 000 is right by the criterion of 1997.

    Args:
      losses: (seeds, steps) mean squared errors.
      batch: sequences a step.

    Returns:
      (seeds,) counts; infinite where it never came.
    """
    window = min(max(1, 2000 // batch), losses.shape[1])
    total = np.cumsum(np.pad(losses, ((0, 0), (1, 0))), axis=1)
    recent = (total[:, window:] - total[:, :-window]) / window
    good = recent < _WRONG**2
    return np.where(good.any(1), (good.argmax(1) + window) * batch, np.inf)


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
    lengths = arrays["lengths"]

    figure, axes = panels(1, 1, width=7.2, height=4.4)
    errors = {kind: np.stack([arrays[f"{kind}_{n}_mse"] for n in lengths], axis=1) for kind in NETWORKS}
    draw.by_size(axes, lengths, errors, xlabel="sequence length (steps)", ylabel="mean squared error")
    axes.axhline(BASELINE, color=GREY, linestyle="--", linewidth=1.5, zorder=1)
    axes.annotate("always answering 1", (lengths[0], BASELINE), (0, 4), textcoords="offset points", color=GREY)
    seeds = len(errors["RNN"])
    pictures["by_length"] = Picture(
        figure,
        f"Error on fresh sequences by their length; a dot for each of {seeds} seeds, lines through the medians. The "
        "plain network forgets first.",
    )

    figure, axes = panels(1, len(lengths), width=4.2, height=3.8, sharey=True, squeeze=False)
    for panel, length in zip(axes[0], lengths, strict=True):
        losses = {kind: smoothed(arrays[f"{kind}_{length}_loss"]) for kind in NETWORKS}
        seen = np.linspace(0, 1, losses["RNN"].shape[1] + 1)[1:] * arrays["RNN_" + f"{length}_loss"].shape[1]
        draw.curves(
            panel,
            seen * int(arrays["batch"]) / 1000,
            losses,
            xlabel="thousand sequences",
            ylabel="",
            log=True,
            legend="lower left",
        )
        panel.axhline(BASELINE, color=GREY, linestyle="--", linewidth=1.5, zorder=1)
        panel.set_title(f"{length} steps")
        if panel is not axes[0, 0]:
            panel.get_legend().remove()
    axes[0, 0].set_ylabel("mean squared error")
    pictures["learning"] = Picture(
        figure,
        f"Error while learning, {seeds} seeds: median, quartiles and extremes. The dashed line is the error of always "
        "answering 1.",
    )
    return pictures


def smoothed(losses: np.ndarray, points: int = 60) -> np.ndarray:
    """Means over ``points`` consecutive stretches."""
    return np.stack([part.mean(1) for part in np.array_split(losses, min(points, losses.shape[1]), axis=1)], axis=1)
