"""Figures of fields."""

import numpy as np

from layerwise.report.draw_grid import draw_grid
from layerwise.report.figures import style
from layerwise.report.record import Record


def record(**arrays):
    plan = {"target": {"kind": "field", "names": ["t"], "classes": []}}
    return Record("run", {}, plan=plan, specimens=arrays)


def drawn(**arrays):
    with style():
        return {drawing.name: drawing for drawing in draw_grid(record(**arrays))}


def arrays(times=3):
    chance = np.random.default_rng(0)
    fields = {name: chance.normal(size=(times, 8, 10)) for name in (
        "truth", "network", "interpolation")}  # fmt: skip
    return fields | {
        "input": chance.normal(size=(times, 2, 3)), "best": np.array([1.0]),
        "bias": chance.normal(size=(2, 8, 10)), "frequency": np.arange(1, 6) / 10,
        "power": np.ones((3, 5)), "rises": np.array([1.0]), "y": np.arange(40.0, 48.0),
        "x": np.arange(10.0),
    }  # fmt: skip


def test_a_row_of_maps_per_time_with_what_is_best_named():
    found = drawn(**arrays())["fields"]
    titles = [axes.get_title() for axes in found.figure.axes[:6]]
    assert titles == ["coarse input", "truth", "network", "bicubic", "network - truth",
                      "bicubic - truth"]  # fmt: skip
    assert len(found.figure.axes) == 3 * 6 + 1
    assert found.numbers.shape == (240, 6)
    rising = found.figure.axes[1].images[0].origin
    assert rising == "lower", "north is up where latitudes rise"
    upright = drawn(**arrays() | {"rises": np.zeros(1)})["fields"]
    assert upright.figure.axes[1].images[0].origin == "upper"


def test_a_correlation_is_drawn_where_there_is_one():
    assert set(drawn(**arrays())) == {"fields", "field_bias", "power_spectrum"}
    with_it = drawn(**arrays(), correlation=np.ones((2, 8, 10)))
    assert set(with_it) == {"fields", "field_bias", "field_correlation", "power_spectrum"}


def test_the_spectrum_has_a_line_each_and_plain_ticks():
    found = drawn(**arrays())["power_spectrum"]
    (axes,) = found.figure.axes
    assert [line.get_label() for line in axes.lines] == ["truth", "network", "bicubic"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "4", "8"]
    assert list(found.numbers) == ["wavelength", "truth", "network", "bicubic"]


def test_missing_cells_are_drawn_as_gaps_and_nothing_makes_no_figure():
    gaps = arrays()
    gaps["truth"][:, 0, 0] = np.nan
    assert "fields" in drawn(**gaps)
    assert drawn() == {}
