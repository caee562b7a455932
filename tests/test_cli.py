import inspect
import subprocess
import sys
from time import perf_counter

import numpy as np
import pytest
from pandas import DataFrame

from layerwise import __version__
from layerwise.cli import VERBS, fit_flags, learner_flags, main
from layerwise.command.arguments import flag_name
from layerwise.command.signatures import REQUIRED
from layerwise.run import Run

LEARNER = (
    "network network_options task task_options data_options recipe pretrained optimizer "
    "optimizer_options "
    "schedule schedule_options augment augment_options "
    "learning_rate epochs steps batch_size l1 l2 clip patience metric "
    "validation_fraction test_fraction split positive class_weight abstain_below repeats "
    "folds seal_test no_rows threshold "
    "prevalence baselines device "
    "precision threads reproducible micro_batches minutes seed verbose"
)
FIT = "target validation test targets key group time weight carry ignore from_ folder"
SLOW = ("torch", "pandas", "sklearn", "numpy", "matplotlib", "pyarrow")


def run(code):
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def said(capsys, *words):
    """Exit code and both texts of a command."""
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("words", [[], ["--help"], ["fit", "--help"], ["zoo"], ["runs"]])
def test_help_and_lists_import_nothing_slow(words, tmp_path):
    code = (
        f"import os, sys; os.chdir({str(tmp_path)!r}); from layerwise.cli import main\n"
        f"code = main({words!r}); print([m for m in {SLOW!r} if m in sys.modules], code)"
    )
    assert run(code).stdout.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"]])
def test_help_is_there_in_half_a_second(words):
    command = [sys.executable, "-m", "layerwise", *words]
    seconds = []
    for _ in range(5):  # the best of five, as other processes may hold the machine
        start = perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 0.5


def test_flags_are_pinned():
    assert " ".join(one.name for one in learner_flags()) == LEARNER
    assert " ".join(one.name for one in fit_flags()) == FIT


@pytest.mark.parametrize(("method", "flags"), [("__init__", learner_flags), ("fit", fit_flags)])
def test_flags_are_what_inspect_finds(method, flags):
    from layerwise.learner import Learner

    parameters = list(inspect.signature(getattr(Learner, method)).parameters.values())[1:]
    parameters = [one for one in parameters if one.name not in ("data", "y")]
    assert [one.name for one in parameters] == [one.name for one in flags()]
    for parameter, flag in zip(parameters, flags(), strict=True):
        missing = parameter.default is parameter.empty
        assert flag.default == (REQUIRED if missing else parameter.default)
        assert flag.summary, f"{flag.name} has no description in the docstring"


def test_the_help_of_fit_shows_every_flag_and_the_names_to_choose_from(capsys):
    from layerwise.data import KNOWN

    code, out, _ = said(capsys, "fit", "--help")
    assert code == 0
    for name in (LEARNER + " " + FIT).split():
        room = name.removesuffix("_options")
        flag = f"--{room}.KEY" if room != name else flag_name(name)
        assert f"  {flag} " in out
    flat = " ".join(out.split())
    assert "mcculloch_pitts, perceptron, adaline, linear, mlp, lenet5" in flat
    assert "classify, regress" in flat
    assert "accuracy, balanced_accuracy" in flat
    for name in KNOWN:
        assert f" {name}," in flat or f" {name}." in flat
    assert "--network.hidden 64,64" in flat


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(capsys, verb):
    code, out, err = said(capsys, verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"layerwise {verb}")


def test_the_version(capsys):
    assert said(capsys, "--version") == (0, f"layerwise {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["fti", "digits"], "Did you mean 'fit'?"),
        (["fit", "digits", "--epohs", "3"], "Did you mean '--epochs'?"),
        (["fit", "digits", "--netwrk.hidden", "3"], "Did you mean 'network'?"),
        (["fit"], "needs SOURCE"),
        (["zoo", "lenet"], "Did you mean 'lenet5'?"),
        (["predict", "run", "x.csv"], "needs --out"),
        (["predict", "run", "x.csv", "--out", "x.xls"], "--out must end in"),
        (["report", "no/such/run"], "There is no run at"),
        (["compare", "one"], "needs RUN"),
    ],
)
def test_a_mistake_is_one_text_and_exit_code_2(capsys, words, meant):
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("layerwise: ")
    assert meant in err
    assert "Traceback" not in err


