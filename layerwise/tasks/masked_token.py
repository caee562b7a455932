"""Masked token: some tokens are hidden, the network says from both sides what they were."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.tasks.next_token import per_token

MASK = 4  # its number, see data.tokens
AS_MASK, AS_ANOTHER = 0.8, 0.1  # what becomes of the chosen tokens; the rest stays
TURNS = 7  # passes in which every token is hidden once, about the usual share at a time


class MaskedToken:
    """Learn to fill in hidden tokens; what is learned can be tuned to few labels afterwards.

    Source: Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers", section
    3.1. Of the chosen tokens 80 % become the mask, 10 % another token, 10 % stay as they are; all
    of them are to be said. Another token is one from elsewhere in the batch, so that frequent
    ones come more often (the paper draws from the whole vocabulary alike).

    Parameters
    ----------
    target : Target
        Of kind none: the text is what is predicted.
    share : float
        Of the tokens, which are chosen in every step anew.

    Raises
    ------
    SettingsError
        The share cannot be, there is a target, or the network says nothing of single tokens.
    """

    kinds = ("none",)
    form = "text"
    output_size = 0
    output_size_from = "vocabulary"
    metrics = ("mean_error",)
    baselines = ()
    judged_by = (
        "Mean error: nats per character of tokens that were hidden, one in seven at a time, each "
        "once; both sides are seen, so it is below what a language model can reach."
    )

    def __init__(self, target: Target, *, share: float = 0.15):
        if target.kind != "none":
            raise SettingsError(
                "The task masked_token learns from text alone, but there is a target of kind "
                f"'{target.kind}'. Leave --target out; a later run tunes --from it to labels."
            )
        if not 0 < share < 1:
            raise SettingsError(
                f"Option share of masked_token must be above 0 and below 1, got {share}."
            )
        self.share = share

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the chosen tokens, in nats."""
        tokens = _tokens(batch)
        chosen = (torch.rand(tokens.shape, device=tokens.device) < self.share) & (tokens != 0)
        counted = chosen.sum()
        found = _entropies(network, hidden(tokens, chosen), tokens) * chosen
        yield Loss(found.sum() / counted.clamp(min=1), counted)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Nats per character of each row, (rows, 1); no chance is in it."""
        tokens = _tokens(batch)
        turns = torch.arange(tokens.shape[1], device=tokens.device) % TURNS
        total = torch.zeros(tokens.shape, device=tokens.device)
        for turn in range(TURNS):
            chosen = (turns == turn) & (tokens != 0)
            masked = tokens.masked_fill(chosen, MASK)
            total = total + _entropies(network, masked, tokens) * chosen
        characters = (tokens != 0).sum(dim=1) if batch.weight is None else batch.weight
        return (total.sum(dim=1) / characters.clamp(min=1)).unsqueeze(1)


def hidden(tokens: Tensor, chosen: Tensor) -> Tensor:
    """The tokens with the chosen ones as the network sees them, drawn from torch's generator.

    tokens : (rows, length) int64, 0 is padding
    chosen : (rows, length) bool, none of them padding
    """
    fate = torch.rand(tokens.shape, device=tokens.device)
    places = (torch.rand(tokens.shape, device=tokens.device) * tokens.numel()).long()
    others = tokens.flatten()[places.clamp(max=tokens.numel() - 1)]
    others = torch.where(others == 0, MASK, others)
    masked = torch.where(chosen & (fate < AS_MASK), MASK, tokens)
    another = chosen & (fate >= AS_MASK) & (fate < AS_MASK + AS_ANOTHER)
    return torch.where(another, others, masked)


def _tokens(batch: Batch) -> Tensor:
    """The tokens of a batch of a language model, (rows, length)."""
    assert batch.targets is not None
    return batch.targets


def _entropies(network: nn.Module, seen: Tensor, tokens: Tensor) -> Tensor:
    """Minus the log of the chance of every token, (rows, length), in nats."""
    scores = per_token(network)(seen)
    found = F.cross_entropy(scores.flatten(0, 1), tokens.flatten(), reduction="none")
    return found.reshape(tokens.shape)
