"""Whether new data are like those of training: columns, types, categories, units, shapes."""

import numpy as np
from pandas import DataFrame, Series
from torch import Tensor

import layerwise.data.cells as cells
from layerwise.data.encoding import Encoding, column_of
from layerwise.data.kinds import FEW_BAD
from layerwise.data.source import Source
from layerwise.errors import DataError

FAR = 100  # training ranges by which a value may lie outside before it is said


def check_table(
    content: dict, encodings: list[Encoding], tensors: dict[str, Tensor], source: Source
) -> tuple[str, ...]:
    """What is odd about a table, one sentence each; raises DataError where it cannot be used."""
    notes = _extra_columns(content, source.frame)
    low, high = tensors["low"].numpy(), tensors["high"].numpy()
    first = 0
    for encoding in encodings:
        series = column_of(source.frame, encoding.name)
        if encoding.kind == "category":
            notes += _categories(encoding, series)
            continue
        last = first + len(encoding.features)
        notes += _numbers(encoding, series, low[first:last], high[first:last])
        if series.isna().any() and not tensors["missing"][first]:
            notes.append(
                f"Column '{encoding.name}': {int(series.isna().sum())} of {len(series)} rows have "
                "no value, which no training row lacked; the training median stands in."
            )
        first = last
    return tuple(notes)


def _extra_columns(content: dict, frame: DataFrame) -> list[str]:
    known = {entry["name"] for entry in content["columns"]}
    for names in content["roles"].values():
        known |= {names} if isinstance(names, str) else set(names or ())
    extra = [str(name) for name in frame.columns if name not in known]
    if not extra:
        return []
    shown = ", ".join(extra[:20]) + (", ..." if len(extra) > 20 else "")
    return [f"Columns that training did not have are not used: {shown}."]


def _categories(encoding: Encoding, series: Series) -> list[str]:
    """New categories are unknown; numbers where all categories were words are an error."""
    codes, names = cells.labels(series)
    known = set(encoding.categories)
    new = [name for name in names if encoding.named(name) not in known]
    if not new:
        return []
    words = not encoding.hidden and all(
        np.isnan(cells.as_number(name)) for name in encoding.categories
    )
    if words and cells.is_numeric(series) and series.dtype.kind != "b" and len(new) == len(names):
        raise DataError(
            f"Column '{encoding.name}' held categories such as '{encoding.categories[0]}' in "
            f"training, but now holds numbers such as {names[0]}. Give the same kind of values."
        )
    rows = int(
        np.isin(codes, [place for place, name in enumerate(names) if name in set(new)]).sum()
    )
    shown = ", ".join(f"'{name}'" for name in new[:5]) + (", ..." if len(new) > 5 else "")
    return [
        f"Column '{encoding.name}': {rows} of {len(series)} rows have categories that training "
        f"did not know ({shown}); they count as unknown."
    ]


def _numbers(encoding: Encoding, series: Series, low, high) -> list[str]:
    """Unreadable values, infinite ones, and ranges that suggest another unit."""
    values = encoding.numbers(series)[0].astype(np.float64)
    notes = []
    unreadable = np.isnan(values) & series.notna().to_numpy()
    if unreadable.any():
        notes.append(_unreadable(encoding, series, unreadable))
    infinite = np.isinf(values)
    if infinite.any():
        notes.append(
            f"Column '{encoding.name}': {int(infinite.sum())} infinite values count as missing."
        )
    if encoding.kind == "number":
        notes += _range(encoding.name, values[np.isfinite(values)], low[0], high[0])
    return notes


def _unreadable(encoding: Encoding, series: Series, unreadable: np.ndarray) -> str:
    bad, present = int(unreadable.sum()), int(series.notna().sum())
    row = int(np.argmax(unreadable))
    text = (
        f"{bad} of {present} values are no {encoding.kind}, such as '{series.iloc[row]}' in row "
        f"{row + 1}"
    )
    if bad > FEW_BAD * present:
        raise DataError(
            f"Column '{encoding.name}' was of kind {encoding.kind} in training, but now {text}. "
            "Give the same kind of values."
        )
    return f"Column '{encoding.name}': {text}; they count as missing."


def _range(name: str, values: np.ndarray, low: float, high: float) -> list[str]:
    """Say where values lie grossly outside the range of the training rows."""
    if not len(values):
        return []
    width = (high - low) or max(abs(high), 1.0)
    outside = np.maximum(low - values, values - high) / width
    most = int(np.argmax(outside))
    if outside[most] <= FAR and not (np.median(outside) > 1):
        return []
    return [
        f"Column '{name}': values such as {values[most]:g} are far from those of training, "
        f"{low:g} to {high:g}. Is it another unit?"
    ]


def check_array(
    inputs: dict, source: Source, tensors: dict[str, Tensor] | None = None
) -> tuple[str, ...]:
    """Shape, type and range of an array source against training; raises DataError for the shape."""
    if source.inputs is None:
        raise DataError(
            f"{source.name} is a table, but the network was trained with "
            f"{inputs['form']} of shape {tuple(inputs['shape'])}. Give data of that form."
        )
    if list(source.inputs.shape[1:]) != inputs["shape"]:
        raise DataError(
            f"The {inputs['form']} of {source.name} have shape {source.inputs.shape[1:]}, but the "
            f"network was trained with {tuple(inputs['shape'])}. Give data of that shape."
        )
    if tensors is None:
        return ()
    notes = []
    if str(source.inputs.dtype) != inputs["dtype"]:
        notes.append(f"Values are of type {source.inputs.dtype}, in training {inputs['dtype']}.")
    sample = source.inputs[:1000].astype(np.float64)
    if not np.isfinite(sample).all() and inputs["form"] == "images":
        raise DataError(f"Images of {source.name} hold values that are no finite numbers.")
    top, range_top = float(np.nanmax(np.abs(sample), initial=0)), float(tensors["high"].abs().max())
    if top * FAR < range_top or top > FAR * range_top > 0:
        notes.append(
            f"Values reach {top:g}, in training {range_top:g}. Is it another unit or scale?"
        )
    return tuple(notes)
