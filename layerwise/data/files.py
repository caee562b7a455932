"""Files on the disk: their bytes, plain or packed, and the suffixes that tables have."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from layerwise.errors import DataError

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = TEXT_SUFFIXES + JSON_SUFFIXES + PARQUET_SUFFIXES


def first_bytes(path: Path) -> bytes:
    """The first 16 bytes of a file. Raises DataError where it cannot be read."""
    with opened(path) as file:
        return file.read(16)


def file_bytes(path: Path) -> bytes:
    """All bytes of a file. Raises DataError where it cannot be read."""
    with opened(path) as file:
        return file.read()


def opened(path: Path) -> io.BufferedReader:
    """The file, open for its bytes. Raises DataError where it cannot be read."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; a file is needed here.") from None
    except OSError as error:
        reason = "is a folder" if os.path.isdir(path) else f"cannot be read: {error.strerror}"
        raise DataError(f"{path} {reason}. Give a file that you may read.") from None


def unpacked(data: bytes, path: Path) -> bytes:
    """The bytes that gzip packed. Raises DataError where the file is damaged."""
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} is a damaged or cut off gzip file ({error}). Copy or download it again."
        ) from None


def files_below(folder: Path) -> Iterator[Path]:
    """Files of the folder and of those in it, also behind links; hidden ones are left out.

    Raises DataError where a folder may not be read, so that nothing is half-read.
    """
    seen = set()

    def refuse(error: OSError):
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from None

    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(root) / name


def stem_of(path: Path) -> str:
    """The name of a file without the suffixes of tables: "wine" of wine.csv.gz."""
    stem = path.name
    while Path(stem).suffix.lower() in (*TABLE_SUFFIXES, ".gz"):
        stem = Path(stem).stem
    return stem or path.stem
