"""Differential equations by hand: stepping them, asking when a step is too long, and reading the plane (appendix A).

An equation ``dy/dt = f(t, y)`` is a function ``field(t, y)`` that returns a slope for each leaf of ``y``. A method replaces
``y`` by a guess of its value ``dt`` later, ``method(field, t, y, dt) -> y``:

    forward_euler   y + dt f(t, y)                        order 1   the definition of the derivative, without the limit
    heun            y + dt (k1 + k2) / 2                  order 2   the mean of the slopes at both ends
    rk4             y + dt (k1 + 2 k2 + 2 k3 + k4) / 6    order 4   Simpson's rule, the slopes guessed on the way
    backward_euler  y' = y + dt f(t + dt, y')             order 1   the slope at the far end: an equation to be solved

A method of order p errs by about ``dt^p`` at a fixed time. On ``dy/dt = lambda y`` each multiplies ``y`` by a number
``R(z)``, ``z = lambda dt``; where ``|R| > 1`` a solution that should decay blows up (:func:`stability`).

Numbers of an equation are leaves: bind them with ``jax.tree_util.Partial(fitzhugh_nagumo, params)``. A planar field takes
and gives ``(2, ...)`` arrays, so a grid of points is one call.

Reference: Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I and II (1993, 1996).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Float, Int, PyTree

from redes_jax.process import Process, iterate

Field = Callable[..., Any]
Method = Callable[[Field, Any, Any, Any], Any]


class State(NamedTuple):
    """Where a solution stands. Time is counted in steps, ``t = t0 + steps dt``, so that the clock does not drift."""

    steps: Int[Array, ""]
    y: PyTree


def forward_euler(field: Field, t, y, dt):
    """``y + dt f(t, y)`` (Euler 1768)."""
    return _along(y, dt, field(t, y))


def heun(field: Field, t, y, dt):
    """The mean of the slope here and the slope where Euler would arrive (Heun 1900)."""
    k1 = field(t, y)
    k2 = field(t + dt, _along(y, dt, k1))
    return jax.tree.map(lambda y, k1, k2: y + dt / 2 * (k1 + k2), y, k1, k2)


def rk4(field: Field, t, y, dt):
    """The classical method of order 4 (Kutta 1901)."""
    k1 = field(t, y)
    k2 = field(t + dt / 2, _along(y, dt / 2, k1))
    k3 = field(t + dt / 2, _along(y, dt / 2, k2))
    k4 = field(t + dt, _along(y, dt, k3))
    return jax.tree.map(lambda y, k1, k2, k3, k4: y + dt / 6 * (k1 + 2 * (k2 + k3) + k4), y, k1, k2, k3, k4)


def backward_euler(field: Field, t, y, dt, iterations: int = 8):
    """``y' = y + dt f(t + dt, y')``, solved by Newton from ``y``.

    Args:
      field, t, y, dt: as for every method.
      iterations: of Newton. Each doubles the right digits near the solution; a linear field needs one.
    """
    here, unravel = ravel_pytree(y)

    def miss(there):
        return there - here - dt * ravel_pytree(field(t + dt, unravel(there)))[0]

    def newton(there, _):
        return there - jnp.linalg.solve(jax.jacfwd(miss)(there), miss(there)), None

    return unravel(jax.lax.scan(newton, here, length=iterations)[0])


METHODS: dict[str, Method] = {
    "forward_euler": forward_euler, "heun": heun, "rk4": rk4, "backward_euler": backward_euler,
}  # fmt: skip
ORDERS = {"forward_euler": 1, "heun": 2, "rk4": 4, "backward_euler": 1}


def process(field: Field, dt, method: Method = rk4, t0=0.0) -> Process:
    """An equation as a process: ``init(key, y) -> State``, one ``step`` goes on by ``dt`` and outputs the new ``y``.

    Args:
      field: ``field(t, y)``; or ``field(t, y, input)`` when the process is given inputs, each held for one step.
      dt: the step, in the unit of time of the field.
      method: one of :data:`METHODS`.
      t0: time at the start.
    """

    def init(key, y):
        del key
        return State(jnp.int32(0), jax.tree.map(jnp.asarray, y))

    def step(dt, t0, key, state, input):
        del key
        slope = field if input is None else lambda t, y: field(t, y, input)
        y = method(slope, t0 + state.steps * dt, state.y, dt)
        y = jax.tree.map(lambda new, old: new.astype(old.dtype), y, state.y)
        return State(state.steps + 1, y), y

    return Process(init, Partial(step, dt, t0))


def solve(field: Field, y0, t0, t1, steps: int, method: Method = rk4) -> tuple[Float[Array, " points"], Any]:
    """``(times, ys)`` at ``steps + 1`` equidistant times from ``t0`` to ``t1``, both ends included.

    Args:
      field: ``field(t, y)``.
      y0: any pytree of arrays, the state at ``t0``.
      t0, t1: the ends.
      steps: how many.
      method: one of :data:`METHODS`.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: at least 1")
    init, step = process(field, (t1 - t0) / steps, method, t0)
    _, ys = iterate(step, jax.random.key(0), init(None, y0), length=steps)
    ys = jax.tree.map(lambda first, rest: jnp.concatenate([jnp.asarray(first)[None], rest]), y0, ys)
    return t0 + (t1 - t0) / steps * jnp.arange(steps + 1), ys


