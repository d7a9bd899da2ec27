"""How well do a multilayer perceptron and LeNet-5 read handwritten digits? (ch. 4, 10)

Both are trained by Adam with a cosine schedule on cross-entropy, each as a population of seeds that differ in their
initial weights, the order of the examples and the random shifts of the images. The schedule is fixed beforehand and
the weights after the last epoch are the ones judged; the test curve is only drawn. The rate for the digits is the best
of 0.002, 0.004, 0.008 and 0.016 on a quarter of the training set held out; the settings for MNIST were not searched.

    python -m experiments run mnist                      # scikit-learn's 8 x 8 digits, seconds
    python -m experiments run mnist --preset full        # LeNet-5 on MNIST, six seeds

Expected on MNIST: LeNet-5 of 1998 0.95% error, 0.8% with distorted images added (LeCun et al. 1998); ours has ReLU and
max-pooling, and is shown each image shifted by up to two pixels. On the digits, scikit-learn's MLPClassifier with 32
hidden units is right on 96.4% of the test images. Two CPU cores: quick 16 s, full 19 minutes beside other programs.

The seeds are dealt to all devices one by one. On CPU the convolutions are matrix products inside the scan
(:func:`redes_jax.networks.convolution.convolve` says why).
"""

import time
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import data, devices
from redes_jax.figures import learning as draw
from redes_jax.figures import networks as draw_network
from redes_jax.figures.style import panels
from redes_jax.learning import splits
from redes_jax.learning.gradient import descend
from redes_jax.learning.losses import cross_entropy
from redes_jax.learning.metrics import accuracy, averaged, confusion_matrix
from redes_jax.networks.convolution import LeNet5
from redes_jax.networks.mlp import MLP
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    dataset: Literal["auto", "digits", "mnist"] = "digits"  # auto: MNIST where its files are on disk, else the digits
    folder: str = ""  # four files in MNIST's layout (Fashion-MNIST, KMNIST) to use instead; overrides dataset
    network: Literal["mlp", "lenet5", "both"] = "both"  # what to train
    hidden: tuple[int, ...] = (64,)  # units in the hidden layers of the MLP
    classic: bool = False  # LeNet-5 with tanh and mean-pooling, as in 1998
    batch_norm: bool = False  # normalise the hidden layers
    seeds: int = 8  # networks of each kind
    epochs: int = 20  # passes over the training set
    batch: int = 32  # images in a batch
    rate: float = 0.016  # Adam's first learning rate; a half cosine takes it to zero
    decay: float = 0.01  # decoupled weight decay (AdamW), times the rate at each step
    shift: int = 0  # each image is moved by up to this many pixels each way, anew in every epoch
    width: int = 4  # networks in a block on a device; 1 when a single network fills a core
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(
        dataset="mnist", network="lenet5", seeds=6, epochs=25, batch=128, rate=0.003, decay=0.02, shift=2, width=1
    ),
}

_LECUN = "LeCun et al. 1998"
CLAIMS = (
    Claim("mnist_lenet5_error_percent", "LeNet-5 on MNIST, test error", 0.95, "%", _LECUN, rule="at most"),
    Claim("mnist_lenet5_error_percent", "the same, distorted images added", 0.8, "%", _LECUN, 0.1, rule="at most"),
    Claim("digits_mlp_accuracy", "MLP on 8 x 8 digits, accuracy", 0.9636, "",
          "scikit-learn 1.9, MLPClassifier(32), 25% test, 5 seeds", 0.01, rule="at least"),
)  # fmt: skip


def run(config: Config, lab: Lab = QUIET) -> Result:
    name, images = load(config)
    if min(config.seeds, config.epochs) < 1 or config.shift < 0:
        raise ValueError(
            f"seeds {config.seeds}, epochs {config.epochs}, shift {config.shift}: at least 1, 1 and 0 are needed"
        )
    if config.shift >= images.train_images.shape[1] // 2:
        raise ValueError(
            f"shift is {config.shift}: images of {images.train_images.shape[1]} pixels bear less than half"
        )
    arrays, measured = {}, {}
    for kind in ("mlp", "lenet5") if config.network == "both" else (config.network,):
        net = network(kind, images, config)
        begin = time.perf_counter()
        states, seen = train(net, kind, images, config, lab)
        measured[f"{name}_{kind}_seconds"] = time.perf_counter() - begin
        if not seen["finite"].all():
            raise FloatingPointError(
                f"{kind}: a loss was not finite, the training diverged; try a rate below {config.rate}"
            )
        scores = judge(net, states, images)
        for score in ("accuracy", "precision", "recall", "f"):
            measured[f"{name}_{kind}_{score}"] = scores.pop(score)
        measured[f"{name}_{kind}_error_percent"] = 100 * (1 - measured[f"{name}_{kind}_accuracy"])
        measured[f"{name}_{kind}_parameters"] = sum(leaf[0].size for leaf in jax.tree.leaves(states.params))
        arrays |= {f"{kind}_{key}": value for key, value in (scores | seen).items()}
        if kind == "lenet5":
            arrays |= look_inside(net, states, images)
        shown = worst_mistakes(scores["logits"], images.test_labels)
        arrays |= {f"{kind}_worst_{key}": value for key, value in shown.items()}
        arrays[f"{kind}_worst_images"] = images.test_images[shown["which"]]
        arrays.pop(f"{kind}_logits")
    return Result(arrays, measured)


