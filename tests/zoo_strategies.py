"""The strategies beside ga and openes, as small as they go."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from redes_jax.evolution import selection, variation
from redes_jax.evolution.novelty import novelty_search
from redes_jax.evolution.strategies import (
    cma_es,
    evolve,
    ga,
    genetic,
    islands,
    mu_lambda,
    noise_table,
    openes,
    pgpe,
    sep_cma_es,
    snes,
)
from redes_jax.process import Process
from tests.case import Case


def _bowl(key, params, input):
    del key, input
    return -jnp.sum(params["a"] ** 2) - jnp.sum((params["b"] - 1) ** 2)


def _learner(strategy):
    process = evolve(strategy, _bowl)

    def init(key):
        return process.init(key, {"a": jnp.array([0.5, -0.5]), "b": jnp.zeros(())})

    return Process(init, process.step)


def _thin():
    process = evolve(openes(8, rank=1), lambda key, kernel, input: -jnp.mean((jnp.ones((4, 32)) @ kernel) ** 2))
    return Process(lambda key: process.init(key, jax.random.normal(key, (32, 16))), process.step)


def _binary():
    strategy = genetic(
        partial(selection.tournament, size=2), variation.two_point, Partial(variation.bit_flip, rate=0.1), elites=1
    )
    process = evolve(strategy, lambda key, genome, input: jnp.mean(genome, dtype=jnp.zeros(()).dtype))
    return Process(lambda key: process.init(key, jax.random.bernoulli(key, 0.5, (6, 5))), process.step)


def _real():
    cross = Partial(variation.simulated_binary, low=-1.0, high=1.0)
    mutate = Partial(variation.polynomial, low=-1.0, high=1.0)
    island = genetic(Partial(selection.linear_rank, pressure=1.7), cross, mutate)
    process = evolve(islands(island, 2, every=2, migrants=1), lambda key, genome, input: -jnp.sum(genome**2))
    return Process(lambda key: process.init(key, jax.random.uniform(key, (2, 4, 3), minval=-1)), process.step)


def _tours():
    island = genetic(selection.roulette, variation.order, partial(variation.swap, rate=0.5))
    process = evolve(island, lambda key, tour, input: jnp.sum(jnp.cos(tour * jnp.arange(5.0))))

    def init(key):
        return process.init(key, jax.vmap(lambda key: jax.random.permutation(key, 5))(jax.random.split(key, 6)))

    return Process(init, process.step)


def _reach(key, params, input):
    del key, input
    return -jnp.sum(params["a"] ** 2), jnp.stack([params["a"][0], params["b"]])


def _explorer(process):
    return Process(lambda key: process.init(key, {"a": jnp.array([0.5, -0.5]), "b": jnp.zeros(())}), process.step)


_NOVELTY = novelty_search(ga(6, parents=3), _reach, features=2, places=8, nearest=2, insertions=1)


CASES: list[Case] = [
    Case("evolution: genetic, bits", _binary()),
    Case("evolution: genetic, islands of reals", _real()),
    Case("evolution: mu, lambda", _learner(mu_lambda(8, parents=2))),
    Case("evolution: openes with a noise table", _learner(openes(8, table=noise_table(jax.random.key(0), 64)))),
    Case("evolution: openes of rank one", _thin()),
    Case("evolution: pgpe", _learner(pgpe(8))),
    Case("evolution: snes", _learner(snes(8))),
    Case("evolution: cma_es", _learner(cma_es(8))),
    Case("evolution: sep_cma_es", _learner(sep_cma_es(8))),
    Case("evolution: novelty search", _explorer(_NOVELTY)),
    Case("evolution: genetic, permutations", _tours()),
]
