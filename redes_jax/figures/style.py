"""The look of every figure: one palette safe for colour-blind readers, readable at slide size."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

# Okabe & Ito 2008
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#222222",
)  # fmt: skip
GREY = "#8A8F98"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK)
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"

_RC: dict[Any, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "grid.color": "#E6E8EB",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "image.cmap": SEQUENTIAL,
}


def house():
    """A context in which everything drawn has the house style: ``with house(): ...``."""
    return plt.rc_context(_RC)


def panels(rows: int = 1, columns: int = 1, *, width: float = 5.2, height: float = 3.6, **kwargs) -> tuple[Figure, Any]:
    """A figure with ``rows x columns`` axes in the house style.

    Args:
      rows, columns: the grid.
      width, height: of one panel, in inches.
      **kwargs: go to ``plt.subplots`` (sharex, gridspec_kw, ...).

    Returns:
      ``(figure, axes)``, axes as ``plt.subplots`` gives them.
    """
    with house():
        figure, axes = plt.subplots(
            rows, columns, figsize=(width * columns, height * rows), layout="constrained", **kwargs
        )
    return figure, axes


def band(axes, x, samples, *, label: str, colour: str) -> None:
    """The median over seeds as a line, the quartiles as a band, and the extremes as a fainter one.

    Args:
      axes: where to draw.
      x: (points,) abscissae.
      samples: (seeds, points) values.
      label, colour: of the line.
    """
    low, quarter, middle, three, high = np.quantile(np.asarray(samples), (0, 0.25, 0.5, 0.75, 1), axis=0)
    axes.fill_between(x, low, high, color=colour, alpha=0.10, linewidth=0)
    axes.fill_between(x, quarter, three, color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, middle, color=colour, label=label)


def bare(axes) -> None:
    """An axis that shows an image: no ticks, no grid, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
