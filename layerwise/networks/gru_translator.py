"""A recurrent encoder and decoder with attention between them, for translation."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.recurrence import start_states
from layerwise.layers.sequences import PADDING, check_dropout, check_whole, lengths_of
from layerwise.layers.vocabularies import check_lengths, two_vocabularies


class GRUTranslator(nn.Module):
    """Reads the source in both directions, and looks anew at all of it for each word it says.

    Source: Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to
    align and translate", ICLR, appendix A. Annotation h_j is the forward state beside the backward
    one. For place i: e_ij = v tanh(W s_(i-1) + U h_j), a_i = softmax(e_i), c_i = sum_j a_ij h_j,
    s_i = GRU(s_(i-1), [y_(i-1), c_i]); the first state is tanh(W h_1) of the backward annotation.
    Scores come from the larger of two linear maps (maxout) of s_i, y_(i-1) and c_i.

    Parameters
    ----------
    input_shape : tuple of int
        (most source tokens, most target tokens).
    output_size : int
        Tokens of the target.
    vocabulary : tuple of int
        Tokens of the source and of the target; 0 is as many as outputs on both sides.
    width : int
        Numbers in a token's vector.
    hidden : int
        Numbers in a state, in each direction.
    dropout : float
        Chance that a number is silent in a training step: of vectors, annotations and of what
        the scores come from.

    Raises
    ------
    SettingsError
        A shape or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None,
                "adamw",
                {"weight_decay": 0.01},
                0.002,
                "one_cycle",
                epochs=12,
                batch_size=64,
                clip=1.0,
            ),
        ),
        "historic": (
            Stage(
                None,
                "adadelta",
                {"rho": 0.95, "eps": 1e-6},
                1.0,
                epochs=20,
                batch_size=80,
                clip=1.0,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, object]] = {"dropout": 0.0}
    task = "translate"
    departures = (
        "The reset gate acts after the matrix product, as in cuDNN; in the paper before it.",
        "Weights start after Glorot and orthogonal, not from normal densities of deviation 0.01.",
        "Scores come from the new state, as in most later programs, not from the one before it.",
        "Widths are a quarter of the paper's 620 and 1000, for small data and one processor.",
        "The task smooths the labels by 0.1 unless --task.label_smoothing is 0, as in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        vocabulary: tuple[int, ...] = (),
        width: int = 128,
        hidden: int = 192,
        dropout: float = 0.2,
    ):
        super().__init__()
        check_whole("gru_translator", {"width": width, "hidden": hidden})
        check_dropout("gru_translator", dropout)
        source, target = two_vocabularies(vocabulary, output_size, "gru_translator")
        self.longest_target = check_lengths(input_shape, "gru_translator")[1]
        self.source_vectors = nn.Embedding(source, width)
        self.target_vectors = nn.Embedding(target, width)
        self.forwards = nn.GRU(width, hidden, batch_first=True)
        self.backwards = nn.GRU(width, hidden, batch_first=True)
        self.first_state = nn.Linear(hidden, hidden)
        self.state_query = nn.Linear(hidden, hidden)
        self.annotation_key = nn.Linear(2 * hidden, hidden, bias=False)
        self.energy = nn.Linear(hidden, 1, bias=False)
        self.cell = nn.GRUCell(width + 2 * hidden, hidden)
        self.mixed = nn.Linear(hidden + width + 2 * hidden, 2 * width)
        self.last = nn.Linear(width, output_size)
        self.dropout = nn.Dropout(dropout)
        self._start()

    def _start(self) -> None:
        """Draw the first weights."""
        for states in (self.forwards, self.backwards):
            start_states(states)
        for name, tensor in self.cell.named_parameters():
            for gate in tensor.data.split(self.cell.hidden_size):
                if name.startswith("bias"):
                    nn.init.zeros_(gate)
                else:
                    (nn.init.orthogonal_ if "hh" in name else nn.init.xavier_uniform_)(gate)
        for table in (self.source_vectors, self.target_vectors):
            nn.init.normal_(table.weight, std=table.embedding_dim**-0.5)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Scores of what comes next at each place of the target, (rows, T, output_size).

        inputs : {"source": (rows, S), "target": (rows, T) from the start on} int64
        """
        return self.scores(self.states(inputs))

    def states(self, inputs: dict[str, Tensor]) -> Tensor:
        """What the scores come from, (rows, T, width)."""
        return self._read(inputs)[0]

    def scores(self, states: Tensor) -> Tensor:
        """(..., width) -> (..., output_size)."""
        return self.last(states)

    def attention(self, inputs: dict[str, Tensor]) -> Tensor:
        """How much each place of the target takes from each of the source, (rows, T, S)."""
        return self._read(inputs)[1]

    def encode(self, source: Tensor) -> dict[str, Tensor]:
        """What the decoder looks at: annotations (rows, S, 2 hidden), their keys, the padding.

        source : (rows, S) int64, 0 is padding on the right
        """
        vectors = self.dropout(self.source_vectors(source))
        turned = _turned(source).unsqueeze(2)
        reversed_vectors = vectors.gather(1, turned.expand_as(vectors))
        ahead, back = self.forwards(vectors)[0], self.backwards(reversed_vectors)[0]
        back = back.gather(1, turned.expand_as(back))
        annotations = self.dropout(torch.cat([ahead, back], dim=2))
        return {
            "annotations": annotations,
            "keys": self.annotation_key(annotations),
            "padding": source == PADDING,
        }

    def begin(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """The state before the first token, {"state": (rows, hidden)}."""
        hidden = self.cell.hidden_size
        first = memory["annotations"][:, 0, hidden:]  # the backward state that has read it all
        return {"state": torch.tanh(self.first_state(first))}

    def step(
        self, memory: dict[str, Tensor], state: dict[str, Tensor], tokens: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Scores (rows, output_size) of what follows the tokens (rows,), and the next state."""
        vectors = self.target_vectors(tokens)
        after, context, _ = self._step(memory, state["state"], vectors)
        return self.scores(self._mix(after, vectors, context)), {"state": after}

    def _read(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What the scores come from, and the attention, place after place."""
        memory = self.encode(inputs["source"])
        state = self.begin(memory)["state"]
        vectors = self.dropout(self.target_vectors(inputs["target"]))
        found = []
        for each in vectors.unbind(1):
            state, context, weights = self._step(memory, state, each)
            found.append((state, context, weights))
        states, contexts, weights = (torch.stack(one, dim=1) for one in zip(*found, strict=True))
        return self._mix(states, vectors, contexts), weights

    def _step(
        self, memory: dict[str, Tensor], state: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The next state, the context (rows, 2 hidden) and the attention (rows, S)."""
        query = self.state_query(state).unsqueeze(1)
        energies = self.energy(torch.tanh(query + memory["keys"])).squeeze(2)
        weights = torch.softmax(energies.masked_fill(memory["padding"], -torch.inf), dim=1)
        context = torch.bmm(weights.unsqueeze(1), memory["annotations"]).squeeze(1)
        return self.cell(torch.cat([vectors, context], dim=1), state), context, weights

    def _mix(self, states: Tensor, vectors: Tensor, contexts: Tensor) -> Tensor:
        """The larger of two linear maps of all three, (..., width)."""
        mixed = self.mixed(torch.cat([self.dropout(states), vectors, contexts], dim=-1))
        return self.dropout(mixed.unflatten(-1, (-1, 2)).amax(dim=-1))


def _turned(source: Tensor) -> Tensor:
    """For each place the one that it changes with when a row's tokens are turned around."""
    lengths, places = lengths_of(source).unsqueeze(1), torch.arange(source.shape[1])
    places = places.to(source.device)
    return torch.where(places < lengths, lengths - 1 - places, places)
