"""The first act: what the data are, what will be learned from them, by what, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from layerwise.contracts import Recipe, Target
from layerwise.data import read
from layerwise.data.cells import as_label
from layerwise.data.dividing import PARTS, TRAIN
from layerwise.data.folds import fold_splits
from layerwise.data.hiding import hidden
from layerwise.data.kinds import Column
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles, assign_roles, describe_columns
from layerwise.data.source import Source, several
from layerwise.data.split import Split, split_rows
from layerwise.data.target import (
    describe_target,
    drop_missing_target,
    encode_target,
    target_notes,
)
from layerwise.errors import DataError, SettingsError, nearest
from layerwise.evaluation.thresholds import at_prevalence, decided_at, prior_factors, read_rule
from layerwise.job.checks import check_answers, check_closed_form, check_settings
from layerwise.job.machine import Machine, choose_device, choose_threads
from layerwise.job.model import (
    DTYPES,
    Model,
    accepts,
    build_network,
    build_task,
    class_values,
)
from layerwise.job.recipes import default_patience, in_words, resolve_recipe, stage_record
from layerwise.metrics import METRICS, find_metric
from layerwise.networks import network_class
from layerwise.networks.choose import auto_network, auto_network_without_labels
from layerwise.networks.summary import Layer, summarize
from layerwise.scaling.processes import Processes
from layerwise.tasks import default_task, kinds_of, task_class
from layerwise.training import check_recipe
from layerwise.training.chance import mixed

FEW_TESTED = 200  # test rows below which folds are suggested
PROPER = ("cross_entropy", "binary_cross_entropy", "negative_log_likelihood", "squared")
# losses whose least value is at the true chances, so that weights can be divided out of them
PROPER_OF_MANY = ("cross_entropy", "negative_log_likelihood", "squared")  # with a softmax


@dataclass(frozen=True)
class Choice:
    """Something that was decided, and why."""

    what: str
    choice: str
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything that training needs, and the reason for each choice."""

    model: Model
    source: Source
    columns: tuple[Column, ...]
    split: Split
    recipe: Recipe
    machine: Machine
    metric: str
    metrics: tuple[str, ...]
    patience: int
    layers: list[Layer]
    seed: int = 0
    micro_batches: int = 1
    prevalence: float | None = None
    threshold: float | str | None = None  # the rule that is asked for, or the task's own
    no_rows: bool = False
    folds: tuple[Split, ...] = ()  # of the trainings that judge each row once
    parent_rows: np.ndarray | None = None  # fingerprints, where it starts from an earlier run
    departures: tuple[str, ...] = ()
    choices: list[Choice] = field(default_factory=list)

    def rows(self, part: str) -> torch.Tensor:
        """Row numbers of "train", "validation" or "test"; all rows where the split says so."""
        return torch.from_numpy(self.split.rows(part))

    def truth(self, rows: torch.Tensor) -> np.ndarray:
        """Class codes, labels or amounts of some rows, in the units of the data."""
        frame = self.source.frame.iloc[rows.numpy()]
        return encode_target(frame, self.model.roles, self.model.target)

    def weight(self, rows: torch.Tensor) -> np.ndarray | None:
        """Weights of some rows (rows,), at the prevalence that was given; None: 1 each."""
        name = self.model.roles.weight
        weight = None if name is None else self.source.frame[name].to_numpy(float)[rows.numpy()]
        if self.prevalence is None:
            return weight
        return at_prevalence(self.truth(rows), weight, self.prevalence)

    def stored_preparation(self) -> Preparation:
        """The preparation as the run keeps it: with ``no_rows`` without what the rows held."""
        preparation = self.model.preparation
        return hidden(preparation) if self.no_rows else preparation

    def record(self) -> dict[str, Any]:
        """plan.json: all of it as JSON values."""
        model, source = self.model, self.source
        made = model.record()
        made["network"] |= {
            "input_shape": list(model.preparation.input_shape),
            "parameters": sum(p.numel() for p in model.network.parameters()),
            "multiply_adds": sum(layer.multiply_adds for layer in self.layers),
            "layers": [vars(layer) for layer in self.layers],
            "source": _first_source_line(type(model.network)),
        }
        return {
            **made,
            "decisions": [vars(one) for one in self.choices if one.what or not self.no_rows],
            "data": {
                "name": source.name,
                "about": source.about,
                "rows": len(source.frame),
                "same_rows": source.same_rows,
                "options": source.options,
                "notes": [] if self.no_rows else list(source.notes),
                "columns": self._column_records(),
            },
            "splits": {
                **{part: len(self.rows(part)) for part in ("train", "validation", "test")},
                "method": self.split.method,
                "notes": [] if self.no_rows else list(self.split.notes),
            },
            "recipe": [stage_record(stage) for stage in self.recipe],
            "patience": self.patience,
            "micro_batches": self.micro_batches,
            "metric": self.metric,
            "metrics": list(self.metrics),
            "departures": list(self.departures),
            "environment": self.machine.record(),
        }

    def _column_records(self) -> list[dict[str, str]]:
        named = [
            {"name": name, "kind": "", "role": role, "note": "", "fitted": ""}
            for role, names in self.model.roles.named().items()
            for name in names
        ]
        fitted = self.stored_preparation().fitted_in_words()
        return [
            *named,
            *(
                {
                    "name": column.name,
                    "kind": column.kind,
                    "role": "input" if column.name in fitted else "left out",
                    "note": "" if self.no_rows else column.note,
                    "fitted": fitted.get(column.name, ""),
                }
                for column in self.columns
            ),
        ]


