"""Pictures of neurons with a shape: drawn compartment by compartment, and what travels along them."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, bare

KIND_COLOURS = {"soma": BLACK, "dendrite": BLUE, "apical": SKY, "axon": ORANGE, "hillock": PURPLE}


def neuron(axes, line, diameter, kinds, *, values=None, limits=(-80.0, 40.0), scale: float, widest: float = 14.0):
    """A tree in its plane, each compartment a stroke as wide as its diameter, coloured by kind or by a value.

    Args:
      axes: where to draw.
      line: (compartments, 2, 3) where each begins and ends, um; x and y are drawn.
      diameter: (compartments,) um.
      kinds: (compartments,) names.
      values: (compartments,) what colours them instead, a potential say.
      limits: of the colours.
      scale: length of the scale bar, um.
      widest: points that the widest stroke may have; the thinnest have 1.

    Returns:
      The strokes, for a colour bar or for the frames of a film.
    """
    order = np.argsort(np.asarray(kinds) == "soma", kind="stable")  # the soma over what leaves it
    width = 1.0 + (widest - 1.0) * np.clip(diameter / diameter.max(), 0.0, 1.0) ** 0.75
    strokes = LineCollection(list(line[order, :, :2]), linewidths=width[order], capstyle="round")
    if values is None:
        strokes.set_color([KIND_COLOURS.get(str(kinds[k]), GREY) for k in order])
    else:
        strokes.set(array=values[order], cmap="plasma", norm=Normalize(*limits))
    axes.add_collection(strokes)
    low, high = line[:, :, :2].min((0, 1)), line[:, :, :2].max((0, 1))
    pad = 0.06 * max(high - low)
    axes.set(xlim=(low[0] - pad, high[0] + pad), ylim=(low[1] - 3 * pad, high[1] + pad), aspect="equal")
    bare(axes)
    axes.plot([low[0], low[0] + scale], [low[1] - 1.6 * pad] * 2, color=BLACK, linewidth=2.5, solid_capstyle="butt")
    axes.text(low[0] + scale / 2, low[1] - 1.9 * pad, f"{scale:g} $\\mu$m", ha="center", va="top", fontsize=10)
    return strokes


def kind_legend(axes, kinds) -> None:
    """What the colours of :func:`neuron` mean, on axes of its own."""
    bare(axes)
    for kind in kinds:
        axes.plot([], [], color=KIND_COLOURS.get(kind, GREY), linewidth=5, label=kind)
    axes.legend(loc="center")


def travelling(axes, time, distance, voltage, *, title: str, limits=(-80.0, 40.0)):
    """Potential over distance and time: a spike that travels is a slanted stripe, one that leaps a staircase.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      distance: (compartments,) mm, rising, not evenly spaced.
      voltage: (samples, compartments) mV.
      title: of the panel.
      limits: of the colours, mV.
    """
    image = axes.pcolormesh(
        time, distance, voltage.T, cmap="inferno", vmin=limits[0], vmax=limits[1], shading="nearest", rasterized=True
    )
    axes.set(xlabel="time (ms)", ylabel="distance (mm)", title=title)
    axes.grid(False)
    return image


def velocities(axes, series: dict[str, tuple], *, title: str) -> None:
    """Velocity against diameter on logarithmic axes with fitted power laws.

    Args:
      axes: where to draw.
      series: name -> (diameters in um, velocities in m/s, exponent fitted).
      title: of the panel.
    """
    for (name, (diameter, speed, exponent)), colour in zip(series.items(), (BLUE, ORANGE, GREEN), strict=False):
        x = np.geomspace(diameter.min(), diameter.max(), 20)
        fit = np.exp(np.polyval(np.polyfit(np.log(diameter), np.log(speed), 1), np.log(x)))
        axes.loglog(x, fit, color=colour, alpha=0.5)
        axes.loglog(diameter, speed, "o", color=colour, ms=8, label=f"{name}: $v \\propto d^{{{exponent:.3f}}}$")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=r"outer diameter ($\mu$m)", ylabel="velocity (m/s)", title=title)
    axes.legend(loc="upper left")


def attenuation(axes, distance, curves: dict[str, tuple], *, colour: str) -> None:
    """Steady potential along a passive cable, computed over the closed form, on a logarithmic axis.

    Args:
      axes: where to draw.
      distance: (compartments,) in length constants.
      curves: name -> (computed, closed form), each (compartments,), as a share of that at the near end.
      colour: of both.
    """
    for name, (ours, exact) in curves.items():
        axes.semilogy(distance, exact, color=colour, linewidth=6, alpha=0.35)
        axes.semilogy(distance, ours, color=colour, linestyle="--", label=name)
    axes.set(xlabel=r"distance ($\lambda$)", ylabel="potential (share)")
    axes.legend(loc="lower left")
