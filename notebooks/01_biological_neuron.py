# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1 Neurona biológica
# *The biological neuron*
#
# Artificial networks borrowed their idea from the nervous system. This chapter looks at the original: a reflex, a neuron, its
# synapses, its channels, and how it learns. Everything here is simulated, so every number can be changed; please do.
#
# Units: ms, mV, µA/cm², mS/cm², mM, µm.

# %%
# %matplotlib inline
import math

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from sklearn.datasets import load_sample_image

from redes_jax.figures import channels as channel_figures
from redes_jax.figures import circuits as circuit_figures
from redes_jax.figures import neurons as neuron_figures
from redes_jax.figures import plasticity as plasticity_figures
from redes_jax.figures import receptive as receptive_figures
from redes_jax.figures import synapses as synapse_figures
from redes_jax.figures import trees as tree_figures
from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, panels
from redes_jax.neurons import circuits, ions, morphology, myelin, plasticity, receptive, release, stimuli, synapses
from redes_jax.neurons import stochastic as st
from redes_jax.neurons.cable import Tree
from redes_jax.neurons.connectivity import all_to_all, fixed_in_degree, one_to_one
from redes_jax.neurons.hippocampal import INTERNEURON, PYRAMIDAL
from redes_jax.neurons.membrane import SQUID, Input, compose
from redes_jax.neurons.postsynaptic import postsynaptic
from redes_jax.neurons.receptor_channels import mechanically_gated
from redes_jax.neurons.simulation import simulate, times
from redes_jax.process import iterate

key = jax.random.key(0)

# %% [markdown]
# ## 1.1 Neurociencias computacionales
# *Computational neuroscience*
#
# A model of the nervous system may be
#
# 1. **descriptive**: it says *what* the system does (the rat finds the cheese after ten trials);
# 2. **mechanistic**: it says *how* (which current, through which channel, when);
# 3. **interpretive**: it says *what for* (why this code and not another).
#
# Here we build the second kind. What one wants to model goes from small to large:
#
# | objetivo | goal | below |
# | --- | --- | --- |
# | corrientes, proteínas | currents through a membrane, and the proteins that pass them | 1.3.1, 1.3.5 |
# | arquitectura topográfica | who is connected to whom, and where | 1.2, 1.3.4 |
# | aprendizaje, memoria | learning and memory | 1.3.5, neuroplasticity |
# | oscilaciones de las redes | rhythms of whole networks | at the end, when all parts are there |
#
# **Four things to know about JAX.** `jnp` is NumPy. `jax.jit(f)` compiles `f`: its first call takes a second or more, the others
# almost nothing. `jax.vmap(f)` is `f` for many inputs at once. Chance comes from a `key`: the same key, the same numbers.
#
# And one about this library: whatever moves in time is a function `step(key, state, input) -> (state, output)`, and `iterate`
# repeats it. A bucket with a hole is the oldest mechanistic model of a neuron:


# %%
def bucket(key, level, inflow):
    """A tenth of what is inside leaks out, then it rains."""
    del key
    level = 0.9 * level + inflow
    return level, level


rain = jnp.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
last, levels = iterate(bucket, key, jnp.zeros(()), rain)
print(np.asarray(levels, float).round(2))

# %% [markdown]
# ## 1.2 Sistema nervioso
# *The nervous system*
#
# A **nerve** is a cable of many axons. **Afferent** ones bring signals in (senses), **efferent** ones take them out (muscles). Not
# everything goes up to the brain: the spinal cord closes **local feedback loops** (*ciclos de retroalimentación local*). The best
# known is the **reflex arc**. The doctor taps the knee: the muscle is stretched, its afferents fire, and in the spinal cord they
#
# - **excite** the motor neurons of the same muscle (the extensor), which pulls back;
# - excite an **inhibitory interneuron**, which silences the opposite muscle (the flexor), so that it does not resist.
#
# We build it: four cells of each kind. Synapses are explained in 1.3.3; an axon of 38 cm is here just a delay.

# %%
spindle = compose(*PYRAMIDAL.channels, mechanically_gated())  # a neuron with channels that stretch opens
excite, inhibit = synapses.Exponentials(0.3, 3.0, 0.0), synapses.Exponentials(0.5, 12.0, -80.0)


