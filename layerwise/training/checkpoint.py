"""Checkpoints that survive a kill at any moment: safetensors + JSON, checked before use.

One checkpoint is two files, ``STEP.safetensors`` and ``STEP.json``. Each is written beside, synced
and renamed; the JSON comes last and names the other's checksum, so a checkpoint without a valid
JSON file does not exist. No pickle is read or written, and a file with a valid checksum but a
hostile content is refused like a damaged one.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from layerwise.errors import RunError

FORMAT = 1
KEPT = 2  # the newest checkpoints that stay; each holds the best weights so far as well
LARGEST_MANIFEST = 64 << 20  # bytes; larger things belong into tensors
BAD_CONTENT = (
    SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError,
    OverflowError, MemoryError, RuntimeError,
)  # fmt: skip


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` (nested dicts and lists of tensors and JSON values) as the step's checkpoint.

    Raises RunError with path and bytes when the disk is full; earlier checkpoints stay whole.
    """
    tensors: dict[str, Tensor] = {}
    body = _packed(state, tensors)
    blob = save({name: _whole(tensor) for name, tensor in tensors.items()})
    text = json.dumps(
        {
            "format": FORMAT,
            "step": step,
            "tensors": {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()},
            "state": body,
        },
        allow_nan=True,
    )
    assert len(text) < LARGEST_MANIFEST, "a state this large must be made of tensors"
    path = folder / f"{step:09d}.json"
    _write(path.with_suffix(".safetensors"), blob)
    _write(path, f"{_digest(text)}\n{text}".encode())
    _remove_others(path)
    return path


def newest_checkpoint(folder: Path) -> tuple[int, dict[str, Any], list[str]] | None:
    """Step and state of the newest valid checkpoint, and a sentence for each one passed over.

    Raises RunError where there are checkpoints and none is whole.
    """
    refused: list[str] = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            return (*load_checkpoint(path), refused)
        except RunError as error:
            refused.append(str(error))
    if refused:
        raise RunError(
            f"No checkpoint in {folder} is whole: {' '.join(refused)} Restore one from a copy, or "
            "remove that folder to train from the beginning."
        )
    return None


def load_checkpoint(path: Path) -> tuple[int, dict[str, Any]]:
    """Step and state of one checkpoint; raises RunError that names what is damaged."""
    content = _read_manifest(path)
    blob_path = path.with_suffix(".safetensors")
    try:
        known, step = content["tensors"], content["step"]
        if type(step) is not int or path.stem != f"{step:09d}":
            raise ValueError(f"it says that it is of step {step!r}"[:99])
        blob = _read(blob_path, known["bytes"])
        if len(blob) != known["bytes"] or hashlib.sha256(blob).hexdigest() != known["sha256"]:
            raise RunError(f"Checkpoint {blob_path.name} is damaged: its checksum does not match.")
        state = _unpacked(content["state"], load(blob))
        if not isinstance(state, dict):
            raise ValueError("its state is no dict")
        return step, state
    except BAD_CONTENT as error:
        raise _damaged(path, error) from error


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        digest, _, text = _read(path, LARGEST_MANIFEST).decode("utf-8").partition("\n")
    except UnicodeDecodeError as error:
        raise RunError(f"Checkpoint {path.name} is damaged: it is no text.") from error
    if digest != _digest(text):
        raise RunError(f"Checkpoint {path.name} is damaged: its checksum does not match.")
    try:
        content = json.loads(text)
        version = content["format"]
    except BAD_CONTENT as error:
        raise _damaged(path, error) from error
    if version != FORMAT:
        raise RunError(
            f"Checkpoint {path.name} has format {version!r}; this version reads {FORMAT}."
        )
    return content


def _read(path: Path, most: int) -> bytes:
    """A file's content, but never more than ``most`` bytes and one."""
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise RunError(f"Checkpoint {path.stem}: {path.name} is missing or no file.")
        with open(path, "rb") as file:
            return file.read(min(path.stat().st_size, most) + 1)
    except OSError as error:
        raise RunError(f"Checkpoint {path.name} cannot be read ({error.strerror}).") from error


def _damaged(path: Path, error: BaseException) -> RunError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return RunError(f"Checkpoint {path.name} is damaged: {reason}.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write beside, sync, rename: the file is there whole or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise RunError(
            f"The checkpoint {path} needs {len(content):,} bytes and cannot be written "
            f"({error.strerror}; {_free_bytes(path.parent)} bytes are free). Earlier checkpoints "
            "are whole. Free some space, then resume the run."
        ) from error


def _free_bytes(folder: Path) -> str:
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return f"{shutil.disk_usage(place).free:,}"
    return "unknown"


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; some file systems know no such thing."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_others(path: Path) -> None:
    """Keep ``path`` and those just before it.

    Newer ones were passed over as damaged; parts and tensors without JSON are of killed saves.
    """
    manifests = sorted(path.parent.glob("*.json"))
    place = manifests.index(path)
    kept = {one.stem for one in manifests[max(0, place + 1 - KEPT) : place + 1]}
    for one in path.parent.iterdir():
        if one.name.partition(".")[0] not in kept or one.suffix == ".part":
            with suppress(OSError):
                one.unlink()


def _whole(tensor: Tensor) -> Tensor:
    """The values in memory of their own: tied weights and views would be refused."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON with a reference for every tensor; dicts keep keys that are no text."""
    if isinstance(value, Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _packed(item, tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list": [_packed(item, tensors) for item in value]}
    return value


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "items" in value:
        return {key: _unpacked(item, tensors) for key, item in value["items"]}
    return [_unpacked(item, tensors) for item in value["list"]]
