import numpy as np
import pytest
from graph_cases import TRIANGLES, random_graph, triangles

from layerwise.data.graph import Graph, chosen_level, clean_edges, pair_source, without_edges
from layerwise.errors import DataError, SettingsError


def cleaned(edges, nodes=5, weights=None):
    notes = []
    found = clean_edges(np.array(edges), nodes, weights, notes, "edges.csv")
    return *found, notes


def test_every_edge_stands_there_in_both_directions_sorted_by_its_end():
    edges, weights, _ = cleaned([[3, 0], [1, 2]])
    assert edges.tolist() == [[2, 3, 0, 1], [0, 1, 2, 3]]
    assert weights is None


def test_edges_from_a_node_to_itself_are_left_out_and_said():
    edges, _, notes = cleaned([[0, 1, 2], [0, 2, 2]])
    assert edges.shape == (2, 2)
    assert "2 edges from a node to itself left out" in notes[0]


def test_doubles_are_merged_and_said():
    edges, weights, notes = cleaned([[0, 0, 1], [1, 1, 0]], weights=np.array([1.0, 2.0, 5.0]))
    assert edges.shape == (2, 2)
    assert weights.tolist() == [5.0, 5.0]
    assert notes == ["1 edge given more than once; merged, weights added."]


def test_one_direction_is_said_and_both_are_not():
    assert "1 edge of 1 stood in one direction only" in cleaned([[0], [1]])[2][0]
    assert cleaned([[0, 1], [1, 0]])[2] == []


@pytest.mark.parametrize(
    ("edges", "says"),
    [
        ([[0, 1], [1, 9]], "edge 2 leads from node 1 to node 9, but there are 5 nodes"),
        ([[0, -1], [1, 2]], "edge 2 leads from node -1"),
        (np.empty((2, 0), int), "has no edges.*--network mlp"),
        ([[0, 1, 2]], r"must have the shape \(2, edges\), got \(1, 3\)"),
    ],
)
def test_edges_that_cannot_be_are_refused(edges, says):
    with pytest.raises(DataError, match=says):
        cleaned(edges)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])
def test_weights_that_are_no_numbers_above_zero_are_refused(weight):
    with pytest.raises(DataError, match="weights of edges must be numbers above 0"):
        cleaned([[0], [1]], weights=np.array([weight]))


def test_nodes_without_neighbours_are_said():
    assert triangles().notes == ("Without a neighbour: 1 node of 7.",)


def test_pairs_are_all_edges_and_as_many_others():
    graph = random_graph()
    source = pair_source("pairs", graph, [])
    linked = source.frame["linked"].to_numpy() == 1
    assert linked.sum() == (~linked).sum() == graph.edges.shape[1] // 2
    assert len(np.unique(source.inputs, axis=0)) == len(source.inputs)
    assert (source.inputs[:, 0] < source.inputs[:, 1]).all()
    real = set(map(tuple, graph.edges.T.tolist()))
    assert all((tuple(pair) in real) == is_edge for pair, is_edge in zip(
        source.inputs.tolist(), linked, strict=True))  # fmt: skip
    assert "drawn with seed 0" in source.notes[-1]


def test_a_graph_of_nearly_all_edges_has_no_pairs_to_judge():
    edges, _, _ = cleaned([[0, 0, 1], [1, 2, 2]], nodes=3)
    with pytest.raises(DataError, match="fewer pairs of nodes without one"):
        pair_source("full", Graph(None, edges, 3), [])


def test_without_edges_keeps_rows_and_features():
    source = triangles()
    bare = without_edges(source)
    assert bare.whole.edges.shape == (2, 0)
    assert bare.frame is source.frame
    assert source.whole.edges.shape == (2, 2 * TRIANGLES.shape[1])


def test_a_level_that_is_not_offered_is_refused():
    with pytest.raises(SettingsError, match=r"'nodes' is not known.*Did you mean 'node'"):
        chosen_level({"level": "nodes"}, "node")
    with pytest.raises(SettingsError, match="level graph does not go with these data"):
        chosen_level({"level": "graph"}, "node", ("node", "edge"))
