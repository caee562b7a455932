"""Any network of the timm library, by its name there: --network timm/NAME."""

from functools import cache
from typing import Any, ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import MissingExtraError, SettingsError, nearest
from layerwise.layers.images import check_images

PREFIX = "timm/"


@cache
def timm_class(name: str) -> type[nn.Module]:
    """Give a class that builds the network of that name in timm; its weights are random.

    Raises
    ------
    MissingExtraError
        timm is not installed, or does not import.
    SettingsError
        timm has no network of that name.
    """
    timm = _timm()
    if not timm.is_model(name):
        raise SettingsError(f"timm has no network '{name}'.{nearest(name, timm.list_models())}")

    class Timm(nn.Module):
        """A network of timm for images.

        Source: Wightman 2019, "PyTorch image models", github.com/huggingface/pytorch-image-models.

        Parameters
        ----------
        input_shape : tuple of int
            (channels, height, width).
        output_size : int
            Number of outputs.
        """

        recipes: ClassVar[dict[str, Recipe]] = {
            "modern": (
                Stage(
                    None,
                    "adamw",
                    {"weight_decay": 0.05},
                    5e-4,
                    "one_cycle",
                    epochs=30,
                    batch_size=64,
                ),
            ),
        }
        departures = ("There is no recipe of a paper.",)

        def __init__(self, input_shape: tuple[int, ...], output_size: int):
            super().__init__()
            check_images(PREFIX + name, input_shape, 1)
            self.network = _made(timm, name, input_shape, output_size)

        def forward(self, images: Tensor) -> Tensor:
            """(rows, channels, height, width) -> (rows, output_size)."""
            return self.network(images)

    return Timm


def _made(timm: Any, name: str, input_shape: tuple[int, ...], output_size: int) -> nn.Module:
    """Give the network; those that are built for one size of image are told that of ours."""
    channels, *sides = input_shape
    try:
        return timm.create_model(
            name, pretrained=False, in_chans=channels, num_classes=output_size, img_size=sides
        )
    except TypeError:  # it takes any size
        return timm.create_model(name, pretrained=False, in_chans=channels, num_classes=output_size)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"timm cannot build '{name}' for images of shape {tuple(input_shape)}: {error}. "
            "Give another --data.image_size, or choose another network."
        ) from error


def _timm() -> Any:
    try:
        import timm  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            "--network timm/NAME needs timm: pip install 'layerwise[timm]'"
        ) from error
    except Exception as error:  # torchvision, which it needs, beside a torch of another kind
        raise MissingExtraError(
            f"timm is installed, but does not import ({error}). Its torchvision must be of the "
            f"same kind as torch: both with CUDA, or both without."
        ) from error
    return timm
