"""Signatures, docstrings and literal tables, read from source text without running it.

The command line shows its flags from here, so that its help needs no torch; a test compares
what is read with what ``inspect`` finds.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
REQUIRED = "(required)"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function.

    name : as in Python, "learning_rate"
    kinds : what it may be, of "int", "float", "str", "bool", "dict", "list[str]", "None", ...
    default : a literal, or ``REQUIRED``
    summary : its description in the docstring, on one line
    """

    name: str
    kinds: tuple[str, ...]
    default: Any
    summary: str


@dataclass(frozen=True)
class ClassText:
    """What the source of a class says: the first sentence, the whole docstring, its parameters."""

    first_line: str
    docstring: str
    parameters: tuple[Parameter, ...]


def read_function(file: str, function: str) -> tuple[Parameter, ...]:
    """Give the parameters of a function or "Class.method" in a file, but for ``self``."""
    owner, _, method = function.rpartition(".")
    node = _find(_parse(file).body, owner) if owner else _parse(file)
    definition = _find(node.body, method)
    texts = _descriptions(ast.get_docstring(definition if method != "__init__" else node) or "")
    return _parameters(definition, texts)


def read_class(file: str, name: str) -> ClassText:
    """Give the docstring of a class in a file of the package, and its options."""
    node = _find(_parse(file).body, name)
    docstring = ast.get_docstring(node) or ""
    found = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    start = next((one for one in found if one.name == "__init__"), None)
    parameters = _parameters(start, _descriptions(docstring)) if start else ()
    return ClassText(docstring.partition("\n")[0], docstring, parameters)


def read_table(file: str, name: str) -> dict[str, Any]:
    """Give a table written out in a file of the package: its keys, and its values if literal."""
    for node in _parse(file).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = getattr(node, "value", None)
            assert isinstance(value, ast.Dict), f"{name} in {file} is not written out as a dict"
            return {
                ast.literal_eval(key): _literal(item)
                for key, item in zip(value.keys, value.values, strict=True)
                if key is not None
            }
    raise AssertionError(f"{file} has no {name}")


@cache
def _parse(file: str) -> ast.Module:
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


def _find(body: Iterable[ast.stmt], name: str) -> Any:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
    raise AssertionError(f"there is no {name}")


def _parameters(node: ast.FunctionDef, texts: dict[str, tuple[str, str]]) -> tuple[Parameter, ...]:
    positional = node.args.posonlyargs + node.args.args
    missing = [None] * (len(positional) - len(node.args.defaults))
    pairs = list(zip(positional, [*missing, *node.args.defaults], strict=True))
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return tuple(
        Parameter(
            argument.arg,
            _kinds(argument.annotation, texts.get(argument.arg, ("", ""))[0]),
            REQUIRED if default is None else _literal(default),
            texts.get(argument.arg, ("", ""))[1],
        )
        for argument, default in pairs
        if argument.arg != "self"
    )


def _kinds(annotation: ast.expr | None, described: str) -> tuple[str, ...]:
    """Tell what a parameter may be, by its annotation, else by the type in the docstring."""
    if annotation is not None:
        return tuple(part.strip(" \"'") for part in ast.unparse(annotation).split("|"))
    words = re.split(r",\s*|\s+or\s+", described)
    known = {"str": "str", "path": "str", "list of str": "list[str]", "int": "int"}
    known |= {"float": "float", "bool": "bool", "dict": "dict"}
    return tuple(dict.fromkeys(known[word] for word in words if word in known)) or ("str",)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _descriptions(docstring: str) -> dict[str, tuple[str, str]]:
    """Type and description of each name under "Parameters" in a numpy docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", docstring, re.S | re.M)
    found = {}
    entries = re.split(r"^(?=\S[^\n]*? : )", section[1], flags=re.M) if section else []
    for entry in entries:
        head, _, text = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        for name in names.split(","):
            found[name.strip()] = (kind.strip(), " ".join(text.split()))
    return found
