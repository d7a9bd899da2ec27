"""The command line as a newcomer meets it: short words, one clear line when they are wrong, nothing overwritten."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments import catalogue, folders, report
from experiments.__main__ import main
from experiments.claims import Claim

NAMES = {
    "ion_channels", "synapses", "plasticity", "reflex_arc", "lesions", "saltatory_conduction", "receptive_fields", "oscillations",
    "hodgkin_huxley", "fi_curve", "hh_solvers", "hh_population", "hh_fit", "hh_recording", "ode_solvers",
    "boolean_perceptrons", "mnist", "long_memory", "hopfield", "rbm", "gan",
    "neuroevolution", "evolve_anything", "genetic_algorithm", "topology", "quality_diversity", "games",
}  # fmt: skip


def cli(*words, cwd=None):
    return subprocess.run([sys.executable, "-m", "experiments", *words], capture_output=True, text=True, cwd=cwd)


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    lines = capsys.readouterr().err.strip().splitlines()
    assert stop.value.code == 2 and len(lines) == 1
    return lines[0]


def test_list_names_every_experiment(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert {line.split()[0] for line in printed.splitlines()} >= NAMES
    assert "(ch. 2.1)" in printed


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_experiment_keeps_its_contract(name):
    outline, loaded = catalogue.outline(name), catalogue.load(name)
    assert set(outline.PRESETS) == set(loaded.PRESETS) == {"quick", "full"}
    for preset in ("quick", "full"):
        assert vars(outline.PRESETS[preset]) == vars(loaded.PRESETS[preset])
    assert outline.PRESETS["quick"] == outline.Config()
    assert outline.PRESETS["quick"].seed == 0
    assert outline.CLAIMS and all(isinstance(claim, Claim) and claim.source for claim in outline.CLAIMS)
    assert f"run {name}" in loaded.__doc__


def test_nothing_heavy_is_imported_before_the_words_are_understood():
    program = "import sys; from experiments.__main__ import main\ntry: main({words})\nexcept SystemExit: pass\nprint('jax' in sys.modules)"
    for words in (["list"], ["run", "mnist", "--help"], ["run", "mnst"], ["run", "mnist", "--epchs", "3"]):
        done = subprocess.run([sys.executable, "-c", program.format(words=words)], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == "False", words


@pytest.mark.parametrize(
    "words, line",
    [
        (["rn"], "there is no command 'rn'; did you mean run?"),
        (["run", "hodgkin_huxly"], "there is no experiment 'hodgkin_huxly'; did you mean hodgkin_huxley?"),
        (["run", "mnist", "--preset", "fll"], "there is no preset 'fll'; did you mean full?"),
        (["run", "mnist", "--epchs", "3"], "there is no option --epchs; did you mean --epochs?"),
        (["run", "mnist", "--epochs", "many"], "--epochs: invalid literal for int"),
        (["bench", "mist"], "there is no bench 'mist'"),
        (["data", "fetch", "mnst"], "there is no data set 'mnst'; did you mean mnist?"),
        (["tour", "--ot", "x"], "--ot"),
        (["report", "nowhere"], "nowhere holds no run"),
    ],
)
def test_wrong_words_get_one_line_and_code_2(capsys, words, line):
    assert line in refused(capsys, *words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "bp"
    done = cli("run", "boolean_perceptrons", "--inputs", "2", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run of the same config that was interrupted between two stages."""
    folder = tmp_path_factory.mktemp("runs") / "killed"
    program = (
        "import sys, experiments.lab as lab\n"
        "iterate = lab.Lab.iterate\n"
        "def once(self, stage, *args, **kwargs):\n"
        "    if stage.startswith('2'): raise KeyboardInterrupt\n"
        "    return iterate(self, stage, *args, **kwargs)\n"
        "lab.Lab.iterate = once\n"
        "from experiments.__main__ import main\n"
        f"sys.exit(main(['run', 'boolean_perceptrons', '--inputs', '2', '--out', {str(folder)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 130 and f"--resume {folder}" in done.stderr, done.stderr
    return folder


def test_a_run_writes_one_folder(finished):
    found = {path.name for path in finished.iterdir()}
    assert found == {"config.json", "metrics.csv", "result.npz", "figures", "checkpoints", "report.html"}
    record = json.loads((finished / "config.json").read_text())
    assert record["command"] == "python -m experiments run boolean_perceptrons --preset quick --inputs 2"
    assert "http" not in (finished / "report.html").read_text().replace("http://www.w3.org", "")


def test_report_draws_again_without_computing(finished):
    (finished / "report.html").unlink()
    before = (finished / "result.npz").stat().st_mtime_ns
    report.write(finished)
    assert (finished / "report.html").is_file()
    assert (finished / "result.npz").stat().st_mtime_ns == before


def test_an_interrupted_run_resumes_to_the_same_bytes(finished, killed):
    done = cli("run", "boolean_perceptrons", "--resume", f"{killed}/", "--devices", "1")
    assert done.returncode == 0, done.stderr
    assert (killed / "result.npz").read_bytes() == (finished / "result.npz").read_bytes()
    assert (killed / "metrics.csv").read_bytes() == (finished / "metrics.csv").read_bytes()


def test_another_run_is_never_overwritten(finished):
    done = cli("run", "boolean_perceptrons", "--out", str(finished))
    assert done.returncode == 2 and f"--resume {finished}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_resume_takes_no_other_option_and_no_other_experiment(finished):
    done = cli("run", "boolean_perceptrons", "--resume", str(finished), "--seed", "3")
    assert done.returncode == 2 and "own config" in done.stderr
    done = cli("run", "mnist", "--resume", str(finished))
    assert done.returncode == 2 and "a run of boolean_perceptrons" in done.stderr


def test_a_damaged_result_is_refused_by_name(finished, tmp_path):
    path = tmp_path / "result.npz"
    data = bytearray((finished / "result.npz").read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    from experiments import checkpoints

    with pytest.raises(ValueError, match="result.npz: damaged"):
        checkpoints.from_npz(path)


def test_ledger_shows_the_run_that_gave_a_figure(finished, capsys):
    assert main(["ledger", "--json", "--runs", str(finished)]) == 0
    entries = {(row["experiment"], row["quantity"]): row for row in json.loads(capsys.readouterr().out)}
    row = entries["boolean_perceptrons", "separable functions of 2 inputs"]
    assert row["published"] == row["ours"] == 14 and row["agrees"]
    assert {name for name, _ in entries} == NAMES


def test_rows_give_mean_spread_and_agreement():
    claims = (Claim("a", "a", 2.0, "", "x", 0.5), Claim("b", "b", 1.0, "", "x", 0.0, "at most"))
    first, second, third = folders.rows({"a": np.array([1.0, 2.0, 3.0]), "b": 1.5, "other_thing": 3}, claims)
    assert (first["ours"], first["spread"], first["samples"], first["agrees"]) == (2.0, 1.0, 3, "yes")
    assert (second["agrees"], third["quantity"], third["agrees"]) == ("no", "other thing", "")
    assert [row["key"] for row in folders.rows({"b": 1}, claims)] == ["b"]
