"""The first act: what the data are, what will be learned from them, by what, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from layerwise.contracts import Recipe, Target
from layerwise.data.cells import as_label
from layerwise.data.folds import fold_splits
from layerwise.data.forms import first_batch, fit_preparation, weights_of
from layerwise.data.hiding import hidden
from layerwise.data.kinds import Column
from layerwise.data.pixel_range import pixel_range
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles, describe_columns
from layerwise.data.source import Source
from layerwise.data.split import Split, split_rows
from layerwise.data.target import encode_target
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.thresholds import at_prevalence, decided_at, prior_factors, read_rule
from layerwise.job.augmenting import augment_record, choose_augment
from layerwise.job.checks import check_answers, check_closed_form, check_settings
from layerwise.job.choices import Choice, choices
from layerwise.job.inherited import tokens_before
from layerwise.job.machine import Machine, choose_device, choose_threads
from layerwise.job.model import (
    DTYPES,
    Model,
    accepts,
    build_network,
    build_task,
    check_takes,
    class_values,
    output_size,
)
from layerwise.job.pretrained import (
    GENTLER,
    inputs_as_published,
    pretrained_in_words,
    published_name,
    start_from_published,
)
from layerwise.job.recipes import default_patience, resolve_recipe, stage_record
from layerwise.job.rows import (
    class_of,
    learns_without_labels,
    named_task,
    read_source,
    target_of,
    trains_on_normal_rows,
    without_anomalies,
)
from layerwise.metrics import METRICS, find_metric
from layerwise.networks.choose import (
    FORM_NETWORKS,
    GOING_ON,
    auto_network,
    auto_network_without_labels,
    network_of_form,
)
from layerwise.networks.summary import Layer, summarize
from layerwise.scaling.processes import Processes
from layerwise.tasks import default_task, kinds_of
from layerwise.training import check_recipe
from layerwise.training.chance import mixed

PROPER = ("cross_entropy", "binary_cross_entropy", "negative_log_likelihood", "squared")
# losses whose least value is at the true chances, so that weights can be divided out of them
PROPER_OF_MANY = ("cross_entropy", "negative_log_likelihood", "squared")  # with a softmax


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
    augment: Any = None  # changes training images, see ``training.train``
    augment_why: str = ""
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
        return self.model.preparation.truth(self.source, rows.numpy())

    def weight(self, rows: torch.Tensor) -> np.ndarray | None:
        """Weights of some rows (rows,), at the prevalence that was given; None: 1 each."""
        weight = weights_of(self.model.preparation, self.source, rows.numpy())
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
                "form": source.form,
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
            "augment": augment_record(self.augment),
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
    taken = tokens_before(settings, wanted)
    made_of = None if taken is None else taken["kind"]
    source, roles = read_source(settings, data, wanted, made_of)
    if source.form and settings.no_rows:
        raise SettingsError(
            f"--no-rows keeps tables and arrays out of a run; a preparation of the form "
            f"'{source.form}' holds parts of the data, such as its words. Leave it out."
        )
    target = target_of(source, roles, settings)
    if isinstance(kind := named_task(settings), type) and kinds_of(kind):
        kind(target)  # refuses a target that does not fit, before the rows are divided
    split = split_rows(
        source, roles, target, method=settings.split, seed=settings.seed,
        validation=settings.validation_fraction,
        test=0.0 if settings.folds else settings.test_fraction,
    )  # fmt: skip
    if trains_on_normal_rows(settings, target):
        split = without_anomalies(source, roles, target, split)
    split = _parted(source, split)
    plan = plan_split(
        settings, source, roles, target, split, processes, seed=settings.seed, taken=taken
    )
    if not settings.folds:
        return plan
    folds = fold_splits(
        source, roles, target, settings.folds, method=settings.split,
        validation=settings.validation_fraction, seed=settings.seed,
    )  # fmt: skip
    if trains_on_normal_rows(settings, target):
        folds = [without_anomalies(source, roles, target, fold) for fold in folds]
    return replace(plan, folds=tuple(_parted(source, fold) for fold in folds))


def _parted(source: Source, split: Split) -> Split:
    """The split without rows that belong to no part alone, such as windows across a border."""
    return source.whole.parted(split) if hasattr(source.whole, "parted") else split


def plan_split(
    settings: Any, source: Source, roles: Roles, target: Target, split: Split,
    processes: Processes, *, seed: int, taken: Mapping[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """Decide all that comes after the split; every constant is of its training rows.

    seed : of the weights and of the order of the rows
    taken : the tokens of an earlier run, see ``tokens_before``
    """
    columns = describe_columns(source, roles, source.options)
    train = split.rows("train")
    kind = class_of(_network_for_encoding(settings))
    embeds = accepts(_network_for_encoding(settings), "categories")
    preparation = fit_preparation(
        source, roles, columns, target, train,
        categories_as="codes" if embeds else "one_hot",
        inputs_as=_inputs_as(settings, kind),
        taken=taken,
    )  # fmt: skip
    network, options, why = _choose_network(settings, preparation, len(train), target)
    task = _choose_task(settings, network, target, preparation)
    model, kind = _build(settings, network, options, task, target, preparation, roles, seed)
    model = replace(model, class_values=class_values(source.frame, target))
    example = None
    if source.form:
        example = first_batch(preparation.dataset(source.take(train[:1]))).inputs
    check_answers(model, example)
    model = _with_decision(model, settings, source, train)
    recipe, fitted = resolve_recipe(
        kind or type(model.network), settings, model.task, target, len(train)
    )
    check_closed_form(recipe, target, getattr(model.network, "solves", ("none",)))
    augment, augment_why = choose_augment(settings, preparation, model.task, target, len(train))
    check_recipe(model.network, recipe, len(train), settings.micro_batches, processes, augment)
    layers = summarize(
        model.network, preparation.input_shape, categories=preparation.categories, example=example
    )
    machine, machine_why = _machine(settings, layers, recipe, processes)
    model.network.to(machine.device)
    plan = Plan(
        model, source, columns, split, recipe, machine,
        *_choose_metric(settings, model.task, target),
        patience=default_patience(recipe[-1]) if settings.patience is None else settings.patience,
        layers=layers,
        seed=seed,
        micro_batches=settings.micro_batches,
        augment=augment,
        augment_why=augment_why,
        prevalence=settings.prevalence,
        threshold=rule_for(settings, model.task),
        no_rows=settings.no_rows,
        departures=tuple(getattr(kind, "departures", ()) if settings.recipe == "historic" else ()),
    )  # fmt: skip
    plan.choices.extend(choices(plan, why, fitted, machine_why, settings))
    if settings.pretrained:
        name = published_name(network, options)
        outputs = output_size(model.task, target, preparation)
        plan.choices.append(Choice("pretrained", *pretrained_in_words(name, outputs)))
        if settings.recipe not in GOING_ON:
            plan.choices.append(Choice("", GENTLER))
    return plan


def _network_for_encoding(settings: Any) -> Any:
    """The class that decides how categories arrive; tables go to an MLP unless one is named."""
    if settings.network != "auto":
        return settings.network
    return "autoencoder" if learns_without_labels(settings) else "mlp"


def _inputs_as(settings: Any, kind: type | None) -> str:
    """The scale of the inputs: that of published weights, or the one that the network asks for."""
    if settings.pretrained:
        return inputs_as_published(settings.network)
    return getattr(kind or settings.network, "inputs_as", "standard")


def _choose_network(
    settings: Any, preparation: Preparation, rows: int, target: Target
) -> tuple[Any, dict[str, Any], str]:
    given = dict(settings.network_options or {})
    known = {"categories": "--data.categorical NAME,NAME", "vocabulary": "--data.vocabulary NUMBER"}
    for name in known:
        if name in given and isinstance(settings.network, str):
            raise SettingsError(
                f"Option {name} of the network is counted in the data, not given. To change it, "
                f"use {known[name]}."
            )
    name, why = settings.network, "as asked"
    chosen: dict[str, Any] = {}
    if isinstance(name, str) and name == "auto":
        choose = auto_network_without_labels if learns_without_labels(settings) else (
            auto_network)  # fmt: skip
        if preparation.form in FORM_NETWORKS:
            name, why = network_of_form(preparation.form, target)
        else:
            name, chosen, why = choose(
                preparation.input_shape, rows, preparation.categories, target
            )
    if settings.recipe == "historic":
        chosen |= getattr(class_of(name), "historic_options", {})
    of_data = preparation.network_options
    chosen |= {option: value for option, value in of_data.items() if accepts(name, option)}
    check_takes(name, preparation.form)
    return name, {**chosen, **given}, why


def _choose_task(settings, network, target: Target, preparation: Preparation) -> Any:
    """The name of the task (or the object) and its options."""
    name = settings.task
    if isinstance(name, str) and name == "auto":
        name = default_task(target, class_of(network), preparation.form)
    options = dict(settings.task_options or {})
    if settings.class_weight is not None:
        options["class_weight"] = _class_weights(settings.class_weight, preparation, target)
    if options.get("adversarial"):
        ends = torch.stack(pixel_range(preparation))
        options.setdefault("adversarial_range", tuple(ends.flatten().tolist()))
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
    kind = class_of(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mixed(seed, 0))
        built = build_network(network, options, preparation, built_task, target)
    if settings.pretrained:
        start_from_published(built, published_name(network, options))
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
    counts = ("multiply_adds", "parameters")  # the first is 0 where a network cannot be followed
    each = max(sum(getattr(layer, name) for layer in layers) for name in counts)
    work = each * (64 if isinstance(size, str) else size)
    threads, threads_why = choose_threads(
        settings.threads, 3 * work, processes, settings.reproducible
    )
    return Machine(device, settings.precision, threads, processes), (device_why, threads_why)


def _first_source_line(kind: type) -> str:
    """The paper that a network's docstring names."""
    text = " ".join((kind.__doc__ or "").split())
    _, found, rest = text.partition("Source: ")
    return rest.split(". ")[0] + "." if found else ""
