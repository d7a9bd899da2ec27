"""Pictures of populations that learn: curves of returns, a player's mind, a fit that closes in, and films."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, band

STRATEGY = {"ga": (ORANGE, "genetic algorithm"), "openes": (BLUE, "OpenES")}


def returns(axes, curves: dict[str, np.ndarray], *, threshold: float, most: float) -> None:
    """Return by generation, median and quartiles over seeds, with the score that counts as solved.

    Args:
      axes: where to draw.
      curves: strategy -> (seeds, generations).
      threshold: from which the game counts as solved.
      most: the largest possible return.
    """
    axes.axhline(threshold, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
    for name, samples in curves.items():
        colour, label = STRATEGY[name]
        band(axes, 1 + np.arange(samples.shape[1]), samples, label=label, colour=colour)
    axes.text(
        0.985,
        threshold - 0.015 * most,
        "solved",
        color=GREY,
        ha="right",
        va="top",
        transform=axes.get_yaxis_transform(),
    )
    axes.set(xlabel="generation", ylabel="frames upright", ylim=(0, 1.04 * most), xlim=(1, None))
    axes.xaxis.get_major_locator().set_params(integer=True)


def decisions(axes, angle: np.ndarray, rate: np.ndarray, right: np.ndarray, path: np.ndarray) -> None:
    """Which way a player pushes at each tilt and turn of the pole, and the path of a game over it.

    Args:
      axes: where to draw.
      angle, rate: (columns,) degrees and (rows,) degrees a second.
      right: (rows, columns), whether it pushes right.
      path: (frames, 2) of angle and rate.
    """
    extent = (angle[0], angle[-1], rate[0], rate[-1])
    axes.imshow(
        right, extent=extent, origin="lower", aspect="auto", cmap=ListedColormap(["#FBE3B5", "#BFE0F5"]), alpha=0.9
    )
    axes.plot(*path.T, color=BLACK, linewidth=0.5, alpha=0.6)
    axes.plot(*path[0], "o", color=RED, markersize=7, label="start")
    axes.grid(False)
    axes.set(xlabel="angle (degrees)", ylabel="rate (degrees/s)", xlim=extent[:2], ylim=extent[2:])
    axes.text(0.04, 0.06, "pushes left", color="#8A5A00", transform=axes.transAxes)
    axes.text(0.96, 0.93, "pushes right", color=BLUE, ha="right", transform=axes.transAxes)
    axes.legend(loc="upper left")


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


def film(clips: Sequence[np.ndarray], labels: Sequence[Sequence[str]]) -> np.ndarray:
    """Clips of equal length one under another, each frame with its label in the corner.

    Args:
      clips: each (frames, height, width, 3) of uint8.
      labels: for each clip, a text for each frame.

    Returns:
      (frames, heights together, width, 3) of uint8.
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
    return np.concatenate(rows, axis=1)
