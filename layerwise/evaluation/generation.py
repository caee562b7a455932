"""Text from a language model: one token after the other, each drawn from what the network says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.data.text_preparation import TextPreparation
from layerwise.data.tokens import END, MASK, PADDING, START, UNKNOWN
from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.evaluate import device_of, undisturbed

NEVER = (PADDING, START, UNKNOWN, MASK)  # tokens that are not drawn
MOST_BYTES = 4  # of a character in UTF-8; tokens that are held back until they make one


def generate(
    network: nn.Module,
    preparation: TextPreparation,
    prompt: str = "",
    *,
    length: int = 200,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
) -> Iterator[str]:
    """Yield the text that follows a prompt, as soon as there is a whole character of it.

    The network sees the last tokens only, as many as its context has. Lines end where the network
    draws an end; other text after ``length`` tokens.

    Parameters
    ----------
    network : nn.Module
        With ``per_token``.
    preparation : TextPreparation
        Of the run; its tokenizer and context.
    prompt : str
        What the text begins with; it is not yielded.
    length : int
        The most tokens that are drawn.
    temperature : float
        The log chances are divided by it: below 1 the likely is likelier; 0 takes the likeliest.
    top_k : int
        Only so many of the likeliest tokens are drawn from; 0: from all.
    seed : int
        Decides the draws.

    Raises
    ------
    SettingsError
        An option cannot be, or the network says nothing of single tokens.
    DataError
        The prompt has characters or words that the training text did not have.
    """
    _check(network, preparation, length, temperature, top_k)
    tokens = prompt_tokens(preparation, prompt)
    chance = torch.Generator().manual_seed(seed)
    return _stream(network, preparation, tokens, length, (temperature, top_k), chance)


def _stream(
    network: nn.Module,
    preparation: TextPreparation,
    tokens: list[int],
    length: int,
    how: tuple[float, int],
    chance: torch.Generator,
) -> Iterator[str]:
    held: list[int] = []  # drawn, and no whole character yet
    for _ in range(length):
        window = torch.tensor([tokens[-preparation.context :]])
        token = int(draw_tokens(next_scores(network, window), *how, chance))
        if token == END:
            break
        tokens.append(token)
        held.append(token)
        text = preparation.tokens.decode(held)
        if not text.endswith("\ufffd") or len(held) >= MOST_BYTES:
            held = []
            yield text
    if held:
        yield preparation.tokens.decode(held)


def generate_lines(
    network: nn.Module,
    preparation: TextPreparation,
    count: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
) -> list[str]:
    """Draw ``count`` texts from the start mark, side by side; each ends at its end mark.

    Raises SettingsError as ``generate`` does.
    """
    _check(network, preparation, count, temperature, top_k)
    rows = torch.tensor([prompt_tokens(preparation, "")] * count)
    drawn = draw_rows(
        network, preparation, rows, preparation.context, temperature=temperature, top_k=top_k,
        seed=seed,
    )  # fmt: skip
    return [preparation.tokens.decode(row) for row in drawn.tolist()]


def draw_rows(
    network: nn.Module,
    preparation: TextPreparation,
    rows: Tensor,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
) -> Tensor:
    """Draw what follows each of several rows of tokens of one length, side by side.

    rows : (rows, tokens) int64, without padding
    length : the most tokens that are drawn
    returns : (rows, drawn tokens) int64; a row that has ended is filled with end marks
    """
    chance = torch.Generator().manual_seed(seed)
    first = rows.shape[1]
    for _ in range(length):
        scores = next_scores(network, rows[:, -preparation.context :])
        drawn = draw_tokens(scores, temperature, top_k, chance)
        drawn = drawn.where((rows[:, first:] != END).all(dim=1), END)
        rows = torch.cat([rows, drawn.unsqueeze(1)], dim=1)
        if bool((drawn == END).all()):
            break
    return rows[:, first:]


def prompt_tokens(preparation: TextPreparation, prompt: str) -> list[int]:
    """The tokens that generation begins with: lines after the start mark, other text as it is.

    Long texts had a start mark once only, at their beginning: without a prompt they begin after
    an end of line, if they have one.
    Raises DataError for what the training text did not have.
    """
    strange = preparation.tokens.unknown([prompt])
    if strange:
        shown = ", ".join(repr(one) for one in list(strange)[:5])
        raise DataError(
            f"The prompt has {preparation.tokens.noun} that were not in the training rows: {shown}."
            " Write it without them."
        )
    marked = preparation.by_lines or preparation.tokens.kind == "words"
    if not marked and not prompt and not preparation.tokens.unknown(["\n"]):
        prompt = "\n"
    found = preparation.tokens.encode([prompt])[0].tolist()
    return [START, *found] if marked or not found else found


@torch.no_grad()
def next_scores(network: Any, tokens: Tensor) -> Tensor:
    """Scores of what follows the last token, (rows, vocabulary), on the CPU.

    tokens : (rows, length) int64, without padding
    """
    with undisturbed(network):
        return network.per_token(tokens.to(device_of(network)))[:, -1].float().cpu()


def draw_tokens(scores: Tensor, temperature: float, top_k: int, chance: torch.Generator) -> Tensor:
    """Draw a token per row, (rows,); never padding, start, unknown or mask.

    scores : (rows, vocabulary), unnormalized log chances
    """
    scores = scores.clone()
    scores[:, list(NEVER)] = -torch.inf
    if temperature == 0:
        return scores.argmax(dim=1)
    if top_k:
        least = scores.topk(min(top_k, scores.shape[1]), dim=1).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    chances = torch.softmax(scores / temperature, dim=1)
    return torch.multinomial(chances, 1, generator=chance)[:, 0]


def _check(
    network: nn.Module, preparation: Any, length: int, temperature: float, top_k: int
) -> None:
    if not isinstance(preparation, TextPreparation) or not preparation.is_language_model:
        raise SettingsError(
            "Text is generated by a language model, but this run predicts a target. Give a run of "
            "the task next_token."
        )
    if not hasattr(network, "per_token"):
        raise SettingsError(
            f"{type(network).__name__} says nothing of single tokens, so it generates no text. "
            "Give a run of the task next_token."
        )
    if length < 1:
        raise SettingsError(f"The length of what is generated must be 1 or more, got {length}.")
    if not 0 <= temperature < float("inf"):
        raise SettingsError(f"The temperature must be 0 or more, got {temperature}.")
    if top_k < 0:
        raise SettingsError(f"top_k must be 0 (all tokens) or more, got {top_k}.")
