"""Baselines of series: what they say, and that they are fitted on training windows alone."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from layerwise.data.roles import Roles
from layerwise.data.series import as_series, series_target
from layerwise.data.series_preparation import SeriesPreparation
from layerwise.data.source import Source
from layerwise.evaluation.baselines import BASELINES
from layerwise.evaluation.series_baselines import fit, last_value, seasonal
from layerwise.tasks.forecast import Forecast


def made(values, lookback=8, horizon=3, **columns):
    dates = pd.date_range("2020-01-01", periods=len(values), freq="h")
    frame = DataFrame({"t": dates, "y": values, **columns})
    source = as_series(Source("made", frame), options={"lookback": lookback, "horizon": horizon})
    parts = np.full(len(values), "", dtype="<U10")
    train, validation = len(values) // 2, 3 * len(values) // 4
    parts[lookback - 1 : train - horizon] = "train"
    parts[train : validation - horizon] = "validation"
    preparation = SeriesPreparation.fit(
        source, Roles((), time="t"), series_target(source), np.flatnonzero(parts == "train")
    )
    return source, preparation, parts


def fitted(names, source, preparation, parts):
    return {one.name: one for one in fit(names, source, preparation, parts, seconds=60, seed=0)}


def test_the_last_value_and_that_of_a_season_ago():
    source, preparation, _ = made(np.arange(40.0) % 7 + np.arange(40) // 7)
    values = source.whole.values[:, 0]
    assert last_value(source, preparation)[20].tolist() == [values[20]] * 3
    assert seasonal(source, preparation, 7)[20].tolist() == values[[14, 15, 16]].tolist()
    assert seasonal(source, preparation, 2)[20].tolist() == values[[19, 20, 19]].tolist()
    assert np.isnan(last_value(source, preparation)[:7]).all()  # no whole window


def test_missing_values_are_the_last_known_ones():
    values = np.arange(40.0)
    values[20] = np.nan
    source, preparation, _ = made(values)
    assert last_value(source, preparation)[20].tolist() == [19.0] * 3


def test_the_period_is_found_in_training_times():
    hours = np.arange(24 * 30)
    values = np.sin(2 * np.pi * hours / 24) + 0.1 * np.random.default_rng(0).normal(size=len(hours))
    source, preparation, parts = made(values + 0.01 * hours)
    assert preparation.period == 24
    found = fitted(["seasonal"], source, preparation, parts)["seasonal"]
    assert "24 times before" in found.note
    noise, none, parts = made(np.random.default_rng(0).normal(size=720))
    assert none.period is None
    assert "No period" in fitted(["seasonal"], noise, none, parts)["seasonal"].note


def test_a_period_is_looked_for_where_the_step_says_nothing():
    frame = DataFrame({"year": np.arange(300.0), "y": np.sin(2 * np.pi * np.arange(300) / 11)})
    source = as_series(Source("made", frame), time="year", options={"lookback": 8, "horizon": 3})
    rows = np.arange(7, 150)
    preparation = SeriesPreparation.fit(source, Roles((), time="year"), series_target(source), rows)
    assert preparation.period == 11


def test_a_linear_recurrence_is_learned_in_the_units_of_the_data():
    values = 100 + 20 * np.sin(np.arange(200) / 3)
    source, preparation, parts = made(values)
    found = fitted(["window_linear"], source, preparation, parts)["window_linear"]
    truth = preparation.truth(source, np.arange(200))
    judged = np.isfinite(truth).all(axis=1)
    assert np.abs(found.scores - truth)[judged].max() < 1.0
    assert np.isfinite(found.scores[-1]).all()
    assert "ridge 0.001, chosen on validation windows" in found.note


def test_the_linear_map_is_ridge_regression_on_training_windows():
    generator = np.random.default_rng(0)
    source, preparation, parts = made(generator.normal(size=120).cumsum())
    parts = np.where(parts == "validation", "", parts)
    found = fitted(["window_linear"], source, preparation, parts)["window_linear"]
    mean, scale = (preparation.tensors()[name].item() for name in ("mean", "scale"))
    scaled = (source.whole.values[:, 0] - mean) / scale
    rows = np.flatnonzero(parts == "train")
    inputs = np.stack([scaled[i - 7 : i + 1] - scaled[i] for i in rows])
    answers = np.stack([scaled[i + 1 : i + 4] - scaled[i] for i in rows])
    centred = inputs - inputs.mean(0)
    moments = centred.T @ centred / len(rows)
    penalty = 0.01 * np.trace(moments) / 8 * np.eye(8)
    products = centred.T @ (answers - answers.mean(0)) / len(rows)
    weight = np.linalg.solve(moments + penalty, products)
    window = scaled[93:101] - scaled[100]
    expected = (window - inputs.mean(0)) @ weight + answers.mean(0) + scaled[100]
    assert found.scores[100] == pytest.approx(expected * scale + mean, rel=1e-3)


def test_test_times_decide_nothing():
    values = np.random.default_rng(0).normal(size=200).cumsum()
    source, preparation, parts = made(values)
    changed = values.copy()
    changed[150:] += 1000
    other = made(changed)
    names = list(Forecast.baselines)
    before, after = fitted(names, source, preparation, parts), fitted(names, *other)
    for name in names:
        assert before[name].scores[:140] == pytest.approx(after[name].scores[:140], nan_ok=True)
        assert before[name].scores.shape == (200, 3)


def test_several_targets_may_have_a_map_each():
    steps = np.arange(400)
    source, preparation, parts = made(np.sin(steps / 2), x=np.sin(steps / 3) ** 2)
    found = fitted(["window_linear"], source, preparation, parts)["window_linear"]
    assert "a map for each target" in found.note
    assert found.scores.shape == (400, 6)


def test_all_are_in_the_table():
    assert set(Forecast.baselines) <= set(BASELINES)
