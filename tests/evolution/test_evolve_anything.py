"""What is evolved beside networks: images that are bars or stripes, exact likelihoods, and players that see no velocity."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import evolve_anything
from redes_jax.energy.rbm import RBM


@pytest.mark.parametrize("side", [2, 3])
def test_bars_and_stripes_are_all_there_are(side):
    images = evolve_anything.bars_and_stripes(side)
    every = np.array(list(itertools.product((0, 1), repeat=side * side))).reshape(-1, side, side)
    right = (every == every[:, :1]).all((1, 2)) | (every == every[:, :, :1]).all((1, 2))
    found = {tuple(image) for image in images.astype(int)}
    assert len(images) == len(found) == 2 ** (side + 1) - 2
    assert found == {tuple(image.ravel()) for image in every[right]}


def test_log_likelihood_by_enumeration_of_every_state():
    draw = np.random.default_rng(0)
    weights, a, b = draw.normal(size=(4, 3)), draw.normal(size=4), draw.normal(size=3)
    visible, hidden = (np.array(list(itertools.product((0, 1), repeat=units))) for units in (4, 3))
    joint = np.exp(visible @ weights @ hidden.T + (visible @ a)[:, None] + hidden @ b)
    probability = dict(zip(map(tuple, visible), joint.sum(1) / joint.sum(), strict=True))
    images = visible[[0, 5, 15]]
    expected = np.mean([np.log(probability[tuple(image)]) for image in images])
    params = RBM(*(jnp.asarray(leaf, jnp.float32) for leaf in (weights, a, b)))
    ours = evolve_anything.log_likelihood(params, jnp.asarray(images, jnp.float32))
    assert float(ours) == pytest.approx(expected, rel=1e-5)


def test_the_blindfold_hides_the_velocities_and_nothing_else():
    world = evolve_anything.blindfold()
    state = world.init(jax.random.key(0))
    faster = state._replace(velocity=state.velocity + 1.0, rate=state.rate - 1.0)
    np.testing.assert_array_equal(world.observe(state), world.observe(faster))
    np.testing.assert_allclose(
        world.observe(state) * jnp.asarray(evolve_anything.SEEN), [state.position, state.angle], rtol=1e-6
    )


def test_one_player_remembers_and_the_other_has_as_many_weights():
    player, blank = evolve_anything.remembering(3)
    count = sum(leaf.size for leaf in jax.tree.leaves(blank))
    forgetful = evolve_anything.forgetting(count)[1]
    assert count == (2 + 3) * 12 + 12 + 3 * 2 + 2
    assert abs(count - sum(leaf.size for leaf in jax.tree.leaves(forgetful))) <= 2
    leaves, tree = jax.tree.flatten(blank)
    keys = jax.random.split(jax.random.key(0), len(leaves))
    params = tree.unflatten([3.0 * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)])
    process = player(params)
    seen = jnp.asarray([[0.3, -0.2], [-1.0, 1.0], [1.0, -1.0]])
    memory = process.init(jax.random.key(0))
    memories = []
    for observation in seen:
        memory, action = process.step(jax.random.key(0), memory, observation)
        memories.append(memory)
        assert int(action) in (0, 1)
    again = process.step(jax.random.key(0), memories[-1], seen[0])[0]
    assert np.abs(again[0] - memories[0][0]).max() > 0.1  # the same sight leaves another trace after another past


@pytest.mark.parametrize("change", [{"seeds": 0}, {"games": 0}, {"dreams": 0}])
def test_bad_configs_are_refused_by_name(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        evolve_anything.run(evolve_anything.Config(**change))
