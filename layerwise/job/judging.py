"""The third act: predictions on all rows, baselines, scores with intervals, worst mistakes."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from pandas import DataFrame, concat

from layerwise.contracts import Batch
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.data.forms import FORMS, weights_of
from layerwise.data.source import Source
from layerwise.errors import SettingsError
from layerwise.evaluation.alarms import blame
from layerwise.evaluation.baselines import WITHOUT_LABELS, choose_baselines, fit_baselines
from layerwise.evaluation.columns import column_places
from layerwise.evaluation.evaluate import predictions_table, undisturbed
from layerwise.evaluation.fingerprints import row_fingerprints
from layerwise.evaluation.importance import importance, reasons
from layerwise.evaluation.leaks import leak_certificate
from layerwise.evaluation.looks import count_looks, fingerprint_of_rows
from layerwise.evaluation.mistakes import collect_rows, worst_table
from layerwise.evaluation.plane import plane
from layerwise.evaluation.reconstructions import fit_reconstructions
from layerwise.evaluation.results import baseline_table, judge
from layerwise.evaluation.silence import dead_units
from layerwise.evaluation.subgroups import subgroups
from layerwise.evaluation.thresholds import (
    Threshold,
    at_prevalence,
    choose_threshold,
    prior_factors,
    read_rule,
    shifted,
)
from layerwise.job.form_baselines import baselines_of_form
from layerwise.job.model import Model
from layerwise.job.plan import Plan, positive_share
from layerwise.metrics import Predictions, column_names, find_metric
from layerwise.run import Run, list_runs
from layerwise.tasks import TASKS

CODED_AT_ONCE = 1024  # rows
MOST_TRAINING_ROWS = 100_000  # in the predictions table, fewer where a row has many numbers, ...
FEWEST_TRAINING_ROWS = 1000  # ... but so many; test and validation rows are all there
BASELINE_SECONDS = {"fast": 30.0, "all": 120.0, "none": 0.0}
BASELINE_SECONDS_OF_FORMS = 300.0  # counting a language, or training a network without its edges
MOST_TRAINING_CELLS = 5_000_000  # of fields on grids, over all training rows of the table
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Gathered:
    """The predictions table, baseline results by name, and the threshold that was asked for."""

    predictions: DataFrame
    baselines: dict[str, Any]
    threshold: Threshold | None


@dataclass(frozen=True)
class Judgement:
    """The predictions table, those of the baselines, and results.json."""

    predictions: DataFrame
    baselines: DataFrame
    results: dict[str, Any]
    threshold: float | tuple[float, ...] | None = None


def judge_plan(
    plan: Plan, dataset: TensorDataset, settings: Any, seconds: float = math.inf
) -> Judgement:
    """Judge the trained network of a plan on its rows, against its baselines.

    settings : has ``baselines``, ``abstain_below`` and ``seed``
    seconds : how long it may take, about, half of it for the intervals and the report; baselines
        that find no time say so
    """
    return conclude(plan, gather(plan, dataset, settings, seconds / 2), settings)


def gather(
    plan: Plan, dataset: TensorDataset, settings: Any, seconds: float,
    *, baselines: bool = True, sealed: bool | None = None,
) -> Gathered:  # fmt: skip
    """What the network and its baselines say about the plan's rows.

    sealed : whether the test rows stay shut; unset: as the settings say
    """
    ends = time.monotonic() + seconds
    shut = settings.seal_test if sealed is None else sealed
    parts = ("train", "validation") if shut else PARTS
    table, threshold = _decided(plan, _predictions(plan, dataset, parts), settings)
    asked = baselines and settings.baselines != "none"
    left = ends - time.monotonic()
    return Gathered(table, _baselines(plan, dataset, settings, left) if asked else {}, threshold)


def conclude(plan: Plan, gathered: Gathered, settings: Any) -> Judgement:
    """The judgement on what was gathered."""
    table, results, threshold = gathered.predictions, gathered.baselines, gathered.threshold
    judged = judge(
        table, plan.model.target, plan.metrics, leading=plan.metric, baselines=results,
        abstain_below=settings.abstain_below, seed=settings.seed,
    )  # fmt: skip
    judged["same_rows"] = plan.split.same_rows
    blocks = (
        ["group"] if hasattr(plan.model.preparation, "groups") else []
    )  # mean nothing to anyone
    judged["subgroups"] = [] if plan.no_rows else subgroups(
        table.drop(columns=blocks, errors="ignore"), plan.model.target, plan.metric,
        split=judged["headline"]["split"], seed=settings.seed,
    )  # fmt: skip
    judged["threshold"] = None if threshold is None else threshold.to_json()
    others = [baseline_table(result, table, plan.model.target) for result in results.values()]
    value = plan.model.threshold if threshold is None else threshold.value
    return Judgement(table, _joined(others), judged, value)


def _decided(plan: Plan, table: DataFrame, settings: Any) -> tuple[DataFrame, Threshold | None]:
    """The table with the threshold of its rows, and the threshold that was asked for."""
    if plan.threshold is None or plan.model.target.kind != "binary":
        return _with_threshold(table, plan.model), None
    part = "test" if plan.split.same_rows else "validation"
    chosen = choose_threshold(
        read_rule(plan.threshold), Predictions.from_table(table, plan.model.target, part)
    )
    return table.assign(threshold=float(chosen.value)), chosen


def _with_threshold(table: DataFrame, model: Model) -> DataFrame:
    """The table with the model's threshold, or with one of each class, in every row."""
    value = model.threshold
    if isinstance(value, tuple):
        names = column_names(model.target, "threshold")
        return table.assign(**dict(zip(names, value, strict=True)))
    return table if value is None else table.assign(threshold=float(value))


