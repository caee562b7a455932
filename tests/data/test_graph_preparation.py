import numpy as np
import pandas as pd
import pytest
import torch
from graph_cases import pairs, prepared, random_graph, rings, triangles

from layerwise.data.datasets import Rows
from layerwise.data.forms import load_preparation
from layerwise.data.graph import Graph, clean_edges, node_source, without_edges
from layerwise.errors import DataError, SettingsError


def test_numbers_have_the_training_nodes_mean_and_deviation():
    source = triangles()
    rows = [0, 1, 5]
    features = prepared(source, rows).messages(source).features[rows]
    assert torch.allclose(features.mean(0), torch.zeros(3), atol=1e-6)
    assert torch.allclose(features.std(0, unbiased=False), torch.ones(3), atol=1e-6)


def test_held_out_rows_decide_no_constant():
    source, rows = triangles(), [0, 1, 5]
    before = prepared(source, rows).tensors()
    source.whole.features[[2, 3, 4, 6]] = 99
    after = prepared(source, rows).tensors()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_zeros_and_ones_are_divided_by_their_sum():
    source = triangles()
    source.whole.features[:] = [[1, 0, 1]] * 6 + [[0, 0, 0]]
    preparation = prepared(source, [0, 1, 5])
    features = preparation.messages(source).features
    assert features[0].tolist() == [0.5, 0, 0.5]
    assert features[6].tolist() == [0, 0, 0]
    assert "divided by their sum" in preparation.fitted_in_words()["features"]


def test_columns_of_nodes_become_features_without_those_that_have_a_role():
    edges, _ = clean_edges(np.array([[0, 1, 2], [1, 2, 3]]), 4, None, [], "")
    table = pd.DataFrame(
        {"name": list("abcd"), "age": [1.0, 3.0, None, 9.0], "job": ["x", "y", "x", "y"],
         "side": ["l", "r", "l", "r"]}
    )  # fmt: skip
    graph = Graph(None, edges, 4, table=table, key="name")
    source = node_source("t", graph, table, ("side",), [])
    preparation = prepared(source, [0, 1])
    assert [name.split(" ")[0] for name in preparation.feature_names] == ["age", "job", "job"]
    assert preparation.messages(source).features.shape == (4, 3)
    again = load_preparation(preparation.to_json(), preparation.tensors())
    assert again.messages(source).features.equal(preparation.messages(source).features)


def test_without_features_the_degree_is_one():
    source = rings()
    features = prepared(source, range(6)).messages(source).features
    assert features.shape == (source.whole.nodes, 2)
    assert (features[:, 0] == 1).all()


def test_batches_of_nodes_share_the_graph():
    source = triangles()
    dataset = prepared(source, [0, 1, 5]).dataset(source)
    one, other = dataset.batch(torch.tensor([3, 1])), dataset.batch(slice(0, 2))
    assert one.inputs["features"] is other.inputs["features"]
    assert one.inputs["edges"] is other.inputs["edges"]
    assert one.inputs["rows"].tolist() == [3, 1]
    assert one.targets.tolist() == [1.0, 0.0]
    assert other.keys.tolist() == [0, 1]


def test_batches_of_graphs_have_their_nodes_alone():
    source = rings()
    batch = prepared(source, range(6)).dataset(source).batch(torch.tensor([2, 0]))
    assert batch.inputs["graph"].tolist() == [0] * 4 + [1] * 3
    assert batch.inputs["edges"].max() == 6
    assert batch.inputs["edges"].shape[1] == 2 * (3 + 2)
    assert batch.targets.tolist() == [0.0, 0.0]


def test_no_held_out_edge_passes_messages_in_either_direction():
    source = pairs(random_graph())
    chance = np.random.default_rng(0).permutation(len(source.frame))
    train, held_out = chance[:200], chance[200:]
    preparation = prepared(source, train)
    dataset = preparation.dataset(source)
    linked = source.frame["linked"].to_numpy() == 1
    for rows in (train, held_out):
        edges = dataset.batch(torch.from_numpy(rows)).inputs["edges"]
        passed = set(map(tuple, edges.T.tolist()))
        for one, other in source.inputs[held_out].tolist():
            assert (one, other) not in passed
            assert (other, one) not in passed
        wanted = source.inputs[train][linked[train]].tolist()
        assert passed == {pair for one, other in wanted for pair in ((one, other), (other, one))}


def test_degrees_of_pairs_are_those_of_the_training_edges():
    graph = random_graph()
    graph = Graph(None, graph.edges, graph.nodes)
    source = pairs(graph)
    rows = np.arange(0, len(source.frame), 3)
    preparation = prepared(source, rows)
    messages = preparation.messages(source)
    degree = torch.bincount(messages.edges[1], minlength=60)
    assert messages.features[:, 1].argsort().equal(degree.argsort()) or (
        torch.corrcoef(torch.stack([messages.features[:, 1], degree.double().log1p().float()]))[
            0, 1
        ]
        > 0.999
    )
    assert degree.sum() < graph.edges.shape[1]


