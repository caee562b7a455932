"""What the networks of ImageNet cost, worked out from the networks, and what they achieve.

The comparison is that of Canziani, Paszke and Culurciello 2016, "An analysis of deep neural network
models for practical applications", arXiv:1605.07678. Nothing is allocated: shapes travel on torch's
"meta" device.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from layerwise.networks import NETWORKS, network_class, variant_options
from layerwise.networks.summary import summarize

CLASSES = 1000
TORCHVISION = "torchvision's weights IMAGENET1K_V1, one view of the middle"
# network: side of its images, published top-1 accuracy on ImageNet's validation images, by what
PUBLISHED = {
    "alexnet": (224, 0.56522, TORCHVISION),
    "vgg11": (224, 0.69020, TORCHVISION),
    "vgg13": (224, 0.69928, TORCHVISION),
    "vgg16": (224, 0.71592, TORCHVISION),
    "vgg19": (224, 0.72376, TORCHVISION),
    "googlenet": (224, 0.69778, TORCHVISION),
    "inception3": (299, 0.77294, TORCHVISION),
    "inception4": (299, 0.800, "Szegedy et al. 2017, table 2, one view"),
    "resnet18": (224, 0.69758, TORCHVISION),
    "resnet34": (224, 0.73314, TORCHVISION),
    "resnet50": (224, 0.76130, TORCHVISION),
    "resnet101": (224, 0.77374, TORCHVISION),
    "resnet152": (224, 0.78312, TORCHVISION),
}


@dataclass(frozen=True)
class Cost:
    """A network of ImageNet, for one image.

    network : its name
    side : pixels of the square images
    accuracy : published, of the most likely class (top-1); source : of that number
    multiply_adds : of convolutions and matrix products
    parameters : that an answer needs, so without auxiliary heads
    activations : bytes that a step of training keeps until its backward pass, float32
    """

    network: str
    side: int
    accuracy: float
    multiply_adds: int
    parameters: int
    activations: int
    source: str


def costs() -> Iterator[Cost]:
    """Give the networks of the table, in its order."""
    for name, (side, accuracy, source) in PUBLISHED.items():
        if name in NETWORKS:
            shape = (3, side, side)
            with torch.device("meta"):
                made = network_class(name)(shape, CLASSES, **variant_options(name, {}))
            yield Cost(name, side, accuracy, *work_of(made, shape), source)


def work_of(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Multiply-adds, parameters and bytes of activations for one example, without auxiliary heads.

    network : on the "meta" device
    """
    ran = [layer for layer in summarize(network, input_shape) if layer.output_shape]
    multiply_adds = sum(layer.multiply_adds for layer in ran)
    return multiply_adds, sum(layer.parameters for layer in ran), kept_bytes(network, input_shape)


def kept_bytes(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Bytes that autograd keeps of one example for the backward pass, weights not counted.

    What several operations keep is counted once: the output of a ReLU is the input of the next
    convolution. The network is in eval mode, in which no auxiliary head is asked.
    """
    weights = {_place(one) for one in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if _place(tensor) not in weights:
            kept[_place(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    modes = {module: module.training for module in network.modules()}
    network.eval()
    with torch.enable_grad(), saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = network(torch.empty((1, *input_shape), device="meta"))
    del outputs  # until here it holds all that was kept, so that no place is used twice
    for module, mode in modes.items():
        module.training = mode
    return sum(kept.values())


def _place(tensor: Tensor) -> int:
    """What tells the memory of a tensor from that of others, even on the "meta" device."""
    return tensor.untyped_storage()._cdata