def judge_source(model: Model, source: Source, metric: str, metrics: tuple, settings: Any) -> dict:
    """results.json of a trained model on rows of a source of their own."""
    table = predict_rows(model, source, settings.prevalence)
    judged = judge(
        table, model.target, metrics, leading=metric,
        abstain_below=settings.abstain_below, seed=settings.seed,
    )  # fmt: skip
    return judged | {"subgroups": subgroups(table, model.target, metric, seed=settings.seed)}


def predict_rows(model: Model, source: Source, prevalence: float | None = None) -> DataFrame:
    """The predictions table of a source, with the truth where the source has it."""
    rows = torch.arange(len(source.frame))
    by_form = model.target.kind in ("field", "series", "text", "mask")
    known = by_form or all(name in source.frame.columns for name in model.target.names)
    table = _table(model, source, model.answer(source), rows, "test", known, prevalence)
    return _with_threshold(table, model)


def codes_of(model: Model, source: Source) -> np.ndarray:
    """The code of every row (rows, code) that the network's ``encode`` gives."""
    dataset = model.dataset(source)
    network: Any = model.network
    with undisturbed(network), torch.no_grad():
        found = [
            network.encode(dataset.batch(rows).inputs).flatten(1).cpu()
            for rows in torch.arange(len(dataset)).split(CODED_AT_ONCE)
        ]
    return torch.cat(found).numpy()


def write_judgement(run: Run, plan: Plan, judgement: Judgement, settings: Any) -> str:
    """Write tables, results, the worst mistakes and, for two features, the plane.

    Returns what is to be said about the test rows, which may be nothing.
    """
    split = judgement.results["headline"]["split"]
    if not plan.no_rows:
        _write_rows(run, plan, judgement, split)
    results = dict(judgement.results)
    model = plan.model
    if _is_plane(plan) and not plan.no_rows:
        judged = judgement.predictions["split"] == split
        shown = np.sort(judgement.predictions.loc[judged, "row"].to_numpy())
        tensors, layers = plane(
            model.network, model.task, model.preparation, plan.source, rows=shown
        )
        if all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            run.write_tensors("plane", tensors)
            results["plane"] = {"columns": list(model.preparation.feature_names), "layers": layers}
    of_main = judgement.predictions.query("fold == 0")  # rows of this network
    own = next(p for p in (split, "validation", "train") if p in set(of_main["split"]))
    results["importance"] = _importance(plan, of_main, own)
    results["looks"] = _looks(run, plan, judgement.predictions, settings)
    run.write("results", results)
    return results["looks"]["text"]


def _write_rows(run: Run, plan: Plan, judgement: Judgement, split: str) -> None:
    """Write what holds rows of the data: predictions, those of the baselines, the worst."""
    run.write_table("predictions", judgement.predictions)
    if len(judgement.baselines):
        run.write_table("baselines", judgement.baselines)
    bad = worst_table(judgement.predictions, plan.model.target, split=split)
    if len(bad):
        rows, pictures = collect_rows(bad, plan.source, plan.model.target)
        run.write_table("worst", rows)
        if pictures is not None:
            run.write_tensors("worst", {"images": pictures})


