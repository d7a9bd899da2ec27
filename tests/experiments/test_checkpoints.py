"""Runs that are stopped, killed or damaged on disk, and end equal to the bit all the same."""

import os
import random
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import checkpoints
from experiments.lab import Lab


def walk(key, state, input):
    position, count = state
    position = position + jax.random.normal(key, position.shape)
    return (position, count + 1), {"mean": position.mean(), "input": input}


START = (jnp.zeros(3), jnp.int32(0))
INPUTS = jnp.arange(20.0)


class Stop(Exception):
    pass


def run(folder, stop_at=None):
    def report(stage, done, total):
        if done == stop_at:
            raise Stop

    return Lab(folder, report).iterate("walk", walk, jax.random.key(5), START, INPUTS, chunk=3)


def assert_equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def whole():
    return run(None)


@pytest.mark.parametrize("stop_at", [0, 3, 12, 20])
def test_a_stopped_run_goes_on_to_the_same_end(tmp_path, whole, stop_at):
    with pytest.raises(Stop):
        run(tmp_path, stop_at)
    assert_equal(run(tmp_path), whole)


def newest(folder):
    return sorted(folder.glob("walk-*.npz"))[-1]


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path, whole, damage, capsys):
    with pytest.raises(Stop):
        run(tmp_path, 12)
    path = newest(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flip" else data[:-40])
    seen = []
    lab = Lab(tmp_path, lambda stage, done, total: seen.append(done))
    assert_equal(lab.iterate("walk", walk, jax.random.key(5), START, INPUTS, chunk=3), whole)
    assert seen[0] == 9
    assert str(path) in capsys.readouterr().err


def test_only_the_last_two_are_kept(tmp_path):
    run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json",
        "walk-000000018.npz",
        "walk-000000020.npz",
    ]


def test_a_checkpoint_of_another_config_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match=r"float32\(3,\) where this config needs float32\(4,\)"):
        Lab(tmp_path).iterate("walk", walk, jax.random.key(5), (jnp.zeros(4), jnp.int32(0)), INPUTS, chunk=3)


def test_a_damaged_manifest_is_refused_by_name(tmp_path):
    run(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="manifest.json: damaged"):
        run(tmp_path)


def test_once_computes_once(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"x": np.arange(3), "y": np.float32(2)}

    first, second = (Lab(tmp_path).once("stage", compute) for _ in range(2))
    assert_equal(first, second)
    assert len(calls) == 1


def test_objects_are_refused():
    with pytest.raises(ValueError, match="leaf has dtype object"):
        checkpoints.to_npz({"leaf": np.array([None])})


PROGRAM = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp, numpy as np
from experiments.lab import Lab
def walk(key, state, input):
    state = state + jax.random.normal(key, state.shape)
    return state, state.mean()
def report(stage, done, total):
    print(done, flush=True)
lab = Lab(Path(sys.argv[1]), report)
state, outputs = lab.iterate("walk", walk, jax.random.key(1), jnp.zeros(50), length=4000, chunk=10)
print(np.asarray(state).tobytes().hex(), outputs.tobytes().hex())
"""


@pytest.mark.slow
def test_killed_ten_times_at_random_moments(tmp_path):
    """SIGKILL at random moments, in the middle of writes too: it goes on each time, and ends equal to the bit."""

    def command(folder):
        return [sys.executable, "-c", PROGRAM, str(tmp_path / folder)]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    moments = random.Random(os.urandom(8))
    steps = []
    for _ in range(10):
        process = subprocess.Popen(command("killed"), stdout=subprocess.PIPE, text=True)
        for _ in range(moments.randint(1, 25)):
            process.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = checkpoints.newest(tmp_path / "killed", "walk", (jnp.zeros(50), jnp.float32(0)))
        steps.append(0 if found is None else found[0])
    assert steps == sorted(steps) and 0 < steps[-1] < 4000
    end = subprocess.run(command("killed"), capture_output=True, text=True, check=True)
    assert end.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
