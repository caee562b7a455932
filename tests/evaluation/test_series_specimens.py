"""Specimens of forecasts: of origins that nobody chose, in the units of the data."""

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.roles import Roles
from layerwise.data.series import as_series, series_target
from layerwise.data.series_preparation import SeriesPreparation
from layerwise.data.source import Source
from layerwise.evaluation.series_specimens import show
from layerwise.networks.window_linear import WindowLinear
from layerwise.tasks.forecast import Forecast


def shown(rows=range(120, 180), **options):
    dates = pd.date_range("2020-01-01", periods=200, freq="h")
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(200) / 24)
    frame = DataFrame({"t": dates, "y": values, "x": values**2})
    source = as_series(Source("made", frame), options={"lookback": 30, "horizon": 6})
    target = series_target(source)
    preparation = SeriesPreparation.fit(source, Roles((), time="t"), target, np.arange(29, 110))
    task = Forecast(target, **options)
    network = WindowLinear(preparation.input_shape, task.output_size, variables=2)
    made = show(network, task, preparation, source, np.array(rows), seed=0)
    return made, source


def test_shows_the_first_the_middle_and_the_last_judged_row():
    made, source = shown()
    arrays = made["arrays"]
    assert arrays["truth"].shape == arrays["forecast"].shape == (3, 2, 6)
    for place, row in enumerate([120, 150, 179]):
        np.testing.assert_allclose(
            arrays["truth"][place], source.whole.values[row + 1 : row + 7].T, rtol=1e-5
        )
        np.testing.assert_allclose(
            arrays["history"][place], source.whole.values[row - 11 : row + 1].T, rtol=1e-5
        )
    assert "2020-01-06 00:00:00" in made["sentences"][0]


def test_the_error_by_time_ahead_stands_beside_the_baselines():
    made, _ = shown()
    assert made["arrays"]["error"].shape == (3, 6)
    assert made["arrays"]["error"][2].max() < 1e-3  # a season ago it was the same
    table = made["tables"][0]
    assert table["columns"] == ["times ahead", "network", "last value", "a season ago"]
    assert [row[0] for row in table["rows"]] == [1, 2, 3, 4, 5, 6]


def test_quantiles_bound_the_forecast():
    made, _ = shown(loss="quantiles")
    arrays = made["arrays"]
    assert (arrays["low"] <= arrays["forecast"]).all()
    assert (arrays["forecast"] <= arrays["high"]).all()
    assert "from the quantile 0.1 to the quantile 0.9" in made["sentences"][-1]


def test_one_judged_row_is_shown_once():
    made, _ = shown([130])
    assert made["arrays"]["forecast"].shape == (1, 2, 6)


def test_without_rows_there_is_nothing():
    assert shown([])[0] == {"sentences": [], "tables": [], "arrays": {}}
