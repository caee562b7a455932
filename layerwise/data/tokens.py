"""Text as numbers and back: characters, bytes, words, or pairs of bytes merged by frequency.

What a tokenizer knows it learned from the training rows. The first five numbers mean the same in
all of them: 0 padding, 1 start, 2 end, 3 unknown, 4 mask; symbols follow.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from layerwise.data.source import counted
from layerwise.errors import DataError, MissingExtraError, SettingsError, nearest

PADDING, START, END, UNKNOWN, MASK = range(5)
RESERVED = 5  # numbers that are no symbols
WORD = re.compile(r" ?\w+| ?[^\w\s]|\s+")  # nothing is lost: words carry the space before them
KEPT = {"words": 10_000, "bpe": 1024}  # size of the vocabulary, unless it is given


class Characters:
    """Every character of the training text is a symbol; another one is unknown.

    Parameters
    ----------
    symbols : str
        The characters, in the order of their numbers.
    """

    kind: ClassVar[str] = "characters"
    noun: ClassVar[str] = "characters"

    def __init__(self, symbols: str):
        self.symbols = symbols
        points = np.array([ord(symbol) for symbol in symbols], dtype=np.uint32)
        self._order = np.argsort(points)
        self._sorted = points[self._order]

    @classmethod
    def fit(cls, texts: Sequence[str], size: int | None) -> Characters:
        """Learn the characters, in the order of their code points."""
        _no_size(cls.kind, size)
        return cls("".join(sorted(set().union(*map(set, texts)))))

    @property
    def size(self) -> int:
        """How many numbers there are, reserved ones counted."""
        return RESERVED + len(self.symbols)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One array of int32 numbers per text."""
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        if not len(self.symbols):
            return [np.full(len(text), UNKNOWN, dtype=np.int32) for text in texts]
        places = np.minimum(np.searchsorted(self._sorted, points), len(self._sorted) - 1)
        known = self._sorted[places] == points
        codes = np.where(known, self._order[places] + RESERVED, UNKNOWN).astype(np.int32)
        return _parted(codes, [len(text) for text in texts])

    def decode(self, codes: Iterable[int]) -> str:
        """The text; what is no symbol is left out, an unknown one is U+FFFD."""
        return "".join(
            self.symbols[code - RESERVED] if code >= RESERVED else "\ufffd" * (code == UNKNOWN)
            for code in map(int, codes)
        )

    def unknown(self, texts: Sequence[str]) -> Counter[str]:
        """What is in the texts and no symbol, with how often."""
        strange = set().union(*map(set, texts)) - set(self.symbols)
        return Counter({one: sum(text.count(one) for text in texts) for one in sorted(strange)})

    def to_json(self) -> dict:
        """All that ``load_tokens`` needs."""
        return {"kind": self.kind, "symbols": self.symbols}


class Bytes:
    """The 256 values of the bytes of UTF-8; nothing is learned, nothing is unknown."""

    kind: ClassVar[str] = "bytes"
    noun: ClassVar[str] = "bytes"
    size: ClassVar[int] = RESERVED + 256

    @classmethod
    def fit(cls, texts: Sequence[str], size: int | None) -> Bytes:
        """Learn nothing."""
        _no_size(cls.kind, size)
        return cls()

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One array of int32 numbers per text."""
        coded = [text.encode("utf-8", "surrogatepass") for text in texts]
        values = np.frombuffer(b"".join(coded), dtype=np.uint8).astype(np.int32) + RESERVED
        return _parted(values, [len(one) for one in coded])

    def decode(self, codes: Iterable[int]) -> str:
        """The text; bytes that are no UTF-8 become U+FFFD."""
        values = bytes(code - RESERVED for code in map(int, codes) if code >= RESERVED)
        return values.decode("utf-8", "replace")

    def unknown(self, texts: Sequence[str]) -> Counter[str]:
        """Nothing."""
        return Counter()

    def to_json(self) -> dict:
        """All that ``load_tokens`` needs."""
        return {"kind": self.kind}


class Words:
    """The words of the training text that occur most; a word carries the space before it.

    Parameters
    ----------
    symbols : sequence of str
        The words, in the order of their numbers.
    """

    kind: ClassVar[str] = "words"
    noun: ClassVar[str] = "words"

    def __init__(self, symbols: Sequence[str]):
        self.symbols = tuple(symbols)
        self._numbers = {word: code for code, word in enumerate(self.symbols, start=RESERVED)}

    @classmethod
    def fit(cls, texts: Sequence[str], size: int | None) -> Words:
        """Learn the most frequent words; one that occurs once is unknown, so that this is learned.

        Raises
        ------
        SettingsError
            The vocabulary leaves no place for a word.
        DataError
            No word occurs twice.
        """
        size = KEPT["words"] if size is None else size
        if size <= RESERVED:
            raise SettingsError(
                f"--data.vocabulary must be above {RESERVED} for words (so many numbers are "
                f"reserved), got {size}."
            )
        counts = Counter(word for text in texts for word in WORD.findall(text))
        often = sorted((-count, word) for word, count in counts.items() if count > 1)
        if not often:
            raise DataError(
                "No word occurs twice in the training rows, so a vocabulary of words holds nothing."
                " Give more text, or --data.tokens characters."
            )
        return cls([word for _, word in often[: size - RESERVED]])

    @property
    def size(self) -> int:
        """How many numbers there are, reserved ones counted."""
        return RESERVED + len(self.symbols)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One array of int32 numbers per text."""
        number = self._numbers.get
        return [
            np.array([number(word, UNKNOWN) for word in WORD.findall(text)], dtype=np.int32)
            for text in texts
        ]

    def decode(self, codes: Iterable[int]) -> str:
        """The text; what is no word is left out, an unknown one is U+FFFD behind a space."""
        return "".join(
            self.symbols[code - RESERVED] if code >= RESERVED else " \ufffd" * (code == UNKNOWN)
            for code in map(int, codes)
        )

    def unknown(self, texts: Sequence[str]) -> Counter[str]:
        """What is in the texts and not in the vocabulary, with how often."""
        found = Counter(word for text in texts for word in WORD.findall(text))
        return Counter({word: n for word, n in found.items() if word not in self._numbers})

    def to_json(self) -> dict:
        """All that ``load_tokens`` needs."""
        return {"kind": self.kind, "symbols": list(self.symbols)}


