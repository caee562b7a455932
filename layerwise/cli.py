"""argv -> one call of the API; no logic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path

from layerwise import __version__
from layerwise.command import manual, show
from layerwise.command.arguments import Given, Grammar, parse
from layerwise.command.signatures import REQUIRED, Parameter, read_function
from layerwise.errors import LayerwiseError, RunError, SettingsError, nearest
from layerwise.run import Run, list_runs

NO_FLAGS = ("data", "y")
RUNS = "runs"  # where the command line puts runs unless --folder says otherwise


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    0: done; 2: a mistake that the user can mend, told in one text; 130: interrupted, which a run
    survives with its best weights and a report. Anything else that fails is a mistake of
    layerwise and shows its traceback (exit code 1).
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal may not know every letter
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments)) or 0
    except LayerwiseError as error:
        print(f"layerwise: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `layerwise zoo | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("layerwise: interrupted", file=sys.stderr)
        return 130
    return 0


def learner_flags() -> tuple[Parameter, ...]:
    """Give the parameters of ``Learner``, which are the flags of learning."""
    return read_function("learner.py", "Learner.__init__")


def fit_flags() -> tuple[Parameter, ...]:
    """Give the parameters of ``Learner.fit`` but data, which is SOURCE, and y, an array."""
    return read_function("learner.py", "Learner.fit")[2:]


def fit(given: Given) -> int:
    """Learn from a source; everything is said and written by the learner."""
    if given.values.get("dry_run"):
        data(given)
        return 0
    settings = given.of(fit_flags())
    settings.setdefault("folder", f"{RUNS}/{_stem(given.words[0])}-{{number}}")
    return _ending(_learner(given).fit(given.words[0], **settings))


def data(given: Given) -> None:
    """Show what ``fit`` would do with a source."""
    settings = given.of(fit_flags())
    settings.pop("folder", None)
    show.plan(_learner(given, verbose=False).plan(given.words[0], **settings))


def evaluate(given: Given) -> None:
    """Judge a trained network on its own test rows or on a source."""
    from layerwise.learner import Learner

    learner, opened = Learner.load(given.words[0]), given.values.get("open_test", False)
    results = learner.evaluate(*given.words[1:], open_test=opened)
    show.scores(results)
    if (results.get("looks") or {}).get("text"):
        print(results["looks"]["text"])


def predict(given: Given) -> None:
    """Write the predictions for a source into a file."""
    from layerwise.command.output import writer, writer_of_fields
    from layerwise.learner import Learner

    if not Path(given.values["out"]).suffix:
        _predict_masks(given)
        return
    out, explain = given.values["out"], given.values.get("explain", False)
    write = None if out.lower().endswith((".nc", ".nc4")) else writer(out)
    learner = Learner.load(given.words[0])
    if write is None or learner.writes_fields:
        writer_of_fields(out)(learner.predict_fields(given.words[1]))
    else:
        write(learner.predict_table(given.words[1], explain=explain))
    print(f"Predictions: {given.values['out']}")


def _predict_masks(given: Given) -> None:
    """Write a mask for each image into a folder."""
    from layerwise.command.mask_files import write_masks
    from layerwise.command.output import writer
    from layerwise.learner import Learner

    learner, folder = Learner.load(given.words[0]), given.values["out"]
    if not learner.writes_masks:
        writer(folder)  # which says how the name of a file must end
    print(f"Masks: {write_masks(folder, learner, given.words[1])} in {folder}")


def generate(given: Given) -> None:
    """Write new examples, drawn by a trained network, into a file; text also to the terminal."""
    from layerwise.command.generated import check_file, stream_text, write_generated
    from layerwise.learner import Learner

    settings = dict(given.values)
    out, judge = settings.pop("out", None), settings.pop("judge", None)
    learner = Learner.load(given.words[0])
    if learner.writes_text:
        stream_text(out, learner.write(**settings))
        return
    check_file(out)
    for flag in TEXT:
        if settings.pop(flag.name, None) is not None:
            raise SettingsError(f"--{flag.name.replace('_', '-')} is for networks of text.")
    settings.setdefault("count", 64)
    source = (given.words[1:] or [None])[0]
    drawn = learner.generate(data=source, **settings)
    write_generated(out, drawn, learner.model_.preparation.feature_names)
    print(f"{len(drawn)} examples: {out}")
    if judge is not None:
        show.quality(learner.judge_samples(judge, source, seed=settings.get("seed", 0)))


def recall(given: Given) -> None:
    """Let an associative memory complete corrupted rows, and draw each step with its energy."""
    from layerwise.command.recalled import check_picture, draw_recalls
    from layerwise.learner import Learner

    settings = dict(given.values)
    out = settings.pop("out")
    check_picture(out)
    found = Learner.load(given.words[0]).recall(given.words[1], **settings)
    draw_recalls(out, found)
    shown = ", ".join(f"{one.overlap:.2f}" for one in found)
    print(f"Overlap of what was recalled with the pattern: {shown}\nSteps: {out}")


def attack(given: Given) -> None:
    """Attack a classifier on its own test rows or on a source."""
    from layerwise.learner import Learner

    found = Learner.load(given.words[0]).attack(*given.words[1:], **given.values)
    show.attacked(found)
    print(f"Report: {Run.open(given.words[0]).path('report.html')}")


def style(given: Given) -> None:
    """Write a picture with the content of one photograph and the style of another."""
    from layerwise.command.generated import write_picture
    from layerwise.learner import style_picture

    settings = {"verbose": True, **given.values}
    write = write_picture(settings.pop("out"))
    write(style_picture(*given.words, **settings))
    print(f"Picture: {given.values['out']}")


def style_flags() -> tuple[Parameter, ...]:
    """Give the parameters of ``style_picture`` but the two photographs and what it says."""
    found = read_function("learner.py", "style_picture")[2:]
    return tuple(one for one in found if one.name != "verbose")


def resume(given: Given) -> int:
    """Continue a run."""
    from layerwise.learner import Learner

    return _ending(Learner.resume(given.words[0], **given.values))


def report(given: Given) -> None:
    """Write the report of a run again."""
    from layerwise.report import write_report

    print(f"Report: {write_report(Run.open(given.words[0]))}")


def compare(given: Given) -> None:
    """Hold runs against each other on the same test rows, by the first one's metric."""
    from layerwise.contracts import Target
    from layerwise.evaluation.compare import compare

    found = [Run.open(word) for word in given.words]
    tables = {str(run.folder): run.read_table("predictions") for run in found}
    target = found[0].read("plan")["target"]
    target = Target(target["kind"], tuple(target["names"]), tuple(target["classes"]))
    metric = given.values.get("metric") or found[0].read("results")["headline"]["metric"]
    show.comparison(compare(tables, target, metric))


