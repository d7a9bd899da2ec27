"""How exactly can a computer say when a nerve fires, and at what price? (ch. 2.3)

The Hodgkin-Huxley membrane by forward Euler, RK4, Rush-Larsen, the implicit and the staggered scheme, all by hand, and
by diffrax's adaptive solvers, explicit (Tsit5, Dopri8) and implicit (Kvaerno5), through the same call. In order:

1. Error against step: of the potential for 15 ms after a shock, and of the times of all spikes over 100 ms under five
   currents, against Dopri8 at tolerance 1e-11. Times are read off the cubic through potentials and slopes.
2. Error against measured cost: one membrane, 100 ms at 10 uA/cm2, in float64 on one core.
3. Stability: the longest step under which a steady state stays one, predicted by the eigenvalues of the Jacobian and the
   method's stability function, and found by running it; and the bound along a spike, where it is lowest.

    python -m experiments run hh_solvers

Expected: orders 1, 4, 1, 1, 2; steady states left at the predicted step within 1%. Two CPU cores: quick 25 s, most of it
compilation; full a minute and a half.
"""

import time
from dataclasses import dataclass
from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from experiments.claims import Claim, Picture, Result
from experiments.hodgkin_huxley import MEMBRANE, PARAMS, on_host, shocked
from experiments.lab import QUIET, Lab
from redes_jax.figures import neurons as draw
from redes_jax.figures.style import panels
from redes_jax.neurons.membrane import Input
from redes_jax.neurons.schemes import FORWARD_EULER, RK4, SCHEMES, Scheme
from redes_jax.neurons.simulation import simulate, times


@dataclass(frozen=True)
class Config:
    halvings: int = 4  # of the longest step, 0.05 ms
    tolerances: int = 3  # of the adaptive solvers, 1e-4 and on by factors of 100
    implicit: bool = False  # diffrax's Kvaerno5 too, which takes long to compile
    repeats: int = 5  # of every time measurement, of which the least counts
    states: int = 24  # steady states whose stability is tried
    seed: int = 0  # nothing here is drawn by chance


PRESETS = {"quick": Config(), "full": Config(halvings=5, tolerances=4, implicit=True, repeats=20, states=96)}

_BOUND = "eigenvalues of the Jacobian; Hairer & Wanner 1996, section IV.2"
CLAIMS = (
    Claim("order_forward_euler", "order of forward Euler", 1, "", "Euler 1768", 0.1),
    Claim("order_rk4", "order of the classical Runge-Kutta method", 4, "", "Kutta 1901", 0.1),
    Claim("order_rush_larsen", "order of Rush-Larsen", 1, "", "Rush & Larsen 1978", 0.1),
    Claim("order_implicit", "order of the implicit scheme", 1, "", "Hines 1984", 0.1),
    Claim("order_staggered", "order of the staggered scheme", 2, "", "Hines 1984", 0.1),
    Claim("blow_up_forward_euler", "forward Euler leaves rest at, over predicted", 1, "", _BOUND, 0.01),
    Claim("blow_up_rk4", "RK4 leaves rest at, over predicted", 1, "", _BOUND, 0.01),
)

PROBES = (7.0, 8.0, 10.0, 20.0, 50.0)  # currents whose spike times are compared, uA/cm2
TIMED = 3  # the run whose cost is measured, of the shock and the probes: 10 uA/cm2
SHOCK = 15.0  # mV
DURATION, GRID = 100.0, 0.05  # of the runs and of their record, ms
EXACT = 1e-11  # tolerance of the reference
ADAPTIVE = {"Tsit5": diffrax.Tsit5(), "Dopri8": diffrax.Dopri8(), "Kvaerno5": diffrax.Kvaerno5()}
STABILITY = {"forward_euler": lambda z: 1 + z, "rk4": lambda z: 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24}


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.halvings < 2 or config.tolerances < 1 or config.repeats < 1:
        raise ValueError(
            f"halvings {config.halvings}, tolerances {config.tolerances}, repeats {config.repeats}: a slope wants two "
            "halvings, the rest at least 1"
        )
    if config.states < 4:
        raise ValueError(f"states is {config.states}: at least 4, two on either side of the firing")
    counts = 2 ** np.arange(config.halvings + 1)
    exact = lab.once("reference", reference)
    stepped = lab.once("schemes", lambda: stepping(counts, exact, config.repeats))
    solvers = {name: solver for name, solver in ADAPTIVE.items() if config.implicit or name != "Kvaerno5"}
    tolerances = 1e-4 * 0.01 ** np.arange(config.tolerances)
    adapted = lab.once("adaptive", lambda: adapting(solvers, tolerances, exact, config.repeats))
    bounds = lab.once("stability", lambda: stability(config.states))
    orbit = lab.once("along a spike", along_a_spike)

    measured, steps = {}, stepped["steps"]
    for i, scheme in enumerate(SCHEMES):
        measured[f"order_{scheme}"] = order(steps, stepped["voltage_error"][i])
        measured[f"spike_error_ms_{scheme}"] = stepped["spike_error"][i, 1]
        measured[f"{scheme}_seconds"] = stepped["scheme_seconds"][i, 1]
    for i, solver in enumerate(solvers):
        measured[f"spike_error_ms_{solver}_1e-4"] = adapted["adaptive_error"][i, 0]
        measured[f"{solver}_1e-4_seconds"] = adapted["adaptive_seconds"][i, 0]
    for name in STABILITY:
        ratio = bounds[f"found_{name}"] / bounds[f"bound_{name}"]
        measured[f"blow_up_{name}"] = ratio
    measured["least_euler_bound_in_a_spike_ms"] = orbit["orbit_bound"].min()
    return Result(stepped | adapted | bounds | orbit, measured)


