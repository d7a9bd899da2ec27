"""Pictures of learning: truth tables in space, curves over seeds, confusion matrices."""

import itertools

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.ticker import NullLocator

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREY, ORANGE, RED, band, bare


def curves(
    axes, x, samples: dict[str, np.ndarray], *, xlabel: str, ylabel: str, log: bool = False, legend: str = "best"
) -> None:
    """Learning curves, one colour a name: median, quartiles and extremes over seeds.

    Args:
      axes: where to draw.
      x: (points,) abscissae, shared.
      samples: name -> (seeds, points) values.
      xlabel, ylabel: of the axes, with units.
      log: logarithmic ordinate.
      legend: where the names go, as Matplotlib's ``loc``.
    """
    for (name, values), colour in zip(samples.items(), itertools.cycle(COLOURS), strict=False):
        band(axes, x, values, label=name, colour=colour)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    axes.legend(loc=legend, frameon=False)


def confusion(axes, matrix: np.ndarray, names: list[str], *, title: str = "") -> None:
    """A confusion matrix, rows the right class: the diagonal in blue, mistakes in red, each by its share of the row.

    Args:
      axes: where to draw.
      matrix: (classes, classes) counts, or means of counts over seeds.
      names: of the classes.
      title: above the panel.
    """
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    wrong = share * ~np.eye(len(matrix), dtype=bool)
    image = np.ones((*matrix.shape, 3))
    blue, red = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in (BLUE, RED))
    image -= (1 - blue) * (0.75 * np.diag(np.diag(share)))[..., None]
    image -= (1 - red) * (np.sqrt(wrong / max(wrong.max(), 1e-12)) * 0.85)[..., None]
    axes.imshow(np.clip(image, 0, 1))
    whole = np.allclose(matrix, np.round(matrix))
    for i, j in np.argwhere(matrix > 0):
        text = f"{matrix[i, j]:.0f}" if whole or matrix[i, j] >= 10 else f"{matrix[i, j]:.1f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=8.5, color="white" if i == j else BLACK)
    axes.set(xlabel="answered", ylabel="right class", title=title)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)


def shares(axes, separable: list[int], functions: list[int]) -> None:
    """How many functions there are of 1, 2, ... inputs, and how many of them are separable, on a logarithmic scale."""
    x = np.arange(1, len(functions) + 1)
    axes.bar(x, functions, 0.68, color="#E3E6EA", label="all functions")
    axes.bar(x, separable, 0.68, color=BLUE, label="linearly separable")
    for n, part, whole in zip(x, separable, functions, strict=True):
        axes.text(n, part / 1.3, f"{part:,}".replace(",", " "), ha="center", va="top", color="white", weight="bold")
        axes.text(n, whole * 1.15, f"{part / whole:.1%}" if part < whole else "all", ha="center", va="bottom")
    axes.set(yscale="log", ylim=(1, functions[-1] * 8), xlabel="inputs", ylabel="functions", xticks=x)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", frameon=False)


def unlearned(axes, erring: np.ndarray, hopeless: int, n: int) -> None:
    """Separable functions not yet learned after each epoch.

    Args:
      axes: where to draw.
      erring: (orders, epochs) perceptrons that made a mistake in the epoch.
      hopeless: how many of them have a function that is not separable.
      n: number of inputs, for the label and the colour.
    """
    left = np.maximum.accumulate((erring - hopeless).mean(0)[::-1])[::-1]
    shown = np.flatnonzero(left)[-1] + 2 if left.any() else 1
    axes.plot(np.arange(1, shown + 1), left[:shown], color=COLOURS[n - 1], label=str(n), marker="o", markersize=3)
    axes.set(yscale="symlog", xlabel="epoch", ylabel="separable, still erring")
    axes.relim()
    axes.autoscale()
    axes.set_ylim(bottom=-0.1)
    axes.yaxis.set_major_formatter("{x:.0f}")


def mistakes_by_kind(axes, mistakes: np.ndarray, bound: np.ndarray, kinds: np.ndarray) -> None:
    """Mistakes of a perceptron until it errs no more, beside Novikoff's bound, by kind of function.

    Args:
      axes: where to draw.
      mistakes: (orders, functions) counts.
      bound: (functions,) the bound of each function.
      kinds: (functions,) the name of each function's kind; kinds are drawn in the order of their bounds.
    """
    names = sorted(set(kinds), key=lambda kind: (bound[kinds == kind].min(), kind))
    boxes = axes.boxplot(
        [mistakes[:, kinds == kind].ravel() for kind in names], whis=(0, 100), widths=0.5, patch_artist=True,
        medianprops={"color": BLACK}, boxprops={"facecolor": "#BFD9EA", "edgecolor": BLUE},
        whiskerprops={"color": BLUE}, capprops={"color": BLUE},
    )  # fmt: skip
    boxes["boxes"][0].set_label("perceptron")
    limits = [bound[kinds == kind].min() for kind in names]
    axes.plot(np.arange(1, len(names) + 1), limits, "_", color=ORANGE, markersize=34, markeredgewidth=3, label="bound")
    axes.set_xticks(range(1, len(names) + 1), [f"{k}\n{(kinds == k).sum()} functions" for k in names], fontsize=10)
    axes.set(ylabel="mistakes until learned", xlabel="smallest integer weights (sizes)", ylim=(0, None))
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", frameon=False)


