"""Pictures of a nerve cell: a spike and what makes it, firing curves, errors against step, a population."""

import numpy as np
from matplotlib.ticker import FixedLocator, ScalarFormatter

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREEN, GREY, ORANGE, PURPLE, RED, SKY

CHANNEL_COLOURS = {"sodium": RED, "potassium": BLUE, "leak": GREEN}
GATE_COLOURS = {"m": RED, "h": ORANGE, "n": BLUE}
SCHEME_COLOURS = {"forward_euler": ORANGE, "rush_larsen": PURPLE, "staggered": BLUE}


def traces(axes, time, curves: dict[str, np.ndarray], colours: dict[str, str], *, ylabel: str) -> None:
    """Several quantities against time in one panel.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      curves: name -> (samples,) values.
      colours: name -> colour.
      ylabel: with the unit.
    """
    for name, values in curves.items():
        axes.plot(time, values, label=name, color=colours.get(name, BLACK))
    axes.set_ylabel(ylabel)
    _legend_beside(axes)


def spike(axes, time, voltage, exact_time, exact_voltage, threshold_mv: float) -> None:
    """A spike drawn over the reference solution, with the resting level and the parts of a spike named.

    Args:
      axes: where to draw.
      time, voltage: (samples,) ms and mV, the simulation.
      exact_time, exact_voltage: the reference.
      threshold_mv: the potential at which the upstroke begins.
    """
    axes.plot(exact_time, exact_voltage, color=SKY, linewidth=6, alpha=0.6, label="adaptive reference")
    axes.plot(time, voltage, color=BLACK, label="simulation")
    top, bottom = int(np.argmax(voltage)), int(np.argmin(voltage))
    axes.annotate(f"peak {voltage[top]:.1f} mV", (time[top], voltage[top]), (12, -4), textcoords="offset points")
    axes.annotate(
        f"trough {voltage[bottom]:.1f} mV", (time[bottom], voltage[bottom]), (6, 12), textcoords="offset points"
    )
    axes.axhline(threshold_mv, color=GREY, linewidth=1, linestyle=":")
    axes.annotate(
        f"upstroke from {threshold_mv:.1f} mV", (time[-1], threshold_mv), (0, 4), textcoords="offset points", ha="right"
    )
    axes.set_ylabel("potential (mV)")
    _legend_beside(axes)


def against_voltage(axes, voltage, curves: dict[str, np.ndarray], *, label: str, ylabel: str, title: str) -> None:
    """Properties of the gates against membrane potential, one line a gate.

    Args:
      axes: where to draw.
      voltage: (points,) mV.
      curves: gate -> (points,).
      label: what stands in the legend, with ``{}`` for the gate's name.
      ylabel, title: of the panel.
    """
    for gate, values in curves.items():
        axes.plot(voltage, values, color=GATE_COLOURS.get(gate, BLACK), label=label.format(gate))
    axes.set(xlabel="membrane potential (mV)", ylabel=ylabel, title=title)
    axes.legend()


def phase_plane(axes, voltage, n, grid, v_nullcline, n_nullcline) -> None:
    """An orbit in the plane of potential and potassium gate, with the curves on which one of them stands still.

    Args:
      axes: where to draw.
      voltage, n: (samples,) the orbit.
      grid: (points,) potentials, mV.
      v_nullcline, n_nullcline: (points,) n on each nullcline; NaN where there is none.
    """
    axes.plot(voltage, n, color=BLACK, label="orbit")
    axes.plot(grid, v_nullcline, color=RED, linestyle="--", label="$dV/dt = 0$")
    axes.plot(grid, n_nullcline, color=BLUE, linestyle="--", label="$dn/dt = 0$")
    for share in (0.042, 0.09, 0.35):
        i = int(share * len(voltage))
        axes.annotate(
            "", (voltage[i + 2], n[i + 2]), (voltage[i], n[i]), arrowprops={"arrowstyle": "-|>", "color": BLACK}
        )
    axes.set(xlabel="membrane potential (mV)", ylabel="potassium gate $n$", title="Phase plane", ylim=(0.25, 1.0))
    axes.legend(loc="upper left")


