"""A search as a process: it must not matter how it is run."""

import jax.numpy as jnp
import jax.random

from redes_jax.neurons.fitting import levenberg_marquardt
from redes_jax.process import Process
from tests.case import Case


def _residual(params, input):
    return jnp.stack([params["a"] - input, 3.0 * (params["b"] - params["a"] ** 2), 0.1 * params["b"]])


_SEARCH = levenberg_marquardt(_residual)


def _init(key):
    return _SEARCH.init(key, {"a": jax.random.normal(key), "b": jnp.zeros(())})


def _inputs(key, length):
    return 1.0 + 0.1 * jax.random.normal(key, (length,))


CASES: list[Case] = [Case("neurons: Levenberg-Marquardt", Process(_init, _SEARCH.step), _inputs)]
