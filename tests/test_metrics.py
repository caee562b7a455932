"""Every metric has the value computed by hand and scikit-learn's, weighted rows included."""

import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pandas import DataFrame
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from layerwise.contracts import Target
from layerwise.errors import DataError, SettingsError
from layerwise.metrics import (
    METRICS,
    Predictions,
    abstaining,
    calibration_bins,
    confusion_matrix,
    coverage_metrics,
    decisions,
    find_metric,
    pr_curve,
    roc_curve,
)


def value(name, predictions):
    return METRICS[name].function(predictions)


def four_rows(weight=None):
    """Truth no, no, yes, yes; the network gives yes 0.1, 0.6, 0.4, 0.9."""
    positive = np.array([0.1, 0.6, 0.4, 0.9])
    scores = np.stack([1 - positive, positive], axis=1)
    return Predictions("binary", ("no", "yes"), np.array([0, 0, 1, 1]), scores, weight)


def three_amounts(weight=None):
    truth, scores = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [3.0], [5.0]])
    return Predictions("real", (), truth, scores, weight)


def random_predictions(kind, rows=300, classes=4, seed=0, ties=False):
    generator = np.random.default_rng(seed)
    weight = generator.uniform(0.2, 3.0, rows)
    names = tuple(f"c{number}" for number in range(classes))
    if kind in ("count", "real"):
        truth = generator.poisson(3.0, (rows, 2)).astype(float)
        return Predictions(kind, (), truth, truth + generator.uniform(0.1, 2, (rows, 2)), weight)
    if kind == "labels":
        truth = generator.integers(0, 2, (rows, classes))
        scores = np.clip(0.3 * truth + generator.uniform(0, 0.7, truth.shape), 0.01, 0.99)
        return Predictions(kind, names, truth, scores, weight)
    classes = 2 if kind == "binary" else classes
    truth = generator.integers(0, classes, rows)
    logits = generator.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores, 1) + 1e-9
        scores /= scores.sum(axis=1, keepdims=True)
        scores[:, 1] = scores[:, 1].round(2)
        if kind == "binary":
            scores[:, 0] = 1 - scores[:, 1]
    return Predictions(kind, names[:classes], truth, scores, weight)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 0.5),
        ("balanced_accuracy", 0.5),
        ("precision", 0.5),
        ("recall", 0.5),
        ("f1", 0.5),
        ("roc_auc", 0.75),  # of the pairs only (0.4 yes, 0.6 no) is out of order
        ("pr_auc", 0.5 * 1 + 0.5 * 2 / 3),
        ("log_loss", -(2 * math.log(0.9) + 2 * math.log(0.4)) / 4),
        ("brier", (0.01 + 0.36 + 0.36 + 0.01) / 4),
        ("calibration_error", (0.1 + 0.6 + 0.6 + 0.1) / 4),  # every row is alone in its bin
    ],
)
def test_values_on_four_rows_are_those_computed_by_hand(name, expected):
    assert value(name, four_rows()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 4 / 6),  # the yes at 0.9 counts three times
        ("recall", 3 / 4),
        ("precision", 3 / 4),
        ("roc_auc", (3 * 2 + 1 * 1) / (4 * 2)),
        ("brier", (0.01 + 0.36 + 0.36 + 3 * 0.01) / 6),
    ],
)
def test_a_weight_of_three_counts_a_row_three_times(name, expected):
    weighted = four_rows(np.array([1.0, 1.0, 1.0, 3.0]))
    assert value(name, weighted) == pytest.approx(expected)
    assert value(name, four_rows().take([0, 1, 2, 3, 3, 3])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mae", 1.0), ("rmse", math.sqrt(5 / 3)), ("r2", 1 - 5 / 2)],
)
def test_amounts_have_the_values_computed_by_hand(name, expected):
    assert value(name, three_amounts()) == pytest.approx(expected)


