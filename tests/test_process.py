"""The arrow itself: closed forms, and the edges of its contract."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from redes_jax.process import Process, chunks, iterate, population


def walk(key, state, input):
    del input
    state = state + jax.random.normal(key)
    return state, state


def leaky(rate, key, state, input):
    del key
    state = state + rate * (input - state)
    return state, state


def test_key_of_step_t_is_fold_in_of_t(key):
    _, path = iterate(walk, key, jnp.float32(0), length=4)
    steps = [jax.random.normal(jax.random.fold_in(key, t)) for t in range(4)]
    np.testing.assert_allclose(path, np.cumsum(steps), atol=1e-6)


def test_linear_relaxation_has_its_closed_form(key):
    state, _ = iterate(Partial(leaky, 0.1), key, jnp.float32(0), jnp.ones(50))
    np.testing.assert_allclose(state, 1 - 0.9**50, rtol=1e-5)


def test_start_continues_a_run(key):
    whole, _ = iterate(walk, key, jnp.float32(0), length=9)
    half, _ = iterate(walk, key, jnp.float32(0), length=4)
    rest, _ = iterate(walk, key, half, length=5, start=4)
    assert rest == whole


def test_chunks_start_where_they_are_told(key):
    ends = [t for t, _, _ in chunks(walk, key, jnp.float32(0), length=7, start=10, chunk=3)]
    assert ends == [13, 16, 17]


def test_observe_chooses_what_is_kept(key):
    _, kept = iterate(walk, key, jnp.float32(0), length=3, observe=lambda state, output: {"twice": 2 * output})
    _, path = iterate(walk, key, jnp.float32(0), length=3)
    np.testing.assert_array_equal(kept["twice"], 2 * path)


def test_a_number_held_by_partial_does_not_compile_again(key):
    traces = []

    def step(rate, key, state, input):
        traces.append(rate)
        return leaky(rate, key, state, input)

    for rate in (0.1, 0.2, 0.3):
        list(chunks(Partial(step, rate), key, jnp.float32(0), jnp.ones(6), chunk=2))
    assert len(traces) == 1


def test_population_members_are_independent_and_do_not_depend_on_its_size(key):
    process = Process(lambda key: jax.random.normal(key), walk)

    def last(size):
        many = population(process, size)
        return iterate(many.step, key, many.init(key), length=3)[0]

    np.testing.assert_array_equal(last(8)[:3], last(3))
    assert len(set(np.asarray(last(8)).tolist())) == 8


def test_length_must_be_determined(key):
    with pytest.raises(ValueError, match="no inputs and no length"):
        iterate(walk, key, 0.0)
    with pytest.raises(ValueError, match=r"\[3, 5\]"):
        iterate(walk, key, 0.0, jnp.ones(3), 5)
    with pytest.raises(ValueError, match="chunk is 0"):
        next(chunks(walk, key, 0.0, length=3, chunk=0))
