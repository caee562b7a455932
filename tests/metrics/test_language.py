"""Nats, bits and perplexity of the same text, by its characters."""

from math import exp, log

import numpy as np
import pytest

from layerwise.metrics import METRICS, Predictions


def predictions():
    scores = np.array([[1.0], [3.0]])
    return Predictions("none", (), np.zeros((2, 1)), scores, weight=np.array([30.0, 10.0]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nats_per_character", 1.5),
        ("bits_per_character", 1.5 / log(2)),
        ("character_perplexity", exp(1.5)),
    ],
)
def test_rows_weigh_by_their_characters(name, value):
    metric = METRICS[name]
    assert metric.function(predictions()) == pytest.approx(value)
    assert not metric.higher_is_better
    assert metric.kinds == ("none",)


@pytest.mark.parametrize("name", ["nats_per_character", "bits_per_character"])
def test_one_number_per_row_gives_the_metric(name):
    metric, given = METRICS[name], predictions()
    of_rows = metric.of_rows(given)[:, 0]
    assert np.average(of_rows, weights=given.weight) == pytest.approx(metric.function(given))