def _looks(run: Run, plan: Plan, table: DataFrame, settings: Any) -> dict[str, Any]:
    """Whether the test rows were judged, and how often before; see ``count_looks``."""
    rows = table.loc[table["split"] == "test", "row"].to_numpy()
    if plan.split.same_rows or not len(rows):
        shut = settings.seal_test and len(plan.rows("test"))
        text = (
            f"The {len(plan.rows('test')):,} test rows are sealed: nothing was predicted for them. "
            "To judge them once, at the very end: layerwise evaluate RUN --open-test"
        )
        return {"fingerprint": None, "before": 0, "text": text if shut else ""}
    others = [one for one in list_runs(run.folder.resolve().parent) if one.name != run.name]
    read = [one.read("results") for one in others if one.has("results.json")]
    return count_looks(fingerprint_of_rows(plan.source, rows), read)


def write_certificate(run: Run, plan: Plan) -> dict:
    """Write and give the leak certificate, and what the training rows are known by later."""
    model = plan.model
    certificate = leak_certificate(
        plan.source, model.roles, model.target, plan.split, model.preparation,
        folds=plan.folds, parent_rows=plan.parent_rows, seed=plan.seed,
    )  # fmt: skip
    if plan.no_rows:
        certificate["checks"] = [check | {"rows": []} for check in certificate["checks"]]
        run.write("leaks", certificate)
        return certificate
    run.write("leaks", certificate)
    marks = row_fingerprints(plan.source, model.preparation, plan.rows("train").numpy())
    if plan.parent_rows is not None:
        marks = np.union1d(marks, plan.parent_rows)
    run.write_tensors("rows", {"train": torch.from_numpy(marks)})
    return certificate


def count_dead_units(plan: Plan, dataset: TensorDataset) -> Any:
    """Units that never answer on validation rows, layer by layer; None without such rows."""
    rows = plan.rows("validation")
    return dead_units(plan.model.network, Rows(dataset, rows)) if len(rows) else None


def _importance(plan: Plan, table: DataFrame, split: str) -> list[dict]:
    """What each input column of a table is worth on the judged rows."""
    model, part = plan.model, table.loc[table["split"] == split]
    places = [] if model.preparation.form in FORMS else column_places(model.preparation)
    if not places or model.task_name not in TASKS or model.target.kind == "none":
        return []
    part = part.iloc[:MOST_TRAINING_ROWS]
    judged = Predictions.from_table(part, model.target)
    some = plan.source.take(part["row"].to_numpy())
    inputs = model.dataset(some).batch(slice(0, len(part))).inputs
    metric = find_metric(plan.metric, model.target.kind)
    return importance(inputs, judged, model.scores, places, metric, seed=plan.seed)


def explain(model: Model, source: Source) -> DataFrame:
    """The reasons for each prediction, in the columns of the source; see ``reasons``."""
    target, form = model.target, model.preparation.form
    places = [] if form in FORMS else column_places(model.preparation)
    if places and hasattr(model.task, "errors"):
        return _alarms(model, source, places)
    if not places or target.kind == "labels" or len(target.names) > 1:
        raise SettingsError(
            "--explain goes with a table (or array) and one target. This run has "
            + ("several targets." if places else f"{form} as inputs.")
        )
    model = model.doubled()
    inputs = model.dataset(source).inputs
    scores = model.scores(inputs)
    said = answers(model, scores) if target.kind in ("binary", "classes") else None
    neutral = model.neutral()
    shown = {each.name: _values(source, each.name, at) for at, each in enumerate(places)}
    return reasons(inputs, model.scores, places, neutral, shown, said)


def _alarms(model: Model, source: Source, places: Any) -> DataFrame:
    """The columns that make each row strange, with their shares of its error."""
    dataset, task, network = model.dataset(source), model.task, model.network
    names = [""] * int(np.prod(model.preparation.input_shape))
    for each in places:
        for column in each.numbers:
            names[column] = each.name
    with undisturbed(network), torch.no_grad():
        errors = np.concatenate(
            [
                task.errors(network, dataset.batch(rows)).numpy()
                for rows in torch.arange(len(dataset)).split(CODED_AT_ONCE)
            ]
        )
    found = [[f"{name} ({share:.0%})" for name, share in row] for row in blame(errors, names)]
    return DataFrame(
        {f"reason_{n + 1}": [row[n] if n < len(row) else "" for row in found] for n in range(3)}
    )


