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
# # 2 Modelo de Hodgkin-Huxley
# *The Hodgkin-Huxley model*
#
# In 1952 Hodgkin and Huxley explained the nerve impulse with four equations. Here we build them piece by piece and run them: a
# channel, the membrane, a spike, and at last thousands of neurons at once.
#
# Units: ms, mV, µA/cm², mS/cm², µF/cm².

# %%
# %matplotlib inline
import jax
import jax.numpy as jnp
import numpy as np

from redes_jax import devices
from redes_jax.figures.style import BLACK, BLUE, ORANGE, RED, panels
from redes_jax.neurons import channels, spikes, stimuli
from redes_jax.neurons.membrane import SQUID, compose
from redes_jax.neurons.schemes import FORWARD_EULER, STAGGERED
from redes_jax.neurons.simulation import simulate, times

# %% [markdown]
# ## 2.1 Membrana y canal
# *Membrane and channel*
#
# The membrane keeps charges apart: it is a **capacitor**. Channels let ions through: they are **conductances**, each with a
# **battery**, the potential at which its current vanishes. All in parallel:
#
# $$C\,\frac{dV}{dt} = I - \sum_{\text{channels}} g\,(V - E)$$
#
# A channel opens by **gates**. A gate is open with probability $x$; it opens at rate $\alpha(V)$ and closes at rate $\beta(V)$:
#
# $$\frac{dx}{dt} = \alpha(V)\,(1 - x) - \beta(V)\,x$$
#
# Sodium has three gates $m$ and one $h$ (it conducts $g\,m^3h$); potassium has four gates $n$ (it conducts $g\,n^4$).

# %%
for channel in SQUID.channels:
    print(f"{channel.name:10} g = {channel.conductance:6.1f} mS/cm2   E = {channel.reversal:7.2f} mV   {channel.gates}")

# %% [markdown]
# If the voltage is held, each gate goes to $x_\infty = \alpha/(\alpha+\beta)$ with time constant $\tau = 1/(\alpha+\beta)$. The gate
# $m$ is fast; $h$ and $n$ are slow. **That delay is the spike.**

# %%
params = SQUID.params()
voltage = jnp.linspace(-100.0, 50.0, 301)
figure, axes = panels(1, 2, width=5, height=3.4)
for gate, steady, tau, colour in zip(
    SQUID.gates, SQUID.steady_gates(voltage), SQUID.time_constants(params, voltage), (RED, ORANGE, BLUE), strict=True
):
    axes[0].plot(voltage, steady, color=colour, label=gate)
    axes[1].plot(voltage, tau, color=colour, label=gate)
axes[0].set(xlabel="V (mV)", title=r"$x_\infty$")
axes[1].set(xlabel="V (mV)", title=r"$\tau$ (ms)")
axes[0].legend();

# %% [markdown]
# Where does the membrane rest? Where the currents sum to zero.

# %%
rest = SQUID.rest(params)
print(f"V = {rest.voltage:.3f} mV,  m, h, n =", [f"{gate:.4f}" for gate in rest.gates])
print({name: f"{current:+.3f}" for name, current in SQUID.currents(params, rest).items()}, "uA/cm2")

# %% [markdown]
# ## 2.2 Dinámica del voltaje durante un disparo
# *The voltage during a spike*
#
# A pulse of 1 ms is enough. We keep the voltage, the gates and the currents.

# %%
def everything(state):
    return {"V": state.voltage, "gates": state.gates, "currents": SQUID.currents(params, state)}


_, seen = simulate(SQUID, params, stimuli.pulse(20.0, 2.0, 3.0), duration=20.0, observe=everything)
time = times(20.0)
figure, axes = panels(3, 1, width=8, height=2.2, sharex=True)
axes[0].plot(time, seen["V"], color=BLACK)
for gate, values, colour in zip(SQUID.gates, seen["gates"], (RED, ORANGE, BLUE), strict=True):
    axes[1].plot(time, values, color=colour, label=gate)
for name, colour in (("sodium", RED), ("potassium", BLUE)):
    axes[2].plot(time, seen["currents"][name], color=colour, label=name)
axes[0].set_ylabel("V (mV)")
axes[1].set_ylabel("open")
axes[2].set(ylabel="current (µA/cm²)", xlabel="t (ms)")
axes[1].legend()
axes[2].legend();

