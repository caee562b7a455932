"""Forecasts beside the truth for a few origins, and how the error grows with the time ahead."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.data.datasets import Rows
from layerwise.data.series import Series
from layerwise.data.series_preparation import SeriesPreparation
from layerwise.data.source import Source
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.series_baselines import last_value, seasonal

SHOWN_TARGETS = 3
SHOWN_PAST = 2  # horizons of the past that are drawn before a forecast
MOST_ROWS = 4000  # judged rows whose errors by time ahead are averaged
TABLE_ROWS = 12


def show(
    network: nn.Module,
    task: Any,
    preparation: SeriesPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Forecasts from the first, the middle and the last judged row, and the error by time ahead.

    Parameters
    ----------
    network, task, preparation
        Of the run. Where the task forecasts nothing there is nothing to show.
    source, rows
        All rows, and the numbers of the judged ones.
    seed : int
        Not needed: nothing here is drawn.

    Returns
    -------
    dict
        "sentences", "tables" with "title", "columns" and "rows", and "arrays", of at most three
        targets: "history" (origins, targets, times), "truth", "forecast", "low" and "high"
        (origins, targets, horizon) in the units of the data; "error" (methods, horizon): the
        network, the last value, and the value a season ago, in naive errors of training.
    """
    if not hasattr(task, "point") or not len(rows):
        return {"sentences": [], "tables": [], "arrays": {}}
    rows = np.asarray(rows)
    chosen = np.unique(rows[[0, len(rows) // 2, -1]])
    arrays = _forecasts(network, task, preparation, source, chosen)
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))]
    errors = _errors_ahead(network, task, preparation, source.take(some))
    arrays["error"] = np.stack(list(errors.values()))
    return {
        "sentences": _sentences(task, preparation, errors, chosen, source),
        "tables": [_table(errors)],
        "arrays": {name: array.astype(np.float32) for name, array in arrays.items()},
    }


def _forecasts(
    network: nn.Module, task: Any, preparation: SeriesPreparation, source: Source, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """What came before some origins, what came after, and what was said of it."""
    whole: Series = source.whole
    places, shown = np.asarray(source.inputs)[rows], preparation.targets[:SHOWN_TARGETS]
    some = source.take(rows)
    past = min(preparation.lookback, SHOWN_PAST * preparation.horizon)
    before = places[:, None] + np.arange(1 - past, 1)
    found = {"history": whole.channel(shown)[before].transpose(0, 2, 1)}
    outputs = _outputs(network, task, preparation, some)
    found["truth"] = _by_target(preparation.truth(some, np.arange(len(rows))), preparation)
    found["forecast"] = _by_target(task.point(outputs), preparation)
    quantiles = list(task.beside(outputs).values())
    if len(quantiles) > 1:
        found["low"] = _by_target(quantiles[0], preparation)
        found["high"] = _by_target(quantiles[-1], preparation)
    return found


def _errors_ahead(
    network: nn.Module, task: Any, preparation: SeriesPreparation, some: Source
) -> dict[str, np.ndarray]:
    """Mean absolute error at each time ahead, in naive errors: method -> (horizon,)."""
    count = len(preparation.targets)
    naive = preparation.tensors()["naive_error"].numpy()[:, None]
    truth = preparation.truth(some, np.arange(len(some.frame))).reshape(
        -1, count, preparation.horizon
    )
    said = {
        "network": task.point(_outputs(network, task, preparation, some)).numpy(),
        "last value": last_value(some, preparation),
    }
    if preparation.period is not None:
        said["a season ago"] = seasonal(some, preparation, preparation.period)
    found = {}
    for name, values in said.items():
        scaled = np.abs(values.reshape(truth.shape) - truth) / naive
        known = np.isfinite(scaled)
        total = np.where(known, scaled, 0.0).sum(axis=(0, 1))
        found[name] = total / np.maximum(known.sum(axis=(0, 1)), 1)
    return found


def _outputs(network: nn.Module, task: Any, preparation: SeriesPreparation, some: Source) -> Tensor:
    dtype = next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
    dataset = preparation.dataset(some).to(dtype)
    outputs = predict(network, task, Rows(dataset, torch.arange(len(dataset))))
    return preparation.in_units(outputs).double()


def _by_target(values: Any, preparation: SeriesPreparation) -> np.ndarray:
    """(rows, outputs) as (rows, shown targets, horizon)."""
    wide = np.asarray(values).reshape(len(values), -1, preparation.horizon)
    return wide[:, :SHOWN_TARGETS]


def _table(errors: dict[str, np.ndarray]) -> dict[str, Any]:
    horizon = len(next(iter(errors.values())))
    ahead = np.unique(np.linspace(1, horizon, min(horizon, TABLE_ROWS)).round().astype(int))
    rows = [[int(h), *(f"{error[h - 1]:.3f}" for error in errors.values())] for h in ahead]
    title = "Mean absolute error by time ahead, in naive errors of training (MASE)"
    return {"title": title, "columns": ["times ahead", *errors], "rows": rows}


def _sentences(
    task: Any,
    preparation: SeriesPreparation,
    errors: dict[str, np.ndarray],
    chosen: np.ndarray,
    source: Source,
) -> list[str]:
    time = source.roles.get("time")
    when = [str(source.frame[time].iloc[row]) for row in chosen] if time else []
    shown = ", ".join(preparation.targets[:SHOWN_TARGETS])
    said = [
        f"Drawn are forecasts of {shown} made at {', '.join(when)}: the first, the middle and the "
        "last judged row, whatever their quality."
    ]
    others = {name: error for name, error in errors.items() if name != "network"}
    best = min(others, key=lambda name: others[name].mean())
    beaten = int((errors["network"] < others[best]).sum())
    said.append(
        f"At {beaten} of {preparation.horizon} times ahead the network errs less than '{best}'."
    )
    if getattr(task, "quantiles", ()):
        low, high = task.quantiles[0], task.quantiles[-1]
        said.append(f"The band is from the quantile {low:g} to the quantile {high:g}.")
    return said