def failing(error):
    return run(
        "import sys; from layerwise import cli\n"
        f"def fail(given): raise {error}\n"
        "cli.VERBS['runs'] = cli.Verb(fail, (), '')\n"
        "sys.exit(cli.main(['runs']))"
    )


def test_our_own_mistakes_show_a_traceback():
    done = failing("KeyError('odd')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_an_interruption_is_exit_code_130():
    done = failing("KeyboardInterrupt")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_is_no_error():
    code = (
        "import os, sys; from layerwise.cli import main\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "code = main(['fit', '--help']); sys.stdout.flush(); sys.exit(code)"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_network_of_the_zoo_is_described(capsys):
    from layerwise.networks import NETWORKS

    shown = {}
    first = {NETWORKS[name]: name for name in reversed(NETWORKS)}.values()  # of several sizes
    for name in (*first, "vgg16"):
        code, out, err = said(capsys, "zoo", name)
        shown[name] = out
        assert (code, err) == (0, "")
        assert "Source: " in out
        assert "Recipe modern" in out
        assert "parameters" in out
    assert "61,706 parameters" in shown["lenet5"]  # for 28x28 pixels
    assert " outputs: " not in shown["vae"]
    assert "Here: configuration D." in shown["vgg16"]
    assert "--network.configuration" not in shown["vgg16"]
    assert "138,357,544 parameters, 15,470,264,320 multiply-adds" in shown["vgg16"]


def made_run(folder, right):
    """Make a finished run of which the first ``right`` of forty test rows are right."""
    made = Run.create(folder)
    made.write("status", {"state": "finished", "message": ""})
    target = {"kind": "binary", "names": ["y"], "classes": ["a", "b"]}
    made.write("plan", {"data": {"name": "coins"}, "network": {"name": "mlp"}, "target": target})
    headline = {"metric": "accuracy", "value": right / 40, "low": None, "high": None, "rows": 40}
    made.write("results", {"headline": headline})
    rows = np.arange(40)
    truth = np.where(rows % 2, "b", "a")
    score = np.where((rows < right) == (rows % 2 == 1), 0.9, 0.1)
    columns = {"row": rows, "split": "test", "fold": 0, "truth": truth}
    scores = {"score:a": 1 - score, "score:b": score}
    made.write_table("predictions", DataFrame(columns | scores))
    return made


def test_runs_lists_state_and_headline(capsys, tmp_path):
    made_run(tmp_path / "first", 30)
    Run.create(tmp_path / "second")
    code, out, _ = said(capsys, "runs", str(tmp_path))
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["first", "finished", "coins", "mlp", "accuracy", "0.75", "40"] in lines
    assert ["second", "running"] in lines


def test_runs_of_an_empty_folder(capsys, tmp_path):
    code, out, _ = said(capsys, "runs", str(tmp_path))
    assert code == 0
    assert "layerwise fit" in out


def test_compare_says_which_run_is_better(capsys, tmp_path):
    first, second = made_run(tmp_path / "first", 20), made_run(tmp_path / "second", 38)
    code, out, _ = said(capsys, "compare", str(first.folder), str(second.folder))
    assert code == 0
    assert f"{second.folder} is better than {first.folder}" in " ".join(out.split())


def test_a_run_is_not_compared_with_itself(capsys, tmp_path):
    first = made_run(tmp_path / "first", 20)
    code, _, err = said(capsys, "compare", str(first.folder), str(first.folder))
    assert code == 2
    assert "at least two" in err
