"""Recurrent layers by torch's fused cells, over tokens or real sequences."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from layerwise.errors import SettingsError
from layerwise.layers.sequences import (
    as_sequence,
    at_last,
    check_dropout,
    check_tokens,
    check_whole,
    lengths_of,
    sequence_shape,
)

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
FORGET = 1  # which quarter of an LSTM's rows the forget gate has in torch's order


class Recurrence(nn.Module):
    """States of a recurrent network, one per place, and the last one of each sequence.

    Matrices of the inputs start after Glorot and Bengio 2010, those of the states orthogonal
    (Saxe et al. 2014), one gate at a time; the forget gate's bias is 1 (Gers et al. 2000;
    Jozefowicz et al. 2015), all others 0.

    Parameters
    ----------
    cell : str
        rnn, lstm or gru.
    input_shape : tuple of int
        As the network's.
    hidden, layers, bidirectional, dropout, vocabulary, width
        As the network's.
    activation : str
        tanh or relu; of an rnn alone.
    """

    def __init__(
        self,
        cell: str,
        input_shape: tuple[int, ...],
        *,
        hidden: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        vocabulary: int,
        width: int,
        activation: str = "tanh",
    ):
        super().__init__()
        check_whole(cell, {"hidden": hidden, "layers": layers, "width": width})
        check_whole(cell, {"vocabulary": vocabulary}, least=0)
        check_dropout(cell, dropout)
        check_tokens(cell, input_shape, vocabulary)
        _, channels = sequence_shape(input_shape, cell)
        self.cell, self.vocabulary, self.bidirectional = cell, vocabulary, bidirectional
        self.outputs = hidden * (2 if bidirectional else 1)
        self.vectors = nn.Embedding(vocabulary, width) if vocabulary else None
        self.states = CELLS[cell](
            width if vocabulary else channels,
            hidden,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=bidirectional,
            **({"nonlinearity": activation} if cell == "rnn" else {}),
        )
        self.dropout = nn.Dropout(dropout)
        start_states(self.states)

    def last(self, inputs: Tensor) -> Tensor:
        """State after the whole sequence, (rows, outputs); both directions side by side.

        Padding on the right comes after a state and cannot change it, so that forward states need
        no packing (which was up to six times slower); backward ones do.
        """
        lengths = lengths_of(inputs) if self.vocabulary else None
        places = self._places(inputs)
        if not self.bidirectional:
            return self.dropout(at_last(self.states(places)[0], lengths))
        packed = places
        if lengths is not None and bool((lengths < places.shape[1]).any()):
            packed = pack_padded_sequence(
                places, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
        found = self.states(packed)[1]
        ended = found[0] if isinstance(found, tuple) else found
        return self.dropout(torch.cat([ended[-2], ended[-1]], dim=1))

    def every(self, inputs: Tensor) -> Tensor:
        """State at each place, of it and those before it; (rows, length, hidden).

        Raises
        ------
        SettingsError
            The network is bidirectional: it would see what it shall predict.
        """
        self.check_causal()
        return self.dropout(self.states(self._places(inputs))[0])

    def check_causal(self) -> None:
        """Raise SettingsError where a state has seen what comes after its place."""
        if self.bidirectional:
            raise SettingsError(
                f"A bidirectional {self.cell} sees what comes after a place, so it cannot predict "
                "it. Set --network.bidirectional false."
            )

    def _places(self, inputs: Tensor) -> Tensor:
        """(rows, length, numbers at each place)."""
        return as_sequence(inputs) if self.vectors is None else self.vectors(inputs)


def start_states(states: nn.RNNBase) -> None:
    """Draw the first weights of torch's fused cell, one gate at a time."""
    hidden = states.hidden_size
    for name, tensor in states.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(tensor)
            if isinstance(states, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(tensor.data.split(hidden)[FORGET])
            continue
        for gate in tensor.data.split(hidden):
            (nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_)(gate)
