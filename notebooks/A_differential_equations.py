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
# # A Ecuaciones diferenciales
# *Differential equations*
#
# Chapter 2 explains a nerve cell by differential equations and solves them step by step. This appendix says what such an equation
# is, how to step it, when a step is too long, and how to see what it will do without solving it. It ends with a neuron in two
# equations.
#
# Here time has no unit, except where one is written.

# %%
# %matplotlib inline
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from redes_jax import ode
from redes_jax.figures import ode as draw
from redes_jax.figures.style import BLACK, BLUE, ORANGE, RED, panels

# %% [markdown]
# ## A.1 ¿Qué es una ecuación diferencial?
# *What is a differential equation?*
#
# It does not say what $y$ **is**. It says how $y$ **changes**, wherever it may be:
#
# $$\frac{dy}{dt} = f(t, y)$$
#
# Coffee cools faster the hotter it is: $\frac{dy}{dt} = -\frac{y - 20}{\tau}$. At every point of the plane $(t, y)$ the equation draws
# a little slope. **A solution is a curve that follows the slopes**; one starts from every temperature.

# %%
tau = 10.0  # minutes


def cooling(t, y):
    return -(y - 20.0) / tau


t, y = np.meshgrid(np.linspace(0, 40, 17), np.linspace(0, 100, 15))
slope = cooling(t, y)
figure, axes = panels(width=6.5)
axes.quiver(t, y, np.ones_like(t), slope, angles="xy", color="#8A8F98", width=0.003)
for start in (95, 60, 5):
    time = np.linspace(0, 40, 100)
    axes.plot(time, 20 + (start - 20) * np.exp(-time / tau))
axes.set(xlabel="t (min)", ylabel="temperature (°C)", title="Slopes, and three curves that follow them");

# %% [markdown]
# This one can be solved with pen and paper: $y = 20 + (y_0 - 20)\,e^{-t/\tau}$. Most cannot, and no nerve cell can. Then we **step**.

# %% [markdown]
# ## A.2 El método de Euler
# *Euler's method*
#
# A derivative is $\frac{y(t+\Delta t) - y(t)}{\Delta t}$ with $\Delta t$ going to 0. Stop before the limit, and solve for what comes next:
#
# $$y(t + \Delta t) \approx y(t) + \Delta t\,f(t, y)$$
#
# In five lines:

# %%
def euler(f, y, dt, steps):
    path = [y]
    for i in range(steps):
        path.append(path[-1] + dt * f(i * dt, path[-1]))
    return np.array(path)


figure, axes = panels(width=6.5)
time = np.linspace(0, 40, 200)
axes.plot(time, 20 + 75 * np.exp(-time / tau), color=BLACK, label="exact")
for dt, colour in ((10.0, ORANGE), (4.0, RED), (1.0, BLUE)):
    steps = round(40 / dt)
    axes.plot(dt * np.arange(steps + 1), euler(cooling, 95.0, dt, steps), "o-", ms=4, lw=1.3, color=colour, label=f"Euler, step {dt:g}")
axes.set(xlabel="t (min)", ylabel="temperature (°C)")
axes.legend();

# %% [markdown]
# The library does the same, for any number of unknowns, as one compiled loop:

# %%
times, by_library = ode.solve(cooling, jnp.array(95.0), 0.0, 40.0, 40, ode.forward_euler)
print("largest difference:", np.abs(np.asarray(by_library) - euler(cooling, 95.0, 1.0, 40)).max())

# %% [markdown]
# **Exercise.** With $\Delta t = \tau$ Euler reaches 20 °C in a single step. Why? What happens with $\Delta t = 15$? And with 25?

# %% [markdown]
# ## A.3 ¿Cuánto se equivoca? El orden
# *How wrong is it? The order*
#
# Halve the step. If the error halves, the method has **order 1**; if it falls to a quarter, order 2; to a sixteenth, order 4.
# Euler looks at the slope once. **Heun** looks at both ends and takes the mean. **RK4** (Runge-Kutta) looks four times.
#
# We try them on $\frac{dy}{dt} = y\cos t$, whose solution is $e^{\sin t}$.

# %%
def swing(t, y):
    return y * jnp.cos(t)


with jax.enable_x64(True):  # float32 rounding would hide the smallest errors
    print("   step     " + "".join(f"{name:>16}" for name in ode.METHODS))
    for steps in (40, 80, 160):
        ends = [ode.final(swing, jnp.ones(1), 0.0, 4.0, steps, method)[0] for method in ode.METHODS.values()]
        print(f"   {4 / steps:<9}" + "".join(f"{abs(end - np.exp(np.sin(4.0))):16.1e}" for end in ends))

