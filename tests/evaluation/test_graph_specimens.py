import numpy as np
import pytest
import torch
from graph_cases import pairs, prepared, random_graph, rings, triangles

pytest.importorskip("torch_geometric")

from layerwise.evaluation.graph_specimens import alike, places, show
from layerwise.networks.gcn import GCN
from layerwise.tasks.classify import Classify


def shown(source, rows, judged):
    preparation = prepared(source, rows)
    torch.manual_seed(0)
    network = GCN(preparation.input_shape, 1, **preparation.network_options)
    task = Classify(preparation.target)
    return show(network, task, preparation, source, np.asarray(judged), seed=0)


def test_a_small_graph_is_drawn_with_its_mistakes():
    made = shown(triangles(), [0, 1, 5], [2, 3, 6])
    arrays = made["arrays"]
    assert arrays["graph_places"].shape == (7, 2)
    assert arrays["graph_edges"].shape == (7, 2)
    assert arrays["graph_judged"].tolist() == [0, 0, 1, 1, 0, 0, 1]
    assert (arrays["graph_wrong"] <= arrays["graph_judged"]).all()
    assert arrays["map_places"].shape == (3, 2)
    assert any("1 judged node of 3." in text for text in made["sentences"])
    table = made["tables"][0]["rows"]
    assert [row[:2] for row in table] == [["0", 1], ["3-4", 2]]


def test_pairs_are_drawn_with_truth_and_chance():
    arrays = shown(pairs(random_graph()), np.arange(0, 200, 2), [1, 3, 5])["arrays"]
    assert arrays["graph_pairs"].shape == (3, 4)
    assert set(arrays["graph_pairs"][:, 2]) <= {0.0, 1.0}


def test_whole_graphs_have_a_map():
    arrays = shown(rings(), range(6), [7, 8, 9])["arrays"]
    assert set(arrays) == {"map_places", "map_classes"}
    assert arrays["map_classes"].tolist() == [1, 0, 1]


def test_a_large_graph_is_not_drawn_but_mapped():
    from dataclasses import replace

    import pandas as pd

    from layerwise.data.graph import node_source

    graph = random_graph(nodes=300, edges=600)
    frame = pd.DataFrame({"side": np.arange(300) % 2})
    source = replace(node_source("large", graph, frame, ("side",), []), options={})
    assert set(shown(source, range(100), range(100, 300))["arrays"]) == {
        "map_places", "map_classes",
    }  # fmt: skip


def test_linked_nodes_are_drawn_near_each_other():
    graph = triangles().whole
    found = places(graph, 0)
    linked = np.linalg.norm(found[graph.edges[0]] - found[graph.edges[1]], axis=1).mean()
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)
    assert linked < 0.7 * apart[np.triu_indices(7, 1)].mean()
    assert np.array_equal(found, places(graph, 0))


def test_says_how_many_edges_join_one_class():
    graph = triangles().whole
    text = alike(graph, np.arange(7), np.array([0, 0, 0, 1, 1, 1, 1]))
    assert text.startswith("86% of the edges")