def test_poisson_deviance_has_the_value_computed_by_hand():
    counts = Predictions("count", (), np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]]))
    assert value("poisson_deviance", counts) == pytest.approx(
        (2 * 1 + 2 * (2 * math.log(2) - 1)) / 2
    )


CLASS_REFERENCES = {
    "accuracy": lambda p, w: reference.accuracy_score(p.truth, p.scores.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda p, w: reference.balanced_accuracy_score(
        p.truth, p.scores.argmax(1), sample_weight=w
    ),
    "log_loss": lambda p, w: reference.log_loss(p.truth, p.scores, sample_weight=w),
}


@pytest.mark.parametrize("kind", ["binary", "classes"])
@pytest.mark.parametrize("name", list(CLASS_REFERENCES))
def test_metrics_of_decisions_equal_scikit_learn(kind, name):
    predictions = random_predictions(kind)
    expected = CLASS_REFERENCES[name](predictions, predictions.weight)
    assert value(name, predictions) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["binary", "classes", "labels"])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_rates_equal_scikit_learn_also_where_a_class_is_never_decided(kind, name):
    predictions = random_predictions(kind)
    scores = predictions.scores.copy()
    if kind == "classes":
        scores[:, 3] = 0
    never = Predictions(kind, predictions.classes, predictions.truth, scores, predictions.weight)
    function = getattr(reference, f"{name}_score")
    expected = function(
        never.truth,
        decisions(never),
        average="binary" if kind == "binary" else "macro",
        sample_weight=never.weight,
        zero_division=0,
    )
    assert value(name, never) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_areas_of_two_classes_equal_scikit_learn(ties):
    each = random_predictions("binary", ties=ties)
    told, weight = each.scores[:, 1], each.weight
    assert value("roc_auc", each) == pytest.approx(
        reference.roc_auc_score(each.truth, told, sample_weight=weight)
    )
    assert value("pr_auc", each) == pytest.approx(
        reference.average_precision_score(each.truth, told, sample_weight=weight)
    )


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_areas_of_several_classes_are_their_mean_as_in_scikit_learn(kind):
    each = random_predictions(kind)
    truth = np.eye(4)[each.truth] if kind == "classes" else each.truth
    for name, function in (
        ("roc_auc", reference.roc_auc_score),
        ("pr_auc", reference.average_precision_score),
    ):
        expected = function(truth, each.scores, average="macro", sample_weight=each.weight)
        assert value(name, each) == pytest.approx(expected)


def test_brier_equals_scikit_learn():
    two = random_predictions("binary")
    expected = reference.brier_score_loss(two.truth, two.scores[:, 1], sample_weight=two.weight)
    assert value("brier", two) == pytest.approx(expected)
    many = random_predictions("classes")
    plainly = ((many.scores - np.eye(4)[many.truth]) ** 2).sum(axis=1)
    assert value("brier", many) == pytest.approx(np.average(plainly, weights=many.weight))


def test_labels_have_their_own_accuracies():
    each = random_predictions("labels")
    decided = (each.scores > 0.5).astype(int)
    expected = 1 - reference.hamming_loss(each.truth, decided, sample_weight=each.weight)
    assert value("accuracy", each) == pytest.approx(expected)
    expected = reference.accuracy_score(each.truth, decided, sample_weight=each.weight)
    assert value("exact_match", each) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mae", reference.mean_absolute_error),
        ("rmse", reference.root_mean_squared_error),
        ("r2", reference.r2_score),
    ],
)
def test_amounts_of_several_targets_equal_scikit_learn(name, function):
    each = random_predictions("real")
    expected = function(each.truth, each.scores, sample_weight=each.weight)
    assert value(name, each) == pytest.approx(expected)


