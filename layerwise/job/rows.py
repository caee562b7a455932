"""Which rows there are, what their columns are for, and which of them are learned from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.dividing import PARTS, TRAIN
from layerwise.data.roles import Roles, assign_roles
from layerwise.data.shaping import shaped, target_of_form
from layerwise.data.source import Source, several
from layerwise.data.split import Split
from layerwise.data.target import describe_target, drop_missing_target, encode_target
from layerwise.errors import DataError
from layerwise.networks import network_class
from layerwise.tasks import FORM_TASKS, kinds_of, task_class


def read_source(
    settings: Any, data: Any, wanted: Mapping[str, Any], tokens: str | None = None
) -> tuple[Source, Roles]:
    """The rows, without those that lack a target, and the roles of their columns.

    tokens : what a text is made of, where an earlier run decides it
    """
    options = settings.data_options
    source = read(
        data,
        options=options if tokens is None else {**(options or {}), "tokens": tokens},
        target=wanted.get("target"),
        validation=wanted.get("validation"),
        test=wanted.get("test"),
        targets=wanted.get("targets"),
        key=wanted.get("key"),
    )
    source = shaped(source, getattr(named_task(settings), "form", ""), wanted)
    named = wanted.get("target")
    by_name = named is None or isinstance(named, (str, list, tuple))
    others = ("key", "group", "time", "weight", "carry", "ignore")
    columns: dict[str, Any] = {role: wanted.get(role) or source.roles.get(role) for role in others}
    if source.roles.get("carry") in [wanted.get(role) for role in others]:
        columns["carry"] = wanted.get("carry")  # what the user wants of the column comes first
    kinds = kinds_of(_task_of(settings, source, named))
    if target_of_form(source) is not None:
        roles = assign_roles(source, target=(), **columns)
    elif "none" not in kinds:
        roles = assign_roles(source, target=named if by_name else None, **columns)
    elif named is not None and by_name and kinds != ("none",):
        roles = assign_roles(source, target=named, **columns)
    else:  # the labels, if there are any, come out beside what is learned without them
        roles = assign_roles(source, target=(), **columns)
        beside = several(named if by_name else None, list(source.frame.columns)) or source.target
        free = tuple(name for name in beside if name not in roles.reserved())
        roles = replace(roles, carry=(*roles.carry, *free))
    return drop_missing_target(source, roles), roles


def target_of(source: Source, roles: Roles, settings: Any) -> Target:
    """What is to be predicted: by its form, or by its column."""
    task = kind_of_task(settings)
    brought = target_of_form(source)
    if brought is not None:
        return brought
    return describe_target(source, roles, task=task, positive=settings.positive)


def _task_of(settings: Any, source: Source, target: Any) -> Any:
    """The task that is named, or the one that the form of the data asks for without a target."""
    named = named_task(settings)
    unlabelled = target is None and not source.target and source.form in FORM_TASKS
    return task_class(FORM_TASKS[source.form]) if named is None and unlabelled else named


def named_task(settings: Any) -> Any:
    """The task (its class, or the object) that is named or that the network names; else None."""
    task = settings.task
    if isinstance(task, str) and task == "auto":
        task = getattr(class_of(settings.network) or settings.network, "task", None)
    return task_class(task) if isinstance(task, str) else task


def learns_without_labels(settings: Any) -> bool:
    """Whether the task that is named, or that the network names, can do without a target."""
    return "none" in kinds_of(named_task(settings))


def trains_on_normal_rows(settings: Any, target: Target) -> bool:
    """Whether the labels tell anomalies, from which nothing is to be learned."""
    return target.kind == "binary" and getattr(named_task(settings), "learns_normal_rows", False)


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


def kind_of_task(settings: Any) -> str | None:
    """What decides the kind of the target; the Poisson loss asks for counts."""
    loss = (settings.task_options or {}).get("loss")
    if loss == "poisson" and settings.task in ("auto", "regress"):
        return "count"
    return settings.task if isinstance(settings.task, str) and settings.task != "auto" else None


def class_of(network: Any) -> type | None:
    """The class behind a name; None for "auto" and for an object."""
    if isinstance(network, str):
        return None if network == "auto" else network_class(network)
    return network if isinstance(network, type) else None
