"""Baselines are properly fitted, on the same rows and weights, and never end a run."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.contracts import Target
from layerwise.errors import SettingsError
from layerwise.evaluation import baselines, flat_rows
from layerwise.evaluation.baselines import BASELINES, choose_baselines, fit_baselines
from layerwise.evaluation.flat_rows import FlatRows

BINARY = Target("binary", ("y",), ("no", "yes"))
THREE = Target("classes", ("y",), ("a", "b", "c"))
REAL = Target("real", ("y",))


def parted(rows):
    return np.array(["train", "train", "test"])[np.arange(rows) % 3]


def fit_one(name, inputs, targets, target, weight=None, parts=None, **options):
    parts = parted(len(targets)) if parts is None else parts
    return fit_baselines([name], inputs, targets, weight, parts, target, **options)[0]


@pytest.fixture(scope="module")
def cancer():
    inputs, truth = load_breast_cancer(return_X_y=True)
    return torch.tensor(inputs), torch.tensor(truth, dtype=torch.float32)


def test_logistic_equals_scikit_learn_on_standardized_training_rows(cancer):
    inputs, truth = (tensor.numpy() for tensor in cancer)
    training = parted(len(truth)) == "train"
    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-6))
    expected = plain.fit(inputs[training], truth[training]).predict_proba(inputs)
    result = fit_one("logistic", *cancer, BINARY)
    np.testing.assert_allclose(result.scores, expected, atol=0.02)
    assert result.note == f"Fitted on {training.sum()} rows."
    assert result.seconds > 0


def test_validation_rows_choose_how_strongly_logistic_is_regularized():
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.normal(size=(300, 60)))  # nearly all of it is noise
    noise = generator.logistic(size=300)
    truth = torch.tensor(inputs[:, 0].numpy() + noise > 0).float()
    parts = np.array(["train", "validation", "test"])[np.arange(300) % 3]
    chosen = fit_one("logistic", inputs, truth, BINARY, parts=parts)
    alone = fit_one("logistic", inputs, truth, BINARY, parts=np.where(parts == "train", parts, ""))
    test, places = parts == "test", truth.numpy().astype(int)
    losses = [
        -np.log(result.scores[np.arange(300), places][test]).mean() for result in (chosen, alone)
    ]
    assert losses[0] < 0.7 < losses[1]


def test_linear_is_a_ridge_of_1_and_predicts_as_well_as_least_squares():
    inputs, truth = load_diabetes(return_X_y=True)
    training = parted(len(truth)) == "train"
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=1.0))
    squares = LinearRegression().fit(inputs[training], truth[training]).predict(inputs)
    result = fit_one("linear", torch.tensor(inputs), torch.tensor(truth)[:, None], REAL)
    expected = ridge.fit(inputs[training], truth[training]).predict(inputs)
    np.testing.assert_allclose(result.scores[:, 0], expected, rtol=1e-3)
    errors = [np.sqrt(np.mean((each - truth)[~training] ** 2)) for each in (expected, squares)]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)


def test_pictures_are_flattened_and_their_classes_found():
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:600, None]
    truth = torch.tensor(digits.target)[:600]
    target = Target("classes", ("label",), tuple(map(str, range(10))))
    result = fit_one("logistic", images, truth, target)
    test = parted(600) == "test"
    assert (result.scores.argmax(1) == truth.numpy())[test].mean() > 0.9
    np.testing.assert_allclose(result.scores.sum(axis=1), 1, rtol=1e-5)


def test_large_pictures_are_averaged_down():
    images = torch.zeros(30, 3, 64, 100)
    images[::2] += 1
    truth = torch.tensor([1.0, 0.0] * 15)
    result = fit_one("logistic", images, truth, BINARY)
    assert (result.scores.argmax(1) == truth.numpy()).all()
    rows = np.arange(30)
    assert FlatRows(images, rows, rows).training().shape == (30, 3 * 32 * 32)


def test_codes_become_one_column_each():
    codes = torch.arange(90)[:, None] % 3
    inputs = {"numbers": torch.zeros(90, 1), "codes": codes}
    truth = (codes[:, 0] == 1).float()  # no line through the codes could tell it
    parts = np.tile(["train", "test"], 45)
    result = fit_one("logistic", inputs, truth, BINARY, parts=parts)
    assert ((result.scores[:, 1] > 0.5) == truth.numpy().astype(bool)).all()


def test_boosted_trees_find_what_no_line_can(cancer):
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.choice([-1.0, 1.0], (400, 2)))
    truth = (inputs[:, 0] * inputs[:, 1] > 0).float()
    trees = fit_one("boosted_trees", inputs, truth, BINARY)
    line = fit_one("logistic", inputs, truth, BINARY)
    assert ((trees.scores[:, 1] > 0.5) == truth.numpy().astype(bool)).all()
    assert ((line.scores[:, 1] > 0.5) == truth.numpy().astype(bool)).mean() < 0.8


@pytest.mark.parametrize("name", ["majority", "logistic", "boosted_trees"])
def test_weights_move_the_probabilities_as_repeated_rows_do(name):
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.normal(size=(60, 2)))
    truth = torch.tensor(generator.integers(0, 2, 60), dtype=torch.float32)
    weight = torch.where(truth > 0, 3.0, 1.0)
    parts = np.full(60, "train")
    weighted = fit_one(name, inputs, truth, BINARY, weight, parts)
    plain = fit_one(name, inputs, truth, BINARY, None, parts)
    assert weighted.scores[:, 1].mean() > plain.scores[:, 1].mean() + 0.1
    if name == "majority":
        shares = 3 * truth.mean() / (1 + 2 * truth.mean())
        np.testing.assert_allclose(weighted.scores[:, 1], shares, rtol=1e-6)


def test_only_training_rows_with_a_truth_are_seen():
    truth = torch.tensor([[1.0], [3.0], [float("nan")], [100.0]])
    parts = np.array(["train", "train", "train", "test"])
    result = fit_one("mean", torch.zeros(4, 1), truth, REAL, parts=parts)
    assert result.scores.ravel().tolist() == [2.0] * 4


def test_labels_and_several_numbers_get_a_column_each():
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.normal(size=(90, 2)))
    labels = torch.stack([inputs[:, 0] > 0, inputs[:, 1] > 0, torch.ones(90) > 0], dim=1).float()
    target = Target("labels", ("p", "q", "r"), ("p", "q", "r"))
    for name in ("majority", "logistic", "boosted_trees"):
        result = fit_one(name, inputs, labels, target)
        assert result.scores.shape == (90, 3), result.note
        np.testing.assert_allclose(result.scores[:, 2], 1)
    both = Target("real", ("u", "v"))
    for name in ("mean", "linear", "boosted_trees"):
        result = fit_one(name, inputs, inputs * 2 + 1, both)
        assert result.scores.shape == (90, 2), result.note
    linear = fit_one("linear", inputs, inputs * 2 + 1, both)
    np.testing.assert_allclose(linear.scores, inputs * 2 + 1, atol=0.2)


@pytest.mark.parametrize("name", ["mean", "linear", "boosted_trees"])
def test_counts_are_predicted_above_zero(name):
    generator = np.random.default_rng(0)
    inputs = torch.tensor(generator.normal(size=(200, 1)))
    counts = torch.tensor(generator.poisson(np.exp(inputs.numpy())), dtype=torch.float32)
    result = fit_one(name, inputs, counts, Target("count", ("n",)))
    assert (result.scores > 0).all(), result.note


def test_a_class_without_training_rows_gets_no_probability():
    inputs = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    truth = torch.arange(40) % 2
    for name in ("majority", "logistic", "boosted_trees"):
        result = fit_one(name, inputs, truth, THREE)
        assert (result.scores[:, 2] == 0).all()


def test_without_time_the_note_says_so_and_scores_are_missing(cancer):
    result = fit_one("logistic", *cancer, BINARY, seconds=0)
    assert result.note == "Not fitted: no time was left."
    assert result.scores.shape == (569, 2)
    assert np.isnan(result.scores).all()
    assert fit_one("majority", *cancer, BINARY, seconds=0).note.startswith("Fitted")


def test_a_fit_is_stopped_by_the_limit_and_keeps_what_it_has(cancer, monkeypatch):
    monkeypatch.setattr(baselines, "TREES", 10**9)
    result = fit_one("boosted_trees", *cancer, BINARY, seconds=1)
    assert "Stopped by the time limit after" in result.note
    assert result.seconds < 5
    assert np.isfinite(result.scores).all()


def test_large_data_are_sampled_and_the_note_says_how_many(cancer, monkeypatch):
    monkeypatch.setattr(flat_rows, "MOST_ROWS", 100)
    result = fit_one("logistic", *cancer, BINARY)
    assert result.note == "Fitted on 100 rows drawn from 380."
    assert ((result.scores[:, 1] > 0.5) == cancer[1].numpy()).mean() > 0.93


def test_what_scikit_learn_refuses_becomes_a_note():
    inputs, truth = torch.randn(30, 2), torch.zeros(30, dtype=torch.int64)
    refused = fit_one("logistic", inputs, truth, THREE)
    assert refused.note.startswith("Not fitted: scikit-learn said: ")
    assert np.isnan(refused.scores).all()
    weight = -torch.ones(30)
    weight[:10] = 0.1
    negative = fit_one("linear", inputs, inputs[:, :1], REAL, weight)
    assert negative.note.startswith("Not fitted")
    assert negative.note.endswith("Some row weights are negative.")


def test_no_training_rows_are_no_error(cancer):
    result = fit_one("logistic", *cancer, BINARY, parts=np.full(569, "test"))
    assert result.note == "Not fitted: there are no training rows."


def test_torch_and_numpy_draw_on_as_if_nothing_had_happened(cancer):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    fit_baselines(["majority", "logistic"], *cancer, None, parted(569), BINARY)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_fast_and_all_choose_what_fits_the_target():
    assert choose_baselines("none", BINARY) == ()
    assert choose_baselines("fast", BINARY) == ("majority", "logistic")
    assert choose_baselines("all", REAL) == ("mean", "linear", "boosted_trees")
    assert choose_baselines("all", BINARY, ("majority",)) == ("majority",)
    with pytest.raises(SettingsError, match="Did you mean 'fast'"):
        choose_baselines("fst", BINARY)
    with pytest.raises(SettingsError, match="Did you mean 'logistic'"):
        fit_one("logstic", torch.zeros(3, 1), torch.zeros(3), BINARY)


def test_tasks_name_only_baselines_that_exist():
    tasks = pytest.importorskip("layerwise.tasks.classify")
    assert set(tasks.Classify.baselines) <= set(BASELINES)
