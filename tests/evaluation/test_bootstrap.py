import numpy as np
import pytest

from layerwise.evaluation.intervals import interval
from layerwise.metrics import Predictions


@pytest.mark.parametrize("name", ["pr_auc", "balanced_accuracy", "log_loss", "accuracy"])
def test_intervals_of_many_rows_are_those_that_resamples_give(name, monkeypatch):
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 2, 4000)
    chance = np.clip(0.3 + 0.3 * truth + 0.2 * generator.standard_normal(4000), 0.01, 0.99)
    judged = Predictions("binary", ("0", "1"), truth, np.stack([1 - chance, chance], axis=1))
    by_resamples = interval(name, judged)
    monkeypatch.setattr("layerwise.evaluation.bootstrap.MANY", 1000)
    by_blocks = interval(name, judged)
    width = by_resamples.high - by_resamples.low
    assert by_blocks.value == by_resamples.value
    assert by_blocks.low == pytest.approx(by_resamples.low, abs=0.15 * width)
    assert by_blocks.high == pytest.approx(by_resamples.high, abs=0.15 * width)