def reflex(inhibition):
    """Who fires when, in 100 ms; the muscle is stretched at 50 ms."""
    everyone = all_to_all(4, 4)
    cells = {
        "afferent": circuits.Population(spindle, spindle.params(), 4),
        "interneuron": circuits.Population(INTERNEURON, INTERNEURON.params(), 4),
        "extensor": circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), 4),
        "flexor": circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), 4, drive=jnp.linspace(1.6, 2.2, 4)),
    }
    wires = [
        circuits.Projection("afferent", "extensor", everyone, 0.125, excite, delay=6.6),
        circuits.Projection("afferent", "interneuron", everyone, 0.125, excite, delay=6.6),
        circuits.Projection("interneuron", "flexor", everyone, inhibition, inhibit, delay=1.3),
    ]
    network = circuits.network(cells, wires, dt=0.05)

    def step(key, state, tension):
        return network.step(key, state, {"afferent": Input(sensed={"tension": tension})})

    tension = jnp.where(times(100.0, 0.05) > 50.0, 3.0, 0.0)
    return iterate(step, key, network.init(key), tension)[1]


seen = jax.device_get(jax.jit(jax.vmap(reflex))(jnp.array([0.5, 0.0])))  # as it is, and with the interneuron's synapses cut

colours = {"afferent": ORANGE, "interneuron": BLUE, "extensor": RED, "flexor": GREEN}
since = times(100.0, 0.05) - 50.0
figure, axes = panels(1, 3, width=4.8, height=3.6, gridspec_kw={"width_ratios": (1.5, 1, 1)})
circuit_figures.reflex_wiring(axes[0], colours, {"afferent": "5.8 ms", "interneuron": "0.5 ms", "efferent": ""})
for run, title in enumerate(("Stretch at 0 ms", "Interneuron cut")):
    ax = axes[1 + run]
    spikes = {name: seen[name][run] for name in ("flexor", "extensor", "interneuron", "afferent")}
    circuit_figures.raster(ax, since, spikes, colours, title=title)
    ax.axvline(0, color=BLACK, linewidth=1, linestyle=":")
    ax.set_xlabel("time (ms)")

# %% [markdown]
# Each tick is a spike. After the stretch the extensor fires and the flexor falls silent. Cut the interneuron (a **lesion study** of
# one cell type) and the extensor still answers, but the flexor goes on pulling against it.
#
# **Exercise.** The ankle is 78 cm from the spinal cord instead of 38. When does the extensor fire? (*Hint*: the afferents conduct at
# 65 m/s; add 0.8 ms for the synapse and change `delay`.)
#
# ### 1.2.1 Cerebro · 1.2.2 Zonas funcionales
# *The brain, and its functional zones*
#
# What a region of the brain is for was learned mostly from **lesions**: see what a patient can no longer do, and find what is damaged.
# From the senses to thought there are stages: **unimodal** areas know one sense only (edges and colours, later faces),
# **heteromodal** ones join senses, and at each stage a short path leads back to the motor areas. Deep networks with one branch for
# each kind of input, joined later, are built the same way.

# %% [markdown]
# ## 1.3 Neurona biológica
# *The biological neuron*
#
# ### 1.3.1 La neurona
# *The neuron*
#
# **Diferencia de potencial.** Inside a neuron there is much potassium and little sodium; outside it is the other way round. If only
# potassium can pass, it leaves until the charge that it takes along pulls it back as strongly as the concentration pushes it out.
# That voltage is the **Nernst potential**:
#
# $$E = \frac{RT}{zF}\,\ln\frac{c_\text{out}}{c_\text{in}}$$

# %%
squid = {"K": (20.0, 400.0, 1), "Na": (440.0, 50.0, 1), "Cl": (560.0, 52.0, -1)}  # outside, inside (mM), charge
for ion, (outside, inside, charge) in squid.items():
    print(f"{ion:3} outside {outside:5.0f}  inside {inside:5.0f} mM   E = {ions.nernst(outside, inside, charge):+6.1f} mV")

# %% [markdown]
# Several ions pass at once. Then the membrane settles at a compromise, weighted by how easily each ion passes: the equation of
# **Goldman, Hodgkin and Katz**. At rest potassium passes best. At the peak of a spike sodium does, and the voltage changes its sign.

# %%
outside, inside, charge = (jnp.array(column) for column in zip(*squid.values(), strict=True))
at_rest, at_peak = jnp.array([1.0, 0.04, 0.45]), jnp.array([1.0, 20.0, 0.45])  # permeability to K, Na, Cl
for name, permeability in (("at rest", at_rest), ("at the peak", at_peak)):
    print(f"{name}: {ions.goldman(permeability, outside, inside, charge):+.1f} mV")

