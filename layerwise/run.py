"""Run: the folder of one run; it is read and written here and nowhere else.

A file appears whole or not at all: it is written beside, flushed to the disk, then renamed. What
was there before survives a full disk and a killed process. Records are JSON, tensors are
safetensors with a checksum, tables are Parquet: nothing in a run folder can run code.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.errors import RunError, nearest

if TYPE_CHECKING:  # imported where they are used, so that `layerwise runs` is quick
    from pandas import DataFrame
    from torch import Tensor

STATUS = "status.json"  # every run has it, from the first moment on
JOURNAL = "journal.jsonl"
SETTINGS = "settings.json"  # the first thing that a run writes


@dataclasses.dataclass(frozen=True)
class Run:
    """One run on the disk: settings, plan, journal, weights, predictions, results, report.

    Files are named without or with their suffix: ``read("plan")`` reads ``plan.json``.
    """

    folder: Path

    @classmethod
    def create(cls, folder: str | os.PathLike) -> Run:
        """Make a run in a new or empty folder; RunError where there is something already.

        "runs/digits-{number}" is the next free of runs/digits-001, runs/digits-002, ...
        """
        path = Path(folder)
        if path.name.endswith("-{number}"):
            return new_run(path.parent, path.name.removesuffix("-{number}"))
        cls.check_free(path)
        _make_folder(path)
        return cls(path)._begin()

    @staticmethod
    def check_free(folder: str | os.PathLike) -> None:
        """Raise RunError where ``create`` could make no run; writes nothing."""
        path = Path(folder)
        if path.is_dir() and any(path.iterdir()):
            raise RunError(f"Folder '{path}' {_holds(path)}")
        above = next((one for one in (path, *path.parents) if one.exists()), path)
        if above.exists() and not above.is_dir():
            raise RunError(
                f"A run needs a folder of its own, but '{above}' is a file. Give another --folder."
            )

    @classmethod
    def open(cls, folder: str | os.PathLike) -> Run:
        """Give the run that is in ``folder``; RunError where there is none."""
        run = cls(Path(folder))
        if not run.has(STATUS):
            raise RunError(f"There is no run at '{run.folder}'.{_meant(run.folder)}")
        return run

    @property
    def name(self) -> str:
        """The last part of the folder's path, such as "digits-001"."""
        return self.folder.resolve().name

    def path(self, *parts: str) -> Path:
        """Give the path of something in the folder; the folders above it are made."""
        path = self.folder.joinpath(*parts)
        _make_folder(path.parent)
        return path

    def has(self, filename: str) -> bool:
        """Tell whether a file (with its suffix) or a folder is there."""
        return (self.folder / filename).exists()

    def read(self, name: str) -> Any:
        """Give a JSON record; null stands for what was no number."""
        path = self._existing(name, ".json")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise _damaged(path, error) from error

    def write(self, name: str, content: Any) -> None:
        """Write a JSON record; numbers that JSON does not know (NaN, infinity) become null."""
        text = json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(self.path(_with_suffix(name, ".json")), text + "\n")

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a line to the journal; a line cut off by a kill or a full disk gives way to it."""
        path = self.path(JOURNAL)
        line = json.dumps(plain(record), ensure_ascii=False, allow_nan=False) + "\n"
        try:
            with open(path, "r+b" if path.exists() else "w+b") as file:
                file.truncate(_end_of_last_line(file))
                file.seek(0, os.SEEK_END)
                file.write(line.encode())
        except OSError as error:
            raise _unwritable(path, error) from error

    def sync_journal(self) -> None:
        """Flush the journal to the disk, so that a checkpoint may count its lines."""
        if self.has(JOURNAL):
            try:
                with open(self.folder / JOURNAL, "r+b") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise _unwritable(self.folder / JOURNAL, error) from error

    def journal(self) -> list[dict]:
        """Give the journal's whole lines, oldest first; empty where there is no journal."""
        if not self.has(JOURNAL):
            return []
        path = self.folder / JOURNAL
        lines = path.read_bytes().split(b"\n")[
            :-1
        ]  # after the last newline: nothing, or half a line
        try:
            return [json.loads(line) for line in lines]
        except (ValueError, RecursionError) as error:
            raise _damaged(path, error) from error

    def cut_journal(self, lines: int) -> None:
        """Keep only the first ``lines`` lines, because training resumes after them."""
        kept = self.journal()[:lines]
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept)
        write_text(self.path(JOURNAL), text)

    def read_tensors(self, name: str) -> dict[str, Tensor]:
        """Give named tensors, on the CPU; RunError where they are not what was written."""
        from safetensors import SafetensorError, safe_open

        path = self._existing(name, ".safetensors")
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                written = (file.metadata() or {}).get("crc32")
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from error
        if written != _checksum(tensors):
            raise _damaged(path, "its checksum differs from the one that was written with it")
        return tensors

    def write_tensors(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write named tensors of any shape and type, from any device."""
        import torch
        from safetensors.torch import save_file

        # clone: safetensors refuses tensors that share memory, such as tied weights
        whole = {
            key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for key, tensor in tensors.items()
        }
        marks = {"crc32": _checksum(whole)}
        path = self.path(_with_suffix(name, ".safetensors"))
        write_whole(path, lambda beside: save_file(whole, beside, metadata=marks))

    def read_table(self, name: str) -> DataFrame:
        """Give a table with the columns and types that were written."""
        import pandas

        path = self._existing(name, ".parquet")
        try:
            return pandas.read_parquet(path)
        except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors
            raise _damaged(path, error) from error

    def write_table(self, name: str, frame: DataFrame) -> None:
        """Write a table as Parquet, without its index."""
        path = self.path(_with_suffix(name, ".parquet"))
        write_whole(path, lambda beside: frame.to_parquet(beside, index=False))

    def _begin(self) -> Run:
        try:
            with open(self.folder / STATUS, "x", encoding="utf-8") as file:
                file.write('{"state": "running", "message": ""}\n')
        except FileExistsError:
            raise RunError(
                f"Another process began a run in '{self.folder}' at the same moment. "
                "Give each process a folder of its own."
            ) from None
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return self

    def _existing(self, name: str, suffix: str) -> Path:
        path = self.folder / _with_suffix(name, suffix)
        if not path.is_file() and path.name == SETTINGS:
            raise RunError(
                f"Run '{self.folder}' was ended before it began to learn, so there is nothing to "
                "go on with. Remove the folder, then fit again."
            )
        if not path.is_file():
            raise RunError(
                f"Run '{self.folder}' has no {path.name}: it ended before that was written, or the "
                f"file was removed. To go on with the run: layerwise resume {self.folder}"
            )
        return path


def new_run(root: str | os.PathLike, stem: str) -> Run:
    """Make the next free run, such as ``root/stem-004``; safe when many processes do so at once."""
    root = Path(root)
    _make_folder(root)
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "run"
    pattern = re.compile(re.escape(stem) + r"-(\d+)")
    found = [pattern.fullmatch(path.name) for path in root.iterdir()]
    number = max((int(match[1]) for match in found if match), default=0)
    while True:
        number += 1
        folder = root / f"{stem}-{number:03d}"
        try:
            folder.mkdir()  # the file system lets exactly one process make it
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(folder, error) from error
        return Run(folder)._begin()


def list_runs(root: str | os.PathLike = "runs") -> list[Run]:
    """Give the runs directly in ``root``, sorted by name; none where there is no such folder."""
    root = Path(root)
    if not root.is_dir():
        return []
    return [Run(path) for path in sorted(root.iterdir()) if (path / STATUS).is_file()]


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file beside ``path``, flush it to the disk, then put it at ``path``.

    Raises RunError when that fails; what was at ``path`` before is then still there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        with open(beside, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
        _flush_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":
            raise _unwritable(path, error) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text as ``write_whole`` does."""
    write_whole(path, lambda beside: beside.write_text(text, encoding="utf-8", newline="\n"))


def plain(content: Any) -> Any:
    """Give the same content in JSON's own types.

    Records become dicts, arrays and tensors lists, paths texts, NaN and infinity None. Raises
    TypeError for what has no such form.
    """
    if isinstance(content, str):
        return _readable(content)
    if content is None or isinstance(content, bool | int):
        return content
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {_readable(str(key)): plain(value) for key, value in content.items()}
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return {one.name: plain(getattr(content, one.name)) for one in dataclasses.fields(content)}
    return _plain_other(content)


def _readable(text: str) -> str:
    """The text; in a C locale the letters of a path come as bytes that JSON cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def _plain_other(content: Any) -> Any:
    if isinstance(content, os.PathLike):
        return os.fspath(content)
    if hasattr(content, "tolist"):  # numpy, torch and pandas
        return plain(content.tolist())
    if isinstance(content, Iterable):
        return [plain(value) for value in content]
    raise TypeError(f"{content!r} has no form in JSON")


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    import torch

    value = 0
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return f"{value:08x}"


def _end_of_last_line(file: Any) -> int:
    """Where the last whole line ends, in bytes."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - 65536)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows renames durably and opens no folders
        return
    with suppress(OSError):  # some network file systems refuse
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _holds(folder: Path) -> str:
    """Say what is in a folder that should be empty, and what to do."""
    if (folder / STATUS).exists():
        return (
            "holds a run already, and a run is never written over. Give another --folder, remove "
            f"this one, or continue it with: layerwise resume {folder}"
        )
    return "is not empty, and a run is never written over other files. Give another --folder."


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _with_suffix(name: str, suffix: str) -> str:
    return name if name.endswith(suffix) else name + suffix


def _meant(folder: Path) -> str:
    siblings = [run.name for run in list_runs(folder.parent)] or [
        str(run.folder) for run in list_runs()
    ]
    return nearest(folder.name, siblings) or " Runs are listed by: layerwise runs"


def _damaged(path: Path, error: object) -> RunError:
    return RunError(
        f"{path} is damaged: {error}. Restore it from a copy, or run again in another folder."
    )


def _unwritable(path: Path, error: BaseException) -> RunError:
    reason = getattr(error, "strerror", None) or str(error)
    return RunError(
        f"Cannot write {path}: {reason}.{_room(path)} What was written before is whole. "
        "Make room, or choose another place."
    )


def _room(path: Path) -> str:
    """The free bytes of the disk, where it can be asked."""
    for place in path.parents:
        with suppress(OSError):
            return f" {shutil.disk_usage(place).free:,} bytes are free there."
    return ""
