"""A run is one folder: config.json, metrics.csv, result.npz, figures/, checkpoints/, report.html."""

import csv
import dataclasses
import datetime
import importlib.metadata
import io
import json
import os
import platform
import sys
from pathlib import Path

import numpy as np

from experiments import catalogue, checkpoints
from experiments.catalogue import Refused
from experiments.claims import Claim, Result

COLUMNS = ("key", "quantity", "ours", "spread", "samples", "published", "unit", "source", "agrees")


def create(name: str, preset: str, config, out: Path | None) -> Path:
    """A new run folder with its ``config.json``; it never writes into another run.

    Raises:
      Refused: when ``out`` exists and is not an empty folder.
    """
    if out is None:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        base = Path("runs") / f"{name}-{preset}-seed{config.seed}-{stamp}"
        out = next(path for path in _alternatives(base) if not path.exists())
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(f"{out} is not an empty folder: give --out another, or go on with that run by --resume {out}")
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "experiment": name,
        "preset": preset,
        "command": _command(name, preset, config),
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "config": dataclasses.asdict(config),
        "environment": environment(),
    }
    checkpoints.write(out / "config.json", json.dumps(record, indent=2).encode())
    return out


def record(folder: Path) -> dict:
    """The ``config.json`` of a run.

    Raises:
      Refused: when the folder holds no run, or the file is damaged.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise Refused(f"{folder} holds no run: there is no config.json in it")
    try:
        found = json.loads(path.read_text())
        if found["experiment"] not in catalogue.names():
            raise Refused(f"{path} names the experiment {found['experiment']!r}, which does not exist")
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} is damaged: {error!r}") from error


def config(found: dict):
    """The ``Config`` that a run's record holds.

    Raises:
      Refused: when its fields are not those of the experiment any more.
    """
    kind = catalogue.load(found["experiment"]).Config
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in found["config"].items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise Refused(f"the run's config is not one of {found['experiment']} as it is now: {error}") from error


def finished(folder: Path) -> bool:
    """Whether the run came to its end: its metrics are the last numbers to be written."""
    return (folder / "metrics.csv").is_file()


def save(folder: Path, result: Result, claims: tuple[Claim, ...]) -> None:
    """Write ``result.npz``, then ``metrics.csv``."""
    arrays = {name: np.asarray(value) for name, value in result.arrays.items()}
    checkpoints.write(folder / "result.npz", checkpoints.to_npz(arrays))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows(result.measured, claims))
    checkpoints.write(folder / "metrics.csv", text.getvalue().encode())


def rows(measured: dict, claims: tuple[Claim, ...]) -> list[dict]:
    """The measured figures, those with a published value first: mean, standard deviation over samples, agreement.

    A claim that this config does not measure has no row.
    """
    known = [(claim.key, claim) for claim in claims if claim.key in measured]
    others = [(key, None) for key in measured if key not in dict(known)]
    table = []
    for key, claim in [*known, *others]:
        samples = np.asarray(measured[key], float).ravel()
        row = {"key": key, "ours": float(samples.mean()), "samples": samples.size}
        row["spread"] = float(samples.std(ddof=1)) if samples.size > 1 else ""
        row["quantity"] = claim.quantity if claim else key.replace("_", " ")
        if claim:
            row |= {"published": claim.value, "unit": claim.unit, "source": claim.source}
            row["agrees"] = "yes" if claim.holds(row["ours"]) else "no"
        table.append({column: row.get(column, "") for column in COLUMNS})
    return table


def metrics(folder: Path) -> list[dict]:
    """The rows of a finished run's ``metrics.csv``, numbers as numbers."""
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return [
            {k: float(v) if v and k in ("ours", "spread", "samples", "published") else v for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def environment() -> dict[str, str]:
    """What a figure depends on beside the code: versions, processor, devices."""
    import jax

    versions = {
        name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax", "diffrax", "numpy")
    }
    devices = jax.devices()
    kind = devices[0].device_kind
    return {
        "python": platform.python_version(),
        **versions,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "devices": f"{len(devices)} x {kind}",
    }


def warn_if_bits_may_differ(found: dict) -> None:
    """Say so when a run is resumed under another JAX or another kind of device than it was begun with."""
    before, now = found["environment"], environment()
    for name in ("jax", "jaxlib"):
        if before[name] != now[name]:
            print(f"begun with {name} {before[name]}, going on with {now[name]}: last bits may differ", file=sys.stderr)


def _command(name, preset, config):
    default = catalogue.outline(name).PRESETS[preset]
    words = ["python -m experiments run", name, "--preset", preset]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != getattr(default, field.name):
            option = f"--{field.name.replace('_', '-')}"
            if isinstance(value, bool):
                words.append(option if value else option.replace("--", "--no-", 1))
            else:
                words += [option, *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return " ".join(words)


def _alternatives(base):
    yield base
    for n in range(2, 10_000):
        yield base.with_name(f"{base.name}-{n}")