potassium = jnp.geomspace(1.0, 400.0, 100)
both = jnp.stack([potassium, jnp.full_like(potassium, 440.0)], -1)
figure, axes = panels(width=6)
axes.semilogx(potassium, ions.nernst(potassium, 400.0), color=BLUE, label="potassium alone (Nernst)")
axes.semilogx(potassium, ions.goldman(at_rest[:2], both, inside[:2], charge[:2]), color=RED, label="and a little sodium (GHK)")
axes.set(xlabel="potassium outside (mM)", ylabel="membrane potential (mV)", title="Why the rest is negative")
axes.legend();

# %% [markdown]
# Ions leak all the time, so the difference would run down. The **pump** (*salen 3 sodios, entran 2 potasios*) pays it back. Since it
# takes out one charge more than it brings in, it also makes the inside a little more negative by itself:

# %%
pair = at_rest[:2], outside[:2], inside[:2]
print(f"the pump's own share: {ions.mullins_noda(*pair) - ions.goldman(*pair, charge[:2]):.2f} mV")

# %% [markdown]
# **Exercise.** Why is too much potassium in the blood dangerous? Double it outside and compute how far the rest moves. (*Hint*: change
# the first entry of `outside`.)
#
# **Suma en el cono axónico.** *Summation at the hillock.* A neuron is a tree. Each synapse makes a small bump at its place; the bump
# shrinks on its way to the soma, and where the axon begins, at the **hillock**, all of them are added. Here is a neuron cut into
# short pieces of membrane, with four synapses far out on its dendrites.

# %%
cell = morphology.multipolar(dendrites=2)
tree = Tree(PYRAMIDAL, cell.wiring)
fires = cell.on("soma", "hillock", "axon")  # dendrites here have no channels but the leak
params = tree.params(cell.geometry, sodium=100.0 * (fires + 2.0 * cell.on("hillock")), potassium=80.0 * fires)
tips = [section for section in range(1, 15) if section % 7 in (3, 4)]
sites = [cell.last(section) for section in tips]
hillock = int(np.flatnonzero(cell.on("hillock"))[0])


@jax.jit
@jax.vmap
def answer(onsets):
    """The potential everywhere while each synapse opens once, at its onset (never when that is infinite)."""

    def opening(onset):
        since = lambda t: jnp.maximum(t - onset, 0.0)  # noqa: E731
        return lambda t: 0.0018 * since(t) * jnp.exp(1.0 - since(t))

    each = [tree.synapse(params, site, opening(onsets[i]), 0.0) for i, site in enumerate(sites)]
    return simulate(tree, params, lambda t: synapses.total(*(synapse(t) for synapse in each)), duration=30.0)[1]


never = jnp.inf
runs = {
    "one": [2, never, never, never], "two": [2, 2, never, never], "three": [2, 2, 2, never], "all four": [2, 2, 2, 2],
    "four, 5 ms apart": [2, 7, 12, 17],
}  # fmt: skip
seen = np.asarray(answer(jnp.array(list(runs.values()))))

figure, axes = panels(1, 2, width=5.6, height=4.2, gridspec_kw={"width_ratios": (1, 1.3)})
drawn = tree_figures.neuron(axes[0], cell.line, cell.diameter, cell.kinds, values=seen[0].max(0), limits=(-67, -61), scale=100)
axes[0].plot(*cell.line[sites[0], 1, :2], "v", color=GREEN, ms=10)
axes[0].set_title("One synapse (triangle)")
figure.colorbar(drawn, ax=axes[0], label="highest potential (mV)", location="left")
synapse_figures.volleys(axes[1], times(30.0), seen[:, :, hillock], list(runs), title="At the hillock")
axes[1].set_ylim(-70, -45);  # the spike goes on to +38 mV

# %% [markdown]
# One bump is not enough. Enough of them **together** pass the **threshold** (*umbral*) and the neuron fires. The same four, one after
# the other, do not. **Exercise.** How close must they come? (*Hint*: try onsets 1, 2 and 3 ms apart in `runs`.)
#
# **Umbral y período refractario.** The threshold is sharp: below it the membrane falls back, above it the spike is always the same. And
# for some milliseconds after a spike there is no second one. That is why the signal cannot turn back in the axon.


