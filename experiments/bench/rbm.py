"""An epoch of contrastive divergence, 784-500, batches of 100, against its five matrix products and scikit-learn.

No rule can be faster than the products it is made of: up, down, up again, and the two phases of the gradient. What is above that
floor is random bits, sigmoids and the update. scikit-learn's ``BernoulliRBM`` is persistent CD-1, in float32.

Runs are interleaved, and ratios are medians over rounds of the ratio within a round.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from redes_jax.energy import hopfield, rbm
from redes_jax.process import iterate

_VISIBLE, _HIDDEN, _BATCH, _SAMPLES = 784, 500, 100, 10_000
_ROUNDS = 7


def run(peers: str | None = None) -> list[dict]:
    """Rows ``name, value, unit, ratio``: milliseconds an epoch, and the ratio to the floor of the same rounds.

    Args:
      peers: not needed here; scikit-learn is installed with the project.
    """
    del peers
    rows = _rows(_learning(), "five products", "ms an epoch")
    return rows + _rows(_recall(), "one dense product", "ms")


def _learning():
    from sklearn.neural_network import BernoulliRBM

    key = jax.random.key(0)
    images = jax.random.bernoulli(key, 0.2, (_SAMPLES // _BATCH, _BATCH, _VISIBLE)).astype(jnp.float32)
    params = rbm.initialise(key, _VISIBLE, _HIDDEN)

    @jax.jit
    def floor(weights, images):
        def step(weights, v):
            h = v @ weights
            fantasy = h @ weights.T
            again = fantasy @ weights
            return weights + 1e-9 * (v.T @ h) - 1e-9 * (fantasy.T @ again), None

        return jax.lax.scan(step, weights, images)[0]

    @jax.jit
    def epoch(step, state, images):
        return iterate(step, key, state, images)[0]

    optimiser = optax.sgd(0.01)
    contenders = {"five products": lambda: floor(params.weights, images)}
    for name, process in (
        ("CD-1", rbm.contrastive_divergence(optimiser)),
        ("PCD-1", rbm.persistent_contrastive_divergence(optimiser, _BATCH)),
    ):
        step, state = jax.tree_util.Partial(process.step), process.init(key, params)
        contenders[name] = lambda step=step, state=state: epoch(step, state, images)
    flat = np.asarray(images).reshape(_SAMPLES, _VISIBLE)
    peer = BernoulliRBM(_HIDDEN, learning_rate=0.01, batch_size=_BATCH, n_iter=1, random_state=0)
    contenders["scikit-learn BernoulliRBM"] = lambda: peer.fit(flat)
    return contenders


def _recall(units=1000, patterns=138, states=10_000, sweeps=5):
    """Ten thousand corrupted memories recalled together, at the capacity of the net."""
    key = jax.random.key(1)
    memories = jnp.where(jax.random.bernoulli(key, 0.5, (patterns, units)), 1.0, -1.0)
    weights = hopfield.hebb(memories)
    turned = jax.random.bernoulli(jax.random.fold_in(key, 1), 0.1, (states, units))
    starts = jnp.where(turned, -1, 1) * memories[jnp.arange(states) % patterns]
    matrix = hopfield.dense(weights)
    product = jax.jit(lambda spins: spins @ matrix)

    @jax.jit
    def recall(step, groups):
        return jax.lax.map(lambda spins: iterate(step, key, spins, length=sweeps)[0], groups)

    asynchronous, synchronous = hopfield.asynchronous(weights).step, hopfield.synchronous(weights).step
    groups = starts.reshape(-1, 500, units)
    return {
        "one dense product": lambda: product(starts),
        f"Hopfield asynchronous, {sweeps} sweeps": lambda: recall(asynchronous, groups),
        f"Hopfield synchronous, {sweeps} sweeps": lambda: recall(synchronous, groups),
    }


def _rows(contenders, floor, unit):
    times = {name: [] for name in contenders}
    for compute in contenders.values():
        jax.block_until_ready(compute())
    for _ in range(_ROUNDS):
        for name, compute in contenders.items():
            start = time.perf_counter()
            jax.block_until_ready(compute())
            times[name].append(1e3 * (time.perf_counter() - start))
    return [
        {
            "name": name,
            "value": float(np.median(took)),
            "unit": unit,
            "ratio": float(np.median(np.array(took) / np.array(times[floor]))),
        }
        for name, took in times.items()
    ]
