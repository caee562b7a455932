"""word2vec: vectors of words, learned by telling true neighbours from drawn ones."""

from collections.abc import Iterable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.sequences import PADDING, check_choice, check_whole

FIRST = 5  # numbers below are padding and marks, see data.tokens
POWER = 0.75  # of the counts, in the distribution of noise words
AT_ONCE = 2**22  # products of vectors and noise words that are held


class Word2Vec(nn.Module):
    """Two vectors per word, one as itself and one as a neighbour; near words agree.

    Source: Mikolov, Chen, Corrado and Dean 2013, "Efficient estimation of word representations in
    vector space" (both methods, windows of random size); Mikolov, Sutskever, Chen, Corrado and
    Dean 2013, "Distributed representations of words and phrases and their compositionality",
    NeurIPS 26, eq. 4 (negative sampling, noise by counts^(3/4)) and 5 (frequent words left out).

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of the rows of tokens.
    output_size : int
        Not used: what is learned are the vectors.
    method : str
        skip_gram: a word says each of its neighbours. cbow: the mean of its neighbours says it.
    size : int
        Numbers in a vector.
    window : int
        Farthest neighbour, in words, on either side; each step draws from 1 to this.
    negatives : int
        Noise words against each true one.
    subsample : float
        Share of the text from which a word is left out now and then; 0 keeps all. The paper has
        1e-5 for a billion words; of a small text that would leave little.
    vocabulary : int
        Number of different tokens; 0: as many as there are outputs.

    Raises
    ------
    SettingsError
        An option that cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(None, "closed_form", batch_size=4096),  # counts the words
            Stage(None, "adam", {}, 0.005, "cosine", epochs=20, batch_size=64),
        ),
        "historic": (
            Stage(None, "closed_form", batch_size=4096),
            Stage(None, "sgd", {}, 1.0, "cosine", epochs=5, batch_size=1),
        ),
    }
    historic_options: ClassVar[dict[str, float]] = {"size": 300, "subsample": 1e-5}
    departures = (
        "A step descends the mean over the pairs of a row of text, not one pair; the learning "
        "rate is that of a pair, 0.025, times 40 pairs.",
        "The learning rate falls along a cosine, not along a line.",
        "A noise word may happen to be the true one.",
    )
    task = "word_vectors"
    inputs_as = "states"
    first = FIRST

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        method: str = "skip_gram",
        size: int = 100,
        window: int = 5,
        negatives: int = 5,
        subsample: float = 1e-3,
        vocabulary: int = 0,
    ):
        super().__init__()
        check_choice("word2vec", "method", method, ("skip_gram", "cbow"))
        check_whole("word2vec", {"size": size, "window": window, "negatives": negatives})
        if not 0 <= subsample < 1:
            raise SettingsError(
                f"Option subsample of word2vec must be from 0 to below 1, got {subsample}."
            )
        self.vocabulary = vocabulary or output_size or 2
        self.method, self.window, self.negatives = method, window, negatives
        self.subsample = subsample
        self.words = nn.Embedding(self.vocabulary, size)
        self.neighbours = nn.Embedding(self.vocabulary, size)
        nn.init.uniform_(self.words.weight, -0.5 / size, 0.5 / size)
        nn.init.zeros_(self.neighbours.weight)
        self.counts: Tensor
        self.register_buffer("counts", torch.zeros(self.vocabulary))

    def forward(self, inputs: Tensor) -> Tensor:
        """Mean vector of the words of each row; (rows, length) -> (rows, size)."""
        tokens = inputs.long()
        inside = (tokens != PADDING).unsqueeze(2)
        return (self.words(tokens) * inside).sum(dim=1) / inside.sum(dim=1).clamp(min=1)

    def vectors(self) -> Tensor:
        """The vector of every token, (vocabulary, size)."""
        return self.words.weight

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Count the words of all batches, which decides noise words and what is left out."""
        self.counts.zero_()
        for batch in batches:
            tokens = batch.inputs if batch.targets is None else batch.targets
            assert isinstance(tokens, Tensor)
            found = torch.bincount(tokens.long().flatten(), minlength=self.vocabulary)
            self.counts += found.to(self.counts)
        self.counts[:FIRST] = 0

    def kept(self, tokens: Tensor) -> Tensor:
        """Which words take part in a step, bool; frequent ones are left out by chance.

        Source: Mikolov et al. 2013b, eq. 5: a word of share f stays with chance sqrt(t / f).
        """
        symbols = tokens >= FIRST
        if not self.subsample:
            return symbols
        share = self.counts / self.counts.sum().clamp(min=1)
        chance = (self.subsample / share).sqrt()  # infinite where nothing was counted
        return symbols & (torch.rand(tokens.shape, device=tokens.device) < chance[tokens])

    def noise(self) -> Tensor:
        """Chance of each word among the noise words, (vocabulary,); alike before counting."""
        weights = self.counts.pow(POWER)
        weights = torch.where(weights.sum() > 0, weights, torch.ones_like(weights))
        return weights / weights.sum()

    def costs(self, hidden: Tensor, said: Tensor) -> Tensor:
        """-log s(h . c) - sum over drawn words n of log s(-h . n), (pairs,), in nats.

        Source: Mikolov et al. 2013b, eq. 4; s is the logistic function.

        hidden : (pairs, size)
        said : (pairs,) int64, the word c that each is to say
        """
        drawn = torch.rand(len(said), self.negatives, device=said.device)
        noise = torch.searchsorted(self.noise().cumsum(0), drawn).clamp(max=self.vocabulary - 1)
        words = self.neighbours(torch.cat([said.unsqueeze(1), noise], dim=1))
        products = torch.bmm(words, hidden.unsqueeze(2)).squeeze(2)
        return F.softplus(-products[:, 0]) + F.softplus(products[:, 1:]).sum(dim=1)

    def mean_costs(self, hidden: Tensor, said: Tensor) -> Tensor:
        """What ``costs`` are in the mean over all noise words, without chance; (pairs,)."""
        true = F.softplus(-(hidden * self.neighbours(said)).sum(dim=1))
        return true + self.mean_noise_costs(hidden)

    def mean_noise_costs(self, hidden: Tensor) -> Tensor:
        """The part of ``mean_costs`` that does not ask what is said; (pairs, size) -> (pairs,)."""
        chances, most = self.noise(), max(1, AT_ONCE // self.vocabulary)
        found = [
            F.softplus(some @ self.neighbours.weight.T) @ chances for some in hidden.split(most)
        ]
        return self.negatives * torch.cat(found) if found else hidden.new_zeros(0)
