"""A search that goes on long after it has found what there is, or that has nothing to find, stays whole: in float32 step sizes
fall and rise beyond what a number can hold, and the answer must not go with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.evolution.strategies import cma_es, evolve, ga, mu_lambda, openes, pgpe, sep_cma_es, snes
from redes_jax.process import iterate

STRATEGIES = {
    "cma_es": cma_es(16),
    "sep_cma_es": sep_cma_es(16),
    "snes": snes(16),
    "mu_lambda": mu_lambda(16, parents=3),
    "pgpe": pgpe(16),
    "openes": openes(16),
    "ga": ga(16, parents=4),
}
CONVERGES = ("cma_es", "sep_cma_es", "snes", "mu_lambda")  # those whose step sizes go to zero
LANDSCAPES = ("a summit", "a summit at infinity", "a plain", "a slope")
GENERATIONS = 3000


def fitness(key, x, landscape):
    del key
    valley = jnp.sum((x[1:] - x[:-1]) ** 2)
    return jnp.stack([-jnp.sum((x - 3) ** 2), -jnp.logaddexp(0.0, -x.sum()) - valley, 0 * x[0], x.sum()])[landscape]


@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_is_lost(name):
    learner = evolve(STRATEGIES[name], fitness)
    start = learner.init(jax.random.key(0), jnp.ones(6, jnp.float32))

    @jax.jit
    def search(landscape):
        return iterate(learner.step, jax.random.key(1), start, inputs=jnp.full(GENERATIONS, landscape))

    for number, landscape in enumerate(LANDSCAPES):
        state, shown = search(number)
        lost = [leaf for leaf in jax.tree.leaves(state) if not np.isfinite(leaf).all()]
        assert not lost, f"{name} on {landscape}"
        if name in CONVERGES and landscape == "a summit":
            np.testing.assert_allclose(state.best, 3.0, atol=1e-5)
        if name in CONVERGES and landscape == "a summit at infinity":
            assert shown.best[-1] >= shown.best[:300].max() - 1e-3
