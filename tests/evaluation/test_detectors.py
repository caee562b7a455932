"""Detectors are those of scikit-learn on the given rows, find what is odd, never end a run."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from layerwise.contracts import Target
from layerwise.errors import SettingsError
from layerwise.evaluation import detectors, flat_rows
from layerwise.evaluation.detectors import DETECTORS, fit_detectors

BINARY, NONE = Target("binary", ("y",), ("usual", "odd")), Target("none")
EACH = pytest.mark.parametrize("name", DETECTORS)


@pytest.fixture(scope="module")
def table():
    """400 rows near a plane in five dimensions; the last ten are off it. 300 rows are fitted."""
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(400, 2)) @ generator.normal(size=(2, 5))
    inputs = plane + 0.1 * generator.normal(size=(400, 5))
    inputs[390:] += 4 * generator.choice([-1, 1], size=(10, 5))
    return torch.tensor(inputs), np.arange(300)


def fit_one(name, inputs, rows, target=BINARY, **options):
    return fit_detectors([name], inputs, rows, target, **options)[0]


@EACH
def test_odd_rows_score_above_usual_ones_that_were_not_fitted(name, table):
    result = fit_one(name, *table)
    scores = result.scores[:, 1]
    assert result.scores.shape == (400, 2)
    np.testing.assert_allclose(result.scores.sum(axis=1), 1)
    assert scores.min() >= 0
    assert scores.max() < 1
    above = scores[390:, None] > scores[None, 300:390]
    assert above.mean() > 0.95
    assert result.note.startswith("Fitted on 300 rows.")


def test_the_forest_is_that_of_scikit_learn(table):
    inputs, rows = table
    plain = IsolationForest(random_state=3).fit(inputs[rows].numpy().astype(np.float32))
    expected = -plain.score_samples(inputs.numpy().astype(np.float32))
    found = fit_one("isolation_forest", inputs, rows, seed=3).scores[:, 1]
    np.testing.assert_allclose(found, expected)


def test_the_error_is_what_the_components_of_the_fitted_rows_leave(table):
    inputs, rows = table
    scaler = StandardScaler().fit(inputs[rows].numpy())
    ready = np.asarray(scaler.transform(inputs.numpy()))
    shares, axes = np.linalg.eigh(np.cov(ready[rows].T))  # rising
    kept = 1 + int((np.cumsum(shares[::-1]) / shares.sum() < 0.9).sum())
    axes = axes[:, -kept:]
    errors = np.square(ready - ready @ axes @ axes.T).mean(axis=1)
    result = fit_one("pca_error", inputs, rows)
    np.testing.assert_allclose(result.scores[:, 1], errors / (1 + errors), atol=1e-5)
    assert 1 < kept < 5
    assert result.note == f"Fitted on 300 rows. {kept} components keep 90 % of the variance."


def test_without_classes_the_error_is_given_in_the_inputs_own_units(table):
    inputs, rows = table
    small = fit_one("pca_error", inputs, rows, NONE).scores
    large = fit_one("pca_error", 10 * inputs, rows, NONE).scores
    assert small.shape == (400, 1)
    np.testing.assert_allclose(large, 100 * small, rtol=1e-3)
    assert fit_one("isolation_forest", inputs, rows, NONE).scores.shape == (400, 1)


@EACH
def test_rows_that_are_not_to_be_fitted_change_nothing(name, table):
    inputs, rows = table
    other = inputs.clone()
    other[390:] = 1e6
    before, after = (fit_one(name, given, rows).scores[:390] for given in (inputs, other))
    np.testing.assert_array_equal(before, after)


@EACH
def test_categories_become_one_hot(name):
    codes = torch.tensor([[0, 1]] * 30 + [[1, 0]] * 30 + [[2, 1]])
    result = fit_one(name, {"numbers": torch.randn(61, 2), "codes": codes}, np.arange(60))
    assert np.isfinite(result.scores).all()


@EACH
def test_images_are_flattened(name):
    torch.manual_seed(0)
    assert np.isfinite(fit_one(name, torch.rand(40, 1, 40, 40), np.arange(30)).scores).all()


def test_large_data_are_sampled_and_it_is_said(monkeypatch, table):
    monkeypatch.setattr(flat_rows, "MOST_ROWS", 50)
    assert fit_one("isolation_forest", *table).note == "Fitted on 50 rows drawn from 300."


@EACH
@pytest.mark.parametrize("rows", [[], [3]])
def test_too_few_rows_are_a_note(name, rows, table):
    result = fit_one(name, table[0], np.array(rows, dtype=np.int64))
    assert np.isnan(result.scores).all()
    assert result.note == f"Not fitted: there are {len(rows)} training rows, it needs two."


def test_time_that_is_over_is_a_note(monkeypatch, table):
    results = fit_detectors(DETECTORS, table[0], table[1], BINARY, seconds=0)
    assert {result.note for result in results} == {"Not fitted: no time was left."}
    monkeypatch.setattr(detectors, "LEAST_SECONDS", -1)
    result = fit_one("isolation_forest", *table, seconds=0)
    assert result.note == "Stopped by the time limit."
    assert result.scores.shape == (400, 2)
    assert np.isnan(result.scores).all()


def test_what_scikit_learn_refuses_is_a_note(table):
    inputs = table[0].clone()
    inputs[5, 0] = torch.nan
    assert "scikit-learn said: Input X contains NaN" in fit_one("pca_error", inputs, table[1]).note


@EACH
def test_rows_that_are_all_the_same_end_nothing(name):
    result = fit_one(name, torch.ones(20, 3), np.arange(20))
    assert result.scores.shape == (20, 2)


def test_a_misspelt_detector_names_the_nearest(table):
    with pytest.raises(SettingsError, match=r"no detector 'pca'.*pca_error"):
        fit_one("pca", *table)
