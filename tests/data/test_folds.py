"""Folds: every row is tested once, and no row leaks."""

import numpy as np
import pytest
from pandas import DataFrame, date_range

from layerwise.contracts import Target
from layerwise.data.folds import fold_splits
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError

REAL = Target("real", ("y",))


def made(rows=60, **columns):
    return Source("made", DataFrame({"y": np.arange(rows) * 1.0, **columns}), target=("y",))


def times_tested(splits):
    return np.sum([split.parts == "test" for split in splits], axis=0)


def test_every_row_is_tested_once_in_equal_folds():
    splits = fold_splits(made(62), Roles(("y",)), REAL, 5)
    assert (times_tested(splits) == 1).all()
    assert sorted(len(split.rows("test")) for split in splits) == [12, 12, 12, 13, 13]
    for split in splits:
        assert set(split.parts) == {"train", "validation", "test"}


def test_each_class_is_in_every_fold():
    labels = ["a"] * 50 + ["b"] * 10
    labelled = Source("made", DataFrame({"y": labels}), target=("y",))
    splits = fold_splits(labelled, Roles(("y",)), Target("binary", ("y",), ("a", "b")), 5)
    counts = [(split.parts[50:] == "test").sum() for split in splits]
    assert counts == [2] * 5
    assert (times_tested(splits) == 1).all()


def test_groups_stay_together():
    groups = np.repeat(np.arange(12), 5)
    splits = fold_splits(made(g=groups), Roles(("y",), group="g"), REAL, 4)
    assert (times_tested(splits) == 1).all()
    for split in splits:
        assert len(split.rows("test")) == 15
        parts = [set(groups[split.rows(part)]) for part in ("train", "validation", "test")]
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]


def test_by_time_each_fold_learns_from_the_past_alone():
    days = date_range("2020-01-01", periods=60).astype(str).to_numpy()
    order = np.random.default_rng(0).permutation(60)
    splits = fold_splits(made(t=days[order]), Roles(("y",), time="t"), REAL, 3)
    assert times_tested(splits).sum() == 45  # the first quarter is never tested
    for split in splits:
        days_of = {part: days[order][split.rows(part)] for part in ("train", "validation", "test")}
        assert max(days_of["train"]) < min(days_of["validation"])
        assert max(days_of["validation"]) < min(days_of["test"])


def test_a_key_decides_the_fold_whatever_other_rows_there_are():
    keys = [f"k{number}" for number in range(200)]
    all_rows = fold_splits(made(200, k=keys), Roles(("y",), key="k"), REAL, 4)
    half = fold_splits(made(100, k=keys[:100]), Roles(("y",), key="k"), REAL, 4)
    assert (times_tested(all_rows) == 1).all()
    for split, other in zip(all_rows, half, strict=True):
        assert ((split.parts[:100] == "test") == (other.parts == "test")).all()
        assert (split.parts == "validation").sum() > 5


def test_what_cannot_be_is_told():
    with pytest.raises(DataError, match="smaller --folds"):
        fold_splits(made(6, g=[0, 0, 0, 1, 1, 1]), Roles(("y",), group="g"), REAL, 3)
    fixed = Source("made", DataFrame({"y": [1.0, 2]}), target=("y",), parts=np.array(["", "test"]))
    with pytest.raises(SettingsError, match="fixes which rows"):
        fold_splits(fixed, Roles(("y",)), REAL, 2)
