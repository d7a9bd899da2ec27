"""Pictures of receptive fields: the fields, an image seen through them, tuning, and a field read off spikes."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, COLOURS, DIVERGING, GREY, ORANGE, band, bare


def field(axes, values, *, title: str) -> None:
    """A receptive field: red where light excites, blue where it inhibits, on a scale symmetric about 0."""
    top = np.abs(values).max()
    axes.imshow(values, cmap=DIVERGING, vmin=-top, vmax=top, interpolation="nearest")
    axes.set_title(title)
    bare(axes)


def seen(axes, values, *, title: str, signed: bool = True) -> None:
    """An image, or what a sheet of neurons makes of one.

    Args:
      axes: where to draw.
      values: (rows, columns).
      title: of the panel.
      signed: responses, drawn on a scale symmetric about 0; False for a picture in grey.
    """
    if signed:
        top = np.quantile(np.abs(values), 0.995)
        axes.imshow(values, cmap=DIVERGING, vmin=-top, vmax=top)
    else:
        axes.imshow(values, cmap="gray", vmin=0, vmax=1)
    axes.set_title(title)
    bare(axes)


def tuning(axes, x, curves: dict[str, np.ndarray], points: dict[str, np.ndarray], *, xlabel: str, title: str) -> None:
    """Responses against a property of a grating: closed forms as lines, filtered gratings as circles.

    Args:
      axes: where to draw.
      x: (points,).
      curves, points: name -> (points,) responses, relative to the largest; NaN points are left out.
      xlabel, title: of the panel.
    """
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(x, values, color=colour, label=name)
        axes.plot(x, points[name], "o", ms=5, mfc="white", mec=colour)
    axes.plot([], [], "o", ms=5, mfc="white", mec=BLACK, label="filtered gratings")
    axes.set(xlabel=xlabel, ylabel="response (relative)", title=title)
    axes.legend(fontsize=10)


def recovery(
    axes, spikes, correlation: dict[str, np.ndarray], expected: dict[str, np.ndarray], *, ylabel: str, title: str
) -> None:
    """How well a field is recovered against the number of spikes, over seeds, with what theory expects.

    Args:
      axes: where to draw.
      spikes: (points,) mean number of spikes.
      correlation: name -> (seeds, points).
      expected: name -> (points,), dashed.
      ylabel, title: of the panel.
    """
    for (name, values), colour in zip(correlation.items(), (BLUE, ORANGE, GREY), strict=False):
        band(axes, spikes, values, label=name, colour=colour)
    for name, values in expected.items():
        axes.plot(spikes, values, color=BLACK, linestyle="--", linewidth=1.3, label=name)
    axes.set(xscale="log", xlabel="spikes", ylabel=ylabel, title=title)
    axes.legend(fontsize=10)


def touch(axes, time, pressure, rate, closed, spikes) -> None:
    """A touch receptor's answer to a press: its rate over the closed form, and spikes of many trials.

    Args:
      axes: two axes, above each other.
      time: (steps,) s.
      pressure: (steps,).
      rate: (steps,) Hz.
      closed: (steps,) Hz, the closed form, NaN where it does not apply.
      spikes: (trials, steps) bool.
    """
    upper, lower = axes
    upper.plot(time, closed, color=ORANGE, linewidth=6, alpha=0.5, label="closed form")
    upper.plot(time, rate, color=BLUE, linewidth=1.5, label="receptor")
    upper.fill_between(
        time, 0, pressure * rate.max() / pressure.max() * 0.12, color=GREY, alpha=0.5, label="pressure", linewidth=0
    )
    upper.set(ylabel="firing rate (Hz)", title="A touch receptor adapts, but keeps answering")
    upper.legend(fontsize=10)
    trial, step = np.nonzero(spikes)
    lower.plot(time[step], trial, "|", color=BLACK, ms=3, mew=0.7)
    lower.set(xlabel="time (s)", ylabel="trial", ylim=(-1, len(spikes)))
    lower.grid(False)
