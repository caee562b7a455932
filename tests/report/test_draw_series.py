"""Figures of forecasts."""

import numpy as np

from layerwise.report.draw_series import draw_series
from layerwise.report.figures import style
from layerwise.report.record import Record

NAMES = ["a+1", "a+2", "a+3", "b+1", "b+2", "b+3"]


def record(**arrays):
    plan = {"target": {"kind": "series", "names": NAMES, "classes": []}}
    return Record("run", {}, plan=plan, specimens=arrays)


def drawn(**arrays):
    with style():
        return {drawing.name: drawing for drawing in draw_series(record(**arrays))}


def forecasts(origins=3, targets=2):
    shape = (origins, targets, 3)
    return {"history": np.zeros((origins, targets, 6)), "truth": np.ones(shape),
            "forecast": np.full(shape, 2.0)}  # fmt: skip


def test_forecasts_have_a_panel_per_target_and_origin():
    found = drawn(**forecasts())["forecasts"]
    assert len(found.figure.axes) == 6
    assert found.numbers.shape == (18, 5)
    assert set(found.numbers["target"]) == {"a", "b"}
    assert "band" not in found.caption


def test_a_band_is_drawn_where_there_are_quantiles():
    band = {"low": np.zeros((3, 2, 3)), "high": np.full((3, 2, 3), 3.0)}
    found = drawn(**forecasts(), **band)["forecasts"]
    assert "band" in found.caption
    assert all(len(axes.collections) == 1 for axes in found.figure.axes)
    assert list(found.numbers.columns[-2:]) == ["low", "high"]


def test_the_error_by_time_ahead_has_a_line_per_method():
    found = drawn(error=np.arange(6.0).reshape(2, 3))["error_by_time_ahead"]
    assert [line.get_label() for line in found.figure.axes[0].lines] == ["network", "last value"]
    assert list(found.numbers.columns) == ["times ahead", "network", "last value"]


def test_one_time_ahead_makes_no_curve_and_nothing_makes_no_figure():
    assert drawn(error=np.ones((2, 1))) == {}
    assert drawn() == {}
