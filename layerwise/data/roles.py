"""Which column is what: target, key, group, time, weight, carried, ignored; the rest are inputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.data.kinds import Column, tell_kind
from layerwise.data.source import Source, several
from layerwise.errors import DataError, SettingsError, nearest

KIND_OPTIONS = {
    "categorical": "category",
    "numeric": "number",
    "dates": "date",
    "boolean": "boolean",
}
ENOUGH_FOR_COPIES = 20  # rows; among fewer, two columns agree by chance


@dataclass(frozen=True)
class Roles:
    """The columns that are not inputs, by what they are for."""

    target: tuple[str, ...] = ()
    key: str | None = None
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    carry: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def named(self) -> dict[str, tuple[str, ...]]:
        """Role -> its columns, for every role; in the order in which the roles are listed."""
        single = {name: getattr(self, name) for name in ("key", "group", "time", "weight")}
        return {
            "target": self.target,
            **{role: (name,) if name is not None else () for role, name in single.items()},
            "carry": self.carry,
            "ignore": self.ignore,
        }

    def reserved(self) -> set[str]:
        """Every column that has a role and is therefore no input."""
        return {name for names in self.named().values() for name in names}


def load_roles(entry: dict) -> Roles:
    """The roles that ``dataclasses.asdict`` described, after a way through JSON."""
    several = {name: tuple(entry[name]) for name in ("target", "carry", "ignore")}
    single = {name: entry[name] for name in ("key", "group", "time", "weight")}
    return Roles(**several, **single)


def row_weights(source: Source, roles: Roles, rows: np.ndarray) -> np.ndarray | None:
    """The weight column of some rows, (rows,) float64; None where there is none."""
    if roles.weight is None or roles.weight not in source.frame.columns:
        return None
    return source.frame[roles.weight].to_numpy(float)[rows]


def assign_roles(
    source: Source,
    *,
    target: str | Sequence[str] | None = None,
    key: str | None = None,
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    carry: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
) -> Roles:
    """The roles of the columns, checked against the source; without ``target``, the source's own.

    An empty ``target`` (``()``) means that there is nothing to predict. Raises DataError for a
    column that is not there, has two roles, or cannot fill its role (a key twice, a row without
    group or weight), and where no target is known.
    """
    columns = list(source.frame.columns)
    chosen = source.target if target is None else several(target, columns)
    roles = Roles(chosen, key, group, time, weight, several(carry, columns),
                  several(ignore, columns))  # fmt: skip
    _all_exist(source, roles)
    _one_role_each(roles)
    if not chosen and target is None:
        raise DataError(
            f"{source.name} does not say what is to be predicted. Give its column with --target. "
            f"There are: {', '.join(map(str, columns[:40]))}."
        )
    _check_key(source, key)
    _check_complete(source, "group", group)
    _check_complete(source, "time", time)
    check_weight(source, weight)
    return roles


def _all_exist(source: Source, roles: Roles) -> None:
    columns = list(source.frame.columns)
    for role, names in roles.named().items():
        for name in names:
            if name not in columns:
                raise DataError(
                    f"Column '{name}' ({role}) is not in {source.name}."
                    f"{nearest(name, columns)} Give one of them with --{role}."
                )


def _one_role_each(roles: Roles) -> None:
    taken: dict[str, str] = {}
    for role, names in roles.named().items():
        for name in names:
            if taken.get(name) == role:
                raise DataError(f"Column '{name}' is given twice with --{role}. Give it once.")
            if name in taken:
                raise DataError(
                    f"Column '{name}' is given two roles, --{taken[name]} and --{role}. "
                    "A column has one role: leave one of the two out."
                )
            taken[name] = role


def _check_complete(source: Source, role: str, name: str | None) -> None:
    """Raise where some row has no value in the column of this role."""
    missing = int(cells.column(source.frame, name).isna().sum()) if name is not None else 0
    if missing:
        raise DataError(
            f"{missing} of {len(source.frame)} rows have no value in column '{name}' (--{role}). "
            f"Every row must have one: fill them in, or leave --{role} out."
        )


def _check_key(source: Source, key: str | None) -> None:
    if key is None:
        return
    _check_complete(source, "key", key)
    twice = source.frame[key].duplicated(keep=False)
    if twice.any():
        where = np.flatnonzero(twice)
        raise DataError(
            f"Column '{key}' (--key) must name each row once, but {len(where)} rows share a key, "
            f"such as '{source.frame[key].iloc[where[0]]}'. Remove the doubles, or use --group "
            "for a column whose rows belong together."
        )


def check_weight(source: Source, weight: str | None) -> None:
    """Weights may be negative, but must be finite numbers with a positive sum."""
    if weight is None:
        return
    series = cells.column(source.frame, weight)
    values = cells.numbers(series).astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {len(bad)} rows have no finite number in column '{weight}' "
            f"(--weight), such as {cells.example(series, bad)}. "
            "Give every row a weight (it may be negative), or leave --weight out."
        )
    if values.sum() <= 0:
        raise DataError(
            f"The weights in column '{weight}' sum to {values.sum():g}. They may be negative "
            "here and there, but their sum must be above 0."
        )


def describe_columns(
    source: Source, roles: Roles, options: dict | None = None
) -> tuple[Column, ...]:
    """Every column that could be an input: its kind, how it is read, and why it is left out.

    Where the inputs are an array, no column is an input: those without a role are "unused". Text,
    graphs and other forms have no columns to describe.
    options : ``categorical``, ``numeric``, ``dates``, ``boolean``: columns whose kind is fixed
    """
    if source.form:
        return ()
    frame = source.frame
    forced = _forced_kinds(frame, options or {})
    reserved = roles.reserved()
    names = [name for name in frame.columns if name not in reserved]
    if source.inputs is not None:
        note = "not used: the inputs are " + ("images" if source.inputs.ndim == 4 else "an array")
        return tuple(Column(name, "unused", note) for name in names)
    columns = [tell_kind(cells.column(frame, name), forced.get(name)) for name in names]
    columns = _keep_an_only_counter(frame, columns)
    columns = [_warn_of_copy(frame, column, roles.target) for column in columns]
    _something_is_left(source, columns)
    return tuple(columns)


def _forced_kinds(frame: DataFrame, options: dict) -> dict[str, str]:
    forced: dict[str, str] = {}
    for option, kind in KIND_OPTIONS.items():
        for name in several(options.get(option), list(frame.columns)):
            if name not in frame.columns:
                raise DataError(
                    f"Column '{name}' of --data.{option} is not in the data."
                    f"{nearest(name, frame.columns)}"
                )
            if forced.get(name, kind) != kind:
                raise SettingsError(
                    f"Column '{name}' is given two kinds, {forced[name]} and {kind}. Name it in "
                    "one of --data.categorical, --data.numeric, --data.dates, --data.boolean."
                )
            forced[name] = kind
    return forced


def _keep_an_only_counter(frame: DataFrame, columns: list[Column]) -> list[Column]:
    """A column 1, 2, 3, ... names rows, unless it is all there is to learn from."""
    if any(column.is_input for column in columns):
        return columns
    return [
        Column(column.name, "number", "a row number, but the only input")
        if column.kind == "identifier" and cells.is_numeric(cells.column(frame, column.name))
        else column
        for column in columns
    ]


def _warn_of_copy(frame: DataFrame, column: Column, target: Iterable[str]) -> Column:
    """Say so where an input determines a target, and the target it, value by value."""
    if not column.is_input or len(frame) < ENOUGH_FOR_COPIES:
        return column
    for name in target:
        if _same_information(cells.column(frame, column.name), cells.column(frame, name)):
            warning = f"WARNING: holds the same as the target '{name}'; is it known beforehand?"
            return replace(column, note="; ".join(filter(None, (warning, column.note))))
    return column


def _same_information(column: Series, target: Series) -> bool:
    """Equal but for the names of the values, or but for zero and unit of a number."""
    both = (column.notna() & target.notna()).to_numpy()
    if int(both.sum()) < ENOUGH_FOR_COPIES:
        return False
    rows = np.flatnonzero(both)
    if len(rows) < len(both):
        column, target = column.iloc[rows], target.iloc[rows]
    same = [_same_order]
    if cells.is_numeric(column) and cells.is_numeric(target):
        same.append(_same_line)
    start, begin = column.iloc[:1000], target.iloc[:1000]
    return any(alike(start, begin) and alike(column, target) for alike in same)


def _same_order(column: Series, target: Series) -> bool:
    """Whether the values change together, and come back more than once."""
    x, y = pd.factorize(column)[0], pd.factorize(target)[0]
    return bool(np.array_equal(x, y) and (x.max() < len(x) // 2 or len(x) == 1000))


def _same_line(column: Series, target: Series) -> bool:
    """Whether one number is a times the other plus b."""
    x, y = (cells.numbers(values).astype(np.float64) for values in (column, target))
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if not len(x) or np.ptp(x) == 0 or np.ptp(y) == 0:
        return bool(len(x)) and np.ptp(x) == np.ptp(y)
    x, y = (x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)
    return bool(np.allclose(x, y, atol=1e-6) or np.allclose(1 - x, y, atol=1e-6))


def _something_is_left(source: Source, columns: list[Column]) -> None:
    if any(column.is_input for column in columns):
        return
    reasons = "; ".join(f"'{column.name}' is {column.kind}" for column in columns[:20])
    raise DataError(
        f"{source.name} has no column left to learn from"
        + (f": {reasons}. " if reasons else ". ")
        + "Every column has a role, or cannot be an input. Give a table with more columns, or "
        "state a column's kind, such as --data.categorical NAME."
    )
