import pytest

from layerwise.report.record import Record
from layerwise.report.tables import (
    baselines_table,
    interval,
    measured,
    number,
    short_count,
    verdict,
    written,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97812, "0.9781"),
        (1234567, "1,234,567"),
        (48213.7, "48,214"),
        (-0.004, "\N{MINUS SIGN}0.004000"),
        (1e-9, "1.000e-09"),
        (25.0, "25"),
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "infinite"),
        ("text", "text"),
    ],
)
def test_numbers_are_written_with_four_digits(value, text):
    assert number(value) == text


def test_a_score_has_the_decimals_that_its_interval_makes_sense_of():
    score = {"value": 0.97774, "low": 0.9592, "high": 0.9931}
    assert measured(score) == "0.978"
    assert interval(score) == "0.959 to 0.993"
    price = {"value": 48213.4, "low": 46100.2, "high": 50700.9}
    assert measured(price) == "48,213"
    assert interval(price) == "46,100 to 50,701"


def test_a_score_without_interval_keeps_its_zeros():
    assert measured({"value": 1.0, "low": None, "high": None}) == "1.000"
    assert interval({"value": 1.0, "low": None, "high": None}) == ""


def test_a_small_score_is_not_rounded_to_nothing_by_its_neighbour():
    judged = {"value": 0.071, "low": 0.04, "high": 0.11}
    assert measured({"value": 0.0004}, "value", judged) == "0.00040"
    assert measured({"value": 0.0412}, "value", judged) == "0.041"


@pytest.mark.parametrize(
    ("low", "high", "higher", "said"),
    [
        (0.01, 0.02, True, "better"),
        (0.01, 0.02, False, "worse"),
        (-0.02, -0.01, False, "better"),
        (-0.01, 0.02, True, "unclear"),
        (None, None, True, ""),
    ],
)
def test_a_verdict_needs_an_interval_without_zero(low, high, higher, said):
    assert verdict({"value": 0.0, "low": low, "high": high}, higher) == said


def test_a_baseline_that_could_not_be_fitted_has_no_verdict():
    score = {"name": "rmse", "value": None, "low": None, "high": None}
    results = {
        "headline": {"metric": "rmse", "value": 1.0},
        "baselines": [
            {"name": "linear", "scores": [score], "difference": score, "note": "no time"}
        ],
    }
    row = baselines_table(Record("run", {}, results=results))[0]
    assert row["verdict"] == ""
    assert row["note"] == "no time"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unset"),
        (True, "yes"),
        ({"hidden": [64, 64], "dropout": 0.2}, "hidden 64, 64, dropout 0.2"),
        ([], "none"),
        (0.001, "0.001"),
        ("adamw", "adamw"),
    ],
)
def test_settings_are_written_as_people_write_them(value, text):
    assert written(value) == text


def test_large_counts_are_short():
    assert short_count(61706) == "61,706"
    assert short_count(25_557_032) == "25.6 million"