def test_poisson_deviance_equals_scikit_learn():
    each = random_predictions("count")
    one = Predictions("count", (), each.truth[:, :1], each.scores[:, :1], each.weight)
    expected = reference.mean_poisson_deviance(
        one.truth[:, 0], one.scores[:, 0], sample_weight=one.weight
    )
    assert value("poisson_deviance", one) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_curves_equal_scikit_learn(ties):
    each = random_predictions("binary", ties=ties)
    false, found, thresholds = roc_curve(each)
    expected = reference.roc_curve(
        each.truth, each.scores[:, 1], sample_weight=each.weight, drop_intermediate=False
    )
    for ours, theirs in zip((false, found, thresholds), expected, strict=True):
        assert_allclose(ours, theirs)
    recalls, precisions, _ = pr_curve(each)
    theirs = reference.precision_recall_curve(
        each.truth, each.scores[:, 1], sample_weight=each.weight
    )
    assert_allclose(recalls, theirs[1][::-1])
    assert_allclose(precisions, theirs[0][::-1])


def test_calibration_bins_equal_scikit_learn_where_rows_are():
    each = random_predictions("binary", rows=2000)
    unweighted = Predictions("binary", each.classes, each.truth, each.scores)
    weight, confidence, share = calibration_bins(unweighted)
    theirs = calibration_curve(each.truth, each.scores[:, 1], n_bins=15)
    assert_allclose(share[weight > 0], theirs[0])
    assert_allclose(confidence[weight > 0], theirs[1])
    assert weight.sum() == 2000


def test_calibration_error_of_classes_compares_confidence_with_accuracy():
    scores = np.array([[0.8, 0.1, 0.1]] * 4)
    right_twice = Predictions("classes", ("a", "b", "c"), np.array([0, 0, 1, 2]), scores)
    assert value("calibration_error", right_twice) == pytest.approx(0.3)


def test_confusion_matrix_sums_weights_truth_down():
    weighted = four_rows(np.array([1.0, 2.0, 4.0, 8.0]))
    assert confusion_matrix(weighted).tolist() == [[1.0, 2.0], [4.0, 8.0]]


def test_abstaining_gives_coverage_and_accuracy_of_what_is_decided():
    assert abstaining(four_rows(), 0.8) == (0.5, 1.0)
    coverage, right = abstaining(four_rows(), 0.95)
    assert coverage == 0
    assert math.isnan(right)
    both = coverage_metrics(0.8)
    assert [metric.function(four_rows()) for metric in both.values()] == [0.5, 1.0]


@pytest.mark.parametrize("kind", ["binary", "classes", "labels", "count", "real"])
def test_a_resample_by_counts_equals_the_rows_taken_that_often(kind):
    each = random_predictions(kind, rows=60)
    counts = np.bincount(np.random.default_rng(3).integers(0, 60, 60), minlength=60)
    taken = each.take(np.repeat(np.arange(60), counts))
    for name, metric in METRICS.items():
        if kind in metric.kinds:
            assert metric.resampled(each, counts) == pytest.approx(metric.function(taken)), name


@pytest.mark.parametrize("name", ["accuracy", "roc_auc", "f1", "log_loss", "calibration_error"])
def test_a_missing_score_makes_every_metric_undefined(name):
    scores = four_rows().scores.copy()
    scores[0] = np.nan
    broken = Predictions("binary", ("no", "yes"), np.array([0, 0, 1, 1]), scores)
    assert math.isnan(value(name, broken))


def test_what_cannot_be_defined_is_nan_and_no_error():
    alone = four_rows().take([2, 3])
    assert math.isnan(value("roc_auc", alone))
    assert math.isnan(value("accuracy", four_rows().take([])))
    assert math.isnan(value("accuracy", four_rows(np.array([1.0, -1.0, 1.0, -1.0]))))
    assert math.isnan(value("r2", three_amounts().take([1, 1])))


def test_negative_weights_subtract():
    assert value("accuracy", four_rows(np.array([2.0, -0.5, 0.5, 2.0]))) == pytest.approx(1.0)


