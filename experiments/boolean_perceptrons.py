"""Which Boolean functions can one threshold unit learn? (ch. 3)

Every function of up to four inputs is given to a perceptron of its own, 65 536 of them side by side at four inputs,
and each goes through its truth table in several random orders. A function counts as separable when its perceptron
ends without a mistake, and as not separable when the perceptron still errs after it has had every mistake that a
separable one could make.

That bound is a theorem. Inputs are +-1 with a constant 1 beside them, so ``R^2 = n + 1``. If a function is separable,
then ``y (w . x) >= 1`` has a solution at a vertex, ``n + 1`` of these rows being equalities; by Cramer's rule and
Hadamard's inequality, clearing the common factor ``2^n`` of determinants of +-1, it is a vector of integers no larger
than ``2^-n (n+1)^((n+1)/2)``, which is 1, 1, 2, 3 for n = 1 to 4 (Muroga 1971). Hence ``1/gamma^2 = |w|^2 <= (n+1)
3^2`` at four inputs, and Novikoff's bound ``(R/gamma)^2`` allows at most 225 mistakes in all. An epoch with no
mistake is the end, so after 226 epochs a perceptron that still errs has proved that no weights exist. Integers are
learned exactly, in int32.

Listing all those small integer weights and the functions they compute gives the count a second time, without learning.

    python -m experiments run boolean_perceptrons

Expected: 4, 14, 104 and 1 882 separable of 4, 16, 256 and 65 536 (OEIS A000609). Two CPU cores: quick 10 s, full
about a minute.
"""

import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.figures import learning as draw
from redes_jax.figures.style import panels
from redes_jax.learning.perceptron import perceptron
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    inputs: int = 4  # learn all functions of 1, 2, ... up to this many inputs; 4 at most
    orders: int = 2  # random orders in which each truth table is shown, a perceptron for each
    width: int = 4096  # perceptrons in a block
    seed: int = 0  # of the orders


PRESETS = {"quick": Config(), "full": Config(orders=32)}

_OEIS = "OEIS A000609"
CLAIMS = (
    Claim("separable_1", "separable functions of 1 input", 4, "", _OEIS),
    Claim("separable_2", "separable functions of 2 inputs", 14, "", _OEIS),
    Claim("separable_3", "separable functions of 3 inputs", 104, "", _OEIS),
    Claim("separable_4", "separable functions of 4 inputs", 1882, "", _OEIS),
    Claim("mistakes_over_bound", "most mistakes, of Novikoff's bound", 1, "", "Novikoff 1962", rule="at most"),
)


def run(config: Config, lab: Lab = QUIET) -> Result:
    if not 1 <= config.inputs <= 4:
        raise ValueError(f"inputs is {config.inputs}: between 1 and 4, since 5 inputs have 2**32 functions")
    if config.orders < 1:
        raise ValueError(f"orders is {config.orders}: show the truth tables in at least 1 order")
    arrays, measured, excess = {}, {}, 0.0
    for n in range(1, config.inputs + 1):
        final, erring = learn_all(n, config, lab)
        size, _ = smallest_weights(n)
        separable = final.wrong_epochs < epochs_that_prove(n)
        bound = (n + 1) * size
        excess = max(excess, (final.mistakes[separable] / np.broadcast_to(bound, separable.shape)[separable]).max())
        measured[f"separable_{n}"] = separable.sum(1)
        measured[f"enumerated_{n}"] = np.isfinite(size).sum()
        measured[f"most_mistakes_{n}"] = final.mistakes.max(1, where=separable, initial=0)
        arrays |= {f"separable_{n}": separable[0], f"mistakes_{n}": final.mistakes, f"bound_{n}": bound}
        arrays |= {f"epochs_{n}": final.wrong_epochs, f"weights_{n}": final.weights[0], f"unlearned_{n}": erring}
    return Result(arrays, measured | {"mistakes_over_bound": excess})


@jax.tree_util.register_dataclass
@dataclass
class Unit:
    """One perceptron and its record: mistakes in all, and the last epoch in which it made one."""

    weights: jax.Array
    mistakes: jax.Array
    wrong_epochs: jax.Array


def learn_all(n: int, config: Config, lab: Lab):
    """Teach every function of ``n`` inputs in every order; the units at the end, and how many erred in each epoch."""
    rule = perceptron()
    points, functions = truth_tables(n)
    x, y = jnp.asarray(with_bias(points), jnp.int32), jnp.asarray(functions, jnp.int32)

    def epoch(key, units, t):
        orders = jax.vmap(lambda key: jax.random.permutation(key, 2**n))(jax.random.split(key, config.orders))

        def one(unit, target, order):
            weights, wrong = iterate(rule.step, key, unit.weights, (x[order], target[order]))
            return Unit(weights, unit.mistakes + wrong.sum(), jnp.where(wrong.any(), t + 1, unit.wrong_epochs))

        learn = devices.replicas(
            lambda units, y: jax.vmap(lambda unit, order: one(unit, y, order))(units, orders), config.width
        )
        units = learn(units, y)
        return units, (units.wrong_epochs == t + 1).sum(0)

    shape = (len(functions), config.orders)
    start = Unit(jnp.zeros((*shape, n + 1), jnp.int32), jnp.zeros(shape, jnp.int32), jnp.zeros(shape, jnp.int32))
    epochs = epochs_that_prove(n)
    key = jax.random.fold_in(jax.random.key(config.seed), n)
    units, erring = lab.iterate(f"{n} inputs", epoch, key, start, jnp.arange(epochs), chunk=113)
    return jax.tree.map(lambda leaf: np.swapaxes(np.asarray(leaf), 0, 1), units), erring.T