# %%
@jax.jit
@jax.vmap
def shocked(first, second, gap):
    """A piece of squid axon after two shocks of 1 ms, ``gap`` apart."""
    both = stimuli.total(stimuli.pulse(first, 1.0, 2.0), stimuli.pulse(second, 1.0 + gap, 2.0 + gap))
    return simulate(SQUID, SQUID.params(), both, duration=40.0)[1]


sizes, gaps = jnp.array([3.0, 6.0, 7.0, 8.0, 20.0]), jnp.array([5.0, 8.0, 11.0, 13.0, 17.0])
figure, axes = panels(1, 2, width=5.6, height=3.6)
once, twice = shocked(sizes, jnp.zeros(5), gaps), shocked(jnp.full(5, 15.0), jnp.full(5, 15.0), gaps)
neuron_figures.all_or_none(axes[0], times(40.0), once, [f"{size:g} µA/cm²" for size in sizes])
neuron_figures.all_or_none(axes[1], times(40.0), twice, [f"second after {gap:g} ms" for gap in gaps])
axes[0].set_title("All or nothing")
axes[1].set_title("Refractory period");

# %% [markdown]
# **Exercise.** Is a *stronger* second shock of any use after 5 ms? After 8 ms? (*Hint*: make `second` 60.) What you find is the difference
# between the *absolute* and the *relative* refractory period.
#
# **Propagación.** The spike moves on because each piece of axon excites the next. In a bare axon every piece takes its time. Other cells
# wrap axons in **myelin** and leave only small gaps, the **nodes of Ranvier**. Between nodes the current just runs through, at the
# nodes the spike is made anew: **conducción a saltos**. Both axons here are 10 µm thick and 1 cm long.

# %%
fibre = myelin.fibre(10.0, nodes=11)
wrapped = Tree(SQUID, fibre.wiring)
axon = morphology.unbranched(fibre.distance[-1], 10.0, 120, resistivity=70.0)
bare = Tree(SQUID, axon.wiring)
warm = 4.5  # gates at 20 °C move this much faster than at 6.3 °C


def travel(tree, params, current):
    stimulus = tree.inject(params, 0, stimuli.pulse(current, 0.0, 0.2))
    return np.asarray(jax.jit(lambda params: simulate(tree, params, stimulus, duration=6.0, dt=0.01)[1])(params))


plain = bare.params(axon.geometry)
plain = plain._replace(membrane=plain.membrane._replace(rate_factor=warm))
running = travel(bare, plain, 20.0)
leaping = travel(wrapped, myelin.wrapped(wrapped, fibre, 10.0, rate_factor=warm), 3.0)

time, nodes = times(6.0, 0.01), np.flatnonzero(fibre.on("node"))
figure, axes = panels(1, 3, width=4.4, height=3.6)
tree_figures.travelling(axes[0], time, axon.distance / 1000, running, title="Bare axon")
image = tree_figures.travelling(axes[1], time, fibre.distance / 1000, leaping, title="With myelin")
figure.colorbar(image, ax=axes[:2], label="potential (mV)", location="bottom", shrink=0.5)
shades = colormaps["viridis"](np.linspace(0.0, 0.9, len(nodes)))
for node, shade in zip(nodes, shades, strict=True):
    axes[2].plot(time, leaping[:, node], color=shade)
axes[2].set(xlim=(0, 1), xlabel="time (ms)", ylabel="potential (mV)", title="Node after node, 1 mm apart")
for name, where, voltage in (("bare", axon.distance, running), ("with myelin", fibre.distance, leaping)):
    near, far = len(where) // 3, 2 * len(where) // 3
    delay = 0.01 * (np.argmax(voltage[:, far] > 0) - np.argmax(voltage[:, near] > 0))
    print(f"{name}: {(where[far] - where[near]) / 1000 / delay:.1f} m/s")

# %% [markdown]
# **Exercise.** How long does a touch of the toe take to the spinal cord, 1 m, in each of them? Which would you rather have in your hand
# when you touch a hot pan?

# %% [markdown]
# ### 1.3.2 Elementos de las neuronas y tipos
# *Parts and types of neurons*
#
# Dendrites receive, the **soma** adds, the **axon** sends, and at its end there are neurotransmitters. By what leaves the soma one tells
#
# - **unipolar**: one process, which divides; it carries touch past the cell body to the spinal cord;
# - **bipolar**: one on each side; in the retina, in the nose;
# - **multipolar**: many dendrites, one axon; the one of the textbook;
# - **axonless** (*sin axón*): it does not fire; it trades transmitters through its dendrites.
#
# Axons do not end on dendrites only: some end on a soma, some on another axon. In the cell above, `tree.synapse` takes any compartment.

