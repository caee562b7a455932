"""From raw numbers and codes to what a network sees: pure functions of tensors.

They can be traced and exported; whatever needs pandas stays outside.
"""

import torch
from torch import Tensor, nn

LARGEST = 1e6  # standardized values are cut here, so that one absurd value gives no infinity


class TableInputs(nn.Module):
    """Fills, marks and standardizes numbers; keeps codes or makes columns of 0 and 1 of them.

    Parameters
    ----------
    fill, mean, scale : Tensor
        (features,) float64.
    indicators : Tensor
        (marked,) int64: the features whose missing values get a column of their own.
    categories : tuple of int
        Number of codes per code column; 0 is unknown.
    one_hot : bool
        Codes become columns of 0 and 1; an unknown one is 0 in all.
    """

    fill: Tensor
    mean: Tensor
    scale: Tensor
    indicators: Tensor

    def __init__(self, fill, mean, scale, indicators, categories=(), one_hot=False):
        super().__init__()
        for name, value in zip(
            ("fill", "mean", "scale", "indicators"), (fill, mean, scale, indicators), strict=True
        ):
            self.register_buffer(name, value)
        self.categories, self.one_hot = tuple(categories), one_hot

    def forward(self, numbers: Tensor, codes: Tensor | None = None):
        """Standardized features, with a dict where codes stay codes.

        numbers : (rows, features) float, NaN where missing; codes : (rows, columns) int64
        returns : (rows, width) float32, or {"numbers": that, "codes": codes}
        """
        missing = numbers.isnan()
        filled = torch.where(missing, self.fill, numbers)
        standard = ((filled - self.mean) / self.scale).clamp(-LARGEST, LARGEST)
        parts = [standard.to(torch.float32)]
        if len(self.indicators):
            parts.append(missing[:, self.indicators].to(torch.float32))
        if self.one_hot and codes is not None:
            for place, size in enumerate(self.categories):
                known = torch.arange(1, size, device=codes.device)
                parts.append((codes[:, place : place + 1] == known).to(torch.float32))
        joined = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return joined if self.one_hot or codes is None else {"numbers": joined, "codes": codes}


class ImageInputs(nn.Module):
    """Standardizes each channel.

    Parameters
    ----------
    mean, scale : Tensor
        (channels,) float64.
    axes : int
        Axes of one example: 3 for (channels, height, width).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, axes: int = 3):
        super().__init__()
        shape = (-1, *[1] * (axes - 1))
        self.register_buffer("mean", mean.to(torch.float32).reshape(shape))
        self.register_buffer("scale", scale.to(torch.float32).reshape(shape))

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, ...) of any number type to the same shape, float32."""
        return (images.to(torch.float32) - self.mean) / self.scale
