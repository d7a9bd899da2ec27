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
# # 8 Entrenamiento con genéticos
# *Training with genetic algorithms*
#
# So far a network learned by going down the gradient of its error. Sometimes there is no gradient: a game only says how many points
# were won. A population learns from that and nothing else: try many solutions, keep the best, change them a little.

# %%
# %matplotlib inline
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from redes_jax import devices
from redes_jax.evolution import policies, rollout
from redes_jax.evolution.strategies import evolve, ga, openes
from redes_jax.figures.style import BLUE, GREY, ORANGE, RED, band, bare, panels
from redes_jax.games import cartpole
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate, times
from redes_jax.process import iterate

# %% [markdown]
# ## 8.1 Algoritmos genéticos
# *Genetic algorithms*
#
# Three steps, again and again: **evaluate** everyone, **select** the best as parents, **mutate** their children. The best lives on
# unchanged (the elite), so what was gained is not lost. Here a strategy is three pure functions: `init`, `ask` (for a population)
# and `tell` (how it fared).


# %%
def rastrigin(key, params, input):
    """Many peaks, the highest at zero."""
    del key, input
    return -(10 * params.size + jnp.sum(params**2 - 10 * jnp.cos(2 * jnp.pi * params)))


strategy = ga(population=64, parents=16, sigma=0.8, decay=0.95)
state = strategy.init(jax.random.key(0), jnp.array([3.5, -3.5]))

x = np.linspace(-5, 5, 201)
height = jax.vmap(jax.vmap(lambda p: rastrigin(None, p, None)))(jnp.stack(jnp.meshgrid(x, x), -1))
figure, axes = panels(1, 4, width=2.9, height=2.9, sharey=True)
for generation in range(61):
    population = strategy.ask(jax.random.fold_in(jax.random.key(1), generation), state)
    fitness = jax.vmap(lambda params: rastrigin(None, params, None))(population)
    state = strategy.tell(None, state, population, fitness)
    if generation in (0, 5, 20, 60):
        panel = axes[(0, 5, 20, 60).index(generation)]
        panel.imshow(height, extent=(-5, 5, -5, 5), origin="lower", cmap="cividis")
        panel.plot(*population.T, ".", color=ORANGE, markersize=4)
        panel.plot(*state.best, "o", color=RED)
        panel.set(title=f"generation {generation}", xlim=(-5, 5), ylim=(-5, 5))
        panel.grid(False)

# %% [markdown]
# The population leaps from peak to peak, and settles on the highest as the mutations shrink.

# %%
print("best:", np.round(np.asarray(state.best), 3))

# %% [markdown]
# ## 8.2 Neuroevolución
# *Neuroevolution*
#
# What evolves now are the weights of a network. The strategy does not mind: it takes any tree of arrays.
#
# ### 8.2.1 Antecedentes: Aprendizaje por refuerzo en videojuegos
# *Background: reinforcement learning in video games*
#
# A game is a process whose input is the player's action. `CartPole`: push a cart left or right so that the pole does not fall. One
# point a frame; at 500 the time is up.

# %%
world = cartpole.cartpole()
game = world.init(jax.random.key(0))
for _ in range(3):
    game, seen = world.step(None, game, jnp.array(1))
    print(np.round(np.asarray(seen.observation), 3), "reward", float(seen.reward))

# %% [markdown]
# Pushing at random lasts some twenty frames.


# %%
def random_play(key):
    actions = jax.random.bernoulli(key, 0.5, (200,)).astype(jnp.int32)
    _, seen = iterate(world.step, key, world.init(key), actions)
    return jnp.argmax(seen.terminated) + 1


lengths = jax.jit(jax.vmap(random_play))(jax.random.split(jax.random.key(1), 1000))
print("frames:", float(lengths.mean()))

# %% [markdown]
# ### 8.2.2 Arquitectura para estimar la función de recompensa
# *Architecture to estimate the reward*
#
# The network sees four numbers (position, velocity, angle, rate) and scores each action; the larger score wins. Its 114 weights
# are the genome.

# %%
params = policies.init(jax.random.key(0), (4, 16, 2))
act = policies.mlp(params)
print("action:", int(act(world.observe(game))), " weights:", sum(leaf.size for leaf in jax.tree.leaves(params)))

