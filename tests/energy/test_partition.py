import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.energy import partition, rbm
from redes_jax.process import iterate
from tests.energy.test_rbm import double, joint, params  # noqa: F401


@pytest.mark.parametrize("block", [1, 2, 1024])
@pytest.mark.parametrize("turned", [False, True])
def test_enumeration_is_brute_force(params, block, turned):  # noqa: F811
    machine = rbm.RBM(params.weights.T, params.hidden_bias, params.visible_bias) if turned else params
    np.testing.assert_allclose(partition.log_partition(machine, block), joint(params)[3], rtol=1e-12)


def test_probabilities_sum_to_one_and_are_those_of_the_joint(params):  # noqa: F811
    v, _, p, _ = joint(params)
    ours = np.exp(partition.log_likelihood(params, v, partition.log_partition(params)))
    np.testing.assert_allclose(ours, p.sum(1), rtol=1e-12)


def test_the_derivative_of_log_z_is_the_mean_of_the_joint(params):  # noqa: F811
    v, h, p, _ = joint(params)
    gradient = jax.grad(partition.log_partition)(params)
    for ours, exact in zip(gradient, (v.T @ p @ h, p.sum(1) @ v, p.sum(0) @ h), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-10)


def test_an_enumeration_without_end_is_refused():
    with pytest.raises(ValueError, match="30 units"):
        partition.log_partition(rbm.initialise(jax.random.key(0), 40, 30))


def test_annealing_meets_enumeration():
    keys = jax.random.split(jax.random.key(0), 2)
    machine = rbm.initialise(keys[0], 20, 10, jax.random.uniform(keys[1], (20,)), scale=0.8, dtype=jnp.float64)
    exact = partition.log_partition(machine)
    base = 0.5 * machine.visible_bias
    way = partition.annealing(machine, base)
    betas = jnp.linspace(0, 1, 501)
    state = way.init(jax.random.key(1), 500)
    state, means = iterate(way.step, jax.random.key(2), state, (betas[:-1], betas[1:]))
    estimate, low, high = partition.annealed_log_partition(base, 10, state.log_weight)
    assert low < exact < high
    assert high - low < 0.2
    assert abs(estimate - exact) < 0.05
    np.testing.assert_allclose(means[-1], state.log_weight.mean())


def test_a_machine_without_weights_needs_no_annealing():
    base = jnp.array([0.3, -1.0, 2.0])
    machine = rbm.RBM(jnp.zeros((3, 2)), base, jnp.zeros(2))
    estimate, low, high = partition.annealed_log_partition(base, 2, jnp.zeros(4))
    np.testing.assert_allclose((estimate, low, high), partition.log_partition(machine), rtol=1e-12)