def test_pairs_without_edges_pass_no_messages():
    bare = without_edges(pairs(random_graph()))
    messages = prepared(bare, np.arange(0, 200, 2)).messages(bare)
    assert messages.edges.shape == (2, 0)


def test_inductive_learning_sees_neither_held_out_nodes_nor_their_edges():
    source = triangles(inductive="true")
    preparation = prepared(source, [0, 1, 3, 5])
    dataset = preparation.dataset(source)
    batch = dataset.batch(torch.tensor([5, 0]))
    assert batch.inputs["features"].shape == (4, 3)
    features = preparation.messages(source).features
    assert batch.inputs["features"][batch.inputs["rows"]].equal(features[[5, 0]])
    assert batch.inputs["edges"].shape[1] == 2 * 2  # 0-1 and 3-5
    held_out = dataset.batch(torch.tensor([2]))
    assert held_out.inputs["features"].shape == (7, 3)
    with torch.no_grad():
        assert dataset.batch(torch.tensor([5, 0])).inputs["features"].shape == (7, 3)
    assert preparation.fitted_in_words()["messages"].startswith("inductive")


def test_another_graph_is_said_to_be_inductive():
    preparation = prepared(triangles(), [0, 1, 5])
    assert preparation.check(triangles()) == ()
    assert "another graph" in preparation.check(without_edges(triangles()))[0]


def test_what_json_and_tensors_describe_gives_the_same_batches():
    source = pairs(random_graph())
    first = prepared(source, np.arange(0, 200, 2))
    second = load_preparation(first.to_json(), first.tensors())
    rows = torch.arange(7)
    one, other = (made.dataset(source).batch(rows) for made in (first, second))
    assert all(one.inputs[name].equal(other.inputs[name]) for name in one.inputs)
    assert one.targets.equal(other.targets)
    assert second.network_options == {"pairs": True}


def test_fingerprints_tell_graphs_and_nodes_apart_and_know_copies():
    source = rings()
    marks = prepared(source, range(6)).fingerprints(source)
    assert marks[0] == marks[8]  # paths of three
    assert len(set(marks[:8].tolist())) == 8
    nodes = triangles()
    assert len(set(prepared(nodes, [0, 1, 5]).fingerprints(nodes).tolist())) == 7
    linked = pairs(random_graph())
    assert len(set(prepared(linked, range(99)).fingerprints(linked).tolist())) == len(linked.frame)


def test_amounts_are_standardized_and_come_back_in_units():
    source = triangles()
    source.frame["height"] = np.arange(7) * 10.0 + 5.5
    edges = source.whole
    source = node_source("t", edges, source.frame[["height"]], ("height",), [])
    preparation = prepared(source, [0, 1, 2])
    back = preparation.in_units(preparation.targets(source))
    assert np.allclose(back.numpy(), preparation.truth(source, np.arange(7)))


def test_sampled_neighbours_go_through_rows_of_the_engine():
    source = triangles(neighbours="2,2")
    some = Rows(prepared(source, [0, 1, 5]).dataset(source), torch.tensor([0, 1, 5]))
    some.refresh(None)
    batch = some.batch(torch.tensor([2, 0]))
    assert batch.targets.tolist() == [1.0, 0.0]
    assert set(batch.inputs) == {"features", "edges", "edge_weights", "degree", "rows"}


@pytest.mark.parametrize("option", [{"neighbours": "3"}, {"inductive": "true"}])
def test_options_of_nodes_do_not_go_with_graphs(option):
    with pytest.raises(SettingsError, match="goes with rows that are nodes"):
        prepared(rings(**option), range(6))


def test_what_cannot_be_prepared_is_refused():
    with pytest.raises(DataError, match="no training rows"):
        prepared(triangles(), [])
    with pytest.raises(SettingsError, match="node_features 'degre' is not known"):
        prepared(triangles(node_features="degre"), [0, 5])
    preparation = prepared(triangles(), [0, 5])
    with pytest.raises(DataError, match="of the level graph, those of training were"):
        preparation.check(rings())
    source = triangles()
    wider = Graph(np.eye(7, 4, dtype=np.float32), source.whole.edges, 7)
    with pytest.raises(DataError, match="must have 3 features per node"):
        preparation.dataset(node_source("t", wider, source.frame, ("side",), []))
    known = prepared(triangles(node_features="identity"), [0, 5])
    graph = random_graph(nodes=9, edges=20)
    frame = pd.DataFrame({"side": ["left"] * 9})
    with pytest.raises(DataError, match="each is known by its own number only"):
        known.dataset(node_source("t", graph, frame, ("side",), []))
    linked = prepared(pairs(random_graph()), np.arange(0, 100, 2))
    with pytest.raises(DataError, match="judges pairs of the 60 nodes of its own graph"):
        linked.check(pairs(random_graph(nodes=61)))
