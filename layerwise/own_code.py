"""What a person names: own code as "my.py:Name", and the options of a network or task."""

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from layerwise.errors import SettingsError, nearest


def is_own(text: str) -> bool:
    """Whether ``text`` names a person's own file ("my.py:Net") and not an entry of a table."""
    return ":" in text or text.endswith(".py")


def load_own(text: str, kind: str) -> object:
    """Give what a person's file calls by a name.

    The file is run once per content, so that a class stays the same class; modules beside it can
    be imported by it.

    Parameters
    ----------
    text : str
        File and name, such as "my.py:Net" or "models/my.py:Net".
    kind : str
        What is asked for, for the error texts: "network", "task", "metric".

    Raises
    ------
    SettingsError
        The text has no file or no name, the file is missing or fails, or lacks the name.
    """
    file, _, name = text.rpartition(":")
    if not file or not name.isidentifier():
        raise SettingsError(
            f"The {kind} '{text}' must be a file and a name in it, such as 'my.py:Name'."
        )
    path = Path(file).expanduser()
    if path.suffix != ".py":
        raise SettingsError(
            f"The {kind} '{text}' must be in a file that ends in .py, got '{file}'."
        )
    if not path.is_file():
        raise SettingsError(_missing(path, text, kind))
    module = _module(path.resolve(), kind)
    if not hasattr(module, name):
        public = [other for other in vars(module) if not other.startswith("_")]
        raise SettingsError(f"{path} has no '{name}' for the {kind}.{nearest(name, public)}")
    return getattr(module, name)


def check_options(made: Callable, options: Mapping[str, Any], what: str) -> None:
    """Refuse options that ``made`` does not have, or whose default is of another type.

    Parameters
    ----------
    made : class or function
        Its keyword-only parameters, and those with a default, are the options.
    options : dict
        As a person gave them.
    what : str
        For the error text, such as "network mlp".

    Raises
    ------
    SettingsError
        A name is unknown (the nearest is told), or a value of the wrong type.
    """
    parameters = inspect.signature(made).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return  # a person's own class that takes anything
    known = {
        one.name: one.default
        for one in parameters
        if one.kind is one.KEYWORD_ONLY or one.default is not one.empty
    }
    for name, value in options.items():
        if name not in known:
            near = nearest(name, known) or " It has none."
            raise SettingsError(f"The {what} has no option '{name}'.{near}")
        wanted = _wanted(known[name], value)
        if wanted:
            raise SettingsError(f"Option {name} of the {what} must be {wanted}, got {value!r}.")


def _wanted(default: Any, value: Any) -> str:
    """Say what an option must be by its default; nothing where the value is of that type."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        return "" if whole else "a whole number"
    if isinstance(default, float):
        return "" if whole or isinstance(value, float) else "a number"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "a word"
    if isinstance(default, tuple):
        return "" if whole or isinstance(value, tuple | list | float) else "numbers, such as 64,64"
    return ""


def _missing(path: Path, text: str, kind: str) -> str:
    """Give the sentence for a file that is not there, with those that are."""
    beside = sorted(other.name for other in path.parent.glob("*.py"))
    return (
        f"The file {path} of the {kind} '{text}' does not exist "
        f"(looked in {path.parent.resolve()}).{nearest(path.name, beside)}"
    )


def _module(path: Path, kind: str) -> ModuleType:
    """Run a file as a module; the same content gives the same module."""
    content = path.read_bytes()
    mark = hashlib.sha256(str(path).encode() + b"\0" + content).hexdigest()[:12]
    name = f"own_{path.stem}_{mark}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look classes up here
    sys.path.insert(0, str(path.parent))
    try:
        exec(compile(content, str(path), "exec"), vars(module))  # never a stale .pyc
    except Exception as error:
        del sys.modules[name]
        raise SettingsError(_failed(path, kind, error)) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _failed(path: Path, kind: str, error: Exception) -> str:
    """Give the sentence for a file that stops while it is run, with the line in it."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    where = f" at line {line}" if line else ""
    reason = error.msg if isinstance(error, SyntaxError) else error
    return (
        f"{path} with the {kind} stops{where} when it is run: {type(error).__name__}: {reason}. "
        "Mend the file and try again."
    )
