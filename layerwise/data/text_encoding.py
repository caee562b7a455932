"""Bytes of a text file as UTF-8, whatever encoding they came in; files of other kinds refused."""

from pathlib import Path

import numpy as np

from layerwise.errors import DataError, SettingsError

SIGNATURES = (  # first bytes of files that are no tables, and what to say
    (b"PK\x03\x04", "is a zip archive or an Excel workbook. Save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook. Save the sheet as CSV"),
    (b"%PDF", "is a PDF document. Give the table as CSV"),
    (b"\x89HDF", "is an HDF5 file. Save the arrays as .npz"),
    (b"CDF", "is a NetCDF file. Save the arrays as .npz"),
    (b"SQLite format 3", "is an SQLite database. Export the table as CSV"),
    (b"\x89PNG", "is an image. Give the folder of images, or a table that names them"),
    (b"\xff\xd8\xff", "is an image. Give the folder of images, or a table that names them"),
    (b"GIF8", "is an image. Give the folder of images, or a table that names them"),
    (b"BZh", "is compressed with bzip2. Unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd. Unpack it first"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file. Run: git lfs pull"),
    (b"<!doctype", "is a web page. Download the file itself"),
    (b"<html", "is a web page. Download the file itself"),
    (b"<?xml", "is XML. Give the table as CSV"),
)


def as_utf8(data: bytes, path: Path, encoding: str | None, notes: list[str]) -> bytes:
    """The same text in UTF-8 without a byte order mark and with line feeds that Arrow knows."""
    _refuse_other_kinds(data[:64], path)
    text = _decoded(data, path, encoding, notes)
    if b"\n" not in text and b"\r" in text:
        text = text.replace(b"\r", b"\n")
    text = text.rstrip(b"\x1a")
    if not (text[:1024].strip() or text.strip()):
        raise DataError(f"{path} holds nothing but blank lines. Give a file with rows.")
    _refuse_other_kinds(text[:64].lstrip(), path)
    return text


def _decoded(data: bytes, path: Path, encoding: str | None, notes: list[str]) -> bytes:
    if encoding is not None:
        return _from_encoding(data, path, encoding)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    wide = _wide_encoding(data)
    if wide:
        notes.append(f"{path.name} is {wide.upper()}.")
        return _from_encoding(data, path, wide)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(
            f"{path}, line {line}: a NUL byte. The file is damaged or no text. Write it anew."
        )
    _refuse_junk(data, path)
    if data.isascii() or _decodes(data, "utf-8"):
        return data
    guess = "cp1252" if _decodes(data, "cp1252") else "latin-1"
    shown = "Windows-1252 (Latin-1)" if guess == "cp1252" else "Latin-1"
    notes.append(f"{path.name} is not UTF-8; read as {shown}. Else give --data.encoding.")
    return _from_encoding(data, path, guess)


def _from_encoding(data: bytes, path: Path, encoding: str) -> bytes:
    try:
        return data.decode(encoding).lstrip("\ufeff").encode("utf-8")
    except LookupError:
        raise SettingsError(
            f"Encoding '{encoding}' is not known. Give for example utf-8, latin-1 or utf-16."
        ) from None
    except UnicodeError as error:
        raise DataError(f"{path} is not {encoding}: {error}. Give another encoding.") from None


def _wide_encoding(data: bytes) -> str | None:
    """Give "utf-16" or "utf-32" where a byte order mark or the place of NUL bytes shows it."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = np.frombuffer(data[:4096], dtype=np.uint8)
    if len(head) < 4 or len(data) % 2 or not (head == 0).any():
        return None
    even, odd = (head[0::2] == 0).mean(), (head[1::2] == 0).mean()
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeError:
        return False
    return True


def _refuse_other_kinds(head: bytes, path: Path) -> None:
    for signature, text in SIGNATURES:
        if head[: len(signature)].lower() == signature.lower():
            raise DataError(f"{path} {text}.")


def _refuse_junk(data: bytes, path: Path) -> None:
    head = np.frombuffer(data[:65536], dtype=np.uint8)
    control = (head < 32) & ~np.isin(head, (9, 10, 12, 13, 26, 27))
    if control.mean() > 0.01:
        raise DataError(
            f"{path} is no text: it is full of control bytes. "
            "Give a CSV, TSV, JSON lines, Parquet or .npz file."
        )