def load(config: Config) -> tuple[str, "data.images.Images"]:
    """The data set's name and its images."""
    if config.folder:
        return "folder", data.mnist.load_folder(config.folder)
    chosen = config.dataset
    if chosen == "auto":
        chosen = "mnist" if data.mnist.available() else "digits"
    return chosen, data.mnist.load() if chosen == "mnist" else data.digits.load()


def network(kind: str, images, config: Config):
    """The network of that kind whose output suits the classes and whose kernels suit the size of the images."""
    classes = int(images.train_labels.max()) + 1
    if kind == "mlp":
        return MLP((*config.hidden, classes), jax.nn.relu, config.batch_norm)
    shape = {} if images.train_images.shape[1] >= 14 else {"size": 3, "padding": ("SAME", "SAME")}
    return LeNet5(classes, classic=config.classic, batch_norm=config.batch_norm, **shape)


def train(net, kind: str, images, config: Config, lab: Lab):
    """A population of ``net`` over seeds; what is seen is one row an epoch: loss, error on both sets, finite."""
    of_weights, of_order, of_training = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), len(kind)), 3)
    count, steps = len(images.train_images), len(images.train_images) // config.batch
    orders = jax.lax.map(
        lambda key: splits.epochs(key, count, config.batch, config.epochs), jax.random.split(of_order, config.seeds)
    )
    orders = orders.reshape(config.seeds, config.epochs, steps, config.batch).swapaxes(0, 1)

    def learner(train_images, train_labels, rate):
        def loss(params, buffers, key, batch):
            x = shifted(key, train_images[batch], config.shift)
            logits, moved = net.apply({"params": params, **buffers}, x, train=True, mutable=list(buffers))
            right = (logits.argmax(-1) == train_labels[batch]).mean()
            return cross_entropy(logits, train_labels[batch]).mean(), (dict(moved), {"error": 1 - right})

        schedule = optax.cosine_decay_schedule(1.0, config.epochs * steps)
        return descend(
            loss, optax.chain(optax.adamw(rate, weight_decay=config.decay), optax.scale_by_schedule(schedule))
        )

    def initialise(key):
        variables = dict(net.init(key, jnp.asarray(images.train_images[:1])))
        return variables.pop("params"), variables

    def epoch(sets, rate, key, states, orders):
        train_images, train_labels, test_images, test_labels = sets
        process = learner(train_images, train_labels, rate)

        def one(key, state, order):
            state, seen = iterate(process.step, key, state, order)
            answers = logits_of(net, state, test_images).argmax(-1)
            return state, {
                "train_loss": seen["loss"].mean(),
                "train_error": seen["error"].mean(),
                "test_error": (answers != test_labels).mean(),
                "finite": seen["finite"].all(),
            }

        return devices.replicas(one, config.width)(jax.random.split(key, config.seeds), states, orders)

    process = learner(images.train_images, images.train_labels, config.rate)
    start = devices.replicas(lambda key: process.init(key, initialise), 1)  # narrow blocks compile fastest
    states = jax.jit(start)(jax.random.split(of_weights, config.seeds))
    sets = jax.tree.map(jnp.asarray, images)
    states, seen = lab.iterate(kind, Partial(epoch, sets, config.rate), of_training, states, orders, chunk=1)
    return states, {name: np.swapaxes(value, 0, 1) for name, value in seen.items()}


def shifted(key, images, reach: int):
    """Every image moved by up to ``reach`` pixels each way, independently; background, 0, comes in from outside."""
    if reach == 0:
        return images
    side = images.shape[1:]
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * reach + 1)
    framed = jnp.pad(images, ((0, 0), (reach, reach), (reach, reach)))
    return jax.vmap(lambda image, corner: jax.lax.dynamic_slice(image, corner, side))(framed, corners)


def logits_of(net, state, images):
    """The logits of every image, 250 images at a time so that memory stays bounded."""
    variables = {"params": state.params, **state.buffers}
    return jax.lax.map(lambda image: net.apply(variables, image[None])[0], images, batch_size=250)


def judge(net, states, images):
    """Confusion matrix and macro-averaged scores of each seed on the test set, and its logits."""

    @jax.jit
    def one(state, test_images, test_labels):
        logits = logits_of(net, state, test_images)
        confusion = confusion_matrix(test_labels, logits.argmax(-1), logits.shape[-1])
        macro = averaged(confusion)
        return {
            "logits": logits,
            "confusion": confusion,
            "accuracy": accuracy(confusion),
            "precision": macro.precision,
            "recall": macro.recall,
            "f": macro.f,
        }

    sets = jnp.asarray(images.test_images), jnp.asarray(images.test_labels)
    members = [one(member(states, seed), *sets) for seed in range(len(jax.tree.leaves(states)[0]))]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *members)


