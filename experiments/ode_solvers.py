"""How wrong is a step, and when is it too long? (appendix A)

Euler, Heun, RK4 and backward Euler by hand, in float64. In order:

1. Order: the error at the end against the step, on ``dy/dt = y cos t`` (solution ``exp(sin t)``) and on FitzHugh-Nagumo
   against two adaptive solvers that must agree, diffrax's Dopri8 and SciPy's DOP853, both at tolerance 1e-12.
2. Stability: ``|R(z)|`` over the complex plane, found by letting each method take its step on ``dy/dt = z y``; and the
   longest stable step, predicted from eigenvalues, then sought by running the method until it blows up.
3. Stiffness: ``y' = -1000 (y - cos t)`` with steps on both sides of the bound, and Robertson's reaction,
   where explicit steps are bound by a rate that plays no part in the solution.
4. The plane: directions, nullclines, fixed points and limit cycles of FitzHugh-Nagumo and of van der Pol; the currents
   between which a FitzHugh-Nagumo neuron fires for ever.

    python -m experiments run ode_solvers

Expected: orders 1, 2, 4, 1; stability up to -2, -2, -2.7853 and on the imaginary axis 2.8284 (RK4); van der Pol's period
6.6632868593 and amplitude 2.0086198609 at ``mu = 1``. Two CPU cores: quick 20 s, full 50 s.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import ode
from redes_jax.figures import ode as draw
from redes_jax.figures.style import panels


@dataclass(frozen=True)
class Config:
    coarsest: int = 64  # steps of the longest step that is measured
    halvings: int = 6  # how often it is halved
    stiff_rate: float = 1000.0  # rate of the stiff linear equation
    steps_a_decade: int = 40  # backward Euler steps each time that Robertson's reaction grows ten times older
    cycle_steps: int = 40_000  # RK4 steps on which period and amplitude are measured
    starts: int = 8  # orbits drawn in each phase plane
    resolution: int = 301  # points on a side of the stability map
    seed: int = 0  # of the starts of the orbits


PRESETS = {
    "quick": Config(),
    "full": Config(halvings=8, steps_a_decade=400, cycle_steps=400_000, resolution=1201, starts=16),
}

_HAIRER = "Hairer & Wanner 1996, section IV.2"
_FITZHUGH = "closed form: cubic and trace of the Jacobian, solved by hand"
_CYCLE = "Hairer, Norsett & Wanner 1993; Amore 2021"
CLAIMS = (
    Claim("order_forward_euler", "order of forward Euler", 1, "", "Euler 1768", 0.02),
    Claim("order_heun", "order of Heun's method", 2, "", "Heun 1900", 0.02),
    Claim("order_rk4", "order of the classical Runge-Kutta method", 4, "", "Kutta 1901", 0.05),
    Claim("order_backward_euler", "order of backward Euler", 1, "", _HAIRER, 0.02),
    Claim("bound_forward_euler", "forward Euler: least stable real lambda dt", -2, "", _HAIRER, 1e-6),
    Claim("bound_heun", "Heun: least stable real lambda dt", -2, "", _HAIRER, 1e-6),
    Claim("bound_rk4", "RK4: least stable real lambda dt", -2.7852935634, "", _HAIRER, 1e-6),
    Claim("imaginary_rk4", "RK4: largest stable imaginary lambda dt", 8**0.5, "", _HAIRER, 1e-6),
    Claim(
        "blow_up_forward_euler", "forward Euler blows up at, over predicted", 1, "", "eigenvalue of the equation", 1e-3
    ),
    Claim("blow_up_heun", "Heun blows up at, over predicted", 1, "", "eigenvalue of the equation", 1e-3),
    Claim("blow_up_rk4", "RK4 blows up at, over predicted", 1, "", "eigenvalue of the equation", 1e-3),
    Claim(
        "solvers_disagree", "RK4 against SciPy on FitzHugh-Nagumo", 0, "", "SciPy DOP853, rtol 1e-12", 1e-8, "at most"
    ),
    Claim(
        "reaction_at_40",
        "Robertson's reaction at t = 40, first species",
        0.7158270688,
        "",
        "Robertson 1966; " + _HAIRER,
        5e-3,
    ),
    Claim("van_der_pol_period", "period of van der Pol, mu = 1", 6.6632868593231, "", _CYCLE, 1e-8),
    Claim("van_der_pol_amplitude", "amplitude of van der Pol, mu = 1", 2.0086198608748, "", _CYCLE, 1e-8),
    Claim("rest_v", "resting state of FitzHugh-Nagumo, v", -1.1994080352440, "", _FITZHUGH, 1e-8),
    Claim("hopf_low", "FitzHugh-Nagumo starts to fire for ever, current", 0.3312813375, "", _FITZHUGH, 1e-9),
    Claim("hopf_high", "FitzHugh-Nagumo falls silent, current", 1.4187186625, "", _FITZHUGH, 1e-9),
)

FIRING = ode.FitzHughNagumo(current=0.5)
START = (-1.0, 1.0)
CLOSED_END, FHN_END = 4.0, 50.0  # where the errors are taken
FHN_FINER = 8  # FitzHugh-Nagumo takes this many times the steps
BLOW_UP_STEPS = 4000


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.coarsest < 50:
        raise ValueError(
            f"coarsest is {config.coarsest} steps: at least 50, where every method is stable on both problems"
        )
    if config.halvings < 2:
        raise ValueError(f"halvings is {config.halvings}: at least 2, to see a slope")
    with jax.enable_x64(True):
        errors = lab.once("order", lambda: convergence(config))
        regions = lab.once("stability", lambda: stability(config))
        stiff = lab.once("stiffness", lambda: stiffness(config))
        plane = lab.once("phase plane", lambda: planes(config))

    measured: dict[str, Any] = {}
    for i, method in enumerate(ode.METHODS):
        measured[f"order_{method}"] = slope(errors["steps"], errors["error"][i])
        measured[f"order_fitzhugh_nagumo_{method}"] = slope(errors["fhn_steps"], errors["fhn_error"][i])
    measured["solvers_disagree"] = float(errors["fhn_error"][list(ode.METHODS).index("rk4"), -1])
    measured["references_disagree"] = float(errors["references_disagree"])
    for name in ("forward_euler", "heun", "rk4"):
        measured[f"bound_{name}"] = -float(regions[f"bound_{name}"])
        measured[f"blow_up_{name}"] = float(regions[f"blow_up_{name}"])
    measured["imaginary_rk4"] = float(regions["imaginary_rk4"])
    measured["explicit_steps_needed"] = float(stiff["explicit_steps"])
    measured["implicit_steps_taken"] = len(stiff["reaction_time"])
    measured["reaction_at_40"] = float(stiff["reaction"][7 * config.steps_a_decade, 0])
    measured["reaction_error"] = float(np.abs(stiff["reaction"] - stiff["reaction_exact"]).max())
    for name in ("van_der_pol_period", "van_der_pol_amplitude", "rest_v", "hopf_low", "hopf_high", "firing_period"):
        measured[name] = float(plane[name])
    return Result(errors | regions | stiff | plane, measured)


def slope(steps, errors) -> float:
    """The order: slope of the error on logarithmic axes, over the finest two steps whose errors are above rounding."""
    kept = np.nonzero(errors > 1e-11)[0][-2:]
    return float(np.diff(np.log(errors[kept]))[0] / np.diff(np.log(steps[kept]))[0])


def convergence(config: Config) -> dict:
    """Errors at the end of both problems, for each method and step."""
    from scipy.integrate import solve_ivp

    fhn = Partial(ode.fitzhugh_nagumo, FIRING)
    start = jnp.array(START)
    theirs = solve_ivp(lambda t, y: np.asarray(_fhn_numpy(y)), (0, FHN_END), START, "DOP853", rtol=1e-12, atol=1e-13).y[
        :, -1
    ]
    adaptive = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: fhn(t, y)), diffrax.Dopri8(), 0.0, FHN_END, 0.01, start,
        stepsize_controller=diffrax.PIDController(rtol=1e-12, atol=1e-13), max_steps=20_000,
    ).ys[-1]  # fmt: skip

    @partial(jax.jit, static_argnames="method")
    def ends(count, fine_count, start, method):
        closed = ode.final(lambda t, y: y * jnp.cos(t), jnp.ones(1), 0.0, CLOSED_END, count, method)
        return closed[0], ode.final(fhn, start, 0.0, FHN_END, fine_count, method)

    counts = config.coarsest * 2 ** np.arange(config.halvings + 1)
    error, fhn_error = np.zeros((2, len(ode.METHODS), len(counts)))
    for i, method in enumerate(ode.METHODS.values()):
        for j, count in enumerate(counts):
            closed, ours = ends(count, FHN_FINER * count, start, method)
            error[i, j] = abs(float(closed) - np.exp(np.sin(CLOSED_END)))
            fhn_error[i, j] = np.abs(np.asarray(ours) - theirs).max()
    return {
        "steps": CLOSED_END / counts, "error": error, "fhn_steps": FHN_END / (FHN_FINER * counts), "fhn_error": fhn_error,
        "references_disagree": np.abs(np.asarray(adaptive) - theirs).max(),
    }  # fmt: skip


def _fhn_numpy(y):
    v, w = y
    return v - v**3 / 3 - w + FIRING.current, FIRING.epsilon * (v + FIRING.a - FIRING.b * w)


def stability(config: Config) -> dict:
    """``|R|`` over the plane, the ends of the stable part of both axes, and where runs blow up over where they should."""
    re, im = np.linspace(-4.0, 3.0, config.resolution), np.linspace(-3.5, 3.5, config.resolution)
    z = jnp.asarray(re[None, :] + 1j * im[:, None])
    found: dict[str, Any] = {"re": re, "im": im}
    found["size"] = np.stack([jnp.abs(jax.jit(partial(ode.stability, method))(z)) for method in ode.METHODS.values()])
    for name in ("forward_euler", "heun", "rk4"):
        method = ode.METHODS[name]
        bound = jax.jit(partial(ode.longest_step, method))
        predicted = float(bound(jnp.array([-config.stiff_rate + 0j])))
        found[f"bound_{name}"] = predicted * config.stiff_rate
        found[f"blow_up_{name}"] = blow_up_step(method, config.stiff_rate, predicted) / predicted
        if name == "rk4":
            found["imaginary_rk4"] = bound(jnp.array([1j]))
    return found


def blow_up_step(method, rate, guess) -> float:
    """The step beyond which a run of the stiff equation leaves the solution, by sectioning 200 runs at once."""
    field = Partial(stiff_field, rate)

    @jax.jit
    @jax.vmap
    def distance(dt):
        end = BLOW_UP_STEPS * dt
        y = ode.final(field, jnp.array([1.1]), 0.0, end, BLOW_UP_STEPS, method)[0]
        return jnp.abs(y - stiff_solution(rate, end))

    steps = np.linspace(0.98, 1.02, 401) * guess
    away = ~(np.asarray(distance(jnp.asarray(steps))) < 0.1)
    return float(steps[np.argmax(away)])


def stiff_field(rate, t, y):
    """Prothero & Robinson's equation: a slow solution, to which everything else falls at a fast rate."""
    return -rate * (y - jnp.cos(t))


