"""What the arrow costs: ``iterate`` beside a scan written by hand without keys, chunks beside the whole, steps from Python.

    python -m experiments bench process

Expected: ``iterate`` within 5% of the hand-written scan.
"""

import statistics
import time

import jax
import jax.numpy as jnp

from redes_jax.process import chunks, iterate

STEPS, REPEATS = 20_000, 15


def run(peers: str | None = None) -> list[dict]:
    """Microseconds a step of a small network's gradient descent on XOR, each way, medians of interleaved repeats."""
    del peers
    xs = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    ys = jnp.array([0.0, 1.0, 1.0, 0.0])
    key = jax.random.key(0)
    start = (jax.random.normal(key, (2, 8)), jnp.zeros(8), jax.random.normal(key, (8,)))

    def loss(params):
        inward, bias, outward = params
        return jnp.mean((jnp.tanh(xs @ inward + bias) @ outward - ys) ** 2)

    def step(key, params, input):
        del key, input
        value, gradient = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient), value

    def by_hand(params):
        return jax.lax.scan(lambda params, _: step(None, params, None), params, length=STEPS)

    def in_chunks(params, stepped=False, length=STEPS):
        outputs = None
        for _, params, outputs in chunks(step, key, params, length=length, chunk=length // 10, stepped=stepped):  # noqa: B007, B020
            pass
        return params, outputs

    ways = {
        "scan written by hand": (jax.jit(by_hand), STEPS),
        "iterate": (jax.jit(lambda params: iterate(step, key, params, length=STEPS)), STEPS),
        "in ten chunks": (in_chunks, STEPS),
        "stepped from Python": (lambda params: in_chunks(params, stepped=True, length=1000), 1000),
    }
    for way, _ in ways.values():
        jax.block_until_ready(way(start))
    seconds = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, (way, steps) in ways.items():
            begin = time.perf_counter()
            jax.block_until_ready(way(start))
            seconds[name].append((time.perf_counter() - begin) / steps)
    hand = statistics.median(seconds["scan written by hand"])
    return [
        {"name": name, "value": 1e6 * statistics.median(each), "unit": "us a step",
         "ratio": statistics.median(each) / hand, "against": "scan written by hand"}
        for name, each in seconds.items()
    ]  # fmt: skip
