"""What a report shows of what a convolutional network looks at: filters, patches, maps."""

from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor

from layerwise.data.pixel_range import pixel_range
from layerwise.evaluation.evaluate import undisturbed
from layerwise.evaluation.excitation import convolutions, excitations
from layerwise.evaluation.explain import (
    PATCHES,
    STEPS,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
)
from layerwise.job.plan import Plan
from layerwise.metrics import Predictions, decisions
from layerwise.run import Run

MULTIPLY_ADDS = 2e10  # for the patches and again for the maps: a second or two on one core
MOST_ROWS, FEWEST_ROWS = 512, 32  # among which exciting patches are looked for
EXAMPLES = 3  # that are right, and as many that are wrong
PASSES = 2 + 3 * STEPS + 3 + PATCHES**2  # of the network for the maps of one row
MOST_FILTERS = 64
KINDS = ("binary", "classes")


def write_explanations(run: Run, plan: Plan, table: DataFrame, part: str) -> None:
    """Write ``explained.*`` of a network of images with a convolution; of others nothing.

    table : the predictions table
    part : the rows that are judged, whose maps are drawn
    """
    model = plan.model
    named = convolutions(model.network)
    if model.preparation.form != "images" or model.target.kind not in KINDS or not named:
        return
    first = named[0][1].weight.detach().cpu().float()
    tensors, said = {"filters": first[:MOST_FILTERS]}, {"filters": named[0][0]}
    counts = ("multiply_adds", "parameters")  # the first is 0 where a network cannot be followed
    cost = max(1, *(sum(getattr(layer, name) for layer in plan.layers) for name in counts))
    if not plan.no_rows:
        _add_patches(plan, tensors, said, int(MULTIPLY_ADDS / cost))
        shown = min(2 * EXAMPLES, int(MULTIPLY_ADDS / cost / PASSES))
        _add_maps(plan, tensors, said, _chosen(plan, table, part, shown))
    run.write_tensors("explained", tensors)
    run.write("explained", said)


def _add_patches(plan: Plan, tensors: dict[str, Tensor], said: dict[str, Any], most: int) -> None:
    """Add what excites units most among validation rows, where there are any, or training rows."""
    part = "validation" if len(plan.rows("validation")) >= FEWEST_ROWS else "train"
    rows, most = plan.rows(part), min(MOST_ROWS, most)
    if most < FEWEST_ROWS:
        return
    rows = rows[torch.linspace(0, len(rows) - 1, min(most, len(rows))).long()]
    found = excitations(plan.model.network, _inputs(plan, rows))
    said["layers"] = [
        {"layer": one.layer, "units": one.units, "rows": rows[one.rows], "values": one.values}
        for one in found
    ]
    said["looked_at"] = f"{len(rows):,} {part} rows"
    for place, one in enumerate(found):
        tensors[f"patches.{place}"] = _as_pictures(plan, one.patches)


def _add_maps(
    plan: Plan, tensors: dict[str, Tensor], said: dict[str, Any], examples: list[dict[str, Any]]
) -> None:
    """Add the four maps of a few judged rows, for the class that was said."""
    if not examples:
        return
    model = plan.model
    network, device = model.network, model.device
    inputs = _inputs(plan, torch.tensor([one["row"] for one in examples]))
    low = pixel_range(model.preparation)[0].to(inputs)
    given, black = inputs.to(device), low.to(device)
    classes = torch.tensor([one["code"] for one in examples], device=device)
    with undisturbed(network):
        maps = {
            "saliency": saliency(network, given, classes),
            "integrated": integrated_gradients(network, given, classes, black).sum(dim=1),
            "cam": grad_cam(network, convolutions(network)[-1][1], given, classes),
            "occlusion": occlusion(network, given, classes),
        }
    tensors["images"] = _as_pictures(plan, inputs)
    tensors |= {f"maps.{name}": one.cpu().float() for name, one in maps.items()}
    said["examples"] = examples


def _chosen(plan: Plan, table: DataFrame, part: str, most: int) -> list[dict[str, Any]]:
    """Judged rows that this network got right and those that it was surest of and got wrong."""
    own = table.loc[(table["fold"] == 0) & table["truth"].notna()]
    filled = next((p for p in (part, "validation", "train") if p in set(own["split"])), None)
    own = own.loc[own["split"] == filled]
    if not len(own) or most < 1:
        return []
    judged = Predictions.from_table(own, plan.model.target)
    said, sure = decisions(judged), judged.scores.max(axis=1)
    right, wrong = np.flatnonzero(said == judged.truth), np.flatnonzero(said != judged.truth)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][: most // 2]
    places = [*right[: most - len(wrong)], *wrong]
    classes, rows = plan.model.target.classes, own["row"].to_numpy()
    return [
        {"row": int(rows[at]), "code": int(said[at]), "said": classes[said[at]],
         "truth": classes[judged.truth[at]], "chance": float(sure[at])}
        for at in places
    ]  # fmt: skip


def _inputs(plan: Plan, rows: Tensor) -> Tensor:
    """Some rows as the network sees them, on the CPU."""
    some = plan.source.take(rows.numpy())
    inputs = plan.model.dataset(some).batch(slice(0, len(rows))).inputs
    assert isinstance(inputs, Tensor)
    return inputs.cpu()


def _as_pictures(plan: Plan, inputs: Tensor) -> Tensor:
    """Prepared images (..., channels, height, width) from 0 to 1, the range of their values."""
    low, high = pixel_range(plan.model.preparation)
    return ((inputs - low) / (high - low)).float().contiguous()
