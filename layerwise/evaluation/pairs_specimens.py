"""What a network that translates says: a dozen translations, and where it looked for two."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.data.pair_preparation import PairPreparation, texts_of
from layerwise.data.source import Source
from layerwise.data.tokens import END, PADDING, START
from layerwise.evaluation.evaluate import device_of, on_device, predict, undisturbed

SHOWN = 12  # translations
MAPS = 2  # of attention
TABLE = "Tokens of the maps of attention"


def show(
    network: nn.Module,
    task: Any,
    preparation: PairPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Translations of a dozen judged rows, evenly spaced by row number, whatever their quality.

    "attention_1", "attention_2" (said tokens, source tokens): how much each said token took from
    each of the source; the tokens stand in the table ``TABLE``, a line per map and side.
    """
    chosen = np.asarray(rows)
    if len(chosen) > SHOWN:
        chosen = chosen[np.linspace(0, len(chosen) - 1, SHOWN).round().astype(int)]
    some = source.take(chosen)
    found: dict[str, Any] = {"sentences": [], "tables": [], "arrays": {}}
    if not len(chosen):
        return found
    codes = predict(network, task, preparation.dataset(some))
    found["tables"].append(_translations(preparation, some, chosen, codes))
    found["sentences"].append(
        f"{len(chosen)} judged rows, evenly spaced by their numbers and not chosen by quality."
    )
    if hasattr(network, "attention"):
        found["tables"].append(_maps(network, preparation, some, codes, found["arrays"]))
    return found


def _translations(
    preparation: PairPreparation, some: Source, numbers: np.ndarray, codes: Tensor
) -> dict[str, Any]:
    """The table of source, reference and translation."""
    sides = [texts_of(some, "source"), list(preparation.in_units(codes))]
    columns = ["row", "source", "translation"]
    if "target" in some.frame.columns:
        sides.insert(1, texts_of(some, "target"))
        columns.insert(2, "reference")
    lines = [[str(n), *texts] for n, *texts in zip(numbers.tolist(), *sides, strict=True)]
    return {"title": "Translations", "columns": columns, "rows": lines}


@torch.no_grad()
def _maps(
    network: Any,
    preparation: PairPreparation,
    some: Source,
    codes: Tensor,
    arrays: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Fill in the maps of the first rows; the table of their tokens."""
    lines, dataset = [], preparation.dataset(some)
    for number in range(min(MAPS, len(codes))):
        batch = on_device(dataset.batch(torch.tensor([number])), device_of(network))
        assert isinstance(batch.inputs, dict)
        source, said = batch.inputs["source"], _until_end(codes[number])
        before = torch.cat([torch.tensor([START]), said[:-1]]).unsqueeze(0).to(source.device)
        with undisturbed(network):
            weights = network.attention({"source": source, "target": before})[0]
        arrays[f"attention_{number + 1}"] = weights.float().cpu().numpy()
        sides = {"source": source[0].tolist(), "target": said.tolist()}
        for side, tokens in sides.items():
            words = " ".join(preparation.words(side, tokens))
            lines.append([str(number + 1), "source" if side == "source" else "said", words])
    return {"title": TABLE, "columns": ["map", "side", "tokens"], "rows": lines}


def _until_end(codes: Tensor) -> Tensor:
    """The said tokens with the end, without the padding behind it."""
    ends = (codes == END).nonzero()
    return codes[: int(ends[0]) + 1] if len(ends) else codes[codes != PADDING]
