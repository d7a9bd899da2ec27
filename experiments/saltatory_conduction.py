"""How does a spike travel along an axon, and why does it leap under myelin? (ch. 1.3.1)

Neurons with a shape, as trees of compartments. In order:

1. The squid's giant axon of 1952: velocity and height of the travelling spike.
2. Velocity against diameter: bare axons of one length of compartment, and myelinated fibres with nodes of Ranvier.
3. The spike over distance and time in a bare axon and in a fibre of the same outer diameter, and as a film.
4. A passive cable against its closed forms: decay along it, and input resistance.
5. Types of neuron, drawn; and a real pyramidal cell of the rat's hippocampus while a synapse on a dendrite is active
   (left out where its file is not at hand: ``python -m experiments data fetch morphology``).

    python -m experiments run saltatory_conduction

Expected: 18.73 m/s at 18.5 C (Hodgkin & Huxley computed 18.8 and measured 21.2) with a peak of 90.57 mV, 12.31 m/s at
6.3 C; velocity as the square root of the diameter without myelin (Hodgkin 1954), as the diameter with it (Hursh 1939,
Rushton 1951). Two CPU cores: quick 25 s, full a minute.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import data
from redes_jax.figures import trees as draw
from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, house, panels
from redes_jax.neurons import channels as ch
from redes_jax.neurons import morphology, myelin, stimuli, swc
from redes_jax.neurons.cable import Tree, cylinders, joined
from redes_jax.neurons.membrane import SQUID, State, compose
from redes_jax.neurons.simulation import simulate, times, whole_steps


@dataclass(frozen=True)
class Config:
    dx: float = 400.0  # length of a compartment of the bare axons, um
    dt: float = 0.005  # step, ms
    length: float = 60.0  # of the bare axons, mm
    fibres: int = 5  # diameters on each velocity curve
    nodes: int = 21  # of Ranvier
    internode: int = 8  # compartments between two nodes
    celsius: float = 20.0  # of the myelinated fibres
    longest: float = 40.0  # compartment of the traced cell, um
    synapse: float = 0.01  # its synapse's largest conductance, uS
    seed: int = 0  # chooses the dendrite that is stimulated


PRESETS = {
    "quick": Config(),
    "full": Config(dx=100.0, dt=0.002, fibres=9, nodes=41, internode=16, longest=10.0),
}

_HH, _COMPUTED = "Hodgkin & Huxley 1952", "independent integration, converged in dx and dt"
CLAIMS = (
    Claim("squid_velocity_18", "squid axon, 18.5 C, velocity computed", 18.8, "m/s", _HH, 0.2),
    Claim("squid_velocity_18", "the same, converged", 18.73, "m/s", _COMPUTED, 0.19),
    Claim("squid_peak_18", "height of the travelling spike", 90.57, "mV", _COMPUTED, 0.1),
    Claim("squid_velocity_6", "squid axon, 6.3 C", 12.31, "m/s", _COMPUTED, 0.12),
    Claim("bare_exponent", "velocity as a power of the diameter, no myelin", 0.5, "", "Hodgkin 1954, cable theory", 0.01),
    Claim("bare_coefficient", "velocity over root of the diameter, 18.5 C", 0.8585, "m/s um^-1/2", _COMPUTED, 0.0086),
    Claim("myelin_exponent", "velocity as a power of the diameter, myelin", 1.0, "", "Hursh 1939; Rushton 1951", 0.05),
    Claim("decay_per_lambda", "long passive cable, log potential a length constant", -1.0, "", "exp(-x / lambda)", 0.001),
    Claim("input_resistance_ratio", "sealed cable, input resistance over closed form", 1.0, "", "Rall 1977", 0.001),
)  # fmt: skip

SQUID_DIAMETER, SQUID_RESISTIVITY = 476.0, 35.4  # um, ohm cm
SHOWN, BARE_DX = 8.0, 50.0  # ms, um
SEALED, LONG = (0.5, 1.0, 2.0), 8.0  # length constants
CABLE_COLOURS = dict(zip((*SEALED, LONG), (BLUE, ORANGE, GREEN, GREY), strict=True))
CELL_LEAK, CELL_REST, SPREAD = 0.03, -65.0, 20.0  # mS/cm2, mV, mV of the colour scale
SNAPSHOTS = (1.0, 4.0, 10.0, 20.0)  # ms
PASSIVE = compose(ch.LEAK)
TYPES = {
    "unipolar": (morphology.unipolar, 200.0), "bipolar": (morphology.bipolar, 100.0),
    "multipolar": (morphology.multipolar, 200.0), "axonless": (morphology.axonless, 100.0),
}  # fmt: skip


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    bare = lab.once("bare axons", lambda: bare_axons(config))
    wrapped = lab.once("myelinated fibres", lambda: myelinated(config))
    passive = lab.once("passive cable", passive_cable)
    cell = lab.once("traced cell", lambda: traced_cell(config)) if data.morphology.available() else {}
    arrays = bare | wrapped | passive | cell
    measured = {
        "squid_velocity_18": bare["squid_velocity"][0], "squid_velocity_6": bare["squid_velocity"][1],
        "squid_peak_18": bare["squid_peak"][0], "bare_exponent": exponent(bare["diameter"], bare["velocity"]),
        "bare_coefficient": bare["velocity"] / np.sqrt(bare["diameter"]),
        "myelin_exponent": exponent(wrapped["fibre_diameter"], wrapped["fibre_velocity"]),
        "fibre_velocity_per_um": wrapped["fibre_velocity"] / wrapped["fibre_diameter"],
        "decay_per_lambda": passive["decay"], "input_resistance_ratio": passive["ratio"],
    }  # fmt: skip
    measured = {name: np.asarray(value, float) for name, value in measured.items()}
    return Result(arrays, {k: float(v) if v.ndim == 0 else v for k, v in measured.items()})


def check(config: Config) -> None:
    if config.fibres < 2:
        raise ValueError(f"fibres is {config.fibres}: an exponent needs at least 2 diameters")
    if config.nodes < 7:
        raise ValueError(f"nodes is {config.nodes}: at least 7, for a velocity far from both ends")
    if not 0 < config.dt <= 0.025:
        raise ValueError(f"dt is {config.dt} ms: above 0 and at most 0.025")
    if config.length * 1000 < 20 * config.dx:
        raise ValueError(f"length is {config.length} mm: at least 20 compartments of dx, {config.dx} um")
    whole_steps(6.0, config.dt)


def arrivals(voltage, dt):
    """When the potential first crosses 0 mV in each compartment, ms; NaN where it never does."""
    above = voltage > 0
    k = np.argmax(above, axis=0)
    after, before = (np.take_along_axis(voltage, i[None], 0)[0] for i in (k, np.maximum(k - 1, 0)))
    return np.where(
        above.any(0) & (k > 0), dt * (k + 1 - after / np.where(after == before, 1.0, after - before)), np.nan
    )


def speed(distance, arrival):
    """m/s over the middle third of a line of compartments."""
    near, far = len(distance) // 3, 2 * len(distance) // 3
    return (distance[far] - distance[near]) / 1000 / (arrival[far] - arrival[near])


def exponent(diameter, velocity) -> float:
    return float(np.polyfit(np.log(diameter), np.log(velocity), 1)[0])


def bare_axons(config: Config) -> dict:
    """Axons side by side: the squid's at two temperatures, then one of each diameter at 18.5 C."""
    count = round(1000 * config.length / config.dx)
    diameter = np.geomspace(120.0, SQUID_DIAMETER, config.fibres)
    lanes = np.r_[SQUID_DIAMETER, SQUID_DIAMETER, diameter]
    tree = Tree(SQUID, joined(range(-1, count - 1)))
    celsius = np.full(len(lanes), 18.5)
    celsius[1] = 6.3

    @jax.jit
    def travel(diameter, factor):
        params = tree.params(cylinders(jnp.full((count, 1), config.dx), diameter, SQUID_RESISTIVITY))
        params = params._replace(membrane=params.membrane._replace(rate_factor=factor[None]))
        shock = stimuli.pulse(2e4 * (diameter / SQUID_DIAMETER) ** 1.5, 0.0, 0.2)
        return simulate(tree, params, tree.inject(params, 0, shock), duration=7.0, dt=config.dt)[1]

    voltage = np.asarray(travel(jnp.asarray(lanes, jnp.float32), jnp.asarray(ch.q10(celsius), jnp.float32)), float)
    distance = config.dx * (np.arange(count) + 0.5)
    arrival = arrivals(voltage.reshape(len(voltage), -1), config.dt).reshape(count, -1)
    velocity = np.array([speed(distance, arrival[:, lane]) for lane in range(len(lanes))])
    peak = voltage[:, count // 2].max(0) - float(SQUID.rest(SQUID.params()).voltage)
    return {"squid_velocity": velocity[:2], "squid_peak": peak[:2], "diameter": diameter, "velocity": velocity[2:]}


def myelinated(config: Config) -> dict:
    """Fibres of several diameters side by side; and one of 10 um beside a bare axon as thick and as long."""
    diameter = np.r_[10.0, np.geomspace(5.0, 20.0, config.fibres)]
    cells = [myelin.fibre(d, config.nodes, compartments=config.internode) for d in diameter]
    tree, factor = Tree(SQUID, cells[0].wiring), ch.q10(config.celsius)
    each = [myelin.wrapped(tree, cell, d, rate_factor=factor) for cell, d in zip(cells, diameter, strict=True)]
    fibres = jax.tree.map(lambda *leaves: jnp.stack(leaves, -1) if jnp.ndim(leaves[0]) else leaves[0], *each)
    length = float(cells[0].distance[-1])
    axon = morphology.unbranched(length, 10.0, round(length / BARE_DX), 70.0)
    bare = Tree(SQUID, axon.wiring)
    same = bare.params(axon.geometry)
    same = same._replace(membrane=same.membrane._replace(rate_factor=factor))

    def travel(tree, params, current, duration):
        stimulus = tree.inject(params, 0, stimuli.pulse(current, 0.0, 0.2))
        return jax.jit(lambda p: simulate(tree, p, stimulus, duration=duration, dt=config.dt)[1])(params)

    leaping = np.asarray(travel(tree, fibres, 3.0, SHOWN), float)
    running = np.asarray(travel(bare, same, 20.0, SHOWN), float)
    nodes = np.flatnonzero(cells[0].on("node"))
    speeds = [speed(cell.distance[nodes], arrivals(leaping[:, nodes, k], config.dt)) for k, cell in enumerate(cells)]
    every = max(1, round(0.01 / config.dt))
    return {
        "fibre_diameter": diameter[1:], "fibre_velocity": np.array(speeds[1:]), "leap_velocity": speeds[0],
        "run_velocity": speed(axon.distance, arrivals(running, config.dt)),
        "shown_time": times(SHOWN, config.dt)[::every], "node": nodes,
        "leap_voltage": leaping[::every, :, 0].astype(np.float32), "leap_distance": cells[0].distance / 1000,
        "run_voltage": running[::every].astype(np.float32), "run_distance": axon.distance / 1000,
    }  # fmt: skip


def passive_cable() -> dict:
    """Sealed cables of several lengths, fed at one end: potential over the closed form, and input resistance."""
    diameter, resistivity, leak, count = 2.0, 100.0, 0.3, 400
    unit = 1e4 * np.sqrt(diameter * 1e-4 / (4 * resistivity * leak * 1e-3))  # lambda in um
    infinite = 0.01 * resistivity * unit * 4 / (np.pi * diameter**2)  # input resistance of an endless cable, Mohm
    tree = Tree(PASSIVE, joined(range(-1, count - 1)))
    found = {"cable_x": (np.arange(count) + 0.5) / count}
    with jax.enable_x64(True):
        voltage = jax.jit(lambda length: passive_rest(tree, length / count, diameter, resistivity, count))
        solved = [np.asarray(voltage(jnp.asarray(share * unit))) for share in (*SEALED, LONG)]
    x = LONG * found["cable_x"]
    middle = (x > 0.5) & (x < 4.0)
    found |= {f"cable_{share:g}": v for share, v in zip((*SEALED, LONG), solved, strict=True)}
    # the current enters at the middle of the first compartment: the closed form is taken there
    first = 0.5 / count * np.array(SEALED)
    ratios = [
        v[0] / (infinite * np.cosh(L - a) * np.cosh(a) / np.sinh(L))
        for v, L, a in zip(solved, SEALED, first, strict=False)
    ]
    return found | {"decay": np.polyfit(x[middle], np.log(solved[-1][middle]), 1)[0], "ratio": np.array(ratios)}


def passive_rest(tree, piece, diameter, resistivity, count):
    """How far 1 nA into the first compartment lifts each one in the end, mV."""
    params = tree.params(cylinders(jnp.full(count, 1.0) * piece, diameter, resistivity))
    return tree.rest(params, tree.inject(params, 0, 1.0)(0.0)).voltage - ch.LEAK.reversal


def traced_cell(config: Config) -> dict:
    """The pyramidal cell, its membrane passive, while a synapse far out on its apical dendrite is active."""
    cell = swc.read(data.morphology.ca1(), longest=config.longest)
    apical = np.flatnonzero((cell.on("apical") > 0) & (cell.distance > 0.6 * cell.distance.max()))
    target = int(np.random.default_rng(config.seed).choice(apical))
    tree = Tree(PASSIVE, cell.wiring)

    def conductance(t):
        return config.synapse * t / 2.0 * jnp.exp(1.0 - t / 2.0)

    @jax.jit
    def respond():
        params = tree.params(cell.geometry, leak=CELL_LEAK)
        params = params._replace(membrane=params.membrane._replace(reversal={"leak": CELL_REST}))
        state = State(jnp.full(len(cell.kinds), CELL_REST), ())
        stimulus = tree.synapse(params, target, conductance, 0.0)
        return simulate(tree, params, stimulus, duration=SNAPSHOTS[-1], state=state)[1]

    shown = np.searchsorted(times(SNAPSHOTS[-1]), SNAPSHOTS) - 1
    return {
        "cell_line": cell.line * np.array([1.0, -1.0, 1.0]), "cell_diameter": cell.diameter,
        "cell_kinds": np.array(cell.kinds), "cell_target": target, "cell_voltage": np.asarray(respond())[shown],
    }  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a, pictures = result.arrays, {}

    figure, axes = panels(1, 3, width=5.0, height=4.4)
    time, run, leap = a["shown_time"], a["run_voltage"], a["leap_voltage"]
    draw.travelling(axes[0], time, a["run_distance"], run, title=f"Bare, {a['run_velocity']:.2f} m/s")
    draw.travelling(axes[1], time, a["leap_distance"], leap, title=f"Myelinated, {a['leap_velocity']:.1f} m/s")
    early = time < 1.6
    image = draw.travelling(axes[2], time[early], a["leap_distance"], leap[early], title="Myelinated, closer")
    axes[2].plot(
        arrivals(leap[:, a["node"]], time[1] - time[0]) + time[0] - (time[1] - time[0]),
        a["leap_distance"][a["node"]], "o", ms=4, mfc="none", mec="white", label="node reaches 0 mV",
    )  # fmt: skip
    axes[2].legend(loc="lower right", labelcolor="white")
    axes[2].set(xlim=(0, 1.6), ylim=axes[1].get_ylim())
    figure.colorbar(image, ax=axes, label="potential (mV)", pad=0.01)
    pictures["spike_travels"] = Picture(
        figure,
        "One spike, two axons of 10 um outer diameter, 20 C. The bare one carries it as a slanted stripe. Under myelin it "
        "crosses the same distance about ten times as fast, because only the nodes of Ranvier have to charge and fire.",
    )

    figure, axes = panels(1, 3, width=5.0, height=4.4)
    draw.velocities(
        axes[0], {"bare, 18.5 C": (a["diameter"], a["velocity"], exponent(a["diameter"], a["velocity"]))},
        title="Without myelin: the root",
    )  # fmt: skip
    published = {"computed 1952": (18.8, "s"), "measured 1952": (21.2, "D")}
    for name, (value, marker) in published.items():
        axes[0].plot(SQUID_DIAMETER, value, marker, ms=9, mfc="none", mec=ORANGE, mew=2, label=name)
    axes[0].legend(loc="upper left")
    fibre = a["fibre_diameter"], a["fibre_velocity"], exponent(a["fibre_diameter"], a["fibre_velocity"])
    draw.velocities(axes[1], {"myelinated, 20 C": fibre}, title="With myelin: the diameter")
    shown = (*SEALED, LONG)
    x = a["cable_x"]
    curves = {}
    for share in shown:
        closed = np.cosh(share * (1 - x)) / np.cosh(share * (1 - x[0]))
        curves[rf"{share:g} $\lambda$ long"] = a[f"cable_{share:g}"] / a[f"cable_{share:g}"][0], closed
    for (name, (ours, closed)), share in zip(curves.items(), shown, strict=True):
        seen = share * x < 4.0
        draw.attenuation(axes[2], share * x[seen], {name: (ours[seen], closed[seen])}, colour=CABLE_COLOURS[share])
    axes[2].set_title("Passive cables, over closed forms")
    pictures["velocities"] = Picture(
        figure,
        "Left: velocity of a bare axon grows as the root of its diameter; the squid's giant axon is the last point. Middle: "
        "under myelin it grows as the diameter. Right: what no channel renews decays as exp(-x / lambda), more slowly "
        "near a sealed end; dashed, the tree of compartments; broad, the closed form.",
    )

    figure, axes = panels(1, 5, width=3.4, height=4.6, gridspec_kw={"width_ratios": (1.5, 0.6, 0.8, 1.3, 0.5)})
    for axis, (name, (shape, bar)) in zip(axes, TYPES.items(), strict=False):
        cell = shape()
        draw.neuron(axis, cell.line, cell.diameter, cell.kinds, scale=bar)
        axis.set_title(name)
    draw.kind_legend(axes[4], ("soma", "dendrite", "axon", "hillock"))
    pictures["types"] = Picture(
        figure,
        "Neurons by the processes that leave the soma: one that divides (sensory ganglia), two (retina), many (motor "
        "neurons, with the hillock where spikes begin), and many of which none can be told an axon (amacrine cells).",
    )

    if "cell_voltage" in a:
        pictures["pyramidal_cell"] = Picture(
            _traced(a),
            "A CA1 pyramidal cell of the rat (Pyapali et al. 1998) while one synapse (circle) on a far apical dendrite is "
            "active: the potential is large there (above the scale), and spreads and sinks on its way to the soma.",
        )
    pictures["spike_film"] = Picture(
        film(a), "The same spike in both axons, slowed ten thousand times: it runs in the bare one, and leaps below."
    )
    return pictures


def _traced(a):
    figure, axes = panels(1, len(SNAPSHOTS), width=3.2, height=6.2)
    for axis, time, voltage in zip(axes, SNAPSHOTS, a["cell_voltage"], strict=True):
        strokes = draw.neuron(
            axis, a["cell_line"], a["cell_diameter"], a["cell_kinds"], values=voltage,
            limits=(CELL_REST, CELL_REST + SPREAD), scale=100.0, widest=9.0,
        )  # fmt: skip
        x, y = a["cell_line"][int(a["cell_target"])].mean(0)[:2]
        axis.plot(x, y, "o", ms=14, mfc="none", mec=BLACK, mew=2)
        axis.set_title(f"{time:g} ms")
    figure.colorbar(strokes, ax=axes, label="potential (mV)", pad=0.01, extend="max")
    return figure


def film(a, frames: int = 80) -> np.ndarray:
    """Frames of potential against distance, bare above and myelinated below."""
    import matplotlib.pyplot as plt

    figure, axes = panels(2, 1, width=7.0, height=2.3, sharex=True)
    shots, time = [], a["shown_time"]
    rows = ((a["run_distance"], a["run_voltage"], "bare"), (a["leap_distance"], a["leap_voltage"], "myelinated"))
    lines = []
    for axis, (distance, voltage, name), colour in zip(axes, rows, (BLUE, ORANGE), strict=True):
        lines.append(axis.plot(distance, voltage[0], color=colour)[0])
        axis.set(ylim=(-90, 50), ylabel="potential (mV)", title=name)
    axes[1].plot(a["leap_distance"][a["node"]], np.full(len(a["node"]), -86.0), "|", color=GREY, ms=8)
    axes[1].set_xlabel("distance (mm)")
    clock = axes[0].text(1.0, 1.03, "", transform=axes[0].transAxes, ha="right")
    with house():
        for k in np.linspace(0, np.searchsorted(time, 0.5 * time[-1]), frames).astype(int):
            for line, (_, voltage, _) in zip(lines, rows, strict=True):
                line.set_ydata(voltage[k])
            clock.set_text(f"{time[k]:.2f} ms")
            figure.canvas.draw()
            shots.append(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())  # pyright: ignore
    plt.close(figure)
    return np.stack(shots)