# %% [markdown]
# ### 8.2.3 Entrenamiento
# *Training*
#
# Two lines: a fitness and a strategy make a process, and `iterate` runs it. We compare the genetic algorithm with OpenES, which
# estimates a gradient from the population, on four seeds at once.

# %%
fitness = rollout.returns(world, policies.mlp, steps=500)
blocks = partial(devices.blocks, width=128)


def learn(strategy, key):
    learner = evolve(strategy, fitness, over=blocks)
    return iterate(learner.step, key, learner.init(key, policies.init(key, (4, 16, 2))), length=20)


seeds = jax.random.split(jax.random.key(2), 4)
genetic, genetic_curve = jax.jit(jax.vmap(partial(learn, ga(256, parents=32, sigma=0.2))))(seeds)
gradient, gradient_curve = jax.jit(jax.vmap(partial(learn, openes(256, sigma=0.3, learning_rate=0.2))))(seeds)

figure, axes = panels(width=7)
band(axes, np.arange(20), genetic_curve.mean, label="genetic algorithm", colour=ORANGE)
band(axes, np.arange(20), gradient_curve.mean, label="OpenES", colour=BLUE)
axes.axhline(500, color=GREY, linestyle="--")
axes.set(xlabel="generation", ylabel="frames, mean of the population", ylim=(0, 520))
axes.legend();

# %% [markdown]
# How long does the best last in games that it never played?

# %%
test = jax.jit(jax.vmap(rollout.returns(world, policies.mlp, steps=500, episodes=50), (None, 0)))
for name, states in (("genetic", genetic), ("OpenES", gradient)):
    print(f"{name:9}", np.asarray(test(jax.random.key(3), jax.vmap(lambda state: state.best)(states))))

# %% [markdown]
# The first of them plays:

# %%
player = jax.tree.map(lambda leaf: leaf[0], jax.vmap(lambda state: state.best)(gradient))
film = rollout.closed_loop(world, policies.mlp(player))
key = jax.random.key(4)
_, frames = iterate(film.step, key, film.init(key), length=500, observe=lambda playing, output: playing.world)
figure, axes = panels(1, 4, width=3.2, height=1.2)
for panel, t in zip(axes, (0, 25, 100, 499), strict=True):
    panel.imshow(cartpole.render(jax.tree.map(lambda leaf: leaf[t : t + 1], frames))[0])
    panel.set_title(f"frame {t}", fontsize=10)
    bare(panel)

# %% [markdown]
# ## Any model, any learner
#
# The same two lines now look for the conductances of chapter 2's membrane that give a certain trace. What evolves are logarithms, so
# no conductance is negative.


# %%
def respond(conductance):
    return simulate(SQUID, SQUID.params(**conductance), 10.0, duration=20.0, dt=0.05)[1]


def conductances(logarithms):
    return {name: jnp.exp(value) for name, value in logarithms.items()}


truth = {"sodium": 120.0, "potassium": 36.0, "leak": 0.3}
guess = {"sodium": jnp.log(60.0), "potassium": jnp.log(60.0), "leak": jnp.log(1.0)}
target = respond(truth)


def likeness(key, logarithms, input):
    del key, input
    return -jnp.sqrt(jnp.mean((respond(conductances(logarithms)) - target) ** 2))


learner = evolve(ga(256, parents=32, sigma=0.3, decay=0.92, spread=0.7), likeness, over=blocks)
state, shown = jax.jit(partial(iterate, learner.step, length=70))(
    jax.random.key(5), learner.init(jax.random.key(6), guess)
)
found = conductances(state.best)
for name, value in truth.items():
    print(f"{name:10} {float(found[name]):8.3f} mS/cm2, truth {value}")

figure, axes = panels(width=7)
time = times(20.0, 0.05)
axes.plot(time, target, color="#C9CDD3", linewidth=6, label="target")
axes.plot(time, respond(conductances(guess)), color=BLUE, label="first guess")
axes.plot(time, respond(found), color=RED, linewidth=1.5, label="last generation")
axes.set(xlabel="time (ms)", ylabel="potential (mV)")
axes.legend();