def member(states, seed: int):
    return jax.tree.map(lambda leaf: leaf[seed], states)


def look_inside(net, states, images, seed: int = 0):
    """The first kernels of one seed's LeNet-5 and its feature maps of one test image."""
    state = member(states, seed)
    image = images.test_images[0]
    variables = {"params": state.params, **state.buffers}
    _, kept = net.apply(variables, jnp.asarray(image)[None], mutable=["intermediates"])
    maps = kept["intermediates"]
    return {
        "kernels": np.asarray(state.params["Conv_0"]["kernel"][..., 0, :]).transpose(2, 0, 1),
        "image": image,
        "maps_0": np.asarray(maps["maps_0"][0][0]).transpose(2, 0, 1),
        "maps_1": np.asarray(maps["maps_1"][0][0]).transpose(2, 0, 1),
    }


def worst_mistakes(logits: np.ndarray, labels: np.ndarray, count: int = 24) -> dict[str, np.ndarray]:
    """The test images to whose right class the seeds together gave least probability.

    Args:
      logits: (seeds, images, classes).
      labels: (images,) the right classes.
      count: how many.

    Returns:
      Their numbers, right classes, the classes answered by the mean probability, and that probability, worst first.
    """
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares = (shares / shares.sum(-1, keepdims=True)).mean(0)
    answers = shares.argmax(-1)
    right = shares[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(answers != labels)
    which = wrong[np.argsort(right[wrong], kind="stable")][:count]
    return {"which": which, "right": labels[which], "answered": answers[which], "confidence": shares[which].max(-1)}


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
    kinds = [kind for kind in ("mlp", "lenet5") if f"{kind}_test_error" in arrays]
    names = {"mlp": "MLP", "lenet5": "LeNet-5"}
    seeds, epochs = arrays[f"{kinds[0]}_test_error"].shape

    figure, axes = panels(1, 2, width=5.6, height=4.2)
    epoch = np.arange(1, epochs + 1)
    losses = {names[kind]: arrays[f"{kind}_train_loss"] for kind in kinds}
    draw.curves(axes[0], epoch, losses, xlabel="epoch", ylabel="cross-entropy (nats)", log=True)
    axes[0].set_title("Training set")
    errors = {names[kind]: 100 * arrays[f"{kind}_test_error"] for kind in kinds}
    draw.curves(axes[1], epoch, errors, xlabel="epoch", ylabel="error (%)", log=True)
    axes[1].set_title("Test set")
    for axis in (axes[1].yaxis.set_major_formatter, axes[1].yaxis.set_minor_formatter):
        axis(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
    for panel in axes:
        panel.xaxis.get_major_locator().set_params(integer=True)
    pictures["curves"] = Picture(
        figure,
        f"Learning by epoch, {seeds} seeds: median, quartiles and extremes. Left, the loss met during the epoch, on shifted "
        "images where the configuration asks for them; right, the error on images never trained on.",
    )

    figure, axes = panels(1, len(kinds), width=5.4, height=4.9, squeeze=False)
    for panel, kind in zip(axes[0], kinds, strict=True):
        confusion = arrays[f"{kind}_confusion"].mean(0)
        digits = [str(digit) for digit in range(len(confusion))]
        error = 100 * (1 - np.trace(confusion) / confusion.sum())
        draw.confusion(panel, confusion, digits, title=f"{names[kind]}: {error:.2f}% wrong")
    pictures["confusion"] = Picture(
        figure,
        f"Test images of each class (row) by the class answered (column), mean over {seeds} seeds. Redder: a larger "
        "share of the class goes astray there.",
    )

    if "kernels" in arrays:
        figure, axes = panels(4, 8, width=1.15, height=1.22)
        draw_network.convolution_story(axes, *(arrays[key] for key in ("image", "kernels", "maps_0", "maps_1")))
        pictures["filters"] = Picture(
            figure,
            "One test image through LeNet-5: the six kernels of the first layer (red excites, blue inhibits), the "
            "map that each makes of the image, and the sixteen maps of the second layer.",
        )

    kind = kinds[-1]
    figure, axes = panels(max(1, -(-len(arrays[f"{kind}_worst_which"]) // 8)), 8, width=1.2, height=1.6, squeeze=False)
    draw_network.mistakes(
        axes, *(arrays[f"{kind}_worst_{key}"] for key in ("images", "right", "answered", "confidence"))
    )
    pictures["mistakes"] = Picture(
        figure,
        f"The test images on which {names[kind]} is most wrong: right class, arrow, class answered; below, the mean "
        "probability that the seeds gave to that answer.",
    )
    return pictures
