"""The perceptron rule: add what should have fired, subtract what should not."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.layers.losses import row_mean
from layerwise.tasks.decisions import check_classes, decisions, signs


class PerceptronRule:
    """Rosenblatt's rule as descent: at batch 1 and rate r a mistake moves the weights by r t x.

    Source: Rosenblatt 1958. Criterion -s t, summed over the units with s t <= 0, where s is the
    net input and t = +1 or -1 (Duda and Hart 1973, section 5.5). A net input of zero is a
    mistake too, so a start at zero learns. Several classes: one unit against the rest each.

    Parameters
    ----------
    target : Target
        Of kind binary or classes.

    Raises
    ------
    SettingsError
        The target has no classes.
    """

    metrics = ("accuracy", "balanced_accuracy")
    baselines = ("majority", "logistic", "boosted_trees")

    def __init__(self, target: Target):
        check_classes(target, "perceptron_rule")
        self.output_size = 1 if target.kind == "binary" else len(target.classes)

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss; its gradient at a row is minus Rosenblatt's change."""
        assert batch.targets is not None
        net = network(batch.inputs)
        agreement = net * signs(batch.targets, self.output_size, net)
        mistakes = torch.where(agreement <= 0, -agreement, torch.zeros_like(agreement))
        yield Loss(*row_mean(mistakes.sum(dim=1), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Decisions, (rows, classes): 1 for the chosen class; a perceptron knows no chances."""
        return decisions(network(batch.inputs))
