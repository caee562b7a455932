"""Pairs of texts as batches of numbers, by tokenizers that only the training rows have taught."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.pair_dataset import PairDataset
from layerwise.data.roles import Roles, load_roles, row_weights
from layerwise.data.source import Source, counted
from layerwise.data.tokens import (
    END,
    PADDING,
    RESERVED,
    START,
    fit_tokens,
    learned_from,
    load_tokens,
)
from layerwise.errors import DataError, SettingsError

SIDES = ("source", "target")
TOKENS, VOCABULARY = "bpe", 4000  # unless --data.tokens and --data.vocabulary say otherwise
CONTEXT = 128  # most tokens of a text, the end counted; longer ones are cut, which is said


class PairPreparation:
    """The one way from pairs of texts to batches, in training and in prediction.

    Each side has a tokenizer of its own. A batch is padded to its own longest row.

    content : JSON, with the tokenizers
    """

    form = "pairs"
    feature_names = ()
    categories = ()
    class_weights = None

    def __init__(self, content: dict, tensors: dict[str, Tensor] | None = None):
        self.content = content
        self.roles: Roles = load_roles(content["roles"])
        self.target = Target(content["target"]["kind"], tuple(content["target"]["names"]))
        self.encodings: list = []
        self.input_shape: tuple[int, ...] = tuple(content["inputs"]["shape"])
        self.tokens = {side: load_tokens(content["tokens"][side]) for side in SIDES}

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
        taken: Mapping[str, Any] | None = None,
    ) -> PairPreparation:
        """Learn both tokenizers from the training rows ``rows`` and no others.

        What the source's options say is done: ``tokens`` (characters, bytes, words or bpe),
        ``vocabulary`` (symbols per side, for words and bpe) and ``context`` (most tokens).

        taken : "tokens" and "tokens_from" of an earlier run, which are not learned anew
        Raises DataError where there are no training rows.
        """
        if not len(rows):
            raise DataError("There are no training rows. Give smaller fractions or more rows.")
        kind, size, context = _options(source.options)
        fitted = {"split": "train", "rows": len(rows)}
        if taken is not None:
            tokens = {side: load_tokens(taken["tokens"][side]).to_json() for side in SIDES}
        else:
            tokens = {
                side: fit_tokens(kind, texts_of(source, side, rows), size).to_json()
                for side in SIDES
            }
        content = {
            "inputs": {
                "form": "pairs", "shape": [context, context], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted,
                "constants": "tokenizer" if taken is None else "context",
            },
            "columns": [],
            "roles": asdict(roles),
            "target": asdict(target) | {"fitted": fitted},
            "tokens": tokens,
        }  # fmt: skip
        if taken is not None:
            content["tokens_from"] = dict(taken["tokens_from"])
        return cls(content)

    def to_json(self) -> dict:
        """Roles, target, both tokenizers, and how many rows they saw."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Nothing: a tokenizer is JSON."""
        return {}

    @property
    def network_options(self) -> dict[str, Any]:
        """How many numbers stand for tokens, of the source and of the target."""
        return {"vocabulary": tuple(self.tokens[side].size for side in SIDES)}

    def dataset(self, source: Source) -> PairDataset:
        """All rows of the source; where they have no translation, there are no targets."""
        there = [side for side in SIDES if side in source.frame.columns]
        coded = {side: self._coded(source, side) for side in there}
        weight = row_weights(source, self.roles, np.arange(len(source.frame)))
        return PairDataset(coded["source"], coded.get("target"), self.input_shape, weight)

    def _coded(self, source: Source, side: str) -> list[np.ndarray]:
        return self.tokens[side].encode(texts_of(source, side))

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """The translations that the data have, (rows,) objects; None where there are none."""
        if "target" not in source.frame.columns:
            return np.full(len(rows), None, dtype=object)
        return as_objects(texts_of(source, "target", rows))

    def in_units(self, outputs: Tensor) -> np.ndarray:
        """Numbers of target tokens (rows, length) as texts, (rows,) objects."""
        decode = self.tokens["target"].decode
        return as_objects([decode(_until_end(row)).strip() for row in outputs.tolist()])

    def words(self, side: str, codes: Sequence[int]) -> list[str]:
        """What each number stands for, as it is drawn beside a map of attention."""
        decode = self.tokens[side].decode
        named = {PADDING: "", START: "(start)", END: "(end)"}
        return [
            named[code] if code in named else decode([code]).strip() or "·"
            for code in map(int, codes)
        ]

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about a source, such as texts that are cut because they are too long.

        Raises DataError where there are no rows, no source texts, or an empty one.
        """
        if not len(source.frame):
            raise DataError(f"{source.name} has no rows.")
        found = []
        for side, most in zip(SIDES, self.input_shape, strict=True):
            if side == "source" or side in source.frame.columns:
                found += self._oddities(source, side, most)
        return tuple(found)

    def _oddities(self, source: Source, side: str, most: int) -> list[str]:
        texts, tokens = texts_of(source, side), self.tokens[side]
        found = []
        long = sum(len(codes) + 1 > most for codes in tokens.encode(texts))
        if long:
            found.append(
                f"{counted(long, f'{side} text')} are longer than {most} {tokens.noun} and are cut "
                "there; allow longer ones with --data.context."
            )
        strange = tokens.unknown(texts) if tokens.kind == "characters" else {}
        if strange:
            shown = ", ".join(repr(each) for each in list(strange)[:8])
            found.append(f"Characters of the {side} that training did not hold: {shown}.")
        return found

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that its text and the translation decide; (rows,) uint64."""
        sides = [texts_of(source, side) for side in SIDES if side in source.frame.columns]
        marks = [
            blake2b("\0".join(texts).encode("utf-8", "replace"), digest_size=8).digest()
            for texts in zip(*sides, strict=True)
        ]
        return np.frombuffer(b"".join(marks), dtype="<u8").astype(np.uint64)

    def fitted_in_words(self) -> dict[str, str]:
        """Side -> its tokenizer and the number of training rows that it saw."""
        return {
            side: f"{tokens.size:,} {tokens.noun}, from {learned_from(self.content)}"
            for side, tokens in self.tokens.items()
        }


def texts_of(source: Source, side: str, rows: np.ndarray | None = None) -> list[str]:
    """The texts of "source" or "target". DataError: there is no such column, or an empty text."""
    if side not in source.frame.columns:
        raise DataError(
            f"{source.name} has no column '{side}' with the texts "
            f"{'to be translated' if side == 'source' else 'that they are translated into'}."
        )
    column = source.frame[side] if rows is None else source.frame[side].iloc[rows]
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{counted(int(missing.sum()), 'row')} of {source.name} have no text in '{side}'. "
            "Fill them in or remove them."
        )
    return [str(text) for text in column]


def as_objects(texts: Sequence[str]) -> np.ndarray:
    """Texts as an array of objects, (rows,)."""
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def _until_end(codes: list[int]) -> list[int]:
    return codes[: codes.index(END)] if END in codes else codes


def _options(options: dict) -> tuple[str, int | None, int]:
    """Kind of tokens, size of the vocabulary, and most tokens of a text."""
    kind = options.get("tokens") or TOKENS
    size = options.get("vocabulary")
    if size is None and kind == "bpe":
        size = VOCABULARY
    context = options.get("context")
    context = CONTEXT if context is None else _whole("context", context, least=2)
    return kind, None if size is None else _whole("vocabulary", size, least=RESERVED + 1), context


def _whole(name: str, value: Any, *, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < least:
        raise SettingsError(f"--data.{name} must be a whole number from {least} on, got {value}.")
    return number
