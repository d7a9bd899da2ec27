"""Pictures of ion channels: records of single ones, what many make together, what their noise tells, their curves."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREY, ORANGE, band


def records(axes, time, opens: dict[str, np.ndarray]) -> None:
    """Single channels, each a line that is down while shut and up while open.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      opens: name -> (samples,) 0 or 1, from top to bottom.
    """
    for i, (name, open_now) in enumerate(opens.items()):
        level = 1.6 * (len(opens) - 1 - i)
        axes.fill_between(time, level, level + open_now, step="post", color=COLOURS[i], alpha=0.25, linewidth=0)
        axes.step(time, level + open_now, where="post", color=COLOURS[i], linewidth=1.2)
        axes.annotate(name, (time[0], level + 0.5), (-8, 0), textcoords="offset points", ha="right", va="center")
    axes.set(xlabel="time (ms)", yticks=[], xlim=(time[0], time[-1]), title="One channel of each kind: shut or open")
    axes.grid(False)
    axes.spines["left"].set_visible(False)


def open_times(axes, durations: dict[str, np.ndarray], means: dict[str, float]) -> None:
    """How long channels stay open: the share of stays longer than a time, over the exponential law.

    Args:
      axes: where to draw.
      durations: name -> stays, ms, in the colours of :func:`records`.
      means: name -> mean of the law, ms.
    """
    for i, (name, stays) in enumerate(durations.items()):
        ordered = np.sort(stays)
        longer = 1.0 - np.arange(len(ordered)) / len(ordered)
        some = np.unique(np.geomspace(1, len(ordered), 60).astype(int) - 1)
        some = len(ordered) - 1 - some[::-1]
        shown = longer[some] > 2e-3
        axes.semilogy(ordered[some][shown] / means[name], longer[some][shown], "o", ms=4, color=COLOURS[i], label=name)
    x = np.linspace(0, 6.2, 50)
    axes.semilogy(x, np.exp(-x), color=BLACK, linewidth=1.2, label="exponential")
    axes.set(
        xlabel="time open (in means of the law)", ylabel="share of stays longer", title="A channel has no memory",
        ylim=(1e-3, 1.4),
    )  # fmt: skip
    axes.legend(fontsize=10)


def crowds(axes, time, shares: dict[int, np.ndarray], exact, *, title: str) -> None:
    """The open share of crowds of several sizes over the deterministic gates.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      shares: size -> (samples,) open share.
      exact: (samples,) what the gates give.
      title: of the panel.
    """
    for i, (size, share) in enumerate(shares.items()):
        axes.step(
            time, share, where="mid", color=(GREY, ORANGE, BLUE)[i % 3], linewidth=1.4, label=f"{size:,} channels"
        )
    axes.plot(time, exact, color=BLACK, linewidth=2, label="gates of 1952")
    axes.set(xlabel="time (ms)", ylabel="open share", title=title)
    axes.legend(fontsize=10)


def noise_against_size(axes, sizes, errors: dict[str, np.ndarray], slopes: dict[str, float]) -> None:
    """How far crowds lie from the gates, over repetitions, against their size.

    Args:
      axes: where to draw.
      sizes: (sizes,) channels.
      errors: name -> (seeds, sizes) root mean square over time.
      slopes: name -> fitted slope on logarithmic axes.
    """
    for i, (name, error) in enumerate(errors.items()):
        band(axes, sizes, error, label=f"{name} (slope {slopes[name]:.3f})", colour=COLOURS[i])
    guide = np.array([sizes[0], sizes[-1]], float)
    axes.plot(guide, 0.09 * (guide / guide[0]) ** -0.5, color=BLACK, linewidth=1.2, linestyle="--", label="slope -1/2")
    axes.set(
        xscale="log", yscale="log", xlabel="channels", ylabel="distance from the gates (rms)",
        title="Noise falls as one over the root",
    )  # fmt: skip
    axes.legend(fontsize=10)


def parabola(axes, mean, variance, unit: float, number: float) -> None:
    """Variance of the current over repeated sweeps against its mean: variance = i mean - mean^2 / N.

    Args:
      axes: where to draw.
      mean, variance: (samples,) pA and pA^2.
      unit: fitted current of one channel, pA.
      number: fitted number of channels.
    """
    axes.plot(mean, variance, "o", ms=4, color=BLUE, alpha=0.7, label="each time in the sweep")
    x = np.linspace(0, unit * number, 200)
    axes.plot(x, unit * x - x * x / number, color=ORANGE, label=f"$i$ = {unit:.2f} pA, $N$ = {number:.0f}")
    axes.set(
        xlabel="mean current (pA)",
        ylabel="variance (pA$^2$)",
        title="Noise counts the channels",
        ylim=(0, None),
    )
    axes.legend(loc="lower center", fontsize=10)


def spontaneous(axes, area, rates) -> None:
    """Firing without any stimulus against the area of the patch: (seeds, areas) Hz."""
    band(axes, area, rates, label="no stimulus", colour=BLUE)
    axes.plot(area, rates.mean(0), "o", color=BLUE)
    axes.set(
        xscale="log", xlabel=r"area of the membrane ($\mu$m$^2$)", ylabel="spikes (Hz)", title="Few channels fire alone",
        ylim=(0, None),
    )  # fmt: skip
    axes.xaxis.set_major_locator(FixedLocator(area))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def against_voltage(axes, voltage, curves: dict[str, np.ndarray], *, ylabel: str, title: str, dashed=()) -> None:
    """Quantities against voltage, one line each.

    Args:
      axes: where to draw.
      voltage: (points,) mV.
      curves: name -> (points,).
      ylabel, title: of the panel.
      dashed: names drawn dashed.
    """
    for i, (name, values) in enumerate(curves.items()):
        style = "--" if name in dashed else "-"
        axes.plot(voltage, values, style, color=COLOURS[i % len(COLOURS)], label=name)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="membrane potential (mV)", ylabel=ylabel, title=title)
    axes.legend(fontsize=9)