def make_plan(settings: Any, data: Any, wanted: Mapping[str, Any], processes: Processes) -> Plan:
    """Read the data and decide everything.

    settings : a Learner, for its flags
    wanted : the arguments of ``Learner.fit`` but ``data`` and ``folder``
    """
    check_settings(settings)
    source, roles = read_source(settings, data, wanted)
    target = describe_target(source, roles, task=_task_name(settings), positive=settings.positive)
    if isinstance(kind := _task_class(settings), type) and kinds_of(kind):
        kind(target)  # refuses a target that does not fit, before the rows are divided
    split = split_rows(
        source, roles, target, method=settings.split, seed=settings.seed,
        validation=settings.validation_fraction,
        test=0.0 if settings.folds else settings.test_fraction,
    )  # fmt: skip
    if trains_on_normal_rows(settings, target):
        split = without_anomalies(source, roles, target, split)
    plan = plan_split(settings, source, roles, target, split, processes, seed=settings.seed)
    if not settings.folds:
        return plan
    folds = fold_splits(
        source, roles, target, settings.folds, method=settings.split,
        validation=settings.validation_fraction, seed=settings.seed,
    )  # fmt: skip
    if trains_on_normal_rows(settings, target):
        folds = [without_anomalies(source, roles, target, fold) for fold in folds]
    return replace(plan, folds=tuple(folds))


def plan_split(
    settings: Any, source: Source, roles: Roles, target: Target, split: Split,
    processes: Processes, *, seed: int,
) -> Plan:  # fmt: skip
    """Decide all that comes after the split; every constant is of its training rows.

    seed : of the weights and of the order of the rows
    """
    columns = describe_columns(source, roles, source.options)
    train = split.rows("train")
    kind = _class_of(_network_for_encoding(settings))
    embeds = accepts(_network_for_encoding(settings), "categories")
    preparation = Preparation.fit(
        source, roles, columns, target, train,
        categories_as="codes" if embeds else "one_hot",
        inputs_as=getattr(kind or settings.network, "inputs_as", "standard"),
    )  # fmt: skip
    network, options, why = _choose_network(settings, preparation, len(train), target)
    task = _choose_task(settings, network, target, preparation)
    model, kind = _build(settings, network, options, task, target, preparation, roles, seed)
    model = replace(model, class_values=class_values(source.frame, target))
    check_answers(model)
    model = _with_decision(model, settings, source, train)
    recipe, fitted = resolve_recipe(
        kind or type(model.network), settings, model.task, target, len(train)
    )
    check_closed_form(recipe, target, getattr(model.network, "solves", ("none",)))
    check_recipe(model.network, recipe, len(train), settings.micro_batches, processes)
    layers = summarize(model.network, preparation.input_shape, categories=preparation.categories)
    machine, machine_why = _machine(settings, layers, recipe, processes)
    model.network.to(machine.device)
    plan = Plan(
        model, source, columns, split, recipe, machine,
        *_choose_metric(settings, model.task, target),
        patience=default_patience(recipe[-1]) if settings.patience is None else settings.patience,
        layers=layers,
        seed=seed,
        micro_batches=settings.micro_batches,
        prevalence=settings.prevalence,
        threshold=rule_for(settings, model.task),
        no_rows=settings.no_rows,
        departures=tuple(getattr(kind, "departures", ()) if settings.recipe == "historic" else ()),
    )  # fmt: skip
    plan.choices.extend(_choices(plan, why, fitted, machine_why, settings))
    return plan


