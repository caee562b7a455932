"""Checkpoints that survive a kill at any moment: safetensors + JSON, checked before use.

One checkpoint is two files, ``STEP.safetensors`` and ``STEP.json``. Each is written beside, synced
and renamed; the JSON comes last and names the other's checksum, so a checkpoint without a valid
JSON file does not exist. No pickle is read or written.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from layerwise.errors import RunError

FORMAT = 1
KEPT = 2  # the newest checkpoints that stay


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` (nested dicts and lists of tensors and JSON values) as the step's checkpoint.

    Raises RunError with path and bytes when the disk is full; earlier checkpoints stay whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    body = _packed(state, tensors)
    blob = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    text = json.dumps(
        {
            "format": FORMAT,
            "step": step,
            "tensors": {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()},
            "state": body,
        },
        allow_nan=True,
    )
    path = folder / f"{step:09d}.json"
    _write(path.with_suffix(".safetensors"), blob)
    _write(path, f"{_digest(text)}\n{text}".encode())
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def newest_checkpoint(folder: Path) -> tuple[int, dict[str, Any], list[str]] | None:
    """Step and state of the newest valid checkpoint, and a sentence for each one passed over."""
    refused: list[str] = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            return (*load_checkpoint(path), refused)
        except RunError as error:
            refused.append(str(error))
    if refused:
        raise RunError(f"No checkpoint in {folder} is whole: {' '.join(refused)}")
    return None


def load_checkpoint(path: Path) -> tuple[int, dict[str, Any]]:
    """Step and state of one checkpoint; raises RunError that names what is damaged."""
    content = _read_manifest(path)
    blob_path = path.with_suffix(".safetensors")
    try:
        blob = blob_path.read_bytes()
    except OSError as error:
        raise RunError(f"Checkpoint {path.name}: its tensors cannot be read ({error}).") from error
    known = content["tensors"]
    if len(blob) != known["bytes"] or hashlib.sha256(blob).hexdigest() != known["sha256"]:
        raise RunError(f"Checkpoint {blob_path.name} is damaged: its checksum does not match.")
    return content["step"], _unpacked(content["state"], load(blob))


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        digest, _, text = path.read_bytes().decode("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"Checkpoint {path.name} cannot be read ({error}).") from error
    if digest != _digest(text):
        raise RunError(f"Checkpoint {path.name} is damaged: its checksum does not match.")
    content = json.loads(text)
    if content["format"] != FORMAT:
        raise RunError(
            f"Checkpoint {path.name} has format {content['format']}; this version reads {FORMAT}."
        )
    return content


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write beside, sync, rename: the file is there whole or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RunError(
            f"The checkpoint {path} needs {len(content):,} bytes and cannot be written "
            f"({error.strerror}). Earlier checkpoints are whole. Free some space and resume."
        ) from error


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


def parameters_of(network: torch.nn.Module) -> dict[str, Tensor]:
    """The network's state as contiguous tensors on the CPU, for a file of its own."""
    return {name: t.detach().cpu().contiguous().clone() for name, t in network.state_dict().items()}
