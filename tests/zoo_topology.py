"""Networks that grow, and the two poles they balance, as small as they go."""

import jax
import jax.numpy as jnp

from redes_jax.evolution.asktell import evolve
from redes_jax.evolution.genomes import feed_forward, minimal, recurrent
from redes_jax.evolution.growth import Numbers
from redes_jax.evolution.topology import neat
from redes_jax.games import double_pole
from redes_jax.process import Process, iterate
from tests.case import Case

_EAGER = Numbers(add_node=0.3, add_link=0.3, threshold=1.0)  # so that much happens in a few generations


def _ahead(key, genome, input):
    del key, input
    return feed_forward(genome, 1)(jnp.array([0.5, -1.0]))[0]


def _back(key, genome, input):
    del input
    network = recurrent(genome, 1)
    return iterate(network.step, key, network.init(key), jnp.ones((3, 2)))[1].sum()


def _learner(fitness, cyclic):
    process = evolve(neat(2, 1, 10, species=3, cyclic=cyclic, numbers=_EAGER), fitness)
    return Process(lambda key: process.init(key, minimal(2, 1, hidden=3)), process.step)


def _pushes(key, length):
    return jax.random.uniform(key, (length,), float, -10.0, 10.0)


_WORLD = double_pole.double_pole(velocities=False)

CASES: list[Case] = [
    Case("evolution: neat", _learner(_ahead, cyclic=False)),
    Case("evolution: neat with cycles", _learner(_back, cyclic=True)),
    Case("games: double pole", Process(_WORLD.init, _WORLD.step), _pushes),
]
