# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2 Modelo de Hodgkin-Huxley
# *The Hodgkin-Huxley model*
#
# En 1952 Hodgkin y Huxley explicaron el impulso nervioso con cuatro ecuaciones. Aquí las construimos pieza por pieza y
# las simulamos: primero un canal, luego la membrana, luego un disparo, y al final miles de neuronas a la vez.
#
# *In 1952 Hodgkin and Huxley explained the nerve impulse with four equations. Here we build them piece by piece: a
# channel, the membrane, a spike, and at last thousands of neurons at once.*
#
# Unidades / units: ms, mV, µA/cm², mS/cm², µF/cm².

# %%
import jax
import jax.numpy as jnp
import numpy as np

from redes_jax import devices
from redes_jax.figures.style import BLACK, BLUE, ORANGE, RED, panels
from redes_jax.neurons import channels, spikes, stimuli
from redes_jax.neurons.membrane import SQUID, compose, simulate, times
from redes_jax.neurons.schemes import FORWARD_EULER, STAGGERED

# %% [markdown]
# ## 2.1 Membrana y canal
# *Membrane and channel*
#
# La membrana separa cargas: es un **capacitor**. Los canales dejan pasar iones: son **conductancias**, cada una con una
# **batería**, el potencial al que su corriente se anula. En paralelo:
#
# *The membrane separates charge: a capacitor. Channels let ions through: conductances, each with a battery. In parallel:*
#
# $$C\,\frac{dV}{dt} = I - \sum_{\text{canales}} g\,(V - E)$$
#
# Un canal se abre con **compuertas**. Cada compuerta está abierta con probabilidad $x$, se abre a razón $\alpha(V)$ y se
# cierra a razón $\beta(V)$:
#
# *A channel opens by gates. Each is open with probability $x$, opens at rate $\alpha(V)$ and closes at rate $\beta(V)$:*
#
# $$\frac{dx}{dt} = \alpha(V)\,(1 - x) - \beta(V)\,x$$
#
# El sodio tiene tres compuertas $m$ y una $h$ (conduce $g\,m^3h$); el potasio, cuatro compuertas $n$ (conduce $g\,n^4$).

# %%
for channel in SQUID.channels:
    print(f"{channel.name:10} g = {channel.conductance:6.1f} mS/cm2   E = {channel.reversal:7.2f} mV   {channel.gates}")

# %% [markdown]
# Si el voltaje se mantiene fijo, cada compuerta va hacia $x_\infty = \alpha/(\alpha+\beta)$ con constante de tiempo
# $\tau = 1/(\alpha+\beta)$. La compuerta $m$ es rápida; $h$ y $n$ son lentas. **Ese retraso es el disparo.**
#
# *With the voltage held, each gate goes to $x_\infty$ with time constant $\tau$. m is fast, h and n are slow. That delay is
# the spike.*

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
axes[0].legend()
figure

# %% [markdown]
# ¿Dónde descansa la membrana? Donde las corrientes suman cero. *Where does the membrane rest? Where currents sum to zero.*

# %%
rest = SQUID.rest(params)
print(f"V = {rest.voltage:.3f} mV,  m, h, n =", [f"{gate:.4f}" for gate in rest.gates])
print({name: f"{current:+.3f}" for name, current in SQUID.currents(params, rest).items()}, "uA/cm2")

# %% [markdown]
# ## 2.2 Dinámica del voltaje durante un disparo
# *The voltage during a spike*
#
# Un pulso de 1 ms basta. Guardamos el voltaje, las compuertas y las corrientes. *A pulse of 1 ms is enough.*

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
axes[1].set_ylabel("abiertas / open")
axes[2].set(ylabel="corriente (µA/cm²)", xlabel="t (ms)")
axes[1].legend()
axes[2].legend()
figure

# %% [markdown]
# 1. El pulso despolariza; $m$ se abre de inmediato, entra sodio y el voltaje sube **por sí solo**.
# 2. $h$ se cierra y $n$ se abre, más tarde: el sodio se apaga, sale potasio y el voltaje baja.
# 3. $n$ tarda en cerrarse: el voltaje queda por debajo del reposo un rato. Es el **periodo refractario**.
#
# *1. m opens at once, sodium enters, V rises by itself. 2. h closes and n opens, later; V falls. 3. n closes slowly: V stays
# below rest for a while, the refractory period.*
#
# El disparo es **todo o nada**. Probemos 64 corrientes a la vez: `vmap` convierte una neurona en una población.
#
# *A spike is all or nothing. 64 currents at once: `vmap` turns one neuron into a population.*

# %%
@jax.jit
@jax.vmap
def firing(current):
    train = simulate(SQUID, params, stimuli.constant(current), duration=500.0, fold=spikes.clock(dt=0.025))[1]
    return train.count, jnp.where(train.last > 460.0, train.final_rate(), 0.0)


