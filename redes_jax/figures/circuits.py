"""Pictures of networks: rasters and rhythms, and the wiring of a reflex."""

import numpy as np
from matplotlib.patches import Circle

from redes_jax.figures.style import BLACK, BLUE, GREY, ORANGE, RED, band, bare


def raster(axes, time, groups: dict[str, np.ndarray], colours: dict[str, str], *, title: str) -> None:
    """Spikes as ticks, group above group, each named at the right.

    Args:
      axes: where to draw.
      time: (steps,) ms.
      groups: name -> (steps, neurons) bool, from the bottom.
      colours: name -> colour.
      title: of the panel.
    """
    base = 0
    for name, fired in groups.items():
        step, neuron = np.nonzero(fired)
        axes.plot(time[step], neuron + base, "|", color=colours[name], ms=4, mew=1.1, rasterized=True)
        axes.annotate(
            name, (1.0, base + 0.5 * fired.shape[1]), (4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", color=colours[name], va="center", fontsize=11,
        )  # fmt: skip
        base += fired.shape[1]
    axes.set(yticks=[], xlim=(time[0], time[-1]), ylim=(-1, base), title=title)
    axes.grid(False)


def population_rates(axes, time, rates: dict[str, np.ndarray], colours: dict[str, str]) -> None:
    """Mean firing rate of each population against time.

    Args:
      axes: where to draw.
      time: (bins,) ms.
      rates: name -> (bins,) Hz.
      colours: name -> colour.
    """
    for name, rate in rates.items():
        axes.plot(time, rate, color=colours[name], linewidth=1.4)
    axes.set(xlabel="time (ms)", xlim=(time[0], time[-1]))


def spectra(axes, frequency, powers: dict[str, np.ndarray], colours: dict[str, str]) -> None:
    """Power spectra over seeds on a logarithmic axis, each relative to its median, with the gamma band shaded.

    Args:
      axes: where to draw.
      frequency: (points,) Hz.
      powers: name -> (seeds, points), power over its median.
      colours: name -> colour.
    """
    axes.axvspan(30, 80, color=ORANGE, alpha=0.12, linewidth=0)
    axes.annotate("gamma", (32, 0.97), xycoords=("data", "axes fraction"), va="top", color=ORANGE)
    for name, power in powers.items():
        band(axes, frequency, power, label=name, colour=colours[name])
    axes.set(yscale="log", xlabel="frequency (Hz)", ylabel="power over its median", xlim=(10, 120), ylim=(0.03, 3e6))
    axes.set_title("Spectrum of the population rate")
    axes.legend(loc="upper right")


def slowing(axes, decay, frequency) -> None:
    """The frequency of the rhythm against the decay of inhibition, with its spread over seeds.

    Args:
      axes: where to draw.
      decay: (points,) ms.
      frequency: (seeds, points) Hz.
    """
    axes.axhspan(30, 80, color=ORANGE, alpha=0.12, linewidth=0)
    axes.annotate("gamma", (decay[-1], 79), ha="right", va="top", color=ORANGE)
    band(axes, decay, frequency, label="median, quartiles and extremes", colour=BLUE)
    axes.plot(decay, np.median(frequency, 0), "o", color=BLUE)
    axes.set(xlabel="decay of GABA$_A$ inhibition (ms)", ylabel="frequency (Hz)", ylim=(0, 88))
    axes.set_title("Slower inhibition, slower rhythm")
    axes.legend(loc="lower left")


def reflex_wiring(axes, colours: dict[str, str], delays: dict[str, str]) -> None:
    """The stretch reflex with reciprocal inhibition: who excites (arrow) and who inhibits (bar) whom.

    Args:
      axes: where to draw.
      colours: "afferent", "interneuron", "extensor", "flexor" -> colour.
      delays: "afferent", "interneuron", "efferent" -> what stands beside that axon.
    """
    at = {"afferent": (1.2, 3.4), "extensor": (6.4, 3.4), "interneuron": (4.3, 2.0), "flexor": (6.4, 0.6)}
    bare(axes)
    axes.set(xlim=(-1.2, 10.4), ylim=(-0.4, 4.6), aspect="equal", title="The circuit")
    axes.axvspan(3.4, 7.4, color=GREY, alpha=0.12, linewidth=0)
    axes.text(5.4, 4.45, "spinal cord", ha="center", va="top", color=GREY, fontsize=11)
    excite = {"arrowstyle": "-|>,head_width=0.35,head_length=0.6", "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0}
    inhibit = {"arrowstyle": "-[,widthB=0.55,lengthB=0", "linewidth": 2.6, "shrinkA": 0, "shrinkB": 0}

    def wire(start, stop, colour, style):
        axes.annotate("", stop, start, arrowprops=style | {"color": colour})

    wire((1.6, 3.4), (5.95, 3.4), colours["afferent"], excite)
    wire((3.7, 3.4), (4.1, 2.42), colours["afferent"], excite)
    wire((4.65, 1.75), (5.98, 0.84), colours["interneuron"], inhibit)
    for name in ("extensor", "flexor"):
        x, y = at[name]
        wire((x + 0.4, y), (8.4, y), colours[name], excite)
        axes.text(8.5, y, f"{name}\nmuscle", va="center", fontsize=11, color=colours[name])
    for name, (x, y) in at.items():
        axes.add_patch(Circle((x, y), 0.4, facecolor=colours[name], edgecolor=BLACK, zorder=3))
    axes.text(1.2, 2.75, "spindle\nafferent", ha="center", va="top", fontsize=11, color=colours["afferent"])
    axes.annotate("", (0.75, 3.4), (-0.9, 3.4), arrowprops={"arrowstyle": "->", "color": BLACK, "linewidth": 1.6})
    axes.text(-0.1, 3.5, "stretch", ha="center", va="bottom", fontsize=11)
    axes.text(3.9, 1.45, "inhibitory\ninterneuron", ha="center", va="top", fontsize=11, color=colours["interneuron"])
    axes.text(2.55, 3.55, delays["afferent"], ha="center", va="bottom", fontsize=10)
    axes.text(5.55, 1.5, delays["interneuron"], va="center", fontsize=10)
    axes.text(7.7, 3.55, delays["efferent"], ha="center", va="bottom", fontsize=10)


def latencies(axes, distance, measured, conduction, predicted) -> None:
    """Latency of the reflex against the length of its axons.

    Args:
      axes: where to draw.
      distance: (points,) m from muscle to spinal cord.
      measured: (seeds, points) ms.
      conduction: (points,) ms, time in axons alone.
      predicted: (points,) ms, with what synapses and cells take.
    """
    axes.fill_between(distance, 0, conduction, color=GREY, alpha=0.25, linewidth=0, label="axons, there and back")
    axes.fill_between(
        distance, conduction, predicted, color=ORANGE, alpha=0.35, linewidth=0, label="synapses and cells"
    )
    axes.plot(distance, predicted, color=RED, label="predicted")
    x = np.broadcast_to(distance, measured.shape)
    axes.plot(x, measured, "o", mfc="none", mec=BLACK, ms=6, label="_")
    axes.plot([], [], "o", mfc="none", mec=BLACK, label="measured, each arc")
    axes.set(xlabel="muscle to spinal cord (m)", ylabel="afferent spike to muscle spike (ms)", title="Latency")
    axes.set(xlim=(distance[0] - 0.02, distance[-1] + 0.02), ylim=(0, None))
    axes.legend(loc="upper left")
