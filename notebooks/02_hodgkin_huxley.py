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
import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from redes_jax import devices
from redes_jax.figures import firing as firing_figures
from redes_jax.figures import neurons as neuron_figures
from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, RED, panels
from redes_jax.neurons import channels, fitting, spikes, stimuli
from redes_jax.neurons.connor_stevens import CONNOR_STEVENS
from redes_jax.neurons.membrane import SQUID, compose
from redes_jax.neurons.schemes import FORWARD_EULER, STAGGERED
from redes_jax.neurons.simulation import simulate, times
from redes_jax.process import iterate

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
# A spike is **all or nothing**, so what tells a strong stimulus from a weak one is **how often** it fires: the f-I curve. Try 65
# currents at once: `vmap` turns one neuron into a population. Beside the squid stands the neuron of **Connor and Stevens**, which has one
# channel more, the A current: potassium that opens at once and then shuts by itself.


# %%
def firing(membrane, current):
    """How often it fires in half a second, and its rate if it has not stopped by then."""
    drive = stimuli.constant(current)
    train = simulate(membrane, membrane.params(), drive, duration=500.0, fold=spikes.clock(dt=0.025))[1]
    goes_on = train.last > 500.0 - jnp.maximum(40.0, 1.5 * (train.last - train.previous))
    return train.count, jnp.where(goes_on, train.final_rate(), 0.0)


current, curves = jnp.linspace(0.0, 16.0, 65), {}
for name, membrane in (("squid", SQUID), ("Connor-Stevens", CONNOR_STEVENS)):
    count, rate = jax.jit(jax.vmap(lambda current, membrane=membrane: firing(membrane, current)))(current)
    print(f"{name}: one spike from {current[jnp.argmax(count > 0)]} µA/cm², endless firing from {current[jnp.argmax(rate > 0)]} µA/cm²")
    curves[name] = (current, rate)
figure, axes = panels(width=6.5)
firing_figures.curves(axes, curves, title="f-I")

# %% [markdown]
# The squid's curve jumps from 0 to about 50 Hz: this membrane **cannot** fire slowly. With the A current the rate grows from almost
# nothing: between spikes A holds the voltage down, until it has shut.
#
# **Exercise.** Take the A current away, `CONNOR_STEVENS.params(A=0.0)`. Does it fire slowly still? (*Hint*: pass `params` to `simulate`.)

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
# Halve the step, and it gets better. And if we double it? Somewhere Euler **blows up**. Near any state the membrane moves like
# $\frac{dy}{dt} = \lambda y$, with $\lambda$ the eigenvalues of its Jacobian matrix, and Euler bears $\lambda$ only as long as
# $|1 + \lambda\,\Delta t| \le 1$ (appendix A). JAX differentiates the membrane, so we can ask for the bound at every moment of a spike:

# %%
_, unflatten = ravel_pytree(rest)
course = simulate(SQUID, params, stimuli.pulse(20.0, 2.0, 3.0), duration=20.0, observe=lambda state: ravel_pytree(state)[0])[1]


@jax.jit
@jax.vmap
def jacobian(y):
    return jax.jacfwd(lambda y: ravel_pytree(SQUID.vector_field(params, unflatten(y)))[0])(y)


fastest = np.linalg.eigvals(jacobian(course)).real.min(-1)

steps = (0.025, 0.0625, 0.08)
by_euler = [simulate(SQUID, params, 15.0, duration=20.0, dt=dt, scheme=FORWARD_EULER)[1] for dt in steps]
adaptive = diffrax.PIDController(rtol=1e-6, atol=1e-6)  # a solver that chooses its own steps
by_tsit5 = simulate(SQUID, params, 15.0, duration=20.0, scheme=diffrax.Tsit5(), stepsize_controller=adaptive)[1]
figure, axes = panels(1, 2, width=5.6, height=3.8)
neuron_figures.bound_along(axes[0], time, course[:, 0], -2.0 / fastest)
neuron_figures.blow_ups(axes[1], steps, by_euler, (time, by_tsit5))

