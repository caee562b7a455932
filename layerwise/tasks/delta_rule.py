"""The delta rule: correct the linear output by a share of its error."""

from collections.abc import Iterator

from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.layers.losses import row_mean
from layerwise.tasks.decisions import check_classes, decisions, signs


class DeltaRule:
    """Widrow and Hoff's rule as descent: at batch 1 and rate r a row moves weights by r (t - s) x.

    Source: Widrow and Hoff 1960. Half the squared error of the linear output s, summed over the
    outputs; classes are t = +1 and -1, several classes one neuron against the rest each.

    Parameters
    ----------
    target : Target
        Of kind binary, classes, real or count.

    Raises
    ------
    SettingsError
        The target is neither classes nor numbers.
    """

    def __init__(self, target: Target):
        self.numeric = target.kind in ("real", "count")
        if self.numeric:
            self.output_size = max(1, len(target.names))
            self.metrics = ("rmse", "mae", "r2")
            self.baselines = ("mean", "linear", "boosted_trees")
        else:
            check_classes(target, "delta_rule")
            self.output_size = 1 if target.kind == "binary" else len(target.classes)
            self.metrics = ("accuracy", "balanced_accuracy")
            self.baselines = ("majority", "logistic", "boosted_trees")

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss; its gradient at a row is minus Widrow and Hoff's change."""
        assert batch.targets is not None
        linear = network(batch.inputs)
        if self.numeric:
            truth = batch.targets.reshape(linear.shape).to(linear.dtype)
        else:
            truth = signs(batch.targets, self.output_size, linear)
        yield Loss(*row_mean(0.5 * ((truth - linear) ** 2).sum(dim=1), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Numbers: (rows, targets). Classes: decisions, (rows, classes), 1 for the chosen one."""
        linear = network(batch.inputs)
        return linear if self.numeric else decisions(linear)
