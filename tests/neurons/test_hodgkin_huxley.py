"""The experiments of chapter 2: bad configs are refused by name, and what they compute by hand is right."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments import hh_fit, hh_population, hh_recording, hh_solvers, hodgkin_huxley
from redes_jax.neurons.schemes import SCHEMES


@pytest.mark.parametrize(
    ("experiment", "change"),
    [
        (hodgkin_huxley, {"dt": 0.3}),
        (hodgkin_huxley, {"settle": 5.0}),
        (hh_population, {"neurons": 7}),
        (hh_population, {"dt": 0.3}),
        (hh_population, {"duration": 5.0}),
        (hh_solvers, {"halvings": 1}),
        (hh_solvers, {"states": 2}),
        (hh_fit, {"starts": 1}),
        (hh_fit, {"factor": 0.5}),
        (hh_fit, {"populations": 200}),
        (hh_recording, {"window": 900.0}),
        (hh_recording, {"members": 2}),
    ],
)
def test_bad_configs_are_refused_by_name(experiment, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        experiment.run(experiment.Config(**change))


def test_memory_of_a_population_does_not_grow_with_time():
    """What XLA sets aside for a slice of ten times as many steps is the same, and a few numbers a neuron."""
    config = hh_population.Config(neurons=4096, width=256)

    cells = hh_population.scatter(config)
    carry = hh_population.resting(config, cells[1])

    def bytes_for(slice):
        step = hh_population.slicewise(dataclasses.replace(config, slice=slice))
        analysis = jax.jit(step).lower(cells, jax.random.key(0), carry, 0.0).compile().memory_analysis()
        return analysis.temp_size_in_bytes + analysis.output_size_in_bytes + analysis.argument_size_in_bytes

    short, long = bytes_for(1.0), bytes_for(10.0)
    assert long < 1.2 * short
    assert long < 400 * config.neurons


def test_spike_times_are_read_off_a_cubic():
    """A cubic is met exactly, wherever between two samples it crosses zero."""
    t = hh_solvers.GRID * np.arange(1, 21)
    for zero in (0.3, 0.52, 0.777):
        x = t - zero
        trace = np.stack([40 * x + 30 * x**2 + 9 * x**3, 40 + 60 * x + 27 * x**2], 1)
        np.testing.assert_allclose(hh_solvers.spike_times(trace, 2), [zero, np.nan], rtol=1e-12)


def test_longest_steps_are_those_of_the_textbook():
    """On the negative axis 2 / |lambda| for Euler and 2.7853 / |lambda| for RK4; for a complex pair -2 Re / |lambda|^2."""
    real, pair = np.array([[-0.5, -4.0]]), np.array([[-1.0 + 3.0j, -1.0 - 3.0j]])
    np.testing.assert_allclose(hh_solvers.longest_step("forward_euler", real), 0.5, rtol=1e-9)
    np.testing.assert_allclose(hh_solvers.longest_step("rk4", real), 2.785293563 / 4, rtol=1e-8)
    np.testing.assert_allclose(hh_solvers.longest_step("forward_euler", pair), 0.2, rtol=1e-9)


def test_a_scheme_divided_is_the_scheme_with_a_shorter_step():
    from redes_jax.neurons.simulation import simulate

    squid, params = hodgkin_huxley.MEMBRANE, hodgkin_huxley.PARAMS
    for name in ("staggered", "rk4"):
        _, coarse = simulate(squid, params, 10.0, duration=4.0, dt=0.1, scheme=hh_solvers.divided(SCHEMES[name], 4))
        _, fine = simulate(squid, params, 10.0, duration=4.0, dt=0.025, scheme=SCHEMES[name])
        np.testing.assert_allclose(coarse, fine[3::4], atol=5e-3)