def test_predictions_come_from_one_split_of_the_table():
    table = DataFrame(
        {
            "row": [0, 1, 2],
            "split": ["test", "test", "train"],
            "truth": ["b", None, "a"],
            "score:a": [0.3, 0.5, 0.9],
            "score:b": [0.7, 0.5, 0.1],
            "weight": [1.0, 2.0, 3.0],
        }
    )
    target = Target("binary", ("y",), ("a", "b"))
    test = Predictions.from_table(table, target, "test")
    assert (test.truth.tolist(), test.scores.tolist()) == ([1], [[0.3, 0.7]])
    assert test.weight.tolist() == [1.0]
    assert len(Predictions.from_table(table, target)) == 2


def test_a_table_without_a_score_or_with_a_new_class_is_refused():
    target = Target("binary", ("y",), ("a", "b"))
    table = DataFrame({"truth": ["a"], "score:a": [1.0]})
    with pytest.raises(DataError, match="score:b"):
        Predictions.from_table(table, target)
    with pytest.raises(DataError, match="'c' in the predictions table is none of the classes"):
        Predictions.from_table(table.assign(**{"truth": "c", "score:b": 0.0}), target)


def test_an_own_metric_is_loaded_and_may_be_better_when_lower(tmp_path):
    file = tmp_path / "my.py"
    file.write_text(
        "def cost(predictions):\n"
        "    'Rows that are wrong.'\n"
        "    return (predictions.scores.argmax(1) != predictions.truth).sum()\n"
        "cost.higher_is_better = False\n"
        "number = 3\n"
    )
    metric = find_metric(f"{file}:cost", "binary")
    assert (metric.function(four_rows()), metric.higher_is_better) == (2.0, False)
    assert metric.summary == "Rows that are wrong."
    assert metric.resampled(four_rows(), np.array([0, 4, 0, 0])) == 4.0
    with pytest.raises(SettingsError, match="must be a function"):
        find_metric(f"{file}:number")


def test_a_metric_that_is_not_known_or_does_not_fit_names_the_right_ones():
    with pytest.raises(SettingsError, match="Did you mean 'accuracy'"):
        find_metric("acuracy", "binary")
    with pytest.raises(SettingsError, match=r"not real.*rmse"):
        find_metric("accuracy", "real")


def perfect(kind):
    """Six rows that are predicted as they are."""
    if kind in ("binary", "classes", "labels"):
        truth = np.eye(2, dtype=int)[[0, 0, 0, 1, 1, 1]]
        classes = truth if kind == "labels" else truth[:, 1]
        return Predictions(kind, ("no", "yes"), classes, truth.astype(float))
    if kind == "text":
        said = np.array(["a cat sat on the mat today"] * 6, dtype=object)
        return Predictions(kind, (), said, said)
    amounts = np.arange(6.0)[:, None]
    if kind == "mask":  # pixels of two classes, all of them said rightly
        pixels = np.hstack([amounts, 6 - amounts])
        return Predictions(kind, ("no", "yes"), pixels, np.hstack([pixels, pixels]))
    if kind == "field":  # of three cells
        fields = np.hstack([amounts, 2 * amounts, -amounts])
        return Predictions(kind, (), fields, fields)
    if kind == "none":  # every game is won
        return Predictions(kind, (), np.zeros(6), np.ones((6, 1)))
    beside = {"@0.1": amounts - 1, "@0.9": amounts + 1} if kind == "series" else {}
    return Predictions(kind, (), amounts, amounts, beside=beside)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_where_its_scale_ends_and_perfect_predictions_reach_it(name):
    metric = METRICS[name]
    assert (metric.top is not None) == metric.higher_is_better
    if metric.top is not None:
        for kind in metric.kinds:
            assert metric.function(perfect(kind)) == pytest.approx(metric.top)


def test_importing_metrics_needs_neither_torch_nor_scikit_learn():
    code = (
        "import sys, layerwise.metrics;"
        "print([name for name in ('torch', 'sklearn', 'pandas') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
