"""Model: a network with all that turns rows into its inputs and its outputs into answers."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor, nn

from layerwise.contracts import Batch, Target
from layerwise.data.cells import as_label
from layerwise.data.datasets import TensorDataset
from layerwise.data.forms import FORMS, load_preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.errors import RunError, SettingsError
from layerwise.evaluation.columns import neutral_row
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.thresholds import shifted
from layerwise.networks import NETWORKS, network_class, variant_options
from layerwise.own_code import check_options
from layerwise.run import Run
from layerwise.tasks import task_class

DTYPES = {"float32": torch.float32, "bf16": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Model:
    """What is needed to predict, and nothing of what was needed to learn.

    network_name, task_name : as in the tables, "my.py:Net", or "" for an object that was given
    class_values : the classes as the data have them, sorted: numbers, truth values or text
    prior_factors : what the chances of the classes are multiplied by, see ``prior_factors``
    threshold : of two classes, the chance from which on the positive one is said; of several, the
        threshold of each, see ``decided_at``; None: the likeliest
    """

    network: nn.Module
    task: Any
    target: Target
    preparation: Any  # see ``data.forms.Prepared``
    roles: Roles
    network_name: str = ""
    network_options: Mapping[str, Any] = field(default_factory=dict)
    task_name: str = ""
    task_options: Mapping[str, Any] = field(default_factory=dict)
    precision: str = "float32"
    class_values: tuple[Any, ...] = ()
    prior_factors: tuple[float, ...] = ()
    threshold: float | tuple[float, ...] | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next((t.device for t in self.network.parameters()), torch.device("cpu"))

    def dataset(self, source: Source) -> Any:
        """All rows of ``source`` in the network's precision; tables and arrays on its device."""
        whole, dtype = self.preparation.dataset(source), DTYPES[self.precision]
        if self.preparation.form in FORMS:
            return whole if dtype == torch.float32 else Cast(whole, dtype)
        if dtype != torch.float32:
            whole = TensorDataset(
                _cast(whole.inputs, dtype), _cast(whole.targets, dtype), _cast(whole.weight, dtype),
                whole.keys, whole.prepare,
            )  # fmt: skip
        return whole if self.device.type == "cpu" else whole.to(self.device)

    def outputs(self, dataset: Any) -> Tensor:
        """Probabilities or values in the target's units for every row, on the CPU."""
        outputs = self.preparation.in_units(predict(self.network, self.task, dataset))
        if not isinstance(outputs, Tensor):
            return outputs
        if not self.prior_factors or not len(outputs):
            return outputs
        return shifted(outputs, outputs.new_tensor(self.prior_factors))

    def thresholds(self, rows: int) -> np.ndarray | None:
        """Thresholds of so many rows, (rows,) or (rows, classes); None: the likeliest is said."""
        if self.threshold is None:
            return None
        return np.full((rows, *np.shape(self.threshold)), self.threshold)

    def answer(self, source: Source) -> np.ndarray:
        """Probabilities or values in the target's units for every row of a source, float64.

        The networks of the zoo answer for tables in float64, so that what a row gets does not
        depend on the rows beside it (in float32 the last digit does).
        """
        model = self.doubled()
        found = model.outputs(model.dataset(source))
        return found.double().numpy() if isinstance(found, Tensor) else found

    def doubled(self) -> "Model":
        """The same in float64, where the network is one of the zoo's and the inputs a table."""
        if self.preparation.form not in ("table", "vectors") or self.network_name not in NETWORKS:
            return self
        network = copy.deepcopy(self.network).double()
        return replace(self, network=network, precision="float64")

    def scores(self, inputs: Tensor | dict[str, Tensor]) -> np.ndarray:
        """Probabilities or values in the target's units for prepared inputs, (rows, ...)."""
        return self.outputs(TensorDataset(inputs)).double().numpy()

    def neutral(self) -> Tensor | dict[str, Tensor]:
        """One row of inputs: training medians and most common categories, in its precision."""
        return _cast(neutral_row(self.preparation), DTYPES[self.precision])

    def record(self) -> dict[str, Any]:
        """What ``load_model`` needs beside tensors, as JSON values."""
        return {
            "network": {
                "name": self.network_name,
                "class": type(self.network).__name__,
                "options": dict(self.network_options),
            },
            "task": {
                "name": self.task_name,
                "options": dict(self.task_options),
                "judged_by": getattr(self.task, "judged_by", ""),
            },
            "target": vars(self.target),
            "roles": vars(self.roles),
            "precision": self.precision,
            "class_values": list(self.class_values),
            "prior_factors": list(self.prior_factors),
            "threshold": self.threshold,
        }


def load_model(run: Run, device: str = "cpu") -> Model:
    """The trained model of a run; RunError where the run cannot give one."""
    plan = run.read("plan")
    target, roles = Target(**_as_tuples(plan["target"])), Roles(**_as_tuples(plan["roles"]))
    preparation = load_preparation(run.read("preparation"), run.read_tensors("preparation"))
    for what in ("network", "task"):
        if not plan[what]["name"]:
            raise RunError(
                f"Run '{run.folder}' was trained with a {what} of the program that made it, which "
                f"no other can build again. Give it by its file instead: {what}='my.py:Name'."
            )
    task = build_task(plan["task"]["name"], plan["task"]["options"], target)
    network = build_network(
        plan["network"]["name"], plan["network"]["options"], preparation, task, target
    )
    network.to(DTYPES[plan["precision"]])
    network.load_state_dict(run.read_tensors("network"))
    return Model(
        network.to(device).eval(), task, target, preparation, roles,
        plan["network"]["name"], plan["network"]["options"],
        plan["task"]["name"], plan["task"]["options"], plan["precision"],
        tuple(plan.get("class_values") or target.classes), tuple(plan.get("prior_factors") or ()),
        _threshold(run, plan),
    )  # fmt: skip


