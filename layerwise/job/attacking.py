"""An attack on a trained network: on its test rows or a source; the run keeps what came of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from layerwise.data.pixel_range import pixel_range
from layerwise.data.source import Source, counted
from layerwise.errors import DataError, RunError, SettingsError
from layerwise.evaluation.attack import Attack, Attacked, attack, check_attack, read_strengths
from layerwise.job.judging import predict_rows
from layerwise.job.model import Model
from layerwise.job.opening import plan_again
from layerwise.report import write_report
from layerwise.run import Run

MOST_ROWS = {"fgsm": 10_000, "pgd": 1000}  # that are attacked where nothing else is said


@dataclass(frozen=True)
class Wanted:
    """What was asked for; see ``Learner.attack``."""

    method: str
    strength: Any
    steps: int
    count: int | None


def attack_run(
    model: Model, run: Run | None, settings: Any, source: Source | None, wanted: Wanted
) -> dict[str, Any]:
    """Attack a model; give what ``attack.json`` keeps under the method, and the run's new report.

    run : where it is written; None: nowhere
    settings : the Learner
    source : rows that are attacked; None: the test rows of the run
    """
    check_attack(wanted.method, wanted.steps, model.target)
    strengths = read_strengths(wanted.strength)
    if wanted.count is not None and wanted.count < 1:
        raise SettingsError(f"--count must be a whole number, at least 1, got {wanted.count}.")
    low, high = pixel_range(model.preparation)
    source, part = _known(model, run, settings, source)
    most = wanted.count or MOST_ROWS[wanted.method]
    some = source.take(np.unique(np.linspace(0, len(source.frame) - 1, most).astype(int)))
    model = model.doubled()
    inputs = model.dataset(some).batch(slice(0, len(some.frame))).inputs.cpu()
    how = Attack(wanted.method, strengths, wanted.steps, low.to(inputs), high.to(inputs))
    table = predict_rows(model, some, settings.prevalence)
    found = attack(
        model.network, model.task, inputs, table, model.target, model.scores, how
    )  # fmt: skip
    rows = f"{len(inputs):,} of {counted(len(source.frame), f'{part} row'.strip())}"
    record = _record(found, how, rows if part else f"{rows} of {source.name}")
    if run is not None:
        _write(run, record, _pictures(model, found, how, settings))
    return record


def _known(
    model: Model, run: Run | None, settings: Any, source: Source | None
) -> tuple[Source, str]:
    """The rows whose class is known, and which part of the run they are: "test", or ""."""
    part = ""
    if source is None:
        source, part = _test_rows(run, settings)
    name = model.target.names[0]
    if name not in source.frame.columns:
        raise DataError(
            f"{source.name} has no column '{name}', so there is no true class to lead away from."
        )
    source = source.take(np.flatnonzero(source.frame[name].notna()))
    if not len(source.frame):
        raise DataError(f"No row of {source.name} has a known class.")
    return source, part


def _test_rows(run: Run | None, settings: Any) -> tuple[Source, str]:
    """The rows by which the run was judged, and their part."""
    if run is None:
        raise RunError("Only a run with a folder knows its test rows. Give a source.")
    if settings.seal_test:
        raise RunError(
            f"The test rows of run '{run.folder}' are sealed, and an attack would look at them. "
            "Give a SOURCE after the run."
        )
    plan = plan_again(run, settings)
    part = next(one for one in ("test", "validation", "train") if len(plan.rows(one)))
    return plan.source.take(plan.rows(part).numpy()), part


def _record(found: Attacked, how: Attack, rows: str) -> dict[str, Any]:
    return {
        "method": how.method,
        "steps": how.steps if how.method == "pgd" else 1,
        "rows": rows,
        "scores": [
            {"strength": strength, **score.to_json()}
            for strength, score in zip(found.strengths, found.scores, strict=True)
        ],
        "said": found.examples["said"].tolist() if found.examples else [],
        "chance": found.examples["chance"].tolist() if found.examples else [],
    }


def _pictures(model: Model, found: Attacked, how: Attack, settings: Any) -> dict[str, Tensor]:
    """Clean and attacked examples as pictures from 0 to 1; none where no row is to be kept."""
    if not found.examples or settings.no_rows or model.preparation.form != "images":
        return {}
    width = how.high - how.low
    return {
        f"{how.method}.{name}": ((found.examples[name] - how.low) / width).float()
        for name in ("clean", "attacked")
    }


def _write(run: Run, record: dict[str, Any], pictures: dict[str, Tensor]) -> None:
    """Put it beside what an attack of another kind left, and write the report again."""
    known = run.read("attack") if run.has("attack.json") else {}
    kept = run.read_tensors("attack") if run.has("attack.safetensors") else {}
    method = record["method"]
    kept = {name: one for name, one in kept.items() if not name.startswith(f"{method}.")}
    if kept or pictures or run.has("attack.safetensors"):
        run.write_tensors("attack", kept | pictures)
    run.write("attack", known | {method: record})
    write_report(run)
