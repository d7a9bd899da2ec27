"""Pictures of a nerve cell: a spike and what makes it, firing curves, errors against step, a population."""

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import FixedLocator, ScalarFormatter

from redes_jax.figures.style import BLACK, BLUE, COLOURS, GREEN, GREY, ORANGE, PURPLE, RED, SKY

CHANNEL_COLOURS = {"sodium": RED, "potassium": BLUE, "leak": GREEN}
GATE_COLOURS = {"m": RED, "h": ORANGE, "n": BLUE}
SCHEME_COLOURS = {
    "forward_euler": ORANGE, "rk4": RED, "rush_larsen": PURPLE, "implicit": GREEN, "staggered": BLUE,
    "Tsit5": BLACK, "Dopri8": SKY, "Kvaerno5": GREY,
}  # fmt: skip


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


def all_or_none(axes, time, voltages, names) -> None:
    """Traces that begin alike, from the weakest stimulus (light) to the strongest (dark).

    Args:
      axes: where to draw.
      time: (samples,) ms.
      voltages: (traces, samples) mV.
      names: what stands in the legend, one a trace.
    """
    shades = colormaps["viridis_r"](np.linspace(0.1, 0.95, len(names)))
    for voltage, name, shade in zip(voltages, names, shades, strict=True):
        axes.plot(time, voltage, color=shade, label=name, linewidth=1.6)
    axes.set(xlabel="time (ms)", ylabel="potential (mV)", xlim=(0, time[-1]))
    axes.legend(fontsize=9, loc="upper right")


def growth_rate(axes, current, growth, marks: dict[str, float]) -> None:
    """How fast deviations from the steady state grow, against the current that holds it.

    Args:
      axes: where to draw.
      current: (points,) uA/cm2.
      growth: (points,) the largest real part of an eigenvalue, 1/ms.
      marks: name -> current where it is zero.
    """
    axes.axhline(0, color=GREY, linewidth=1)
    axes.plot(current, growth, color=BLUE)
    axes.fill_between(current, 0, growth, where=growth > 0, color=ORANGE, alpha=0.4, linewidth=0)
    for name, value in marks.items():
        axes.plot(value, 0, "o", color=BLACK, zorder=3)
        axes.annotate(f"{name}\n{value:.2f}", (value, 0), (8, 6), textcoords="offset points", fontsize=10)
    axes.set(xlabel=r"current ($\mu$A/cm$^2$)", ylabel="growth (1/ms)", title="Stability of the steady state")


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


def work_precision(axes, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Error against cost on logarithmic axes: adaptive solvers dashed, schemes of fixed step solid.

    Args:
      axes: where to draw; the caller names its axes.
      curves: name -> (cost, error), both (points,).
    """
    for name, (cost, error) in curves.items():
        line = "o-" if name.islower() else "s--"
        axes.loglog(cost, error, line, color=SCHEME_COLOURS.get(name, BLACK), label=name.replace("_", " "), ms=5)
    axes.legend(fontsize=9, ncols=2)


def step_bounds(axes, voltage, bounds: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The longest stable step at steady states: lines by eigenvalues, circles by trying.

    Args:
      axes: where to draw.
      voltage: (states,) mV, at which each rests.
      bounds: scheme -> (predicted, found), both (states,) ms.
    """
    jump = int(np.argmax(np.diff(voltage)))
    for name, (predicted, found) in bounds.items():
        colour = SCHEME_COLOURS[name]
        for part in (slice(0, jump + 1), slice(jump + 1, None)):
            axes.plot(voltage[part], predicted[part], color=colour)
        axes.plot(voltage, found, "o", mfc="none", color=colour, ms=6, label=name.replace("_", " "))
    axes.axvspan(voltage[jump], voltage[jump + 1], color=GREY, alpha=0.15, linewidth=0)
    axes.annotate("fires", (voltage[jump : jump + 2].mean(), 0.06), ha="center", fontsize=10, color=GREY)
    axes.set(xlabel="steady potential (mV)", ylabel="longest stable step (ms)", title="Predicted and found")
    axes.set_ylim(bottom=0)
    axes.legend()


def bound_along(axes, time, voltage, bound) -> None:
    """The longest stable step of forward Euler at each moment of a spike, over the spike itself.

    Args:
      axes: where to draw.
      time: (samples,) ms.
      voltage: (samples,) mV.
      bound: (samples,) ms.
    """
    span = voltage.max() - voltage.min()
    floor, ceiling = 0.6 * bound.min(), 2.0 * bound.max()
    scaled = floor * (ceiling / floor) ** ((voltage - voltage.min()) / span)
    axes.fill_between(time, floor, scaled, color=GREY, alpha=0.25, linewidth=0, label="spike (not to scale)")
    axes.semilogy(time, bound, color=SCHEME_COLOURS["forward_euler"], label="bound of forward Euler")
    least = int(np.argmin(bound))
    axes.plot(time[least], bound[least], "o", color=BLACK)
    axes.annotate(f"{bound[least]:.3f} ms", (time[least], bound[least]), (8, -4), textcoords="offset points")
    axes.yaxis.set_major_locator(FixedLocator([0.05, 0.1, 0.2, 0.5, 1.0]))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.set(xlabel="time (ms)", ylabel="longest stable step (ms)", title="Along a spike", ylim=(floor, ceiling))
    axes.legend(fontsize=10, loc="upper right")


def blow_ups(axes, steps, voltages, exact) -> None:
    """What forward Euler makes of a spike with different steps.

    Args:
      axes: where to draw.
      steps: (runs,) ms.
      voltages: (runs, samples) mV, the first sample after one step.
      exact: time and potential of the solution.
    """
    axes.plot(*exact, color=SKY, linewidth=6, alpha=0.6, label="adaptive")
    for step, voltage, colour in zip(steps, voltages, (BLACK, BLUE, ORANGE, RED), strict=False):
        axes.plot(step * np.arange(1, len(voltage) + 1), voltage, color=colour, linewidth=1.4, label=f"{step:g} ms")
    axes.set(xlabel="time (ms)", ylabel="potential (mV)", title="Forward Euler on a spike", xlim=(0, exact[0][-1]))
    axes.set_ylim(-110, 110)
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


def rates(axes, edges, counts, silent: float) -> None:
    """The distribution of firing rates over a population, the silent ones counted apart.

    Args:
      axes: where to draw.
      edges: (bins + 1,) Hz.
      counts: (bins,) neurons.
      silent: share of neurons that have no rate.
    """
    axes.stairs(counts, edges, color=BLUE, fill=True)
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
