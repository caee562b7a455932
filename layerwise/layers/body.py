"""A network as a body that finds features and the output layer that reads them."""

from torch import nn


def output_layer(network: nn.Module) -> tuple[str, nn.Module]:
    """Give the name and the module of the output layer: the last one that has weights of its own.

    A layer that has some and holds another one is taken whole. Both are empty where nothing has
    weights.
    """
    own = {
        name: module
        for name, module in network.named_modules()
        if name and any(True for _ in module.parameters(recurse=False))
    }
    name = next(reversed(own), "")
    while name.rpartition(".")[0] in own:
        name = name.rpartition(".")[0]
    return name, own.get(name, nn.Module())


def body_blocks(network: nn.Module) -> list[list[nn.Parameter]]:
    """Give the parameters of each block of the body, from the inputs up; without the output layer.

    A block is a direct child of the network, or what such a child holds in a row: one layer of an
    MLP, one residual block of a ResNet.
    """
    last = {id(one) for one in output_layer(network)[1].parameters()}
    blocks = []
    for child in network.children():
        rows = isinstance(child, nn.Sequential | nn.ModuleList)
        for part in child.children() if rows else [child]:
            kept = [one for one in part.parameters() if id(one) not in last]
            if kept:
                blocks.append(kept)
    return blocks