# %% [markdown]
# Read each column downwards: 2, 4, 16 times less. RK4 costs four slopes a step, and is worth it.
#
# **Exercise.** How many steps does Euler need to be as good as RK4 with 40? (The error is proportional to the step.)

# %% [markdown]
# ## A.4 ¿Por qué explota? La estabilidad
# *Why does it blow up? Stability*
#
# Take $\frac{dy}{dt} = -y$. One step of Euler is $y + \Delta t\,(-y) = (1 - \Delta t)\,y$: each step **multiplies** by $1 - \Delta t$.
# If $\Delta t > 2$, that number is below $-1$: the solution should die out, but the steps grow, jumping from side to side.

# %%
figure, axes = panels(width=6.5)
for dt, colour in ((0.5, BLUE), (1.9, ORANGE), (2.1, RED)):
    axes.plot(dt * np.arange(15), euler(lambda t, y: -y, 1.0, dt, 14), "o-", ms=4, color=colour, label=f"step {dt}: times {1 - dt:+.1f} each")
axes.set(xlabel="t", ylabel="y", xlim=(0, 20))
axes.legend();

# %% [markdown]
# In general $\frac{dy}{dt} = \lambda y$ is multiplied by $R(\lambda\,\Delta t)$ at each step, and a step is **stable where $|R| \le 1$**. The
# rate $\lambda$ may be complex (an oscillation), so the stable steps are a region of the plane.
#
# **Backward Euler** takes the slope at the far end: $y' = y + \Delta t\,f(y')$. That is an equation to be solved at each step (by
# Newton's method), but $R = \frac{1}{1 - z}$: whatever should decay does decay, at **any** step.

# %%
re, im = np.linspace(-4, 3, 141), np.linspace(-3.5, 3.5, 141)
z = jnp.asarray(re[None] + 1j * im[:, None])
figure, axes = panels(width=7, height=4.4)
draw.stability_regions(axes, re, im, {name: np.abs(ode.stability(method, z)) for name, method in ode.METHODS.items()})

# %% [markdown]
# An equation is **stiff** when something dies out very fast and we do not care about it, but it still bounds the step. With
# $\frac{dy}{dt} = -1000\,(y - \cos t)$ the solution is almost $\cos t$, slow; yet Euler must take steps below $2/1000$:

# %%
def stiff(t, y):
    return -1000.0 * (y - jnp.cos(t))


print("longest step of Euler:", ode.longest_step(ode.forward_euler, jnp.array([-1000.0 + 0j])))
for name, dt in (("forward_euler", 0.0019), ("forward_euler", 0.0021), ("backward_euler", 0.05)):
    end = ode.final(stiff, jnp.array([1.5]), 0.0, 1.0, round(1 / dt), ode.METHODS[name])[0]
    print(f"{name:15} step {dt:<7} y(1) = {end:12.5g}   (should be {np.cos(1.0) + np.sin(1.0) / 1000:.5f})")

# %% [markdown]
# **Exercise.** In chapter 2, Euler on the squid membrane blows up beyond about 0.1 ms. Which part of a spike is the fast one?

# %% [markdown]
# ## A.5 El plano de fases
# *The phase plane*
#
# With two unknowns we need not plot against time: the state is a **point of a plane**, the equation an **arrow** at each point, and a
# solution an **orbit**. Van der Pol's oscillator, $\ddot x - \mu(1 - x^2)\,\dot x + x = 0$, becomes two equations:
#
# $$\dot x = y, \qquad \dot y = \mu(1 - x^2)\,y - x$$
#
# - Where $\dot x = 0$ or $\dot y = 0$ are curves, the **nullclines**. Where they cross nothing moves: a **fixed point**.
# - Near a fixed point the flow is that of its Jacobian matrix. If the eigenvalues have negative real parts, it attracts.

# %%
def look(axes, field, start, *, x, y, end, labels, attractor, title):
    """Arrows, nullclines, fixed points and one orbit of a planar field."""
    starts = jnp.asarray(np.random.default_rng(0).uniform((x[0], y[0]), (x[-1], y[-1]), (12, 2)), jnp.float32)
    points = ode.fixed_points(field, starts)
    jacobian = jax.jacfwd(lambda point: field(0.0, point))
    kinds = {ode.classify(jacobian(jnp.asarray(point))): point for point in points}
    lines = (x, *(np.asarray(ode.nullcline(field, i, jnp.asarray(x), y[0], y[-1])) for i in (0, 1)))
    _, orbit = ode.solve(field, jnp.array(start), 0.0, end, 4000)
    flow = np.asarray(ode.direction_field(field, jnp.asarray(x[::4]), jnp.asarray(y)))
    draw.phase_plane(axes, x[::4], y, flow, [np.asarray(orbit).T], lines, kinds, labels=labels, attractor=attractor, title=title)


