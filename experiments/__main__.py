"""The command line: ``python -m experiments``. JAX is imported only once the words have been understood."""

import argparse
import contextlib
import difflib
import io
import json
import os
import sys
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

from experiments import catalogue
from experiments.tour import NO_DATA

USAGE = """usage: python -m experiments COMMAND

  list                      the experiments, by chapter
  run NAME [options]        run one; run NAME --help shows its options
  tour [--out DIR]          every experiment at its quick size, one page to look at
  report DIR                draw a finished run's figures and page again, computing nothing
  ledger [--json]           each published figure beside ours, and the run that gave it
  bench NAME [--peers PY]   timings, beside other packages where the interpreter PY has them
  data list|fetch [NAME]    the data sets, and where they lie
"""


@dataclass(frozen=True)
class Options:
    preset: str = "quick"  # quick: seconds to two minutes on two cores; full: the published setting
    out: Path | None = None  # folder for this run; a new one under runs/ by default
    resume: Path | None = None  # folder of an interrupted run to go on with
    devices: int = 0  # devices that the CPU presents; 0: one a core


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code."""
    commands = {
        "list": _list, "run": _run, "tour": _tour, "report": _report, "ledger": _ledger, "bench": _bench, "data": _data,
    }  # fmt: skip
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    os.environ.setdefault("MPLBACKEND", "Agg")
    command = commands[_chosen("command", argv[0], list(commands))]
    try:
        return command(argv[1:]) or 0
    except (catalogue.Refused, ValueError, FloatingPointError) as error:
        if os.environ.get("REDES_TRACEBACK"):
            raise
        _refuse(f"{error}")


def _list(words):
    _parser("list").parse_args(words)
    for name in catalogue.names():
        print(f"{name:22} {catalogue.summary(name)}")


def _run(words):
    if not words or words[0].startswith("-"):
        print("usage: python -m experiments run NAME [options]\n\nNAME is one of: " + ", ".join(catalogue.names()))
        return 0 if words else 2
    name = _chosen("experiment", words[0], catalogue.names())
    options, config = _parse_run(name, words[1:])
    _start_devices(options.devices)

    from experiments import folders, report

    folder = options.resume
    if folder is None:
        folder = folders.create(name, options.preset, config, options.out)
    else:
        record = folders.record(folder)
        if record["experiment"] != name:
            raise catalogue.Refused(f"{folder} is a run of {record['experiment']}, not of {name}")
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        if not given <= {"--resume", "--devices"}:
            raise catalogue.Refused(
                "--resume goes on with the run's own config: give no option but --devices beside it"
            )
        if folders.finished(folder):
            print(f"finished already: {report.write(folder)}")
            return 0
        folders.warn_if_bits_may_differ(record)
        config = folders.config(record)
    from redes_jax.data.files import DataUnavailable

    try:
        page = _compute(name, config, folder)
    except DataUnavailable as error:
        print(f"{name} needs data: {error}", file=sys.stderr)
        return NO_DATA
    except KeyboardInterrupt:
        print(f"\ninterrupted; go on with: python -m experiments run {name} --resume {folder}", file=sys.stderr)
        return 130
    _print_claims(folder)
    print(page)


def _tour(words):
    parser = _parser("tour")
    parser.add_argument("--out", type=Path, help="a new folder; one under runs/ by default")
    parser.add_argument("--jobs", type=int, default=_cores(), help="experiments at a time; one a core by default")
    arguments = parser.parse_args(words)
    if arguments.jobs < 1:
        _refuse(f"--jobs is {arguments.jobs}: at least one experiment runs at a time")

    import datetime

    from experiments import report, tour

    out = arguments.out or Path("runs") / f"tour-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise catalogue.Refused(f"{out} is not an empty folder: give --out another")
    try:
        seen = tour.run(catalogue.names(), out, arguments.jobs)
    except KeyboardInterrupt:
        print(f"\ninterrupted; what was finished lies under {out}", file=sys.stderr)
        return 130
    if seen.runs:
        print(report.write_tour(out, seen.runs, seen.missing, seen.failures))
    return 1 if seen.failures else 0


def _report(words):
    parser = _parser("report")
    parser.add_argument("folder", type=Path, help="a finished run")
    arguments = parser.parse_args(words)

    from experiments import report

    print(report.write(arguments.folder))


def _ledger(words):
    parser = _parser("ledger")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where to look for runs")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="enter this finished run into experiments/ledger.json")
    arguments = parser.parse_args(words)

    from experiments import ledger

    if arguments.keep is not None:
        print(f"{ledger.keep(arguments.keep)} figures kept in {ledger.RECORDED}")
        return
    entries = ledger.entries(arguments.runs)
    if arguments.json:
        print(json.dumps(entries, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=False, header_style="bold")
    for column in ("quantity", "published", "ours", "", "source", "run"):
        table.add_column(column, overflow="fold")
    for row in entries:
        ours = "not yet" if row["ours"] is None else _with_spread(row)
        mark = "" if row["agrees"] is None else "[green]agrees[/]" if row["agrees"] else "[red]differs[/]"
        run = row["run"].removeprefix("python -m experiments ")
        table.add_row(row["quantity"], f"{row['published']:.5g} {row['unit']}", ours, mark, row["source"], run)
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def _bench(words):
    known = sorted(path.stem for path in (catalogue.FOLDER / "bench").glob("*.py") if path.stem != "__init__")
    parser = _parser("bench")
    parser.add_argument("name", help=f"one of {', '.join(known)}")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has the other packages, see the README")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args(words)
    name = _chosen("bench", arguments.name, known)

    import importlib

    from rich.console import Console
    from rich.table import Table

    rows = importlib.import_module(f"experiments.bench.{name}").run(arguments.peers)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1, default=float))
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns, header_style="bold")
    for row in rows:
        table.add_row(*(f"{v:.4g}" if isinstance(v := row.get(column, ""), float) else str(v) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _data(words):
    parser = _parser("data")
    parser.add_argument("action", choices=("list", "fetch"))
    parser.add_argument("name", nargs="?", help="mnist, morphology, patch_clamp; all when left out")
    arguments = parser.parse_args(words)

    from redes_jax.data import files, mnist, morphology, patch_clamp

    sources = {"mnist": mnist.SOURCES, "morphology": morphology.SOURCES, "patch_clamp": patch_clamp.SOURCES}
    chosen = list(sources) if arguments.name is None else [_chosen("data set", arguments.name, list(sources))]
    for name in chosen:
        for source in sources[name]:
            try:
                path = files.fetch(name, source) if arguments.action == "fetch" else files.local_copy(name, source.name)
            except files.DataUnavailable as error:
                _refuse(str(error))
            print(f"{name:12} {source.name:30} {path or 'not here: python -m experiments data fetch ' + name}")
    if arguments.action == "list":
        print("digits       embedded in scikit-learn         always here")


def _compute(name, config, folder):
    from experiments import folders, report
    from experiments.lab import Lab
    from experiments.progress import Progress

    experiment, progress = catalogue.load(name), Progress(name)
    result = experiment.run(config, Lab(folder / "checkpoints", progress))
    folders.save(folder, result, experiment.CLAIMS)
    page = report.write(folder)
    progress.close("done")
    return page


def _print_claims(folder):
    from experiments import folders

    for row in folders.metrics(folder):
        if row["source"]:
            mark = "agrees" if row["agrees"] == "yes" else "differs"
            published = f"{row['published']:.5g} {row['unit']}"
            print(
                f"{row['quantity']}: {_with_spread(row)} {row['unit']}  published {published}  {mark}  ({row['source']})"
            )


def _with_spread(row):
    text = f"{row['ours']:.5g}"
    return f"{text} ± {row['spread']:.2g}" if row["spread"] not in ("", None) else text


def _parse_run(name: str, words: list[str]) -> tuple[Options, Any]:
    """Options and config of ``run NAME``: tyro over both, one clear line instead of its box when a word is wrong."""
    import tyro

    outline = catalogue.outline(name)
    presets = outline.PRESETS
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    peek.add_argument("--preset", default="quick", nargs="?")
    preset = _chosen("preset", peek.parse_known_args(words)[0].preset or "", list(presets))
    flat = tyro.conf.OmitArgPrefixes
    both = make_dataclass(
        "Run",
        [("run", Annotated[Options, flat], Options()), ("config", Annotated[outline.Config, flat], presets[preset])],
    )
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            parsed = tyro.cli(
                both, prog=f"python -m experiments run {name}", args=words, description=catalogue.docstring(name)
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        _refuse(
            _condensed(box.getvalue(), words, [*Options.__dataclass_fields__, *outline.Config.__dataclass_fields__])
        )
    return parsed.run, catalogue.load(name).Config(**vars(parsed.config))


def _condensed(box: str, words: list[str], fields: list[str]) -> str:
    """The first sentence in tyro's box of complaint, with the nearest option when one is not known."""
    lines = [line.strip("│╭╮╰╯─|+- \n") for line in box.splitlines()]
    text = next(iter([line for line in lines if line][1:]), box.strip())
    options = [f"--{field.replace('_', '-')}" for field in fields]
    for word in words:
        option = word.partition("=")[0].replace("_", "-")
        if option.startswith("--") and option.replace("--no-", "--", 1) not in options:
            return f"there is no option {option}{_nearest(option, options)}"
    return f"{text}; --help shows the options"


def _chosen(kind: str, word: str, known: list[str]) -> str:
    if word not in known:
        _refuse(f"there is no {kind} {word!r}{_nearest(word, known)}")
    return word


def _nearest(word, known):
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(known)}"


def _refuse(message: str) -> NoReturn:
    print(f"python -m experiments: {message}", file=sys.stderr)
    sys.exit(2)


def _parser(command: str) -> argparse.ArgumentParser:
    class Parser(argparse.ArgumentParser):
        def error(self, message):
            _refuse(f"{command}: {message}")

    return Parser(prog=f"python -m experiments {command}", allow_abbrev=False)


def _start_devices(count: int) -> None:
    if count < 0:
        _refuse(f"--devices is {count}: give the number of devices that the CPU presents, 0 for one a core")
    from redes_jax import devices

    devices.host_devices(count or _cores())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