# %%
types = {"unipolar": 200, "bipolar": 100, "multipolar": 200, "axonless": 100}  # and the length of the bar, µm
figure, axes = panels(1, 4, width=3.1, height=3.6)
for ax, (name, bar) in zip(axes, types.items(), strict=True):
    shape = getattr(morphology, name)()
    tree_figures.neuron(ax, shape.line, shape.diameter, shape.kinds, scale=bar)
    ax.set_title(name)
figure.legend(
    handles=[Line2D([], [], color=tree_figures.KIND_COLOURS[part], linewidth=5, label=part) for part in ("soma", "dendrite", "axon")],
    loc="outside lower center",
    ncols=3,
);

# %% [markdown]
# ### 1.3.3 Sinapsis
# *The synapse*
#
# **Sinapsis química.** A spike arrives at the end of the axon, calcium enters, **vesicles** pour out a transmitter, and **receptors** on the
# other side open. What that does depends on the receptor's battery $E$, the potential to which it pulls: towards 0 mV it **excites**
# (EPSP), towards −80 mV it **inhibits** (IPSP). Dopamine, serotonin and many others are transmitters; the two that do most of the work are
# glutamate (AMPA and NMDA receptors) and GABA. What each receptor does after one vesicle, 1 ms of transmitter:

# %%
kinds = {"AMPA": synapses.AMPA, "NMDA": synapses.NMDA, "GABA-A": synapses.GABA_A, "GABA-B": synapses.GABA_B}
strength = {"AMPA": 0.01, "NMDA": 0.2, "GABA-A": 0.02, "GABA-B": 6.0}  # mS/cm², all channels open
receiver = postsynaptic(PYRAMIDAL, PYRAMIDAL.params(), kinds, strength, dt=0.05)
time = times(300.0, 0.05)
vesicle = jnp.where(time <= 1.0, 1.0, 0.0)[:, None]
transmitter = {name: vesicle * (jnp.arange(4) == i) for i, name in enumerate(kinds)}  # neuron i has only receptor i active
voltage = iterate(receiver.step, key, receiver.init(key, (4,)), transmitter)[1]

figure, axes = panels(1, 2, width=5.6, height=3.8)
rest = PYRAMIDAL.rest(PYRAMIDAL.params()).voltage
synapse_figures.potentials(axes[0], time, dict(zip(kinds, (voltage - rest).T, strict=True)))
held = jnp.linspace(-100.0, 60.0, 161)
free = {f"{magnesium:g} mM": synapses.magnesium_block(held, magnesium) for magnesium in (0.1, 0.5, 1.0, 2.0)}
synapse_figures.block(axes[1], held, free)

# %% [markdown]
# AMPA is fast, GABA-B lasts for hundreds of milliseconds. **NMDA** is special: at rest a magnesium ion sits in the channel like a cork.
# It opens only if there is transmitter **and** the cell is already depolarised by others: an *and* gate, and the beginning of learning.
#
# **Vesículas.** A terminal has a few vesicles ready, and each is released **by chance**. So the answer to one spike is
# binomial. With use a terminal gets tired (**depression**: no vesicles left) or wakes up (**facilitation**: calcium is left over).

# %%
trials, ready, p = 2000, 5, 0.4
terminal = release.vesicles(release.ShortTerm(p, recovery=0.0), ready, dt=1.0)
_, released = terminal.step(key, terminal.init(key, (trials,)), jnp.ones(trials, bool))
law = np.array([trials * math.comb(ready, k) * p**k * (1 - p) ** (ready - k) for k in range(ready + 1)])

spiking = np.arange(400) % 50 == 0  # 20 Hz, in steps of 1 ms
expected, sampled, endless = {}, {}, {}
for name, kind in (("depressing", release.DEPRESSING), ("facilitating", release.FACILITATING)):
    mean, each = release.mean(kind, dt=1.0), release.vesicles(kind, ready, dt=1.0)
    expected[name] = iterate(mean.step, key, mean.init(key), jnp.asarray(spiking))[1][spiking]
    counts = iterate(each.step, key, each.init(key, (500,)), jnp.asarray(spiking)[:, None].repeat(500, 1))[1]
    sampled[name] = counts[spiking].mean(1) / ready
    endless[name] = math.prod(kind.steady(20.0))

