"""Attention: each place takes from other places what its query finds in their keys."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.errors import DataError, SettingsError

POSITIONS = ("sinusoidal", "learned", "none")


def attention(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    padding: Tensor | None = None,
    causal: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """Give softmax(Q K^T / sqrt(d)) V by torch's fused kernel; (rows, heads, queries, width).

    Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS 30, eq. 1. A query all of
    whose keys are padding gets zeros.

    Parameters
    ----------
    queries, keys, values : Tensor
        (rows, heads, places, width); keys and values have as many places.
    padding : Tensor, optional
        (rows, keys) bool, true where a key is padding, which nobody may look at.
    causal : bool
        Query number i sees only the keys up to number i.
    dropout : float
        Chance that a weight is 0 in this call; the caller gives 0 outside training.
    """
    if padding is None:
        return F.scaled_dot_product_attention(
            queries, keys, values, dropout_p=dropout, is_causal=causal
        )
    allowed = ~padding[:, None, None, :]
    if causal:
        allowed = allowed & _up_to_now(queries, keys)
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=allowed, dropout_p=dropout
    )


def attention_weights(
    queries: Tensor, keys: Tensor, *, padding: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Give softmax(Q K^T / sqrt(d)), (rows, heads, queries, keys), by the formula."""
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], -math.inf)
    if causal:
        scores = scores.masked_fill(~_up_to_now(queries, keys), -math.inf)
    weights = torch.softmax(scores, dim=-1)
    return weights if padding is None else weights.nan_to_num(0.0)


def _up_to_now(queries: Tensor, keys: Tensor) -> Tensor:
    """(queries, keys) bool, true at and below the diagonal."""
    shape = (queries.shape[-2], keys.shape[-2])
    return torch.ones(shape, dtype=torch.bool, device=queries.device).tril()


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own part of the width; self or cross.

    Source: Vaswani et al. 2017, section 3.2.2. Queries, keys and values come from one matrix
    product in self-attention, from two in cross-attention. Weights start after Glorot and
    Bengio 2010, the biases at 0.

    Parameters
    ----------
    width : int
        Numbers at each place, before and after; a multiple of ``heads``.
    heads : int
        Attentions side by side.
    dropout : float
        Chance that an attention weight is 0 in a training step.
    bias : bool
        Add a learned constant after each matrix product.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, *, bias: bool = True):
        super().__init__()
        if heads < 1 or width < 1 or width % heads:
            raise SettingsError(
                f"The width of an attention must be a multiple of its heads, got width {width} "
                f"and {heads} heads. Choose a width such as {max(1, heads) * 32}."
            )
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=bias)
        self.last = nn.Linear(width, width, bias=bias)
        nn.init.xavier_uniform_(self.queries_keys_values.weight)
        nn.init.xavier_uniform_(self.last.weight)
        for layer in (self.queries_keys_values, self.last) if bias else ():
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        inputs: Tensor,
        context: Tensor | None = None,
        *,
        padding: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """(rows, places, width) -> the same shape.

        context : (rows, keys, width), what is looked at; None is the inputs themselves
        padding : (rows, keys) bool, true where the context is padding
        causal : place number i sees only the places up to number i
        """
        queries, keys, values = self._parted(inputs, context)
        dropout = self.dropout if self.training else 0.0
        found = attention(queries, keys, values, padding=padding, causal=causal, dropout=dropout)
        return self.last(found.transpose(1, 2).reshape(inputs.shape))

    def weights(
        self,
        inputs: Tensor,
        context: Tensor | None = None,
        *,
        padding: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """How much each place takes from each, (rows, heads, places, keys); as in ``forward``."""
        queries, keys, _ = self._parted(inputs, context)
        return attention_weights(queries, keys, padding=padding, causal=causal)

    def _parted(self, inputs: Tensor, context: Tensor | None) -> list[Tensor]:
        """Queries, keys and values, each (rows, heads, places, width / heads)."""
        width = inputs.shape[-1]
        if context is None:
            parts = self.queries_keys_values(inputs).split(width, dim=-1)
        else:
            matrix, bias = self.queries_keys_values.weight, self.queries_keys_values.bias
            first, second = (None, None) if bias is None else (bias[:width], bias[width:])
            found = F.linear(context, matrix[width:], second)
            parts = (F.linear(inputs, matrix[:width], first), *found.split(width, dim=-1))
        return [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]


def sinusoidal_positions(length: int, width: int) -> Tensor:
    """Give waves that tell places apart, (length, width).

    Source: Vaswani et al. 2017, section 3.5: place p has sin(p / 10000^(2i / width)) in number 2i
    and the cosine of the same angle in number 2i + 1.
    """
    numbers = torch.arange(width)
    frequencies = 10000.0 ** (-(numbers - numbers % 2) / width)
    angles = torch.arange(length).unsqueeze(1) * frequencies
    return torch.where(numbers % 2 == 0, angles.sin(), angles.cos())


class Positions(nn.Module):
    """Add to what stands at a place where that place is.

    Source: Vaswani et al. 2017, section 3.5, for the waves; Gehring et al. 2017, "Convolutional
    sequence to sequence learning", section 3.1, for learned positions.

    Parameters
    ----------
    length : int
        Places that can be told apart at most.
    width : int
        Numbers at each place.
    kind : str
        sinusoidal, learned (N(0, 0.02) at the start) or none.
    """

    table: Tensor | None

    def __init__(self, length: int, width: int, kind: str = "sinusoidal"):
        super().__init__()
        if kind not in POSITIONS:
            raise SettingsError(f"Positions must be one of {', '.join(POSITIONS)}, got '{kind}'.")
        self.length = length
        if kind == "learned":
            self.table = nn.Parameter(0.02 * torch.randn(length, width))
        else:
            waves = sinusoidal_positions(length, width) if kind == "sinusoidal" else None
            self.register_buffer("table", waves, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, places, width) -> the same shape.

        Raises
        ------
        DataError
            There are more places than positions.
        """
        places = inputs.shape[1]
        if places > self.length:
            raise DataError(
                f"A sequence has {places} places, but the network knows {self.length} positions. "
                "Shorten the sequence, or train a network for longer ones."
            )
        return inputs if self.table is None else inputs + self.table[:places]