def final(field: Field, y0, t0, t1, steps, method: Method = rk4):
    """What :func:`solve` ends at, without keeping the way there. ``steps`` may be traced: one program for any number."""
    _, step = process(field, (t1 - t0) / steps, method, t0)
    key = jax.random.key(0)  # not used: an equation has no noise

    def body(i, y):
        return step(key, State(jnp.int32(i), y), None)[1]

    return jax.lax.fori_loop(0, steps, body, jax.tree.map(jnp.asarray, y0))


def stability(method: Method, z):
    """``R(z)``: by what the method multiplies ``y`` in one step of ``dy/dt = z y``, found by letting it take that step.

    Args:
      method: one of :data:`METHODS`.
      z: complex array, ``lambda dt``.

    Returns:
      Complex array like ``z``; stable where its modulus is at most 1.
    """
    z = jnp.asarray(z)

    def one(re, im):
        # the complex number as a plane: multiplication by z turns and stretches it
        matrix = jnp.array([[re, -im], [im, re]])
        return method(lambda t, y: matrix @ y, jnp.zeros_like(re), jnp.array([1.0, 0.0], re.dtype), jnp.ones_like(re))

    factor = jax.vmap(one)(jnp.real(z).ravel(), jnp.imag(z).ravel())
    return (factor[:, 0] + 1j * factor[:, 1]).reshape(z.shape)


def longest_step(method: Method, eigenvalues):
    """The longest step at which every mode of a linear system decays; infinite where no step is too long.

    Args:
      method: one of :data:`METHODS`.
      eigenvalues: (modes,) of the Jacobian, in the left half-plane.

    Returns:
      Scalar, in the unit of time of the eigenvalues' inverse.
    """
    eigenvalues = jnp.asarray(eigenvalues)
    size = jnp.abs(eigenvalues)
    ray = eigenvalues / size
    far = 8.0  # beyond every bounded region of stability here

    def halve(ends, _):
        low, high = ends
        middle = (low + high) / 2
        stable = jnp.abs(stability(method, ray * middle)) <= 1
        return (jnp.where(stable, middle, low), jnp.where(stable, high, middle)), None

    (low, _), _ = jax.lax.scan(halve, (jnp.zeros_like(size), jnp.full_like(size, far)), length=60)
    return jnp.min(jnp.where(jnp.abs(stability(method, ray * far)) <= 1, jnp.inf, low / size))


def newton(field: Field, start: Float[Array, " n"], iterations: int = 50) -> Float[Array, " n"]:
    """Where ``f(0, y) = 0``, sought from ``start``; not finite, or no solution, where the search ran away."""

    def improve(y, _):
        return y - jnp.linalg.solve(jax.jacfwd(lambda y: field(0.0, y))(y), field(0.0, y)), None

    return jax.lax.scan(improve, start, length=iterations)[0]


def fixed_points(field: Field, starts: Float[Array, "starts n"], iterations: int = 50, tolerance: float = 1e-4):
    """Where nothing moves: :func:`newton` from many starts, each point found once.

    Args:
      field: of an autonomous equation on vectors.
      starts: where to search from.
      iterations: of Newton.
      tolerance: points nearer than this are one; what the field still moves at a point stays below it.

    Returns:
      NumPy array (found, n), sorted by the first coordinate.
    """
    points = jax.vmap(lambda start: newton(field, start, iterations))(starts)
    points, motion = np.asarray(points), np.asarray(jax.vmap(lambda y: jnp.max(jnp.abs(field(0.0, y))))(points))
    found: list[np.ndarray] = []
    for point in points[motion < tolerance]:  # a start that ran away is NaN, which is not below
        if all(np.abs(point - other).max() > tolerance for other in found):
            found.append(point)
    return np.array(sorted(found, key=lambda point: point[0])).reshape(-1, starts.shape[1])


