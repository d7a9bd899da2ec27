"""Pictures of a membrane that is fitted to a recording: searches, where they end, and how like the cell they are."""

import numpy as np
from matplotlib.ticker import FixedLocator, ScalarFormatter

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, band


def pulled_along(axes, time, recorded, answers, coupling: float) -> None:
    """A noisy recording, and what a wrong membrane, the same pulled along, and the fitted one answer.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      recorded: (samples,) mV.
      answers: (3, samples) mV: free at the start, nudged at the start, free at the end.
      coupling: of the nudge, mS/cm2.
    """
    axes.plot(time, recorded, color=GREY, alpha=0.55, linewidth=2.4, label="recording")
    labels = "start, free", f"start, nudged ({coupling:g} mS/cm$^2$)", "end, free"
    for answer, label, colour, line in zip(answers, labels, (ORANGE, PURPLE, BLUE), ("-", "-", "--"), strict=True):
        axes.plot(time, answer, color=colour, label=label, linewidth=1.6, linestyle=line)
    axes.set(xlabel="time (ms)", ylabel="potential (mV)", title="One start", xlim=(0, time[-1]))
    axes.set_ylim(top=115)
    axes.legend(fontsize=10, ncols=2, loc="upper center")


def searches(axes, errors: dict[str, np.ndarray], couplings) -> None:
    """How far searches are from the truth, step by step.

    Args:
      axes: where to draw.
      errors: search -> (steps, starts), relative.
      couplings: (steps,) of the nudged search, whose falls are marked.
    """
    for (name, error), colour in zip(errors.items(), (BLUE, ORANGE, GREEN), strict=True):
        share = np.mean(error[-1] < 0.01)
        band(
            axes,
            np.arange(len(error)),
            np.maximum(error.T, 1e-5),
            label=f"{name}: {share:.0%} within 1%",
            colour=colour,
        )
    axes.axhline(0.01, color=BLACK, linestyle="--", linewidth=1)
    for step in np.nonzero(np.diff(couplings))[0]:
        axes.axvline(step + 1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(yscale="log", xlabel="step or generation", ylabel="worst relative error", title="Three searches")
    axes.legend(fontsize=10)


def from_all_over(axes, first, last, factor: float) -> None:
    """Starts and ends of many fits in the plane of two conductances.

    Args:
      axes: where to draw.
      first, last: (2, starts) ratios to the truth.
      factor: half the width of the box from which starts were drawn.
    """
    axes.plot(np.stack([first[0], last[0]]), np.stack([first[1], last[1]]), color=GREY, linewidth=0.5, alpha=0.5)
    axes.loglog(*first, "x", color=ORANGE, ms=5, label="start")
    axes.loglog(*last, "o", mfc="none", color=BLUE, ms=7, label="end")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([1 / factor, 0.5, 1.0, 2.0, factor]))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(FixedLocator([]))
    axes.set(xlabel="sodium over truth", ylabel="potassium over truth", title="From all over")
    axes.legend(fontsize=10, loc="upper left")


def posterior(axes, errors, covariance, names: tuple[str, str]) -> None:
    """Errors of many fits, and the ellipse within which 95% of a Gaussian of the least covariance lies.

    Args:
      axes: where to draw.
      errors: (2, fits) percent.
      covariance: (2, 2) percent squared.
      names: of the two.
    """
    values, vectors = np.linalg.eigh(covariance)
    angle = np.linspace(0, 2 * np.pi, 200)
    ring = vectors @ (np.sqrt(5.991 * values)[:, None] * np.stack([np.cos(angle), np.sin(angle)]))
    axes.fill(*ring, color=SKY, alpha=0.25, linewidth=0)
    axes.plot(*ring, color=SKY, label="Cramer-Rao, 95%")
    axes.plot(*errors, "o", color=BLUE, ms=4, alpha=0.7, label="fits")
    axes.plot(0, 0, "+", color=BLACK, ms=14, mew=2, label="truth")
    axes.set(xlabel=f"error of {names[0]} (%)", ylabel=f"error of {names[1]} (%)", title=f"{names[0]}, {names[1]}")
    axes.legend(fontsize=9)


def recorded_and_fitted(axes, real, ours, title: str) -> None:
    """A recorded trace in grey and a fitted one over it; both are (time, potential), ms and mV."""
    axes.plot(*real, color=GREY, linewidth=1.2, label="cell")
    axes.plot(*ours, color=BLUE, linewidth=1.0, label="membrane")
    axes.set(ylabel="mV", xlim=(ours[0][0], ours[0][-1]))
    axes.set_title(title, fontsize=11)


def feature(axes, step, recorded, answered, best: int, kept, fitted, label: str) -> None:
    """One feature against current, in a cell and in the membranes that were fitted to it.

    Args:
      axes: where to draw.
      step: (sweeps,) pA.
      recorded: (sweeps,) in the cell.
      answered: (starts, sweeps) in the membranes.
      best: which start is drawn strong.
      kept: (sweeps,) bool, where the feature is one.
      fitted: numbers of the sweeps that were fitted; the others are drawn open.
      label: with the unit.
    """
    for start, values in enumerate(answered):
        strong = start == best
        style = {"color": BLUE, "linewidth": 2.2, "zorder": 3} if strong else {"color": SKY, "linewidth": 0.8}
        axes.plot(step[kept], values[kept], label="best membrane" if strong else None, **style)
    used = np.isin(np.arange(len(step)), fitted)
    axes.plot(step[kept & used], recorded[kept & used], "o", color=BLACK, ms=6, label="cell, fitted", zorder=4)
    axes.plot(
        step[kept & ~used], recorded[kept & ~used], "o", mfc="white", mec=BLACK, ms=6, label="cell, held out", zorder=4
    )
    axes.set_ylabel(label)


def losses(axes, loss) -> None:
    """The best of every generation, one line a search: (generations, starts)."""
    axes.plot(np.arange(1, len(loss) + 1), loss, color=BLUE, linewidth=1.0, alpha=0.7)
    axes.set(xlabel="generation", ylabel="mean distance (small errors)", title="Searches", ylim=(0, None))


def spread_in_ranges(axes, positions, names, best: int) -> None:
    """Where searches end, one row a number, -1 and 1 the ends of the range of first guesses.

    Args:
      axes: where to draw.
      positions: (starts, numbers).
      names: of the numbers.
      best: which start is drawn strong.
    """
    rows = np.arange(len(names))[::-1]
    axes.axvspan(-1, 1, color=GREY, alpha=0.12, linewidth=0)
    for start, position in enumerate(positions):
        if start != best:
            axes.plot(position, rows, "o", color=SKY, ms=5)
    axes.plot(positions[best], rows, "D", color=BLUE, ms=7, label="best")
    axes.set(yticks=rows, xlabel="position in the range of first guesses", title="What is found")
    axes.set_yticklabels(names, fontsize=9)
    axes.legend(fontsize=10)
