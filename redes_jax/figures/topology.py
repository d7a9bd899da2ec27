"""Pictures of networks that have grown, and of how they did."""

import numpy as np
from matplotlib.patches import FancyArrowPatch

from redes_jax.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, band, bare

TASK = {
    "xor": (BLUE, "XOR"), "crowd": (GREY, "XOR, no species"), "pole": (ORANGE, "two poles"),
    "memory": (GREEN, "two poles, no velocities"),
}  # fmt: skip
INPUTS = {
    "xor": ("a", "b"),
    "pole": ("x", "x'", "long", "long'", "short", "short'"),
    "memory": ("x", "long", "short"),
}
_FIRST = 100  # networks evaluated at the left edge, fewer than a generation


def layers(enabled: np.ndarray, inputs: int) -> np.ndarray:
    """The layer of each node, inputs and bias 0, outputs last, -1 for a node that no signal passes.

    A hidden node stands one further than the shortest way to it from an input.
    """
    senders, first = enabled.shape[0], inputs + 1
    links = np.zeros((senders, senders), bool)
    links[:, first:] = enabled
    depth = np.full(senders, -1)
    depth[:first] = 0
    for level in range(1, senders):
        reached = links[(depth >= 0) & (depth < level)].any(0) & (depth < 0)
        depth[reached] = level
    return depth


def network(axes, weights: np.ndarray, enabled: np.ndarray, names: tuple[str, ...], outputs: int = 1) -> None:
    """A network from left to right, its connections coloured by sign and as wide as their weights are large.

    Args:
      axes: where to draw.
      weights, enabled: (senders, receivers), in the order of :mod:`redes_jax.evolution.genomes`.
      names: of the inputs.
      outputs: how many there are.
    """
    inputs = len(names)
    depth = layers(enabled, inputs)
    first, last = inputs + 1, depth.max() + (depth[inputs + 1 + outputs :].max(initial=0) >= depth.max())
    depth[first : first + outputs] = last
    used = depth >= 0
    place = {}
    for level in range(last + 1):
        [nodes] = np.nonzero(used & (depth == level))
        for rank, node in enumerate(nodes):
            shift = 0.35 * (level % 2 - 0.5) if 0 < level < last else 0
            place[node] = (level / last, shift + (len(nodes) - 1) / 2 - rank)
    span = max(y for _, y in place.values()) - min(y for _, y in place.values()) or 1
    place = {node: (x, y / span) for node, (x, y) in place.items()}
    strongest = np.abs(weights[enabled]).max()
    for sender, column in zip(*np.nonzero(enabled), strict=True):
        receiver = first + column
        if sender not in place or receiver not in place:
            continue
        weight = weights[sender, column]
        forward = depth[sender] < depth[receiver]
        colour, width = (BLUE if weight > 0 else ORANGE), 0.8 + 4.2 * abs(weight) / strongest
        if sender == receiver:
            x, y = place[sender]
            ends, bend = ((x - 0.035, y + 0.02), (x + 0.035, y + 0.02)), -2.4
        else:
            ends, bend = (place[sender], place[receiver]), 0.0 if forward else 0.35
        axes.add_patch(
            FancyArrowPatch(
                *ends, arrowstyle="-|>", mutation_scale=11, shrinkA=0 if sender == receiver else 8, shrinkB=0 if sender == receiver else 10, linewidth=width, color=colour,
                connectionstyle=f"arc3,rad={bend}", linestyle="-" if forward else "--", alpha=0.85,
            )
        )  # fmt: skip
    labels = (*names, "bias", *["out"] * outputs)
    for node, (x, y) in place.items():
        colour = GREY if node < first else PURPLE if node < first + outputs else GREEN
        axes.plot(x, y, "o", color=colour, markersize=15, markeredgecolor="white", zorder=3)
        if node < len(labels):
            side = -1 if node < first else 1
            axes.annotate(
                labels[node], (x, y), (side * 14, 0), textcoords="offset points", va="center",
                ha="right" if side < 0 else "left",
            )  # fmt: skip
    axes.set(xlim=(-0.28, 1.2), ylim=(-0.68, 0.68))
    bare(axes)


def solved_by(axes, runs: dict[str, tuple[np.ndarray, np.ndarray]], published: dict[str, float]) -> None:
    """The share of runs solved by the networks evaluated.

    Args:
      axes: where to draw.
      runs: task -> which runs were solved, and the networks each evaluated.
      published: task -> the mean that was published.
    """
    for name, (solved, evaluations) in runs.items():
        colour, label = TASK[name]
        times = np.sort(np.where(solved, evaluations, np.inf))[: solved.sum()]
        end = max(evaluations.max(), 1)  # up to where the slowest run went
        share = 100 * np.arange(times.size + 1) / solved.size
        axes.step([_FIRST, *times, end], [0, *share[1:], share[-1]], where="post", color=colour, label=label)
        if name in published:
            axes.axvline(published[name], color=colour, linestyle=":", linewidth=1.6)
    axes.set(xscale="log", xlabel="networks evaluated", ylabel="runs solved (%)", xlim=(_FIRST, None), ylim=(-3, 103))
    axes.legend(loc="upper left", fontsize=9)


def growth(axes, runs: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The connections of each run's best network by generation; a run that is done keeps its last network.

    Args:
      axes: where to draw.
      runs: task -> connections, (runs, generations), and the generations that each run took.
    """
    for name, (connections, generations) in runs.items():
        colour, label = TASK[name]
        t = np.arange(generations.max())
        kept = np.take_along_axis(connections, np.minimum(t, generations[:, None] - 1), axis=1)
        band(axes, 1 + t, kept, label=label, colour=colour)
    axes.set(xlabel="generation", ylabel="connections of the best", xlim=(1, None), ylim=(0, None))
    axes.legend()


def angles(axes, degrees: np.ndarray, step: float) -> None:
    """The lean of both poles, (actions, 2) in degrees, an action taking ``step`` seconds."""
    time = step * (1 + np.arange(len(degrees)))
    for column, (label, colour) in enumerate((("long pole", ORANGE), ("short pole", GREEN))):
        axes.plot(time, degrees[:, column], color=colour, label=label, linewidth=1.4)
    axes.set(xlabel="time (s)", ylabel="angle from the upright (degrees)", xlim=(0, None))
    axes.legend()
