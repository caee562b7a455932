"""Downscale: a fine field from a coarse one; of images it is called super-resolution."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest

LOSSES = ("squared", "absolute")


class Downscale:
    """Learn what a fine field has beyond the interpolated coarse one.

    The network sees the coarse field on the fine grid, by bicubic interpolation, and gives what is
    to be added; so that it starts from the interpolation (Kim et al. 2016, "Accurate image
    super-resolution using very deep convolutional networks", CVPR; of climate Vandal et al. 2017,
    "DeepSD", KDD). Any network from (channels, H, W) to (targets, H, W) will do.

    Each cell counts by its area; cells without a truth do not count.

    Parameters
    ----------
    target : Target
        Of kind field.
    loss : str
        squared: the mean. absolute: the median, which is not led by few large errors.

    Raises
    ------
    SettingsError
        The target is no field, or the loss is not known.
    """

    form = "grid"
    kinds = ("field",)
    baselines = ("bilinear", "bicubic", "climatology", "corrected_bicubic")
    metrics = ("rmse", "mae", "bias", "pattern_correlation")
    watches_loss = True  # metrics need the areas of the cells beside them
    rows_at_once = 64  # that are predicted together: fields are large
    judged_by = (
        "Each cell counts by its area, cells without a truth do not. Errors of neighbouring times "
        "are alike, so intervals draw blocks of them together."
    )

    def __init__(self, target: Target, *, loss: str = "squared"):
        if target.kind != "field":
            raise SettingsError(
                f"The task downscale needs fields on a grid, got a target of kind '{target.kind}'. "
                "Give a NetCDF file, a Zarr store, or a folder of images with --data.coarsen."
            )
        if loss not in LOSSES:
            raise SettingsError(f"There is no loss '{loss}' in downscale.{nearest(loss, LOSSES)}")
        self.loss = loss
        self.output_size = len(target.names)

    def check_network(self, network: nn.Module, inputs: Tensor) -> None:
        """Raise SettingsError where a network does not answer for every cell of ``inputs``."""
        try:
            shape = tuple(network(inputs).shape)
        except Exception as error:  # a layer's own words
            shape = f"{type(error).__name__}: {error}"
        wanted = (len(inputs), self.output_size, *inputs.shape[2:])
        if shape != wanted:
            raise SettingsError(
                f"The task downscale needs an answer at every cell, of shape {wanted[1:]} for each "
                f"row, but {type(network).__name__} gives "
                f"{shape[1:] if isinstance(shape, tuple) else shape}. Choose --network unet."
            )

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over cells by area and over targets, in residual deviations."""
        beyond, _, counts = self._parts(batch)
        missed = network(batch.inputs) - beyond
        entries = missed.square() if self.loss == "squared" else missed.abs()
        terms = counts.sum()
        total = (entries * counts).sum() / self.output_size
        yield Loss(total / terms.clamp(min=torch.finfo(terms.dtype).tiny), terms)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Fine fields (rows, targets, H, W), in prepared units."""
        return self._parts(batch)[1] + network(batch.inputs)

    def _parts(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """What the truth has beyond the base, the base, and how much each cell counts."""
        assert batch.targets is not None
        beyond, base, counts = batch.targets.split([self.output_size, self.output_size, 1], dim=1)
        return beyond, base, counts
