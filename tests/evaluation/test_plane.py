"""The plane: what a network says everywhere between the points, and what its layers see."""

import numpy as np
import torch
from pandas import DataFrame
from torch import nn

from layerwise.contracts import Target
from layerwise.data.source import Source
from layerwise.evaluation.plane import activations, plane


class Halved:
    """A preparation that halves both columns."""

    feature_names = ("width", "height")

    def inputs(self, source):
        points = source.inputs if source.inputs is not None else source.frame.to_numpy()
        return torch.tensor(np.asarray(points) / 2, dtype=torch.float32)


class Chances:
    def losses(self, network, batch):
        raise NotImplementedError

    def outputs(self, network, batch):
        return torch.sigmoid(network(batch.inputs))


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)
    )


FRAME = DataFrame({"width": [0.0, 10.0, np.nan, 4.0], "height": [-1.0, 1.0, 0.0, 0.5]})


def test_the_grid_lies_in_the_data_s_units_around_its_points():
    network = small_network().train()
    tensors, names = plane(network, Chances(), Halved(), Source("s", FRAME), steps=7)
    assert names == ("00:0.Linear", "01:1.ReLU", "02:3.Linear", "03:4.Tanh")
    assert (tensors["x"][0].item(), tensors["x"][-1].item()) == (-1.0, 11.0)
    assert tensors["y"].tolist()[::6] == [-1.2000000476837158, 1.2000000476837158]
    assert tensors["points"].tolist() == [[0, -1], [10, 1], [4, 0.5]]
    assert tensors["rows"].tolist() == [0, 1, 3]
    assert network.training
    assert network[2].training


def test_outputs_and_layers_are_those_of_the_network_at_each_place():
    network = small_network().eval()
    tensors, _ = plane(network, Chances(), Halved(), Source("s", FRAME), steps=7)
    place = torch.tensor([[tensors["x"][2], tensors["y"][5]]]) / 2
    expected = torch.sigmoid(network(place))[0]
    torch.testing.assert_close(tensors["grid_outputs"][5, 2], expected.detach())
    torch.testing.assert_close(tensors["grid:01:1.ReLU"][5, 2], network[:2](place)[0].detach())
    points = tensors["points"] / 2
    torch.testing.assert_close(tensors["points:03:4.Tanh"], network[:5](points).detach())
    torch.testing.assert_close(tensors["points_outputs"], torch.sigmoid(network(points)).detach())


def test_inputs_that_are_an_array_work_alike_and_hooks_are_gone_afterwards():
    network = small_network()
    inputs = FRAME.to_numpy(dtype=np.float32)
    source = Source("s", DataFrame({"label": [0, 1, 0, 1]}), inputs)
    tensors, _ = plane(network, Chances(), Halved(), source, rows=np.array([3, 0]), steps=5)
    assert tensors["rows"].tolist() == [3, 0]
    assert tensors["points_outputs"].shape == (2, 1)
    assert not any(module._forward_hooks for module in network.modules())
    assert all(tensor.is_contiguous() for tensor in tensors.values())


def test_a_network_without_hidden_layers_has_none_to_show():
    tensors, names = plane(nn.Linear(2, 1), Chances(), Halved(), Source("s", FRAME), steps=3)
    assert names == ()
    assert set(tensors) == {"x", "y", "points", "rows", "grid_outputs", "points_outputs"}


def test_wide_layers_are_cut_and_a_layer_used_twice_counts_where_it_was_last():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide, self.turn = nn.Linear(2, 100), nn.Tanh()
            self.last = nn.Linear(100, 1)

        def forward(self, inputs):
            return self.last(self.turn(self.turn(self.wide(inputs))))

    torch.manual_seed(0)
    network, inputs = Twice(), torch.randn(5000, 2)
    outputs, hidden = activations(network, Chances(), inputs)
    assert outputs.shape == (5000, 1)
    assert list(hidden) == ["wide.Linear", "turn.Tanh"]
    expected = torch.tanh(torch.tanh(network.wide(inputs)))[:, :24]
    torch.testing.assert_close(hidden["turn.Tanh"], expected.detach())


def test_the_mlp_of_the_zoo_shows_its_hidden_layers():
    from layerwise.networks.mlp import MLP
    from layerwise.tasks.classify import Classify

    task = Classify(Target("binary", ("y",), ("no", "yes")))
    network = MLP((2,), task.output_size, hidden=(4, 4))
    tensors, names = plane(network, task, Halved(), Source("s", FRAME), steps=3)
    assert len(names) == 4
    assert tensors["grid_outputs"].shape == (3, 3, 2)