def read_source(settings: Any, data: Any, wanted: Mapping[str, Any]) -> tuple[Source, Roles]:
    """The rows, without those that lack a target, and the roles of their columns."""
    source = read(
        data,
        options=settings.data_options,
        target=wanted.get("target"),
        validation=wanted.get("validation"),
        test=wanted.get("test"),
        targets=wanted.get("targets"),
        key=wanted.get("key"),
    )
    named = wanted.get("target")
    by_name = named is None or isinstance(named, (str, list, tuple))
    others = ("key", "group", "time", "weight", "carry", "ignore")
    columns: dict[str, Any] = {role: wanted.get(role) for role in others}
    kinds = kinds_of(_task_class(settings))
    if "none" not in kinds:
        roles = assign_roles(source, target=named if by_name else None, **columns)
    elif named is not None and by_name and kinds != ("none",):
        roles = assign_roles(source, target=named, **columns)
    else:  # the labels, if there are any, come out beside what is learned without them
        roles = assign_roles(source, target=(), **columns)
        beside = several(named if by_name else None, list(source.frame.columns)) or source.target
        free = tuple(name for name in beside if name not in roles.reserved())
        roles = replace(roles, carry=(*roles.carry, *free))
    return drop_missing_target(source, roles), roles


def _task_class(settings: Any) -> Any:
    """The task (its class, or the object) that is named or that the network names; else None."""
    task = settings.task
    if isinstance(task, str) and task == "auto":
        task = getattr(_class_of(settings.network) or settings.network, "task", None)
    return task_class(task) if isinstance(task, str) else task


def learns_without_labels(settings: Any) -> bool:
    """Whether the task that is named, or that the network names, can do without a target."""
    return "none" in kinds_of(_task_class(settings))


def trains_on_normal_rows(settings: Any, target: Target) -> bool:
    """Whether the labels tell anomalies, from which nothing is to be learned."""
    return target.kind == "binary" and getattr(_task_class(settings), "learns_normal_rows", False)


def without_anomalies(source: Source, roles: Roles, target: Target, split: Split) -> Split:
    """The split with the anomalies taken out of the training rows.

    Raises DataError where no normal row is left.
    """
    anomalous = encode_target(source.frame, roles, target) == 1
    out = anomalous & (split.codes == TRAIN)
    if not ((split.codes == TRAIN) & ~anomalous).any():
        raise DataError(
            f"There are no normal training rows: '{target.names[0]}' is '{target.classes[1]}' in "
            f"all of them. Name the class of the anomalies with --positive."
        )
    note = (
        f"{int(out.sum())} of {int((split.codes == TRAIN).sum())} training rows are left out, "
        f"because they are anomalies ('{target.classes[1]}'): what is learned is the normal."
    )
    codes = np.where(out, len(PARTS), split.codes).astype(np.int8)
    return replace(split, codes=codes, notes=(*split.notes, note))


def _task_name(settings: Any) -> str | None:
    """What decides the kind of the target; the Poisson loss asks for counts."""
    loss = (settings.task_options or {}).get("loss")
    if loss == "poisson" and settings.task in ("auto", "regress"):
        return "count"
    return settings.task if isinstance(settings.task, str) and settings.task != "auto" else None


