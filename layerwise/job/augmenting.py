"""How training images are changed as they are learned: as asked, or by the data; and a sheet."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from layerwise.contracts import Batch, Target
from layerwise.data.augmentation import Augment
from layerwise.data.augments import AUGMENTS, auto_options
from layerwise.errors import SettingsError, nearest
from layerwise.own_code import check_options
from layerwise.run import Run
from layerwise.training import augment_seed

IMAGE_FORMS = ("images", "masks")
SHOWN_ROWS, SHOWN_EPOCHS = 6, 7  # of the sheet
MOST_SIDE = 96  # pixels of a drawn image


def choose_augment(
    settings: Any, preparation: Any, task: Any, target: Target, rows: int
) -> tuple[Callable[[Batch, int], Batch] | None, str]:
    """What changes training images, None where nothing does, and why.

    Raises SettingsError for a name or an option that is not known, for data that are no images,
    and for a task that cannot learn from mixed rows.

    settings : a Learner, for ``augment`` and ``augment_options``
    rows : training rows
    """
    name, given = settings.augment, dict(settings.augment_options or {})
    if not isinstance(name, str):
        if given:
            raise SettingsError("--augment.key goes with a name, not with an object of your own.")
        return name, "as given"
    if name not in AUGMENTS:
        raise SettingsError(f"There is no --augment '{name}'.{nearest(name, AUGMENTS)}")
    asked = bool(given or AUGMENTS[name])
    if preparation.form not in IMAGE_FORMS or len(preparation.input_shape) != 3:
        if asked:
            raise SettingsError(
                f"--augment changes images, and these data are of the form '{preparation.form}'. "
                "Leave it out."
            )
        return None, "these data are no images" if name == "auto" else ""
    chosen, why = AUGMENTS[name], "as asked"
    if name == "auto":
        chosen, why = auto_options(preparation.input_shape, rows)
    check_options(Augment, given, "--augment")
    if "classes" in given:
        raise SettingsError("Option classes of --augment is counted in the data. Leave it out.")
    classes = len(target.classes) if target.kind in ("binary", "classes") else 0
    augment = Augment(**{**chosen, **given, "classes": classes})
    _check_mixing(augment, task, target)
    if augment.record():
        return augment, why
    return None, why if name == "auto" else ""


def augment_in_words(augment: Any) -> str:
    """What it does, or the name of a person's own."""
    if augment is None:
        return "none"
    if isinstance(augment, Augment):
        return augment.in_words()
    return getattr(augment, "__name__", type(augment).__name__)


def augment_record(augment: Any) -> dict[str, Any]:
    """What it does as JSON values; {} for nothing."""
    if augment is None:
        return {}
    return augment.record() if isinstance(augment, Augment) else {"own": augment_in_words(augment)}


def write_augmented(run: Run, plan: Any, dataset: Any) -> None:
    """Write the first training images, each as it was learned in the first epochs.

    augmented.safetensors: "sheet" (rows, 1 + epochs, channels, height, width) in the units of the
    data, the image itself first; with masks also "masks" (rows, 1 + epochs, height, width).
    """
    if plan.augment is None or plan.no_rows or not hasattr(plan.model.preparation, "in_units"):
        return
    batch = dataset.batch(plan.rows("train")[:SHOWN_ROWS])
    if not isinstance(batch.inputs, Tensor) or batch.inputs.ndim != 4:
        return
    batches = [batch]
    for epoch in range(1, SHOWN_EPOCHS + 1):
        seed = augment_seed(plan.seed, len(plan.recipe) - 1, epoch)
        batches.append(plan.augment(batch, seed))
    height, width = (_drawn(side, max(batch.inputs.shape[2:])) for side in batch.inputs.shape[2:])
    shown = torch.stack([_in_units(plan, one.inputs) for one in batches], dim=1)
    sheet = F.interpolate(shown.flatten(0, 1), (height, width), mode="area")
    found = {"sheet": sheet.unflatten(0, shown.shape[:2]).contiguous()}
    if plan.model.preparation.form == "masks":
        masks = torch.stack([one.targets for one in batches if one.targets is not None], dim=1)
        small = F.interpolate(masks.float(), (height, width), mode="nearest")
        found["masks"] = small.cpu().contiguous()
    run.write_tensors("augmented", found)


def _drawn(side: int, longest: int) -> int:
    return max(1, round(side * min(1.0, MOST_SIDE / longest)))


def _in_units(plan: Any, inputs: Tensor) -> Tensor:
    """Pixels as the data have them: what was taken off and divided by, put back."""
    constants = plan.model.preparation.tensors()
    mean, scale = (constants[name].reshape(-1, 1, 1).float() for name in ("mean", "scale"))
    return inputs.cpu().float() * scale + mean


def _check_mixing(augment: Augment, task: Any, target: Target) -> None:
    """Mixed rows have chances in place of classes, which only some losses take."""
    if augment.splittable:
        return
    name = "mixup" if augment.mixup else "cutmix"
    if target.kind == "mask":
        if augment.mixup:
            raise SettingsError(
                "--augment.mixup blends two images, and masks cannot be blended. Use "
                "--augment.cutmix, which pastes both, or leave it out."
            )
        return
    if not getattr(task, "takes_chances", False):
        raise SettingsError(
            f"--augment.{name} makes chances of classes, which the task {type(task).__name__} "
            f"(loss {getattr(task, 'loss', 'its own')}) does not take. Use classify with "
            "cross_entropy, or leave it out."
        )
