"""The same bits on one device and on many, in one process and in two."""

import os
import signal
import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax import devices

WEIGHTS = jax.random.normal(jax.random.key(1), (33, 20))


def member(x, key):
    return jnp.tanh(x @ WEIGHTS) @ WEIGHTS.T + jax.random.normal(key, (33,))


@pytest.fixture(scope="module")
def members():
    return jax.random.normal(jax.random.key(0), (50, 33)), jax.random.split(jax.random.key(2), 50)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("gather", [False, True])
def test_replicas_do_not_depend_on_the_devices(members, count, gather):
    layout = devices.mesh(jax.devices()[:count])
    out = jax.jit(devices.replicas(member, 8, on=layout, gather=gather))(*members)
    np.testing.assert_array_equal(out, jax.jit(devices.blocks(member, 8))(*members))
    np.testing.assert_allclose(out, jax.vmap(member)(*members), rtol=1e-5, atol=1e-5)


def test_memory_is_bounded_by_a_block():
    def wide(x):
        return jnp.sort(jnp.sin(x * jnp.arange(100_000.0)))[0]

    def scratch(mapped):
        return jax.jit(mapped).lower(jnp.arange(512.0)).compile().memory_analysis().temp_size_in_bytes

    assert scratch(devices.blocks(wide, 8)) < scratch(jax.vmap(wide)) / 30


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="width is 0"):
        devices.blocks(member, 0)
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        devices.blocks(member, 2)(jnp.ones((2, 33)), jax.random.split(jax.random.key(0), 3))
    with pytest.raises(ValueError, match="rank is 2"), devices.processes("localhost:1", 2, 2):
        pass


PROGRAM = """
import sys, time
import jax, jax.numpy as jnp, numpy as np
from redes_jax import devices
rank, port, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
devices.host_devices(2)
with devices.processes(f"localhost:{port}", 2, rank, timeout_s=10):
    layout = devices.mesh()
    weights = jax.random.normal(jax.random.key(1), (33, 20))
    def member(key):
        x = jax.random.normal(key, (33,))
        return jnp.tanh(x @ weights) @ weights.T
    run = jax.jit(lambda: devices.replicas(member, 4, on=layout, gather=True)(jax.random.split(jax.random.key(0), 30)))
    out = np.asarray(run())
    print("sum", layout.size, out.tobytes().hex()[:4000], flush=True)
    for _ in range(1000 if mode == "long" else 0):
        jax.block_until_ready(run())
        time.sleep(0.05)
"""


def _pair(mode):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), str(port), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
        )
        for rank in range(2)
    ]


@pytest.fixture
def pair():
    begun = []

    def start(mode):
        begun.extend(_pair(mode))
        return begun

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_two_processes_give_the_bits_of_one(pair):
    outs = [process.communicate(timeout=120) for process in pair("once")]
    weights = jax.random.normal(jax.random.key(1), (33, 20))

    def alone(key):
        x = jax.random.normal(key, (33,))
        return jnp.tanh(x @ weights) @ weights.T

    keys = jax.random.split(jax.random.key(0), 30)
    here = np.asarray(jax.jit(lambda: devices.replicas(alone, 4, on=devices.mesh(jax.devices()[:1]))(keys))())
    for out, error in outs:
        assert f"sum 4 {here.tobytes().hex()[:4000]}" in out.splitlines(), error


def test_a_killed_peer_ends_the_other_with_a_message(pair):
    first, second = pair("long")
    for process in (first, second):
        assert any(line.startswith("sum") for line in process.stdout), "a process ended before its first result"
    second.send_signal(signal.SIGKILL)
    start = time.monotonic()
    _, error = first.communicate(timeout=60)
    assert time.monotonic() - start < 30
    assert first.returncode not in (0, None)
    assert "another process has died" in error