class BytePairs:
    """Byte-pair encoding: bytes, and the pairs that were merged because they occur most.

    Source: Sennrich, Haddow and Birch 2016, "Neural machine translation of rare words with
    subword units"; over bytes as in Radford et al. 2019. Learned by the library ``tokenizers``.

    Parameters
    ----------
    content : dict
        What the library writes as JSON.
    """

    kind: ClassVar[str] = "bpe"
    noun: ClassVar[str] = "byte pairs"
    least: ClassVar[int] = RESERVED + 256

    def __init__(self, content: dict):
        self.content = content
        self._tokenizer: Any = _tokenizers().Tokenizer.from_str(json.dumps(content))

    @classmethod
    def fit(cls, texts: Sequence[str], size: int | None) -> BytePairs:
        """Learn the merges.

        Raises
        ------
        SettingsError
            The vocabulary cannot hold every byte.
        MissingExtraError
            The library is not installed.
        """
        size = KEPT["bpe"] if size is None else size
        if size < cls.least:
            raise SettingsError(
                f"--data.vocabulary must be {cls.least} or more for bpe (256 bytes and {RESERVED} "
                f"reserved numbers), got {size}. For less, give --data.tokens characters."
            )
        library = _tokenizers()
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=["<padding>", "<start>", "<end>", "<unknown>", "<mask>"],
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        content = json.loads(tokenizer.to_str())
        content["added_tokens"] = []  # "<end>" in a text is text
        return cls(content)

    @property
    def size(self) -> int:
        """How many numbers there are, reserved ones counted."""
        return self._tokenizer.get_vocab_size(with_added_tokens=False)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One array of int32 numbers per text."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.array(one.ids, dtype=np.int32) for one in found]

    def decode(self, codes: Iterable[int]) -> str:
        """The text; what is no symbol is left out."""
        return self._tokenizer.decode([code for code in map(int, codes) if code >= RESERVED])

    def unknown(self, texts: Sequence[str]) -> Counter[str]:
        """Nothing: every text has bytes."""
        return Counter()

    def to_json(self) -> dict:
        """All that ``load_tokens`` needs."""
        return {"kind": self.kind, "content": self.content}


TOKENS: dict[str, Any] = {
    "characters": Characters,
    "bytes": Bytes,
    "words": Words,
    "bpe": BytePairs,
}
Tokens = Characters | Bytes | Words | BytePairs


def fit_tokens(kind: str, texts: Sequence[str], size: int | None = None) -> Tokens:
    """Learn a tokenizer from the training texts; ``size`` of the vocabulary for words and bpe.

    Raises
    ------
    SettingsError
        There is no such kind, or the size does not go with it.
    """
    check_kind(kind)
    return TOKENS[kind].fit(texts, size)


def check_kind(kind: str) -> str:
    """Give the name back if there is such a tokenizer; else raise SettingsError."""
    if kind not in TOKENS:
        raise SettingsError(f"--data.tokens '{kind}' is not known.{nearest(kind, TOKENS)}")
    return kind


def load_tokens(content: dict) -> Tokens:
    """The tokenizer that ``to_json`` described."""
    parts = {name: value for name, value in content.items() if name != "kind"}
    return TOKENS[content["kind"]](*parts.values())


def learned_from(content: Mapping[str, Any]) -> str:
    """The rows that a preparation's tokens saw, in words: its own, or those of an earlier run."""
    earlier = content.get("tokens_from")
    rows = counted((earlier or content["inputs"]["fitted"])["rows"], "training row")
    return rows if earlier is None else f"{rows} of run {earlier['run']}"


def _parted(codes: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    """Pieces of these lengths, one after the other."""
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return [codes[start:end] for start, end in zip(starts, ends, strict=True)]


def _no_size(kind: str, size: int | None) -> None:
    if size is not None:
        raise SettingsError(
            f"--data.vocabulary goes with --data.tokens words or bpe, not with {kind}."
        )


def _tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError:
        raise MissingExtraError(
            "--data.tokens bpe needs the library tokenizers: pip install 'layerwise[text]'"
        ) from None
    return tokenizers
