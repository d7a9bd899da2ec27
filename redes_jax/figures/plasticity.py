"""Pictures of synapses that learn: axes found, selectivity chosen, a window in time, weights that part ways."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREEN, GREY, ORANGE, RED, SKY, band


def principal_axes(axes, cloud, path, axis) -> None:
    """A weight vector on its way through a cloud of inputs to the first principal axis.

    Args:
      axes: where to draw.
      cloud: (points, 2) inputs.
      path: (steps, 2) weights.
      axis: (2,) of length 1.
    """
    axes.plot(*cloud.T, ".", color=GREY, ms=3, alpha=0.35)
    axes.plot(*np.outer(axis, (-3.2, 3.2)), color=ORANGE, linestyle="--", label="first principal axis")
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angle), np.sin(angle), color=SKY, linewidth=1, label="length 1")
    axes.plot(*path.T, color=BLUE, linewidth=2, label="weights")
    axes.plot(*path[-1], "o", color=BLUE, ms=8)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", title="Oja: weights find the axis", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    axes.set_aspect("equal")
    axes.legend(fontsize=9, loc="upper left")


def alignment(axes, steps, samples: dict[str, np.ndarray]) -> None:
    """How far each learned vector is from its principal axis, over seeds.

    Args:
      axes: where to draw.
      steps: (points,).
      samples: name -> (seeds, points), ``1 - |cosine|``.
    """
    for (name, values), colour in zip(samples.items(), COLOURS, strict=False):
        band(axes, steps, values, label=name, colour=colour)
    axes.set(yscale="log", xlabel="inputs shown", ylabel=r"$1 - |\cos|$ to the axis", title="Sanger: one axis a neuron")
    axes.legend(fontsize=9)


def growth(axes, steps, lengths, expected) -> None:
    """Hebb's rule alone: the length of the weights over the exponential that is expected.

    Args:
      axes: where to draw.
      steps: (points,).
      lengths: (seeds, points).
      expected: (points,).
    """
    axes.semilogy(steps, expected, color=ORANGE, linewidth=6, alpha=0.5, label=r"$\propto e^{\eta\lambda_1 t}$")
    band(axes, steps, lengths, label="Hebb", colour=BLUE)
    axes.set(xlabel="inputs shown", ylabel="length of the weights", title="Hebb alone diverges")
    axes.legend(fontsize=9)


def selectivity(axes, steps, responses, threshold, expected: float) -> None:
    """BCM: the response to each pattern, and the threshold that slides until only one is left.

    Args:
      axes: where to draw.
      steps: (points,).
      responses: (patterns, points).
      threshold: (points,).
      expected: response to the chosen pattern, ``1 / its share``.
    """
    for i, values in enumerate(responses):
        axes.plot(steps, values, color=COLOURS[i % len(COLOURS)], label="response to each pattern" if i == 0 else None)
    axes.plot(steps, threshold, color=BLACK, linestyle="--", linewidth=1.4, label=r"threshold $\theta$")
    axes.axhline(expected, color=GREY, linewidth=1, linestyle=":")
    axes.set(xlabel="patterns shown", ylabel="response", title="BCM: one pattern is chosen")
    axes.legend(fontsize=9)


def window(axes, delay, curve, measured: dict[str, np.ndarray], ylabel: str) -> None:
    """Change of weight against the delay from the presynaptic to the postsynaptic spike.

    Args:
      axes: where to draw.
      delay: (points,) ms.
      curve: (points,) in closed form.
      measured: name -> (points,) from the pairing protocol.
      ylabel: of the panel.
    """
    for side in (delay < 0, delay > 0):
        axes.plot(
            delay[side],
            curve[side],
            color=SKY,
            linewidth=6,
            alpha=0.6,
            label="closed form" if delay[side][0] > 0 else None,
        )
    for (name, values), colour, marker in zip(measured.items(), (BLUE, RED), ("o", "x"), strict=False):
        axes.plot(delay, values, marker, color=colour, ms=5, mfc="none", label=name)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.annotate("pre before post:\nstrengthened", (0.97, 0.5), xycoords="axes fraction", ha="right", fontsize=10)
    axes.annotate("post before pre:\nweakened", (0.03, 0.75), xycoords="axes fraction", fontsize=10)
    axes.set(xlabel="delay, post - pre (ms)", ylabel=ylabel, title="STDP window")
    axes.legend(fontsize=10, loc="upper right")


def weights(axes, samples: dict[str, np.ndarray]) -> None:
    """Distribution of weights over synapses, one line a seed.

    Args:
      axes: where to draw.
      samples: name -> (seeds, synapses), in [0, 1].
    """
    for (name, values), colour in zip(samples.items(), (BLUE, GREEN, GREY), strict=False):
        for i, sample in enumerate(values):
            count, edges = np.histogram(sample, 20, (0, 1))
            axes.stairs(
                count / count.max(), edges, color=colour, alpha=0.9, linewidth=1.8, label=name if i == 0 else None
            )
    axes.set(
        xlabel="weight (share of the bound)", ylabel="synapses, relative to the fullest bin", title="Synapses compete"
    )
    axes.legend(fontsize=10)


def regulation(axes, time, rates, inputs) -> None:
    """Firing rate while synapses compete, one colour an input rate.

    Args:
      axes: where to draw.
      time: (points,) s.
      rates: (inputs, seeds, points) Hz.
      inputs: (inputs,) Hz.
    """
    for values, rate, colour in zip(rates, inputs, COLOURS, strict=False):
        band(axes, time, values, label=f"inputs at {rate:g} Hz", colour=colour)
    axes.set(xlabel="time (s)", ylabel="firing rate (Hz)", title="The firing rate settles", ylim=(0, None))
    axes.legend(fontsize=10)
