"""The schemes by hand as diffrax solvers, and any diffrax solver on a membrane or a tree.

A model and its stimulus travel as the ``args`` of the solve (:class:`Clamp`): to diffrax's own solvers they are a
vector field, to :class:`SchemeSolver` what a scheme steps. It may take several micro-steps for one of diffrax's, which
hides the bookkeeping.

    >>> import diffrax
    >>> from redes_jax.neurons.membrane import SQUID
    >>> from redes_jax.neurons.simulation import simulate
    >>> from redes_jax.neurons.solvers import Staggered
    >>> protocol = {"stimulus": 10.0, "duration": 1.0, "dt": 0.2}
    >>> _, fine = simulate(SQUID, SQUID.params(), **protocol, scheme=Staggered(micro_steps=8))
    >>> control = diffrax.PIDController(rtol=1e-6, atol=1e-6)
    >>> _, free = simulate(SQUID, SQUID.params(), **protocol, scheme=diffrax.Tsit5(), stepsize_controller=control)
    >>> bool(abs(fine - free).max() < 0.01)
    True
"""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

from redes_jax.neurons import schemes
from redes_jax.neurons.schemes import Scheme


class Clamp(eqx.Module):
    """A model under a stimulus, a function of time: the ``args`` of ``diffrax.diffeqsolve``; ``y`` is a
    ``membrane.State``.
    """

    model: Any = eqx.field(static=True)
    params: Any
    stimulus: Callable[[Any], Any]


def vector_field(t, y, args: Clamp):
    """The right-hand side for ``diffrax.ODETerm``."""
    return args.model.vector_field(args.params, y, args.stimulus(t))


class SchemeSolver(diffrax.AbstractSolver):
    """A :class:`schemes.Scheme` as a diffrax solver of fixed step: no error estimate, linear interpolation.

    Args:
      scheme: which.
      micro_steps: how many of the scheme's steps make one of diffrax's.
    """

    scheme: Scheme = eqx.field(static=True)
    micro_steps: int = eqx.field(static=True, default=1)

    term_structure: ClassVar = diffrax.ODETerm
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def __check_init__(self):
        if self.micro_steps < 1:
            raise ValueError(f"micro_steps is {self.micro_steps}: a step is made of at least 1")

    def order(self, terms):
        del terms
        return {schemes.STAGGERED: 2, schemes.RK4: 4}.get(self.scheme, 1)

    def init(self, terms, t0, t1, y0, args):
        del terms, t0, t1, y0, args  # no memory between steps

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        del solver_state, made_jump
        model, params = args.model, args.params
        dt = terms.contr(t0, t1) / self.micro_steps

        def micro(i, state):
            return self.scheme.step(model, params, state, args.stimulus(t0 + (i + 0.5) * dt), dt)

        state = self.scheme.start(model, params, y0, args.stimulus(t0 + 0.5 * dt), dt)
        if self.micro_steps == 1:
            state = micro(0, state)
        else:
            state, _ = jax.lax.scan(lambda state, i: (micro(i, state), None), state, jnp.arange(self.micro_steps))
        y1 = self.scheme.view(model, params, state, args.stimulus(t1 - 0.5 * dt), dt)
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful

    def func(self, terms, t0, y0, args):
        return terms.vf(t0, y0, args)


def RushLarsen(micro_steps: int = 1) -> SchemeSolver:  # noqa: N802  (stands where diffrax's classes stand)
    """Exponential Euler, see :mod:`schemes`."""
    return SchemeSolver(schemes.RUSH_LARSEN, micro_steps)


def Staggered(micro_steps: int = 1) -> SchemeSolver:  # noqa: N802
    """Hines' staggered Crank-Nicolson, see :mod:`schemes`."""
    return SchemeSolver(schemes.STAGGERED, micro_steps)


def solve(model, params, stimulus, state, start, steps, dt, solver, observe, options):
    """``simulation.simulate`` by diffrax. Without a step-size controller the steps are the grid itself.

    The record then is that of every step (``SaveAt(steps=True)``): saving at given times that lie on the steps gives
    wrong gradients in reverse with diffrax 0.7.2. An adaptive controller is asked for the same times between its own
    steps, and for the last one apart, as the end of the solve.
    """
    grid = start + dt * jnp.arange(steps + 1, dtype=state.voltage.dtype)
    adaptive = "stepsize_controller" in options

    def keep(t, y, args):
        del t, args
        return observe(y)

    last = diffrax.SubSaveAt(t1=True)
    if observe is None:
        wanted = {"last": last}
    elif adaptive:
        wanted = {"last": last, "record": diffrax.SubSaveAt(ts=grid[1:-1], fn=keep)}
    else:
        wanted = {"last": last, "record": diffrax.SubSaveAt(steps=True, fn=keep)}
    if not adaptive:
        options = options | {"stepsize_controller": diffrax.StepTo(ts=grid), "max_steps": steps}
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(vector_field),
        solver,
        t0=grid[0],
        t1=grid[-1],
        dt0=dt if adaptive else None,
        y0=state,
        args=Clamp(model, params, stimulus),
        saveat=diffrax.SaveAt(subs=wanted),
        **options,
    )
    saved: Any = solution.ys
    final = jax.tree.map(lambda leaf: leaf[-1], saved["last"])
    if observe is None:
        return final, None
    record = saved["record"]
    if adaptive:
        record = jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), record, observe(final))
    return final, record
