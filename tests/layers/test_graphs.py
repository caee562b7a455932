import pytest
import torch
from graph_cases import random_graph
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.graphs import (
    FeatureMap,
    Graphs,
    answers,
    check_graph_options,
    normalized_edges,
    read_graphs,
    silenced,
)


def test_normalized_edges_are_the_matrix_of_the_paper():
    graph = random_graph()
    edges = torch.from_numpy(graph.edges)
    made, entries = normalized_edges(Graphs(torch.zeros(60, 1), edges))
    adjacency = torch.eye(60)
    adjacency[edges[1], edges[0]] = 1
    scale = adjacency.sum(1).rsqrt()
    found = torch.zeros(60, 60).index_put((made[1], made[0]), entries)
    assert_close(found, scale[:, None] * adjacency * scale[None])


def test_a_tensor_is_read_as_nodes_without_edges():
    graphs = read_graphs(torch.randn(5, 2, 3))
    assert graphs.features.shape == (5, 6)
    assert graphs.edges.shape == (2, 0)


@pytest.mark.parametrize(("readout", "want"), [("sum", 4.0), ("mean", 2.0), ("max", 3.0)])
def test_readouts_of_two_graphs(readout, want):
    nodes = torch.tensor([[1.0], [3.0], [-5.0]])
    graphs = Graphs(nodes, torch.empty(2, 0).long(), None, torch.arange(2), torch.tensor([0, 0, 1]))
    assert answers(nodes, graphs, readout).tolist() == [[want], [-5.0]]


def test_a_pair_has_the_dot_product_of_its_nodes():
    nodes = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    graphs = Graphs(nodes, torch.empty(2, 0).long(), pairs=torch.tensor([[0, 1], [2, 0]]))
    assert answers(nodes, graphs, "mean").tolist() == [[11.0], [17.0]]


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_features_give_what_dense_ones_give():
    dense = torch.randn(6, 5) * (torch.rand(6, 5) < 0.4)
    sparse = dense.to_sparse_csr()
    linear = FeatureMap(5, 3)
    (gradient,) = torch.autograd.grad(linear(dense).square().sum(), linear.weight)
    (other,) = torch.autograd.grad(linear(sparse).square().sum(), linear.weight)
    assert_close(linear(sparse), linear(dense))
    assert_close(other, gradient)
    torch.manual_seed(0)
    dropped = silenced(sparse, 0.5, True).to_dense()
    assert ((dropped == 0) | torch.isclose(dropped, 2 * dense)).all()
    assert silenced(sparse, 0.5, False) is sparse


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((0, 2, 0.5, "mean"), "hidden of gcn must be a whole number above 0, got 0"),
        ((16, 2, 1.0, "mean"), "dropout of gcn must be from 0 to below 1"),
        ((16, 2, 0.5, "median"), "readout of gcn must be one of mean, sum, max, got 'median'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        check_graph_options("gcn", *options)