# %% [markdown]
# The bound is lowest while sodium rushes in. Any solver goes into the same call: a scheme of this library, or one of
# [diffrax](https://docs.kidger.site/diffrax/) as above.
#
# **Exercise.** Which of these steps survives, and yet is wrong? (*Hint*: look closer, `axes[1].set_xlim(1, 4)`.) Give `RUSH_LARSEN`, of `redes_jax.neurons.schemes`, steps up to 1 ms. It
# never blows up; is it right?
#
# ## A channel of your own
#
# A slow potassium current (M) makes the neuron **adapt**: the intervals between its spikes grow. A channel is a name, its gates, how fast
# they open and close, what share of it conducts, and two numbers:

# %%
def slow_rates(v):
    return (channels.steady_and_time_constant(channels.sigmoid((v + 35.0) / 10.0), 100.0),)


slow = channels.Channel("M", ("w",), slow_rates, lambda w: w, conductance=3.0, reversal=-77.0)
adapting = compose(*CONNOR_STEVENS.channels, slow)
_, trace = simulate(adapting, adapting.params(), 20.0, duration=200.0)
_, steady = simulate(adapting, adapting.params(M=0.0), 20.0, duration=200.0)
found = spikes.spike_times(trace, 0.025, 32)
print("intervals (ms):", np.diff(found[np.isfinite(found)]).round(1))
figure, axes = panels(width=8, height=3)
firing_figures.staircase(axes, times(200.0), {"with M": trace, "without": steady}, title="Adaptation");

# %% [markdown]
# **Exercise.** Give the gate a time constant of 10 ms instead of 100. Do the intervals still grow? Then compose it with the squid's
# channels: why does that neuron rather stop than slow down? (*Hint*: look at the f-I curves.)
#
# More of nature's own are in `redes_jax.neurons.cortical`: calcium, channels that calcium opens, bursts.
#
# ## Conductances by gradient
#
# The other way round: given a recording, **which conductances made it?** The simulation is differentiable, so one can go downhill. But a
# wrong membrane fires at the wrong time, and then its gradient points anywhere. A trick helps: let the recording **pull the simulation
# along** at first, with a coupling that fades to zero. We start with half the sodium and twice of the rest.

# %%
names, true = ("sodium", "potassium", "leak"), jnp.array([120.0, 36.0, 0.3])
pulses = stimuli.total(stimuli.pulse(10.0, 2.0, 20.0), stimuli.pulse(-3.0, 20.0, 28.0))


def respond(logs, stimulus):
    conductances = dict(zip(names, jnp.exp(logs), strict=True))
    return simulate(SQUID, SQUID.params(**conductances), stimulus, duration=30.0, dt=0.05)[1]


recorded = respond(jnp.log(true), pulses)
recorded = recorded + jax.random.normal(jax.random.key(1), recorded.shape)  # 1 mV of noise


def difference(logs, coupling):
    return respond(logs, fitting.nudged(pulses, recorded, 0.05, coupling)) - recorded


fit = fitting.levenberg_marquardt(difference)
start = fit.init(None, jnp.log(true * jnp.array([0.5, 2.0, 2.0])))
couplings = jnp.repeat(jnp.array([30.0, 10.0, 3.0, 1.0, 0.3, 0.0]), 4)
search, path = iterate(fit.step, jax.random.key(0), start, couplings, observe=lambda search, moved: search.params)

figure, axes = panels(1, 2, width=5.6, height=3.6)
axes[0].plot(times(30.0, 0.05), recorded, color=GREY, alpha=0.6, linewidth=3, label="recording")
axes[0].plot(times(30.0, 0.05), respond(start.params, pulses), color=ORANGE, label="start")
axes[0].plot(times(30.0, 0.05), respond(search.params, pulses), "--", color=BLUE, label="end")
axes[0].set(xlabel="t (ms)", ylabel="V (mV)")
axes[0].legend()
ratios = jnp.exp(jnp.concatenate([start.params[None], path])) / true
for name, ratio, colour in zip(names, ratios.T, (RED, BLUE, GREEN), strict=True):
    axes[1].plot(ratio, "o-", ms=4, color=colour, label=f"{name}, ends at {ratio[-1]:.3f}")
axes[1].set(xlabel="step", ylabel="found over true")
axes[1].legend();

# %% [markdown]
# **Exercise.** Make all couplings 0. What is found now, and why?
#
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
# The whole experiments, beside published values: `python -m experiments run hodgkin_huxley` (also `fi_curve`, `hh_solvers`, `hh_fit`,
# `hh_population`).
