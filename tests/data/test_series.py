"""Series: a table becomes windows; no window leaves its series, its stretch or its part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.data.folds import fold_splits
from layerwise.data.roles import Roles
from layerwise.data.series import as_series, series_target
from layerwise.data.source import Source
from layerwise.data.split import Split, split_rows
from layerwise.errors import DataError, SettingsError

TWO_ONE = {"lookback": 2, "horizon": 1}


def table(rows=20, **columns):
    dates = pd.date_range("2020-01-01", periods=rows, freq="D").strftime("%Y-%m-%d")
    values = np.sin(np.arange(rows)) if "y" not in columns else columns.pop("y")
    return Source("made", DataFrame({"day": dates, "y": values, **columns}))


def by_time(source, validation=0.2, test=0.2):
    roles = Roles((), time=source.roles["time"])
    split = split_rows(
        source, roles, series_target(source), method="time", validation=validation, test=test
    )
    return split, source.whole.parted(split)


def test_rows_are_sorted_by_series_and_time_and_it_is_said():
    frame = table(6).frame.assign(shop=list("ababab")).iloc[::-1]
    source = as_series(Source("made", frame.reset_index(drop=True)), group="shop", options=TWO_ONE)
    assert source.frame["shop"].tolist() == list("bbbaaa")  # in the order in which they came
    assert (np.diff(source.whole.times[:3]) > 0).all()
    assert any("not sorted by series and time" in note for note in source.notes)
    assert source.roles == {"time": "day", "group": "shop"}


def test_all_columns_of_numbers_are_targets_unless_some_are_named():
    columns = {"x": np.arange(20.0) ** 2, "shop": ["a"] * 19 + ["b"], "always": 7.5}
    source = as_series(table(**columns), options=TWO_ONE)
    assert source.target == ("y", "x")
    assert any("'shop' holds no numbers" in note for note in source.notes)
    assert any("'always' is left out: always 7.5" in note for note in source.notes)
    named = as_series(table(**columns), target="x", options=TWO_ONE)
    assert (named.whole.targets, named.whole.exogenous) == (("x",), ("y",))


def test_outputs_stand_one_target_after_the_other():
    source = as_series(table(x=np.arange(20.0) ** 2), options={"lookback": 2, "horizon": 2})
    assert series_target(source) == Target("series", ("y+1", "y+2", "x+1", "x+2"))


def test_lengths_follow_the_step_unless_they_are_given():
    months = pd.date_range("1950-01-01", periods=200, freq="MS")
    source = as_series(Source("made", DataFrame({"month": months, "y": np.sin(np.arange(200))})))
    assert (source.whole.lookback, source.whole.horizon) == (36, 12)
    assert any("12 times ahead are forecast, because rows are 1 month apart" in n
               for n in source.notes)  # fmt: skip
    short = as_series(table(12))
    assert (short.whole.lookback, short.whole.horizon) == (2, 1)


@pytest.mark.parametrize("wrong", ["0", "-3", "two", 1.5])
def test_a_length_must_be_a_whole_number(wrong):
    with pytest.raises(SettingsError, match="lookback must be a whole number from 1"):
        as_series(table(), options={"lookback": wrong})


def test_reading_a_series_again_changes_nothing_but_what_is_asked():
    once = as_series(table(x=np.arange(20.0) ** 2), options=TWO_ONE)
    again = as_series(once, target="x")
    assert again.whole.targets == ("x",)
    assert (again.whole.lookback, again.whole.horizon) == (2, 1)
    assert len(set(again.notes)) == len(again.notes)


# Parts -----------------------------------------------------------------------------------------


def test_an_origin_is_in_the_part_that_its_whole_future_is_in():
    source = as_series(table(20), options={"lookback": 3, "horizon": 2})
    split, parted = by_time(source)
    assert split.parts.tolist() == ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    for row, part in enumerate(parted.parts):
        future = set(split.parts[row + 1 : row + 3]) if row + 2 < 20 else set()
        expected = future.pop() if row >= 2 and len(future) == 1 else ""
        assert part == expected, row
    assert any("2 windows would be forecast across the border" in note for note in parted.notes)


def test_training_sees_no_time_of_another_part():
    source = as_series(table(40), options={"lookback": 5, "horizon": 3})
    split, parted = by_time(source)
    seen = {time for row in parted.rows("train") for time in range(row - 4, row + 4)}
    assert max(seen) < min(split.rows("validation"))


def test_windows_never_cross_series():
    frame = pd.concat([table(10).frame.assign(shop=shop) for shop in "ab"], ignore_index=True)
    source = as_series(Source("made", frame), group="shop", options={"lookback": 3, "horizon": 2})
    window, future = source.whole.has_window(3), source.whole.has_future(2, ("y",))
    assert window.tolist() == ([False] * 2 + [True] * 8) * 2
    assert future.tolist() == ([True] * 8 + [False] * 2) * 2


def test_windows_across_a_gap_or_with_a_missing_target_are_in_no_part():
    values = np.sin(np.arange(100))
    values[60] = np.nan
    frame = table(100, y=values).frame.drop(index=30).reset_index(drop=True)
    source = as_series(Source("made", frame), options={"lookback": 3, "horizon": 2})
    _, parted = by_time(source, 0.0, 0.0)
    used = set(parted.rows("train"))
    assert used == set(range(2, 97)) - {28, 29, 30, 31} - {57, 58}
    assert any("4 windows would span a gap" in note for note in parted.notes)
    assert any("2 windows with a missing target" in note for note in parted.notes)


def test_folds_roll_the_origin():
    source = as_series(table(60), options={"lookback": 4, "horizon": 2})
    roles = Roles((), time="day")
    folds = fold_splits(source, roles, series_target(source), 3, method="time")
    parted = [source.whole.parted(fold) for fold in folds]
    before = 0
    for fold, split in zip(folds, parted, strict=True):
        train, test = split.rows("train"), split.rows("test")
        assert len(test)
        assert train.max() + 2 < min(fold.rows("test"))  # nothing tested was learned from
        assert test.min() > before
        before = test.max()
        assert (fold.codes[test[:, None] + [1, 2]] == 2).all()


def test_a_split_that_mixes_past_and_future_is_refused():
    source = as_series(table(20), options=TWO_ONE)
    with pytest.raises(SettingsError, match="--split time"):
        source.whole.parted(Split(np.zeros(20, np.int8), "random"))


def test_parts_of_files_are_kept():
    source = replace(table(30), parts=np.array(["train"] * 20 + ["test"] * 10))
    source = as_series(source, options={"lookback": 4, "horizon": 2})
    split = split_rows(source, Roles((), time="day"), series_target(source), validation=0.0)
    parted = source.whole.parted(split)
    assert parted.rows("test").tolist() == list(range(19, 28))


# Bad input -------------------------------------------------------------------------------------


def test_a_time_that_comes_twice_is_refused():
    frame = table(6).frame
    frame.loc[3, "day"] = frame.loc[2, "day"]
    with pytest.raises(DataError, match=r"1 time that the row before has too.*2020-01-03.*--group"):
        as_series(Source("made", frame))
    shops = frame.assign(shop=list("aaabbb"))
    assert len(as_series(Source("made", shops), group="shop").whole.groups) == 2
    with pytest.raises(DataError, match="of series 'a'"):
        as_series(Source("made", frame.assign(shop="a")), group="shop")


def test_a_row_without_its_series_is_refused():
    frame = table(4).frame.assign(shop=["a", None, "b", "b"])
    with pytest.raises(DataError, match=r"1 of 4 rows have no value in column 'shop'.*row 2"):
        as_series(Source("made", frame), group="shop")
    with pytest.raises(DataError, match=r"'shops'.*Did you mean 'shop'"):
        as_series(Source("made", frame), group="shops")


def test_a_target_of_words_or_a_missing_one_is_refused():
    source = table(20, mood=["good", "bad"] * 10)
    with pytest.raises(DataError, match="target 'mood' holds no numbers"):
        as_series(source, target="mood")
    with pytest.raises(DataError, match=r"'z'.*is not there"):
        as_series(source, target="z")


def test_an_infinite_value_is_refused():
    values = np.sin(np.arange(20))
    values[4] = np.inf
    with pytest.raises(DataError, match="'y' has 1 infinite value, such as 'inf' in row 5"):
        as_series(table(y=values))


def test_windows_that_fit_nowhere_say_which_length_is_too_long():
    def parted(rows, lookback, horizon, drop=()):
        frame = table(rows).frame.drop(index=list(drop)).reset_index(drop=True)
        options = {"lookback": lookback, "horizon": horizon}
        return by_time(as_series(Source("made", frame), options=options))

    with pytest.raises(
        DataError, match="horizon of 30 times is longer than the series, which has 20"
    ):
        parted(20, 2, 30)
    with pytest.raises(DataError, match="training part has no window of 12 times back and 3 ahead"):
        parted(20, 12, 3)
    with pytest.raises(DataError, match="No stretch without a gap is long enough"):
        parted(60, 40, 3, drop=[30])


def test_no_rows_and_no_numbers_are_refused():
    with pytest.raises(DataError, match="has no rows"):
        as_series(Source("made", table(3).frame.iloc[:0]))
    with pytest.raises(DataError, match="nothing to forecast"):
        as_series(Source("made", table(20).frame[["day"]]))
