"""The worst mistakes are the surest wrong ones, and come with what the network saw."""

import numpy as np
import torch
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.data.source import Source
from layerwise.evaluation.evaluate import predictions_table
from layerwise.evaluation.mistakes import collect_rows, worst, worst_table
from layerwise.metrics import Predictions

TARGET = Target("binary", ("sick",), ("no", "yes"))
POSITIVE = np.array([0.9, 0.6, 0.2, 0.99, 0.8])
TRUTH = np.array([0, 0, 0, 1, 0])


def table(**columns):
    return predictions_table(TARGET, TRUTH, POSITIVE, rows=np.arange(5), split="test", **columns)


def test_the_surest_wrong_decisions_come_first_and_right_ones_never():
    assert worst_table(table(), TARGET)["row"].tolist() == [0, 4, 1]
    assert worst_table(table(), TARGET, count=1)["row"].tolist() == [0]


def test_rows_of_other_splits_or_without_truth_are_no_mistakes():
    mixed = table()
    mixed.loc[0, "split"] = "train"
    mixed.loc[4, "truth"] = None
    assert worst_table(mixed, TARGET)["row"].tolist() == [1]


def test_numbers_are_ranked_by_their_residual_in_each_target_s_own_measure():
    truth = np.array([[0.0, 0.0], [1.0, 1000.0], [2.0, 2000.0], [3.0, 3000.0]])
    scores = truth + np.array([[0.0, 100.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert worst(Predictions("real", (), truth, scores)).tolist() == [1, 0]


def test_labels_are_ranked_by_how_sure_the_wrong_ones_were():
    truth = np.array([[1, 0], [1, 1], [0, 0]])
    scores = np.array([[0.9, 0.6], [0.01, 0.9], [0.1, 0.2]])
    assert worst(Predictions("labels", ("p", "q"), truth, scores)).tolist() == [1, 0]


def test_the_source_s_columns_come_along_but_not_the_target():
    frame = DataFrame({"age": [50, 60, 70, 80, 90], "row": list("abcde"), "sick": list("nnnyn")})
    shown, pictures = collect_rows(worst_table(table(), TARGET), Source("s", frame), TARGET)
    assert pictures is None
    assert shown["age"].tolist() == [50, 90, 60]
    assert shown["input:row"].tolist() == ["a", "e", "b"]
    assert "sick" not in shown


def test_pictures_come_as_bytes():
    frame = DataFrame({"label": list("nnnyn")})
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    rows = worst_table(table(), TARGET)
    assert collect_rows(rows, Source("s", frame, images), TARGET)[1].flatten().tolist() == [0, 4, 1]
    floats = Source("s", frame, images.astype(np.float32) / 4)
    pictures = collect_rows(rows, floats, TARGET)[1]
    assert pictures.dtype == torch.uint8
    assert pictures.flatten().tolist() == [0, 255, 64]


def test_where_nothing_is_wrong_there_is_nothing_to_show():
    right = predictions_table(TARGET, [0, 1], [0.1, 0.9], rows=[0, 1], split="test")
    assert len(worst_table(right, TARGET)) == 0
    images = Source("s", DataFrame({"y": [0, 1]}), np.zeros((2, 3, 4, 4), dtype=np.float32))
    assert collect_rows(worst_table(right, TARGET), images, TARGET)[1].shape == (0, 3, 4, 4)
