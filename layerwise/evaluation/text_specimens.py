"""What a language model writes, and where in the context it errs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.contracts import Batch
from layerwise.data.source import Source
from layerwise.data.text_preparation import TextPreparation
from layerwise.data.tokens import PADDING, UNKNOWN
from layerwise.evaluation.evaluate import device_of, on_device, undisturbed
from layerwise.evaluation.generation import draw_rows, generate_lines
from layerwise.evaluation.word_maps import word_specimens

MOST_ROWS = 2000  # rows whose tokens are looked at
AT_ONCE = 256  # rows
LINES = 200  # lines that are drawn, to count copies
SHOWN_LINES = 20
MAPPED = 24  # tokens whose attention is shown
LOOKED = "The attention that is drawn is of these tokens: "
SAMPLES, LENGTH, PROMPT = 3, 300, 32  # of other text; tokens drawn, characters given


def show(
    network: nn.Module,
    task: Any,
    preparation: TextPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Samples, the perplexity of a token, and the loss at each place of the context.

    Parameters
    ----------
    network, task, preparation
        Of the run. Where it is no language model there is nothing to show.
    source : Source
        All rows; lines that are drawn are looked for among all of them.
    rows : array
        Numbers of the judged rows.
    seed : int
        Decides what is drawn.

    Returns
    -------
    dict
        "sentences", "tables" with "title", "columns" and "rows", and "arrays": "loss_by_position"
        (context,) in nats per token, NaN where no token was counted; "attention" (heads, tokens,
        tokens) of the first judged row. Of word vectors what ``word_specimens`` gives.
    """
    if hasattr(type(network), "vectors"):  # a method, not a table of a language model
        return word_specimens(network, preparation, source, rows, seed)
    taught = "nats_per_character" in getattr(task, "metrics", ())  # what comes next
    if not taught or not preparation.is_language_model:
        return {"sentences": [], "tables": [], "arrays": {}}
    rows = np.asarray(rows)[:MOST_ROWS]
    total, count = loss_by_position(network, preparation, source.take(rows))
    with np.errstate(invalid="ignore"):
        course = (total / count).astype(np.float32)
    nats = total.sum() / max(1.0, count.sum())
    written = _lines if preparation.by_lines else _samples
    sentences, table = written(network, preparation, source, rows, seed)
    perplexity = (
        f"Perplexity per token (of {preparation.tokens.noun}): {np.exp(nats):.2f}, which is "
        f"{nats:.3f} nats per token, over {int(count.sum()):,} tokens."
    )
    arrays = {"loss_by_position": course}
    if hasattr(network, "attention_maps"):
        tokens, arrays["attention"] = attention(network, preparation, source.take(rows[:1]))
        sentences.append(f"{LOOKED}{' '.join(tokens)}")
    return {"sentences": [perplexity, *sentences], "tables": [table], "arrays": arrays}


@torch.no_grad()
def attention(
    network: Any, preparation: TextPreparation, row: Source
) -> tuple[list[str], np.ndarray]:
    """Give the first tokens of a row, and how much each takes from those before; the last layer.

    returns : texts of the tokens, spaces as a dot; (heads, tokens, tokens) float32, rows sum to 1
    """
    batch = on_device(preparation.dataset(row).batch(torch.tensor([0])), device_of(network))
    assert isinstance(batch.inputs, Tensor)
    seen = batch.inputs[:, :MAPPED]
    with undisturbed(network):
        maps = network.attention_maps(seen)[-1, 0]
    named = [preparation.tokens.decode([token]) or "\N{BULLET}" for token in seen[0].tolist()]
    marks = {" ": "\N{MIDDLE DOT}", "\n": "\N{PILCROW SIGN}"}
    tokens = ["".join(marks.get(one, one) for one in name) for name in named]
    return tokens, maps.float().cpu().numpy()


@torch.no_grad()
def loss_by_position(
    network: Any, preparation: TextPreparation, source: Source
) -> tuple[np.ndarray, np.ndarray]:
    """Give the summed nats and the number of counted tokens at each place; (context,) each."""
    dataset, device = preparation.dataset(source), device_of(network)
    total, count = np.zeros(preparation.context), np.zeros(preparation.context)
    with undisturbed(network):
        for some in torch.arange(len(dataset)).split(AT_ONCE):
            nats, counted = _nats(network, on_device(dataset.batch(some), device))
            total[: len(nats)] += nats.cpu().numpy()
            count[: len(nats)] += counted.cpu().numpy()
    return total, count


def _nats(network: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Nats and counted tokens at each place, summed over the rows; (length,) each."""
    targets = batch.targets
    assert targets is not None
    scores = network.per_token(batch.inputs).float()
    chances = torch.log_softmax(scores, dim=2).gather(2, targets.unsqueeze(2)).squeeze(2)
    counted = targets != PADDING
    return -(chances * counted).double().sum(dim=0), counted.sum(dim=0)


def _lines(
    network: nn.Module, preparation: TextPreparation, source: Source, rows: np.ndarray, seed: int
) -> tuple[list[str], dict[str, Any]]:
    """Drawn lines, and how many of them stand in the data."""
    drawn = generate_lines(network, preparation, LINES, seed=seed)
    known = set(preparation.texts(source))
    copied = sum(line in known for line in drawn)
    sentence = (
        f"Of {LINES} lines that it drew, {copied} stand in the data word for word and "
        f"{LINES - len(set(drawn))} came before among the drawn."
    )
    table = {
        "title": "Lines that the network drew",
        "columns": ["line", "in the data"],
        "rows": [[line, "yes" if line in known else "no"] for line in drawn[:SHOWN_LINES]],
    }
    return [sentence], table


def _samples(
    network: nn.Module, preparation: TextPreparation, source: Source, rows: np.ndarray, seed: int
) -> tuple[list[str], dict[str, Any]]:
    """What the network writes after the beginnings of judged rows, beside what stands there."""
    places = rows[np.linspace(0, len(rows) - 1, min(SAMPLES, len(rows)), dtype=int)]
    tokens = preparation.tokens.encode(
        [text[:PROMPT] for text in preparation.texts(source.take(places))]
    )
    known = [row for row in tokens if UNKNOWN not in row and len(row)]
    shortest = min(map(len, known), default=0)
    prompts = torch.tensor([row[:shortest].tolist() for row in known])
    drawn = draw_rows(network, preparation, prompts, LENGTH, seed=seed).tolist() if known else []
    decode = preparation.tokens.decode
    shown = [[decode(p), decode(w)] for p, w in zip(prompts.tolist(), drawn, strict=True)]
    table = {
        "title": "What the network writes",
        "columns": ["prompt, from a judged row", "what it wrote"],
        "rows": shown,
    }
    return [], table
