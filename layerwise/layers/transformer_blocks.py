"""Blocks of Transformers: attention, then a small network at each place, with ways around both."""

from collections.abc import Callable

from torch import Tensor, nn

from layerwise.errors import SettingsError
from layerwise.layers.attention import MultiHeadAttention
from layerwise.layers.sequences import check_choice, check_dropout, check_whole

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}
NORMS = ("pre", "post")
DEVIATION = 0.02  # of weights at the start (Radford et al. 2018, section 4.1)


class FeedForward(nn.Module):
    """Two linear layers with an activation between them, at each place by itself.

    Source: Vaswani et al. 2017, section 3.3, with relu; Hendrycks and Gimpel 2016 for gelu.

    Parameters
    ----------
    width, inner : int
        Numbers at each place outside and inside; the paper has four times as many inside.
    activation : str
        relu or gelu.
    dropout : float
        Chance that a number inside is silent in a training step.
    bias : bool
        Add a learned constant after each matrix product.
    """

    def __init__(
        self,
        width: int,
        inner: int,
        activation: str = "gelu",
        dropout: float = 0.0,
        *,
        bias: bool = True,
    ):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise SettingsError(
                f"The activation of a Transformer must be one of {', '.join(ACTIVATIONS)}, "
                f"got '{activation}'."
            )
        self.first = nn.Linear(width, inner, bias=bias)
        self.activation = ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(inner, width, bias=bias)

    def forward(self, places: Tensor) -> Tensor:
        """(rows, places, width) -> the same shape."""
        return self.last(self.dropout(self.activation(self.first(places))))


class EncoderBlock(nn.Module):
    """Every place looks at all places, then goes through a small network.

    Source: Vaswani et al. 2017, section 3.1. Post-norm: x = N(x + A(x)), x = N(x + F(x)), the
    paper's; pre-norm: x = x + A(N(x)), x = x + F(N(x)) (Xiong et al. 2020, "On layer
    normalization in the Transformer architecture", ICML, table 1).

    Parameters
    ----------
    width, heads : int
        Numbers at each place; attentions side by side.
    inner : int
        Numbers inside the small network; 0 is four times the width.
    dropout : float
        Chance of silence in a training step, after attention and in and after the small network.
    activation : str
        relu or gelu.
    norm : str
        pre or post.
    bias : bool
        Learned constants in matrix products and normalizations.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        inner: int = 0,
        dropout: float = 0.0,
        activation: str = "gelu",
        norm: str = "pre",
        bias: bool = True,
    ):
        super().__init__()
        self.residual = Residual(norm, dropout)
        self.attention_norm = nn.LayerNorm(width, bias=bias)
        self.attention = MultiHeadAttention(width, heads, dropout, bias=bias)
        self.feed_forward_norm = nn.LayerNorm(width, bias=bias)
        self.feed_forward = FeedForward(width, inner or 4 * width, activation, dropout, bias=bias)

    def forward(
        self, places: Tensor, *, padding: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """(rows, places, width) -> the same shape.

        padding : (rows, places) bool, true where nobody may look
        causal : a place sees only itself and those before it
        """

        def looked(places: Tensor) -> Tensor:
            return self.attention(places, padding=padding, causal=causal)

        places = self.residual(places, self.attention_norm, looked)
        return self.residual(places, self.feed_forward_norm, self.feed_forward)

    def weights(
        self, places: Tensor, *, padding: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """The map of the attention in this block, (rows, heads, places, places)."""
        seen = self.residual.before(places, self.attention_norm)
        return self.attention.weights(seen, padding=padding, causal=causal)


class DecoderBlock(nn.Module):
    """Every place looks at itself and those before, then at a memory, then goes through a net.

    Source: Vaswani et al. 2017, section 3.1. Causal self-attention, then cross-attention where
    queries come from here and keys and values from the encoder, then the small network.

    Parameters
    ----------
    width, heads, inner, dropout, activation, norm, bias
        As of ``EncoderBlock``.
    cross : bool
        There is a memory to look at.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        inner: int = 0,
        dropout: float = 0.0,
        activation: str = "gelu",
        norm: str = "pre",
        bias: bool = True,
        cross: bool = True,
    ):
        super().__init__()
        self.residual = Residual(norm, dropout)
        self.attention_norm = nn.LayerNorm(width, bias=bias)
        self.attention = MultiHeadAttention(width, heads, dropout, bias=bias)
        if cross:
            self.cross_norm = nn.LayerNorm(width, bias=bias)
            self.cross_attention = MultiHeadAttention(width, heads, dropout, bias=bias)
        self.cross = cross
        self.feed_forward_norm = nn.LayerNorm(width, bias=bias)
        self.feed_forward = FeedForward(width, inner or 4 * width, activation, dropout, bias=bias)

    def forward(
        self,
        places: Tensor,
        memory: Tensor | None = None,
        *,
        memory_padding: Tensor | None = None,
    ) -> Tensor:
        """(rows, places, width) -> the same shape.

        memory : (rows, keys, width), what the encoder gave; None without ``cross``
        memory_padding : (rows, keys) bool, true where nobody may look
        """
        assert self.cross == (memory is not None), "a memory goes with cross, and only with it"
        places = self.residual(places, self.attention_norm, self._looked_back)
        if self.cross:

            def looked(places: Tensor) -> Tensor:
                return self.cross_attention(places, memory, padding=memory_padding)

            places = self.residual(places, self.cross_norm, looked)
        return self.residual(places, self.feed_forward_norm, self.feed_forward)

    def weights(self, places: Tensor) -> Tensor:
        """The map of the causal self-attention, (rows, heads, places, places)."""
        return self.attention.weights(
            self.residual.before(places, self.attention_norm), causal=True
        )

    def cross_weights(
        self, places: Tensor, memory: Tensor, *, memory_padding: Tensor | None = None
    ) -> Tensor:
        """How much each place takes from the memory, (rows, heads, places, keys).

        places, memory, memory_padding : as in ``forward``
        """
        places = self.residual(places, self.attention_norm, self._looked_back)
        seen = self.residual.before(places, self.cross_norm)
        return self.cross_attention.weights(seen, memory, padding=memory_padding)

    def _looked_back(self, places: Tensor) -> Tensor:
        return self.attention(places, causal=True)


