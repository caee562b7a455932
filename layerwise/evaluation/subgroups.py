"""The leading metric for each value of a column: whom a network serves well, and whom not."""

from itertools import pairwise

import numpy as np
from pandas import DataFrame, Series, to_numeric
from pandas.api.types import is_numeric_dtype

from layerwise.contracts import Target
from layerwise.evaluation.intervals import intervals
from layerwise.metrics import Predictions, find_metric

FEWEST = 20  # rows of a value that stands alone
MOST = 20  # values of a column that stand alone, the largest
BINS = 4  # of a column of numbers


def subgroups(
    table: DataFrame, target: Target, leading: str, *, split: str = "test", seed: int = 0
) -> list[dict]:
    """Give the leading metric with its interval for every value of the carried and group columns.

    Values with fewer than 20 rows, and those beyond the 20 largest, are judged together as
    "other (n values)". Numbers with more than 20 values are cut at the quartiles of these rows.

    table : the predictions table
    returns : [{"column", "values": [{"value", "rows", "score": {name, value, low, high, rows}}]}],
        largest first; columns whose rows are all in one group are left out
    """
    part = table.loc[table["split"] == split]
    columns = {
        str(name).removeprefix("carry:"): part[name]
        for name in part
        if name == "group" or str(name).startswith("carry:")
    }
    found = []
    for name, column in columns.items():
        values = _grouped(column)
        if values.nunique() > 1:
            judged = part.drop(columns="group", errors="ignore") if name == "group" else part
            rows = [_judged(v, judged[values == v], target, leading, seed) for v in _order(values)]
            found.append({"column": name, "values": [row for row in rows if row["rows"]]})
    return found


def _grouped(column: Series) -> Series:
    """Give the name of each row's group, as text."""
    if _is_amount(column):
        return _quarters(Series(to_numeric(column), dtype=float))
    texts = column.map(_text)
    counts = texts.value_counts()
    alone = [value for value, rows in counts.items() if rows >= FEWEST][:MOST]
    others = len(counts) - len(alone)
    named = f"other ({others} value{'s' * (others > 1)})"
    return texts.where(texts.isin(alone), named)


def _is_amount(column: Series) -> bool:
    return bool(
        is_numeric_dtype(column.dtype) and column.dtype.kind != "b" and column.nunique() > MOST
    )


def _quarters(numbers: Series) -> Series:
    known = numbers.dropna()
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    bins = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0))
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    texts = np.array([*names, "(missing)"], dtype=object)
    return Series(texts[np.where(numbers.isna(), len(names), bins)], index=numbers.index)


def _text(value: object) -> str:
    missing = value is None or value != value
    return "(missing)" if missing else str(value)


def _order(values: Series) -> list[str]:
    """Give the groups by falling size, "other" last."""
    names = list(values.value_counts().index)
    return sorted(names, key=lambda name: name.startswith("other ("))


def _judged(value: str, rows: DataFrame, target: Target, leading: str, seed: int) -> dict:
    predictions = Predictions.from_table(rows, target)
    metric = find_metric(leading, target.kind)
    score = intervals({leading: metric}, predictions, seed=seed)[0]
    return {"value": value, "rows": len(predictions), "score": score.to_json()}
