"""Zones do what their wires let them: silence is exact, paths are exact, and a sum solves no exclusive or."""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.lesions import BRAINS, Config, run
from redes_jax.networks.modular import SOURCES, ZONES, Modular, lesions

ANSWERS = {"seen": 3, "felt": 3, "together": 2, "withdraw": 2}
NET: Any = Modular(ANSWERS, (5, 4), (6,), 2)
APART = jnp.asarray(BRAINS["apart"])


@pytest.fixture(scope="module")
def trial():
    sight, touch = jax.random.normal(jax.random.key(0), (2, 4, 7))
    params = jax.jit(NET.init)(jax.random.key(1), sight, touch)
    draw = np.random.default_rng(2)
    params = jax.tree.map(
        lambda leaf: leaf + 0.2 * draw.normal(size=leaf.shape).astype(leaf.dtype), params
    )  # no bias is zero
    return params, sight, touch


def test_the_equations_by_hand(trial):
    params, sight, touch = trial
    intact = np.array([0.3, 0.5, 0.7, 0.9, 1.1])
    wiring = np.random.default_rng(0).uniform(size=(4, 4))
    p = jax.tree.map(np.asarray, params["params"])

    def through(zone, x, last):
        for i in range(last + 1):
            x = x @ p[zone][f"Dense_{i}"]["kernel"] + p[zone][f"Dense_{i}"]["bias"]
            x = np.tanh(x)
        return x * intact[ZONES.index(zone)]

    seen, felt = through("sight", sight, 1), through("touch", touch, 1)
    zones = [seen, felt, through("heteromodal", np.hstack([seen, felt]), 0), through("reflex", touch, 0)]
    found = NET.apply(params, sight, touch, jnp.asarray(intact), jnp.asarray(wiring))
    assert list(found) == list(ANSWERS)
    for name, wires in zip(ANSWERS, wiring, strict=True):
        motor = p[f"motor_{name}"]
        read = np.hstack([wire * zone for wire, zone in zip(wires, zones, strict=True)])
        np.testing.assert_allclose(found[name], intact[4] * (read @ motor["kernel"] + motor["bias"]), atol=2e-6)


def test_ones_are_no_mask_and_one_vmap_is_every_lesion(trial):
    params, sight, touch = trial
    plain = NET.apply(params, sight, touch)
    each = jax.vmap(lambda intact: NET.apply(params, sight, touch, intact))(lesions())
    np.testing.assert_array_equal(lesions().sum(1), [len(ZONES)] + [len(ZONES) - 1] * len(ZONES))
    ones = NET.apply(params, sight, touch, jnp.ones(len(ZONES)), jnp.ones((len(ANSWERS), len(SOURCES))))
    for name in ANSWERS:
        np.testing.assert_array_equal(ones[name], plain[name])
        np.testing.assert_allclose(each[name][0], plain[name], atol=1e-6)
        assert (np.abs(each[name][1:] - plain[name]).max((1, 2)) > 1e-3).all()
        assert not each[name][1 + ZONES.index("motor")].any()


def test_a_silenced_zone_has_no_gradient_and_the_others_keep_theirs(trial):
    params, sight, touch = trial

    def total(params, intact):
        return sum((logits**2).sum() for logits in NET.apply(params, sight, touch, intact).values())

    gradients = jax.jit(jax.vmap(jax.grad(total), in_axes=(None, 0)))(params, lesions())["params"]
    for zone, leaves in gradients.items():
        moved = sum(np.abs(leaf).reshape(len(lesions()), -1).sum(1) for leaf in jax.tree.leaves(leaves))
        quiet = {1 + ZONES.index(zone.split("_")[0]), 1 + ZONES.index("motor")}
        assert set(np.flatnonzero(moved == 0)) == quiet, zone


def test_each_answer_hears_only_its_own_zone(trial):
    """Zones apart: which parameters and which sense move an answer is the anatomy, exactly."""
    params, sight, touch = trial
    ways = {
        "seen": {"sight"}, "felt": {"touch"}, "together": {"sight", "touch", "heteromodal"}, "withdraw": {"reflex"},
    }  # fmt: skip

    def answered(name, params, sight, touch):
        return (NET.apply(params, sight, touch, None, APART)[name] ** 2).sum()

    slopes = jax.jit(jax.grad(answered, (1, 2, 3)), static_argnums=0)
    for name, zones in ways.items():
        by_params, by_sight, by_touch = slopes(name, params, sight, touch)
        moved = {zone for zone, leaf in by_params["params"].items() if any(x.any() for x in jax.tree.leaves(leaf))}
        assert moved == zones | {f"motor_{name}"}
        assert bool(by_sight.any()) == ("sight" in zones)
        assert bool(by_touch.any()) == bool(zones & {"touch", "reflex"})


def test_without_fusion_the_senses_only_add(trial):
    """The mixed second difference of a sum is zero, so no 2 x 2 exclusive or is solved: 3 of 4 at most."""
    params, sight, touch = trial
    i, j = np.mgrid[:4, :4].reshape(2, -1)

    def table(zone_left):
        intact = jnp.ones(len(ZONES)).at[ZONES.index("heteromodal")].set(zone_left)
        logits = NET.apply(params, sight[i], touch[j], intact)["together"]
        return np.asarray(logits[:, 1] - logits[:, 0]).reshape(4, 4)

    def mixed(y):
        return np.abs(np.diff(np.diff(y, axis=0), axis=1)).max()

    assert mixed(table(0.0)) < 1e-5 < 1e-2 < mixed(table(1.0))
    parity = np.indices((4, 4)).sum(0) % 2
    thresholds = product(np.linspace(-1, 1, 5), repeat=4)
    best = max(((np.add.outer(f, f) > 0) == parity).mean() for f in thresholds)
    assert best <= 0.75


def test_refusals_name_value_and_remedy(trial):
    with pytest.raises(ValueError, match=r"intact has shape \(3,\), \(5,\) is wanted"):
        NET.apply(*trial, jnp.ones(3))
    with pytest.raises(ValueError, match=r"wiring has shape \(4, 5\), \(4, 4\) is wanted"):
        NET.apply(*trial, None, jnp.ones((4, 5)))
    with pytest.raises(ValueError, match="objects is 3: an even number"):
        run(Config(objects=3))
