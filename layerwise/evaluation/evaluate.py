"""What a network says about every row, and the one predictions table that all numbers come from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from pandas import DataFrame, Series
from torch import Tensor, nn

from layerwise.contracts import Batch, Dataset, Target, Task
from layerwise.metrics import column_names
from layerwise.metrics.beside import field_columns

BATCH_SIZE = 1024  # rows at a time


@torch.no_grad()
def predict(
    network: nn.Module, task: Task, dataset: Dataset, *, batch_size: int | None = None
) -> Tensor:
    """Give the task's outputs for all rows of ``dataset`` in order; (rows, ...), on the CPU.

    A task whose rows are large says how many go together in ``rows_at_once``.

    The network is in eval mode meanwhile. Its modules' modes and torch's generators are
    afterwards as they were. No rows give an empty tensor.
    """
    device = device_of(network)
    batch_size = batch_size or getattr(task, "rows_at_once", BATCH_SIZE)
    with undisturbed(network):
        outputs = [
            task.outputs(network, on_device(dataset.batch(rows), device)).cpu()
            for rows in torch.arange(len(dataset)).split(batch_size)
            if len(rows)
        ]
    return torch.cat(outputs) if outputs else torch.empty(0)


@torch.no_grad()
def mean_loss(
    network: nn.Module, task: Task, dataset: Dataset, *, batch_size: int | None = None
) -> float:
    """Give the mean of the task's first loss over all rows, the network in eval mode."""
    device, total, terms = device_of(network), 0.0, 0.0
    batch_size = batch_size or getattr(task, "rows_at_once", 256)
    with undisturbed(network):
        for rows in torch.arange(len(dataset)).split(batch_size):
            loss = next(iter(task.losses(network, on_device(dataset.batch(rows), device))))
            total += float(loss.value) * float(loss.terms)
            terms += float(loss.terms)
    return total / terms if terms else float("nan")


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Hold the network in eval mode; put modes and torch's generators back at the end."""
    modes = [(module, module.training) for module in network.modules()]
    device = device_of(network)
    accelerators = [] if device.type == "cpu" else [device]
    kind = "cuda" if device.type == "cpu" else device.type
    try:
        with torch.random.fork_rng(devices=accelerators, device_type=kind):
            network.eval()
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def device_of(network: nn.Module) -> torch.device:
    """Give the device of a network's first parameter or buffer; the CPU where it has none."""
    for tensor in (*network.parameters(), *network.buffers()):
        return tensor.device
    return torch.device("cpu")


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Give the same batch with all its tensors on ``device``."""

    def move(value):
        if isinstance(value, dict):
            return {name: tensor.to(device) for name, tensor in value.items()}
        return value.to(device) if isinstance(value, Tensor) else value

    return replace(
        batch,
        inputs=move(batch.inputs),
        targets=move(batch.targets),
        weight=move(batch.weight),
        done=move(batch.done),
        keys=move(batch.keys),
    )


def predictions_table(
    target: Target,
    truth,
    scores,
    *,
    rows,
    split,
    fold: int = 0,
    key=None,
    weight=None,
    group=None,
    carried: Mapping[str, object] | None = None,
) -> DataFrame:
    """Give the predictions table: the source of every number that is reported.

    Parameters
    ----------
    target : Target
        Names the truth and score columns.
    truth : array or tensor or None
        Class codes (rows,), negative or NaN where missing; labels (rows, labels) of 0 and 1;
        count and real (rows, targets) or (rows,), in the target's units. None: not known.
    scores : array or tensor
        Probabilities (rows, classes or labels), for binary also (rows,) or (rows, 1) of the
        positive class; count and real (rows, targets) or (rows,).
    rows : array
        Row numbers in the source, (rows,).
    split : str or array
        "train", "validation" or "test", one for all or (rows,).
    key, weight, group : array or None
        Columns with those roles, (rows,).
    carried : dict
        Columns that come out with the predictions.

    Returns
    -------
    DataFrame
        Columns row, key, split, fold, truth (the class as text, a number, or ``truth:NAME`` per
        label or target), ``score`` or ``score:NAME``, weight, group, ``carry:NAME``. Columns that
        nobody gave are absent.
    """
    columns: dict[str, object] = {"row": _array(rows)}
    if key is not None:
        columns["key"] = _array(key)
    columns |= {"split": split, "fold": fold}
    if truth is not None:
        columns |= _truth_columns(target, _array(truth))
    columns |= _columns(target, "score", _full_scores(target, _array(scores)))
    for name, column in (("weight", weight), ("group", group)):
        if column is not None:
            columns[name] = _array(column)
    columns |= {f"carry:{name}": _array(column) for name, column in (carried or {}).items()}
    return DataFrame(columns)


def _truth_columns(target: Target, truth: np.ndarray) -> Mapping[str, object]:
    if target.kind not in ("binary", "classes"):
        return _columns(target, "truth", truth)
    codes = np.nan_to_num(truth.reshape(-1).astype(float), nan=-1).astype(np.int64)
    texts = np.array([*target.classes, None], dtype=object)  # a code of -1 finds None
    return {"truth": Series(texts[np.maximum(codes, -1)], dtype="str")}


def _columns(target: Target, stem: str, values: np.ndarray) -> Mapping[str, object]:
    names = column_names(target, stem)
    if target.kind == "field":
        return field_columns(names, values)
    return _matrix_columns(names, values)


def _matrix_columns(names: list[str], values: np.ndarray) -> dict[str, object]:
    values = values.reshape(len(values), -1)
    assert values.shape[1] == len(names), f"{values.shape[1]} columns for {names}"
    return {name: values[:, column] for column, name in enumerate(names)}


def _full_scores(target: Target, scores: np.ndarray) -> np.ndarray:
    """Give the probabilities of both classes where only the positive one's were given."""
    scores = scores.reshape(len(scores), -1)
    if target.kind == "binary" and scores.shape[1] == 1:
        return np.concatenate([1 - scores, scores], axis=1)
    return scores


def _array(values) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)