def stiff_solution(rate, t):
    """What remains once the fast part has died: ``(rate^2 cos t + rate sin t) / (rate^2 + 1)``."""
    return (rate**2 * jnp.cos(t) + rate * jnp.sin(t)) / (rate**2 + 1)


def stiffness(config: Config) -> dict:
    """Runs on both sides of the bound; a reaction by growing implicit steps, and how many explicit ones it would need."""
    from scipy.integrate import solve_ivp

    rate, end = config.stiff_rate, 0.1
    field = Partial(stiff_field, rate)
    found = {}
    for name, method, share in (
        ("below", ode.forward_euler, 0.95),
        ("beyond", ode.forward_euler, 1.02),
        ("implicit", ode.backward_euler, 5.0),
    ):
        count = round(end / (share * 2.0 / rate))
        time, y = ode.solve(field, jnp.array([1.5]), 0.0, end, count, method)
        found |= {f"{name}_time": time, f"{name}_y": y[:, 0]}
    time = jnp.linspace(0.0, end, 1001)
    homogeneous = 1.5 - rate**2 / (rate**2 + 1)
    found |= {"stiff_time": time, "stiff_y": stiff_solution(rate, time) + homogeneous * jnp.exp(-rate * time)}

    # 7 decades up to t = 40, where values are published, and 4 beyond
    times = jnp.asarray(40.0 * 10 ** np.linspace(-7, 4, 11 * config.steps_a_decade + 1))

    @jax.jit
    def follow(times):
        def step(y, ends):
            y = ode.backward_euler(robertson, ends[0], y, ends[1] - ends[0])
            return y, y

        begin = jnp.concatenate([jnp.zeros(1), times[:-1]])
        return jax.lax.scan(step, jnp.array([1.0, 0.0, 0.0]), (begin, times))[1]

    y = np.asarray(follow(times))
    reference = solve_ivp(
        lambda t, y: np.asarray(_robertson(*y)), (0, float(times[-1])), [1.0, 0.0, 0.0], "Radau", np.asarray(times),
        rtol=1e-9, atol=1e-14,
    ).y.T  # fmt: skip
    rates = -np.real(np.linalg.eigvals(jax.vmap(jax.jacfwd(partial(robertson, 0.0)))(jnp.asarray(reference)))).min(1)
    return found | {
        "reaction_time": times, "reaction": y, "reaction_exact": reference,
        "explicit_steps": np.trapezoid(rates, times) / 2.0,
    }  # fmt: skip