current = jnp.linspace(0.0, 16.0, 65)
count, rate = firing(current)
print("una espiga desde / one spike from", current[jnp.argmax(count > 0)], "µA/cm²")
print("disparo sin fin desde / endless firing from", current[jnp.argmax(rate > 0)], "µA/cm²")
figure, axes = panels(width=6)
axes.plot(current, rate, "o-", color=BLUE, ms=4)
axes.set(xlabel="corriente / current (µA/cm²)", ylabel="Hz", title="f-I")
figure

# %% [markdown]
# La curva salta de 0 a unos 50 Hz: esta membrana no sabe disparar despacio. *The curve jumps from 0 to about 50 Hz: this
# membrane cannot fire slowly.*

# %% [markdown]
# ## 2.3 Simulación usando el método de Euler
# *Simulation by Euler's method*
#
# La derivada es el límite de $(y(t + \Delta t) - y(t))/\Delta t$. Euler no toma el límite:
#
# *Euler does not take the limit:*
#
# $$y(t + \Delta t) \approx y(t) + \Delta t\, f(y(t))$$
#
# A mano son pocas líneas; repetirlas es un `lax.scan`. *By hand it is a few lines; to repeat them is a `lax.scan`.*

# %%
def euler_step(state, _, dt=0.025, current=10.0):
    slope = SQUID.vector_field(params, state, current)
    state = jax.tree.map(lambda y, dy: y + dt * dy, state, slope)
    return state, state.voltage


_, by_hand = jax.lax.scan(euler_step, rest, length=2000)
_, by_library = simulate(SQUID, params, 10.0, duration=50.0, scheme=FORWARD_EULER)
print("diferencia / difference:", float(jnp.abs(by_hand - by_library).max()), "mV")

# %% [markdown]
# ¿Qué tan bueno es? Con medio paso, el error de Euler baja a la mitad (orden 1). El esquema escalonado de Hines lo baja a
# la cuarta parte (orden 2), al mismo costo: las compuertas viven medio paso después del voltaje.
#
# *Half the step: Euler's error halves (order 1). Hines' staggered scheme has a quarter (order 2) at the same cost: its gates
# live half a step after the voltage.*

# %%
def last_spike(scheme, dt):
    return float(simulate(SQUID, params, 7.0, duration=100.0, dt=dt, scheme=scheme, fold=spikes.clock(dt))[1].last)


with jax.enable_x64(True):  # float32 rounding would hide the smallest of these errors
    exact = last_spike(STAGGERED, 0.003125)
    print("  paso / step    Euler      escalonado / staggered   (error de la última espiga, ms)")
    for dt in (0.05, 0.025, 0.0125):
        errors = (abs(last_spike(scheme, dt) - exact) for scheme in (FORWARD_EULER, STAGGERED))
        print(f"  {dt:<12}", "   ".join(f"{error:.5f}" for error in errors))

# %% [markdown]
# ## Un canal propio
# *A channel of your own*
#
# Una corriente lenta de potasio (M) hace que la neurona se **adapte**: los intervalos crecen. *A slow potassium current makes
# the neuron adapt: intervals grow.*

# %%
def slow_rates(v):
    return (channels.steady_and_time_constant(channels.sigmoid((v + 35.0) / 10.0), 100.0),)


slow = channels.Channel("M", ("w",), slow_rates, lambda w: w, conductance=1.5, reversal=-77.0)
adapting = compose(*SQUID.channels, slow)
_, trace = simulate(adapting, adapting.params(), 15.0, duration=200.0)
found = spikes.spike_times(trace, 0.025, 12)
print("intervalos / intervals (ms):", np.diff(found[np.isfinite(found)]).round(1))

# %% [markdown]
# ## Diez mil neuronas
# *Ten thousand neurons*
#
# Cada una con su corriente, en un solo programa, repartido entre todos los dispositivos; las espigas se cuentan al pasar.
#
# *Each with its own current, in one program, dealt to all devices; spikes are counted as they come.*

# %%
def spike_count(current):
    return simulate(SQUID, params, stimuli.constant(current), duration=100.0, fold=spikes.counter())[1]


many = 8.0 + 2.0 * jax.random.normal(jax.random.key(0), (10_000,))
counts = jax.jit(devices.replicas(spike_count, width=1024))(many)
values, neurons = np.unique(counts, return_counts=True)
print("espigas en 100 ms -> neuronas:", dict(zip(values.tolist(), neurons.tolist(), strict=True)))

# %% [markdown]
# El experimento completo, con valores publicados al lado: `python -m experiments run hodgkin_huxley`.
#
# *The whole experiment, beside published values: `python -m experiments run hodgkin_huxley`.*