def truth_tables(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``2^n`` points of +-1, (2^n, n), and all ``2^(2^n)`` functions of them, one a row, as +-1."""
    sign = lambda count: 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1) - 1  # noqa: E731
    return sign(n), sign(2**n)


def with_bias(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points, np.ones(len(points), points.dtype)])


def largest_weight(n: int) -> int:
    """Integers of at most this size compute every threshold function of ``n`` inputs of +-1 (Muroga 1971)."""
    return int((n + 1) ** ((n + 1) / 2) / 2**n)


def epochs_that_prove(n: int) -> int:
    """A perceptron that errs in each of this many epochs has a function that no weights compute."""
    return (n + 1) ** 2 * largest_weight(n) ** 2 + 1


def smallest_weights(n: int) -> tuple[np.ndarray, np.ndarray]:
    """For each function the smallest ``|w|^2`` over integer weights that compute it with margin 1, and these weights.

    Found by listing all integer vectors up to Muroga's size; infinite where none of them computes the function.
    """
    limit = range(-largest_weight(n), largest_weight(n) + 1)
    weights = np.array(list(itertools.product(limit, repeat=n + 1)))
    sums = weights @ with_bias(truth_tables(n)[0]).T
    weights, sums = weights[(sums != 0).all(1)], sums[(sums != 0).all(1)]
    number = (sums > 0) @ (1 << np.arange(2**n))
    norm = (weights**2).sum(1)
    order = np.argsort(-norm, kind="stable")
    size, best = np.full(2**2**n, np.inf), np.zeros((2**2**n, n + 1), int)
    size[number[order]], best[number[order]] = norm[order], weights[order]
    return size, best


def symmetry_classes(n: int) -> np.ndarray:
    """For each function the least number among those equal to it up to renaming and negating inputs and the output."""
    points, functions = truth_tables(n)
    place = 1 << np.arange(n)
    least = np.arange(len(functions))
    for order in itertools.permutations(range(n)):
        for flips in itertools.product((1, -1), repeat=n):
            moved = functions[:, ((points[:, order] * flips) > 0) @ place]
            for image in (moved, -moved):
                least = np.minimum(least, (image > 0) @ (1 << np.arange(2**n)))
    return least


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    inputs = max(int(name.split("_")[1]) for name in arrays if name.startswith("bound_"))
    pictures = {}

    figure, axes = panels(1, 2, width=5.6, height=4.2)
    counts = [int(arrays[f"separable_{n}"].sum()) for n in range(1, inputs + 1)]
    draw.shares(axes[0], counts, [2**2**n for n in range(1, inputs + 1)])
    for n in range(1, inputs + 1):
        draw.unlearned(axes[1], arrays[f"unlearned_{n}"], 2**2**n - counts[n - 1], n)
    axes[1].legend(title="inputs", frameon=False)
    pictures["separable"] = Picture(
        figure,
        "Left: all Boolean functions, and those that one threshold unit computes; the share dwindles. Right: "
        "separable functions whose perceptron still errs, epoch by epoch (mean over orders). The last ones are "
        "learned long before the bound.",
    )

    if inputs >= 2:
        figure, axes = panels(2, 8, width=1.55, height=1.75)
        for number, panel in enumerate(axes.T.reshape(2, 4, 2).transpose(2, 0, 1).ravel()):
            outputs = truth_tables(2)[1][number]
            separable = bool(arrays["separable_2"][number])
            draw.truth_square(panel, outputs, arrays["weights_2"][number] if separable else None, _GATES[number])
        pictures["gates"] = Picture(
            figure,
            "The 16 functions of two inputs, true where the dot is full, with the line that each perceptron found. "
            "XOR and XNOR have none.",
        )

    if inputs >= 3:
        classes, sizes = np.unique(symmetry_classes(3), return_counts=True)
        order = np.argsort(~arrays["separable_3"][classes], kind="stable")
        figure, axes = panels(2, 7, width=1.9, height=2.2)
        for panel, number, size in zip(axes.ravel(), classes[order], sizes[order], strict=True):
            weights = arrays["weights_3"][number] if arrays["separable_3"][number] else None
            draw.truth_cube(panel, truth_tables(3)[1][number], weights, f"{size} functions")
        pictures["cubes"] = Picture(
            figure,
            "The 256 functions of three inputs, one for each of their 14 kinds (equal up to renaming and negating "
            "inputs or the output). A plane that a perceptron found parts full from empty corners in the first "
            "kinds, 104 functions in all; the rest have no such plane.",
        )

    figure, axes = panels(1, 1, width=8, height=4.2)
    separable = arrays[f"separable_{inputs}"]
    size, weights = smallest_weights(inputs)
    kinds = np.array([" ".join(map(str, sorted(np.abs(w), reverse=True))) for w in weights[separable]])
    draw.mistakes_by_kind(axes, arrays[f"mistakes_{inputs}"][:, separable], size[separable] * (inputs + 1), kinds)
    pictures["mistakes"] = Picture(
        figure,
        "Mistakes made before the last, by the smallest integer weights (sizes, sorted) that compute the function of "
        f"{inputs} inputs: box, quartiles; whiskers, extremes over functions and orders. All lie under Novikoff's "
        "bound.",
    )
    return pictures


_GATES = (
    "false", "NOR", "a and not b", "not b", "b and not a", "not a", "XOR", "NAND",
    "AND", "XNOR", "a", "a or not b", "b", "b or not a", "OR", "true",
)  # fmt: skip
