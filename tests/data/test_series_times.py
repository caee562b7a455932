"""Times: found, read, checked for steps, gaps and zones."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame, Series

from layerwise.data.series_times import find_step, find_time, later, moments_of, read_times
from layerwise.errors import DataError


def seconds(*texts):
    return read_times(Series(texts, name="t", dtype="str")).values


def step_of(dates):
    times = read_times(Series(dates, name="t")).values
    return find_step(times, np.zeros(len(times), int), dates=True)


def test_finds_the_only_column_of_dates():
    frame = DataFrame({"y": [1.0, 2], "when": ["2020-01-01", "2020-01-02"]})
    assert find_time(frame, None, ()) == "when"
    assert find_time(frame, "y", ()) == "y"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"y": [1.5, 2.5]}, "no column holds dates.*--time"),
        ({"a": ["2020-01-01", "2020-01-02"], "b": ["2021-01-01", "2021-01-02"]}, "2 columns.*a, b"),
    ],
)
def test_says_what_to_do_without_a_time_or_with_two(columns, said):
    with pytest.raises(DataError, match=said):
        find_time(DataFrame(columns), None, ())


def test_a_named_time_that_is_not_there_is_refused():
    with pytest.raises(DataError, match=r"'when' \(--time\) is not there"):
        find_time(DataFrame({"y": [1.0]}), "when", ())


def test_unreadable_and_missing_times_are_named_with_their_row():
    with pytest.raises(DataError, match=r"1 of 3 times in column 't'.*'soon' in row 2"):
        seconds("2020-01-01", "soon", "2020-01-03")
    with pytest.raises(DataError, match="no time in column 't', the first is row 2"):
        read_times(Series(["2020-01-01", None], name="t"))


def test_times_of_several_zones_are_refused():
    with pytest.raises(DataError, match=r"several time zones: '.01:00', '-05:00'"):
        seconds("2020-01-01 00:00+01:00", "2020-01-01 01:00-05:00")
    with pytest.raises(DataError, match=r"several time zones: none, '.01:00'"):
        seconds("2020-01-01 00:00", "2020-01-01 01:00+01:00")


def test_summer_time_of_one_zone_is_taken_in_utc():
    read = read_times(Series(["2020-03-29 01:00+01:00", "2020-03-29 03:00+02:00"], name="t"))
    assert np.diff(read.values) == [3600]
    assert read.zone == "UTC"
    assert "taken in UTC" in read.notes[0]


def test_numbers_are_times_too_and_eight_digits_are_dates():
    assert read_times(Series([1700.0, 1701.0], name="year")).values.tolist() == [1700, 1701]
    read = read_times(Series([20200131, 20200201], name="day"))
    assert read.dates
    assert np.diff(read.values) == [86400]


def test_steps_may_be_months_of_unequal_length():
    step = step_of(pd.date_range("2019-01-01", periods=30, freq="MS"))
    assert (step.size, step.unit, step.is_regular, step.gaps) == (1, "months", True, 0)
    assert step.periods == (12,)
    assert step_of(pd.date_range("2019-01-31", periods=30, freq="ME")).unit == "months"
    assert step_of(pd.date_range("2019-01-01", periods=9, freq="QS")).in_words() == "3 months"


def test_a_gap_parts_a_regular_series_into_runs():
    dates = pd.date_range("2020-01-01", periods=100, freq="h").delete(40)
    step = step_of(dates)
    assert (step.size, step.is_regular, step.gaps) == (3600, True, 1)
    assert step.runs.tolist() == [0] * 40 + [1] * 59


def test_many_gaps_make_a_series_irregular():
    step = step_of(pd.bdate_range("2020-01-01", periods=100))
    assert not step.is_regular
    assert step.periods == ()
    assert set(step.runs) == {0}


def test_a_month_later_is_a_month_of_the_calendar():
    step = step_of(pd.date_range("2019-01-01", periods=30, freq="MS"))
    moved = later(seconds("2019-01-01", "2019-02-01"), step, 1)
    assert moments_of(moved).strftime("%Y-%m-%d").tolist() == ["2019-02-01", "2019-03-01"]
