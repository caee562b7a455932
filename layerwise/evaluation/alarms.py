"""What made an alarm: the columns that a row was rebuilt worst in."""

from collections.abc import Sequence

import numpy as np

from layerwise.errors import DataError


def blame(errors, names: Sequence[str], top: int = 3) -> list[list[tuple[str, float]]]:
    """Give, row by row, the columns with the largest shares of the squared error, largest first.

    A share says where the network and the row differ, not which column is wrong: a wrong number
    also spoils the columns that are rebuilt from it.

    errors : (rows, features) squared errors, as ``Detect.errors`` gives them
    names : (features,); a name that comes several times (one-hot, an embedded column) is one
        column, its errors added
    top : columns per row; those of equal shares in the order of their names here
    returns : per row (name, share of the row's error, 0 to 1); columns without any error are left
        out, so a row without error has none. DataError: names and features do not go together.
    """
    errors = np.asarray(errors, dtype=np.float64)
    if errors.ndim != 2 or errors.shape[1] != len(names):
        raise DataError(
            f"Errors must be (rows, {len(names)}), one column for each name, got {errors.shape}. "
            "Flatten the inputs, or name all of them."
        )
    columns = list(dict.fromkeys(names))
    place_of = {name: place for place, name in enumerate(columns)}
    places = np.array([place_of[name] for name in names], dtype=np.int64)
    sums = np.zeros((len(columns), len(errors)))
    np.add.at(sums, places, errors.T)
    totals = sums.sum(axis=0)
    shares = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0).T
    orders = np.argsort(-shares, axis=1, kind="stable")[:, :top]
    return [
        [(columns[place], float(row[place])) for place in order if row[place] > 0]
        for row, order in zip(shares, orders, strict=True)
    ]
