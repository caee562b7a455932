"""Autoencoders mirror their encoder; a linear one finds what PCA finds."""

import copy

import pytest
import torch
from sklearn.decomposition import PCA
from torch.testing import assert_close

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.autoencoder import Autoencoder
from layerwise.networks.summary import summarize
from layerwise.tasks.reconstruct import Reconstruct
from layerwise.training import train


def correlated(rows=200, columns=6):
    torch.manual_seed(0)
    mixing = torch.randn(columns, columns) * torch.linspace(2, 0.2, columns)
    return torch.randn(rows, columns) @ mixing.T + torch.randn(columns)


@pytest.mark.parametrize("hidden", [(), (5,), (9, 5)])
def test_codes_and_reconstructions_have_the_shapes_they_say(hidden):
    network, images = Autoencoder((2, 3, 4), hidden=hidden, code=3), torch.randn(7, 2, 3, 4)
    assert network.encode(images).shape == (7, 3)
    assert network.decode(torch.randn(7, 3)).shape == images.shape
    assert torch.equal(network(images), network.decode(network.encode(images)))


def test_a_deep_one_has_the_parameters_of_hinton_and_salakhutdinov():
    sizes = {"hidden": (1000, 500, 250), "code": 30}
    with torch.device("meta"):  # shapes without memory
        network, tied = Autoencoder((784,), **sizes), Autoencoder((784,), **sizes, tied=True)
    weights = 784 * 1000 + 1000 * 500 + 500 * 250 + 250 * 30
    biases = 1000 + 500 + 250 + 30 + 250 + 500 + 1000 + 784
    assert sum(one.numel() for one in network.parameters()) == 2 * weights + biases
    assert summarize(network, (784,))[-1].output_shape == (784,)
    assert sum(one.numel() for one in tied.parameters()) == weights + biases


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_one_spans_the_subspace_of_pca(tied):
    inputs = correlated()
    torch.manual_seed(1)
    network = Autoencoder((6,), hidden=(), code=2, tied=tied)
    options = {"line_search_fn": "strong_wolfe", "max_iter": 100}
    stage = Stage(Reconstruct(Target("none")), "lbfgs", options, 1.0, epochs=20, batch_size="all")
    for _ in train(network, (stage,), TensorDataset(inputs)):
        pass
    pca = PCA(2).fit(inputs.numpy())
    expected = torch.as_tensor(pca.inverse_transform(pca.transform(inputs.numpy())))
    assert_close(network(inputs).detach(), expected.float(), atol=2e-2, rtol=0)


def test_codes_and_outputs_are_linear_and_hidden_layers_are_not():
    torch.manual_seed(0)
    network = Autoencoder((4,), hidden=(8,), code=3, activation="sigmoid")
    inputs = 100 * torch.randn(50, 4)
    assert (network.encode(inputs).abs() > 1).any()
    assert (network.decode(100 * torch.randn(50, 3)).abs() > 1).any()
    hidden = network.encoder[0](inputs)
    assert hidden.min() >= 0
    assert hidden.max() <= 1


def test_tied_weights_are_the_encoders_in_copies_too():
    network = Autoencoder((4,), hidden=(), code=3, tied=True)
    copied = copy.deepcopy(network)
    codes = torch.randn(5, 3)
    with torch.no_grad():
        copied.encoder[0][1].weight.fill_(2.0)
    assert_close(copied.decode(codes), codes.sum(1, keepdim=True).expand(-1, 4) * 2)
    assert not torch.equal(network.decode(codes), copied.decode(codes))


@pytest.mark.parametrize("tied", [False, True])
def test_each_layer_undoes_its_own(tied):
    network = Autoencoder((2, 3), hidden=(5, 4), code=3, tied=tied)
    inputs = torch.randn(7, 2, 3)
    expected = network.encode(inputs)
    for encoder, decoder in network.layer_pairs():
        codes = encoder(inputs)
        assert decoder(codes).shape == inputs.shape
        inputs = codes
    assert torch.equal(inputs, expected)


def test_a_code_as_wide_as_the_inputs_is_overcomplete():
    assert Autoencoder((2, 3), code=6).overcomplete
    assert not Autoencoder((2, 3), code=5).overcomplete


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": (3, 0)}, "hidden of autoencoder must be whole numbers above 0"),
        ({"code": 0}, "code of autoencoder must be a whole number above 0, got 0"),
        ({"activation": "rellu"}, "Did you mean 'relu'"),
        ({"code_activation": "sigmod"}, "Did you mean 'sigmoid'"),
        ({"tied": True, "activation": "maxout"}, "tied of autoencoder must be false with maxout"),
    ],
)
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        Autoencoder((4,), **options)
