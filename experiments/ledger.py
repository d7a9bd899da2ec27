"""The reproduction ledger: each published figure beside the one measured here, and the run that gave it.

``ledger.json`` keeps the figures of chosen runs with their command and environment, so that a fresh clone shows them; the runs
found on this machine come on top. A run at the published size counts before a quick one, and a newer before an older.
"""

import json
import sys
from pathlib import Path

from experiments import catalogue, checkpoints, folders

RECORDED = Path(__file__).with_suffix(".json")


def entries(runs: Path) -> list[dict]:
    """One entry a claim, in the order of the chapters; ``ours`` is None where nothing was measured yet."""
    known = _best([*_recorded(), *_found(runs)])
    table = []
    for name in catalogue.names():
        for claim in catalogue.outline(name).CLAIMS:
            run = known.get((name, claim.key))
            table.append(
                {
                    "experiment": name,
                    "quantity": claim.quantity,
                    "unit": claim.unit,
                    "published": claim.value,
                    "source": claim.source,
                    "ours": run and run["ours"],
                    "spread": run and run["spread"],
                    "samples": run and run["samples"],
                    "agrees": run and claim.holds(run["ours"]),
                    "run": run["command"] if run else f"python -m experiments run {name}",
                    "devices": run and run["devices"],
                    "jax": run and run["jax"],
                }
            )
    return table


def keep(folder: Path) -> int:
    """Enter a finished run into ``ledger.json``, in the place of earlier figures of the same experiment and kind of device.

    Returns:
      The number of figures entered.
    """
    new = _figures(folder)
    if not new:
        raise catalogue.Refused(f"{folder} holds no finished run with a published figure to compare")
    place = {(row["experiment"], row["devices"]) for row in new}
    rows = [row for row in _recorded() if (row["experiment"], row["devices"]) not in place] + new
    rows.sort(key=lambda row: (row["experiment"], row["key"], row["devices"]))
    checkpoints.write(RECORDED, (json.dumps(rows, indent=1) + "\n").encode())
    return len(new)


def _recorded():
    return json.loads(RECORDED.read_text()) if RECORDED.is_file() else []


def _found(runs):
    rows = []
    for path in sorted(runs.rglob("metrics.csv")) if runs.is_dir() else []:
        try:
            rows += _figures(path.parent)
        except (catalogue.Refused, OSError, ValueError) as error:
            print(f"left out: {error}", file=sys.stderr)
    return rows


def _figures(folder):
    record = folders.record(folder)
    rows = folders.metrics(folder) if folders.finished(folder) else []
    compared = {row["key"]: row for row in rows if row["source"]}
    return [
        {
            "experiment": record["experiment"],
            "key": row["key"],
            "ours": row["ours"],
            "spread": None if row["spread"] == "" else row["spread"],
            "samples": int(row["samples"]),
            "preset": record["preset"],
            "command": record["command"],
            "started": record["started"],
            "devices": record["environment"]["devices"],
            "jax": record["environment"]["jax"],
        }
        for row in compared.values()
    ]


def _best(rows):
    rows = sorted(rows, key=lambda row: (row["preset"] == "full", row["started"]))
    return {(row["experiment"], row["key"]): row for row in rows}