def robertson(t, y):
    """Three reactions whose rates lie nine decades apart (Robertson 1966), the touchstone of stiff solvers."""
    del t
    return jnp.stack(_robertson(*y))


def _robertson(a, b, c):
    first, second, third = 0.04 * a, 3e7 * b**2, 1e4 * b * c
    return third - first, first - third - second, second


def planes(config: Config) -> dict:
    """Both phase planes, FitzHugh-Nagumo's resting state and Hopf points, the periods of both limit cycles."""
    from scipy.optimize import brentq

    key = jax.random.key(config.seed)
    silent, firing, oscillator = (
        Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo()), Partial(ode.fitzhugh_nagumo, FIRING), Partial(ode.van_der_pol, 1.0)
    )  # fmt: skip
    found = {}
    boxes = {"silent": (silent, 2.4, 1.8), "firing": (firing, 2.4, 1.8), "van_der_pol": (oscillator, 3.2, 4.0)}
    for i, (name, (field, width, height)) in enumerate(boxes.items()):
        x, y = jnp.linspace(-width, width, 60), jnp.linspace(-height, height, 60)
        fine = jnp.linspace(-width, width, 801)
        starts = jax.random.uniform(jax.random.fold_in(key, i), (config.starts, 2), minval=-1.0) * jnp.array(
            [width, height]
        )
        _, orbits = jax.vmap(lambda start: ode.solve(field, start, 0.0, 60.0, 3000))(starts)  # noqa: B023
        points = ode.fixed_points(field, starts)
        found |= {
            f"{name}_x": x, f"{name}_y": y, f"{name}_flow": ode.direction_field(field, x, y), f"{name}_fine": fine,
            f"{name}_first": ode.nullcline(field, 0, fine, -height, height),
            f"{name}_second": ode.nullcline(field, 1, fine, -height, height),
            f"{name}_orbits": jnp.swapaxes(orbits, 1, 2), f"{name}_point": points,
            f"{name}_kind": np.array([ode.classify(jax.jacfwd(lambda y: field(0.0, y))(jnp.asarray(p))) for p in points]),  # noqa: B023
        }  # fmt: skip
    found["rest_v"] = found["silent_point"][0, 0]

    @jax.jit
    def growth(current):
        field = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo(current=current))
        return jnp.trace(jax.jacfwd(lambda y: field(0.0, y))(ode.newton(field, jnp.array([0.0, 0.5]))))

    found["hopf_low"], found["hopf_high"] = (
        brentq(lambda i: float(growth(i)), *ends) for ends in ((0.1, 0.9), (0.9, 1.8))
    )

    run_cycle = jax.jit(ode.solve, static_argnums=(4,))
    for name, field, end in (("van_der_pol", oscillator, 80.0), ("firing", firing, 800.0)):
        time, y = run_cycle(field, jnp.array([2.0, 0.0]), 0.0, end, config.cycle_steps)
        found[f"{name}_period"], found[f"{name}_amplitude"] = cycle(time, y, jax.vmap(partial(field, 0.0))(y))
        shown = slice(None, None, config.cycle_steps // 4000)
        found |= {
            f"{name}_time": time[shown],
            f"{name}_wave": y[shown, 0],
            f"{name}_cycle": y[-config.cycle_steps // 8 :][shown].T,
        }
    return found


def cycle(time, y, slope) -> tuple[float, float]:
    """Period and amplitude of a settled oscillation: where ``x`` rises through 0, and where its slope falls through 0.

    Between two steps everything is the cubic through both values and both slopes.
    """
    from scipy.interpolate import CubicHermiteSpline

    late = slice(len(time) // 2, None)
    x = CubicHermiteSpline(time[late], y[late, 0], slope[late, 0])
    zeros = x.roots(extrapolate=False)
    rising = zeros[x(zeros, 1) > 0]
    tops = x.derivative().roots(extrapolate=False)
    return float(np.diff(rising).mean()), float(np.median(np.sort(x(tops))[-len(rising) + 1 :]))


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    pictures = {}

    figure, axes = panels(1, 3, width=5.4, height=4.6)
    names = list(ode.METHODS)
    for ax, prefix, title in ((axes[0], "", r"$y' = y\,\cos t$"), (axes[1], "fhn_", "FitzHugh-Nagumo")):
        steps, error = arrays[f"{prefix}steps"], arrays[f"{prefix}error"]
        orders = {name: slope(steps, error[i]) for i, name in enumerate(names)}
        draw.convergence(ax, steps, dict(zip(names, error, strict=True)), orders, unit="", title=title)
    draw.stability_regions(axes[2], arrays["re"], arrays["im"], dict(zip(names, arrays["size"], strict=True)))
    pictures["orders"] = Picture(
        figure,
        "Left, middle: halve the step and the error falls by 2, 4 or 16, by the order of the method, until rounding takes over. "
        r"Right: on $y' = \lambda y$ a method is stable where $\lambda\,\Delta t$ lies in its coloured region.",
    )

    figure, axes = panels(1, 2, width=6.4, height=4.2)
    titles = {
        "below": "Euler, 0.95 of the bound",
        "beyond": "Euler, 1.02 of the bound",
        "implicit": "backward Euler, 5 times the bound",
    }
    time = {title: arrays[f"{name}_time"] for name, title in titles.items()}
    draw.blow_up(
        axes[0],
        time,
        {title: arrays[f"{name}_y"] for name, title in titles.items()},
        (arrays["stiff_time"], arrays["stiff_y"]),
    )
    draw.reaction(axes[1], arrays["reaction_time"], arrays["reaction"], arrays["reaction_exact"])
    pictures["stiffness"] = Picture(
        figure,
        "Stiff equations: the solution is slow, but a fast rate bounds every explicit step. Just beyond the bound Euler oscillates and "
        f"blows up; backward Euler does not care. Right: its {len(arrays['reaction_time'])} growing steps follow a reaction through eleven decades; "
        f"forward Euler would need {float(arrays['explicit_steps']):.1e} of them.",
    )

    figure, axes = panels(1, 3, width=5.0, height=5.4)
    settings = (
        ("silent", ("v", "w"), "FitzHugh-Nagumo at rest, $I = 0$", "orbit to rest"),
        ("firing", ("v", "w"), f"Firing, $I = {FIRING.current}$", "limit cycle"),
        ("van_der_pol", ("x", "y"), r"Van der Pol, $\mu = 1$", "limit cycle"),
    )
    for ax, (name, labels, title, attractor) in zip(axes, settings, strict=True):
        orbits = list(arrays[f"{name}_orbits"])
        if name != "silent":
            orbits.append(arrays[f"{name}_cycle"])
        lines = (arrays[f"{name}_fine"], arrays[f"{name}_first"], arrays[f"{name}_second"])
        points = dict(zip(arrays[f"{name}_kind"], arrays[f"{name}_point"], strict=True))
        draw.phase_plane(
            ax, arrays[f"{name}_x"], arrays[f"{name}_y"], arrays[f"{name}_flow"], orbits, lines, points,
            labels=labels, attractor=attractor, title=title,
        )  # fmt: skip
    pictures["phase_planes"] = Picture(
        figure,
        "Where the nullclines cross, nothing moves. At rest the crossing attracts every orbit (filled); a current lifts the cubic, the "
        "crossing becomes unstable (open) and orbits settle on a limit cycle: the neuron fires for ever, as in chapter 2.",
    )
    return pictures
