"""Every experiment at its quick size, several at a time, each in a process of its own: most of a quick run is compilation,
which keeps one core busy.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

NO_DATA = 3  # exit code of a run whose data are neither on disk nor to be downloaded


class Seen(NamedTuple):
    """Folders of finished runs in the order of the names, and by name why one is missing: no data, or a failure."""

    runs: list[Path]
    missing: dict[str, str]
    failures: dict[str, str]


def run(names: list[str], out: Path, jobs: int) -> Seen:
    """Run the experiments of these names into folders of ``out``, ``jobs`` of them at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            ended = dict(zip(names, pool.map(lambda name: _one(name, out / name), names), strict=True))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    runs = [out / name for name, (code, _) in ended.items() if code == 0]
    missing = {name: words for name, (code, words) in ended.items() if code == NO_DATA}
    failures = {name: words for name, (code, words) in ended.items() if code not in (0, NO_DATA)}
    return Seen(runs, missing, failures)


def _one(name, folder):
    start = time.perf_counter()
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # several share the memory of one GPU
    command = [sys.executable, "-m", "experiments", "run", name, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    print(f"{name:22} {time.perf_counter() - start:4.0f} s" + (f"  {last}" if done.returncode else ""), file=sys.stderr)
    return done.returncode, last
