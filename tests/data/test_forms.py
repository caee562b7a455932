"""What every form of experience shares: the weights of rows."""

import numpy as np
from pandas import DataFrame
from text_cases import lines, prepared

from layerwise.contracts import Target
from layerwise.data.forms import fit_preparation, weights_of
from layerwise.data.roles import Roles, describe_columns
from layerwise.data.source import Source


def test_a_row_counts_what_the_weight_column_says_unless_its_form_knows_better():
    source = Source("table", DataFrame({"x": [1.0, 2.0, 4.0], "y": [0, 1, 0], "w": [1, -0.5, 3]}))
    target, rows = Target("binary", ("y",), ("0", "1")), np.arange(3)

    def weights(roles):
        made = fit_preparation(source, roles, describe_columns(source, roles), target, rows)
        return weights_of(made, source, np.array([2, 1]))

    assert weights(Roles(("y",), weight="w")).tolist() == [3, -0.5]
    assert weights(Roles(("y",), ignore=("w",))) is None
    names = lines(["an", "hannah"])  # a language model counts characters and the end of the line
    assert weights_of(prepared(names), names, np.array([1, 0])).tolist() == [7, 3]