def runs():
    """What the errors are measured on: a shock alone, then each probe current from rest; ``(states, currents)``."""
    rests = [MEMBRANE.rest(PARAMS)] * len(PROBES)
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), shocked(SHOCK), *rests), jnp.asarray([0.0, *PROBES])


def record(scheme, state, current, **options):
    """Potential and its slope every ``GRID`` ms: (samples, 2)."""

    def seen(state):
        return jnp.stack([state.voltage, MEMBRANE.vector_field(PARAMS, state, current).voltage])

    return simulate(
        MEMBRANE, PARAMS, current, duration=DURATION, dt=GRID, scheme=scheme, state=state, observe=seen, **options
    )[1]


def at_the_end(scheme, state, current, **options):
    """The last potential, recording nothing: what a simulation costs by itself."""
    return simulate(
        MEMBRANE, PARAMS, current, duration=DURATION, dt=GRID, scheme=scheme, state=state, observe=None, **options
    )[0].voltage


def divided(scheme: Scheme, count) -> Scheme:
    """``scheme`` with each step made of ``count`` smaller ones; a traced count, so that all steps compile once."""

    def step(model, params, state, input, dt):
        return lax.fori_loop(0, count, lambda _, state: scheme.step(model, params, state, input, dt / count), state)

    def start(model, params, state, input, dt):
        return scheme.start(model, params, state, input, dt / count)

    def view(model, params, state, input, dt):
        return scheme.view(model, params, state, input, dt / count)

    return Scheme(start, step, view)


def control(tolerance):
    return {"stepsize_controller": diffrax.PIDController(rtol=tolerance, atol=tolerance), "max_steps": 100_000}


def spike_times(trace: np.ndarray, size: int = 16) -> np.ndarray:
    """Times of the first upward crossings of 0 mV: (size,) ms, NaN where there is none.

    Between two samples the potential is the cubic through both values and both slopes.

    Args:
      trace: (samples, 2) potential and slope every ``GRID`` ms, the first at ``GRID``.
      size: how many times to return.
    """
    voltage, slope = trace.T
    (before,) = np.nonzero((voltage[:-1] < 0) & (voltage[1:] >= 0))
    before = before[:size]
    (v0, v1), (d0, d1) = ((x[before], x[before + 1]) for x in (voltage, GRID * slope))
    low, high = np.zeros((2, len(before))) + [[0.0], [1.0]]
    for _ in range(50):
        s = (low + high) / 2
        value = v0 * (1 + 2 * s) * (1 - s) ** 2 + d0 * s * (1 - s) ** 2 + v1 * s**2 * (3 - 2 * s) - d1 * s**2 * (1 - s)
        low, high = np.where(value < 0, s, low), np.where(value < 0, high, s)
    found = np.full(size, np.nan)
    found[: len(before)] = GRID * (before + 1 + low)
    return found


def reference() -> dict:
    """The runs by diffrax's explicit method of order 8 to tolerance 1e-11: potential and slope, and spike times."""
    with on_host(float64=True):
        traced = jax.jit(jax.vmap(lambda *run: record(diffrax.Dopri8(), *run, **control(EXACT))))(*runs())
    trace = np.asarray(traced)
    return {"exact_trace": trace, "exact_spikes": np.stack([spike_times(run) for run in trace])}


