"""How often the same test rows were looked at: each look makes the best of several runs flatter."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from pandas.api.types import is_numeric_dtype
from pandas.util import hash_pandas_object

from layerwise.data.source import Source
from layerwise.evaluation.fingerprints import fingerprint, scramble_words, some_rows


def fingerprint_of_rows(source: Source, rows: np.ndarray) -> str:
    """Give one text that all values of these rows decide, in any order of rows and columns."""
    some = some_rows(source, np.sort(np.asarray(rows)))
    total = np.zeros(len(some.frame), np.uint64)
    for name, column in some.frame.items():
        column = column if is_numeric_dtype(column.dtype) else column.astype(str)
        hashes: Any = hash_pandas_object  # pandas loads it late, so its type is not known
        values = np.asarray(hashes(column, index=False), np.uint64)
        salt = int.from_bytes(blake2b(str(name).encode(), digest_size=8).digest(), "little")
        total += scramble_words(values, np.array(salt, np.uint64))
    if some.inputs is not None:
        total += np.array([_of_bytes(row) for row in some.inputs], np.uint64)
    return fingerprint(total)


def count_looks(own: str, others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Give "fingerprint", "before" (how many of the other runs judged these rows) and "text".

    others : results.json of the other runs
    """
    before = sum((one.get("looks") or {}).get("fingerprint") == own for one in others)
    text = ""
    if before:
        times = "once" if before == 1 else f"{before} times"
        text = (
            f"These test rows were judged {times} before, by other runs of this folder. Whoever "
            "picks the best of several runs by them finds it better than it is: choose by the "
            "validation rows, and keep the test rows shut with --seal-test."
        )
    return {"fingerprint": own, "before": before, "text": text}


def _of_bytes(row: np.ndarray) -> int:
    return int.from_bytes(
        blake2b(np.ascontiguousarray(row).tobytes(), digest_size=8).digest(), "little"
    )
