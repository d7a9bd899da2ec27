"""Each scheme has its order, and as a diffrax solver it is the same scheme."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.neurons import channels as ch
from redes_jax.neurons.membrane import SQUID, State, compose
from redes_jax.neurons.schemes import FORWARD_EULER, RUSH_LARSEN, SCHEMES, STAGGERED
from redes_jax.neurons.simulation import simulate
from redes_jax.neurons.solvers import RushLarsen, Staggered

PARAMS = SQUID.params()
CONTROL = diffrax.PIDController(rtol=1e-11, atol=1e-11)
LOOSE = diffrax.PIDController(rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def shocked():
    """The state 15 mV above rest, and the potential 3 ms later."""
    with jax.enable_x64(True):
        rest = SQUID.rest(PARAMS)
        start = rest._replace(voltage=rest.voltage + 15.0)
        end, _ = simulate(
            SQUID, PARAMS, duration=3.0, dt=3.0, scheme=diffrax.Dopri8(), state=start, observe=None,
            stepsize_controller=CONTROL, max_steps=10_000,
        )  # fmt: skip
    return start, end.voltage


@pytest.mark.parametrize(("name", "expected"), [("forward_euler", 1), ("rush_larsen", 1), ("staggered", 2)])
def test_order_of_convergence(name, expected, shocked):
    start, exact = shocked
    errors = []
    with jax.enable_x64(True):
        for dt in (0.01, 0.005):
            end, _ = simulate(SQUID, PARAMS, duration=3.0, dt=dt, scheme=SCHEMES[name], state=start, observe=None)
            errors.append(abs(end.voltage - exact))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize(
    ("scheme", "solver"),
    [(FORWARD_EULER, diffrax.Euler()), (RUSH_LARSEN, RushLarsen()), (STAGGERED, Staggered())],
    ids=["forward_euler", "rush_larsen", "staggered"],
)
def test_diffrax_solver_equals_scheme(scheme, solver):
    with jax.enable_x64(True):
        ours, trace = simulate(SQUID, PARAMS, 10.0, duration=5.0, scheme=scheme)
        theirs, record = simulate(SQUID, PARAMS, 10.0, duration=5.0, scheme=solver)
    np.testing.assert_allclose(record, trace, rtol=1e-10)
    np.testing.assert_allclose(theirs.gates, ours.gates, rtol=1e-10)


def test_micro_steps_equal_steps():
    with jax.enable_x64(True):
        _, fine = simulate(SQUID, PARAMS, 10.0, duration=5.0, dt=0.025)
        _, coarse = simulate(SQUID, PARAMS, 10.0, duration=5.0, dt=0.25, scheme=Staggered(micro_steps=10))
    np.testing.assert_allclose(coarse, fine[9::10], rtol=1e-10)
    with pytest.raises(ValueError, match="micro_steps"):
        Staggered(micro_steps=0)


@pytest.mark.parametrize("name", ["staggered", pytest.param("adaptive", marks=pytest.mark.slow)])
def test_diffrax_gradient_in_reverse_equals_forward(name):
    options = (
        {"scheme": Staggered()} if name == "staggered" else {"scheme": diffrax.Bosh3(), "stepsize_controller": LOOSE}
    )

    def loss(g, adjoint):
        params = SQUID.params(sodium=g)
        return (
            simulate(SQUID, params, 10.0, duration=1.0, dt=0.1, max_steps=64, adjoint=adjoint, **options)[1] ** 2
        ).sum()

    with jax.enable_x64(True):
        reverse = jax.jit(jax.grad(lambda g: loss(g, diffrax.RecursiveCheckpointAdjoint())))(120.0)
        _, forward = jax.jit(lambda g: jax.jvp(lambda g: loss(g, diffrax.ForwardMode()), (g,), (1.0,)))(120.0)
    np.testing.assert_allclose(reverse, forward, rtol=1e-7)


def test_forward_euler_blows_up_where_its_bound_says():
    """On dV/dt = -(g / C) V, Euler is stable below dt = 2 C / g = 6.67 ms."""
    leaky = compose(ch.LEAK)
    start = State(jnp.float32(0.0), ())
    ends = [
        abs(
            simulate(leaky, leaky.params(), duration=100 * dt, dt=dt, scheme=FORWARD_EULER, state=start)[0].voltage
            + 54.387
        )
        for dt in (6.6, 6.75)
    ]
    assert ends[0] < 54.387 < ends[1]
    assert abs(simulate(leaky, leaky.params(), duration=675.0, dt=6.75, state=start)[0].voltage + 54.387) < 1.0