def stepping(counts, exact, repeats: int = 0) -> dict:
    """For each scheme and step: the worst error of the potential 15 ms from a shock, that of a spike's time, the cost.

    Args:
      counts: (steps,) how many steps make ``GRID``.
      exact: what :func:`reference` gave.
      repeats: of the measurement of cost; none when 0.
    """
    shape = len(SCHEMES), len(counts)
    voltage_error, spike_error, single_error, seconds = (np.zeros(shape) for _ in range(4))
    soon = slice(0, round(15.0 / GRID))
    with on_host(float64=True):
        states, currents = runs()
        alone = jax.tree.map(lambda leaf: leaf[TIMED], (states, currents))
        for i, scheme in enumerate(SCHEMES.values()):

            @jax.jit
            def everything(count, states, currents, scheme=scheme):
                return jax.vmap(partial(record, divided(scheme, count)))(states, currents)

            @jax.jit
            def lone(count, state, current, scheme=scheme):
                return at_the_end(divided(scheme, count), state, current)

            for j, count in enumerate(counts):
                trace = np.asarray(everything(count, states, currents))
                voltage_error[i, j] = np.abs(trace[0, soon, 0] - exact["exact_trace"][0, soon, 0]).max()
                late = np.abs(np.stack([spike_times(run) for run in trace]) - exact["exact_spikes"])
                spike_error[i, j], single_error[i, j] = np.nanmax(late[1:]), np.nanmax(late[TIMED])
                if repeats:
                    seconds[i, j] = least_seconds(lone, (count, *alone), repeats)
    return {"steps": GRID / np.asarray(counts), "voltage_error": voltage_error, "spike_error": spike_error,
            "single_error": single_error, "scheme_seconds": seconds}  # fmt: skip


def adapting(solvers: dict, tolerances, exact, repeats: int) -> dict:
    """The same for solvers that choose their steps: error of the spikes' times at 10 uA/cm2 against tolerance, and cost."""
    error, seconds = np.zeros((2, len(solvers), len(tolerances)))
    with on_host(float64=True):
        states, currents = runs()
        alone = jax.tree.map(lambda leaf: leaf[TIMED], (states, currents))
        for i, solver in enumerate(solvers.values()):
            traced = jax.jit(lambda tolerance, *run, s=solver: record(s, *run, **control(tolerance)))
            lone = jax.jit(lambda tolerance, *run, s=solver: at_the_end(s, *run, **control(tolerance)))
            for j, tolerance in enumerate(tolerances):
                found = spike_times(np.asarray(traced(tolerance, *alone)))
                error[i, j] = np.nanmax(np.abs(found - exact["exact_spikes"][TIMED]))
                seconds[i, j] = least_seconds(lone, (tolerance, *alone), repeats)
    return {"tolerances": np.asarray(tolerances), "adaptive_error": error, "adaptive_seconds": seconds}


def least_seconds(program, arguments, repeats: int) -> float:
    """The shortest of several runs, after one that compiles: what else the machine does only ever adds."""
    taken = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        jax.block_until_ready(program(*arguments))
        taken.append(time.perf_counter() - begin)
    return min(taken[1:])


def eigenvalues(state, current):
    """Of the Jacobian of the vector field at a state, 1/ms."""
    flat, unflatten = ravel_pytree(state)
    field = jax.jacfwd(lambda y: ravel_pytree(MEMBRANE.vector_field(PARAMS, unflatten(y), current))[0])
    return jnp.linalg.eigvals(field(flat))


def longest_step(method: str, values: np.ndarray) -> np.ndarray:
    """The step up to which ``|R(step lambda)| <= 1`` for all eigenvalues, by bisection below 4 over the largest.

    Args:
      method: a key of ``STABILITY``.
      values: (..., eigenvalues) with negative real parts, 1/ms.
    """
    high = 4.0 / np.abs(values).max(-1)
    low = np.zeros_like(high)
    for _ in range(60):
        middle = (low + high) / 2
        held = (np.abs(STABILITY[method](middle[..., None] * values)) <= 1).all(-1)
        low, high = np.where(held, middle, low), np.where(held, high, middle)
    return low


def stability(states: int) -> dict:
    """Steps beyond which steady states are left, predicted and found, for currents on both sides of the firing."""
    near = states // 2
    current = np.concatenate([np.linspace(-8.0, 6.0, states - near), np.linspace(180.0, 400.0, near)])
    steps, lift = 10_000, 1e-3  # mV

    def distance(scheme, current, dt):
        rest = MEMBRANE.rest(PARAMS, current)
        lifted = rest._replace(voltage=rest.voltage + lift)
        step = lambda _, state: scheme.step(MEMBRANE, PARAMS, state, Input(current), dt)  # noqa: E731
        return jnp.abs(lax.fori_loop(0, steps, step, lifted).voltage - rest.voltage)

    found = {"held_current": current}
    with on_host(float64=True):
        rest, values = jax.jit(
            jax.vmap(lambda c: (MEMBRANE.rest(PARAMS, c), eigenvalues(MEMBRANE.rest(PARAMS, c), c)))
        )(jnp.asarray(current))
        found["held_voltage"] = np.asarray(rest.voltage)
        for name, scheme in (("forward_euler", FORWARD_EULER), ("rk4", RK4)):
            bound = longest_step(name, np.asarray(values))
            tried = bound[:, None] * np.linspace(0.98, 1.02, 81)
            each = jax.jit(jax.vmap(jax.vmap(lambda c, dt, s=scheme: distance(s, c, dt), (None, 0))))
            left = ~(np.asarray(each(jnp.asarray(current), jnp.asarray(tried))) < lift)
            found |= {f"bound_{name}": bound, f"found_{name}": tried[np.arange(states), left.argmax(1)]}
    return found


