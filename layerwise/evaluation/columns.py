"""The columns of a table within the tensors that a network sees, and rows that lack one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from layerwise.data.preparation import Preparation

Inputs = Tensor | dict[str, Tensor]


@dataclass(frozen=True)
class Places:
    """Where a column of the data is: its features among the numbers, its place among the codes."""

    name: str
    numbers: tuple[int, ...]
    code: int | None = None


def column_places(preparation: Preparation) -> list[Places]:
    """Give each input column's places; none where the inputs are images."""
    if preparation.form == "images":
        return []
    names = preparation.feature_names
    if preparation.form == "vectors":
        return [
            Places(name, _with_mark(names, name, [place]))
            for place, name in enumerate(names)
            if not name.endswith(" is missing")
        ]
    after: dict[str, Places | None] = {e.name: None for e in preparation.encodings}
    place = code = 0
    for encoding in preparation.encodings:
        if encoding.kind != "category":
            own = list(range(place, place + len(encoding.features)))
            place += len(own)
            after[encoding.name] = Places(encoding.name, _with_mark(names, encoding.name, own))
    place = len(names)
    coded = [e for e in preparation.encodings if e.kind == "category"]
    if preparation.one_hot:
        place -= sum(len(e.categories) for e in coded)
    for encoding in coded:
        if preparation.one_hot:
            own = tuple(range(place, place + len(encoding.categories)))
            place += len(own)
            after[encoding.name] = Places(encoding.name, own)
        else:
            after[encoding.name] = Places(encoding.name, (), code)
            code += 1
    return [places for places in after.values() if places is not None]


def neutral_row(preparation: Preparation) -> Inputs:
    """Give one row of inputs: every number at its training median, the most common categories."""
    assert preparation.form != "images"
    fill = preparation.tensors()["fill"].reshape(1, -1)
    common = [[e.common for e in preparation.encodings if e.kind == "category"]]
    codes = torch.tensor(common, dtype=torch.int64) if common[0] else None
    return preparation.network_inputs(fill, codes)


def with_column(inputs: Inputs, places: Places, other: Inputs) -> Inputs:
    """Give the inputs (rows, ...) with one column from ``other``: as many rows, or one for all."""
    if isinstance(inputs, dict):
        assert isinstance(other, dict)
        numbers = _replaced(inputs["numbers"], list(places.numbers), other["numbers"])
        at = [] if places.code is None else [places.code]
        return {"numbers": numbers, "codes": _replaced(inputs["codes"], at, other["codes"])}
    assert isinstance(other, Tensor)
    return _replaced(inputs, list(places.numbers), other)


def take(inputs: Inputs, rows: Tensor) -> Inputs:
    """Give some rows of inputs."""
    if isinstance(inputs, dict):
        return {name: tensor[rows] for name, tensor in inputs.items()}
    return inputs[rows]


def _with_mark(names: tuple[str, ...], name: str, own: list[int]) -> tuple[int, ...]:
    """Give the places with that of "NAME is missing", where there is one."""
    mark = f"{name} is missing"
    return (*own, names.index(mark)) if mark in names else tuple(own)


def _replaced(tensor: Tensor, places: list[int], other: Tensor) -> Tensor:
    if not places:
        return tensor
    changed = tensor.clone()
    changed[:, places] = other[:, places].to(changed)
    return changed