figure, axes = panels(width=6, height=5)
grid = {"x": np.linspace(-3, 3, 201), "y": np.linspace(-4, 4, 51)}
look(axes, Partial(ode.van_der_pol, 1.0), [0.1, 0.1], **grid, end=40.0, labels=("x", "y"), attractor="orbit from near 0", title=r"Van der Pol, $\mu = 1$")

# %% [markdown]
# The fixed point repels, and far away everything comes in: in between there must be a **limit cycle**. Each orbit ends on it, wherever
# it began; an oscillation that repairs itself, as a heartbeat does.
#
# **Exercise.** Change $\mu$ to 0.1 and to 5. One is nearly a circle, the other jumps. Which has the longer period?

# %% [markdown]
# ## A.6 FitzHugh-Nagumo: una neurona en dos ecuaciones
# *FitzHugh-Nagumo: a neuron in two equations*
#
# Hodgkin and Huxley's neuron has four unknowns; nobody sees in four dimensions. FitzHugh (1961) kept two: a fast **voltage** $v$,
# which excites itself, and a slow **recovery** $w$, which does the work of $n$ and $h$:
#
# $$\dot v = v - \tfrac{v^3}{3} - w + I, \qquad \dot w = \epsilon\,(v + a - b\,w)$$
#
# A shock moves the point to the right. A small one falls back. A larger one finds itself beyond the middle branch of the cubic, and
# must go all the way round: **a spike, all or nothing**.

# %%
grid = {"x": np.linspace(-2.4, 2.4, 201), "y": np.linspace(-1.2, 1.8, 51)}
resting = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo())
rest = ode.fixed_points(resting, jnp.array([[-1.0, -0.5]]))[0]
figure, axes = panels(1, 2, width=6, height=4.8)
look(axes[0], resting, [0.0, float(rest[1])], **grid, end=80.0, labels=("v", "w"), attractor="orbit after a shock", title="At rest, $I = 0$")
for shock in (0.4, 0.55, 0.65, 1.2):
    time, orbit = ode.solve(resting, jnp.asarray(rest) + jnp.array([shock, 0.0]), 0.0, 60.0, 2000)
    axes[1].plot(time, orbit[:, 0], label=f"shock {shock}")
axes[1].set(xlabel="t", ylabel="$v$", title="The same against time")
axes[1].legend();

# %% [markdown]
# Now a current $I$ that stays. It lifts the cubic; the crossing slides past the knee, and there it **loses its stability**. Nothing is
# left to rest on: the neuron fires for ever. The trace of the Jacobian, $1 - v^2 - \epsilon b$, says where.

# %%
for current in (0.0, 0.3, 0.34, 1.0, 1.4, 1.45):
    field = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo(current=current))
    point = jnp.asarray(ode.fixed_points(field, jnp.array([[0.0, 0.5]]))[0])
    print(f"I = {current:<5} v = {point[0]:+.3f}  {ode.classify(jax.jacfwd(lambda y, f=field: f(0.0, y))(point))}")

firing = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo(current=0.5))
figure, axes = panels(1, 2, width=6, height=4.8)
look(axes[0], firing, [0.0, 0.0], **grid, end=160.0, labels=("v", "w"), attractor="orbit", title="Firing, $I = 0.5$")
time, orbit = ode.solve(firing, jnp.zeros(2), 0.0, 160.0, 4000)
axes[1].plot(time, orbit, label=["$v$", "$w$"])
axes[1].set(xlabel="t", title="Spikes without end")
axes[1].legend();

# %% [markdown]
# The squid membrane of chapter 2 does the same, in four dimensions: it fires without end between 6.26 and 154.5 µA/cm², and its resting
# state loses stability at 9.78 in the same way, by two complex eigenvalues that cross to the right (a Hopf bifurcation).
#
# **Exercises.**
# 1. With $I = -0.5$ held for long and then let go ($I = 0$), does the neuron fire? (Start at the fixed point of the first, and run the second.)
# 2. With $I = 1.6$ the neuron is silent again, its voltage held high. Draw its plane with `look`. Why can it not fire?
# 3. Make $\epsilon = 0.01$. What becomes of the shape of a spike, and of its period?
#
# The whole experiment, with its orders, bounds and periods beside published values: `python -m experiments run ode_solvers`.