def firing_curve(axes, current, rate, silent, published: dict[float, float], marks: dict[str, float]) -> None:
    """Firing rate against current: stepped from rest, and where the resting state stays stable.

    Args:
      axes: where to draw.
      current: (points,) uA/cm2.
      rate: (points,) Hz after a step from rest; 0 where it falls silent.
      silent: (points,) bool, the steady state under this current is stable.
      published: current -> rate, independent values drawn as circles.
      marks: name -> current of thresholds, drawn as vertical lines.
    """
    firing = rate > 0
    axes.plot(current[firing], rate[firing], color=BLUE, label="stepped from rest")
    axes.plot(current[~firing], rate[~firing], color=BLUE)
    axes.plot(
        current[silent],
        np.zeros(silent.sum()),
        color=ORANGE,
        linewidth=5,
        alpha=0.6,
        label="steady state is stable",
        zorder=1,
    )
    axes.plot(
        *zip(*published.items(), strict=True),
        "o",
        mfc="none",
        mec=BLACK,
        ms=9,
        mew=1.6,
        label="independent integration",
    )
    for i, (name, value) in enumerate(marks.items()):
        axes.axvline(value, color=GREY, linewidth=1, linestyle=":")
        axes.annotate(f"{name}\n{value:.2f}", (value, 8 + 15 * i), (4, 0), textcoords="offset points", fontsize=10)
    axes.set(xlabel=r"current ($\mu$A/cm$^2$)", ylabel="firing rate (Hz)", title="Firing rate against current")
    axes.legend(loc="upper left")


def staircase(axes, time, voltages: dict[str, np.ndarray], *, offset: float = 130.0) -> None:
    """Traces above each other, each named on the left, with a scale bar.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      voltages: name -> (samples,) mV, from bottom to top.
      offset: distance between traces, mV.
    """
    for i, (name, voltage) in enumerate(voltages.items()):
        axes.plot(time, voltage + i * offset, color=COLOURS[i % len(COLOURS)], linewidth=1.5)
        axes.annotate(name, (0, voltage[0] + i * offset), (-6, 0), textcoords="offset points", ha="right", va="center")
    axes.plot([time[-1]] * 2, [-70, 30], color=BLACK, linewidth=3, clip_on=False)
    axes.annotate("100 mV", (time[-1], -20), (6, 0), textcoords="offset points", va="center", annotation_clip=False)
    axes.set(xlabel="time (ms)", yticks=[], title=r"Response to a step ($\mu$A/cm$^2$)")
    axes.grid(False)
    axes.spines["left"].set_visible(False)


def convergence(
    axes, steps, errors: dict[str, np.ndarray], orders: dict[str, float], *, ylabel: str, title: str
) -> None:
    """Error against step size on logarithmic axes, with the slope fitted to each scheme.

    Args:
      axes: where to draw.
      steps: (points,) ms.
      errors: scheme -> (points,).
      orders: scheme -> fitted slope.
      ylabel, title: of the panel.
    """
    for name, error in errors.items():
        label = f"{name.replace('_', ' ')} (order {orders[name]:.2f})"
        axes.loglog(steps, error, "o-", color=SCHEME_COLOURS.get(name, BLACK), label=label)
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.tick_params(axis="x", rotation=30)
    axes.set(xlabel="step (ms)", ylabel=ylabel, title=title)
    axes.legend(fontsize=10)


def raster(axes, times, order, duration: float) -> None:
    """Spikes of some neurons as ticks, one row a neuron, sorted.

    Args:
      axes: where to draw.
      times: (neurons, spikes) ms, NaN where there is none.
      order: (neurons,) row of each neuron, from the bottom.
      duration: of the recording, ms.
    """
    row, _ = np.nonzero(np.isfinite(times[order]))
    axes.plot(times[order][np.isfinite(times[order])], row, "|", color=BLACK, ms=3, mew=1.0)
    axes.set(xlabel="time (ms)", ylabel="neuron, by current", title="Spikes of a sample", xlim=(0, duration))
    axes.grid(False)


def rates(axes, values, *, bins: int = 60) -> None:
    """The distribution of firing rates over a population, the silent ones counted apart."""
    silent = np.mean(values == 0)
    axes.hist(values[values > 0], bins=bins, color=BLUE)
    axes.set(xlabel="firing rate (Hz)", ylabel="neurons", title=f"Firing rates; {silent:.0%} do not fire twice")


def cloud(axes, current, rate, colour, *, label: str) -> None:
    """Firing rate of every neuron against its current, coloured by a property that explains the scatter."""
    low, high = np.quantile(colour, (0.02, 0.98))
    points = axes.scatter(
        current, rate, c=colour, s=7, cmap="viridis", vmin=low, vmax=high, linewidths=0, rasterized=True
    )
    axes.figure.colorbar(points, ax=axes, label=label)
    axes.set(xlabel=r"current ($\mu$A/cm$^2$)", ylabel="firing rate (Hz)", title="Each neuron's own curve")


def _legend_beside(axes):
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