def runs(given: Given) -> None:
    """List the runs of a folder."""
    folder = given.words[0] if given.words else RUNS
    if given.words and not Path(folder).is_dir():
        raise RunError(f"There is no folder '{folder}'. Give one that holds runs.")
    show.runs(list_runs(folder))


def zoo(given: Given) -> None:
    """List the networks, describe one, or compare what those of ImageNet cost."""
    from layerwise.command import zoo as networks

    if given.values:
        from layerwise.command.zoo_cost import show_costs

        show_costs(given.words, **given.values)
    elif given.words:
        networks.describe(given.words[0])
    else:
        networks.list_all()


def fetch(given: Given) -> None:
    """Download a known data set, or the published weights of a network."""
    from layerwise.data import fetch

    path = fetch(given.words[0])
    print(f"{'Weights' if path.is_file() else 'Data'}: {path}")


def _learning() -> tuple[Parameter, ...]:
    """Give the flags of ``fit``; the command line says what it does unless told otherwise."""
    here = {
        "verbose": {"default": True},
        "folder": {"default": f"a new one under {RUNS}/", "summary": "Where the run is written."},
    }
    flags = (*fit_flags(), *learner_flags())
    return tuple(replace(one, **here.get(one.name, {})) for one in flags)


@dataclass(frozen=True)
class Verb:
    """A verb: what it calls, what follows it, and what the help says of it."""

    call: Callable[[Given], int | None]
    places: tuple[str, ...]
    summary: str
    flags: Callable[[], tuple[Parameter, ...]] = tuple


DRY_RUN = Parameter("dry_run", ("bool",), False, "Only show what would be done.")
OUT = Parameter(
    "out",
    ("str",),
    REQUIRED,
    "File: .csv, .parquet, .jsonl, .npz; of fields .nc; of masks a folder.",
)
OPEN_TEST = Parameter("open_test", ("bool",), False, "Judge the test rows that are sealed.")
EXPLAIN = Parameter("explain", ("bool",), False, "Add the reasons in the table's own columns.")
EPOCHS = Parameter("epochs", ("int", "None"), None, "Passes in all, where it is to be longer.")

