"""The zoo: one network per file; this table names them all."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from layerwise.errors import SettingsError, nearest
from layerwise.own_code import is_own, load_own

NETWORKS = {
    "mcculloch_pitts": "mcculloch_pitts:McCullochPitts",
    "perceptron": "perceptron:Perceptron",
    "adaline": "adaline:Adaline",
    "linear": "linear:Linear",
    "mlp": "mlp:MLP",
    "lenet5": "lenet5:LeNet5",
    "unet": "unet:UNet",
    "cnn": "cnn:CNN",
    "alexnet": "alexnet:AlexNet",
    "vgg11": "vgg:VGG",
    "vgg11_lrn": "vgg:VGG",
    "vgg13": "vgg:VGG",
    "vgg16_c": "vgg:VGG",
    "vgg16": "vgg:VGG",
    "vgg19": "vgg:VGG",
    "googlenet": "googlenet:GoogLeNet",
    "inception3": "inception3:Inception3",
    "inception4": "inception4:Inception4",
    "resnet18": "resnet:ResNet",
    "resnet34": "resnet:ResNet",
    "resnet50": "resnet:ResNet",
    "resnet101": "resnet:ResNet",
    "resnet152": "resnet:ResNet",
    "resnet20": "cifar_resnet:CifarResNet",
    "resnet32": "cifar_resnet:CifarResNet",
    "resnet44": "cifar_resnet:CifarResNet",
    "resnet56": "cifar_resnet:CifarResNet",
    "resnet110": "cifar_resnet:CifarResNet",
    "plain20": "cifar_resnet:CifarResNet",
    "plain32": "cifar_resnet:CifarResNet",
    "plain44": "cifar_resnet:CifarResNet",
    "plain56": "cifar_resnet:CifarResNet",
    "plain110": "cifar_resnet:CifarResNet",
    "autoencoder": "autoencoder:Autoencoder",
    "conv_autoencoder": "conv_autoencoder:ConvAutoencoder",
    "vae": "vae:VAE",
    "gan": "gan:GAN",
    "dcgan": "dcgan:DCGAN",
    "hopfield": "hopfield:Hopfield",
    "boltzmann": "boltzmann:BoltzmannMachine",
    "rbm": "rbm:RBM",
    "dbn": "dbn:DBN",
    "rbf": "rbf:RBF",
    "self_organizing_map": "self_organizing_map:SelfOrganizingMap",
    "markov_chain": "markov_chain:MarkovChain",
    "rnn": "rnn:RNN",
    "lstm": "lstm:LSTM",
    "gru": "gru:GRU",
    "conv1d": "conv1d:Conv1d",
    "transformer": "transformer:Transformer",
    "transformer_decoder": "transformer_decoder:TransformerDecoder",
    "ngram": "ngram:NGram",
    "word2vec": "word2vec:Word2Vec",
    "neural_ngram": "neural_ngram:NeuralNGram",
    "transformer_translator": "transformer_translator:TransformerTranslator",
    "gru_translator": "gru_translator:GRUTranslator",
    "window_linear": "window_linear:WindowLinear",
    "checkers_net": "checkers_net:CheckersNet",
    "gcn": "gcn:GCN",
    "gat": "gat:GAT",
    "graphsage": "graphsage:GraphSAGE",
    "gin": "gin:GIN",
}
VARIANTS = {  # names of one network in several sizes: the options that each name stands for
    "vgg11": {"configuration": "A"},
    "vgg11_lrn": {"configuration": "A-LRN"},
    "vgg13": {"configuration": "B"},
    "vgg16_c": {"configuration": "C"},
    "vgg16": {"configuration": "D"},
    "vgg19": {"configuration": "E"},
    "resnet18": {"depth": 18},
    "resnet34": {"depth": 34},
    "resnet50": {"depth": 50},
    "resnet101": {"depth": 101},
    "resnet152": {"depth": 152},
    "resnet20": {"depth": 20, "shortcuts": True},
    "resnet32": {"depth": 32, "shortcuts": True},
    "resnet44": {"depth": 44, "shortcuts": True},
    "resnet56": {"depth": 56, "shortcuts": True},
    "resnet110": {"depth": 110, "shortcuts": True},
    "plain20": {"depth": 20, "shortcuts": False},
    "plain32": {"depth": 32, "shortcuts": False},
    "plain44": {"depth": 44, "shortcuts": False},
    "plain56": {"depth": 56, "shortcuts": False},
    "plain110": {"depth": 110, "shortcuts": False},
}


def variant_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give all options of a network: those that its name stands for, and those given.

    Raises
    ------
    SettingsError
        An option is given that the name decides.
    """
    decided = VARIANTS.get(name, {})
    for option in decided:
        if option in given:
            alike = [other for other, place in NETWORKS.items() if place == NETWORKS[name]]
            raise SettingsError(
                f"Option {option} of the network {name} is {decided[option]}, as its name says, "
                f"got {given[option]}. Choose another of these: {', '.join(alike)}."
            )
    return {**decided, **given}


def network_class(name: str) -> type:
    """Give the class of a network by its name in the table, as "my.py:Net", or as "timm/NAME".

    Raises
    ------
    SettingsError
        Nothing has that name, or a person's own class is no network.
    """
    if is_own(name):
        return _checked(load_own(name, "network"), name)
    if name.startswith("timm/"):
        from layerwise.networks.timm_network import timm_class  # an optional dependency

        return timm_class(name.removeprefix("timm/"))
    if name not in NETWORKS:
        raise SettingsError(f"There is no network '{name}'.{nearest(name, NETWORKS)}")
    module, _, attribute = NETWORKS[name].partition(":")
    return getattr(import_module(f"layerwise.networks.{module}"), attribute)


def _checked(found: object, name: str) -> type:
    """Give a person's own class back if it can be built as a network."""
    from torch import nn  # so that the table can be read without waiting for torch

    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        what = found.__name__ if isinstance(found, type) else type(found).__name__
        raise SettingsError(
            f"The network '{name}' must be a class derived from torch.nn.Module, got {what}."
        )
    try:
        inspect.signature(found).bind((1,), 1)
    except TypeError as error:
        raise SettingsError(
            f"The network '{name}' must be built as {found.__name__}(input_shape, output_size) "
            f"with only options after these, got {found.__name__}{inspect.signature(found)} "
            f"({error})."
        ) from error
    return found
