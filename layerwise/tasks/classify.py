"""Classify: which of two or several classes, or which labels, an example has."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import (
    binary_hinge,
    focal_from_logits,
    focal_from_scores,
    row_mean,
    scores_in_training,
)
from layerwise.layers.perturbation import fast_gradient_sign, input_gradient, projected_gradient

LOSSES = (
    "auto",
    "cross_entropy",
    "binary_cross_entropy",
    "focal",
    "hinge",
    "squared",
    "negative_log_likelihood",
)
METRICS = {
    "binary": (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "pr_auc",
        "log_loss",
        "calibration_error",
    ),
    "classes": (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "log_loss",
        "calibration_error",
    ),
    "labels": ("accuracy", "exact_match", "f1", "roc_auc", "pr_auc", "log_loss"),
}
SMOOTHED = ("cross_entropy", "binary_cross_entropy", "negative_log_likelihood")
SOFT = (*SMOOTHED, "squared")  # losses that also take chances in place of classes


class Classify:
    """Learn the chance of each class; the network gives unnormalized log chances.

    Two classes take one output (a sigmoid), several one each (a softmax), several labels at once
    one sigmoid each.

    Parameters
    ----------
    target : Target
        Of kind binary, classes or labels.
    loss : str
        auto: cross-entropy. cross_entropy: -log of the chance of the true class.
        binary_cross_entropy: a yes or no per class. focal: less for what is already right.
        hinge: until the true class leads by 1. squared: distance of the chances from 0 and 1.
        negative_log_likelihood: cross_entropy over one output per class, also for two classes;
        for networks that end in a log-softmax (which a second one leaves as it is).
    label_smoothing : float
        Share of the truth that is spread over all classes; for the three cross-entropies.
    class_weight : tuple of float
        Weight of the rows of each class; for labels, of the rows that have it. () is 1 each.
    focusing : float
        Exponent of the focal loss; 0 is cross-entropy.
    adversarial : float
        Above 0, half of the loss is that of the same rows after an attack of this strength, a
        share of the range of a pixel such as 0.25. Images and arrays only.
    adversarial_steps : int
        Of the attack: 1 is the fast gradient sign, more are projected gradient steps, see
        ``layers.perturbation``. The network attacks itself in the mode that it learns in, so batch
        normalization averages over what is attacked, too.
    adversarial_range : tuple of float
        Lowest value of each channel (or feature), then the highest of each, as the network sees
        them; the data fill it in. (): strength is in units of the inputs, which are not cut.

    Raises
    ------
    SettingsError
        The target is a number, or the options do not fit it.
    """

    baselines = ("majority", "logistic", "boosted_trees")

    def __init__(
        self,
        target: Target,
        *,
        loss: str = "auto",
        label_smoothing: float = 0.0,
        class_weight: tuple[float, ...] = (),
        focusing: float = 2.0,
        adversarial: float = 0.0,
        adversarial_steps: int = 1,
        adversarial_range: tuple[float, ...] = (),
    ):
        if target.kind not in ("binary", "classes", "labels"):
            raise SettingsError(
                f"The task classify needs a target of classes, got one of kind '{target.kind}'. "
                "Choose --task regress for numbers."
            )
        if loss not in LOSSES:
            raise SettingsError(f"There is no loss '{loss}' in classify.{nearest(loss, LOSSES)}")
        self.kind = target.kind
        self.num_classes = len(target.classes)
        self.loss = _resolved(loss, target.kind)
        self.label_smoothing = label_smoothing
        self.class_weight = tuple(class_weight)
        self.focusing = focusing
        self.adversarial, self.adversarial_steps = adversarial, adversarial_steps
        self.adversarial_range = tuple(adversarial_range)
        self._check()
        one_output = self.kind == "binary" and self.loss != "negative_log_likelihood"
        self.output_size = 1 if one_output else self.num_classes
        self.metrics = METRICS[self.kind]

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the weighted mean over the rows, in nats for the cross-entropies."""
        mean = self._mean_under_attack if self.adversarial else self._mean
        yield Loss(*mean(network, batch))

    def _mean(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor | float]:
        """Give the weighted mean over the rows, and the terms it is a mean over.

        Auxiliary heads, where the network has them, add their means to it while it learns.

        Targets are classes, or, for the losses of ``SOFT``, chances of the classes (rows, classes).
        """
        scores, auxiliary = scores_in_training(network, batch.inputs)
        value, terms = self._mean_of(scores, batch)
        for weight, beside in auxiliary:
            value = value + weight * self._mean_of(beside, batch)[0]
        return value, terms

    def _mean_of(self, scores: Tensor, batch: Batch) -> tuple[Tensor, Tensor | float]:
        assert batch.targets is not None
        targets = batch.targets
        one_output = self.output_size == 1 and self.kind == "binary"
        if one_output or self.kind == "labels":
            truth = targets[:, 1] if one_output and _are_chances(targets) else targets
            truth = truth.reshape(scores.shape).to(scores.dtype)
            rows = self._entries(scores, truth) * self._entry_weight(truth)
            return row_mean(rows.mean(dim=1), self._row_weight(batch, targets))
        truth = targets.to(scores.dtype) if _are_chances(targets) else targets.long()
        return row_mean(self._rows(scores, truth), self._row_weight(batch, truth))

    def _mean_under_attack(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor | float]:
        """Give the mean of the loss of the rows and of the same rows after an attack.

        Source: Goodfellow et al. 2015, "Explaining and harnessing adversarial examples", ICLR,
        section 6, with alpha 0.5: (J(x, y) + J(x + epsilon sign(gradient of J), y)) / 2. What is
        added counts as a constant; with more steps it is that of Madry et al. 2018.
        """
        value, terms = self._mean(network, batch)
        other, _ = self._mean(network, replace(batch, inputs=self._attacked(network, batch)))
        return (value + other) / 2, terms

    def _attacked(self, network: nn.Module, batch: Batch) -> Tensor:
        """Inputs that raise the loss of each row, also of rows that weigh less than nothing."""
        inputs, weight = batch.inputs, batch.weight
        assert isinstance(inputs, Tensor), "the job refuses what has category columns"
        ascent = replace(batch, weight=None if weight is None else weight.abs())

        def loss_of(moved: Tensor) -> Tensor:
            return self._mean(network, replace(ascent, inputs=moved))[0]

        radius, low, high = self._bounds(inputs)
        if self.adversarial_steps == 1:
            gradient = input_gradient(loss_of, inputs)
            return fast_gradient_sign(inputs, gradient, radius, low, high)
        steps = self.adversarial_steps
        return projected_gradient(loss_of, inputs, radius, low, high, steps=steps)

    def _bounds(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """How far each number may move, and the lowest and highest value that it can have."""
        if not self.adversarial_range:
            radius = inputs.new_tensor(self.adversarial)
            return radius, inputs.new_tensor(-torch.inf), inputs.new_tensor(torch.inf)
        ends = inputs.new_tensor(self.adversarial_range).reshape(2, -1, *[1] * (inputs.ndim - 2))
        return self.adversarial * (ends[1] - ends[0]), ends[0], ends[1]

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Chances: (rows, classes), for two classes too; for labels (rows, labels)."""
        scores = network(batch.inputs)
        if self.kind == "labels":
            return torch.sigmoid(scores)
        if self.output_size == 1:
            return torch.sigmoid(torch.cat([-scores, scores], dim=1))
        return torch.softmax(scores, dim=1)

    @property
    def takes_chances(self) -> bool:
        """Whether targets may be chances in place of classes, as mixup and cutmix make them."""
        return self.loss in SOFT

    def _entries(self, scores: Tensor, truth: Tensor) -> Tensor:
        """Loss of every yes or no, (rows, outputs); truth is 0 or 1, or between."""
        if self.loss == "focal":
            return focal_from_logits(scores, truth, self.focusing)
        if self.loss == "hinge":
            return binary_hinge(scores, truth)
        if self.loss == "squared":
            return (torch.sigmoid(scores) - truth) ** 2
        smooth = truth * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(scores, smooth, reduction="none")

    def _rows(self, scores: Tensor, truth: Tensor) -> Tensor:
        """Loss of every row, (rows,); truth is codes of classes (rows,) or chances of each."""
        if self.loss == "focal":
            return focal_from_scores(scores, truth, self.focusing)
        if self.loss == "hinge":
            return F.multi_margin_loss(scores, truth, reduction="none")
        if self.loss in ("squared", "binary_cross_entropy"):
            if truth.ndim == 1:
                names = torch.arange(self.num_classes, device=truth.device)
                truth = (truth.unsqueeze(1) == names).to(scores.dtype)  # one_hot has no trace
            if self.loss == "squared":
                return ((torch.softmax(scores, dim=1) - truth) ** 2).sum(dim=1)
            return self._entries(scores, truth).mean(dim=1)
        return F.cross_entropy(
            scores, truth, reduction="none", label_smoothing=self.label_smoothing
        )

    def _entry_weight(self, truth: Tensor) -> Tensor | float:
        """For labels: the weight of every yes."""
        if self.kind != "labels" or not self.class_weight:
            return 1.0
        return torch.where(truth > 0, truth.new_tensor(self.class_weight), 1.0)

    def _row_weight(self, batch: Batch, targets: Tensor) -> Tensor | None:
        """For classes: the weight of every row times that of its class (of chances: the mean)."""
        if self.kind == "labels" or not self.class_weight:
            return batch.weight
        table = torch.tensor(self.class_weight, device=targets.device)
        if _are_chances(targets):
            weight = targets @ table.to(targets.dtype)
        else:
            weight = table.index_select(0, targets.long().reshape(-1))
        return weight if batch.weight is None else weight * batch.weight

    def _check(self) -> None:
        """Refuse options that do not fit each other."""
        if not 0 <= self.label_smoothing < 1:
            raise SettingsError(
                "Option label_smoothing of classify must be from 0 to below 1, "
                f"got {self.label_smoothing}."
            )
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise SettingsError(
                f"Option label_smoothing goes with {', '.join(SMOOTHED)}, not with {self.loss}."
            )
        most = 1 if self.adversarial_range else math.inf
        if not 0 <= self.adversarial <= most:
            raise SettingsError(
                "Option adversarial of classify must be from 0 to 1, the share of its range by "
                f"which each pixel may move, got {self.adversarial}."
            )
        if self.adversarial_steps < 1:
            raise SettingsError(
                "Option adversarial_steps of classify must be a whole number, at least 1, got "
                f"{self.adversarial_steps}."
            )
        if self.class_weight and len(self.class_weight) != self.num_classes:
            raise SettingsError(
                f"Option class_weight must have one number for each of {self.num_classes} "
                f"classes, got {len(self.class_weight)}."
            )


def _are_chances(targets: Tensor) -> bool:
    """Whether these are chances of classes (rows, classes), not one class per row."""
    return targets.ndim == 2 and targets.shape[1] > 1


def _resolved(loss: str, kind: str) -> str:
    """Give the loss that is meant; cross-entropy of one sigmoid is the binary one."""
    if kind == "classes":
        return "cross_entropy" if loss == "auto" else loss
    if kind == "labels" and loss in ("cross_entropy", "negative_log_likelihood"):
        raise SettingsError(
            f"The loss {loss} lets one class win, but several labels can be right at once. "
            "Choose binary_cross_entropy."
        )
    return "binary_cross_entropy" if loss in ("auto", "cross_entropy") else loss
