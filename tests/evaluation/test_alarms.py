"""Shares of the squared error by hand."""

import numpy as np
import pytest
import torch

from layerwise.errors import DataError
from layerwise.evaluation.alarms import blame

NAMES = ("amount", "hour", "age", "country")


def test_the_largest_shares_come_first():
    found = blame(np.array([[1.0, 6, 2, 1], [0, 0, 0, 5]]), NAMES, top=2)
    assert found == [[("hour", 0.6), ("age", 0.2)], [("country", 1.0)]]


def test_equal_shares_keep_the_order_of_the_columns():
    assert blame(np.ones((1, 4)), NAMES) == [[("amount", 0.25), ("hour", 0.25), ("age", 0.25)]]


def test_a_column_of_several_numbers_is_one():
    (found,) = blame(torch.tensor([[3.0, 1.0, 4.0, 2.0]]), ("hour", "country", "age", "country"))
    assert found == [("age", 0.4), ("hour", 0.3), ("country", 0.3)]


def test_a_row_without_error_blames_none():
    assert blame(np.zeros((1, 4)), NAMES) == [[]]
    assert blame(np.zeros((0, 4)), NAMES) == []


def test_more_columns_than_there_are_give_all():
    assert len(blame(np.ones((1, 4)), NAMES, top=9)[0]) == 4


def test_a_great_table_of_pixels_is_quick():
    found = blame(np.ones((100, 3000)), [f"pixel {place}" for place in range(3000)])
    assert found[99][2] == ("pixel 2", 1 / 3000)


def test_names_that_do_not_fit_are_told():
    with pytest.raises(DataError, match=r"must be \(rows, 4\).*got \(2, 3\)"):
        blame(np.zeros((2, 3)), NAMES)