def _class_of(network: Any) -> type | None:
    """The class behind a name; None for "auto" and for an object."""
    if isinstance(network, str):
        return None if network == "auto" else network_class(network)
    return network if isinstance(network, type) else None


def _network_for_encoding(settings: Any) -> Any:
    """The class that decides how categories arrive; tables go to an MLP unless one is named."""
    if settings.network != "auto":
        return settings.network
    return "autoencoder" if learns_without_labels(settings) else "mlp"


def _choose_network(
    settings: Any, preparation: Preparation, rows: int, target: Target
) -> tuple[Any, dict[str, Any], str]:
    given = dict(settings.network_options or {})
    if "categories" in given and isinstance(settings.network, str):
        raise SettingsError(
            "Option categories of the network is counted in the data, not given. To choose which "
            "columns are categories, use --data.categorical NAME,NAME."
        )
    name, why = settings.network, "as asked"
    chosen: dict[str, Any] = {}
    if isinstance(name, str) and name == "auto":
        choose = auto_network_without_labels if learns_without_labels(settings) else (
            auto_network)  # fmt: skip
        name, chosen, why = choose(preparation.input_shape, rows, preparation.categories, target)
    if settings.recipe == "historic":
        chosen |= getattr(_class_of(name), "historic_options", {})
    if preparation.categories and accepts(name, "categories"):
        chosen["categories"] = preparation.categories
    return name, {**chosen, **given}, why


def _choose_task(settings, network, target: Target, preparation: Preparation) -> Any:
    """The name of the task (or the object) and its options."""
    name = settings.task
    if isinstance(name, str) and name == "auto":
        name = default_task(target, _class_of(network))
    options = dict(settings.task_options or {})
    if settings.class_weight is not None:
        options["class_weight"] = _class_weights(settings.class_weight, preparation, target)
    return name, options


def _class_weights(wanted: Any, preparation: Preparation, target: Target) -> tuple[float, ...]:
    if preparation.class_weights is None:
        raise SettingsError("--class-weight goes with a target of classes.")
    if isinstance(wanted, Mapping):
        by_name = {as_label(name): float(weight) for name, weight in wanted.items()}
        for name in by_name:
            if name not in target.classes:
                raise SettingsError(
                    f"The class weights name '{name}', which is no class of the target "
                    f"'{target.names[0]}'.{nearest(name, target.classes)}"
                )
        return tuple(by_name.get(name, 1.0) for name in target.classes)
    if wanted != "balanced":
        raise SettingsError(
            f"--class-weight must be 'balanced', got '{wanted}'. Single weights are given with "
            "--task.class_weight 1,5."
        )
    return tuple(preparation.class_weights.tolist())


def _build(settings, network, options, task, target, preparation, roles, seed):
    """The model, its weights decided by the seed alone, and the network's class."""
    task_name, task_options = task
    built_task = build_task(task_name, task_options, target)
    kind = _class_of(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mixed(seed, 0))
        built = build_network(network, options, preparation.input_shape, built_task, target)
    model = Model(
        built.to(DTYPES[settings.precision]), built_task, target, preparation, roles,
        _rebuildable(network), options, _rebuildable(task_name), task_options, settings.precision,
    )  # fmt: skip
    return model, kind


def _with_decision(model: Model, settings: Any, source: Source, train: np.ndarray) -> Model:
    """The model with what turns its chances into those of the world, and these into decisions."""
    if settings.prevalence is not None and hasattr(model.task, "learns_normal_rows"):
        raise SettingsError(
            "--prevalence moves chances, but the scores of detect are none: they only rank rows. "
            "Leave it out."
        )
    if model.target.kind != "binary":
        for flag in ("threshold", "prevalence"):
            if getattr(settings, flag) is not None:
                raise SettingsError(
                    f"--{flag} goes with a target of two classes, got one of kind "
                    f"'{model.target.kind}'. Leave it out."
                )
        return _without_weights(model)
    weights = tuple(getattr(model.task, "class_weight", ()))
    if getattr(model.task, "loss", "") not in PROPER or min(weights, default=0) <= 0:
        weights = ()
    asked = rule_for(settings, model.task)
    if not weights and settings.prevalence is None and asked is None:
        return model
    share = positive_share(source, model, train)
    if settings.prevalence is not None and not 0 < share < 1:
        raise SettingsError("--prevalence needs training rows of both classes.")
    threshold = decided_at(weights)[1] if weights else None
    rule = None if asked is None else read_rule(asked)
    if rule is not None:
        threshold = rule.numbers[0] if rule.name == "number" else None
    shift = bool(weights) or settings.prevalence is not None
    factors = prior_factors(weights, share, settings.prevalence) if shift else ()
    return replace(model, prior_factors=factors, threshold=threshold)


