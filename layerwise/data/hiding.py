"""A preparation that still prepares, but no longer tells what the training rows held."""

import copy

import torch

from layerwise.data.encoding import MISSING, marked
from layerwise.data.preparation import Preparation

WIDE = 1e150  # a range that says nothing, and outside of which no value is


def hidden(preparation: Preparation) -> Preparation:
    """Give the preparation without category names, ranges and notes.

    Categories become marks, from which a new value can be recognised but no list be read (short
    names could still be found by trying them all). The smallest and largest values are replaced
    by a range that says nothing; median, mean and deviation are needed to predict and remain, as
    tensors only.
    """
    content, tensors = copy.deepcopy(preparation.to_json()), preparation.tensors()
    for entry in content["columns"]:
        entry["categories"] = [
            name if name == MISSING else marked(entry["name"], name) for name in entry["categories"]
        ]
        entry |= {"constants": {}, "note": "", "hidden": True}
    for name, end in (("low", -WIDE), ("high", WIDE)):
        if name in tensors:
            tensors[name] = torch.full_like(tensors[name], end)
    return Preparation(content, tensors)
