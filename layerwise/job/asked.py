"""What a trained network makes when it is asked: samples, walks through codes, recall."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.data.cells import as_label
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError, nearest
from layerwise.evaluation.evaluate import undisturbed
from layerwise.evaluation.generation import generate
from layerwise.evaluation.latent import attribute_vector, interpolation, latent_scan
from layerwise.evaluation.recall import corrupt, overlaps
from layerwise.evaluation.sample_quality import frechet_distance, precision_recall
from layerwise.evaluation.specimens import draw
from layerwise.job.model import Model

AT_ONCE = 1024  # rows


def fields(model: Model, source: Source) -> Any:
    """The fine fields of a source as an xarray Dataset, on the grid of the target."""
    from layerwise.data.grid_writing import as_dataset  # needs xarray

    return as_dataset(model.answer(source), source.whole, model.preparation)


def masks(model: Model, source: Source, options: dict) -> Iterator[tuple[str, np.ndarray]]:
    """File and predicted mask of each image, in its own size, with the values of the masks."""
    from layerwise.data.mask_pixels import drawn  # loads Pillow

    codes, frame, options = model.answer(source), source.frame, {**options, **source.options}
    named = frame["file"] if "file" in frame else frame.index  # noqa: SIM401 - types
    sizes = frame[["height", "width"]].to_numpy()
    return (
        (str(name), drawn(mask, tuple(size), options))
        for name, mask, size in zip(named, codes, sizes, strict=True)
    )


@dataclass(frozen=True)
class Recall:
    """How a memory completes one corrupted pattern.

    pattern : (*input_shape) as it was given, -1 and +1
    states : (steps, *input_shape), the corrupted one first, then after each unit that changed
    energies : (steps,), of the states; never rising
    overlap : agreement of the last state with the pattern, 1 for the same
    """

    pattern: np.ndarray
    states: np.ndarray
    energies: np.ndarray
    overlap: float


def examples(model: Model, count: int, seed: int) -> np.ndarray:
    """New examples (count, ...) in the units of the data; SettingsError where it draws none."""
    if not hasattr(model.network, "sample"):
        raise SettingsError(
            f"The network {type(model.network).__name__} draws no examples. "
            "Fit one that does: vae, gan, dcgan, rbm, dbn or boltzmann."
        )
    if count < 1:
        raise SettingsError(f"--count must be a whole number, at least 1, got {count}.")
    return _in_units(model, draw(model.network, count, seed))


def text(
    model: Model, prompt: str, count: int, length: int, how: tuple[float, int], seed: int
) -> Iterator[str]:
    """Texts of a language model, each after the prompt; pieces of them as they come.

    how : temperature, and the number of likeliest tokens that are drawn from (0: all)
    """
    if count < 1:
        raise SettingsError(f"--count must be a whole number, at least 1, got {count}.")
    for number in range(count):
        pieces = generate(
            model.network, model.preparation, prompt, length=length, temperature=how[0],
            top_k=how[1], seed=seed + number,
        )  # fmt: skip
        yield "\n" * bool(number) + prompt
        yield from pieces


def scan(model: Model, steps: int) -> np.ndarray:
    """What the decoder makes of a square of codes, (steps x steps, ...) row by row."""
    _needs(model, "decode")
    with undisturbed(model.network):
        return _in_units(model, latent_scan(model.network, steps).flatten(0, 1))


def between(model: Model, source: Source, pair: str, steps: int) -> np.ndarray:
    """What lies between the codes of two rows of a source, "3,17"; (steps, ...)."""
    _needs(model, "decode")
    last = len(source.frame) - 1
    rows = [int(word) if word.strip().isdecimal() else -1 for word in str(pair).split(",")]
    if len(rows) != 2 or not all(0 <= row <= last for row in rows):
        raise SettingsError(
            f"--between must be two row numbers from 0 to {last}, such as 0,1; got '{pair}'."
        )
    inputs: Any = model.dataset(source.take(np.array(rows))).batch(slice(0, 2)).inputs
    one, other = inputs
    with undisturbed(model.network):
        return _in_units(model, interpolation(model.network, one, other, steps))


def with_attribute(model: Model, source: Source, attribute: str, count: int) -> np.ndarray:
    """Rows that lack an attribute, as they come back and with its vector added, in turn.

    attribute : "COLUMN=VALUE"
    returns : (2 x count, ...): without, with, without, with, ...
    """
    _needs(model, "decode")
    column, _, value = attribute.partition("=")
    if column not in source.frame.columns or not value:
        raise SettingsError(
            f"--attribute must be COLUMN=VALUE, got '{attribute}'."
            f"{nearest(column, list(source.frame.columns))}"
        )
    has = torch.tensor([as_label(found) == value for found in source.frame[column].tolist()])
    network: Any = model.network
    inputs = model.dataset(source).batch(slice(0, len(source.frame))).inputs
    if not isinstance(inputs, Tensor):
        raise DataError("An attribute needs inputs that are one tensor of numbers.")
    with undisturbed(network), torch.no_grad():
        step = attribute_vector(network, inputs, has)
        codes = network.encode(inputs[~has][:count])
        pairs = torch.stack([network.decode(codes), network.decode(codes + step)], dim=1)
    return _in_units(model, pairs.flatten(0, 1))


def recalls(model: Model, source: Source, rows: int, share: float, seed: int) -> list[Recall]:
    """Corrupt the first rows of a source and let the memory complete them.

    share : of the units of each row that are turned over
    """
    network: Any = model.network
    if not hasattr(network, "recall_steps"):
        raise SettingsError(
            f"The network {type(network).__name__} recalls nothing. Fit one with "
            "--network hopfield."
        )
    if rows < 1:
        raise SettingsError(f"--count must be a whole number, at least 1, got {rows}.")
    some = source.take(np.arange(min(rows, len(source.frame))))
    patterns: Any = model.dataset(some).batch(slice(0, len(some.frame))).inputs
    torch.manual_seed(seed)
    found = []
    for pattern in patterns.split(1):
        steps = list(network.recall_steps(corrupt(pattern, share)))
        states = torch.cat([states for states, _ in steps])
        energies = torch.cat([energy for _, energy in steps])
        overlap = float(overlaps(states[-1:], pattern))
        found.append(Recall(pattern[0].numpy(), states.numpy(), energies.numpy(), overlap))
    return found


def quality(model: Model, judge: Model, real: Source, drawn: np.ndarray) -> dict[str, Any]:
    """How samples look to a classifier: distances in its last hidden layer, shares of classes.

    judge : a classifier that was trained on such rows
    real : rows that neither network learned from
    drawn : (rows, ...), in the units of the data
    """
    some = real.take(np.arange(min(len(real.frame), len(drawn))))
    as_rows = Source("samples", some.frame.iloc[:0], inputs=drawn.astype(some.inputs.dtype)) if (
        some.inputs is not None) else None  # fmt: skip
    if as_rows is None:
        raise DataError("Samples are judged by a classifier of images or arrays, not of tables.")
    made = judge.preparation.inputs(as_rows)
    seen, shares = _seen(judge, made), _shares(judge, made)
    held = _seen(judge, judge.preparation.inputs(some))
    spread = precision_recall(held, seen)
    return {
        "frechet_distance": frechet_distance(held, seen),
        "precision": spread.precision,
        "recall": spread.recall,
        "rows": len(held),
        "classes": shares,
    }


def _seen(judge: Model, inputs: Any) -> np.ndarray:
    """What the last linear layer of a classifier is given, (rows, features) float64."""
    last = [one for one in judge.network.modules() if isinstance(one, torch.nn.Linear)][-1]
    kept: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _, given: kept.append(given[0].cpu()))
    try:
        with undisturbed(judge.network), torch.no_grad():
            for block in inputs.split(AT_ONCE):
                judge.network(block.to(judge.device))
    finally:
        handle.remove()
    return torch.cat(kept).double().numpy()


def _shares(judge: Model, inputs: Any) -> dict[str, float]:
    """Share of the rows that the classifier takes for each class."""
    called = judge.scores(inputs).argmax(axis=1)
    counts = np.bincount(called, minlength=len(judge.target.classes))
    return dict(zip(judge.target.classes, (counts / len(called)).tolist(), strict=True))


def _needs(model: Model, method: str) -> None:
    if not hasattr(model.network, method):
        raise SettingsError(
            f"The network {type(model.network).__name__} has no codes to walk through. "
            "Fit an autoencoder or a vae."
        )


def _in_units(model: Model, made: Tensor) -> np.ndarray:
    shaped = made.detach().cpu().reshape(len(made), *model.preparation.input_shape)
    return model.preparation.in_original_units(shaped).numpy()