figure, axes = panels(1, 2, width=5.6, height=3.6)
synapse_figures.release_counts(axes[0], np.bincount(released, minlength=ready + 1), law)
synapse_figures.train(axes[1], np.flatnonzero(spiking), expected, sampled, endless)

# %% [markdown]
# **Exercise.** How often does a spike release nothing at all? Compute it by hand and compare. With how many vesicles ready would that
# happen less than once in a hundred? (*Hint*: $(1-p)^n$.)
#
# **Sinapsis eléctrica.** Some neurons are joined by a **gap junction** (*unión en hendidura*), a pore from one cell to the other: no
# transmitter, and it works both ways. A driven cell (grey) pulls its silent neighbour along.


# %%
def coupled(conductance):
    cells = {"driven": circuits.Population(SQUID, SQUID.params(), 1, drive=10.0), "silent": circuits.Population(SQUID, SQUID.params(), 1)}
    joints = [circuits.Junctions(a, b, one_to_one(1), conductance) for a, b in (("driven", "silent"), ("silent", "driven"))]
    network = circuits.network(cells, joints, dt=0.05)
    see = lambda state, spikes: (state.cells["driven"].voltage[0], state.cells["silent"].voltage[0])  # noqa: E731
    return iterate(network.step, key, network.init(key), length=1200, observe=see)[1]


junctions = jnp.array([0.02, 0.05, 0.2])
driven, silent = jax.jit(jax.vmap(coupled))(junctions)
figure, axes = panels(1, 3, width=4.2, height=2.8, sharey=True)
for ax, g, one, other in zip(axes, junctions, driven, silent, strict=True):
    ax.plot(times(60.0, 0.05), one, color=GREY, linewidth=1.2)
    ax.plot(times(60.0, 0.05), other, color=BLUE)
    ax.set(xlabel="time (ms)", title=f"{g:.2g} mS/cm²")
axes[0].set_ylabel("potential (mV)");

# %% [markdown]
# ### 1.3.4 Campos receptivos
# *Receptive fields*
#
# The **receptive field** of a neuron is the region of the world that can move it. In the **retina**, light in a small disc excites a
# ganglion cell and light around it inhibits (*centro-periferia*). In the **cortex**, a cell prefers an edge of one orientation. To lay
# the same field over every point of an image is a **convolution**: chapter 10 begins here.

# %%
image = jnp.asarray(load_sample_image("china.jpg")[:400:2, 100:600:2].mean(-1) / 255.0)
x, y = receptive.grid(21)
retina = receptive.DifferenceOfGaussians(center=1.5, surround=4.5, center_gain=1.0, surround_gain=0.111)(x, y)
cortex = receptive.Gabor(width=3.0, frequency=0.17, aspect=0.6)(x, y)

figure, axes = panels(1, 5, width=2.7, height=2.3)
receptive_figures.seen(axes[0], image, title="an image", signed=False)
for ax, field, name in ((axes[1:3], retina, "retina"), (axes[3:5], cortex, "cortex")):
    receptive_figures.field(ax[0], field, title=f"{name}: field")
    receptive_figures.seen(ax[1], receptive.respond(image, field), title=f"{name}: answer")

# %% [markdown]
# Even surfaces vanish, edges stay: the weights of the retina's field add up to nearly nothing. How does one find a field in a real
# animal? Show it noise, and average what was shown **before each spike**. Below, that is done to a neuron whose field we know. Then the
# skin: a **Merkel cell** is pressed for three seconds; it answers the press with a burst, adapts, and keeps answering.

# %%
x, y = receptive.grid(15)
true = receptive.Gabor(width=2.2, frequency=0.16, orientation=0.7, aspect=0.7, phase=1.0)(x, y).ravel()
watcher = receptive.triggered_average(true / jnp.linalg.norm(true))
moments, _ = iterate(watcher.step, key, watcher.init(key), length=128)

receptor, since = receptive.merkel(), np.arange(-500, 4500) / 1000
pressure = jnp.where((since >= 0) & (since < 3), 1.0, 0.0)
touch = iterate(receptor.step, key, receptor.init(key), pressure)[1]

