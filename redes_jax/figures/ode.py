"""Pictures of differential equations: errors against steps, where a step is stable, the plane and its flow."""

import numpy as np
from matplotlib.lines import Line2D

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY

METHOD_COLOURS = {"forward_euler": ORANGE, "heun": GREEN, "rk4": BLUE, "backward_euler": PURPLE}


def _name(method):
    return {"rk4": "RK4", "heun": "Heun", "forward_euler": "forward Euler", "backward_euler": "backward Euler"}[method]


def convergence(axes, steps, errors: dict[str, np.ndarray], orders: dict[str, float], *, unit: str, title: str) -> None:
    """Error against step on logarithmic axes; the slope is the order.

    Args:
      axes: where to draw.
      steps: (points,) in ``unit``.
      errors: method -> (points,).
      orders: method -> fitted slope.
      unit: of time, for the label.
      title: of the panel.
    """
    for method, error in errors.items():
        label = f"{_name(method)}, order {orders[method]:.2f}"
        dashes = (4, 3) if method == "backward_euler" else (1, 0)  # its errors hide those of the forward one
        axes.loglog(steps, error, "o-", ms=5, dashes=dashes, color=METHOD_COLOURS[method], label=label)
    axes.set(xlabel=f"step ({unit})" if unit else "step", ylabel="error at the end", title=title)
    axes.legend(loc="lower right", fontsize=10)


def stability_regions(axes, re, im, size: dict[str, np.ndarray]) -> None:
    """The boundary ``|R(z)| = 1`` of each method in the complex plane, the stable side shaded.

    Args:
      axes: where to draw.
      re: (columns,) of ``lambda dt``.
      im: (rows,).
      size: method -> (rows, columns) ``|R|``.
    """
    handles = []
    for method, values in size.items():
        colour = METHOD_COLOURS[method]
        if method != "backward_euler":
            axes.contourf(re, im, values, levels=[0, 1], colors=[colour], alpha=0.14)
        axes.contour(re, im, values, levels=[1], colors=[colour], linewidths=2)
        handles.append(Line2D([], [], color=colour, label=_name(method)))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.annotate("stable\noutside", (1.0, 0.0), ha="center", va="center", fontsize=10, color=PURPLE)
    axes.set(xlabel=r"Re $\lambda\,\Delta t$", ylabel=r"Im $\lambda\,\Delta t$", title="Where a step is stable")
    axes.set_aspect("equal")
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=10)


def blow_up(axes, time, curves: dict[str, np.ndarray], exact) -> None:
    """A stiff equation under steps just short of and just beyond the bound.

    Args:
      axes: where to draw.
      time: name -> (points,) times of that curve.
      curves: name -> (points,) values.
      exact: (times, values) of the solution.
    """
    axes.plot(*exact, color=SKY, linewidth=6, alpha=0.6, label="solution")
    for (name, values), colour in zip(curves.items(), (BLUE, RED, PURPLE), strict=True):
        axes.plot(time[name], values, "o-", ms=3, linewidth=1.2, color=colour, label=name)
    axes.set(xlabel="t", ylabel="y", title=r"Stiff: $y' = -1000\,(y - \cos t)$")
    axes.legend(loc="lower left", fontsize=10)


def reaction(axes, time, values, exact) -> None:
    """Robertson's three species over many decades of time, the rare second one enlarged.

    Args:
      axes: where to draw.
      time: (points,).
      values, exact: (points, 3) by backward Euler, and by a solver that adapts its order and its step.
    """
    scale = np.array([1.0, 1e4, 1.0])
    names = ("A", r"$10^4$ B", "C")
    for i, (name, colour) in enumerate(zip(names, (BLUE, RED, GREEN), strict=True)):
        axes.semilogx(
            time, exact[:, i] * scale[i], color=SKY, linewidth=6, alpha=0.6, label="SciPy, Radau" if i == 0 else None
        )
        axes.semilogx(time, values[:, i] * scale[i], color=colour, linewidth=1.5, label=name)
    axes.set(xlabel="t", ylabel="concentration", title=f"Stiff: Robertson's reaction, {len(time)} steps")
    axes.legend(loc="center left", fontsize=10)


def phase_plane(
    axes, x, y, flow, orbits, lines, points: dict[str, np.ndarray], *, labels, attractor: str, title: str
) -> None:
    """A planar flow: its directions, its nullclines, its fixed points, and orbits through it.

    Args:
      axes: where to draw.
      x, y: (columns,), (rows,) the grid of the directions.
      flow: (2, rows, columns) slopes.
      orbits: sequence of (2, samples); the last is the attractor, drawn boldly.
      lines: ``(x, first, second)``: where the nullclines were sought, and their (columns,) values, NaN where absent.
      points: kind -> (2,) fixed point.
      labels: names of the two axes.
      attractor: what the last orbit is called.
      title: of the panel.
    """
    speed = np.hypot(*flow)
    axes.streamplot(x, y, *flow, color=np.log10(speed + 1e-3), cmap="Greys", density=1.1, linewidth=0.7, arrowsize=0.8)
    grid, first, second = lines
    axes.plot(grid, first, color=RED, linestyle="--", label=rf"$d{labels[0]}/dt = 0$")
    axes.plot(grid, second, color=BLUE, linestyle="--", label=rf"$d{labels[1]}/dt = 0$")
    for orbit in orbits[:-1]:
        axes.plot(*orbit, color=GREEN, linewidth=1.4, alpha=0.8)
    axes.plot(*orbits[-1], color=BLACK, linewidth=2.6, label=attractor)
    for kind, point in points.items():
        axes.plot(*point, "o", ms=9, mec=BLACK, mfc=BLACK if kind.startswith("stable") else "white", label=kind)
    axes.set(xlabel=f"${labels[0]}$", ylabel=f"${labels[1]}$", title=title, xlim=x[[0, -1]], ylim=y[[0, -1]])
    axes.grid(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2, fontsize=10)
