"""Maps of fields beside the truth, where they are wrong, and how much of the detail they have."""

from typing import Any

import numpy as np
import torch
from torch import nn

from layerwise.data.datasets import Rows
from layerwise.data.grid_preparation import GridPreparation
from layerwise.data.source import Source
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.grid_baselines import interpolated

MOST_ROWS = 500  # judged rows whose errors and spectra are averaged
FEWEST_TIMES = 8  # from which a correlation over times means something
METHODS = ("bilinear", "bicubic", "corrected bicubic")


def show(
    network: nn.Module,
    task: Any,
    preparation: GridPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Maps of the first, the middle and the last judged row, of errors, and power spectra.

    Parameters
    ----------
    network, task, preparation
        Of the run. Where the task gives no fields there is nothing to show.
    source, rows
        All rows, and the numbers of the judged ones.
    seed : int
        Not needed: nothing here is drawn.

    Returns
    -------
    dict
        "sentences", "tables" with "title", "columns" and "rows", and "arrays", of the first target
        in the units of the data: "input" (times, h, w), "truth", "network", "interpolation"
        (times, H, W); "bias" and, for rows of one place, "correlation" over times (2, H, W), of the
        network and of the best interpolation; "power" (3, lengths) of truth, network and bicubic
        interpolation at "frequency" (lengths,), turns per cell; "y", "x", and "rises", whether rows
        go from south to north
    """
    if not len(rows) or source.whole.fine is None:
        return {"sentences": [], "tables": [], "arrays": {}}
    rows = np.asarray(rows)
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))]
    part = source.take(some)
    count = len(some)
    truth = preparation.truth(part, np.arange(count))[:, 0].reshape(count, *preparation.areas.shape)
    said = {"network": _network(network, task, preparation, part)}
    bicubic = interpolated(part, preparation, "bicubic")[:, 0]
    ways = {"bilinear": interpolated(part, preparation, "bilinear")[:, 0], "bicubic": bicubic}
    if preparation.fixed:
        ways["corrected bicubic"] = bicubic + preparation.tensors()["correction"].numpy()[0]
    errors = {name: root_mean_square(one - truth, preparation.areas) for name, one in ways.items()}
    best = min(errors, key=lambda name: errors[name])
    errors = {"network": root_mean_square(said["network"] - truth, preparation.areas)} | errors
    said["interpolation"] = ways[best]
    shown = np.unique([0, count // 2, count - 1])
    own = preparation.own[0]
    coarse = source.whole.coarse[np.asarray(part.inputs)[shown], max(own, 0)]
    arrays = {"input": coarse, "truth": truth[shown], "best": np.array([METHODS.index(best)])}
    arrays |= {name: one[shown] for name, one in said.items()}
    arrays |= _maps(said, truth, preparation.fixed)
    frequency, *power = spectra([truth, said["network"], bicubic])
    arrays |= {"frequency": frequency, "power": np.stack(power)}
    arrays |= {side.kind.lower(): side.values for side in preparation.fine_sides}
    y = preparation.fine_sides[0].values
    arrays["rises"] = np.array([preparation.fixed and y[-1] > y[0]])
    fine = _fine_detail(frequency, power, preparation)
    return {
        "sentences": _sentences(part, preparation, shown, best, fine),
        "tables": [_table(errors, preparation)],
        "arrays": {name: np.asarray(one, np.float32) for name, one in arrays.items()},
    }


def spectra(fields: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Radially averaged power of fields, each (rows, H, W) with NaN where missing.

    A Hann window takes the edges away; missing cells count as the mean. Power is the mean over
    rows and over rings of one step of the longest side's frequency.

    returns : frequency (lengths,) in turns per cell, then the power (lengths,) of each
    """
    height, width = fields[0].shape[1:]
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    rings = np.round(frequency * max(height, width)).astype(int)
    last = max(height, width) // 2
    counts = np.bincount(rings.ravel())[1 : last + 1]
    found = []
    for field in fields:
        anomaly = np.nan_to_num(field - np.nanmean(field, axis=(1, 2), keepdims=True))
        power = (np.abs(np.fft.fft2(anomaly * window)) ** 2).mean(axis=0)
        sums = np.bincount(rings.ravel(), weights=power.ravel())[1 : last + 1]
        found.append(sums / np.maximum(counts, 1))
    return np.arange(1, last + 1) / max(height, width), *found


def root_mean_square(error: np.ndarray, areas: np.ndarray) -> float:
    """Root of the mean square over rows and known cells by area."""
    known = np.isfinite(error) * areas
    return float(np.sqrt((np.nan_to_num(error) ** 2 * known).sum() / max(known.sum(), 1e-12)))


def _network(
    network: nn.Module, task: Any, preparation: GridPreparation, part: Source
) -> np.ndarray:
    dtype = next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
    dataset = preparation.dataset(part).to(dtype)
    outputs = predict(network, task, Rows(dataset, torch.arange(len(dataset))))
    return preparation.in_units(outputs).double().numpy()[:, 0]


def _maps(said: dict[str, np.ndarray], truth: np.ndarray, fixed: bool) -> dict[str, np.ndarray]:
    """The mean error of each cell, and where rows are of one place its correlation over times."""
    both = list(said.values())
    known = np.isfinite(truth)
    count = np.maximum(known.sum(axis=0), 1)
    never = ~known.any(axis=0)

    def over_rows(values: np.ndarray) -> np.ndarray:
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        return np.where(never, np.nan, mean)

    found = {"bias": np.stack([over_rows(one - truth) for one in both])}
    if fixed and len(truth) >= FEWEST_TIMES:
        around = truth - over_rows(truth)
        maps = []
        for one in both:
            moved = one - over_rows(one)
            power = over_rows(around**2) * over_rows(moved**2)
            maps.append(over_rows(around * moved) / np.sqrt(np.where(power > 0, power, np.nan)))
        found["correlation"] = np.stack(maps)
    return found


def _fine_detail(
    frequency: np.ndarray, power: list[np.ndarray], preparation: GridPreparation
) -> tuple[float, float]:
    """Share of the truth's power that network and bicubic have where the coarse grid has none."""
    ratio = len(preparation.fine_sides[0].values) / len(preparation.coarse_sides[0].values)
    fine = frequency > 0.5 / ratio
    total = power[0][fine].sum()
    if not fine.any() or total <= 0:
        return float("nan"), float("nan")
    return float(power[1][fine].sum() / total), float(power[2][fine].sum() / total)


def _table(errors: dict[str, float], preparation: GridPreparation) -> dict[str, Any]:
    name = preparation.targets[0]
    units = preparation.content["units"].get(name) or "units of the data"
    rows = [[method, f"{error:.4g}"] for method, error in errors.items()]
    return {
        "title": f"Root mean squared error of {name} by method, {units}",
        "columns": ["method", "error"],
        "rows": rows,
    }


def _sentences(
    part: Source,
    preparation: GridPreparation,
    shown: np.ndarray,
    best: str,
    fine: tuple[float, float],
) -> list[str]:
    time = part.roles.get("time")
    when = [str(part.frame[time].iloc[row]) for row in shown] if time else []
    which = f" ({', '.join(when)})" if when else ""
    said = [
        f"Drawn is {preparation.targets[0]} in the first, the middle and the last judged row"
        f"{which}, whatever their quality. Of the interpolations, {best} errs least."
    ]
    if np.isfinite(fine[0]):
        said.append(
            "At lengths that the coarse grid cannot hold (below two of its cells), the network's "
            f"fields have {fine[0]:.0%} of the truth's power, bicubic interpolation {fine[1]:.0%}."
        )
    return said