def truth_square(axes, outputs: np.ndarray, weights: np.ndarray | None, name: str) -> None:
    """A function of two inputs in the plane: full dots where it is true, and the separating line where there is one.

    Args:
      axes: where to draw.
      outputs: (4,) +-1; entry ``i`` belongs to the point whose coordinates are the bits of ``i``.
      weights: (3,) of the inputs and the constant, or None when the function is not separable.
      name: title.
    """
    side = np.linspace(-1.7, 1.7, 241)
    across, up = np.meshgrid(side, side)
    if weights is None:
        axes.set_facecolor("#FBEAE2")
    else:
        sums = weights[0] * across + weights[1] * up + weights[2]
        axes.contourf(across, up, sums > 0, levels=[-0.5, 0.5, 1.5], colors=["white", "#DCEAF4"])
        if (sums > 0).any() and (sums <= 0).any():
            axes.contour(across, up, sums, levels=[0], colors=BLUE, linewidths=2)
    _corners(axes, _points(2), outputs, BLUE if weights is not None else RED)
    axes.set(aspect="equal", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7))
    axes.set_title(name, fontsize=10.5, loc="center", color=BLACK if weights is not None else RED)
    bare(axes)


def truth_cube(axes, outputs: np.ndarray, weights: np.ndarray | None, name: str) -> None:
    """A function of three inputs on a cube: full corners where it is true, and the separating plane where there is one.

    Args:
      axes: where to draw.
      outputs: (8,) +-1; entry ``i`` belongs to the corner whose coordinates are the bits of ``i``.
      weights: (4,) of the inputs and the constant, or None when the function is not separable.
      name: title.
    """
    corners = _points(3)
    oblique = np.array([[1.0, 0.0], [0.0, 1.0], [0.52, 0.34]])
    flat = corners @ oblique
    edges = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
    for a, b in edges:
        axes.plot(*flat[[a, b]].T, color="#B8BDC4", linewidth=1.3, zorder=1)
    if weights is not None:
        cut = _plane_in_cube(weights, corners, edges)
        if len(cut) > 2:
            axes.add_patch(Polygon(cut @ oblique, facecolor=BLUE, alpha=0.22, edgecolor=BLUE, linewidth=1.5, zorder=2))
    _corners(axes, flat, outputs, BLUE if weights is not None else RED)
    axes.set(aspect="equal", xlim=(-1.9, 1.9), ylim=(-1.65, 1.65))
    axes.set_title(name, fontsize=10.5, loc="center", color=BLACK if weights is not None else RED)
    bare(axes)


def _plane_in_cube(weights, corners, edges):
    """The polygon in which the plane ``w . x + b = 0`` cuts the cube, its corners in order."""
    heights = corners @ weights[:3] + weights[3]
    cut = [
        (corners[a] * heights[b] - corners[b] * heights[a]) / (heights[b] - heights[a])
        for a, b in edges
        if heights[a] * heights[b] < 0
    ]
    if len(cut) < 3:
        return np.empty((0, 3))
    cut = np.array(cut)
    normal = weights[:3] / np.linalg.norm(weights[:3])
    first = cut[0] - cut.mean(0)
    second = np.cross(normal, first)
    arms = cut - cut.mean(0)
    return cut[np.argsort(np.arctan2(arms @ second, arms @ first))]


def _points(n):
    return 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1


def _corners(axes, flat, outputs, colour):
    face = [colour if out > 0 else "white" for out in outputs]
    axes.scatter(
        *flat.T, s=55, c=face, edgecolors=[colour if out > 0 else GREY for out in outputs], linewidths=1.5, zorder=3
    )


def by_size(axes, sizes, samples: dict[str, np.ndarray], *, xlabel: str, ylabel: str) -> None:
    """A quantity by the size of a problem on logarithmic axes: a dot for each seed, a named line through the medians.

    Args:
      axes: where to draw.
      sizes: (sizes,) abscissae, rising.
      samples: name -> (seeds, sizes) values.
      xlabel, ylabel: of the axes, with units.
    """
    for i, (name, values) in enumerate(samples.items()):
        middle, colour = np.median(values, axis=0), COLOURS[i]
        axes.plot(sizes, middle, color=colour)
        aside = np.asarray(sizes) * 1.025 ** (i - (len(samples) - 1) / 2)
        axes.plot(np.broadcast_to(aside, values.shape), values, "o", color=colour, markersize=4, alpha=0.55)
        axes.annotate(
            name, (sizes[-1], middle[-1]), (16, 0), textcoords="offset points", color=colour, va="center", weight="bold"
        )
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    axes.set_xlim(sizes[0] / 1.15, sizes[-1] * (sizes[-1] / sizes[0]) ** 0.22)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
