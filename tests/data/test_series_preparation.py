"""Preparation of series: windows, standardized by training times alone, and back in units."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from pandas import DataFrame
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.data.forms import Prepared
from layerwise.data.roles import Roles
from layerwise.data.series import as_series, series_target
from layerwise.data.series_preparation import SeriesPreparation
from layerwise.data.source import Source
from layerwise.errors import DataError


def made(rows=40, options=None, target=None, **columns):
    dates = pd.date_range("2020-01-01", periods=rows, freq="h")
    frame = DataFrame({"t": dates, "y": 5 + np.sin(np.arange(rows)), **columns})
    return as_series(
        Source("made", frame),
        target=target,
        options={"lookback": 4, "horizon": 2} | (options or {}),
    )


def prepared(source, rows=range(3, 20), inputs_as="standard"):
    roles = Roles((), time="t")
    return SeriesPreparation.fit(
        source, roles, series_target(source), np.array(rows), inputs_as=inputs_as
    )


def batch_of(preparation, source, *rows) -> Batch:
    return preparation.dataset(source).batch(torch.tensor(rows))


def test_is_what_a_preparation_must_be():
    assert isinstance(prepared(made()), Prepared)


def test_a_window_ends_at_its_row_and_the_targets_follow_it():
    source = made(x=np.arange(40.0) ** 2)
    preparation = prepared(source)
    batch = batch_of(preparation, source, 10, 7)
    mean, scale = (preparation.tensors()[name].numpy() for name in ("mean", "scale"))
    scaled = (source.whole.values - mean) / scale
    assert_close(batch.inputs.numpy(), np.stack([scaled[7:11], scaled[4:8]]).astype(np.float32))
    futures = [scaled[11:13].T.ravel(), scaled[8:10].T.ravel()]  # one target after the other
    assert_close(batch.targets.numpy(), np.array(futures, np.float32))


def test_constants_are_of_the_times_that_training_windows_and_futures_cover():
    source = made()
    preparation = prepared(source, range(3, 20))
    seen = source.whole.values[:22, 0]
    assert preparation.tensors()["mean"].item() == pytest.approx(seen.mean())
    assert preparation.tensors()["scale"].item() == pytest.approx(seen.std())
    assert preparation.tensors()["naive_error"].item() == pytest.approx(
        np.abs(np.diff(seen)).mean()
    )
    changed = source.whole.values.copy()
    changed[22:] *= 1000
    other = replace(source, whole=replace(source.whole, values=changed))
    for name, tensor in prepared(other, range(3, 20)).tensors().items():
        assert_close(tensor, preparation.tensors()[name])


def test_truth_is_in_units_and_outputs_come_back_to_them():
    source = made(x=np.arange(40.0) ** 2)
    preparation = prepared(source)
    rows = np.array([5, 11])
    truth = preparation.truth(source, rows)
    assert truth.tolist()[0] == pytest.approx([*source.whole.values[6:8].T.ravel()])
    targets = batch_of(preparation, source, *rows).targets
    assert_close(preparation.in_units(targets.double()).numpy(), truth, rtol=1e-5, atol=1e-4)
    quantiles = torch.stack([targets, targets], dim=2)
    assert preparation.in_units(quantiles).shape == (2, 4, 2)


def test_the_last_rows_are_forecast_without_a_truth():
    source = made()
    preparation = prepared(source)
    batch = batch_of(preparation, source, 39)
    assert batch.inputs.isfinite().all()
    assert batch.targets.isnan().all()
    assert np.isnan(preparation.truth(source, np.array([38, 39]))).all()
    assert preparation.answerable(source).tolist() == list(range(3, 40))


def test_rows_without_a_whole_window_show_nothing():
    source = made()
    preparation = prepared(source)
    assert batch_of(preparation, source, 2).inputs.isnan().all()
    assert np.isnan(preparation.truth(source, np.array([2]))).all()


def test_a_missing_input_is_carried_from_the_past_and_marked():
    x = np.arange(40.0) ** 2
    x[[0, 8, 9]] = np.nan
    source = made(x=x, target="y")
    preparation = prepared(source)
    assert preparation.feature_names == ("y", "x", "x is missing")
    mean, scale = (preparation.tensors()[name].numpy()[1] for name in ("mean", "scale"))
    window = batch_of(preparation, source, 10).inputs[0]
    assert_close(window[:, 1].numpy(), ((np.array([49, 49, 49, 100]) - mean) / scale).astype("f4"))
    assert window[:, 2].tolist() == [0, 1, 1, 0]
    assert batch_of(preparation, source, 3).inputs[0, 0, 1] == 0  # no past: the mean


def test_irregular_times_are_an_input():
    days = np.cumsum(np.random.default_rng(0).integers(1, 9, 40))
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")
    frame = DataFrame({"t": dates, "y": np.sin(np.arange(40))})
    source = as_series(Source("made", frame), options={"lookback": 4, "horizon": 2})
    preparation = prepared(source)
    assert preparation.feature_names == ("y", "time since the row before")
    assert preparation.input_shape == (4, 2)


def test_the_calendar_reaches_one_horizon_ahead():
    source = made(options={"calendar": True})
    preparation = prepared(source)
    names = preparation.feature_names
    window = batch_of(preparation, source, 10).inputs[0]
    now, ahead = names.index("hour sine"), names.index("hour sine one horizon later")
    assert_close(window[2:, now], window[:2, ahead])
    assert window[3, ahead].item() == pytest.approx(np.sin(2 * np.pi * 12 / 24))


def test_saves_and_loads_to_the_same_windows():
    source = made(x=np.arange(40.0) ** 2)
    preparation = prepared(source)
    again = SeriesPreparation(preparation.to_json(), preparation.tensors())
    assert_close(batch_of(again, source, 9).inputs, batch_of(preparation, source, 9).inputs)
    assert again.fitted_in_words() == preparation.fitted_in_words()
    assert again.network_options == {"variables": 2}
    assert again.beside().keys() == {"unit:y", "unit:x", "naive:y", "naive:x"}


def test_some_rows_of_a_source_keep_their_windows():
    source = made()
    preparation = prepared(source)
    some = source.take(np.array([20, 30]))
    assert_close(batch_of(preparation, some, 1).inputs, batch_of(preparation, source, 30).inputs)
    assert preparation.truth(some, np.array([1])).tolist() == [
        *map(pytest.approx, preparation.truth(source, np.array([30])).tolist())
    ]


def test_neighbours_are_drawn_together_in_blocks_of_two_horizons():
    frame = pd.concat([made(20).frame.assign(g=group) for group in "ab"], ignore_index=True)
    source = as_series(Source("made", frame), group="g", options={"lookback": 4, "horizon": 2})
    preparation = prepared(source, [4, 5, 6, 7])
    groups = preparation.groups(source, np.array([5, 6, 8, 9, 25]))
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert len(set(groups)) == 3


def test_equal_windows_have_equal_fingerprints():
    source = made(40, y=np.tile([1.0, 2, 3, 5], 10))
    marks = prepared(source).fingerprints(source)
    assert marks[5] == marks[9] != marks[6]
    assert marks[0] == 0
    assert prepared(source).fingerprints(source.take(np.array([9])))[0] == marks[9]


def test_a_target_that_is_constant_in_training_is_refused():
    source = made(y=np.r_[np.full(30, 2.0), np.arange(10.0)])
    with pytest.raises(DataError, match="'y' is constant in training: always 2"):
        prepared(source)


def test_no_training_window_is_refused():
    with pytest.raises(DataError, match="no training windows"):
        prepared(made(), [])


def test_inputs_may_come_between_zero_and_one():
    source = made()
    batch = batch_of(prepared(source, inputs_as="unit"), source, 10)
    assert batch.inputs.min() >= 0
    assert batch.inputs.max() <= 1


# At prediction ---------------------------------------------------------------------------------


def shown(frame, options=None, **roles):
    return as_series(
        Source("new", frame), options={"lookback": 4, "horizon": 2} | (options or {}), **roles
    )


def test_too_few_rows_before_a_forecast_are_refused():
    preparation = prepared(made())
    with pytest.raises(DataError, match=r"last 4 times.*has no more than 3"):
        preparation.check(shown(made(3).frame))
    assert preparation.check(shown(made(4).frame, target="y")) == ()  # the first never have one


def test_a_column_of_training_must_be_there():
    preparation = prepared(made(x=np.arange(40.0) ** 2))
    with pytest.raises(DataError, match="lacks the column 'x'"):
        preparation.check(shown(made().frame))


def test_another_step_is_said_and_another_zone_or_kind_of_time_refused():
    preparation = prepared(made())
    daily = made().frame.assign(t=pd.date_range("2020-01-01", periods=40, freq="D"))
    assert "step between times is 1 day" in preparation.check(shown(daily))[0]
    zoned = made().frame.assign(t=pd.date_range("2020-01-01", periods=40, freq="h", tz="UTC"))
    with pytest.raises(DataError, match="time zone 'UTC', those of training in 'not written'"):
        preparation.check(shown(zoned))
    numbered = made().frame.assign(t=np.arange(40) * 1.5)
    with pytest.raises(DataError, match="are numbers, those of training were dates"):
        preparation.check(shown(numbered, time="t"))


def test_values_that_lack_only_now_are_said():
    frame = made().frame
    frame.loc[39, "y"] = np.nan
    assert any("'y' lacks values" in said for said in prepared(made()).check(shown(frame)))
