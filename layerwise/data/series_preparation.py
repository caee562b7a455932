"""Preparation of series: standardized windows, with constants that training windows decide."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.dividing import scramble
from layerwise.data.roles import Roles, load_roles
from layerwise.data.series import Series, output_names
from layerwise.data.series_inputs import (
    calendar_of,
    carried_forward,
    choose_period,
    mean_and_scale,
    naive_errors,
    since_before,
    times_seen,
)
from layerwise.data.series_times import later
from layerwise.data.source import Source, counted
from layerwise.data.window_dataset import WindowDataset
from layerwise.errors import DataError

BLOCK_HORIZONS = 2  # errors less than a horizon apart share times: blocks of two are near enough
MIXED = np.uint64(0x9E3779B97F4A7C15)  # odd, so that powers of it never vanish modulo 2^64


class SeriesPreparation:
    """The one way from series to windows, in training and in prediction.

    Channels of a window: the targets, the exogenous columns, a mark for each column that lacked
    values in training (1 where the value was carried forward), for irregular times the time since
    the row before, and with ``calendar`` hour, weekday and month as sines and cosines, at each time
    and, where times are regular, one horizon later: all times to be forecast are among these.

    ``content`` (JSON) says what is done; ``tensors`` holds the constants. ``fit`` makes one.
    """

    form = "series"
    categories: tuple[int, ...] = ()
    class_weights = None
    encodings = ()

    def __init__(self, content: dict, tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.roles = load_roles(content["roles"])
        self.target = Target("series", tuple(content["target"]["names"]))
        self.targets: tuple[str, ...] = tuple(content["targets"])
        self.lookback: int = content["lookback"]
        self.horizon: int = content["horizon"]
        self.period: int | None = content["period"]

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
    ) -> SeriesPreparation:
        """Learn every constant from the windows of the training rows and from what follows them.

        Raises DataError where there are no training rows, or where all targets are constant.
        """
        whole: Series = source.whole
        if not len(rows):
            raise DataError("There are no training windows. Give smaller fractions or more rows.")
        seen = times_seen(whole, np.asarray(source.inputs)[rows])
        names = [*whole.targets, *whole.exogenous]
        values = whole.channel(names)
        _some_change(whole, seen)
        marked = [n for n in names if np.isnan(whole.channel([n])[seen]).any()]
        content = {
            "targets": list(whole.targets), "exogenous": list(whole.exogenous), "marked": marked,
            "lookback": whole.lookback, "horizon": whole.horizon, "calendar": whole.calendar,
            "is_regular": whole.is_regular, "step": whole.step.size, "unit": whole.step.unit,
            "dates": whole.dates, "zone": whole.zone, "period": choose_period(whole, seen),
        }  # fmt: skip
        mean, scale = mean_and_scale(values, seen, inputs_as)
        gap, spread = mean_and_scale(since_before(whole)[:, None], seen, "standard")
        deviation = mean_and_scale(whole.channel(whole.targets), seen, "standard")[1]
        constants = {
            "mean": mean, "scale": scale, "gap_mean": gap, "gap_scale": spread,
            "deviation": deviation, "naive_error": naive_errors(whole, seen),
        }  # fmt: skip
        tensors = {name: torch.from_numpy(array) for name, array in constants.items()}
        fitted = {"split": "train", "rows": len(rows), "times": int(seen.sum())}
        outputs = output_names(whole.targets, whole.horizon)
        content |= {
            "columns": [],
            "roles": asdict(roles),
            "target": {"kind": "series", "names": list(outputs), "classes": [], "fitted": fitted},
            "inputs": {
                "form": "series", "shape": [], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted,
            },
        }  # fmt: skip
        made = cls(content, tensors)
        content["inputs"]["shape"] = list(made.input_shape)
        return made

    def to_json(self) -> dict:
        """What is done with the series, and how many training windows each constant saw."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        return dict(self._tensors)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each channel of a window is called."""
        content = self.content
        names = [*content["targets"], *content["exogenous"]]
        names += [f"{name} is missing" for name in content["marked"]]
        names += [] if content["is_regular"] else ["time since the row before"]
        if content["calendar"]:
            turns = [f"{what} {wave}" for what in ("hour", "weekday", "month")
                     for wave in ("sine", "cosine")]  # fmt: skip
            names += turns
            names += [f"{turn} one horizon later" for turn in turns if content["is_regular"]]
        return tuple(names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(lookback, channels)."""
        return self.lookback, len(self.feature_names)

    @property
    def network_options(self) -> dict[str, Any]:
        """How many of the channels, the first ones, are forecast."""
        return {"variables": len(self.targets)}

    def dataset(self, source: Source) -> WindowDataset:
        """One window per row of the source, gathered when a batch is taken."""
        whole: Series = source.whole
        places = torch.from_numpy(np.asarray(source.inputs, dtype=np.int64))
        targets = (whole.channel(self.targets) - self._target("mean")) / self._target("scale")
        window, future = whole.has_window(self.lookback), self._has_future(whole)
        return WindowDataset(
            torch.from_numpy(self._channels(whole)), torch.from_numpy(targets.astype(np.float32)),
            places, torch.from_numpy(window)[places], torch.from_numpy(future)[places],
            self.lookback, self.horizon,
        )  # fmt: skip

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """What comes after some rows, (rows, outputs) in the units of the data.

        NaN where it is not known, and where there is no whole window to forecast it from.
        """
        whole: Series = source.whole
        places = np.asarray(source.inputs)[rows]
        values = whole.channel(self.targets)
        ahead = places[:, None] + np.arange(1, self.horizon + 1)
        found = values[np.minimum(ahead, len(values) - 1)].transpose(0, 2, 1)
        judged = whole.has_window(self.lookback) & self._has_future(whole)
        found = np.where(judged[places][:, None, None], found, np.nan)
        return found.reshape(len(places), -1)

    def answerable(self, source: Source) -> np.ndarray:
        """Numbers of the rows that a forecast can be made for: those with a whole window."""
        return np.flatnonzero(source.whole.has_window(self.lookback)[np.asarray(source.inputs)])

    def groups(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Number of the block that a row is in, (rows,) int64.

        Windows overlap, so that neighbouring errors are alike: rows of one block (two horizons
        of one series, one after the other) are drawn together by the bootstrap.
        """
        whole: Series = source.whole
        places, length = np.asarray(source.inputs)[rows], BLOCK_HORIZONS * self.horizon
        block = (places - places.min(initial=len(whole.times))) // length
        return whole.numbers[places] * (len(whole.times) // length + 1) + block

    def beside(self) -> dict[str, float]:
        """What the metrics of forecasts need, as columns of the predictions table.

        "unit:OT": deviation of each target in training; "naive:OT": its mean step from one time
        to the next in training, the error of the naive forecast.
        """
        stems = {"unit": "deviation", "naive": "naive_error"}
        return {
            f"{stem}:{target}": value
            for stem, name in stems.items()
            for target, value in zip(self.targets, self._tensors[name].tolist(), strict=True)
        }

    def in_units(self, outputs: Tensor) -> Tensor:
        """Outputs (rows, outputs) or (rows, outputs, quantiles) in the units of the data."""
        shape = (1, -1) + (1,) * (outputs.ndim - 2)
        mean, scale = (
            torch.from_numpy(np.repeat(self._target(name), self.horizon)).to(outputs)
            for name in ("mean", "scale")
        )
        return outputs * scale.reshape(shape) + mean.reshape(shape)

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about series, compared with those of training, one sentence each.

        Raises DataError where a column is missing, the times are of another kind or zone, or no
        row has a whole window before it.
        """
        whole: Series = source.whole
        content = self.content
        lacking = [n for n in (*self.targets, *content["exogenous"]) if n not in whole.names]
        if lacking:
            raise DataError(
                f"{source.name} lacks the column '{lacking[0]}' that was there in training. "
                f"There are: {', '.join(whole.names)}."
            )
        self._check_times(source, whole)
        if not len(self.answerable(source)):
            longest = int(np.bincount(whole.step.runs).max(initial=0))
            raise DataError(
                f"A forecast sees the last {counted(self.lookback, 'time')} (lookback), but "
                f"{source.name} has no more than {longest} without a gap. Give more rows."
            )
        return tuple(self._oddities(whole))

    def _check_times(self, source: Source, whole: Series) -> None:
        content = self.content
        kinds = {True: "dates", False: "numbers"}
        if whole.dates != content["dates"]:
            raise DataError(
                f"The times of {source.name} are {kinds[whole.dates]}, those of training were "
                f"{kinds[content['dates']]}. Write them alike."
            )
        if whole.zone != content["zone"]:
            raise DataError(
                f"The times of {source.name} are in the time zone '{whole.zone or 'not written'}', "
                f"those of training in '{content['zone'] or 'not written'}'. Write them alike."
            )

    def _oddities(self, whole: Series) -> list[str]:
        content, found = self.content, []
        several_rows = len(whole.times) > len(whole.groups)
        trained = (content["step"], content["unit"], content["is_regular"])
        if several_rows and trained != (whole.step.size, whole.step.unit, whole.is_regular):
            now = whole.step.in_words() if whole.is_regular else "irregular"
            found.append(
                f"WARNING: the step between times is {now}, in training it was "
                f"{content['step']:g} {content['unit'] or 'as numbers'}"
                f"{'' if content['is_regular'] else ' (irregular)'}."
            )
        missing = [
            name
            for name in (*self.targets, *content["exogenous"])
            if name not in content["marked"] and np.isnan(whole.channel([name])).any()
        ]
        found += [f"'{n}' lacks values, in training it did not: carried forward." for n in missing]
        unanswered = len(whole.times) - int(whole.has_window(self.lookback).sum())
        if unanswered > (self.lookback - 1) * len(whole.groups):  # the first ones never have one
            found.append(
                f"{counted(unanswered, 'row')} of {len(whole.times):,} have no whole window of "
                f"{counted(self.lookback, 'time')} before them and get no forecast."
            )
        return found

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that its window decides, (rows,) uint64; 0 without a window."""
        whole: Series = source.whole
        values = whole.channel([*self.targets, *self.content["exogenous"]]) + 0.0
        values = np.where(np.isnan(values), np.nan, values)  # one kind of NaN
        each = np.zeros(len(values), np.uint64)
        for place, column in enumerate(values.T):
            each += scramble(np.ascontiguousarray(column).view(np.uint64), place)
        total = np.zeros(len(each), np.uint64)
        with np.errstate(over="ignore"):
            for back in range(min(self.lookback, len(each))):  # a polynomial in MIXED
                total[self.lookback - 1 :] *= MIXED
                total[self.lookback - 1 :] += each[back : len(each) - (self.lookback - 1 - back)]
        total = np.where(whole.has_window(self.lookback), scramble(total, 0), np.uint64(0))
        return total[np.asarray(source.inputs)]

    def fitted_in_words(self) -> dict[str, str]:
        """Channel -> its mean and scale, and the training times that they saw."""
        times = self.content["inputs"]["fitted"]["times"]
        names = [*self.targets, *self.content["exogenous"]]
        constants = (self._tensors[name].tolist() for name in ("mean", "scale"))
        pairs = zip(names, *constants, strict=True)
        return {
            name: f"mean {mean:.4g}, scale {scale:.4g}, from {times:,} training times"
            for name, mean, scale in pairs
        }

    def _target(self, name: str) -> np.ndarray:
        """A constant of the targets, (targets,) float64."""
        return self._tensors[name].numpy()[: len(self.targets)]

    def _has_future(self, whole: Series) -> np.ndarray:
        return whole.has_future(self.horizon, self.targets)

    def _channels(self, whole: Series) -> np.ndarray:
        """All channels of all times, (times, channels) float32, prepared."""
        content = self.content
        names = [*self.targets, *content["exogenous"]]
        values = whole.channel(names)
        carried = carried_forward(values, whole.step.runs)
        scaled = (carried - self._tensors["mean"].numpy()) / self._tensors["scale"].numpy()
        parts = [np.where(np.isnan(scaled), 0.0, scaled)]  # before the first value: the mean
        if content["marked"]:
            parts.append(np.isnan(whole.channel(content["marked"])).astype(np.float64))
        if not content["is_regular"]:
            gap, scale = self._tensors["gap_mean"].numpy(), self._tensors["gap_scale"].numpy()
            parts.append((since_before(whole)[:, None] - gap) / scale)
        if content["calendar"]:
            parts.append(calendar_of(whole.times))
            if content["is_regular"]:
                parts.append(calendar_of(later(whole.times, whole.step, self.horizon)))
        return np.concatenate(parts, axis=1).astype(np.float32)


def _some_change(whole: Series, seen: np.ndarray) -> None:
    """Raise where no target changes in training."""
    values = whole.channel(whole.targets)[seen]
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    if (low == high).all():
        raise DataError(
            f"The target '{whole.targets[0]}' is constant in training: always {low[0]:g}. There "
            "is nothing to forecast. Give another column with --target, or more rows."
        )
