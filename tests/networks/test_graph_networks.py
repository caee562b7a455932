"""GCN, GAT, GraphSAGE and GIN against their equations written plainly."""

import pytest
import torch
from graph_cases import dense_answer, pairs, prepared, random_graph, rings, triangles
from torch.testing import assert_close

pytest.importorskip("torch_geometric")

from layerwise.networks.gat import GAT
from layerwise.networks.gcn import GCN
from layerwise.networks.gin import GIN
from layerwise.networks.graphsage import GraphSAGE

EACH = pytest.mark.parametrize("kind", [GCN, GAT, GraphSAGE, GIN])


def inputs(graph, **more):
    return {
        "features": torch.from_numpy(graph.features), "edges": torch.from_numpy(graph.edges), **more
    }  # fmt: skip


def neighbours(graph, node):
    return graph.edges[0][graph.edges[1] == node].tolist()


def test_gcn_is_the_equation_of_the_paper():
    graph = random_graph()
    weights = torch.rand(graph.edges.shape[1])
    network = GCN((4,), 3).eval()
    for one in network.parameters():
        torch.nn.init.normal_(one)
    layers = [(one.lin.weight, one.bias) for one in network.convolutions]
    features = torch.from_numpy(graph.features)
    want = dense_answer(features, graph.edges, weights, 60, layers)
    assert_close(network(inputs(graph, edge_weights=weights)), want, atol=1e-4, rtol=1e-4)


def test_gat_is_the_equation_of_the_paper():
    graph = random_graph(nodes=12, edges=20)
    network = GAT((4,), 3, hidden=5, heads=2, layers=1).eval()
    layer, features = network.convolutions[0], torch.from_numpy(graph.features)
    mapped = features @ layer.lin.weight.T
    for node in range(12):
        around = [*neighbours(graph, node), node]
        score = mapped @ layer.att_src[0, 0] + mapped[node] @ layer.att_dst[0, 0]
        share = torch.softmax(torch.nn.functional.leaky_relu(score[around], 0.2), 0)
        want = share @ mapped[around] + layer.bias
        assert_close(network(inputs(graph))[node], want, atol=1e-5, rtol=1e-4)


def test_graphsage_is_the_mean_beside_the_node():
    graph = random_graph(nodes=12, edges=20)
    network = GraphSAGE((4,), 3, layers=1).eval()
    layer, features = network.convolutions[0], torch.from_numpy(graph.features)
    for node in range(12):
        around = neighbours(graph, node)
        mean = features[around].mean(0) if around else torch.zeros(4)
        want = layer.lin_l(mean) + layer.lin_r(features[node])
        assert_close(network(inputs(graph))[node], want, atol=1e-5, rtol=1e-4)


def test_gin_reads_out_all_layers_of_sums():
    source = rings()
    preparation = prepared(source, range(12))
    batch = preparation.dataset(source).batch(torch.tensor([3, 0]))
    network = GIN(preparation.input_shape, 2, layers=2).eval()
    held = batch.inputs
    found = [held["features"]]
    for layer in network.convolutions:
        now = found[-1].clone()
        for one, other in held["edges"].T.tolist():
            now[other] += found[-1][one]
        found.append(layer.nn(now))
    want = 0
    for head, nodes in zip(network.heads, found, strict=True):
        sums = [nodes[held["graph"] == number].sum(0) for number in range(2)]
        want = want + head(torch.stack(sums))
    assert_close(network(held), want, atol=1e-4, rtol=1e-4)


def test_gin_tells_rings_from_paths_by_counting():
    source = rings()
    batch = prepared(source, range(12)).dataset(source).batch(slice(0, 12))
    torch.manual_seed(0)
    network = GIN((2,), 1, hidden=8, dropout=0.0)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(batch.inputs).reshape(-1), batch.targets
        )
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@EACH
def test_answers_for_nodes_graphs_and_pairs(kind):
    source = triangles()
    node_batch = prepared(source, [0, 1, 5, 6]).dataset(source).batch(torch.tensor([2, 6]))
    assert kind((3,), 2)(node_batch.inputs).shape == (2, 2)
    graphs = rings()
    graph_batch = prepared(graphs, range(6)).dataset(graphs).batch(torch.tensor([7, 1, 4]))
    for readout in ("mean", "sum", "max"):
        assert kind((2,), 5, readout=readout)(graph_batch.inputs).shape == (3, 5)
    linked = pairs(random_graph())
    preparation = prepared(linked, range(0, len(linked.frame), 2))
    pair_batch = preparation.dataset(linked).batch(torch.arange(9))
    network = kind((4,), 1, **preparation.network_options)
    assert network(pair_batch.inputs).shape == (9, 1)
    assert network.embed(pair_batch.inputs).shape[0] == 60


@EACH
def test_the_order_of_nodes_does_not_matter(kind):
    graph = random_graph()
    torch.manual_seed(0)
    network = kind((4,), 3).eval()
    order = torch.randperm(60)
    place = torch.argsort(order)
    held = inputs(graph)
    moved = {"features": held["features"][order], "edges": place[held["edges"]]}
    assert_close(network(moved), network(held)[order], atol=1e-4, rtol=1e-4)


@EACH
def test_graphs_beside_each_other_do_not_hear_each_other(kind):
    source = rings()
    dataset = prepared(source, range(12)).dataset(source)
    torch.manual_seed(0)
    network = kind((2,), 2).eval()
    together = network(dataset.batch(torch.tensor([5, 2])).inputs)
    alone = network(dataset.batch(torch.tensor([2])).inputs)
    assert_close(together[1:], alone, atol=1e-5, rtol=1e-5)
