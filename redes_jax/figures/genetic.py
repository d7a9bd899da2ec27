"""Pictures of genetic algorithms: what theory says of them, and how they fare."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREEN, GREY, ORANGE, RED, band, bare

_SERIES = (BLUE, ORANGE, GREEN, RED)


def takeover(axes, shares: dict[int, np.ndarray]) -> None:
    """The share of the best by generation beside the recursion ``P -> 1 - (1 - P)^s``.

    Args:
      axes: where to draw.
      shares: size of the tournament -> (seeds, generations), the first before any selection.
    """
    for (size, samples), colour in zip(shares.items(), _SERIES, strict=False):
        generations = np.arange(samples.shape[1])
        band(axes, generations, samples, label=f"tournament of {size}", colour=colour)
        expected = [samples[:, 0].mean()]
        for _ in generations[1:]:
            expected.append(1 - (1 - expected[-1]) ** size)
        axes.plot(generations, expected, "--", color=BLACK, linewidth=1.2)
    axes.set(xlabel="generation", ylabel="share of the best", xlim=(0, 18), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def ones(axes, shares: dict[int, np.ndarray], intensity: float) -> None:
    """The share of ones by generation beside ``(1 + sin(I t / sqrt(l))) / 2``.

    Args:
      axes: where to draw.
      shares: length of the genome -> (seeds, generations).
      intensity: of the selection.
    """
    for (length, samples), colour in zip(shares.items(), _SERIES, strict=False):
        generations = np.arange(samples.shape[1])
        band(axes, generations, samples, label=f"{length} bits", colour=colour)
        phase = np.minimum(intensity * generations / np.sqrt(length), np.pi / 2)
        axes.plot(generations, (1 + np.sin(phase)) / 2, "--", color=BLACK, linewidth=1.2)
    axes.set(xlabel="generation", ylabel="share of ones", ylim=(0.48, 1.02), xlim=(0, None))
    axes.legend(loc="lower right")


def convergence(axes, generations: dict[int, np.ndarray], intensity: float) -> None:
    """Generations to convergence by length of the genome, beside ``(pi / 2) sqrt(l) / I``.

    Args:
      axes: where to draw.
      generations: length -> (seeds,).
      intensity: of the selection.
    """
    lengths = np.array(list(generations))
    line = np.geomspace(lengths[0] / 1.5, lengths[-1] * 1.5, 50)
    axes.plot(line, np.pi / 2 * np.sqrt(line) / intensity, "--", color=BLACK, linewidth=1.2, label="theory")
    for (length, samples), colour in zip(generations.items(), _SERIES, strict=False):
        spread = length * np.exp(np.linspace(-0.08, 0.08, len(samples)))
        axes.plot(spread, samples, "o", color=colour, markersize=4, alpha=0.6)
    axes.set(xlabel="bits", ylabel="generations", xscale="log", yscale="log")
    axes.set_xticks(lengths, [str(length) for length in lengths])
    ticks = [tick for tick in (10, 15, 20, 30, 40, 60, 80) if line[0] ** 0.5 * 2.5 < tick < line[-1] ** 0.5 * 3.5]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left")


def arrivals(axes, evaluations: dict[str, np.ndarray], published: dict[str, float]) -> None:
    """The share of runs that have arrived, by evaluations.

    Args:
      axes: where to draw.
      evaluations: algorithm -> (seeds,), infinite for a run that has not.
      published: algorithm -> mean evaluations.
    """
    for (name, samples), colour in zip(evaluations.items(), _SERIES, strict=False):
        ordered = np.sort(samples[np.isfinite(samples)])
        axes.step(ordered, 100 * np.arange(1, len(ordered) + 1) / len(samples), where="post", color=colour, label=name)
        axes.axvline(published[name], color=colour, linestyle=":", linewidth=1.5)
    axes.set(xlabel="evaluations", ylabel="runs at the optimum (%)", xscale="log", ylim=(0, 103))
    axes.set_xlim(min(each.min() for each in evaluations.values()) / 15, None)  # room for the legend
    axes.legend(loc="upper left")


def descent(axes, values: np.ndarray) -> None:
    """The lowest value by generation on a logarithmic scale, (seeds, generations)."""
    band(axes, 1 + np.arange(values.shape[1]), np.maximum(values, 1e-6), label="lowest value", colour=BLUE)
    axes.set(xlabel="generation", ylabel="value above the minimum", yscale="log", xlim=(1, None))


def excess(axes, percent: np.ndarray) -> None:
    """How much longer than the shortest the best tour is, in percent, (seeds, generations)."""
    band(axes, 1 + np.arange(percent.shape[1]), np.maximum(percent, 0), label="best tour", colour=GREEN)
    axes.set(xlabel="generation", ylabel="longer than the shortest (%)", xscale="log", ylim=(0, None), xlim=(1, None))


def tour(axes, places: np.ndarray, route: np.ndarray) -> None:
    """A closed tour.

    Args:
      axes: where to draw.
      places: (cities, 2).
      route: (cities,) the cities in the order of visit.
    """
    stops = places[np.append(route, route[0])]
    axes.plot(*stops.T, color=GREY, linewidth=1.2)
    axes.scatter(*places.T, color=COLOURS[0], s=18, zorder=3)
    axes.set_aspect("equal")
    bare(axes)