# %% [markdown]
# 1. The pulse depolarises; $m$ opens at once, sodium enters, and the voltage rises **by itself**.
# 2. Later $h$ closes and $n$ opens: sodium stops, potassium leaves, and the voltage falls.
# 3. $n$ is slow to close, so the voltage stays below rest for a while. That is the **refractory period**.
#
# A spike is **all or nothing**. Try 64 currents at once: `vmap` turns one neuron into a population.

# %%
@jax.jit
@jax.vmap
def firing(current):
    train = simulate(SQUID, params, stimuli.constant(current), duration=500.0, fold=spikes.clock(dt=0.025))[1]
    return train.count, jnp.where(train.last > 460.0, train.final_rate(), 0.0)


current = jnp.linspace(0.0, 16.0, 65)
count, rate = firing(current)
print("one spike from", current[jnp.argmax(count > 0)], "µA/cm²")
print("endless firing from", current[jnp.argmax(rate > 0)], "µA/cm²")
figure, axes = panels(width=6)
axes.plot(current, rate, "o-", color=BLUE, ms=4)
axes.set(xlabel="current (µA/cm²)", ylabel="Hz", title="f-I");

# %% [markdown]
# The curve jumps from 0 to about 50 Hz: this membrane cannot fire slowly.

# %% [markdown]
# ## 2.3 Simulación usando el método de Euler
# *Simulation by Euler's method*
#
# A derivative is the limit of $(y(t + \Delta t) - y(t))/\Delta t$. Euler does not take the limit:
#
# $$y(t + \Delta t) \approx y(t) + \Delta t\, f(y(t))$$
#
# By hand it is a few lines; to repeat them is a `lax.scan`.

# %%
def euler_step(state, _, dt=0.025, current=10.0):
    slope = SQUID.vector_field(params, state, current)
    state = jax.tree.map(lambda y, dy: y + dt * dy, state, slope)
    return state, state.voltage


_, by_hand = jax.lax.scan(euler_step, rest, length=2000)
_, by_library = simulate(SQUID, params, 10.0, duration=50.0, scheme=FORWARD_EULER)
print("difference:", float(jnp.abs(by_hand - by_library).max()), "mV")

# %% [markdown]
# How good is it? With half the step, Euler's error halves (order 1). Hines' staggered scheme comes down to a quarter (order 2)
# at the same cost: its gates live half a step after the voltage.

# %%
def last_spike(scheme, dt):
    return float(simulate(SQUID, params, 7.0, duration=100.0, dt=dt, scheme=scheme, fold=spikes.clock(dt))[1].last)


with jax.enable_x64(True):  # float32 rounding would hide the smallest of these errors
    exact = last_spike(STAGGERED, 0.003125)
    print("  step (ms)     Euler     staggered   (error of the last spike's time, ms)")
    for dt in (0.05, 0.025, 0.0125):
        errors = (abs(last_spike(scheme, dt) - exact) for scheme in (FORWARD_EULER, STAGGERED))
        print(f"  {dt:<12}", "   ".join(f"{error:.5f}" for error in errors))

# %% [markdown]
# ## A channel of your own
#
# A slow potassium current (M) makes the neuron **adapt**: the intervals between its spikes grow.

# %%
def slow_rates(v):
    return (channels.steady_and_time_constant(channels.sigmoid((v + 35.0) / 10.0), 100.0),)


slow = channels.Channel("M", ("w",), slow_rates, lambda w: w, conductance=1.5, reversal=-77.0)
adapting = compose(*SQUID.channels, slow)
_, trace = simulate(adapting, adapting.params(), 15.0, duration=200.0)
found = spikes.spike_times(trace, 0.025, 12)
print("intervals (ms):", np.diff(found[np.isfinite(found)]).round(1))

# %% [markdown]
# ## Ten thousand neurons
#
# Each has its own current; all of them are one program, dealt to all devices, and spikes are counted as they come.

# %%
def spike_count(current):
    return simulate(SQUID, params, stimuli.constant(current), duration=100.0, fold=spikes.counter())[1]


many = 8.0 + 2.0 * jax.random.normal(jax.random.key(0), (10_000,))
counts = jax.jit(devices.replicas(spike_count, width=1024))(many)
values, neurons = np.unique(counts, return_counts=True)
print("spikes in 100 ms -> neurons:", dict(zip(values.tolist(), neurons.tolist(), strict=True)))

# %% [markdown]
# The whole experiment, beside published values: `python -m experiments run hodgkin_huxley`.
