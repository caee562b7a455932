"""What a window shows of the past, and the constants that are learned from training times."""

import numpy as np

from layerwise.data.series import Series
from layerwise.data.series_times import moments_of

LONGEST_PERIOD = 400  # times, where the step says nothing
LEAST_CORRELATION = 0.1  # below which there is no period
LEAST_CYCLES = 2  # periods that training must hold


def times_seen(whole: Series, places: np.ndarray) -> np.ndarray:
    """Which times are in the windows that end at ``places`` or in their futures: (times,) bool."""
    edges = np.zeros(len(whole.times) + 1, np.int64)
    np.add.at(edges, np.maximum(places - whole.lookback + 1, 0), 1)
    np.add.at(edges, np.minimum(places + whole.horizon + 1, len(whole.times)), -1)
    return np.cumsum(edges[:-1]) > 0


def carried_forward(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Each missing value as the last one known before it in its run; NaN where there is none."""
    if not np.isnan(values).any():
        return values
    places = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, places), axis=0)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    own = (last >= 0) & (runs[np.maximum(last, 0)] == runs[:, None])
    return np.where(own, found, np.nan)


def since_before(whole: Series) -> np.ndarray:
    """log(1 + steps since the row before), (times,), with the median step as one; 0 at a start."""
    gaps = np.diff(whole.times, prepend=whole.times[:1])
    first = np.diff(whole.numbers, prepend=whole.numbers[:1] - 1) != 0
    step = whole.step.size if whole.step.size > 0 and whole.step.unit != "months" else 1.0
    return np.log1p(np.where(first, 0.0, np.maximum(gaps, 0.0)) / step)


def calendar_of(times: np.ndarray) -> np.ndarray:
    """Hour, weekday and month as sines and cosines, (times, 6), so that December meets January."""
    moments = moments_of(times)
    hours = np.asarray(moments.hour) + np.asarray(moments.minute) / 60
    turns = (hours / 24, np.asarray(moments.day_of_week) / 7, (np.asarray(moments.month) - 1) / 12)
    waves = [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=1)


def mean_and_scale(
    values: np.ndarray, seen: np.ndarray, inputs_as: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation, (channels,) each, of the times that training saw.

    inputs_as : "standard"; "unit": least value and range
    """
    some = values[seen]
    empty = np.isnan(some).all(axis=0)
    some = np.where(empty, 0.0, some)
    if inputs_as == "unit":
        mean = np.nanmin(some, axis=0)
        scale = np.nanmax(some, axis=0) - mean
    else:
        mean, scale = np.nanmean(some, axis=0), np.nanstd(some, axis=0)
    return mean, np.where(scale > 1e-12 * np.abs(mean), scale, 1.0)


def naive_errors(whole: Series, seen: np.ndarray) -> np.ndarray:
    """Mean step of each target from one training time to the next, (targets,).

    The error of the naive forecast in training, by which MASE is scaled (Hyndman and Koehler 2006,
    "Another look at measures of forecast accuracy", equation for q_t). NaN where it is 0.
    """
    values = whole.channel(whole.targets)
    after = seen[1:] & seen[:-1] & (np.diff(whole.step.runs) == 0)
    steps = np.abs(np.diff(values, axis=0))[after]
    known = np.isfinite(steps).sum(axis=0)
    mean = np.nansum(steps, axis=0) / np.maximum(known, 1)
    return np.where(mean > 0, mean, np.nan)


def choose_period(whole: Series, seen: np.ndarray) -> int | None:
    """Times after which the targets resemble themselves most, from training times; None if at none.

    The lag of the largest autocorrelation, over all targets and without their linear trend, among
    those usual for the step (24 and 168 hours, 7 and 365 days, 12 months, ...), or among all up to
    400 where the step is none of these.
    """
    longest = _longest_stretch(whole, seen)
    most = len(longest) // LEAST_CYCLES
    usual = [lag for lag in whole.step.periods if lag <= most]
    series = _without_trend(longest)
    lags = usual if whole.step.periods else range(2, min(LONGEST_PERIOD, most) + 1)
    found = {lag: _autocorrelation(series, lag) for lag in lags}
    if not whole.step.periods:  # a peak, not the slope down from lag 0
        found = {
            lag: value
            for lag, value in found.items()
            if value > found.get(lag - 1, np.inf) and value >= found.get(lag + 1, np.inf)
        }
    best = max(found, key=lambda lag: found[lag], default=None)
    return best if best is not None and found[best] >= LEAST_CORRELATION else None


def _longest_stretch(whole: Series, seen: np.ndarray) -> np.ndarray:
    """The longest run of training times without a gap, missing values carried, (times, targets)."""
    counts = np.bincount(whole.step.runs[seen])
    chosen = seen & (whole.step.runs == int(np.argmax(counts)))
    values = carried_forward(whole.channel(whole.targets), whole.step.runs)[chosen]
    return values[np.isfinite(values).all(axis=1)]


def _without_trend(values: np.ndarray) -> np.ndarray:
    if len(values) < 2:
        return values
    line = np.stack([np.ones(len(values)), np.linspace(-1, 1, len(values))], axis=1)
    return values - line @ np.linalg.lstsq(line, values, rcond=None)[0]


def _autocorrelation(values: np.ndarray, lag: int) -> float:
    """Mean over the targets of the correlation with the values so many times before."""
    total = (values**2).mean(axis=0)
    product = (values[lag:] * values[:-lag]).mean(axis=0)
    return float(np.mean(product[total > 0] / total[total > 0])) if (total > 0).any() else 0.0
