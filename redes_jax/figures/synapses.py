"""Pictures of synapses: potentials after a spike, summation, release by chance, fatigue and facilitation."""

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREEN, GREY, ORANGE, RED

KIND_COLOURS = {"AMPA": RED, "NMDA": ORANGE, "GABA-A": BLUE, "GABA-B": GREEN}


def potentials(axes, time, deviations: dict[str, np.ndarray]) -> None:
    """What one presynaptic spike does to the potential, by kind of receptor.

    Args:
      axes: where to draw.
      time: (samples,) ms since the transmitter came.
      deviations: kind -> (samples,) mV from rest.
    """
    axes.axhline(0, color=GREY, linewidth=1)
    for name, value in deviations.items():
        axes.plot(time, value, color=KIND_COLOURS[name], label=name)
    axes.set(xlabel="time since release (ms)", ylabel="deviation from rest (mV)", xscale="log")
    axes.set(title="EPSP and IPSP", xlim=(0.5, time[-1]))
    axes.legend(loc="upper right", fontsize=10)


def block(axes, voltage, free: dict[str, np.ndarray]) -> None:
    """The share of NMDA channels that magnesium leaves free, against potential.

    Args:
      axes: where to draw.
      voltage: (points,) mV.
      free: concentration of magnesium -> (points,).
    """
    for (name, share), colour in zip(free.items(), (GREEN, BLUE, BLACK, RED), strict=False):
        axes.plot(voltage, share, color=colour, label=f"{name} Mg")
    half = np.log(1 / 3.57) / 0.062
    axes.plot(half, 0.5, "o", color=BLACK)
    axes.annotate(
        f"half at {half:.1f} mV\nin 1 mM", (half, 0.5), (14, 0.16), textcoords="data", fontsize=10,
        arrowprops={"arrowstyle": "-", "color": GREY},
    )  # fmt: skip
    axes.set(xlabel="membrane potential (mV)", ylabel="share of channels free", title="Magnesium blocks NMDA channels")
    axes.legend(fontsize=10, loc="upper left")


def against_closed_form(
    axes, x, curves: dict[str, tuple[np.ndarray, np.ndarray]], *, xlabel: str, ylabel: str, title: str
) -> None:
    """Lines that were derived and points that were simulated.

    Args:
      axes: where to draw.
      x: (points,) the abscissae.
      curves: name -> (derived, simulated), both (points,).
      xlabel, ylabel, title: of the panel.
    """
    for (name, (derived, simulated)), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(x, derived, color=colour, label=name)
        axes.plot(x, simulated, "o", mfc="none", mec=colour, ms=6, markevery=5)
    axes.plot([], [], "o", mfc="none", mec=BLACK, label="simulated")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(fontsize=10)


def volleys(axes, time, voltages, labels, *, title: str) -> None:
    """Responses to stronger and stronger input, from light to dark; those that fire stand out.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      voltages: (runs, samples) mV.
      labels: what stands in the legend, one a run.
      title: of the panel.
    """
    fires = np.asarray(voltages).max(1) > 0
    shade = np.linspace(0.35, 1.0, len(labels))
    for voltage, label, fired, alpha in zip(voltages, labels, fires, shade, strict=True):
        axes.plot(time, voltage, color=RED if fired else BLUE, alpha=alpha, label=label, linewidth=1.7)
    axes.set(xlabel="time (ms)", ylabel="potential (mV)", title=title, xlim=(time[0], time[-1]))
    axes.legend(fontsize=10, loc="upper right")


def release_counts(axes, counts, expected) -> None:
    """How many vesicles were released how often, over the binomial law.

    Args:
      axes: where to draw.
      counts: (n + 1,) trials with 0 ... n vesicles.
      expected: (n + 1,) trials expected.
    """
    number = np.arange(len(counts))
    axes.bar(number, counts, color=BLUE, alpha=0.55, label="trials")
    axes.plot(number, expected, "o", mfc="none", mec=BLACK, ms=8, mew=1.6, label="binomial")
    axes.set(xlabel="vesicles released by a spike", ylabel="trials", title="Release is chance", xticks=number)
    axes.legend()


def variance_and_mean(axes, mean, variance, sites: int) -> None:
    """Variance against mean of what is released, on the parabola that the number of sites determines.

    Args:
      axes: where to draw.
      mean, variance: (points,) measured at several release probabilities.
      sites: n.
    """
    x = np.linspace(0, sites, 200)
    axes.plot(x, x * (1 - x / sites), color=RED, label=f"$np(1-p)$, $n={sites}$")
    axes.plot(mean, variance, "o", mfc="none", mec=BLACK, ms=7, label="measured")
    axes.set(xlabel="mean vesicles per spike", ylabel="variance", title="Variance counts the sites")
    axes.legend(loc="lower center")


def train(
    axes, time, expected: dict[str, np.ndarray], sampled: dict[str, np.ndarray], steady: dict[str, float]
) -> None:
    """Release at each spike of a train: expected, sampled, and where an endless train would end.

    Args:
      axes: where to draw.
      time: (spikes,) ms.
      expected: name -> (spikes,) share of vesicles released.
      sampled: name -> (spikes,) mean over trials.
      steady: name -> share in the closed form.
    """
    for (name, value), colour in zip(expected.items(), (BLUE, ORANGE), strict=False):
        axes.plot(time, value, color=colour, label=name)
        axes.plot(time, sampled[name], "o", mfc="none", mec=colour, ms=6)
        axes.axhline(steady[name], color=colour, linestyle=":", linewidth=1.5)
    axes.plot([], [], "o", mfc="none", mec=BLACK, label="mean of trials")
    axes.plot([], [], ":", color=GREY, label="endless train")
    axes.set(xlabel="time (ms)", ylabel="share of vesicles released", title="Fatigue and facilitation", ylim=(0, None))
    axes.legend(fontsize=10)
