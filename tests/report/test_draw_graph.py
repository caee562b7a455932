from types import SimpleNamespace

import numpy as np

from layerwise.contracts import Target
from layerwise.report.draw_graph import draw_graph
from layerwise.report.figures import style


def record(**arrays):
    return SimpleNamespace(
        specimens=arrays or None, target=Target("classes", ("c",), ("left", "right"))
    )


def drawn(**arrays):
    with style():
        return list(draw_graph(record(**arrays)))


PLACES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
EDGES = np.array([[0.0, 1.0]])


def labels(drawing):
    return [text.get_text() for text in drawing.figure.axes[0].get_legend().get_texts()]


def test_nothing_is_drawn_without_arrays():
    assert drawn() == []


def test_nodes_are_drawn_by_class_and_mistakes_are_marked():
    (made,) = drawn(
        graph_places=PLACES, graph_edges=EDGES, graph_said=np.array([0.0, 1.0, -1.0]),
        graph_wrong=np.array([0.0, 1.0, 0.0]), graph_judged=np.array([0.0, 1.0, 0.0]),
    )  # fmt: skip
    assert labels(made) == ["no row", "left", "right", "wrong"]
    assert made.numbers["wrong"].tolist() == [False, True, False]


def test_pairs_are_found_missed_or_false():
    judged = np.array([[0, 1, 1, 0.9], [0, 2, 1, 0.2], [1, 2, 0, 0.7]])
    (made,) = drawn(graph_places=PLACES, graph_edges=EDGES, graph_pairs=judged)
    assert labels(made) == ["found edge (1)", "missed edge (1)", "false edge (1)"]


def test_a_map_has_the_true_classes():
    (made,) = drawn(map_places=PLACES, map_classes=np.array([0.0, 1.0, 1.0]))
    assert labels(made) == ["left", "right"]
    assert made.name == "graph_map"