figure, axes = panels(1, 3, width=3.6, height=3.2, gridspec_kw={"width_ratios": (1, 1, 1.8)})
receptive_figures.field(axes[0], true.reshape(15, 15), title="the field")
receptive_figures.field(axes[1], moments.average().reshape(15, 15), title=f"mean of {moments.spikes} spikes")
axes[2].fill_between(since, 0, 10 * pressure, color=GREY, alpha=0.5, linewidth=0)
axes[2].plot(since, touch.rate, color=BLUE)
axes[2].plot(since[touch.spike], np.full(touch.spike.sum(), -12), "|", color=BLACK, ms=8, mew=0.8)
axes[2].set(xlabel="time (s)", ylabel="firing rate (Hz)", title="Touch: pressure (grey), spikes (ticks)")
print("correlation:", np.corrcoef(true, moments.average())[0, 1].round(3))

# %% [markdown]
# **Exercise.** Make `surround_gain` 0. What does the retina say now about the sky, and why is that a waste of spikes?
# **Exercise.** How many spikes are needed for a correlation of 0.9? (*Hint*: `length=128` counts groups of 256 images.)

# %% [markdown]
# ### 1.3.5 Señal eléctrica
# *The electrical signal*
#
# A channel is a single protein with a pore: shut or open, nothing in between. What changes is how **often** it jumps. There are four kinds:
#
# - **canal de fuga** (leak): it opens and shuts at random, always;
# - **regulado por ligando** (ligand-gated): a transmitter opens it;
# - **por estímulo mecánico** (mechanical): tension opens it, as in touch;
# - **regulado por voltaje** (voltage-gated): the membrane's own voltage opens it. This one makes the spike.

# %%
four = {
    "leak": (st.spontaneous(), (), ()),  # the molecule, and what it senses: without and with the signal
    "ligand": (st.bound_then_open(), (0.0,), (0.02,)),  # mM
    "mechanical": (st.from_gates(mechanically_gated(), (1,)), (0.0,), (1.4,)),  # mN/m
    "voltage": (st.SQUID_POTASSIUM, (-65.0,), (-20.0,)),  # mV
}
time, records = jnp.linspace(0.0, 120.0, 2401), {}
for i, (name, (molecule, without, given)) in enumerate(four.items()):
    is_open = np.array(molecule.conducting)
    share = [float(is_open @ st.stationary(st.generator(molecule, *sensed))) for sensed in (without, given)]
    print(f"{name:11} open without the signal {share[0]:6.1%}, with it {share[1]:6.1%}")
    channel = st.jumps(st.generator(molecule, *given))
    _, stays = iterate(channel.step, jax.random.fold_in(key, i), channel.init(key), length=1500)
    records[name] = is_open[st.sampled(stays, time)]

figure, axes = panels(width=8, height=3)
channel_figures.records(axes, time, records)

# %% [markdown]
# Nobody can foretell one channel, but **many together are regular**. Here the voltage steps from −65 to 0 mV. Ten potassium channels
# make noise; two thousand follow the smooth curve that Hodgkin and Huxley wrote down in 1952 without knowing what a channel was.

# %%
crowd = st.ensemble(st.SQUID_POTASSIUM, 2000, dt=0.05, start=(-65.0,))
time = times(12.0, 0.05)
is_open = jnp.array(st.SQUID_POTASSIUM.conducting) > 0
_, opened = iterate(crowd.step, key, crowd.init(key), (jnp.zeros(len(time)),), observe=lambda states, _: is_open[states])
n = 2  # the third gate, after m and h
before, after = (float(SQUID.steady_gates(jnp.float32(v))[n]) for v in (-65.0, 0.0))
gate = after + (before - after) * np.exp(-time / float(SQUID.time_constants(SQUID.params(), jnp.float32(0.0))[n]))

figure, axes = panels(width=7, height=3.4)
shares = {size: opened[:, :size].mean(1) for size in (10, 100, 2000)}
channel_figures.crowds(axes, time, shares, gate**4, title="From molecules to a conductance")

# %% [markdown]
# **Exercise.** How far is the crowd from the curve, on average, with 10, 100 and 2000 channels? By what factor does it fall when there
# are 100 times more? (*Hint*: `np.std(shares[size] - gate**4)`.)
#
# **Neuroplasticidad.** *Cuando las neuronas se activan simultáneamente con frecuencia, la conexión entre ellas se fortalece.* As an
# equation, with inputs $x$, weights $w$ and the answer $y = w \cdot x$, that is Hebb's rule: $\Delta w = \eta\,y\,x$. Alone it grows for
# ever. **Oja** added a little forgetting:
#
# $$\Delta w = \eta\,y\,(x - y\,w)$$
#
# Now the weights keep length 1 and turn to the direction in which the inputs vary most: a neuron that does principal component analysis.
#
# With spikes, **order** matters as well (STDP): a synapse that fired just *before* the neuron may have caused it, and is strengthened; one
# that came too late is weakened.

