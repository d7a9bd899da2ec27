"""Pictures of nets with an energy: memories recalled, energy falling, capacity, filters and particles."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from redes_jax.figures.style import BLACK, BLUE, COLOURS, DIVERGING, GREY, ORANGE, RED, band, bare

_INK = LinearSegmentedColormap.from_list("ink", ["#FFFFFF", "#0B2545"])


def mosaic(axes, images: np.ndarray, *, rows=(), columns=(), gap: float = 0.12, symmetric: bool = False) -> None:
    """Images in a grid with room between them.

    Args:
      axes: where to draw.
      images: (rows, columns, height, width).
      rows, columns: their names, at the left and above.
      gap: between images, as a share of their width.
      symmetric: values of either sign, each image by its own largest; otherwise ink from 0 to 1.
    """
    down, across, height, width = images.shape
    if symmetric:
        images = images / np.maximum(np.abs(images).max((2, 3), keepdims=True), 1e-12)
    space = max(1, round(gap * width))
    canvas = np.full((down * (height + space) - space, across * (width + space) - space), np.nan)
    for i in range(down):
        for j in range(across):
            top, left = i * (height + space), j * (width + space)
            canvas[top : top + height, left : left + width] = images[i, j]
    low, colours = (-1, DIVERGING) if symmetric else (0, _INK)
    axes.imshow(canvas, vmin=low, vmax=1, cmap=colours, interpolation="nearest")
    for i, name in enumerate(rows):
        axes.text(-space, i * (height + space) + height / 2, name, ha="right", va="center", fontsize=12)
    for j, name in enumerate(columns):
        axes.text(j * (width + space) + width / 2, -space, name, ha="center", va="bottom", fontsize=12)
    if not symmetric:
        for i in range(down):
            for j in range(across):
                corner = j * (width + space) - 0.5, i * (height + space) - 0.5
                axes.add_patch(_frame(corner, width, height))
    axes.set(xlim=(-1.5, canvas.shape[1] + 0.5), ylim=(canvas.shape[0] + 0.5, -1.5))
    bare(axes)


def fall(axes, time, energies: np.ndarray, overlaps: np.ndarray, floor: float) -> None:
    """Energy of many states while they fall, coloured by how near to a memory each came to rest.

    Args:
      axes: where to draw.
      time: (points,) spins visited over the number of spins.
      energies: (points, states) energy per spin.
      overlaps: (states,) the overlap at the end.
      floor: energy per spin of a stored pattern.
    """
    lines = [np.column_stack([time, energies[:, k]]) for k in np.argsort(overlaps)]
    colours = LinearSegmentedColormap.from_list("recall", [RED, "#D9C9B0", BLUE])
    drawn = LineCollection(lines, array=np.sort(overlaps), cmap=colours, linewidths=1.3, alpha=0.85)
    drawn.set_clim(0.2, 1)
    axes.add_collection(drawn)
    axes.axhline(floor, color=BLACK, linestyle=":", linewidth=1.5)
    axes.annotate(
        "a stored pattern", (time[-1], floor), (-4, -22), textcoords="offset points", ha="right", fontsize=10.5
    )
    axes.set(xlabel="sweeps (spins visited / spins)", ylabel="energy per spin", xlim=(0, time[-1]))
    axes.autoscale_view(scalex=False)
    axes.set_ylim(bottom=1.13 * floor)
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02)
    bar.set_label("overlap at rest")
    bar.outline.set_visible(False)


def capacity(axes, loads, overlaps: dict[int, np.ndarray], theory: tuple[np.ndarray, np.ndarray]) -> None:
    """Overlap after recall against load for nets of several sizes, beside mean-field theory.

    Args:
      axes: where to draw.
      loads: (points,) patterns per unit.
      overlaps: units -> (seeds, points).
      theory: ``(load, overlap)`` of the limit of many units, up to the capacity.
    """
    shades = LinearSegmentedColormap.from_list("sizes", ["#A9CCE3", BLUE, "#0B2545"])(np.linspace(0, 1, len(overlaps)))
    for (size, samples), colour in zip(overlaps.items(), shades, strict=True):
        middle, error = samples.mean(0), samples.std(0)
        axes.errorbar(
            loads,
            middle,
            error,
            color=colour,
            marker="o",
            markersize=4,
            linewidth=1.2,
            capsize=2,
            label=f"{size} units",
        )
    load, overlap = theory
    axes.plot(load, overlap, color=ORANGE, linewidth=3, label="theory, infinitely many", zorder=3)
    axes.plot([load[-1]] * 2, [overlap[-1], 0], color=ORANGE, linewidth=1.5, linestyle="--", zorder=3)
    axes.set(xlabel=r"load $\alpha$ (patterns / units)", ylabel="overlap after recall")


def basins(axes, starts, ends: dict[float, np.ndarray]) -> None:
    """Overlap after recall against overlap before.

    Args:
      axes: where to draw.
      starts: (points,) initial overlaps.
      ends: load -> (seeds, points) overlaps at rest.
    """
    for (load, samples), colour in zip(ends.items(), COLOURS, strict=False):
        band(axes, starts, samples, label=rf"$\alpha = {load:g}$", colour=colour)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.5)
    axes.set(xlabel="overlap before recall", ylabel="overlap after recall", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right", frameon=False)


def recall_frames(states: np.ndarray, *, scale: int = 3, gap: int = 4, hold: int = 6) -> np.ndarray:
    """Frames of images being recalled side by side.

    Args:
      states: (time, images, height, width) spins +-1.
      scale: screen pixels for a spin.
      gap: spins between images.
      hold: times the first and the last frame are shown.

    Returns:
      uint8 (time, height, width, 3).
    """
    padded = np.pad(states, ((0, 0), (0, 0), (gap, gap), (gap, 0)), constant_values=-1)
    ink = (np.concatenate(list(np.moveaxis(padded, 1, 0)), axis=2) + 1) / 2
    colours = np.round(_INK(ink.astype(float))[..., :3] * 255).astype(np.uint8)
    frames = colours.repeat(scale, axis=1).repeat(scale, axis=2)
    return np.concatenate([frames[:1].repeat(hold, 0), frames, frames[-1:].repeat(2 * hold, 0)])


def likelihood(axes, epochs, samples: dict[str, np.ndarray], *, ylabel: str) -> None:
    """Log-likelihood through learning, a colour for each rule: median, quartiles and extremes over seeds.

    Args:
      axes: where to draw.
      epochs: (points,).
      samples: rule -> (seeds, points), nats an image.
      ylabel: which likelihood it is.
    """
    for (name, values), colour in zip(samples.items(), COLOURS, strict=False):
        band(axes, epochs, values, label=name, colour=colour)
    axes.set(xlabel="epoch", ylabel=ylabel)
    axes.legend(loc="lower right", frameon=False)


def annealed(axes, samples: dict[str, np.ndarray]) -> None:
    """Log-likelihood at the end of learning: a dot for each seed, a bar at the mean, a column for each rule.

    Args:
      axes: where to draw.
      samples: rule -> (seeds,) nats an image.
    """
    for i, (values, colour) in enumerate(zip(samples.values(), COLOURS, strict=False)):
        aside = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot(i + aside, values, "o", color=colour, markersize=7, alpha=0.8)
        axes.plot([i - 0.25, i + 0.25], [values.mean()] * 2, color=colour, linewidth=2.5)
        axes.text(i + 0.3, values.mean(), f"{values.mean():.1f}", va="center", color=colour)
    axes.set_xticks(range(len(samples)), list(samples))
    axes.set(xlim=(-0.6, len(samples) - 0.2), ylabel="test log-likelihood (nats)")
    axes.grid(axis="x", visible=False)


def _frame(corner, width, height):
    return Rectangle(corner, width, height, fill=False, edgecolor="#C9CED6", linewidth=0.8)
