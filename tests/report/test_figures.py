import sys
import threading
from pathlib import Path
from subprocess import run as run_process
from xml.etree import ElementTree

import numpy as np
import pytest
from pandas import read_csv

import layerwise.report
from layerwise.contracts import Target
from layerwise.metrics import Predictions
from layerwise.report.curves import thresholds
from layerwise.report.draw_classes import MOST_CLASSES, draw_classes
from layerwise.report.draw_judgement import draw_judgement
from layerwise.report.draw_plane import answers, hidden_layers
from layerwise.report.draw_training import best_line, positions
from layerwise.report.figures import COLOURS, inline, style
from layerwise.report.record import read_record


def test_inlined_figures_take_their_colours_and_fonts_from_the_page(reported):
    image = inline(reported.digits.path("figures", "confusion.svg").read_text(encoding="utf-8"))
    ElementTree.fromstring(image)
    assert image.startswith("<svg")
    assert "var(--blue)" in image
    assert "font-family" not in image
    assert not [colour for colour in COLOURS.values() if colour in image]


def test_the_light_colours_of_figures_are_those_of_the_style_sheet():
    sheet = Path(layerwise.report.__file__).with_name("page.css").read_text(encoding="utf-8")
    light, dark = sheet.split("prefers-color-scheme: dark")
    for name in COLOURS:
        assert f"--{name}: #" in light
        assert f"--{name}: #" in dark.split("}")[0]


def test_the_confusion_matrix_of_the_csv_counts_the_rows(reported):
    table = read_csv(reported.cancer.path("figures", "confusion.csv"))
    judged = read_record(reported.cancer).judged
    said = judged.scores.argmax(axis=1)
    right = table[(table.truth == "benign") & (table.said == "benign")]["weight"].item()
    assert right == ((judged.truth == 1) & (said == 1)).sum()
    assert table["weight"].sum() == len(judged)


def test_many_classes_show_the_pairs_most_often_confused():
    size = MOST_CLASSES + 10
    truth = np.arange(90) % size
    scores = np.eye(size)[np.where(truth == 3, 5, truth)]
    judged = Predictions("classes", tuple(f"class {code}" for code in range(size)), truth, scores)
    with style():
        drawings = {drawing.name: drawing for drawing in draw_classes(judged)}
    assert drawings["confusion"].title == "Most often confused"
    labels = drawings["confusion"].figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["class 3 → class 5"]
    assert "3 mistakes in all" in drawings["confusion"].caption


def test_the_horizontal_axis_counts_epochs_over_all_stages():
    lines = [{"stage": 0, "epoch": 1}, {"stage": 0, "epoch": 2}, {"stage": 1, "epoch": 1}]
    axis, x = positions(lines)
    assert axis == "epoch"
    assert x.tolist() == [1, 2, 3]


def test_several_lines_in_an_epoch_are_placed_by_step():
    lines = [{"epoch": 1, "step": 50}, {"epoch": 1, "step": 100}, {"epoch": 2, "step": 150}]
    axis, x = positions(lines)
    assert axis == "step"
    assert x.tolist() == [50, 100, 150]


def test_the_best_epoch_is_the_last_that_was_best():
    assert best_line([{"best": True}, {"best": True}, {"best": False}]) == 1
    assert best_line([{"best": False}]) is None


def test_hidden_layers_are_shown_after_their_activation():
    names = ("00:0.Linear", "01:1.ReLU", "02:2.Linear", "03:3.BatchNorm1d", "04:4.Tanh")
    plane = {f"grid:{name}": np.zeros((3, 3, 2)) for name in names}
    assert hidden_layers(plane) == ["01:1.ReLU", "04:4.Tanh"]


def test_linear_layers_without_activation_are_shown_themselves():
    plane = {f"grid:{name}": np.zeros((3, 3, 1)) for name in ("00:a.Linear", "01:b.Linear")}
    assert hidden_layers(plane) == ["00:a.Linear", "01:b.Linear"]


@pytest.mark.parametrize(
    ("outputs", "said"),
    [([[0.2, 0.8]], [1]), ([[0.7]], [1]), ([[0.2]], [0]), ([[-1.0], [2.0]], [0, 1])],
)
def test_answers_of_two_or_one_outputs(outputs, said):
    assert answers(np.array(outputs)).tolist() == said


def test_figures_are_made_off_the_main_thread(reported):
    record, made = read_record(reported.diabetes), []

    def draw():
        with style():
            made.extend(drawing.name for drawing in draw_judgement(record))

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
    assert made == ["predicted", "residuals"]


def test_no_window_toolkit_and_no_pyplot_is_loaded():
    code = "import sys, layerwise.report.page; assert 'matplotlib.pyplot' not in sys.modules"
    assert run_process([sys.executable, "-c", code], check=False).returncode == 0


def test_weights_count_in_the_figures(made, tmp_path):
    target = Target("binary", ("kind",), ("no", "yes"))
    truth, scores = np.array([0, 1] * 6), np.array([[0.8, 0.2], [0.4, 0.6]] * 6)
    run = made.judged_run(
        tmp_path / "run", target, truth, scores, ["accuracy"], weight=np.full(12, 2.5)
    )
    record = read_record(run)
    with style():
        confusion = next(draw for draw in draw_judgement(record) if draw.name == "confusion")
    assert confusion.numbers["weight"].tolist() == [5.0, 0.0, 0.0, 5.0]


def test_every_threshold_has_its_confusion_matrix():
    truth = np.array([0, 0, 1, 1, 0])
    positive = np.array([0.1, 0.6, 0.4, 0.9, 0.2])
    judged = Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], axis=1))
    table = thresholds(judged).set_index("threshold")
    at = table.loc[0.4]
    assert (at["found"], at["missed"], at["false_alarms"], at["let_pass"]) == (2, 0, 1, 2)
    assert at["precision"] == pytest.approx(2 / 3)
    assert thresholds(judged.take(truth == 1)) is None
