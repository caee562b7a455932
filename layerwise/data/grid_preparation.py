"""Preparation of grids: interpolated coarse fields, and what fine fields have beyond them."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.grid_axes import Axis
from layerwise.data.grid_dataset import FieldDataset
from layerwise.data.grid_scales import axis_weights, nearest_filled
from layerwise.data.grids import Fields, areas_of
from layerwise.data.roles import Roles, load_roles, row_weights
from layerwise.data.source import Source, counted
from layerwise.errors import DataError

STILL = 1e-9  # deviation below which a field does not change
FORGOTTEN = 0.2  # correlation of errors below which two times are as good as independent
FEWEST_BLOCKS = 10  # of a part: from fewer, no interval can be told
USUAL_DEPTH = 4  # of a U-Net, which halves each side so often
AT_ONCE = 64  # rows that are interpolated together


class GridPreparation:
    """The one way from coarse and fine fields to batches, in training and in prediction.

    The network sees, on the fine grid: the coarse channels, interpolated (bicubic), less the
    mean of each cell in training where all rows are of one place, else less the mean of the row;
    numbers that have only times, the same everywhere; for rows of one place the means themselves,
    and what each fine cell had beyond the interpolation in the mean of training ("correction");
    a mark for each channel that had missing cells in training. It learns what the fine field has
    beyond the interpolation and its correction ("residual"), in deviations of that. Every constant
    is of training rows and known cells, weighted by area.

    ``content`` (JSON) says what is done; ``tensors`` holds the constants. ``fit`` makes one.
    """

    form = "grid"
    categories: tuple[int, ...] = ()
    class_weights = None
    encodings = ()

    def __init__(self, content: dict, tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.roles = load_roles(content["roles"])
        self.targets: tuple[str, ...] = tuple(content["target"]["names"])
        self.target = Target("field", self.targets)
        self.own: tuple[int, ...] = tuple(content["own"])
        self.coarse_sides = _sides(content["coarse_sides"])
        self.fine_sides = _sides(content["fine_sides"])
        self.fixed: bool = content["fixed"]
        self.areas = areas_of(self.fine_sides)

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
    ) -> GridPreparation:
        """Learn every constant from the training rows.

        Raises DataError where there are none, or where nothing changes in them.
        """
        whole: Fields = source.whole
        assert whole.fine is not None, "what is learned has fine fields"
        if not len(rows):
            raise DataError("There are no training rows. Give smaller fractions or more times.")
        places = np.asarray(source.inputs)[rows]
        fitted = {"split": "train", "rows": len(rows)}
        content: dict[str, Any] = {
            "channels": list(whole.channels), "scalars": list(whole.scalar_names),
            "variables": _variables((*whole.channels, *whole.scalar_names)),
            "target_variables": _variables(whole.targets),
            "own": list(whole.own), "units": dict(whole.units), "factor": whole.factor,
            "fixed": whole.fixed, "attributes": _plain(whole.attributes or {}),
            "coarse_sides": [side.to_json() for side in whole.coarse_sides],
            "fine_sides": [side.to_json() for side in whole.fine_sides],
            "marked": [
                place for place in range(len(whole.channels))
                if np.isnan(whole.coarse[places, place]).any()
            ],
            "columns": [], "roles": asdict(roles),
            "target": {
                "kind": "field", "names": list(whole.targets), "classes": [], "fitted": fitted,
            },
            "inputs": {
                "form": "grid", "shape": [], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted,
            },
        }  # fmt: skip
        mean, scale = _moments(whole.coarse[places], areas_of(whole.coarse_sides), whole.fixed)
        constants = {"mean": mean, "scale": scale}
        of_numbers = whole.scalars[places].astype(np.float64)
        spread = of_numbers.std(axis=0)
        constants["scalar_mean"] = of_numbers.mean(axis=0)
        constants["scalar_scale"] = np.where(spread > STILL, spread, 1.0)
        tensors = {name: torch.from_numpy(np.asarray(one)) for name, one in constants.items()}
        made = cls(content, tensors)
        made._fit_fine(source, rows)
        content["inputs"]["shape"] = list(made.input_shape)
        return made

    def _fit_fine(self, source: Source, rows: np.ndarray) -> None:
        """Constants of the fine fields and of what they have beyond their bases."""
        whole: Fields = source.whole
        assert whole.fine is not None
        places = np.asarray(source.inputs)[rows]
        truth = _Running(len(self.targets), self.areas)
        beyond = _Running(len(self.targets), self.areas)
        for some in _pieces(places):
            truth.add(whole.fine[some])
        everywhere = np.broadcast_to(truth.mean()[:, None, None], truth.shape)
        climate = truth.cells() if self.fixed else everywhere
        self._tensors["climate"] = torch.from_numpy(np.ascontiguousarray(climate))
        squares = []
        for some in _pieces(places):
            error = whole.fine[some] - self.interpolated(source, some, "bicubic")
            beyond.add(error)
            squares.append(_row_means(error**2, self.areas))
        correction = beyond.cells() if self.fixed else np.zeros(beyond.shape)
        scale = beyond.deviation_about(correction)
        if not (scale > STILL).any():
            raise DataError(
                f"In training the fine field of '{self.targets[0]}' has nothing beyond the "
                "interpolated coarse one: there is nothing to learn. Is it the same field?"
            )
        self._tensors["residual_scale"] = torch.from_numpy(np.where(scale > STILL, scale, 1.0))
        self._tensors["base_mean"] = torch.from_numpy(truth.mean())
        self._tensors["correction"] = torch.from_numpy(np.ascontiguousarray(correction))
        self.content["block"] = _block(np.concatenate(squares)) if self.fixed else 1

    def to_json(self) -> dict:
        """What is done with the fields, and how many training rows each constant saw."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        return dict(self._tensors)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each channel is called."""
        content = self.content
        names = [*content["channels"], *content["scalars"]]
        if self.fixed:
            names += [f"mean of {name}" for name in content["channels"]]
            names += [f"correction of {name}" for name in self.targets]
        return (*names, *(f"{content['channels'][place]} is known" for place in content["marked"]))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, H, W)."""
        return len(self.feature_names), *self.areas.shape

    @property
    def network_options(self) -> dict[str, Any]:
        """How often a U-Net halves the sides: until 4 to 7 cells are left, at most as usual."""
        fitting = min(self.areas.shape).bit_length() - 3
        return {"depth": max(1, fitting)} if fitting < USUAL_DEPTH else {}

    def dataset(self, source: Source) -> FieldDataset:
        """One pair of fields per row of the source, interpolated when a batch is taken."""
        whole: Fields = source.whole
        places = np.asarray(source.inputs)
        coarse = whole.coarse[places].astype(np.float64)
        marks = self.content["marked"]
        known = np.isfinite(coarse[:, marks])
        scale, residual = self._array("scale"), self._map("residual_scale")
        filled = nearest_filled(coarse - self._array("mean"))
        level = np.zeros(filled.shape[:2])
        if not self.fixed:
            level = (filled * areas_of(self.coarse_sides)).mean(axis=(2, 3))
        scalars = whole.scalars[places] - self._array("scalar_mean")
        fine = None
        if whole.fine is not None:
            fine = _floats((whole.fine[places] - self._map("base_mean")) / residual)
        base_scale, base_shift = self._base()
        down, across = (_floats(one) for one in self.weights("bicubic"))
        mark_down, mark_across = (_floats(one) for one in self.weights("bilinear"))
        return FieldDataset(
            _floats((filled - level[:, :, None, None]) / self._map("scale")), _floats(known),
            _floats(level / scale), _floats(scalars / self._array("scalar_scale")),
            _floats(self._static()),
            down, across, mark_down, mark_across,
            self.own, _floats(base_scale), _floats(base_shift), fine, _floats(self.areas),
        )  # fmt: skip

    def weights(self, method: str) -> tuple[np.ndarray, np.ndarray]:
        """Of an interpolation: what coarse rows and columns give to fine ones."""
        down, across = (
            axis_weights(one.values, other.values, method, around=one.is_round)
            for one, other in zip(self.coarse_sides, self.fine_sides, strict=True)
        )
        return down, across

    def interpolated(self, source: Source, places: np.ndarray, method: str) -> np.ndarray:
        """Each target from the coarse field, (rows, targets, H, W) in the units of the data.

        Where no channel is the same quantity: the mean field of training.
        places : numbers of rows in ``source.whole``
        """
        mean = self._array("mean")
        coarse = nearest_filled(source.whole.coarse[places] - mean) + mean
        down, across = self.weights(method)
        maps = down @ coarse @ across.T
        climate = self._array("climate")
        found = [
            maps[:, own] if own >= 0 else np.broadcast_to(climate[place], maps[:, 0].shape)
            for place, own in enumerate(self.own)
        ]
        return np.stack(found, axis=1)

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """The fine fields of some rows, (rows, targets, H x W) in the units of the data.

        NaN where it is not known, and for all targets of a cell where one is missing.
        """
        fine = source.whole.fine
        shape = (len(rows), len(self.targets), self.areas.size)
        if fine is None:
            return np.full(shape, np.nan, np.float32)
        found = fine[np.asarray(source.inputs)[rows]].reshape(shape)
        return np.where(np.isnan(found).any(axis=1, keepdims=True), np.nan, found)

    def row_weights(self, source: Source, rows: np.ndarray) -> np.ndarray | None:
        """The share of the area that is known, times the weight column; None: 1 each."""
        given, fine = row_weights(source, self.roles, rows), source.whole.fine
        if fine is None:
            return given
        known = np.isfinite(fine[np.asarray(source.inputs)[rows]]).all(axis=1)
        if known.all():
            return given
        shares = (known * self.areas).mean(axis=(1, 2))
        return shares if given is None else shares * given

    def groups(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Number of the block that a row is in, (rows,) int64.

        Errors of neighbouring times are alike: so many times as the errors of interpolation
        need to forget themselves in training, but at most a tenth of the rows, are drawn together
        by the bootstrap. With a group column its groups are drawn.
        """
        column = self.roles.group
        if column is not None and column in source.frame.columns:
            return np.unique(source.frame[column].iloc[rows].astype(str), return_inverse=True)[1]
        places = np.asarray(source.inputs)[rows]
        block = min(self.content["block"], max(1, len(rows) // FEWEST_BLOCKS))
        return (places - places.min(initial=len(source.whole.coarse))) // block

    def beside(self) -> dict[str, np.ndarray]:
        """What the metrics of fields need, in every row: "area", how much each cell counts."""
        return {"area": self.areas.reshape(-1).astype(np.float32)}

    def in_units(self, outputs: Tensor) -> Tensor:
        """Outputs (rows, targets, H, W) in the units of the data."""
        scale, mean = (
            self._tensors[name].to(outputs)[:, None, None]
            for name in ("residual_scale", "base_mean")
        )
        return outputs * scale + mean

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about grids, compared with those of training, one sentence each.

        Raises DataError where the grid is another one, or where a variable has other units.
        """
        whole: Fields = source.whole
        if whole.coarse.shape[2:] != tuple(len(side.values) for side in self.coarse_sides):
            raise DataError(
                f"{source.name} has fields of {_size(whole.coarse)} cells, in training they were "
                f"of {len(self.coarse_sides[0].values)} x {len(self.coarse_sides[1].values)}."
            )
        lacking = [name for name in self.content["channels"] if name not in whole.channels]
        if lacking:
            raise DataError(
                f"{source.name} lacks '{lacking[0]}' that was there in training. There are: "
                f"{', '.join(whole.channels)}."
            )
        for name, trained in self.content["units"].items():
            now = whole.units.get(name, trained)
            if now != trained:
                raise DataError(
                    f"'{name}' in {source.name} is in {now or 'units that are not written'}, in "
                    f"training it was in {trained or 'units that were not written'}. Convert it, "
                    "or mend its attribute units."
                )
        marked = {self.content["channels"][place] for place in self.content["marked"]}
        return tuple(
            f"'{name}' lacks values, in training it did not: filled from the nearest cells."
            for place, name in enumerate(whole.channels)
            if name not in marked and np.isnan(whole.coarse[:, place]).any()
        )

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that its coarse fields and numbers decide, (rows,) uint64."""
        whole: Fields = source.whole
        return np.array(
            [
                int.from_bytes(
                    hashlib.blake2b(
                        whole.coarse[place].tobytes() + whole.scalars[place].tobytes(),
                        digest_size=8,
                    ).digest(),
                    "little",
                )
                for place in np.asarray(source.inputs)
            ],
            dtype=np.uint64,
        )

    def fitted_in_words(self) -> dict[str, str]:
        """Channel -> its mean and scale, and the training rows that they saw."""
        rows = self.content["inputs"]["fitted"]["rows"]
        names = [*self.content["channels"], *self.content["scalars"]]
        means = [*self._array("mean").mean(axis=(1, 2)), *self._array("scalar_mean")]
        scales = [*self._array("scale"), *self._array("scalar_scale")]
        return {
            name: f"mean {mean:.4g}, scale {scale:.4g}, from {counted(rows, 'training row')}"
            for name, mean, scale in zip(names, means, scales, strict=True)
        }

    def _base(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale (targets,) and shift (targets, H, W) from prepared channels to prepared targets.

        Of a target without a channel the shift is its base.
        """
        scale, residual = self._array("scale"), self._array("residual_scale")
        means, own = self._interpolated_means(), np.array(self.own)
        lonely = (own < 0)[:, None, None]
        base = np.where(lonely, self._array("climate"), means[np.maximum(own, 0)])
        shift = base + self._array("correction") - self._map("base_mean")
        return scale[np.maximum(own, 0)] / residual, shift / self._map("residual_scale")

    def _interpolated_means(self) -> np.ndarray:
        """What is taken from every row, on the fine grid, (channels, H, W) in units of the data."""
        down, across = self.weights("bicubic")
        return down @ self._array("mean") @ across.T

    def _static(self) -> np.ndarray:
        """Inputs that are the same in every row, (static channels, H, W), with deviation 1."""
        if not self.fixed:
            return np.zeros((0, *self.areas.shape))
        maps = np.concatenate([self._interpolated_means(), self._array("correction")])
        maps = maps - (maps * self.areas).mean(axis=(1, 2), keepdims=True)
        spread = np.sqrt((maps**2 * self.areas).mean(axis=(1, 2), keepdims=True))
        return maps / np.where(spread > STILL, spread, 1.0)

    def _array(self, name: str) -> np.ndarray:
        return self._tensors[name].numpy()

    def _map(self, name: str) -> np.ndarray:
        """Constants of channels, as they are taken from maps: (channels, 1, 1)."""
        return self._array(name)[:, None, None]


@dataclass
class _Running:
    """Sums over rows and known cells of fields that come in pieces; (targets, H, W) each."""

    count: int
    areas: np.ndarray

    def __post_init__(self):
        self.total, self.square, self.rows = (np.zeros(self.shape) for _ in range(3))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.count, *self.areas.shape

    def add(self, values: np.ndarray) -> None:
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0).astype(np.float64)
        self.total += filled.sum(axis=0)
        self.square += (filled**2).sum(axis=0)
        self.rows += known.sum(axis=0)

    def cells(self) -> np.ndarray:
        """Mean of each cell; the mean of all where it was never known."""
        mean = np.broadcast_to(self.mean()[:, None, None], self.shape)
        return np.divide(self.total, self.rows, out=mean.copy(), where=self.rows > 0)

    def mean(self) -> np.ndarray:
        return self._over(self.total)

    def deviation_about(self, middle: np.ndarray) -> np.ndarray:
        """Root of the mean square about what each cell has, (targets,)."""
        squares = self.square - 2 * middle * self.total + middle**2 * self.rows
        return np.sqrt(np.maximum(self._over(squares), 0.0))

    def _over(self, sums: np.ndarray) -> np.ndarray:
        weights = (self.rows * self.areas).sum(axis=(1, 2))
        return (sums * self.areas).sum(axis=(1, 2)) / np.maximum(weights, 1e-12)


def _moments(values: np.ndarray, areas: np.ndarray, fixed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Means (channels, h, w), of each cell or of all, and deviations (channels,) about them.

    Rows of different places are measured about their own means.
    """
    running = _Running(values.shape[1], areas)
    running.add(values)
    mean = running.cells() if fixed else np.broadcast_to(
        running.mean()[:, None, None], running.shape)  # fmt: skip
    left = values - mean
    if not fixed:
        left = left - np.nanmean(left * areas, axis=(2, 3), keepdims=True)
    around = _Running(values.shape[1], areas)
    around.add(left)
    spread = around.deviation_about(np.zeros(running.shape))
    return np.ascontiguousarray(mean), np.where(spread > STILL, spread, 1.0)


def _row_means(values: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Mean of each row over targets and known cells, weighted by area; (rows,)."""
    weight = np.isfinite(values) * areas
    total = (np.nan_to_num(values) * weight).sum(axis=(1, 2, 3))
    return total / np.maximum(weight.sum(axis=(1, 2, 3)), 1e-12)


def _block(errors: np.ndarray) -> int:
    """Twice the times after which errors have forgotten themselves, at least 1; see ``groups``."""
    most = max(1, len(errors) // FEWEST_BLOCKS)
    centred = errors - errors.mean()
    power = float(centred @ centred)
    if power <= 0:
        return 1
    for lag in range(1, most):
        if float(centred[lag:] @ centred[:-lag]) / power < FORGOTTEN:
            return min(2 * lag, most)
    return most


def _pieces(places: np.ndarray) -> list[np.ndarray]:
    return [places[first : first + AT_ONCE] for first in range(0, len(places), AT_ONCE)]


def _sides(content: list[dict]) -> tuple[Axis, Axis]:
    first, second = (Axis.from_json(one) for one in content)
    return first, second


def _variables(names: tuple[str, ...]) -> list[str]:
    """Names of variables, each once, without the levels."""
    return list(dict.fromkeys(name.partition("@")[0] for name in names))


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(name): _plain(one) for name, one in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def _size(values: np.ndarray) -> str:
    return f"{values.shape[2]} x {values.shape[3]}"


def _floats(values: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