def _threshold(run: Run, plan: Mapping[str, Any]) -> float | tuple[float, ...] | None:
    """The threshold that validation rows chose, or the one that stood before training."""
    chosen = run.read("results").get("threshold") if run.has("results.json") else None
    known = plan.get("threshold") if chosen is None else chosen["value"]
    return tuple(known) if isinstance(known, list) else known


def class_values(frame: DataFrame, target: Target) -> tuple[Any, ...]:
    """The classes as the column holds them, sorted; nothing where the target is no class."""
    if target.kind not in ("binary", "classes"):
        return ()
    values = frame[target.names[0]].dropna().to_numpy()
    if values.dtype.kind not in "biuf" and not all(isinstance(value, str) for value in values):
        return tuple(sorted(target.classes))  # dates, or numbers beside text
    found = {as_label(value): value for value in np.unique(values).tolist()}
    return tuple(sorted(found.values()))


def build_task(task: Any, options: Mapping[str, Any], target: Target) -> Any:
    """A task by its name or class; an object is taken as it is."""
    if not isinstance(task, (str, type)):
        return task
    kind = task_class(task) if isinstance(task, str) else task
    name = task if isinstance(task, str) else kind.__name__
    check_options(kind, options, f"task '{name}'")
    return kind(target, **options)


def build_network(
    network: Any, options: Mapping[str, Any], preparation: Any, task: Any, target: Target
) -> nn.Module:
    """A network by its name or class, for prepared inputs; an object is copied."""
    if isinstance(network, nn.Module):
        return copy.deepcopy(network)
    kind = network_class(network) if isinstance(network, str) else network
    name = network if isinstance(network, str) else kind.__name__
    check_options(kind, options, f"network '{name}'")
    options = variant_options(name, options)
    needed = inspect.signature(kind).parameters.get("output_size")
    size = output_size(task, target, preparation)
    if size == 0 and needed is not None and needed.default is needed.empty:
        raise SettingsError(
            f"The network {name} predicts a target, but the task {type(task).__name__} has none. "
            "Choose a network that learns without labels, such as --network autoencoder."
        )
    return kind(tuple(preparation.input_shape), size, **_as_tuples(options))


def check_takes(network: Any, form: str) -> None:
    """Raise SettingsError where a network of the zoo does not take data of this form."""
    if form == "masks":
        _check_answers_pixels(network)
    needed = {"text": "vocabulary", "pairs": "vocabulary"}.get(form)
    if needed is None or not isinstance(network, str) or network not in NETWORKS:
        return
    if not accepts(network, needed):
        fitting = [name for name in NETWORKS if accepts(name, needed)]
        raise SettingsError(
            f"The network {network} takes no text. Choose one of these: {', '.join(fitting)}."
        )


def _check_answers_pixels(network: Any) -> None:
    """Raise SettingsError where a network of the zoo gives one answer for a whole image."""
    if not isinstance(network, str) or network not in NETWORKS:
        return
    if not getattr(network_class(network), "answers_pixels", False):
        raise SettingsError(
            f"The network {network} gives one answer for a whole image, but masks need one for "
            "every pixel. Choose --network unet."
        )


def output_size(task: Any, target: Target, preparation: Any) -> int:
    """How many outputs the task asks for; for a person's own task, one per class or target."""
    counted = preparation.network_options.get(getattr(task, "output_size_from", None))
    if counted is not None:  # such as one output per word of a vocabulary
        return counted[-1] if isinstance(counted, tuple) else counted
    if hasattr(task, "output_size"):
        return task.output_size
    return {"binary": 1, "classes": len(target.classes), "labels": len(target.names)}.get(
        target.kind, max(1, len(target.names))
    )


def accepts(network: Any, option: str) -> bool:
    """Whether a network's class has an option; an object has none."""
    kind = network_class(network) if isinstance(network, str) else network
    return isinstance(kind, type) and option in inspect.signature(kind).parameters


class Cast:
    """A dataset whose floats come in another precision; it lacks ``arrange``.

    dataset : of any form
    dtype : of torch
    """

    def __init__(self, dataset: Any, dtype: torch.dtype):
        self.dataset, self.dtype = dataset, dtype
        for optional in ("refresh", "state_dict", "load_state_dict"):
            if hasattr(dataset, optional):
                setattr(self, optional, getattr(dataset, optional))

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch."""
        batch = self.dataset.batch(indices)
        inputs, targets, weight = (
            _cast(one, self.dtype) for one in (batch.inputs, batch.targets, batch.weight)
        )
        return replace(batch, inputs=inputs, targets=targets, weight=weight)


def _as_tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, dict):
        return {name: _cast(tensor, dtype) for name, tensor in value.items()}
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
