"""Pictures of searches that look for more than one answer."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, GREEN, ORANGE, RED, band, bare

SEARCH = {"objective": (ORANGE, "by objective"), "novelty": (BLUE, "by novelty"), "elites": (GREEN, "MAP-Elites")}


def maze(axes, walls: np.ndarray, start: np.ndarray, goal: np.ndarray, quality: np.ndarray) -> None:
    """A maze and the quality of its cells.

    Args:
      axes: where to draw.
      walls: (walls, 4), ``x0, y0, x1, y1`` in the unit square.
      start, goal: (2,).
      quality: (cells, cells), rows of equal height from below, NaN where nobody has been.
    """
    axes.imshow(quality, extent=(0, 1, 0, 1), origin="lower", vmin=0, vmax=1)
    for x0, y0, x1, y1 in walls:
        axes.plot((x0, x1), (y0, y1), color=BLACK, linewidth=3, solid_capstyle="round")
    axes.plot(*start, "o", color=RED, markersize=9, markeredgecolor="white")
    axes.plot(*goal, "*", color=RED, markersize=16, markeredgecolor="white")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    bare(axes)


def solved(axes, runs: dict[str, np.ndarray]) -> None:
    """The share of runs that have reached the goal, by generation.

    Args:
      axes: where to draw.
      runs: search -> (seeds, generations) of booleans.
    """
    for name, samples in runs.items():
        colour, label = SEARCH[name]
        axes.plot(1 + np.arange(samples.shape[1]), 100 * samples.mean(0), color=colour, label=label)
    axes.set(xlabel="generation", ylabel="runs at the goal (%)", ylim=(-3, 103), xlim=(1, None))
    axes.legend()


def curves(axes, samples: dict[str, np.ndarray], label: str) -> None:
    """Search -> (seeds, generations) by generation, with a label for the ordinate."""
    for name, values in samples.items():
        colour, title = SEARCH[name]
        band(axes, 1 + np.arange(values.shape[1]), values, label=title, colour=colour)
    axes.set(xlabel="generation", ylabel=label, ylim=(0, None), xlim=(1, None))
