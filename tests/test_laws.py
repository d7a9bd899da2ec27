"""The laws that every process obeys, over the whole zoo."""

import functools

import chex
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax import devices
from redes_jax.process import chunks, iterate
from tests.zoo import ZOO

LENGTH, MEMBERS = 4, 5


@pytest.fixture(
    scope="module", params=ZOO, ids=lambda case: case.name
)  # all laws of a case in turn: they share programs
def case(request):
    return request.param


def start(case, seed=0):
    key = jax.random.key(seed)
    inputs = None if case.inputs is None else case.inputs(jax.random.fold_in(key, 1), LENGTH)
    return jax.random.fold_in(key, 2), jax.jit(case.process.init)(jax.random.fold_in(key, 3)), inputs


@functools.cache
def scanned(case):
    return jax.jit(lambda key, state, inputs: iterate(case.process.step, key, state, inputs, LENGTH))


@functools.cache
def stepped(case):
    return jax.jit(case.process.step)


@functools.cache
def orbit(case):
    return scanned(case)(*start(case))


def head(inputs):
    return jax.tree.map(lambda leaf: leaf[0], inputs)


def assert_equal(one, other):
    chex.assert_trees_all_equal(*jax.tree.map(np.asarray, (one, other)))


def assert_close(one, other, tolerance=2e-4):
    chex.assert_trees_all_close(*jax.tree.map(np.asarray, (one, other)), rtol=tolerance, atol=tolerance)


def test_step_is_closed(case):
    key, state, inputs = start(case)
    after, _ = jax.eval_shape(case.process.step, key, state, head(inputs))
    chex.assert_trees_all_equal_shapes_and_dtypes(jax.eval_shape(lambda x: x, state), after)


@pytest.mark.slow
def test_eager_equals_jit(case):
    key, state, inputs = start(case)
    key = jax.random.fold_in(key, 0)
    assert_close(case.process.step(key, state, head(inputs)), stepped(case)(key, state, head(inputs)))


def test_chunks_equal_the_whole_to_the_bit(case):
    key, state, inputs = start(case)
    parts = []
    for t, state, outputs in chunks(case.process.step, key, state, inputs, LENGTH, chunk=2):  # noqa: B007, B020
        parts.append(outputs)
    assert t == LENGTH
    assert_equal((state, jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)), orbit(case))


def test_stepped_from_python_equals_scanned(case):
    key, state, inputs = start(case)
    [(_, state, outputs)] = chunks(case.process.step, key, state, inputs, LENGTH, chunk=LENGTH, stepped=True)
    assert_close((state, outputs), orbit(case))


def test_vmap_equals_loop(case):
    key, state, inputs = start(case)
    keys = jax.random.split(key, 2)
    both = jax.jit(jax.vmap(case.process.step, (0, None, None)))(keys, state, head(inputs))
    for i in range(2):
        assert_close(jax.tree.map(lambda leaf: leaf[i], both), stepped(case)(keys[i], state, head(inputs)))  # noqa: B023


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_devices_gives_the_same_bits(case, count):
    key, state, inputs = start(case)
    keys = jax.random.split(key, MEMBERS)

    @functools.partial(jax.jit, static_argnames="number")
    def on(keys, state, input, number):
        layout = devices.mesh(jax.devices()[:number])
        return devices.replicas(lambda k: case.process.step(k, state, input), width=2, on=layout)(keys)

    assert_equal(*(on(keys, state, head(inputs), number) for number in (count, 1)))


def test_second_call_compiles_nothing(case):
    run = scanned(case)
    run(*start(case))
    compiled = run._cache_size()
    run(*start(case, seed=1))
    assert run._cache_size() == compiled == 1


def test_same_key_same_orbit(case):
    assert_equal(scanned(case)(*start(case)), orbit(case))


def test_orbit_is_finite(case):
    chex.assert_tree_all_finite(orbit(case))


def test_works_in_float64(case):
    with jax.enable_x64(True):
        key, state, inputs = start(case)
        after, outputs = jax.jit(case.process.step)(key, state, head(inputs))
        chex.assert_trees_all_equal_shapes_and_dtypes(state, after)
        chex.assert_tree_all_finite((after, outputs))
        floats = [leaf.dtype for leaf in jax.tree.leaves(after) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        assert not floats or jnp.float64 in floats, f"all of the state stayed in {set(floats)}"


def test_lowers_for_cpu_cuda_and_tpu(case):
    key, state, inputs = start(case)
    step = jax.jit(lambda data, state, input: case.process.step(jax.random.wrap_key_data(data), state, input))
    exported = jax.export.export(step, platforms=("cpu", "cuda", "tpu"))(jax.random.key_data(key), state, head(inputs))
    assert exported.platforms == ("cpu", "cuda", "tpu")
