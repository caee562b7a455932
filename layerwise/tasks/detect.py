"""Detect: find rows that are unlike the usual ones, by how badly they are rebuilt."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class Detect:
    """Learn to rebuild usual rows; a row that is rebuilt badly is an anomaly.

    Source: Hawkins, He, Williams and Baxter 2002, "Outlier detection using replicator neural
    networks", eq. 2: the mean over the features of (x - network(x))^2 is the row's outlier
    factor. For a network of codes, network(x) = decode(encode(x)). With ``noise`` the network
    sees x + noise and is held against x (Vincent et al. 2008, "Extracting and composing robust
    features with denoising autoencoders").

    Learned from the rows of ``classes[0]`` of a binary target only, or from all rows without one.
    The output of a row is e / (1 + e) with e its mean squared error: it rises with e from 0 to 1
    and ranks rows, but it is *no chance*: no share of the rows with 0.9 are anomalies. Where the
    alarm begins is chosen on validation rows, see ``threshold``.

    Parameters
    ----------
    target : Target
        Of kind binary (classes[1] is the anomaly) or none.
    noise : float
        Standard deviation of the noise in training, in units of the prepared inputs.
    alarms : float or None
        Alarms wanted per 1,000 rows. None: as many as give the best F1 on validation rows.

    Raises
    ------
    SettingsError
        The target has other classes or is a number, or an option is out of its range.
    """

    kinds = ("binary", "none")
    learns_normal_rows = True  # of the classes of a binary target
    output_size = 0

    def __init__(self, target: Target, *, noise: float = 0.0, alarms: float | None = None):
        if target.kind not in ("binary", "none"):
            raise SettingsError(
                "The task detect needs a target of two classes, of which the second is the "
                f"anomaly, or none; got one of kind '{target.kind}'. Leave out --target, or choose "
                "another --task."
            )
        if noise < 0:
            raise SettingsError(f"Option noise of detect must not be negative, got {noise}.")
        if alarms is not None and not 0 < alarms <= 1000:
            raise SettingsError(
                "Option alarms of detect must be above 0 and up to 1000, alarms per 1,000 rows, "
                f"got {alarms}."
            )
        self.kind, self.noise = target.kind, noise
        self.threshold = "f1" if alarms is None else f"alarms:{alarms:g}"  # the rule, as a text
        judged = ("pr_auc", "roc_auc", "precision", "recall", "f1")
        self.metrics = judged if target.kind == "binary" else ("mean_error",)
        self.baselines = ("isolation_forest", "pca_error")[target.kind == "none" :]

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the weighted mean over the rows of the mean squared error per number."""
        inputs = batch.inputs
        assert isinstance(inputs, Tensor), "detect takes one tensor of numbers"
        seen = inputs + self.noise * torch.randn_like(inputs) if self.noise else inputs
        errors = (network(seen) - inputs).square().flatten(1)
        yield Loss(*row_mean(errors.mean(dim=1), batch.weight))

    def notes(self, network: nn.Module) -> tuple[str, ...]:
        """What a person should know of what it learns from."""
        if self.kind == "binary":
            return ()
        return (
            "All rows are learned from, also anomalies among them; with --target naming the column "
            "that tells them they would be left out.",
        )

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Scores of usual and anomaly, float64 (rows, 2), no chances; without classes (rows, 1).

        With e the mean squared error of a row: [1 / (1 + e), e / (1 + e)], or [e].
        """
        error = self.errors(network, batch).mean(dim=1, keepdim=True)
        if self.kind == "none":
            return error
        # 1 / (1 + 1 / e) holds at both ends: e = 0 gives 0 and e = inf gives 1
        return torch.cat([1 / (1 + error), 1 / (1 + 1 / error)], dim=1)

    def errors(self, network: nn.Module, batch: Batch) -> Tensor:
        """Squared error of every number of a row, float64 (rows, features).

        What an alarm is made of: ``evaluation.alarms.blame`` names the largest shares.
        """
        assert isinstance(batch.inputs, Tensor)
        return (network(batch.inputs).double() - batch.inputs.double()).square().flatten(1)
