"""Grids: coarse fields and the fine ones that are learned from them, one row per time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.data.grid_axes import KINDS, Axis
from layerwise.data.grid_files import GridFile, open_grid
from layerwise.data.grid_reading import (
    Channel,
    coordinates_in_words,
    read_channels,
    variable_of,
    variables_on_grids,
    with_equal_times,
)
from layerwise.data.grid_scales import block_means, cell_areas, same_turn
from layerwise.data.source import Source, counted, several
from layerwise.errors import DataError, SettingsError

NEAR = 1e-3  # of a step: two coordinates that differ by less are the same


@dataclass(frozen=True)
class Fields:
    """Pairs of a coarse and a fine field, a row each; the fine ones may be absent.

    coarse : (rows, channels, h, w) float32, NaN where missing
    scalars : (rows, scalars) float32, numbers that go with a time, such as a concentration
    fine : (rows, targets, H, W) float32, NaN where missing; None where there is none
    channels, scalar_names, targets : names; ``units`` has all of their units
    own : per target the number of the channel that is the same quantity, -1 where there is none
    coarse_sides, fine_sides : the Y and the X axis
    factor : the coarse field was made of blocks of so many cells per side; 0: it was given
    fixed : whether all rows show the same place, so that each cell has a climate of its own
    time : the coordinate as xarray has it; None where rows are no times
    attributes : of the target variables, as the file has them
    """

    coarse: np.ndarray
    scalars: np.ndarray
    fine: np.ndarray | None
    channels: tuple[str, ...]
    scalar_names: tuple[str, ...]
    targets: tuple[str, ...]
    own: tuple[int, ...]
    units: Mapping[str, str]
    coarse_sides: tuple[Axis, Axis]
    fine_sides: tuple[Axis, Axis]
    factor: int = 0
    fixed: bool = True
    time: Any = None
    attributes: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def areas(self) -> np.ndarray:
        """How much each fine cell counts, (H, W) with mean 1."""
        return areas_of(self.fine_sides)


def areas_of(sides: tuple[Axis, Axis]) -> np.ndarray:
    """How much each cell of a grid counts, (H, W): the cosine of its latitude, if it has one."""
    latitudes = sides[0].values if sides[0].is_angle else None
    return cell_areas(len(sides[0].values), len(sides[1].values), latitudes)


def as_fields(source: Source, wanted: Mapping[str, Any]) -> Source:
    """The source as pairs of fields, with the variables that the user names.

    wanted : the arguments of ``Learner.fit``; "target" names what is refined, "targets" a second
        file that holds it

    Raises DataError where the file has no such fields, SettingsError for a choice that cannot be.
    """
    if isinstance(source.whole, Fields):
        return source
    grid: GridFile = source.whole
    options = source.options
    factor = factor_of(options.get("coarsen"))
    second = wanted.get("targets")
    targets = several(wanted.get("target"), list(grid.dataset.data_vars))
    if factor and second is not None:
        raise SettingsError(
            "--data.coarsen makes the coarse fields from the fine ones, and --targets gives fine "
            "ones of their own. Leave one of them out."
        )
    known = variables_on_grids(grid)
    named = several(options.get("variable"), list(grid.dataset.data_vars))
    for name in named:
        variable_of(grid, name)
    if not factor and second is None and not targets:
        raise SettingsError(
            f"What is to be refined in {grid.name} is not said. Give --data.coarsen 4: the "
            "coarse fields are made from the fine ones; or --target NAME: the fine variable of "
            "this file; or --targets FILE: a file with the fine fields."
        )
    inputs = named or _default_inputs(grid, known, targets, bool(factor))
    other = grid if second is None else open_grid(_path(second))
    targets = targets or _default_targets(inputs, variables_on_grids(other), other)
    of_inputs = read_channels(grid, inputs, options)
    if factor and set(targets) <= set(inputs):
        of_targets = [one for one in of_inputs if one.name.partition("@")[0] in targets]
    else:
        leveled = any("Z" in variables_on_grids(other).get(name, {}) for name in targets)
        fine_options = options if leveled else {**options, "level": None}
        of_targets = read_channels(other, targets, fine_options)
    return _paired(source, grid, of_inputs, of_targets, factor)


def as_fields_like(source: Source, preparation: Any) -> Source:
    """The source as pairs of fields as they were learned; the fine ones may be absent.

    Where the coarse fields were made from the fine ones, a file on either grid will do.
    """
    if isinstance(source.whole, Fields):
        return source
    grid: GridFile = source.whole
    content = preparation.content
    variables_on_grids(grid)
    of_inputs = read_channels(grid, content["variables"], source.options)
    coarse, fine = preparation.coarse_sides, preparation.fine_sides
    sides = _one_grid([one for one in of_inputs if one.sides], grid.name)
    factor = content["factor"]
    if factor and _alike(sides, coarse):
        return _coarse_only(source, grid, of_inputs, preparation)
    if not _alike(_cut(sides, fine) if factor else sides, fine if factor else coarse):
        raise DataError(
            f"The grid of {grid.name} is another one than in training: "
            f"{_sides_in_words(sides)}, but it was {_sides_in_words(coarse)}"
            + (f" (or, fine, {_sides_in_words(fine)})" if factor else "")
            + ". Interpolate the file to that grid first."
        )
    names = [one for one in content["target_variables"] if one in grid.dataset.data_vars]
    if len(names) < len(content["target_variables"]):
        return _coarse_only(source, grid, _coarsened(of_inputs, factor, fine), preparation)
    return _paired(source, grid, of_inputs, read_channels(grid, names, source.options), factor)


def fields_target(source: Source) -> Target:
    """One output per target at every fine cell."""
    whole: Fields = source.whole
    return Target("field", whole.targets)


def images_as_fields(source: Source) -> Source:
    """Images as fine fields, of which coarse ones are made: rows are pictures, cells are pixels."""
    factor = factor_of(source.options.get("coarsen"))
    if not factor:
        raise SettingsError("Images are refined from coarser ones: give --data.coarsen 2, or 4.")
    fine = np.asarray(source.inputs, dtype=np.float32)
    names = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
    channels = names.get(fine.shape[1], tuple(f"channel {n + 1}" for n in range(fine.shape[1])))
    notes: list[str] = []
    whole = paired_patches(fine, channels, dict.fromkeys(channels, "grey levels"), factor, notes)
    frame = source.frame[[name for name in source.frame if name not in source.target]]
    return replace(
        source, frame=frame, inputs=np.arange(len(fine)), target=channels, form="grid",
        whole=whole, notes=(*source.notes, *notes),
    )  # fmt: skip


def paired_patches(
    fine: np.ndarray,
    names: tuple[str, ...],
    units: Mapping[str, str],
    factor: int,
    notes: list[str],
) -> Fields:
    """Pairs of patches of different places, whose coordinates are cells from their corner.

    fine : (rows, channels, H, W) float32
    """
    sides = _sides_of_cells(fine.shape[2], fine.shape[3], 1)
    height, width = _divisible(sides, factor, notes)
    fine = np.ascontiguousarray(fine[:, :, :height, :width])
    coarse = block_means(fine, factor, np.ones((height, width))).astype(np.float32)
    return Fields(
        coarse, np.zeros((len(fine), 0), np.float32), fine, names, (), names,
        tuple(range(len(names))), units, _sides_of_cells(height // factor, width // factor, factor),
        _sides_of_cells(height, width, 1), factor, fixed=False,
    )  # fmt: skip


# ------------------------------------------------------------------------------- what is named


def factor_of(asked: Any) -> int:
    """Cells per side of a block, 0 where nothing is asked. Raises SettingsError for other words."""
    if asked is None:
        return 0
    factor = int(asked) if str(asked).isdecimal() else 0
    if factor < 2:
        raise SettingsError(
            f"--data.coarsen must be a whole number above 1, cells per side of a block; got "
            f"'{asked}'."
        )
    return factor


def _path(second: Any) -> Any:
    from pathlib import Path

    path = Path(str(second)).expanduser()
    if not path.exists():
        raise DataError(f"{path} of --targets does not exist.")
    return path


def _default_inputs(
    grid: GridFile, known: Mapping[str, Any], targets: Sequence[str], coarsens: bool
) -> tuple[str, ...]:
    """The variables that are taken where the user names none."""
    if coarsens and targets:
        return tuple(targets)
    free = [name for name in known if name not in targets]
    if len(free) == 1:
        return tuple(free)
    there = ", ".join(free) if free else "none besides the target"
    raise DataError(
        f"Which variables of {grid.name} are the inputs is not said. Name one or several with "
        f"--data.variable. On a grid are: {there}."
    )


def _default_targets(
    inputs: Sequence[str], known: Mapping[str, Any], other: GridFile
) -> tuple[str, ...]:
    """The variable that is refined where the user names none: the input, or the only one."""
    fields = tuple(name for name in inputs if name in known)
    fields = fields or tuple(known)
    if len(fields) == 1:
        return fields
    raise SettingsError(
        f"Which of {', '.join(fields)} in {other.name} is to be refined is not said. Name it with "
        "--target."
    )


# ------------------------------------------------------------------------------- how they pair


def _paired(
    source: Source, grid: GridFile, inputs: list[Channel], targets: list[Channel], factor: int
) -> Source:
    """The source with coarse and fine fields at the times that all have."""
    notes = [coordinates_in_words(targets if any(t.sides for t in targets) else inputs)]
    if not all(one.sides for one in targets):
        flat = next(one.name for one in targets if not one.sides)
        raise DataError(f"The target '{flat}' is no field: it has no latitude and longitude.")
    if not any(one.sides for one in inputs):
        raise DataError(
            "No input is a field on a grid. Name one with --data.variable, beside the numbers that "
            f"have only times ({', '.join(one.name for one in inputs)})."
        )
    count, (inputs_and_targets, said) = (
        len(inputs),
        with_equal_times([*inputs, *targets], grid.name),
    )
    inputs, targets = inputs_and_targets[:count], inputs_and_targets[count:]
    notes += said
    fields = [one for one in inputs if one.sides]
    fine_sides = _one_grid(targets, grid.name)
    coarse_sides = _one_grid(fields, grid.name)
    fine = np.stack([one.values for one in targets], axis=1)
    if factor:
        if not _alike(coarse_sides, fine_sides):
            raise DataError(
                f"With --data.coarsen all variables must be on the grid of the target, but "
                f"{fields[0].name} is on {_sides_in_words(coarse_sides)} and {targets[0].name} on "
                f"{_sides_in_words(fine_sides)}."
            )
        height, width = _divisible(fine_sides, factor, notes)
        fine, fine_sides = fine[:, :, :height, :width], _first(fine_sides, height, width)
        inputs = _coarsened(inputs, factor, fine_sides)
        coarse_sides = _one_grid([one for one in inputs if one.sides], grid.name)
        notes.append(
            f"The coarse fields are means over blocks of {factor} x {factor} cells, weighted by "
            f"area: {_sides_in_words(coarse_sides)}."
        )
    else:
        fine_sides = _on_same_ground(coarse_sides, fine_sides, fields[0], targets[0])
    whole = _fields(inputs, np.ascontiguousarray(fine), targets, coarse_sides, fine_sides, factor)
    return _source(source, whole, inputs[0], notes)


def _coarse_only(source: Source, grid: GridFile, inputs: list[Channel], preparation: Any) -> Source:
    """The source with coarse fields alone; what is fine is to be predicted."""
    inputs, notes = with_equal_times(inputs, grid.name)
    sides = _one_grid([one for one in inputs if one.sides], grid.name)
    content = preparation.content
    whole = replace(
        _fields(inputs, None, [], sides, preparation.fine_sides, content["factor"]),
        targets=tuple(content["target"]["names"]), own=tuple(content["own"]),
        attributes=content["attributes"],
    )  # fmt: skip
    return _source(source, whole, inputs[0], [coordinates_in_words(inputs), *notes])


def _fields(
    inputs: list[Channel],
    fine: np.ndarray | None,
    targets: list[Channel],
    coarse_sides: tuple[Axis, Axis],
    fine_sides: tuple[Axis, Axis],
    factor: int,
) -> Fields:
    maps = [one for one in inputs if one.sides]
    numbers = [one for one in inputs if not one.sides]
    rows = len(inputs[0].moments)
    scalars = [one.values for one in numbers]
    return Fields(
        np.stack([one.values for one in maps], axis=1),
        np.stack(scalars, axis=1) if scalars else np.zeros((rows, 0), np.float32),
        fine,
        tuple(one.name for one in maps),
        tuple(one.name for one in numbers),
        tuple(one.name for one in targets),
        tuple(_own(one, maps, len(targets)) for one in targets),
        {one.name: one.units for one in (*targets, *inputs)},
        coarse_sides,
        fine_sides,
        factor,
        time=inputs[0].time,
        attributes={one.name: dict(one.attributes) for one in targets},
    )


def _own(target: Channel, maps: list[Channel], targets: int) -> int:
    """The channel that is the target on the coarse grid: of its name, else the only one alike."""
    names = [one.name for one in maps]
    if target.name in names:
        return names.index(target.name)
    standard = target.attributes.get("standard_name")
    alike = [
        place for place, one in enumerate(maps)
        if one.units == target.units
        and (one.attributes.get("standard_name") == standard or len(maps) == targets == 1)
    ]  # fmt: skip
    return alike[0] if len(alike) == 1 else -1


def _source(source: Source, whole: Fields, first: Channel, notes: list[str]) -> Source:
    frame, said = _times_as_column(first)
    said += _missing_in_words(whole)
    if -1 in whole.own:
        lonely = ", ".join(t for t, own in zip(whole.targets, whole.own, strict=True) if own < 0)
        said.append(
            f"No input is the same quantity as {lonely}: its mean field of training is refined, "
            "not an interpolation."
        )
    return replace(
        source,
        frame=frame,
        inputs=np.arange(len(frame)),
        target=whole.targets,
        whole=whole,
        roles={"time": "time"},
        notes=(*source.notes, *notes, *said),
    )


def _times_as_column(channel: Channel) -> tuple[DataFrame, list[str]]:
    """Times as a column: dates where every one is a date of our calendar, else years."""
    moments = channel.moments
    try:
        pd.to_datetime(pd.Series(moments), format="ISO8601")
        return DataFrame({"time": pd.Series(moments, dtype="str")}), []
    except (ValueError, OverflowError):
        pass
    values = channel.time.values
    if values.dtype != object:
        return DataFrame({"time": np.asarray(values, dtype=np.float64)}), []
    calendar = str(channel.time.dt.calendar)
    days = {"360_day": 360, "noleap": 365, "365_day": 365}.get(calendar, 366)
    years = [one.year + (one.dayofyr - 1 + one.hour / 24) / days for one in values]
    note = f"Times of the calendar {calendar} are written as years with decimals in tables."
    return DataFrame({"time": years}), [note]


def _missing_in_words(whole: Fields) -> list[str]:
    notes = []
    for what, values, names in (
        ("input", whole.coarse, whole.channels),
        ("target", whole.fine, whole.targets),
    ):
        for place, name in enumerate(names if values is not None else ()):
            assert values is not None
            share = float(np.isnan(values[:, place]).mean())
            if share:
                does = (
                    "filled from the nearest" if what == "input" else "neither learned nor judged"
                )
                notes.append(
                    f"{share:.1%} of the cells of the {what} '{name}' are missing: {does}."
                )
    return notes


# -------------------------------------------------------------------------------------- grids


def _one_grid(fields: Sequence[Channel], file: str) -> tuple[Axis, Axis]:
    """The grid that all of these fields are on. Raises DataError where there are two."""
    first = fields[0].sides
    for one in fields[1:]:
        if not _alike(one.sides, first):
            raise DataError(
                f"'{fields[0].name}' and '{one.name}' of {file} are on different grids: "
                f"{_sides_in_words(first)} and {_sides_in_words(one.sides)}. Variables that are "
                "taken together must share one: interpolate one of them first."
            )
    return first[0], first[1]


def _alike(some: Sequence[Axis], others: Sequence[Axis]) -> bool:
    """Whether two grids have the same cells, of longitudes up to whole turns."""
    for one, other in zip(some, others, strict=True):
        if len(one.values) != len(other.values):
            return False
        values = same_turn(other.values, one.values) if one.kind == "X" and one.is_angle else (
            one.values)  # fmt: skip
        step = np.ptp(other.values) / max(1, len(other.values) - 1)
        if np.abs(values - other.values).max() > NEAR * max(step, 1e-9):
            return False
    return True


def _cut(sides: tuple[Axis, Axis], others: Sequence[Axis]) -> tuple[Axis, Axis]:
    return _first(sides, len(others[0].values), len(others[1].values))


def _first(sides: Sequence[Axis], height: int, width: int) -> tuple[Axis, Axis]:
    """The grid of the first rows and columns."""
    first, second = (
        replace(side, values=side.values[:count])
        for side, count in zip(sides, (height, width), strict=True)
    )
    return first, second


def _divisible(sides: Sequence[Axis], factor: int, notes: list[str]) -> tuple[int, int]:
    """The largest numbers of rows and columns that blocks divide; says what is left out."""
    counts = [len(side.values) for side in sides]
    if factor > min(counts):
        raise SettingsError(
            f"--data.coarsen {factor} makes blocks larger than the grid, which has {counts[0]} x "
            f"{counts[1]} cells. Give at most {max(2, min(counts) // 2)}."
        )
    kept = [count - count % factor for count in counts]
    left = [
        counted(count - whole, noun)
        for count, whole, noun in zip(counts, kept, ("row", "column"), strict=True)
        if count > whole
    ]
    if left:
        notes.append(
            f"Blocks of {factor} x {factor} do not divide {counts[0]} x {counts[1]} cells: the "
            f"last {' and '.join(left)} of cells are left out, {kept[0]} x {kept[1]} stay."
        )
    return kept[0], kept[1]


def _coarsened(inputs: list[Channel], factor: int, fine_sides: tuple[Axis, Axis]) -> list[Channel]:
    """Fields as means over blocks; numbers that have only times stay."""
    area = areas_of(fine_sides)
    height, width = area.shape
    sides = tuple(
        replace(side, values=side.values.reshape(-1, factor).mean(axis=1)) for side in fine_sides
    )
    return [
        replace(
            one,
            values=block_means(one.values[:, :height, :width], factor, area).astype(np.float32),
            sides=sides,
        )
        if one.sides and factor
        else one
        for one in inputs
    ]


def _on_same_ground(
    coarse: tuple[Axis, Axis], fine: tuple[Axis, Axis], field: Channel, target: Channel
) -> tuple[Axis, Axis]:
    """The fine grid in the turns of the coarse one. Raises DataError where it reaches beyond it."""
    aligned = []
    for one, other in zip(coarse, fine, strict=True):
        if one.kind == "X" and one.is_angle and not one.is_round:
            other = replace(other, values=same_turn(one.values, other.values))
        low, high = one.edges
        slack = NEAR * (high - low)
        inside = (other.values >= low - slack) & (other.values <= high + slack)
        if not one.is_round and not inside.all():
            raise DataError(
                f"The coarse and the fine grid do not cover the same area: the {KINDS[one.kind]} "
                f"of '{field.name}' goes from {low:g} to {high:g}, that of '{target.name}' from "
                f"{other.values.min():g} to {other.values.max():g}. Cut the fine fields to the "
                "area of the coarse ones."
            )
        aligned.append(other)
    return aligned[0], aligned[1]


def _sides_in_words(sides: Sequence[Axis]) -> str:
    """Such as "9 x 12 cells (latitude 16.9 to 56.9, longitude 227.8 to 310.3)"."""
    counts = " x ".join(str(len(side.values)) for side in sides)
    spans = ", ".join(f"{s.name} {s.values[0]:.4g} to {s.values[-1]:.4g}" for s in sides)
    return f"{counts} cells ({spans})"


def _sides_of_cells(height: int, width: int, step: int) -> tuple[Axis, Axis]:
    first = (step - 1) / 2
    return (
        Axis("y", first + step * np.arange(height, dtype=float), {"units": "cells"}, "Y"),
        Axis("x", first + step * np.arange(width, dtype=float), {"units": "cells"}, "X"),
    )