def classify(jacobian) -> str:
    """What a planar flow does near a fixed point, from its Jacobian (2, 2): "stable focus", "saddle", ...

    The eigenvalues are ``(T +- sqrt(T^2 - 4 D)) / 2`` with trace ``T`` and determinant ``D``: real of two signs when
    ``D < 0``, complex when ``4 D > T^2``, decaying when ``T < 0``.
    """
    jacobian = np.asarray(jacobian)
    if jacobian.shape != (2, 2):
        raise ValueError(f"the Jacobian has shape {jacobian.shape}: only points of a plane, (2, 2), are classified")
    trace, determinant = float(np.trace(jacobian)), float(np.linalg.det(jacobian))
    size = float(np.abs(jacobian).max())
    if abs(determinant) <= 1e-6 * size**2:
        return "degenerate"
    if determinant < 0:
        return "saddle"
    kind = "focus" if 4 * determinant > trace**2 else "node"
    if abs(trace) <= 1e-6 * size:
        return "centre"
    return f"{'stable' if trace < 0 else 'unstable'} {kind}"


def direction_field(
    field: Field, x: Float[Array, " columns"], y: Float[Array, " rows"]
) -> Float[Array, "2 rows columns"]:
    """The slopes of a planar field over the grid ``x`` by ``y``, as ``plt.quiver`` and ``plt.streamplot`` want them."""
    return field(0.0, jnp.stack(jnp.meshgrid(x, y)))


def nullcline(field: Field, component: int, x: Float[Array, " columns"], low, high, samples: int = 400):
    """The ``y`` between ``low`` and ``high`` at which one component of a planar field vanishes, for each ``x``.

    Args:
      field: planar, autonomous.
      component: 0 for ``dx/dt = 0``, 1 for ``dy/dt = 0``.
      x: where to look.
      low, high: between which to look.
      samples: into how many pieces the search is cut; of several zeros the lowest is given.

    Returns:
      (columns,) values of ``y``; NaN where there is none.
    """
    y = jnp.linspace(low, high, samples + 1)
    value = direction_field(field, x, y)[component]
    negative = jnp.signbit(value)
    changes = negative[:-1] != negative[1:]
    first = jnp.argmax(changes, axis=0)
    side = negative[first, jnp.arange(x.size)]

    def halve(ends, _):
        low, high = ends
        middle = (low + high) / 2
        same = jnp.signbit(field(0.0, jnp.stack([x, middle]))[component]) == side
        return (jnp.where(same, middle, low), jnp.where(same, high, middle)), None

    (root, _), _ = jax.lax.scan(halve, (y[first], y[first + 1]), length=50)
    return jnp.where(changes.any(0), root, jnp.nan)


class FitzHughNagumo(NamedTuple):
    """``dv/dt = v - v^3/3 - w + I``, ``dw/dt = epsilon (v + a - b w)``: Hodgkin-Huxley in two variables, without units.

    FitzHugh (1961) gave ``a = 0.7, b = 0.8`` and ``epsilon = 1 / c^2`` with ``c = 3``; 0.08 is what later texts use.
    """

    a: Any = 0.7
    b: Any = 0.8
    epsilon: Any = 0.08
    current: Any = 0.0


def fitzhugh_nagumo(params: FitzHughNagumo, t, y, drive=0.0):
    """The field of :class:`FitzHughNagumo`; ``y = (v, w)``, ``drive`` adds to the current."""
    del t
    v, w = y
    return jnp.stack([v - v**3 / 3 - w + params.current + drive, params.epsilon * (v + params.a - params.b * w)])


def van_der_pol(mu, t, y):
    """``x'' - mu (1 - x^2) x' + x = 0`` (van der Pol 1926); ``y = (x, x')``."""
    del t
    x, speed = y
    return jnp.stack([speed, mu * (1 - x**2) * speed - x])


def _along(y, dt, slope):
    return jax.tree.map(lambda y, dy: y + dt * dy, y, slope)