def _values(source: Source, name: str, place: int) -> list:
    """The values of an input column as the source has them."""
    if source.inputs is not None:
        return source.inputs[:, place].tolist()
    return source.frame[name].tolist()


def _is_plane(plan: Plan) -> bool:
    """Whether the inputs are two numbers, so that all that there can be is a picture."""
    preparation = plan.model.preparation
    if preparation.input_shape != (2,) or len(preparation.feature_names) != 2:
        return False
    numbers = {column.name for column in plan.columns if column.kind == "number"}
    return plan.source.inputs is not None or numbers.issuperset(preparation.feature_names)


def _predictions(plan: Plan, dataset: TensorDataset, parts: tuple[str, ...]) -> DataFrame:
    tables = []
    for part in ("test",) if plan.split.same_rows else parts:
        rows = _shown(plan, part)
        if len(rows):
            outputs = plan.model.outputs(Rows(dataset, rows))
            tables.append(
                _table(plan.model, plan.source, outputs, rows, part, True, plan.prevalence)
            )
    return _joined(tables)


def _shown(plan: Plan, part: str) -> torch.Tensor:
    """The rows of a part; of very many training rows an even sample."""
    rows, numbers = plan.rows(part), max(1, len(plan.model.target.names))
    most = max(FEWEST_TRAINING_ROWS, MOST_TRAINING_ROWS // numbers)
    if getattr(plan.model.task, "watches_loss", False):  # its answers are costly
        most = FEWEST_TRAINING_ROWS
    if plan.model.target.kind == "field":
        most = min(most, max(1, MOST_TRAINING_CELLS // plan.model.preparation.areas.size))
    if part == "train" and len(rows) > most:
        return rows[torch.linspace(0, len(rows) - 1, most).long()]
    return rows


def _table(
    model: Model, source: Source, outputs, rows, part: str, known: bool,
    prevalence: float | None = None,
) -> DataFrame:  # fmt: skip
    """The predictions table of some rows, weighted to a prevalence where one is given."""
    roles = model.roles
    frame = source.frame.iloc[rows.numpy()]

    def column(name: str | None) -> Any:
        return None if name is None or name not in frame.columns else frame[name].to_numpy()

    beside = (*roles.carry, *(() if roles.time is None else (roles.time,)))
    carried = {name: column(name) for name in beside if name in frame.columns}
    truth = model.preparation.truth(source, rows.numpy()) if known else None
    weight = weights_of(model.preparation, source, rows.numpy())
    if prevalence is not None and truth is not None:
        weight = at_prevalence(truth, weight, prevalence)
    table = predictions_table(
        model.target,
        truth,
        _scores(model, source, outputs, rows.numpy()),
        rows=rows.numpy(),
        split=part,
        key=column(roles.key),
        weight=weight,
        group=_groups(model, source, rows.numpy(), column(roles.group)),
        carried=carried,
    )
    more = _beside(model, outputs, len(rows))
    return table if more is None else concat([table, more], axis=1)


def _scores(model: Model, source: Source, outputs: Any, rows: np.ndarray) -> Any:
    """What stands in the table for outputs: they themselves, or what they come to beside masks."""
    compared = getattr(model.preparation, "compared", None)
    return point_of(model, outputs) if compared is None else compared(source, rows, outputs)


def point_of(model: Model, outputs: Any) -> Any:
    """The one answer in outputs that also tell of others, such as quantiles; (rows, outputs)."""
    return model.task.point(outputs) if hasattr(model.task, "point") else outputs


def _beside(model: Model, outputs: Any, rows: int) -> DataFrame | None:
    """Columns that the metrics of the form need: quantiles, constants of training."""
    if not hasattr(model.preparation, "beside"):
        return None
    names = column_names(model.target, "score")
    constants: dict[str, Any] = {
        name: np.full(rows, value) if np.ndim(value) == 0 else [value] * rows
        for name, value in model.preparation.beside().items()
    }
    if not hasattr(model.task, "beside"):
        return DataFrame(constants)
    quantiles = {
        f"{name}@{chance}": np.asarray(values)[:, place]
        for chance, values in model.task.beside(outputs).items()
        for place, name in enumerate(names)
    }
    return DataFrame(constants | quantiles)


def _groups(model: Model, source: Source, rows: np.ndarray, column: Any) -> Any:
    """What the bootstrap draws together: the group column, or blocks of overlapping windows."""
    own = getattr(model.preparation, "groups", None)
    return column if own is None else own(source, rows)


def _baselines(plan: Plan, dataset: TensorDataset, settings: Any, left: float) -> dict[str, Any]:
    target = plan.model.target
    if plan.source.form:
        found = baselines_of_form(plan, settings, min(left, BASELINE_SECONDS_OF_FORMS))
        return {result.name: _decided_baseline(plan, result, settings) for result in found}
    names = choose_baselines(settings.baselines, target, getattr(plan.model.task, "baselines", ()))
    batch = dataset.batch(slice(0, len(dataset)))
    if set(names) <= set(WITHOUT_LABELS):
        found = _without_labels(plan, batch, names, left)
        return {result.name: _decided_baseline(plan, result, settings) for result in found}
    targets = batch.targets
    assert targets is not None
    if target.kind == "real":
        targets = plan.model.preparation.in_units(targets)
    parts = np.full(len(dataset), "train") if plan.split.same_rows else plan.split.parts
    found = fit_baselines(
        names, batch.inputs, targets, batch.weight, parts, target,
        seconds=min(left, BASELINE_SECONDS[settings.baselines]), seed=settings.seed,
    )  # fmt: skip
    return {result.name: _decided_baseline(plan, result, settings) for result in found}


def _without_labels(plan: Plan, batch: Batch, names: tuple[str, ...], left: float) -> list[Any]:
    """What methods without labels say: a reconstruction's error, or a score of strangeness."""
    network, train = plan.model.network, plan.rows("train").numpy()
    found: list[Any] = []
    if not isinstance(batch.inputs, torch.Tensor):
        return found
    errors = [name for name in names if name in ("mean_row", "pca")]
    if errors and hasattr(network, "encode"):
        with undisturbed(network), torch.no_grad():
            code = network.encode(batch.inputs[:1].to(plan.model.device)).shape[-1]  # type: ignore
        found += fit_reconstructions(errors, batch.inputs, train, int(code), seed=plan.seed)
    others = [name for name in names if name not in errors]
    if others:
        from layerwise.evaluation.detectors import fit_detectors

        found += fit_detectors(
            others, batch.inputs, train, plan.model.target, seconds=left, seed=plan.seed
        )
    return found


def _decided_baseline(plan: Plan, result: Any, settings: Any) -> Any:
    """A baseline with chances at the prevalence and a threshold of its own, by the same rule."""
    target = plan.model.target
    if target.kind != "binary" or not np.isfinite(result.scores).all():
        return result
    if plan.prevalence is not None:
        share = positive_share(plan.source, plan.model, plan.split.rows("train"))
        result = replace(
            result, scores=shifted(result.scores, prior_factors((), share, plan.prevalence))
        )
    if plan.threshold is None:
        return result
    rows = plan.rows("validation")
    judged = Predictions(
        "binary", target.classes, plan.truth(rows), result.scores[rows.numpy()], plan.weight(rows)
    )
    chosen = choose_threshold(read_rule(plan.threshold), judged)
    return replace(result, threshold=chosen.value)


def _joined(tables: list[DataFrame]) -> DataFrame:
    return concat(tables, ignore_index=True) if tables else DataFrame()


def answers(model: Model, scores: np.ndarray) -> np.ndarray:
    """Class numbers (rows,), labels (rows, labels) of 0 and 1, or amounts, from outputs."""
    if model.target.kind in ("text", "mask"):
        return scores
    if scores.ndim == 3:
        scores = point_of(model, scores)
    if isinstance(model.threshold, tuple):
        return (scores / np.array(model.threshold)).argmax(axis=1)
    if model.threshold is not None:
        return (scores[:, 1] >= model.threshold).astype(np.int64)
    if model.target.kind in ("binary", "classes"):
        return scores.argmax(axis=1)
    if model.target.kind == "labels":
        return (scores >= 0.5).astype(np.int64)
    return scores[:, 0] if scores.shape[1] == 1 else scores
