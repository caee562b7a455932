"""Files in a zip archive that are read where they are, without unpacking it."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from layerwise.errors import DataError

MOST_BYTES = 2**30  # of one unpacked file; more is a bomb or a mistake


@dataclass(frozen=True)
class Member:
    """A file in an archive, with those ways of a ``Path`` that readers of images use.

    archive : its path
    inside : its name in the archive, with slashes
    """

    archive: Path
    inside: str
    opened: zipfile.ZipFile = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of its name."""
        return PurePosixPath(self.inside).name

    @property
    def suffix(self) -> str:
        """Such as ".png"."""
        return PurePosixPath(self.inside).suffix

    def __str__(self) -> str:
        return f"{self.archive}/{self.inside}"

    def stat(self) -> os.stat_result:
        """That of the archive: what is in it changes with it."""
        return self.archive.stat()

    def resolve(self) -> str:
        """The whole place, which nothing else has."""
        return f"{self.archive.resolve()}/{self.inside}"

    def open(self, mode: str = "rb") -> io.BytesIO:
        """Its bytes. Raises DataError where they are damaged, too many, or locked."""
        assert mode == "rb", mode
        size = self.opened.getinfo(self.inside).file_size
        if size > MOST_BYTES:
            raise DataError(
                f"{self} unpacks to {size:,} bytes; at most {MOST_BYTES:,} are read. Remove it."
            )
        try:
            return io.BytesIO(self.opened.read(self.inside))
        except RuntimeError:
            raise DataError(f"{self.archive} is locked by a password. Unpack it first.") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise DataError(
                f"{self} is damaged in the archive ({error}). Copy or download it again."
            ) from None


def members(path: Path) -> list[Member]:
    """The files in an archive, sorted by name, without hidden ones; none where it is damaged."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError):
        return []
    names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    return [
        Member(path, name, archive)
        for name in names
        if not any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)
    ]
