"""From text to batches of tokens: the vocabulary and the context that training rows decide."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
from torch import Tensor

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.datasets import TensorDataset
from layerwise.data.fitting import fit_target, in_target_units, target_tensor
from layerwise.data.roles import Roles, load_roles
from layerwise.data.source import Source, counted
from layerwise.data.target import encode_target
from layerwise.data.text import TextOptions, texts_of
from layerwise.data.token_dataset import TokenDataset, token_dataset
from layerwise.data.tokens import (
    END,
    START,
    UNKNOWN,
    Tokens,
    fit_tokens,
    learned_from,
    load_tokens,
)
from layerwise.errors import DataError, nearest

MOST_CONTEXT = 256  # tokens of a line that a network sees, unless more are asked for
NEIGHBOURS = 16  # pieces of one long text that are drawn together


class TextPreparation:
    """The one way from text to tokens, in training and in prediction.

    Without a target a row is for a language model: its targets are its tokens, for lines the end
    mark behind them, and its inputs the token before each. With a target its inputs are its
    tokens.
    """

    feature_names: tuple[str, ...] = ()
    categories: tuple[int, ...] = ()

    def __init__(self, content: dict, tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.form: str = content["inputs"]["form"]
        target = content["target"]
        self.roles = load_roles(content["roles"])
        self.target = Target(target["kind"], tuple(target["names"]), tuple(target["classes"]))
        self.encodings: list = []
        self.tokens: Tokens = load_tokens(content["tokens"])
        self.column: str = content["text"]["column"]
        self.by_lines: bool = content["text"]["lines"]
        self.context: int = content["inputs"]["shape"][0]

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
    ) -> TextPreparation:
        """Learn vocabulary, context and the target's constants from the training ``rows`` alone.

        taken : "tokens" and "tokens_from" of an earlier run, whose vocabulary is not learned anew

        Raises
        ------
        DataError
            There are no training rows, or a language model is to weigh them.
        """
        if not len(rows):
            raise DataError("There are no training rows. Give smaller fractions or more rows.")
        if target.kind == "none" and roles.weight is not None:
            raise DataError(
                "A language model counts every character once, so rows of text take no --weight "
                "unless there is a --target. Leave it out."
            )
        options = TextOptions.of(source.options)
        column = source.options.get("text", "text")
        frame = source.frame.iloc[rows]
        texts = texts_of(cells.column(frame, column))
        if taken is None:
            tokens = fit_tokens(options.tokens, texts, options.vocabulary)
        else:
            tokens = load_tokens(taken["tokens"])
        ends = bool(options.lines) and target.kind == "none"
        lengths = np.array([len(row) for row in tokens.encode(texts)]) + ends
        fitted = {"split": "train", "rows": len(rows)}
        context = _context(options, int(lengths.max()))
        seen = {"longest": int(lengths.max()), "cut": int((lengths > context).sum())}
        described, tensors = fit_target(frame, roles, target)
        content = {
            "inputs": {
                "form": "text", "shape": [context], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted,
                "constants": "vocabulary and context" if taken is None else "context",
            },
            "columns": [],
            "roles": asdict(roles),
            "target": asdict(target) | described | {"fitted": fitted},
            "tokens": tokens.to_json(),
            "text": {"column": column, "lines": bool(options.lines)} | seen,
        }  # fmt: skip
        if taken is not None:
            content["tokens_from"] = dict(taken["tokens_from"])
        return cls(content, tensors)

    def to_json(self) -> dict:
        """Everything but the tensors."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Constants of the target: name -> tensor."""
        return dict(self._tensors)

    @property
    def input_shape(self) -> tuple[int]:
        """(context,): the most tokens that a network sees."""
        return (self.context,)

    @property
    def network_options(self) -> dict[str, Any]:
        """The size of the vocabulary."""
        return {"vocabulary": self.tokens.size}

    @property
    def class_weights(self) -> Tensor | None:
        """(classes,) float32: weights that give every class the same say; training rows only."""
        return self._tensors.get("class_weights")

    @property
    def is_language_model(self) -> bool:
        """Whether the text itself is what is predicted."""
        return self.target.kind == "none"

    def dataset(self, source: Source) -> TokenDataset | TensorDataset:
        """All rows of the source, by number, ready for the engine."""
        texts = self.texts(source)
        rows = self.rows_of_tokens(texts)
        if not self.is_language_model:
            return token_dataset(rows, targets=self.targets(source), weight=self._weights(source))
        first = self.tokens_before(source)
        return token_dataset(rows, first=first, weight=self._characters(texts, rows))

    def texts(self, source: Source) -> list[str]:
        """The text of every row. Raises DataError where the column is missing."""
        if self.column not in source.frame.columns:
            raise DataError(
                f"{source.name} has no column '{self.column}', which held the text in training."
                f"{nearest(self.column, map(str, source.frame.columns))}"
            )
        return texts_of(cells.column(source.frame, self.column))

    def rows_of_tokens(self, texts: list[str]) -> list[np.ndarray]:
        """What a row is: its tokens, of lines for a language model the end mark too; cut."""
        found = self.tokens.encode(texts)
        if self.is_language_model and self.by_lines:
            end = np.array([END], dtype=np.int32)
            return [np.concatenate([row, end])[: self.context] for row in found]
        empty = np.array([UNKNOWN], dtype=np.int32)
        return [row[: self.context] if len(row) else empty for row in found]

    def tokens_before(self, source: Source) -> np.ndarray:
        """What stands before each row: the start mark, or the last token of the text before."""
        first = np.full(len(source.frame), START, dtype=np.int64)
        if self.by_lines or self.tokens.kind == "words" or "before" not in source.frame.columns:
            return first
        found = self.tokens.encode(texts_of(cells.column(source.frame, "before")))
        return np.array([row[-1] if len(row) else START for row in found], dtype=np.int64)

    def targets(self, source: Source) -> Tensor | None:
        """What a network is to say of each row, as in ``Preparation.targets``."""
        return target_tensor(source, self.roles, self.target, self._tensors)

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Classes, labels or amounts of some rows in the units of the data; none: zeros."""
        return encode_target(source.frame.iloc[rows], self.roles, self.target)

    def row_weights(self, source: Source, rows: np.ndarray) -> np.ndarray | None:
        """Characters that a language model predicts in each row, end marks counted."""
        some = source.take(np.asarray(rows))
        if not self.is_language_model:
            weights = self._weights(some)
            return None if weights is None else weights.astype(float)
        texts = self.texts(some)
        return self._characters(texts, self.rows_of_tokens(texts)).astype(float)

    def groups(self, source: Source, rows: np.ndarray) -> np.ndarray | None:
        """What the bootstrap draws together: neighbours in one long text, or the group column."""
        if not self.by_lines and "position" in source.frame.columns:
            number = np.unique(source.frame["position"].to_numpy(), return_inverse=True)[1]
            return number[rows] // NEIGHBOURS
        name = self.roles.group
        return None if name is None else source.frame[name].to_numpy()[rows]

    def in_units(self, outputs: Any) -> Any:
        """Outputs for a real target in the units of the data; others unchanged."""
        return in_target_units(outputs, self.target, self._tensors)

    def check(self, source: Source) -> tuple[str, ...]:
        """Unknown characters or words, and rows that are cut. Raises DataError where it must."""
        if not len(source.frame):
            raise DataError(f"{source.name} has no rows.")
        texts = self.texts(source)
        return tuple(filter(None, (self._unknown(texts), self._cut(texts))))

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that its text, and what stands before it, decide; (rows,) uint64."""
        texts = self.texts(source)
        if self.is_language_model and not self.by_lines:
            before = self.tokens_before(source)
            texts = [f"{token}\0{text}" for token, text in zip(before, texts, strict=True)]
        marks = (blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8) for t in texts)
        return np.frombuffer(b"".join(mark.digest() for mark in marks), dtype="<u8")

    def fitted_in_words(self) -> dict[str, str]:
        """Vocabulary, context and target -> their constants and the training rows they saw."""
        rows = counted(self.content["inputs"]["fitted"]["rows"], "training row")
        longest, cut = self.content["text"]["longest"], self.content["text"]["cut"]
        cut = f"; {cut:,} of them are cut (--data.context)" if cut else ""
        return {
            "vocabulary": f"{self.tokens.size:,} {self.tokens.noun} and marks, from "
            f"{learned_from(self.content)}",
            "context": f"{self.context} tokens; the longest of {rows} has {longest}{cut}",
        }

    def _characters(self, texts: list[str], rows: list[np.ndarray]) -> np.ndarray:
        """Characters in the tokens of each row, the end mark counted as one; (rows,) float64."""
        if self.tokens.kind == "characters":
            return np.array([len(row) for row in rows], dtype=float)
        sizes = []
        for text, row in zip(texts, rows, strict=True):
            ended = self.by_lines and row[-1] == END
            full = not ended and len(row) == self.context  # perhaps cut
            whole = not full or len(self.tokens.encode([text])[0]) + self.by_lines <= self.context
            sizes.append((len(text) if whole else len(self.tokens.decode(row))) + ended)
        return np.maximum(np.array(sizes, dtype=float), 1)

    def _weights(self, source: Source) -> np.ndarray | None:
        """The weight column; None where there is none."""
        name = self.roles.weight
        if name is None or name not in source.frame.columns:
            return None
        return cells.numbers(cells.column(source.frame, name)).astype(np.float32)

    def _unknown(self, texts: list[str]) -> str:
        found = self.tokens.unknown(texts)
        if not found:
            return ""
        most, times = found.most_common(1)[0]
        return (
            f"{found.total():,} {self.tokens.noun} are not in the vocabulary of the training rows "
            f"and count as unknown, such as {most!r} ({times:,} times)."
        )

    def _cut(self, texts: list[str]) -> str:
        ends = self.is_language_model and self.by_lines
        cut = sum(len(row) + ends > self.context for row in self.tokens.encode(texts))
        if not cut:
            return ""
        return (
            f"{cut:,} of {counted(len(texts), 'text')} are longer than the context of "
            f"{self.context} tokens and are cut there (--data.context)."
        )


def _context(options: TextOptions, longest: int) -> int:
    """Tokens that a network sees: as asked; of lines as the longest; of pieces all they have."""
    if not options.lines:
        whole = options.tokens == "characters" and options.context
        return options.context if whole and options.context else longest
    return options.context or min(longest, MOST_CONTEXT)
