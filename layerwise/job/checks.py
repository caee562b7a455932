"""Refuses settings that cannot be, before any data are read and before anything is written."""

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import torch

from layerwise.contracts import Batch, Recipe, Target
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.evaluate import undisturbed
from layerwise.evaluation.thresholds import read_rule
from layerwise.job.machine import check_precision
from layerwise.job.model import DTYPES, Model
from layerwise.job.pretrained import check_pretrained
from layerwise.networks import NETWORKS
from layerwise.tasks import TASKS

LEAST = {"epochs": 0, "steps": 1, "micro_batches": 1, "threads": 1, "patience": 0, "seed": 0,
         "repeats": 1, "folds": 2}  # fmt: skip
LARGEST_SEED = 2**32 - 1  # of numpy's and scikit-learn's generators
AMOUNTS = {  # name -> what it must be, in words and as a test
    "l1": ("a number, not negative", lambda value: value >= 0),
    "l2": ("a number, not negative", lambda value: value >= 0),
    "clip": ("a number above 0", lambda value: value > 0),
    "minutes": ("a number above 0", lambda value: value > 0),
    "validation_fraction": ("a number from 0 to below 1", lambda value: 0 <= value < 1),
    "test_fraction": ("a number from 0 to below 1", lambda value: 0 <= value < 1),
    "prevalence": ("a share above 0 and below 1", lambda value: 0 < value < 1),
    "abstain_below": ("a probability, from 0 to 1", lambda value: 0 <= value <= 1),
}
BASELINES = ("none", "fast", "all")


def check_settings(settings: Any) -> None:
    """Raise SettingsError for a number or a word among the flags of learning that cannot be.

    settings : a Learner
    """
    for name, least in LEAST.items():
        _check_whole(name, getattr(settings, name), least)
    if settings.seed > LARGEST_SEED:
        raise SettingsError(f"--seed must be at most {LARGEST_SEED}, got {settings.seed}.")
    for name, (must, fits) in AMOUNTS.items():
        value = getattr(settings, name)
        if value is not None and not (_is_number(value) and fits(value)):
            raise SettingsError(f"{_flag(name)} must be {must}, got {value!r}.")
    if settings.baselines not in BASELINES:
        raise SettingsError(
            f"There is no --baselines '{settings.baselines}'."
            f"{nearest(settings.baselines, BASELINES)}"
        )
    if settings.threshold is not None:
        read_rule(settings.threshold)
    check_precision(settings.precision, settings.reproducible)
    if settings.folds and settings.repeats > 1:
        raise SettingsError("--folds and --repeats are given together. Leave one of them out.")
    if settings.folds and settings.seal_test:
        raise SettingsError("--seal-test keeps test rows shut, but --folds judges all rows.")
    if settings.steps is not None and settings.epochs is not None:
        raise SettingsError(
            "--steps and --epochs both say how long to train. Leave one of them out."
        )
    check_pretrained(settings)
    _check_batch_size(settings.batch_size)
    _check_learning_rate(settings.learning_rate)


def check_closed_form(recipe: Recipe, target: Target, solves: tuple[str, ...]) -> None:
    """Raise SettingsError where least squares is asked for and the task is another one.

    solves : kinds of target that the network's own ``solve`` takes whatever the loss
    """
    for stage in recipe:
        if stage.optimizer != "closed_form":
            continue
        if target.kind in solves:
            continue
        loss = getattr(stage.task, "loss", "squared")
        numeric = target.kind in ("real", "count", "series")
        if not numeric or loss not in ("squared", "auto"):
            got = f"the loss {loss}" if numeric else "classes"
            raise SettingsError(
                "The closed form is least squares: it must have a numeric target and the squared "
                f"loss, got {got}. Choose another --optimizer, such as lbfgs."
            )


def check_answers(model: Model, example: Any = None) -> None:
    """Raise SettingsError where a person's own network or task cannot answer for two rows.

    example : the inputs of one row where they are no table, array or image; then nothing is asked
    """
    if example is not None and hasattr(model.task, "check_network"):
        with undisturbed(model.network), torch.no_grad():
            model.task.check_network(model.network, example)
    if example is not None or (model.network_name in NETWORKS and model.task_name in TASKS):
        return
    named = model.network_name or type(model.network).__name__
    numbers = torch.zeros(2, *model.preparation.input_shape, dtype=DTYPES[model.precision])
    codes = torch.zeros(2, len(model.preparation.categories), dtype=torch.int64)
    inputs = {"numbers": numbers, "codes": codes} if model.preparation.categories else numbers
    try:
        with undisturbed(model.network), torch.no_grad():
            outputs = model.task.outputs(model.network, Batch(inputs))
    except Exception as error:
        raise SettingsError(
            f"The network '{named}' fails on two rows of shape {tuple(numbers.shape[1:])}: "
            f"{type(error).__name__}: {error}. It must take (rows, *input_shape)."
        ) from error
    shape, target = tuple(getattr(outputs, "shape", ())), model.target
    columns = {"binary": 2, "classes": len(target.classes), "labels": len(target.names), "none": 1}
    wanted = (2, columns.get(target.kind, len(target.names)))
    if shape != wanted:
        raise SettingsError(
            f"The task's outputs for two rows must be of shape {wanted} for the target "
            f"{', '.join(target.names)}, got {shape} with the network '{named}'."
        )


def _check_whole(name: str, value: Any, least: int) -> None:
    if value is None and name not in ("micro_batches", "seed", "repeats"):
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise SettingsError(
            f"{_flag(name)} must be a whole number, at least {least}, got {value!r}."
        )


def _check_batch_size(size: Any) -> None:
    if size is None or size == "all":
        return
    if not isinstance(size, Integral) or size < 1:
        raise SettingsError(f"--batch-size must be a number of rows or 'all', got {size!r}.")


def _check_learning_rate(rates: Any) -> None:
    if rates is None:
        return
    for rate in rates.values() if isinstance(rates, Mapping) else [rates]:
        if not _is_number(rate) or rate < 0 or math.isinf(rate):
            raise SettingsError(f"--learning-rate must be a number, not negative, got {rate!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
