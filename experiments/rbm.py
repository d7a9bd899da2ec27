"""What does a restricted Boltzmann machine dream of, and does it dream of the data? (ch. 17)

Contrastive divergence (CD-k) and its persistent form (PCD-k) learn binary images of digits. Both clamp particles to the data; CD
lets its fantasies run ``k`` sweeps from there, PCD keeps fantasies of its own that wander on between updates.

A small machine, whose hidden layer can be enumerated, shows the exact log-likelihood of unseen images at every epoch: CD-1
digs minima at the data and leaves others it never visits; PCD finds and fills them. A larger one shows what was learned: filters,
clamped particles set free, and fantasies from a random start. Its log-likelihood comes from annealed importance sampling,
which is first held against enumeration on the small one.

    python -m experiments run rbm                      # 8 x 8 digits
    python -m experiments run rbm --preset full        # MNIST where it is on disk, 500 hidden units

Expected on binary MNIST with 500 hidden units: -125.53, -105.50 and -86.34 nats an image by CD-1, CD-3 and CD-25
(Salakhutdinov & Murray 2008; theirs are single machines under their own schedule). Two CPU cores: quick 20 s, full
about 40 minutes; CD-25 is ``--rules CD-25``, an hour more.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import data, devices
from redes_jax.energy import partition
from redes_jax.energy import rbm as machine
from redes_jax.figures import energy as draw
from redes_jax.figures.style import panels
from redes_jax.process import Process, iterate, population


@dataclass(frozen=True)
class Config:
    dataset: Literal["auto", "digits", "mnist"] = "digits"  # auto: MNIST where its files are on disk, else the digits
    binary: Literal["threshold", "sample"] = (
        "threshold"  # black above one half, or drawn from the grey, anew each epoch
    )
    rules: tuple[str, ...] = ("CD-1", "PCD-1")  # CD-k and PCD-k
    seeds: int = 3  # machines of each rule and size
    small: int = 12  # hidden units of the machine that is enumerated
    small_epochs: int = 60  # passes over the data for it
    hidden: int = 128  # hidden units of the larger machine
    epochs: int = 50  # passes over the data for it
    batch: int = 20  # images in a batch, and fantasies of PCD
    rate: float = 0.1  # learning rate at the start; it falls linearly to zero
    betas: int = 1000  # steps of annealing
    annealed: int = 100  # particles of annealing
    seed: int = 0


PRESETS = {
    "quick": Config(),
    "full": Config(
        dataset="auto", binary="sample", rules=("CD-1", "CD-3", "PCD-1"), small=16, small_epochs=10,
        hidden=500, epochs=40, batch=100, rate=0.05, betas=14_500,
    ),
}  # fmt: skip

_SM = "Salakhutdinov & Murray 2008 (to be checked against the paper)"
CLAIMS = (
    Claim("annealing_error", "annealed log Z less the enumerated one", 0, "nat", "enumeration", 0.1),
    Claim("persistent_gain", "PCD-1 over CD-1, test log-likelihood", 0, "nat", "Tieleman 2008", rule="at least"),
    Claim("mnist_CD-1", "MNIST, 500 hidden, CD-1, test log-likelihood", -125.53, "nat", _SM, rule="at least"),
    Claim("mnist_CD-3", "the same by CD-3", -105.50, "nat", _SM, rule="at least"),
    Claim("mnist_CD-25", "the same by CD-25", -86.34, "nat", _SM, 1.0, rule="at least"),
)

_SWEEPS = (0, 1, 10, 100, 1000)


def run(config: Config, lab: Lab = QUIET) -> Result:
    for name in config.rules:
        rule(name, config, 1)
    if min(config.seeds, config.small, config.small_epochs, config.hidden, config.epochs, config.batch) < 1:
        raise ValueError("seeds, small, small_epochs, hidden, epochs and batch must all be at least 1")
    name, train, test = load(config)
    side, key = train.shape[1], jax.random.key(config.seed)
    train, test = train.reshape(len(train), -1), binary(config, jax.random.fold_in(key, 0), test.reshape(len(test), -1))
    arrays, measured = {"rules": np.array(config.rules), "test": test[:10].reshape(-1, side, side)}, {}

    for number, learner in enumerate(config.rules):
        at = jax.random.fold_in(key, number + 1)
        small, exact = learn(lab, learner, config, at, config.small, config.small_epochs, train, test, exactly=True)
        large, _ = learn(lab, learner, config, at, config.hidden, config.epochs, train, test, exactly=False)
        arrays[f"exact_{learner}"] = exact
        measured[f"exact_{learner}"] = exact[:, -1]

        def compare(small=small, large=large, at=at):
            exact = jax.jit(jax.vmap(partition.log_partition))(small)
            annealed = anneal(config, at, small, train)
            log_z = anneal(config, at, large, train)
            values = jax.vmap(lambda params, z: partition.log_likelihood(params, test, z).mean())(large, log_z[:, 0])
            return {"error": annealed[:, 0] - exact, "log_z": log_z, "values": values}

        annealed = lab.once(f"annealing {learner}", compare)
        measured[f"annealing_error_{learner}"] = annealed["error"]
        arrays[f"annealed_{learner}"] = annealed["values"]
        measured[f"annealed_{learner}"] = annealed["values"]
        if name == "mnist" and config.hidden == 500:
            measured[f"mnist_{learner}"] = annealed["values"]
        first = jax.tree.map(lambda leaf: leaf[0], large)
        arrays[f"filters_{learner}"] = np.asarray(first.weights.T).reshape(-1, side, side)[:60]
        released = lab.once(f"particles {learner}", lambda first=first, at=at: release(at, first, test[:10]))
        arrays |= {f"{kind}_{learner}": x.reshape(*x.shape[:-1], side, side) for kind, x in released.items()}

    measured["annealing_error"] = np.concatenate([measured.pop(f"annealing_error_{r}") for r in config.rules])
    if {"CD-1", "PCD-1"} <= set(config.rules):
        measured["persistent_gain"] = arrays["annealed_PCD-1"] - arrays["annealed_CD-1"]
    return Result(arrays, measured)


def load(config):
    """The name of the data set, and grey images in [0, 1] to learn from and to test."""
    if config.dataset == "mnist" or (config.dataset == "auto" and data.mnist.available()):
        name, images = "mnist", data.mnist.load()
    else:
        name, images = "digits", data.digits.load()
    return name, images.train_images, images.test_images


def binary(config, key, grey):
    """Images of zeros and ones."""
    level = jax.random.uniform(key, grey.shape) if config.binary == "sample" else 0.5
    return jnp.asarray(grey > level, jnp.float32)


def rule(name, config, updates):
    """The learning rule called ``CD-k`` or ``PCD-k``, its rate falling to zero over ``updates`` steps."""
    kind, _, steps = name.partition("-")
    if kind not in ("CD", "PCD") or not steps.isdigit():
        raise ValueError(f"rule {name!r} is not known: write CD-k or PCD-k, such as CD-1 or PCD-5")
    optimiser = optax.sgd(optax.linear_schedule(config.rate, 0.0, updates))
    if kind == "CD":
        return machine.contrastive_divergence(optimiser, int(steps))
    return machine.persistent_contrastive_divergence(optimiser, config.batch, int(steps))


def learn(lab, name, config, key, hidden, epochs, train, test, exactly):
    """Machines of every seed, and with ``exactly`` the mean log-likelihood of the test images after each epoch."""
    batches = len(train) // config.batch
    learner = rule(name, config, epochs * batches)
    mean = train.mean(0)

    def begin(key):
        return learner.init(key, machine.initialise(key, train.shape[1], hidden, mean))

    def epoch(train, test, key, state, t):
        image_key, order_key, step_key = jax.random.split(key, 3)
        images = binary(config, image_key, train).astype(bool)
        order = jax.random.permutation(order_key, len(train))[: batches * config.batch]

        def step(key, state, members):
            return learner.step(key, state, images[members])

        state, report = iterate(step, step_key, state, order.reshape(batches, -1))
        if not exactly:
            return state, jnp.mean(report.data - report.fantasies)
        log_z = partition.log_partition(state.params)
        return state, jnp.mean(partition.log_likelihood(state.params, test, log_z))

    def all_seeds(train, test):
        one = Process(begin, lambda key, state, t: epoch(train, test, key, state, t))
        return population(one, config.seeds, over=lambda fn: devices.replicas(fn, width=1))

    def step(train, test, key, states, t):
        return all_seeds(train, test).step(key, states, t)

    states, values = lab.iterate(
        f"{name}, {hidden} hidden", Partial(step, jnp.asarray(train), test), key, jax.jit(all_seeds(train, test).init)(key),
        jnp.arange(epochs), chunk=max(1, epochs // 10),
    )  # fmt: skip
    return states.params, values.T


def anneal(config, key, params, train):
    """The annealed ``log Z`` of each machine, with its bounds: (machines, 3)."""
    mean = jnp.clip(jnp.asarray(train.mean(0)), 0.01, 0.99)
    return _anneal(key, params, jnp.log(mean) - jnp.log1p(-mean), config.betas, config.annealed)


@partial(jax.jit, static_argnums=(3, 4))
def _anneal(key, params, base, steps, particles):
    betas = jnp.linspace(0, 1, steps + 1)

    def one(params):
        process = partition.annealing(params, base)
        state = process.init(key, particles)
        state, _ = iterate(process.step, key, state, (betas[:-1], betas[1:]))
        return jnp.stack(partition.annealed_log_partition(base, params.hidden_bias.shape[0], state.log_weight))

    return jax.lax.map(one, params)


@jax.jit
def release(key, params, images):
    """Particles clamped to images and then set free, and fantasies from coins: means after each number of sweeps."""
    chain = machine.gibbs(params)
    clamped = machine.hidden_mean(params, images)
    free = jax.random.bernoulli(key, clamped).astype(clamped.dtype)
    start = jnp.concatenate([free, chain.init(key, len(images))])
    _, path = iterate(chain.step, key, start, length=_SWEEPS[-1], observe=lambda hidden, _: hidden.astype(bool))
    hidden = jnp.concatenate([start[None], path[jnp.array(_SWEEPS[1:]) - 1]])
    shown = machine.visible_mean(params, hidden)
    return {"released": shown[:, : len(images)], "fantasies": shown[-1, len(images) :]}


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    rules = [str(name) for name in arrays["rules"]]
    pictures = {}

    figure, axes = panels(1, 2, width=5.8, height=4.2, gridspec_kw={"width_ratios": [1.5, 1]})
    exact = {name: arrays[f"exact_{name}"] for name in rules}
    epochs = np.arange(1, exact[rules[0]].shape[1] + 1)
    draw.likelihood(axes[0], epochs, exact, ylabel="exact test log-likelihood (nats)")
    axes[0].set_title("small machine, enumerated")
    draw.annealed(axes[1], {name: arrays[f"annealed_{name}"] for name in rules})
    axes[1].set_title("larger machine, annealed")
    pictures["likelihood"] = Picture(
        figure,
        "Mean log-likelihood of unseen images. Left: exact, through learning, over seeds. Right: at the end, by annealed "
        "importance sampling, a dot for each seed.",
    )

    for name in rules:
        released = arrays[f"released_{name}"]
        labels = ("clamped", *(f"{n} sweep{'s' * (n > 1)}" for n in _SWEEPS[1:]))
        images = np.concatenate([arrays["test"][None], released, arrays[f"fantasies_{name}"][None]])
        figure, axes = panels(width=8.6, height=6.2)
        draw.mosaic(axes, images, rows=("data", *labels, "from coins"))
        pictures[f"particles_{name}"] = Picture(
            figure,
            f"{name}. Particles clamped to unseen images (their reconstruction in the second row), then set free; last row: "
            f"fantasies, {_SWEEPS[-1]} sweeps from a random start. Grey is the probability of a pixel.",
        )

    figure, axes = panels(1, len(rules), width=5.4, height=3.9, squeeze=False)
    for panel, name in zip(axes[0], rules, strict=True):
        filters = arrays[f"filters_{name}"]
        filters = filters[: len(filters) // 10 * 10] if len(filters) >= 10 else filters
        draw.mosaic(panel, filters.reshape(-1, min(10, len(filters)), *filters.shape[1:]), symmetric=True)
        panel.set_title(name)
    pictures["filters"] = Picture(
        figure,
        "Weights of hidden units to the image, each by its own largest: red excites, blue inhibits. Strokes and their absence.",
    )
    return pictures
