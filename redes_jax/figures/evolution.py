"""Pictures of populations that learn: returns and what they cost, a fit that closes in, likelihoods, and films."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW, band, bare

STRATEGY = {
    "guessing": (GREY, "random guessing"), "ga": (ORANGE, "genetic algorithm"), "openes": (BLUE, "OpenES"),
    "pgpe": (SKY, "PGPE"), "snes": (PURPLE, "SNES"), "sep_cma_es": (YELLOW, "sep-CMA-ES"), "cma_es": (GREEN, "CMA-ES"),
}  # fmt: skip


def returns(axes, episodes: np.ndarray, curves: dict[str, np.ndarray], threshold: float, limits) -> None:
    """Return by episodes played, median and quartiles over runs, with the score that counts as solved.

    Args:
      axes: where to draw.
      episodes: (generations,) played in all.
      curves: strategy -> (runs, generations).
      threshold: from which the task counts as solved.
      limits: of the returns.
    """
    axes.axhline(threshold, color=BLACK, linewidth=1.2, linestyle="--", zorder=1)
    for name, samples in curves.items():
        colour, label = STRATEGY[name]
        low, middle, high = np.quantile(samples, (0.25, 0.5, 0.75), axis=0)
        axes.fill_between(episodes, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(episodes, middle, color=colour, label=label)
    axes.set(xlabel="episodes played", ylabel="return", xscale="log", xlim=(episodes[0], episodes[-1]), ylim=limits)
    axes.xaxis.set_minor_formatter(NullFormatter())


def needed(axes, episodes: dict[str, np.ndarray], first: int, budget: int) -> None:
    """What each run took to solve a task, one row a strategy: dots and their median; hollow dots past the budget.

    Args:
      axes: where to draw.
      episodes: strategy -> (runs,), infinite where a run never did.
      first, budget: the smallest and the largest number that could be counted.
    """
    beyond = 1.7 * budget
    axes.axvline(1.25 * budget, color=GREY, linewidth=1.0, linestyle=":")
    for row, (name, runs) in enumerate(episodes.items()):
        colour = STRATEGY[name][0]
        solved = np.isfinite(runs)
        spread = row + 0.5 * (np.linspace(0, 1, len(runs)) - 0.5)
        axes.plot(runs[solved], spread[solved], "o", color=colour, markersize=4, alpha=0.7)
        axes.plot(np.full((~solved).sum(), beyond), spread[~solved], "o", color=colour, markersize=4, fillstyle="none")
        middle = np.median(runs)
        if np.isfinite(middle):
            axes.plot([middle, middle], [row - 0.36, row + 0.36], color=BLACK, linewidth=2.5)
            axes.text(middle, row - 0.40, f"{middle:,.0f}".replace(",", " "), ha="center", va="bottom", fontsize=9)
    axes.set(xlabel="episodes to solve", xscale="log", xlim=(0.7 * first, 2.2 * budget))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(episodes)), [STRATEGY[name][1] for name in episodes])
    axes.set_ylim(len(episodes) - 0.4, -0.7)


def runs(axes, x: np.ndarray, curves: dict[str, np.ndarray], colours: dict[str, str]) -> None:
    """Curves of several kinds of learner over runs, each labelled by its own name.

    Args:
      axes: where to draw.
      x: (points,) abscissae.
      curves: what learns -> (runs, points).
      colours: what learns -> colour.
    """
    for name, samples in curves.items():
        band(axes, x, samples, label=name, colour=colours[name])
    axes.set_xlim(x[0], x[-1])


def tiles(axes, images: dict[str, np.ndarray], allowed: np.ndarray, columns: int = 6) -> None:
    """Small black and white images of several kinds, each kind a block of rows; those that should not be are framed.

    Args:
      axes: where to draw.
      images: what drew them -> (count, side, side) of zeros and ones.
      allowed: (patterns, side * side), what should be.
      columns: images in a row.
    """
    top = 0
    for name, drawn in images.items():
        side = drawn.shape[-1]
        good = (drawn.reshape(len(drawn), 1, -1) == allowed).all(-1).any(-1)
        axes.text(0, top - 0.3, f"{name}: {good.sum()} of {len(drawn)}", va="bottom")
        for number, (image, right) in enumerate(zip(drawn, good, strict=True)):
            x, y = (side + 1) * (number % columns), top + (side + 1) * (number // columns)
            extent = (x, x + side, y + side, y)
            axes.imshow(1 - image, extent=extent, cmap="gray", vmin=-0.25, vmax=1, interpolation="nearest")
            edge = GREY if right else RED
            axes.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor=edge, linewidth=0.6 if right else 2.0))
        top += (side + 1) * -(-len(drawn) // columns) + 2
    axes.set(xlim=(-0.3, 4 * columns), ylim=(top - 1, -2), aspect="equal")
    bare(axes)


def closing_in(
    axes, current_axes, time: np.ndarray, target: np.ndarray, current: np.ndarray, traces: dict[str, np.ndarray]
) -> None:
    """A target trace and what the best of some generations gives instead, over the current that is injected.

    Args:
      axes, current_axes: above and below, sharing time.
      time: (points,) ms.
      target: (points,) mV.
      current: (points,) uA/cm2.
      traces: what answered -> (points,) mV.
    """
    axes.plot(time, target, color="#C9CDD3", linewidth=6, label="target", solid_capstyle="round")
    for (label, trace), colour in zip(traces.items(), (SKY, GREEN, RED, PURPLE), strict=False):
        axes.plot(time, trace, color=colour, linewidth=1.6, label=label)
    axes.set(ylabel="potential (mV)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.64, 1.0), fontsize=10)
    current_axes.plot(time, current, color=BLACK)
    current_axes.set(xlabel="time (ms)", ylabel="uA/cm$^2$", xlim=(0, time[-1]))


def relative_error(axes, errors: dict[str, np.ndarray]) -> None:
    """How far each quantity is from the truth by generation, on a logarithmic scale, over seeds.

    Args:
      axes: where to draw.
      errors: name -> (seeds, generations), absolute relative errors.
    """
    for (name, samples), colour in zip(errors.items(), (BLUE, GREEN, ORANGE, RED), strict=False):
        band(axes, 1 + np.arange(samples.shape[1]), 100 * np.maximum(samples, 1e-6), label=name, colour=colour)
    axes.axhline(1, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
    axes.set(xlabel="generation", ylabel="error of a conductance (%)", yscale="log", ylim=(2e-3, 4e2), xlim=(1, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def film(clips: Sequence[np.ndarray], labels: Sequence[Sequence[str]], *, side_by_side: bool = False) -> np.ndarray:
    """Clips of equal length one under another, or side by side, each frame with its label in the corner.

    Args:
      clips: each (frames, height, width, 3) of uint8.
      labels: for each clip, a text for each frame.
      side_by_side: rather than one under another.

    Returns:
      (frames, height, width, 3) of uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(max(11, clips[0].shape[2] // 26))
    rows = []
    for clip, texts in zip(clips, labels, strict=True):
        written = []
        for frame, text in zip(clip, texts, strict=True):
            image = Image.fromarray(frame)
            ImageDraw.Draw(image).text((10, 6), text, fill=(34, 34, 34), font=font)
            written.append(np.asarray(image))
        rows.append(np.stack(written))
    return np.concatenate(rows, axis=2 if side_by_side else 1)
