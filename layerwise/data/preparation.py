"""Preparation: from a source to tensors, with constants that only training rows decide."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor, nn

from layerwise.contracts import Target
from layerwise.data.datasets import TensorDataset
from layerwise.data.encoding import Encoding, as_block, blocks, finite, read_columns
from layerwise.data.fitting import (
    PUBLISHED,
    fit_content,
    in_target_units,
    target_tensor,
    weight_tensor,
)
from layerwise.data.kinds import Column
from layerwise.data.roles import Roles, load_roles
from layerwise.data.schema import check_array, check_table
from layerwise.data.source import Source
from layerwise.data.standardize import ImageInputs, TableInputs
from layerwise.data.storage import empty_tensor
from layerwise.data.target import encode_target
from layerwise.errors import DataError

LARGE = 2**30  # bytes; larger images stay as they are stored and are converted batch by batch


class Preparation:
    """The one way from a source to tensors, in training and in prediction.

    It is data: ``content`` (JSON) says what is done with each column and how many training rows
    each constant saw; ``tensors`` holds the constants. ``fit`` makes one.
    """

    def __init__(self, content: dict, tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.form: str = content["inputs"]["form"]  # "table", "vectors" or "images"
        self.roles = load_roles(content["roles"])
        self.target = Target(
            content["target"]["kind"],
            tuple(content["target"]["names"]),
            tuple(content["target"]["classes"]),
        )
        self.encodings = [_encoding(entry) for entry in self._input_entries()]
        self.one_hot: bool = content["inputs"]["categories_as"] == "one_hot"
        self.network_inputs: nn.Module = self._tensor_part()

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        columns: tuple[Column, ...],
        target: Target,
        rows: np.ndarray,
        *,
        categories_as: str = "codes",
        inputs_as: str = "standard",
    ) -> Preparation:
        """Learn every constant from the training rows ``rows`` (row numbers) and no others.

        categories_as : "codes" for networks with embeddings, or "one_hot"
        inputs_as : numbers come with mean 0 and deviation 1 ("standard"), or so that the training
            rows have the range from 0 to 1 ("unit") or from -1 to 1 ("signs", of two values), or
            as they are ("states": whole numbers from 0 on), or images as published weights saw
            them ("imagenet", "centred")
        Raises DataError where there are no training rows.
        """
        assert categories_as in ("codes", "one_hot"), categories_as
        assert inputs_as in ("standard", "unit", "signs", "states", *PUBLISHED), inputs_as
        numbers = np.asarray(rows)
        return cls(*fit_content(source, roles, columns, target, numbers, categories_as, inputs_as))

    def to_json(self) -> dict:
        """Schema, roles, target, and for each constant the split and number of rows it saw."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        return dict(self._tensors)

    def fitted_in_words(self) -> dict[str, str]:
        """Input column -> its constants and the number of training rows that they saw."""
        words = {}
        for entry, encoding in zip(self._input_entries(), self.encodings, strict=True):
            made = f"{len(encoding.features)} numbers"
            if encoding.kind == "category":
                rare = f", {encoding.left_out} rare ones left out" if encoding.left_out else ""
                made = f"{len(encoding.categories)} categories{rare}"
            elif encoding.kind != "date" and entry["constants"]:
                constants = entry["constants"][encoding.name]
                named = (("mean", "mean"), ("deviation", "scale"), ("median", "fill"))
                made = ", ".join(f"{word} {constants[name]:.4g}" for word, name in named)
            words[encoding.name] = f"{made}, from {entry['fitted']['rows']:,} training rows"
        return words

    def _input_entries(self) -> list[dict]:
        return [entry for entry in self.content["columns"] if entry["features"]]

    def _tensor_part(self) -> nn.Module:
        constants = self._tensors
        if self.form == "images":
            shape = self.content["inputs"]["shape"]
            return ImageInputs(constants["mean"], constants["scale"], len(shape))
        marked = torch.tensor(self._marked(), dtype=torch.int64)
        return TableInputs(
            constants["fill"], constants["mean"], constants["scale"], marked,
            self._code_sizes(), self.one_hot,
        )  # fmt: skip

    def _number_features(self) -> list[str]:
        if self.form == "vectors":
            return [f"feature {place + 1}" for place in range(len(self._tensors["fill"]))]
        return [name for e in self.encodings if e.kind != "category" for name in e.features]

    def _marked(self) -> list[int]:
        """Features whose missing values get a column: the first of each column that lacks some."""
        missing = self._tensors["missing"].tolist()
        if self.form == "vectors":
            return [place for place, count in enumerate(missing) if count]
        first, marked = 0, []
        for encoding in self.encodings:
            if encoding.kind != "category":
                marked += [first] * bool(missing[first])
                first += len(encoding.features)
        return marked

    def _code_sizes(self) -> tuple[int, ...]:
        return tuple(1 + len(e.categories) for e in self.encodings if e.kind == "category")

    @property
    def categories(self) -> tuple[int, ...]:
        """Number of codes per code column, 0 being "unknown"; empty where there are none."""
        return () if self.one_hot else self._code_sizes()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each number (and then each code column) that a network sees is called."""
        if self.form == "images":
            return ()
        numbers = self._number_features()
        where = {e.features[0]: e.name for e in self.encodings if e.kind != "category"}
        marked = [f"{where.get(numbers[i], numbers[i])} is missing" for i in self._marked()]
        coded = [e for e in self.encodings if e.kind == "category"]
        if not self.one_hot:
            return (*numbers, *marked, *(e.name for e in coded))
        return (*numbers, *marked, *(f"{e.name} = {name}" for e in coded for name in e.categories))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's numbers: (width,) or (channels, height, width)."""
        if self.form == "images":
            return tuple(self.content["inputs"]["shape"])
        return (len(self.feature_names) - len(self.categories),)

    @property
    def network_options(self) -> dict[str, tuple[int, ...]]:
        """Options of a network that only the data know: the codes of its category columns."""
        return {"categories": self.categories} if self.categories else {}

    @property
    def class_weights(self) -> Tensor | None:
        """(classes,) float32: weights that give every class the same say; training rows only."""
        return self._tensors.get("class_weights")

    def inputs(self, source: Source) -> Tensor | dict[str, Tensor]:
        """What the network sees: (rows, ...) float32, or {"numbers", "codes"} with code columns.

        Float64 copies are made block by block. Raises DataError for a missing column.
        """
        if self.form != "table":
            check_array(self.content["inputs"], source)
            assert source.inputs is not None
            return self._array_inputs(source.inputs)
        return self._table_inputs(source.frame)

    def _array_inputs(self, array: np.ndarray) -> Tensor:
        if self.form == "images":
            result = empty_tensor(array.shape)
            for some in blocks(len(array), int(np.prod(array.shape[1:]))):
                result[some] = self.network_inputs(as_tensor(array[some]))
            return result
        result = empty_tensor((len(array), *self.input_shape))
        for some in blocks(len(array), array.shape[1]):
            result[some] = self.network_inputs(torch.from_numpy(finite(array[some])))
        return result

    def _table_inputs(self, frame: DataFrame) -> Tensor | dict[str, Tensor]:
        numbers, codes = read_columns(frame, self.encodings)
        rows, coded = len(frame), torch.from_numpy(codes) if codes is not None else None
        result = empty_tensor((rows, *self.input_shape))
        for some in blocks(rows, len(numbers)):
            block = torch.from_numpy(as_block(numbers, some))
            out = self.network_inputs(block, None if coded is None else coded[some])
            result[some] = out["numbers"] if isinstance(out, dict) else out
        return result if self.one_hot or coded is None else {"numbers": result, "codes": coded}

    def in_original_units(self, inputs: Tensor) -> Tensor:
        """Inputs as networks see them (rows, *input_shape), in the units of the data, float64."""
        mean, scale = self._tensors["mean"].double(), self._tensors["scale"].double()
        if self.form == "images":
            shape = (-1, *[1] * (inputs.ndim - 2))
            return inputs.double() * scale.reshape(shape) + mean.reshape(shape)
        width = len(mean)
        numbers = inputs.double()[:, :width] * scale + mean
        return torch.cat([numbers, inputs.double()[:, width:]], dim=1)

    def targets(self, source: Source) -> Tensor | None:
        """What the network is to give; None where the source has no target column.

        binary : (rows,) float32 0 or 1; classes : (rows,) int64; labels : (rows, labels) float32;
        count : (rows, targets) float32; real : the same, standardized
        """
        return target_tensor(source, self.roles, self.target, self._tensors)

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Class codes, labels or amounts of some rows, in the units of the data."""
        return encode_target(source.frame.iloc[rows], self.roles, self.target)

    def in_units(self, outputs: Tensor) -> Tensor:
        """Outputs for a real target in the units of the data; others unchanged."""
        return in_target_units(outputs, self.target, self._tensors)

    def weights(self, source: Source) -> Tensor | None:
        """Weight of each row (rows,) float32; None without a weight column."""
        return weight_tensor(source, self.roles)

    def dataset(self, source: Source, rows: np.ndarray | None = None) -> TensorDataset:
        """The rows (all without ``rows``) as a dataset, ready for the engine.

        Images that would need more than 1 GiB as float32 stay as they are stored (uint8, perhaps
        on disk) and are standardized batch by batch.
        """
        prepare = None
        if self.form == "images" and source.inputs is not None and source.inputs.size * 4 > LARGE:
            check_array(self.content["inputs"], source)
            inputs, prepare = as_tensor(source.inputs), self.network_inputs
        else:
            inputs = self.inputs(source)
        whole = TensorDataset(inputs, self.targets(source), self.weights(source), prepare=prepare)
        return whole if rows is None else whole.arrange(torch.from_numpy(np.asarray(rows)))

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about a source, compared with the training rows, one sentence each.

        Raises DataError where it cannot be used: no rows, a missing column, another type of
        values, another shape.
        """
        if not len(source.frame) and (source.inputs is None or not len(source.inputs)):
            raise DataError(f"{source.name} has no rows.")
        if self.form == "table":
            return check_table(self.content, self.encodings, self._tensors, source)
        return check_array(self.content["inputs"], source, self._tensors)


def as_tensor(array: np.ndarray) -> Tensor:
    """A tensor on the array's own memory, which nobody may write to."""
    with warnings.catch_warnings():  # torch warns of arrays that are read-only
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.asarray(array))


def _encoding(entry: dict) -> Encoding:
    return Encoding(
        entry["name"],
        entry["kind"],
        entry["reading"],
        entry["clock"],
        tuple(entry["categories"]),
        tuple(entry["features"]),
        entry["left_out"],
        entry.get("common", 0),
        entry.get("hidden", False),
    )