# %%
inputs = jax.random.normal(key, (3000, 2)) @ jnp.array([[1.2, 0.5], [0.0, 0.45]])
rule = plasticity.oja(0.01)
_, path = iterate(rule.step, key, rule.init(key, jnp.array([0.4, -1.6])), inputs, observe=lambda weights, y: weights)
first_axis = np.linalg.eigh(np.cov(inputs.T))[1][:, -1]

window = plasticity.Window()
pairing = plasticity.stdp(window)
delays = jnp.concatenate([jnp.arange(-80, 0, 8), jnp.arange(8, 81, 8)])


@jax.jit
@jax.vmap
def one_pair(delay):
    """How a weight changes by a presynaptic spike at 100 ms and a postsynaptic one ``delay`` later."""
    t = jnp.arange(200)[:, None]
    start = pairing.init(key, jnp.zeros((1, 1)))
    return iterate(pairing.step, key, start, plasticity.Spikes(t == 100, t == 100 + delay))[0].weights[0, 0]


figure, axes = panels(1, 2, width=5.4, height=4.4)
plasticity_figures.principal_axes(axes[0], inputs[:800], path, first_axis)
plasticity_figures.window(axes[1], delays, window(delays), {"one pair of spikes": one_pair(delays)}, "change of the weight")

# %% [markdown]
# **Exercise.** Start Oja's rule at $w = (0.4, 1.6)$. Where does it end, and why is that as good? (*Hint*: what does $y$ do when $w$
# changes its sign?) **Exercise.** Replace `oja` by `hebb` and print the length of the last weights.

# %% [markdown]
# ## De vuelta a los objetivos: las oscilaciones
# *Back to the goals: oscillations*
#
# All parts are there now. Take 80 excitatory cells that are driven, each a little differently and with some noise, and 20 inhibitory
# ones. Connect them at random. Nobody sets a beat.


# %%
def rhythm(inhibition):
    """The first 200 ms of a network; inhibition in mS/cm², onto each cell in all."""
    e, i, noise = 80, 20, jax.random.split(key, 4)
    cells = {
        "E": circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), e, 1.4 + 0.2 * jax.random.normal(noise[0], (e,)), (-75.0, -50.0)),
        "I": circuits.Population(INTERNEURON, INTERNEURON.params(), i, 0.0, (-75.0, -50.0)),
    }
    fast, slow = synapses.Exponentials(0.5, 3.0, 0.0), synapses.Exponentials(0.5, 9.0, -75.0)
    wires = [
        circuits.Projection("E", "I", fixed_in_degree(noise[1], e, i, 20), 0.25 / 20, fast, delay=1.0),
        circuits.Projection("I", "E", fixed_in_degree(noise[2], i, e, 10), inhibition / 10, slow, delay=1.0),
        circuits.Projection("I", "I", fixed_in_degree(noise[3], i, i, 10, others=True), inhibition / 10, slow, delay=1.0),
        circuits.Poisson("E", 200.0, 0.02, fast),
    ]
    network = circuits.network(cells, wires, dt=0.05)
    return iterate(network.step, key, network.init(key), length=4000)[1]


both = jax.jit(jax.vmap(rhythm))(jnp.array([0.25, 0.0]))
figure, axes = panels(1, 2, width=6, height=3.6)
for ax, run, title in ((axes[0], 0, "With inhibition"), (axes[1], 1, "Inhibition blocked")):
    spikes = {name: np.asarray(both[name][run]) for name in ("I", "E")}
    circuit_figures.raster(ax, times(200.0, 0.05), spikes, {"E": RED, "I": BLUE}, title=title)
    ax.set_xlabel("time (ms)")

# %% [markdown]
# The excitatory cells fire, the inhibitory ones answer and silence everybody, inhibition fades, and all begin together again: a
# **gamma rhythm**, some 55 times a second, made by nobody in particular. Without inhibition each keeps its own time.
#
# **Exercise.** Make inhibition fade more slowly (the 9.0 of `slow`). What happens to the rhythm?
#
# The whole experiments, with what was published beside what is measured:
# `python -m experiments run reflex_arc` (also `ion_channels`, `saltatory_conduction`, `synapses`, `receptive_fields`, `plasticity`,
# `oscillations`). How a spike is made, in detail: chapter 2.
