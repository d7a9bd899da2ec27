"""Pictures of when a neuron fires: rate against current, refractory intervals, traces, adaptation."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREY, ORANGE, SKY


def hysteresis(axes, current, from_rest, from_firing, stable, published: dict[float, float], marks: dict[str, float]):
    """Firing rate against current, from the steady state and from firing, and where the steady state is stable.

    Args:
      axes: where to draw.
      current: (points,) uA/cm2.
      from_rest, from_firing: (points,) Hz, 0 where silent.
      stable: (points,) bool, the steady state is stable.
      published: current -> rate, independent values drawn as circles.
      marks: name -> current, drawn as vertical lines.
    """
    inside = (current >= min(marks.values())) & (current <= max(marks.values()))
    axes.axvspan(current[inside][0], current[inside][-1], color=SKY, alpha=0.25, linewidth=0, label="two ways to be")
    axes.plot(current, np.where(from_firing > 0, from_firing, np.nan), color=BLUE, linewidth=3, label="while firing")
    axes.plot(current, from_rest, color=ORANGE, linewidth=1.6, label="from its steady state")
    axes.plot(current[stable], np.zeros(stable.sum()), color=ORANGE, linewidth=5, alpha=0.5)
    axes.plot(*zip(*published.items(), strict=True), "o", mfc="none", mec=BLACK, ms=8, mew=1.5, label="SciPy")
    for i, (name, value) in enumerate(marks.items()):
        axes.axvline(value, color=GREY, linewidth=1, linestyle=":")
        right = {"ha": "right", "xytext": (-4, 0)} if i == 0 else {"xytext": (4, 0)}
        axes.annotate(f"{name}\n{value:.2f}", (value, 12), textcoords="offset points", fontsize=10, **right)
    axes.set(xlabel=r"current ($\mu$A/cm$^2$)", ylabel="firing rate (Hz)", title="Squid: firing or silent, by its past")
    axes.legend(loc="center right", fontsize=10)


def curves(axes, lines: dict[str, tuple], *, title: str, dashed=(), points: dict[float, float] | None = None) -> None:
    """Several firing curves.

    Args:
      axes: where to draw.
      lines: name -> (current, rate), uA/cm2 and Hz; silence is drawn as a gap but for its last point.
      title: of the panel.
      dashed: names drawn dashed.
      points: current -> rate, published values drawn as circles.
    """
    for i, (name, (current, rate)) in enumerate(lines.items()):
        silent = (rate == 0) & np.append(rate[1:] == 0, False)
        style = "--" if name in dashed else "-"
        axes.plot(current, np.where(silent, np.nan, rate), style, color=COLOURS[i % len(COLOURS)], label=name)
    if points:
        axes.plot(*zip(*points.items(), strict=True), "o", mfc="none", mec=BLACK, ms=8, mew=1.5)
    axes.set(xlabel=r"current ($\mu$A/cm$^2$)", ylabel="firing rate (Hz)", title=title, ylim=(0, None))
    axes.legend(fontsize=10)


def refractory(axes, interval, height, published: dict[float, float]) -> None:
    """The least second shock that fires against the interval from the first.

    Args:
      axes: where to draw.
      interval: (points,) ms.
      height: (points,) mV, NaN where none of those tried fires.
      published: interval -> height, independent values drawn as circles.
    """
    axes.plot(interval, height, color=BLUE)
    axes.plot(*zip(*published.items(), strict=True), "o", mfc="none", mec=BLACK, ms=8, mew=1.5, label="published")
    first = interval[np.isfinite(height)][0]
    axes.axvspan(0, first, color=GREY, alpha=0.2, linewidth=0)
    axes.annotate("absolutely\nrefractory", (first / 2, 45), ha="center", va="center", fontsize=10)
    axes.set(
        xlabel="time since the first shock (ms)", ylabel="least second shock (mV)", title="Refractory", ylim=(0, 95),
        xlim=(0, interval[-1]),
    )  # fmt: skip
    axes.legend()


def staircase(axes, time, voltages: dict[str, np.ndarray], *, title: str, offset: float = 140.0) -> None:
    """Traces above each other, each named on the left, with a scale bar.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      voltages: name -> (samples,) mV, from bottom to top.
      title: of the panel.
      offset: distance between traces, mV.
    """
    for i, (name, voltage) in enumerate(voltages.items()):
        axes.plot(time, voltage + i * offset, color=COLOURS[i % len(COLOURS)], linewidth=1.2)
        axes.annotate(name, (time[0], -65 + i * offset), (-6, 0), textcoords="offset points", ha="right", va="center")
    axes.plot([time[-1]] * 2, [-70, 30], color=BLACK, linewidth=3, clip_on=False)
    axes.annotate("100 mV", (time[-1], -20), (6, 0), textcoords="offset points", va="center", annotation_clip=False)
    axes.set(xlabel="time (ms)", yticks=[], title=title, xlim=(time[0], time[-1]))
    axes.grid(False)
    axes.spines["left"].set_visible(False)
