"""The help of the command line, from source text alone."""

import ast
import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from layerwise.command.arguments import Grammar, flag_name
from layerwise.command.signatures import REQUIRED, Parameter, read_table

INTRODUCTION = """\
Data in, a trained, honestly judged, explained neural network out.

    layerwise fit digits
    layerwise fit wine.csv --target quality --network mlp --network.hidden 64,64"""

GRAMMAR = """\
--X NAME chooses X, --X.key VALUE sets an option of it, where X may be
{rooms}.
Several: --network.hidden 64,64 or --carry a,b or --carry a --carry b.
Yes or no: --verbose true, --verbose false."""

GATES = ["and", "or", "nand", "nor", "xor"]  # known data, too

TABLES = {  # the names that a flag knows, as written out in the package
    "network": ("networks/__init__.py", "NETWORKS"),
    "task": ("tasks/__init__.py", "TASKS"),
    "metric": ("metrics/__init__.py", "METRICS"),
    "augment": ("data/augments.py", "AUGMENTS"),
}


def print_overview(verbs: Mapping[str, tuple[Sequence[str], str]]) -> None:
    """Print what layerwise is and its verbs; per verb what follows it and its summary."""
    print(f"{INTRODUCTION}\n\nlayerwise VERB ...")
    print_pairs([(" ".join((name, *places)), text) for name, (places, text) in verbs.items()])
    print("\nFlags of a verb: layerwise VERB --help")


def print_verb(grammar: Grammar, summary: str) -> None:
    """Print the help of a verb: its summary and its flags."""
    flags = " [--flag VALUE ...]" if grammar.flags else ""
    print(f"layerwise {grammar.verb} {' '.join(grammar.places)}{flags}\n\n{summary}")
    if grammar.verb == "fetch":
        _print_paragraph(f"Data: {', '.join(read_table('data/known.py', 'FILES'))}.")
        weights = ", ".join(read_table("data/weights.py", "WEIGHTS"))
        _print_paragraph(f"Published weights, for fit --pretrained: {weights}.")
    elif "SOURCE" in grammar.places:
        _print_paragraph(f"SOURCE is a file, a folder, a pattern or a known name: {_known()}.")
    rooms = [room for one in grammar.flags if (room := _room(one))]
    if rooms:
        print("\n" + GRAMMAR.format(rooms=", ".join(rooms)))
    if grammar.flags:
        print()
        print_pairs([(_usage(one), describe(one)) for one in grammar.flags])


def _known() -> str:
    tables = (
        ("data/known.py", "KNOWN"),
        ("data/series_known.py", "SERIES"),
        ("data/made.py", "MADE"),
    )
    return ", ".join([name for table in tables for name in read_table(*table)] + GATES)


def _usage(one: Parameter) -> str:
    room = _room(one)
    return f"--{room}.KEY VALUE" if room else f"{flag_name(one.name)} {metavar(one)}"


def metavar(one: Parameter) -> str:
    """Give the word that stands for the value of a flag."""
    if "list[str]" in one.kinds:
        return "NAME,..."
    names = {"int": "NUMBER", "float": "NUMBER", "bool": "true|false"}
    names |= {"tuple[int, ...]": "NUMBER,...", "dict": "PART=NUMBER,..."}
    found = [names.get(kind, "TEXT") for kind in one.kinds if kind != "None"]
    return "|".join(dict.fromkeys(found))


def describe(one: Parameter) -> str:
    """Give what the help says of a flag: its summary, the names it knows, its default."""
    example = re.search(r"``(\{.*\})``", one.summary)
    text = one.summary
    if example and (room := _room(one)):
        text = text.replace(example[0], _as_flags(room, ast.literal_eval(example[1])))
    parts = [text.replace("``", "'")]
    if one.name in TABLES:
        parts.append(f"Names: {', '.join(read_table(*TABLES[one.name]))}.")
    if one.default is not None and one.default is not REQUIRED:
        parts.append(f"(default: {_as_text(one.default)})")
    return " ".join(parts)


def _as_flags(room: str, options: Mapping[str, Any]) -> str:
    """``{"hidden": (64, 64)}`` as it is written on the command line."""
    return " ".join(f"--{room}.{key} {_as_text(value)}" for key, value in options.items())


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _room(one: Parameter) -> str:
    return one.name.removesuffix("_options") if one.name.endswith("_options") else ""


def print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print two columns; a long first part has a line of its own."""
    width = min(max((len(left) for left, _ in pairs), default=0), 28) + 4
    for left, right in pairs:
        lines = textwrap.wrap(right, max(_width() - width, 30)) or [""]
        if len(left) + 4 > width:
            print(f"  {left}")
            left = ""
        for number, line in enumerate(lines):
            print(f"  {left if number == 0 else '':{width - 2}}{line}".rstrip())


def _print_paragraph(text: str) -> None:
    print("\n" + textwrap.fill(text, _width(), break_on_hyphens=False))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100)
