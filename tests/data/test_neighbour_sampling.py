from importlib import import_module

import numpy as np
import pytest
import torch
from graph_cases import random_graph
from torch.testing import assert_close

from layerwise.data.graph_dataset import Answers, Messages, NodeDataset, SampledNodeDataset
from layerwise.data.neighbour_sampling import ALL, NeighbourSampler, neighbours_option, ranges
from layerwise.errors import SettingsError


def sampler(graph):
    return NeighbourSampler(torch.from_numpy(graph.edges), graph.nodes)


def seeded(number):
    return torch.Generator().manual_seed(number)


def test_draws_as_many_different_neighbours_as_asked_for():
    graph = random_graph(edges=600)
    asked = torch.tensor([7, 3, 50])
    drawn = sampler(graph).draw(asked, (4,), seeded(0))
    ends = drawn.nodes[drawn.edges]
    assert drawn.nodes[:3].equal(asked)
    assert len(drawn.nodes.unique()) == len(drawn.nodes)
    for node in asked.tolist():
        found = ends[0][ends[1] == node].tolist()
        real = graph.edges[0][graph.edges[1] == node].tolist()
        assert len(found) == len(set(found)) == min(4, len(real))
        assert set(found) <= set(real)


def test_every_neighbour_is_drawn_equally_often():
    graph = random_graph(edges=600)
    node = int(graph.degrees.argmax())
    made, counts = sampler(graph), np.zeros(graph.nodes)
    for seed in range(600):
        drawn = made.draw(torch.tensor([node]), (5,), seeded(seed))
        counts[drawn.nodes[1:].numpy()] += 1
    real = graph.edges[0][graph.edges[1] == node]
    expected = 600 * 5 / len(real)
    assert (np.abs(counts[real] - expected) < 5 * expected**0.5).all()


def test_weights_make_the_drawn_sum_right_on_average():
    graph = random_graph(edges=600)
    made, values = sampler(graph), torch.randn(graph.nodes)
    sums = []
    for seed in range(800):
        drawn = made.draw(torch.tensor([9]), (3,), seeded(seed))
        sums.append(float((drawn.weights * values[drawn.nodes[drawn.edges[0]]]).sum()))
    real = float(values[graph.edges[0][graph.edges[1] == 9]].sum())
    assert abs(np.mean(sums) - real) < 4 * np.std(sums) / 800**0.5


def test_the_same_chance_draws_the_same():
    made = sampler(random_graph(edges=600))
    first, again, other = (made.draw(torch.arange(5), (3, 3), seeded(s)) for s in (1, 1, 2))
    assert first.nodes.equal(again.nodes)
    assert first.edges.equal(again.edges)
    assert not (first.nodes.equal(other.nodes) and first.edges.equal(other.edges))


@pytest.mark.parametrize("name", ["gcn:GCN", "gat:GAT", "graphsage:GraphSAGE", "gin:GIN"])
def test_whole_neighbourhoods_answer_as_the_whole_graph_does(name):
    pytest.importorskip("torch_geometric")
    graph = random_graph(nodes=200, edges=500)
    messages = Messages(torch.from_numpy(graph.features), torch.from_numpy(graph.edges))
    nodes = torch.arange(200)
    whole, drawn = (
        NodeDataset(messages, nodes, Answers()),
        SampledNodeDataset(messages, nodes, Answers(), (3, 3)),
    )
    torch.manual_seed(0)
    file, _, attribute = name.partition(":")
    kind = getattr(import_module(f"layerwise.networks.{file}"), attribute)
    network = kind((4,), 3, layers=2).eval()
    rows = torch.tensor([4, 150, 4, 77])
    with torch.no_grad():
        batch = drawn.batch(rows)
        assert batch.inputs["features"].shape[0] < 200
        assert_close(network(batch.inputs), network(whole.batch(rows).inputs), atol=1e-5, rtol=1e-4)


def test_learning_draws_anew_each_epoch_and_prediction_does_not_draw():
    graph = random_graph(edges=600)
    messages = Messages(torch.from_numpy(graph.features), torch.from_numpy(graph.edges))
    dataset = SampledNodeDataset(messages, torch.arange(60), Answers(), (2, 2))
    rows = torch.arange(5)
    torch.manual_seed(0)
    dataset.refresh(None)
    first, again, kept = dataset.batch(rows), dataset.batch(rows), dataset.state_dict()
    dataset.refresh(None)
    later = dataset.batch(rows)
    assert first.inputs["edges"].equal(again.inputs["edges"])
    assert not first.inputs["features"].equal(later.inputs["features"])
    dataset.load_state_dict(kept)
    assert dataset.batch(rows).inputs["features"].equal(first.inputs["features"])
    with torch.no_grad():
        full = dataset.batch(rows).inputs
    degrees = torch.from_numpy(graph.degrees)[:5]
    assert torch.bincount(full["edges"][1], minlength=5)[:5].equal(degrees)


def test_a_node_without_neighbours_is_answered():
    graph = random_graph(nodes=60, edges=5)
    alone = torch.tensor([int(np.flatnonzero(graph.degrees == 0)[0])])
    drawn = sampler(graph).draw(alone, (3, ALL), seeded(0))
    assert drawn.nodes.equal(alone)
    assert drawn.edges.shape == (2, 0)


def test_ranges_are_stretches_one_after_the_other():
    numbers, place = ranges(torch.tensor([4, 9, 0]), torch.tensor([6, 9, 3]))
    assert numbers.tolist() == [4, 5, 0, 1, 2]
    assert place.tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize(
    ("given", "sizes"), [("10,5", (10, 5)), ((3,), (3,)), (None, ()), (7, (7,))]
)
def test_reads_the_option(given, sizes):
    assert neighbours_option(given) == sizes


@pytest.mark.parametrize("given", ["ten", "0,5", "1.5"])
def test_refuses_what_is_no_number_of_neighbours(given):
    with pytest.raises(SettingsError, match=r"must be whole numbers above 0.*such as 10,10"):
        neighbours_option(given)
