"""Next token: a language model says at every place what comes next."""

from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError


class NextToken:
    """Learn the chance of each token after those before it.

    Source: Shannon 1948, "A mathematical theory of communication", section 3; with a network
    Bengio et al. 2003, "A neural probabilistic language model", equation of the log-likelihood.
    The network offers ``per_token``; targets 0 are padding and not counted.

    Parameters
    ----------
    target : Target
        Of kind none: the text is what is predicted.

    Raises
    ------
    SettingsError
        There is a target, or the network says nothing of single tokens.
    """

    kinds = ("none",)
    form = "text"
    output_size = 0
    output_size_from = "vocabulary"
    metrics = ("nats_per_character", "bits_per_character", "character_perplexity")
    baselines = ("unigram", "ngram")
    judged_by = (
        "Nats per character: minus the log of the chance of the text, over its characters; the "
        "end of a line counts as one."
    )

    def __init__(self, target: Target):
        if target.kind != "none":
            raise SettingsError(
                f"The task next_token predicts the text itself, but there is a target of kind "
                f"'{target.kind}'. Leave --target out, or choose another --task."
            )

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the counted tokens, in nats."""
        entropies = token_entropies(network, batch)
        assert batch.targets is not None
        counted = (batch.targets != 0).sum()
        yield Loss(entropies.sum() / counted.clamp(min=1), counted)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Nats per character of each row, (rows, 1).

        ``batch.weight`` is the number of characters of each row; without it tokens are counted.
        """
        entropies = token_entropies(network, batch).sum(dim=1)
        assert batch.targets is not None
        tokens = (batch.targets != 0).sum(dim=1)
        characters = tokens if batch.weight is None else batch.weight
        return (entropies / characters.clamp(min=1)).unsqueeze(1)


def token_entropies(network: nn.Module, batch: Batch) -> Tensor:
    """Minus the log of the chance of each target, (rows, length), in nats; 0 for padding."""
    assert batch.targets is not None
    scores = per_token(network)(batch.inputs)
    found = F.cross_entropy(
        scores.flatten(0, 1), batch.targets.flatten(), ignore_index=0, reduction="none"
    )
    return found.reshape(batch.targets.shape)


def per_token(network: Any) -> Any:
    """The network's ``per_token``: scores (rows, length, vocabulary) of (rows, length) tokens.

    Raises SettingsError where it has none.
    """
    if not hasattr(network, "per_token"):
        raise SettingsError(
            f"A language model needs a network with per_token, which {type(network).__name__} "
            "does not have. Choose --network transformer_decoder, gru, lstm, rnn or ngram."
        )
    return network.per_token
