"""Folds: every row is a test row once, and is never seen by the network that is tested on it."""

from dataclasses import replace

import numpy as np
from pandas import Series

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.dividing import PARTS, TEST, hashed, moments, scramble
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.split import Split, chosen_method, split_rows
from layerwise.data.target import encode_target
from layerwise.errors import DataError, SettingsError

UNUSED = len(PARTS)  # rows that are in no part of a fold: later than its test rows
OTHER_SEED = 2**32  # so that folds and validation rows are drawn independently


def fold_splits(
    source: Source,
    roles: Roles,
    target: Target,
    folds: int,
    *,
    method: str = "auto",
    validation: float = 0.15,
    seed: int = 0,
) -> list[Split]:
    """Give one split per fold; together their test rows are all rows, each once.

    With "auto" whole groups, else by time, by a hash of the key, stratified for classes or at
    random, as ``split_rows`` has them; validation rows are taken from the others in the same way.
    By time the folds roll: the rows are cut into one block more than there are folds; each but
    the first is tested by a network that learned from the blocks before it alone.
    """
    if source.same_rows or source.parts is not None:
        raise SettingsError(
            "--folds makes every row a test row once, but this source fixes which rows are for "
            "testing. Leave --folds out, or give one source without parts."
        )
    method = chosen_method(roles, target, method)
    places = _fold_of_rows(source, roles, target, folds, method, seed)
    first = int(method == "time")  # the block before it has nothing to learn from
    least = int(np.bincount(places, minlength=folds + first).min())
    if not least:
        raise DataError(
            f"There are too few rows, groups or times for {folds} folds: one of them would have "
            "no rows. Give a smaller --folds."
        )
    splits = []
    for fold in range(folds):
        test = places == fold + first
        rest = np.flatnonzero(places < fold + first if first else ~test)
        parts = np.full(len(places), UNUSED, np.int8)
        some = replace(
            source, frame=source.frame.iloc[rest].reset_index(drop=True), inputs=None, parts=None
        )
        inner = split_rows(
            some, roles, target, method=method if method != "key" else "random",
            validation=validation, test=0.0, seed=seed,
        )  # fmt: skip
        parts[rest], parts[test] = inner.codes, TEST
        splits.append(Split(parts, f"fold {fold + 1} of {folds}, {method}", inner.notes))
    return splits


def _fold_of_rows(source, roles, target, folds: int, method: str, seed: int) -> np.ndarray:
    """Give each row's fold from 0; by time its block, of which there is one more."""
    rows = len(source.frame)
    if method == "time":
        return _blocks(source.frame[roles.time], folds + 1)
    if method == "group":
        return _whole_groups(source.frame[roles.group], folds, seed)
    if method == "key":
        codes, names = cells.labels(source.frame[roles.key])
        places = np.array([hashed(name, seed + OTHER_SEED) for name in names])
        return np.minimum((places * folds).astype(np.int64), folds - 1)[codes]
    order = scramble(np.arange(rows), seed + OTHER_SEED)
    if method == "stratified":
        order = np.lexsort((order, encode_target(source.frame, roles, target)))
    else:
        order = np.argsort(order, kind="stable")
    found = np.empty(rows, np.int64)
    found[order] = np.arange(rows) % folds  # dealt out like cards
    return found


def _whole_groups(groups: Series, folds: int, seed: int) -> np.ndarray:
    """Give large groups first to the fold that has the fewest rows."""
    codes, names = cells.labels(groups)
    counts = np.bincount(codes, minlength=len(names))
    sizes, fold_of = np.zeros(folds, np.int64), np.zeros(len(names), np.int64)
    for group in np.lexsort((scramble(np.arange(len(names)), seed), -counts)):
        fold_of[group] = np.argmin(sizes)
        sizes[fold_of[group]] += counts[group]
    return fold_of[codes]


def _blocks(times: Series, blocks: int) -> np.ndarray:
    """Give blocks of about as many rows, one after the other; equal times stay together."""
    values = moments(times)
    ordered = np.sort(values)
    ends = [ordered[round(len(values) * block / blocks)] for block in range(1, blocks)]
    return np.searchsorted(np.array(ends), values, side="right")
