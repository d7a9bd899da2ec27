import os

os.environ.setdefault("MPLBACKEND", "Agg")

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 4)
install_import_hook("redes_jax", "beartype.beartype")


@pytest.fixture
def key():
    return jax.random.key(0)
