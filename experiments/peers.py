"""What the benches share: every core for us, a script of its own for a peer, a word on what goes on."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jax

from redes_jax import devices

FOLDER = Path(__file__).parent / "bench" / "peers"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def every_core() -> int:
    """Present every core as a device, where JAX has not started yet; how many devices there are."""
    try:
        devices.host_devices(os.cpu_count() or 1)
    except RuntimeError:
        say(f"JAX has started already: going on with its {jax.device_count()} devices")
    return jax.device_count()


def ask(python: str | None, script: str, *arguments) -> dict | str:
    """What a peer's script printed last, as JSON, or the reason why it printed nothing.

    Args:
      python: an interpreter that has the peer; None when there is none.
      script: its name in ``bench/peers``.
      *arguments: its words.
    """
    if python is None:
        return "no interpreter with the other packages was given (--peers)"
    say(" ".join([script, *map(str, arguments)]))
    python = os.path.abspath(python) if os.path.dirname(python) else python  # seen from another folder
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(FOLDER / script), *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=900,
            env=os.environ | {"PYTHONPATH": str(FOLDER.parent.parent.parent)},
        )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])
