import os

os.environ.setdefault("MPLBACKEND", "Agg")

import jax
import pytest
from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401  (the hook below names it)

jax.config.update("jax_num_cpu_devices", 4)
install_import_hook("redes_jax", "tests.typechecker.check")


@pytest.fixture
def key():
    return jax.random.key(0)