def along_a_spike() -> dict:
    """The Jacobian's bound for forward Euler at every moment of a spike, and what Euler makes of it with some steps."""
    tried = np.array([0.025, 0.05, 0.07, 0.1])

    @jax.jit
    def solution():
        states = simulate(
            MEMBRANE, PARAMS, duration=10.0, dt=0.0125, scheme=RK4, state=shocked(SHOCK), observe=lambda state: state
        )[1]
        return states.voltage, jax.vmap(lambda state: eigenvalues(state, 0.0))(states)

    @jax.jit
    @jax.vmap
    def euler(dt):
        def step(state, _):
            state = FORWARD_EULER.step(MEMBRANE, PARAMS, state, Input(0.0), dt)
            return state, state.voltage

        return lax.scan(step, shocked(SHOCK), None, 400)[1]

    with on_host(float64=True):
        voltage, values = (np.asarray(x) for x in solution())
        runs = np.asarray(euler(jnp.asarray(tried)))
    stiffest = np.take_along_axis(values, np.real(values).argmin(-1)[:, None], -1)[:, 0]
    bound = -2 * np.real(stiffest) / np.abs(stiffest) ** 2
    return {"orbit_time": times(10.0, 0.0125), "orbit_voltage": voltage, "orbit_bound": bound,
            "euler_step": tried, "euler_voltage": np.clip(runs, -200, 200)}  # fmt: skip


def order(steps: np.ndarray, errors: np.ndarray) -> float:
    """The slope of error against step between the two finest whose errors stand above the reference's own."""
    kept = np.nonzero(errors > 1e-7)[0][-2:]
    return float(np.diff(np.log(errors[kept]))[0] / np.diff(np.log(steps[kept]))[0])


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    named = lambda rows, names=SCHEMES: dict(zip(names, rows, strict=True))  # noqa: E731
    pictures = {}

    figure, axes = panels(1, 3, width=5.4, height=4.6)
    for axis, key, ylabel, title in (
        (axes[0], "voltage_error", "worst error of the potential (mV)", "15 ms after a shock"),
        (axes[1], "spike_error", "worst error of a spike's time (ms)", "Spikes over 100 ms, from rest"),
    ):
        errors = named(a[key])
        orders = {name: order(a["steps"], error) for name, error in errors.items()}
        draw.convergence(axis, a["steps"], errors, orders, ylabel=ylabel, title=title)
    draw.work_precision(
        axes[2],
        named(zip(1e3 * a["scheme_seconds"], a["single_error"], strict=True))
        | named(
            zip(1e3 * a["adaptive_seconds"], a["adaptive_error"], strict=True),
            list(ADAPTIVE)[: len(a["adaptive_error"])],
        ),
    )
    axes[2].set(xlabel="measured time (ms)", ylabel="worst error of a spike's time (ms)", title="Error against cost")
    pictures["errors"] = Picture(
        figure,
        "Halve the step and the error falls by 2, 4 or 16. From rest Rush-Larsen is of order 2 too: gates that follow "
        "the old potential and drive the new one are staggered in all but their starting time. Right: what 100 ms of "
        "one membrane cost; down to a thousandth of a millisecond the staggered scheme is cheapest, below it the high orders.",
    )

    figure, axes = panels(1, 3, width=5.4, height=4.2)
    draw.step_bounds(
        axes[0],
        a["held_voltage"],
        {name: (a[f"bound_{name}"], a[f"found_{name}"]) for name in STABILITY},
    )
    draw.bound_along(axes[1], a["orbit_time"], a["orbit_voltage"], a["orbit_bound"])
    draw.blow_ups(axes[2], a["euler_step"], a["euler_voltage"], (a["orbit_time"], a["orbit_voltage"]))
    pictures["stability"] = Picture(
        figure,
        "Left: the step beyond which a steady state, held by a current, is left: by the eigenvalues of the Jacobian "
        "(lines) and by trying (circles). Middle: the same bound, of the fastest direction, along a spike; it falls tenfold "
        "while sodium channels are open. Right: Euler steps below and beyond it.",
    )
    return pictures