COUNT = Parameter("count", ("int", "None"), None, "How many examples; unset: 64, of texts 1.")
DRAWN = Parameter(
    "out", ("str", "None"), None, "File to write: .png (a sheet), .csv, .npz, ...; of texts .txt."
)
PROMPT = Parameter("prompt", ("str", "None"), None, "Text: what it begins with.")
LENGTH = Parameter("length", ("int", "None"), None, "Text: tokens at most; unset: 500.")
TEMPERATURE = Parameter(
    "temperature", ("float", "None"), None, "Text: below 1 bolder, above 1 more surprising."
)
TOP_K = Parameter("top_k", ("int", "None"), None, "Text: only the so many likeliest tokens.")
TEXT = (PROMPT, LENGTH, TEMPERATURE, TOP_K)
PATTERNS = Parameter("count", ("int",), 4, "How many rows of SOURCE.")
STEPS = Parameter("out", ("str",), REQUIRED, "Picture to write: .png, .svg or .pdf.")
CORRUPTED = Parameter("corrupted", ("float",), 0.2, "Share of each row that is turned over.")
SCAN = Parameter("scan", ("bool",), False, "What a square of codes becomes, for codes.")
BETWEEN = Parameter("between", ("str", "None"), None, "Steps between two rows of SOURCE: 3,17.")
ATTRIBUTE = Parameter(
    "attribute", ("str", "None"), None, "COLUMN=VALUE: rows of SOURCE without and with it."
)
JUDGE = Parameter(
    "judge", ("str", "None"), None, "Run of a classifier that judges samples beside SOURCE."
)
CHANCE = Parameter("seed", ("int",), 0, "Another number draws other examples.")
METHOD = Parameter("method", ("str",), "fgsm", "fgsm (one step) or pgd (many small ones).")
STRENGTH = Parameter(
    "strength",
    ("float", "str", "None"),
    None,
    "Shares of its range by which each pixel may move, 0.1,0.25; unset: eight up to 0.3.",
)
CLIMBS = Parameter("steps", ("int",), 20, "Steps of pgd.")
MOST = Parameter("count", ("int", "None"), None, "Rows at most; unset: 10000, of pgd 1000.")
PICTURE = Parameter("out", ("str",), REQUIRED, "Picture to write: .png.")
COST = Parameter("cost", ("bool",), False, "Accuracy against cost of the networks of ImageNet.")
COST_PICTURE = Parameter("out", ("str", "None"), None, "With --cost, a picture: .png, .svg, .pdf.")
METRIC = Parameter("metric", ("str", "None"), None, "What is compared; unset: what led the first.")

VERBS = {
    "fit": Verb(
        fit,
        ("SOURCE",),
        "Learn from data, judge the result, write a report.",
        lambda: (*_learning(), DRY_RUN),
    ),
    "evaluate": Verb(
        evaluate, ("RUN", "[SOURCE]"), "Judge a trained network again.", lambda: (OPEN_TEST,)
    ),
    "predict": Verb(
        predict, ("RUN", "SOURCE"), "Write predictions for new rows.", lambda: (OUT, EXPLAIN)
    ),
    "generate": Verb(
        generate,
        ("RUN", "[SOURCE]"),
        "Draw new examples from a trained network.",
        lambda: (COUNT, DRAWN, *TEXT, SCAN, BETWEEN, ATTRIBUTE, JUDGE, CHANCE),
    ),
    "recall": Verb(
        recall,
        ("RUN", "SOURCE"),
        "Let a memory complete corrupted patterns.",
        lambda: (PATTERNS, STEPS, CORRUPTED, CHANCE),
    ),
    "attack": Verb(
        attack,
        ("RUN", "[SOURCE]"),
        "See how accurate a classifier stays under attack.",
        lambda: (METHOD, STRENGTH, CLIMBS, MOST),
    ),
    "style": Verb(
        style,
        ("CONTENT", "STYLE"),
        "Paint one photograph in the style of another; files, or china and flower.",
        lambda: (PICTURE, *style_flags()),
    ),
    "resume": Verb(resume, ("RUN",), "Continue a run where it stopped.", lambda: (EPOCHS,)),
    "report": Verb(report, ("RUN",), "Write the report of a run again."),
    "compare": Verb(
        compare, ("RUN", "RUN..."), "Compare runs on the same test rows.", lambda: (METRIC,)
    ),
    "runs": Verb(runs, ("[FOLDER]",), "List the runs in a folder, by default runs/."),
    "zoo": Verb(
        zoo, ("[NAME]",), "List the networks, or describe one.", lambda: (COST, COST_PICTURE)
    ),
    "data": Verb(
        data,
        ("SOURCE",),
        "Show what fit would do with the data; takes the flags of fit.",
        _learning,
    ),
    "fetch": Verb(
        fetch,
        ("NAME",),
        "Download a known data set, or a network's weights; nothing else ever downloads.",
    ),
}


def _run(words: list[str]) -> int | None:
    name = words[0] if words else "--help"
    if name in ("--help", "-h", "help"):
        manual.print_overview({key: (verb.places, verb.summary) for key, verb in VERBS.items()})
        return 0
    if name == "--version":
        print(f"layerwise {__version__}")
        return 0
    if name not in VERBS:
        raise SettingsError(f"'{name}' is no verb of layerwise.{nearest(name, VERBS)}")
    verb = VERBS[name]
    grammar = Grammar(name, verb.places, verb.flags())
    if any(word in ("--help", "-h") for word in words):
        manual.print_verb(grammar, verb.summary)
        return 0
    return verb.call(parse(words[1:], grammar))


def _learner(given: Given, verbose: bool = True):
    from layerwise.learner import Learner

    return Learner(**{"verbose": verbose, **given.of(learner_flags())})


def _ending(learner) -> int:
    """Give the exit code of a training: 130 where a signal ended it."""
    if learner.ended_ == "diverged":
        raise RunError(
            "Training stopped: the loss is no longer a finite number. Try a lower "
            f"--learning-rate, or --clip 1. What there is stands in {learner.run_.folder}."
        )
    return 130 if learner.ended_ == "interrupted" else 0


def _stem(source: str) -> str:
    return Path(source).name.split(".")[0].replace("*", "") or Path(source).parent.name
