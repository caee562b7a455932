"""torch's optimizers by the names that the field uses."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.optim import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Optimizer, RMSprop

from layerwise.errors import SettingsError, nearest

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}
NAMES = (*OPTIMIZERS, "closed_form")
_OURS = ("lr", "params", "foreach", "fused", "capturable", "differentiable", "maximize")
_ALIKE = {"learning_rate": "--learning-rate", "lr": "--learning-rate"}


def check_optimizer(name: str, options: Mapping[str, Any]) -> None:
    """Raise SettingsError when there is no such optimizer, or no such option of it."""
    if name not in NAMES:
        raise SettingsError(f"There is no optimizer '{name}'.{nearest(name, NAMES)}")
    known = [] if name == "closed_form" else optimizer_options(name)
    for option, value in options.items():
        if option in _ALIKE:
            raise SettingsError(f"The learning rate is given with {_ALIKE[option]}.")
        if option not in known:
            raise SettingsError(
                f"The optimizer '{name}' has no option '{option}'.{nearest(option, known)}"
            )
        must = _wanted(inspect.signature(OPTIMIZERS[name]).parameters[option].default, value)
        if must:
            raise SettingsError(
                f"Option {option} of the optimizer '{name}' must be {must}, got {value!r}."
            )


def _wanted(default: Any, value: Any) -> str:
    """Say what an option must be by torch's default; nothing where the value is of that type."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, (int, float)):
        return "" if isinstance(value, (int, float)) else "a number"
    if default is None:  # of LBFGS alone: max_eval, line_search_fn
        known = value is None or value == "strong_wolfe" or isinstance(value, int)
        return "" if known else "strong_wolfe, or a whole number for max_eval"
    if isinstance(default, tuple):
        return "" if isinstance(value, (tuple, list)) else "numbers, such as 0.9,0.999"
    return ""


def optimizer_options(name: str) -> list[str]:
    """Names of the options that a person may set, as torch calls them."""
    parameters = inspect.signature(OPTIMIZERS[name]).parameters
    return [option for option in parameters if option not in _OURS]


def build_optimizer(
    name: str, parameters: Any, learning_rate: float, options: Mapping[str, Any]
) -> Optimizer:
    """An optimizer of torch; the fused kernel where torch has one for the parameters' device.

    parameters : what ``torch.optim`` takes first: tensors, or groups as dicts
    """
    check_optimizer(name, options)
    kind = OPTIMIZERS[name]
    chosen = {key: _as_pair(key, value) for key, value in options.items()}
    if "fused" in inspect.signature(kind).parameters and _can_fuse(parameters):
        chosen["fused"] = True
    try:
        return kind(parameters, lr=learning_rate, **chosen)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"The optimizer '{name}' refuses its options: {error}.") from error


def _as_pair(key: str, value: Any) -> Any:
    return tuple(value) if key == "betas" else value


def _can_fuse(parameters: Any) -> bool:
    tensors = [
        t for group in parameters for t in (group["params"] if isinstance(group, dict) else [group])
    ]
    return all(isinstance(t, torch.Tensor) and t.is_floating_point() for t in tensors)
