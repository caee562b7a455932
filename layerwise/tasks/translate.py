"""Translate: say in the target's tokens what the source says, one token after the other."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.beam_search import beam_search

PADDING = 0
ROWS_TOGETHER = 16  # in training; fewer are trimmed better, but each piece has its own calls
ROWS_SEARCHED = 64  # translated together
NEEDED = ("encode", "begin", "step")  # methods of a network that translates


class Translate:
    """Learn the next token of the translation from the source and the true tokens before it.

    Sources: Sutskever et al. 2014, "Sequence to sequence learning with neural networks" (the
    chance of a translation is the product over its tokens); Szegedy et al. 2016, "Rethinking the
    inception architecture", section 7 (label smoothing). In prediction each token follows what
    the network itself has said, greedily or by beam search.

    Parameters
    ----------
    target : Target
        Of kind text.
    label_smoothing : float
        Share of the truth that is spread over all tokens in training; the loss of held-out rows
        is that of the truth alone.
    beams : int
        How many beginnings stay in the running in prediction; 1 is greedy.
    length_power : float
        How much long translations are favoured among several beams, see ``beam_search``.
    max_length : int
        Most tokens of a translation; 0 is twice those of its source and ten, but never more than
        the network was made for.

    Raises
    ------
    SettingsError
        The target is no text, or an option cannot be.
    """

    form = "pairs"
    kinds = ("text",)
    output_size_from = "vocabulary"
    metrics = ("chrf", "bleu")
    baselines = ("copy", "dictionary")
    watches_loss = True  # to translate the validation rows after each epoch would take longer
    judged_by = (
        "chrF of the translations, 0 to 100: how many of the reference's short sequences of "
        "characters are found, and how many of those said are right. Epochs are compared by the "
        "loss."
    )

    def __init__(
        self,
        target: Target,
        *,
        label_smoothing: float = 0.1,
        beams: int = 1,
        length_power: float = 0.6,
        max_length: int = 0,
    ):
        if target.kind != "text":
            raise SettingsError(
                f"The task translate needs pairs of texts, got a target of kind '{target.kind}'. "
                "Give a table with two columns of text, or two files of aligned lines."
            )
        _check(label_smoothing, beams, max_length)
        self.label_smoothing, self.beams = label_smoothing, beams
        self.length_power, self.max_length = length_power, max_length

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over all tokens that count, in nats.

        Rows of like length go through the network together, and scores are only worked out where
        a token counts: of the places of a batch of ragged rows more than half are padding.
        """
        smoothing = self.label_smoothing if network.training else 0.0
        total: Tensor | float = 0.0
        terms = 0.0
        for piece in alike(batch, ROWS_TOGETHER):
            assert piece.targets is not None
            counted = piece.targets != PADDING
            scores = scores_where(network, piece.inputs, counted)
            tokens = F.cross_entropy(
                scores, piece.targets[counted], reduction="none", label_smoothing=smoothing
            )
            weight = _weights(piece, counted)
            total = total + (tokens * weight).sum()
            # a number, no tensor: then no trace is recorded, whose shapes would be fixed
            terms += float(weight.sum())
        assert isinstance(total, Tensor)
        terms = terms if terms != 0 else 1.0
        yield Loss(total / terms, terms)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Tokens of the translations, (rows, most tokens) int64, 0 behind the end of each."""
        assert isinstance(batch.inputs, dict)
        _check_network(network)
        most = self.max_length or _longest(network)
        source = batch.inputs["source"]
        lengths = (source != PADDING).sum(dim=1)
        limits = torch.full_like(lengths, most)
        if not self.max_length:
            limits = limits.minimum(10 + 2 * lengths)
        found = source.new_full((len(source), most), PADDING)
        for rows in lengths.argsort(stable=True).split(ROWS_SEARCHED):
            trimmed = source[rows, : int(lengths[rows].max())]
            said = self.translate(network, trimmed, limits[rows])
            found[rows, : said.shape[1]] = said
        return found

    def translate(self, network: Any, source: Tensor, limits: Tensor) -> Tensor:
        """(rows, S) -> (rows, longest translation) int64; limits (rows,) are most tokens."""
        with torch.no_grad():
            memory = network.encode(source)
            state = network.begin(memory)
        return beam_search(
            network.step, memory, state, limits, beams=self.beams, length_power=self.length_power
        )


def alike(batch: Batch, size: int) -> list[Batch]:
    """The rows in pieces of about ``size`` rows of like length, without the padding of others."""
    assert batch.targets is not None and isinstance(batch.inputs, dict)
    spans = {"targets": (batch.targets != PADDING).sum(dim=1)}
    spans["source"] = (batch.inputs["source"] != PADDING).sum(dim=1)
    order = (spans["source"] + spans["targets"]).argsort(stable=True)
    pieces = []
    for rows in order.chunk(max(1, len(order) // size)):
        source, target = (max(1, int(spans[side][rows].max())) for side in ("source", "targets"))
        inputs = {
            "source": batch.inputs["source"][rows, :source],
            "target": batch.inputs["target"][rows, :target],
        }
        weight = None if batch.weight is None else batch.weight[rows]
        pieces.append(replace(batch, inputs=inputs, targets=batch.targets[rows, :target],
                              weight=weight, keys=None))  # fmt: skip
    return pieces


def _weights(batch: Batch, counted: Tensor) -> Tensor:
    """What each counted token counts: the weight of its row, or 1."""
    if batch.weight is None:
        return torch.ones(int(counted.sum()), device=counted.device)
    return batch.weight.unsqueeze(1).expand_as(counted)[counted]


def scores_where(network: Any, inputs: Any, counted: Tensor) -> Tensor:
    """Scores of the next token at the counted places, (counted, vocabulary)."""
    if hasattr(network, "states") and hasattr(network, "scores"):
        return network.scores(network.states(inputs)[counted])
    return network(inputs)[counted]


def _longest(network: Any) -> int:
    if not hasattr(network, "longest_target"):
        raise SettingsError(
            f"{type(network).__name__} does not say how long a translation may be. Give it the "
            "attribute longest_target, or the task --task.max_length."
        )
    return int(network.longest_target)


def _check_network(network: Any) -> None:
    missing = [name for name in NEEDED if not hasattr(network, name)]
    if missing:
        raise SettingsError(
            f"The task translate needs a network with {', '.join(NEEDED)}, but "
            f"{type(network).__name__} has no {missing[0]}. Choose --network "
            "transformer_translator or gru_translator."
        )


def _check(label_smoothing: float, beams: int, max_length: int) -> None:
    if not 0 <= label_smoothing < 1:
        raise SettingsError(
            f"Option label_smoothing of translate must be from 0 to below 1, got {label_smoothing}."
        )
    if beams < 1 or max_length < 0:
        raise SettingsError(
            f"Option beams of translate must be 1 or more and max_length 0 or more, got {beams} "
            f"and {max_length}."
        )