def rule_for(settings: Any, task: Any) -> float | str | None:
    """The rule by which a threshold is chosen: as asked, or the one that the task names."""
    return getattr(task, "threshold", None) if settings.threshold is None else settings.threshold


def _without_weights(model: Model) -> Model:
    """The model of several classes with the class weights divided out of its chances."""
    weights = tuple(getattr(model.task, "class_weight", ()))
    if model.target.kind != "classes" or min(weights, default=0) <= 0 or len(set(weights)) < 2:
        return model
    if getattr(model.task, "loss", "") not in PROPER_OF_MANY:
        return model
    return replace(
        model, prior_factors=prior_factors(weights, 0.0, None), threshold=decided_at(weights)
    )


def positive_share(source: Source, model: Model, rows: np.ndarray) -> float:
    """Share of positives among some rows by weight, for a target of two classes."""
    codes = encode_target(source.frame.iloc[rows], model.roles, model.target)
    name = model.roles.weight
    weight = None if name is None else source.frame[name].to_numpy(float)[rows]
    return float(np.average(codes, weights=weight))


def _rebuildable(named: Any) -> str:
    """A name under which ``load_model`` finds the same class; "" for what only lives here."""
    return named if isinstance(named, str) else ""


def _choose_metric(settings: Any, task: Any, target: Target) -> tuple[str, tuple[str, ...]]:
    """The leading metric, and all that are reported."""
    known = [name for name, metric in METRICS.items() if target.kind in metric.kinds]
    metrics = tuple(getattr(task, "metrics", None) or known)
    leading = settings.metric or metrics[0]
    find_metric(leading, target.kind)  # raises where there is none
    return leading, metrics


def _machine(settings, layers: list[Layer], recipe: Recipe, processes: Processes):
    device, device_why = choose_device(settings.device)
    size = recipe[-1].batch_size
    work = sum(layer.multiply_adds for layer in layers) * (64 if isinstance(size, str) else size)
    threads, threads_why = choose_threads(
        settings.threads, 3 * work, processes, settings.reproducible
    )
    return Machine(device, settings.precision, threads, processes), (device_why, threads_why)


def _choices(plan: Plan, why_network: str, fitted: tuple, machine_why: tuple, settings: Any):
    """What was decided, in the order in which a person would ask."""
    model, source, machine = plan.model, plan.source, plan.machine
    count = sum(p.numel() for p in model.network.parameters())
    parts = ", ".join(f"{len(plan.rows(p)):,} {p}" for p in ("train", "validation", "test"))
    used = len(model.preparation.feature_names)
    shape = "x".join(str(size) for size in model.preparation.input_shape)
    about = f" ({source.about})" if source.about else ""
    yield Choice("data", f"{source.name}: {len(source.frame):,} rows{about}")
    columns = (f"Column '{c.name}': {c.note}." for c in plan.columns if c.note)
    for note in (*source.notes, *columns):
        yield Choice("", note)
    inputs = f"images {shape}" if len(model.preparation.input_shape) == 3 else f"{used} features"
    yield Choice("inputs", inputs)
    yield Choice("target", _target_in_words(model.target))
    for note in target_notes(source, model.roles, model.target):
        yield Choice("", note)
    yield Choice("split", f"{parts} ({plan.split.method})")
    for note in plan.split.notes:
        yield Choice("", note)
    yield from _repeating_choices(plan, settings)
    yield Choice("task", model.task_name or type(model.task).__name__, _why_task(settings, model))
    options = {k: v for k, v in model.network_options.items() if k != "categories"}
    named = model.network_name or type(model.network).__name__
    shown = f" ({', '.join(f'{k} {_short(v)}' for k, v in options.items())})" if options else ""
    yield Choice("network", f"{named}{shown}, {count:,} parameters", why_network)
    for stage in plan.recipe:
        yield Choice("recipe", f"{settings.recipe}: {in_words(stage)}", "; ".join(fitted))
    for departure in plan.departures:
        yield Choice("", f"Not as in the paper: {departure}")
    stops = f", stops after {plan.patience} epochs without a better one" if plan.patience else ""
    if settings.no_rows:
        kept = "medians, means and marks of categories, in preparation.* alone, so that it predicts"
        yield Choice("rows", "none are written", f"no predictions either; what stays: {kept}")
    for note in getattr(model.task, "notes", lambda _: ())(model.network):
        yield Choice("", note)
    yield Choice("metric", f"{plan.metric}{stops}")
    yield from _decision_choices(plan, settings)
    yield Choice("device", machine.device_name(), machine_why[0])
    yield Choice("threads", f"{machine.threads}, {machine.precision}", machine_why[1])
    yield Choice("processes", str(machine.processes))