class Residual(nn.Module):
    """A way around a layer, with the normalization before the layer or after the sum.

    Parameters
    ----------
    norm : str
        pre or post.
    dropout : float
        Chance that a number that the layer gives is silent in a training step.
    """

    def __init__(self, norm: str, dropout: float):
        super().__init__()
        if norm not in NORMS:
            raise SettingsError(f"The norm of a Transformer must be pre or post, got '{norm}'.")
        self.pre = norm == "pre"
        self.dropout = nn.Dropout(dropout)

    def forward(self, places: Tensor, norm: nn.Module, layer: Callable[[Tensor], Tensor]) -> Tensor:
        """Give x + layer(norm(x)), or norm(x + layer(x))."""
        if self.pre:
            return places + self.dropout(layer(norm(places)))
        return norm(places + self.dropout(layer(places)))

    def before(self, places: Tensor, norm: nn.Module) -> Tensor:
        """What the layer is given."""
        return norm(places) if self.pre else places


def check_blocks(
    network: str, *, width: int, layers: int, heads: int, dropout: float, norm: str, activation: str
) -> None:
    """Raise SettingsError where an option of a network of blocks cannot be."""
    check_whole(network, {"width": width, "layers": layers, "heads": heads})
    check_dropout(network, dropout)
    check_choice(network, "norm", norm, NORMS)
    check_choice(network, "activation", activation, tuple(ACTIVATIONS))


def start_small(network: nn.Module, residuals: int) -> None:
    """Draw weights from N(0, 0.02), those that are added to the way around smaller, biases 0.

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners", section
    2.3: the last matrix of each residual layer is scaled by 1 / sqrt(number of such layers).

    network : all its linear layers and tables of vectors are drawn anew
    residuals : residual layers in it, two per block
    """
    for name, module in network.named_modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            added = name.endswith(("attention.last", "feed_forward.last"))
            nn.init.normal_(module.weight, std=DEVIATION / residuals**0.5 if added else DEVIATION)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
