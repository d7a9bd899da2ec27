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

import optax
from jax.tree_util import Partial

from redes_jax import devices
from redes_jax.evolution import policies, qlearning, rollout, selection, variation
from redes_jax.evolution.genomes import feed_forward, minimal
from redes_jax.evolution.strategies import evolve, ga, genetic, openes
from redes_jax.evolution.topology import neat
from redes_jax.figures.genetic import tour
from redes_jax.figures.style import BLUE, GREY, ORANGE, PURPLE, RED, band, bare, panels
from redes_jax.figures.topology import network
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
# The genome need not be numbers, and a child may have two parents. A salesman visits 20 cities and comes home: the genome is the
# order of visit. A tournament of three chooses the parents, **order crossover** keeps a stretch of one of them and fills in the
# rest as the other has it, and the mutation turns a stretch round. The cities lie on a circle, so we know the shortest tour.

# %%
CITIES = 20
angle = 2 * np.pi * np.random.default_rng(0).permutation(CITIES) / CITIES
places = jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], 1), jnp.float32)


def short(key, order, input):
    """The length of the closed tour, less is better."""
    del key, input
    stops = places[order]
    return -jnp.sum(jnp.linalg.norm(stops - jnp.roll(stops, -1, axis=0), axis=1))


salesman = genetic(
    partial(selection.tournament, size=3), variation.order, Partial(variation.invert, rate=0.5), elites=2, crossover_rate=0.6
)
learner = evolve(salesman, short)
orders = jax.random.permutation(jax.random.key(0), jnp.tile(jnp.arange(CITIES), (200, 1)), axis=1, independent=True)
_, (tours, lengths) = iterate(
    learner.step,
    jax.random.key(1),
    learner.init(jax.random.key(0), orders),
    length=120,
    observe=lambda state, shown: (state.best, -shown.best),
)
figure, axes = panels(1, 4, width=2.6, height=2.8)
for panel, t in zip(axes, (0, 10, 40, 119), strict=True):
    tour(panel, np.asarray(places), np.asarray(tours[t]))
    panel.set_title(f"generation {t + 1}: {lengths[t]:.2f}", fontsize=10)
print(f"shortest: {2 * CITIES * np.sin(np.pi / CITIES):.2f}, found: {lengths[-1]:.2f}")

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
# The network sees four numbers (position, velocity, angle, rate) and gives one for each action; the larger one wins. Its 114 weights
# are the genome.

# %%
params = policies.init(jax.random.key(0), (4, 16, 2))
act = policies.mlp(params)
print("action:", int(act(world.observe(game))), " weights:", sum(leaf.size for leaf in jax.tree.leaves(params)))

# %% [markdown]
# What should those numbers mean? For evolution anything will do. If they are to be the **reward still to come**, the network can
# learn without a population: after each frame it corrects what it expected by what it got and expects next,
#
# $$Q(s, a) \leftarrow r + \gamma \max_{a'} Q(s', a').$$
#
# This is Q-learning; with a network and a memory of frames to learn from again it is called DQN. Eight games are played side by side.


# %%
def values(weights, observation):
    return policies.dense(weights, head=jnp.stack)(observation)


numbers = qlearning.Numbers(explore_frames=20_000.0, explore_last=0.02)
dqn = qlearning.dqn(world, values, optax.adam(5e-4), numbers, games=8, capacity=40_000, batch=64)


@jax.jit
def estimate(key):
    weights = policies.init(key, (4, 64, 64, 2))
    return iterate(dqn.step, key, dqn.init(key, weights), length=15_000)


trained, ticks = estimate(jax.random.key(1))


@jax.jit
def watch(key, weights):
    def frame(key, state, input):
        expected = values(weights, world.observe(state))
        state, seen = world.step(key, state, jnp.argmax(expected).astype(jnp.int32))
        return state, (expected.max(), seen.reward, seen.terminated)

    return iterate(frame, key, world.init(key), length=500)[1]


expected, reward, over = (np.asarray(leaf) for leaf in watch(jax.random.key(2), trained.best))
length = int(over.argmax()) + 1 if over.any() else 500
came = np.array([sum(0.99**k for k in range(length - t)) for t in range(length)])
figure, axes = panels(width=7)
axes.plot(came, color=GREY, linewidth=4, label="what came")
axes.plot(expected[:length], color=PURPLE, label="what the network expected")
axes.set(xlabel="frame", ylabel="reward still to come, discounted", ylim=(0, 110))
axes.legend()
print("frames played to learn:", 8 * 15_000, " frames upright in a fresh game:", length)

# %% [markdown]
# With a discount of 0.99 no more than 100 can be expected. The network knows quite well how long the pole will stand: it sees the
# fall come long before it happens, and still has not learned to prevent it.

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

# %% [markdown]
# ## Networks that grow
#
# So far somebody chose how many units there are. NEAT (Stanley & Miikkulainen 2002) starts without hidden units and lets
# mutations add connections and units. *Species* protect what is new until its weights are found. The exclusive or needs one
# hidden unit at least.

# %%
patterns = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = jnp.array([0.0, 1.0, 1.0, 0.0])


def exclusive_or(key, genome, input):
    del key, input
    answers = jax.vmap(feed_forward(genome, outputs=1))(patterns)[:, 0]
    return (4 - jnp.abs(answers - wanted).sum()) ** 2


learner = evolve(neat(inputs=2, outputs=1, population=150), exclusive_or)


@jax.jit
@jax.vmap
def grow(key):
    start = learner.init(key, minimal(2, 1, hidden=40))
    see = lambda state, shown: (state.best, shown.best)
    genomes, fitness = iterate(learner.step, key, start, length=100, observe=see)[1]
    fittest = jax.tree.map(lambda leaf: leaf[jnp.argmax(fitness)], genomes)
    return fittest, fitness, jax.vmap(feed_forward(fittest, outputs=1))(patterns)[:, 0]


genomes, fitness, answers = jax.tree.map(np.asarray, grow(jax.random.split(jax.random.key(7), 8)))
solved = ((answers > 0.5) == (np.asarray(wanted) > 0.5)).all(1)
size = genomes.enabled.sum((1, 2))
smallest = int(np.argmin(np.where(solved, size, 1000)))
print("solved:", solved.sum(), "of 8;  the smallest answers 00, 01, 10, 11 by", np.round(answers[smallest], 2))

figure, axes = panels(1, 2, width=4.2, height=3.2)
band(axes[0], 1 + np.arange(100), np.maximum.accumulate(fitness, 1), label="8 runs", colour=BLUE)
axes[0].set(xlabel="generation", ylabel="fitness of the best so far", ylim=(8, 16.5))
network(axes[1], genomes.weights[smallest], genomes.enabled[smallest], ("a", "b"))