def _repeating_choices(plan: Plan, settings: Any):
    tested = len(plan.rows("test"))
    if settings.folds:
        why = "every row is a test row once; a last network learns from all of them"
        yield Choice("folds", str(settings.folds), why)
    elif 0 < tested < FEW_TESTED and not plan.split.same_rows and plan.source.parts is None:
        yield Choice("", f"Only {tested} test rows: --folds 5 would judge all rows.")
    if settings.repeats > 1:
        why = "the same rows with other weights at the start; the first one is kept"
        yield Choice("repeats", f"{settings.repeats} seeds", why)


def _decision_choices(plan: Plan, settings: Any):
    model = plan.model
    if settings.prevalence is not None:
        why = "the training rows' rate is not the world's: chances and metrics are moved to it"
        yield Choice("prevalence", f"{settings.prevalence:g}", why)
    if plan.threshold is not None:
        asked = "the task's own" if settings.threshold is None else "as asked"
        yield Choice("threshold", str(plan.threshold), f"{asked}; chosen on validation rows")
    elif isinstance(model.threshold, tuple):
        places = list(zip(model.target.classes, model.threshold, strict=True))
        shown = ", ".join(f"{name} {value:.4g}" for name, value in places[:10])
        why = (
            "said is the class whose chance is the most times its threshold, as the class weights "
            "ask for; they are divided out of the chances themselves"
        )
        yield Choice("thresholds", shown + (", ..." if len(places) > 10 else ""), why)
    elif model.threshold is not None:
        why = "the class weights decide there; they are divided out of the chances themselves"
        yield Choice("threshold", f"{model.threshold:.4g}", why)
    elif model.target.kind == "classes" and any(getattr(model.task, "class_weight", ())):
        yield Choice("", "The chances of the classes are those under the class weights.")


def _why_task(settings: Any, model: Model) -> str:
    if settings.task != "auto":
        return "as asked"
    if model.target.kind == "none":
        return "the network's own rule"
    if isinstance(getattr(type(model.network), "task", None), str):
        return "the network's own rule"
    return f"the target is {model.target.kind}"


def _target_in_words(target: Target) -> str:
    if target.kind == "none":
        return "none: this is learned without labels"
    names = ", ".join(target.names)
    if target.kind in ("binary", "classes"):
        shown = ", ".join(target.classes[:10]) + (", ..." if len(target.classes) > 10 else "")
        return f"{names}: {len(target.classes)} classes ({shown})"
    words = {"labels": "several labels at once", "count": "counts", "real": "real numbers"}
    return f"{names}: {words.get(target.kind, target.kind)}"


def _short(value: Any) -> str:
    return "-".join(str(v) for v in value) if isinstance(value, (tuple, list)) else str(value)


def _first_source_line(kind: type) -> str:
    """The paper that a network's docstring names."""
    text = " ".join((kind.__doc__ or "").split())
    _, found, rest = text.partition("Source: ")
    return rest.split(". ")[0] + "." if found else ""
