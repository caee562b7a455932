"""The grammar of the command line: words in, values by the name of their parameter out.

    layerwise VERB PLACE... --flag VALUE --X NAME --X.key VALUE

A flag is a parameter with hyphens: ``--learning-rate 0.01``. ``--learning-rate=0.01`` is the same.
Yes-or-no flags take ``true`` or ``false``; alone they mean ``true``.

Several columns are one text with commas, or the flag is given again, which also names columns that
have commas: ``--carry a,b`` is ``--carry a --carry b``.

The value of ``--X.key`` is a number, true, false, several of these with commas between them
(``64,`` is a list of one), or else text. That of ``--data.key`` is always text: a column may be
called 2019.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from layerwise.command.signatures import REQUIRED, Parameter
from layerwise.errors import SettingsError, nearest

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
INTEGER = re.compile(r"[+-]?(0|[1-9]\d*)")
WORDS = {"true": True, "false": False}
TEXT_ROOMS = ("data",)  # their options are read by the one that they are for


@dataclass(frozen=True)
class Grammar:
    """What may follow a verb.

    verb : "fit"
    places : names of the words without a flag, such as ("RUN", "[SOURCE]") or ("RUN", "RUN...")
    flags : parameters that are given as flags; one named "X_options" allows ``--X.key VALUE``
    """

    verb: str
    places: tuple[str, ...] = ()
    flags: tuple[Parameter, ...] = ()


@dataclass
class Given:
    """What followed a verb: the words without a flag, and values by the name of a parameter."""

    words: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def of(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """Give the values of these parameters, as keywords."""
        return {one.name: self.values[one.name] for one in parameters if one.name in self.values}


def parse(arguments: Sequence[str], grammar: Grammar) -> Given:
    """Sort and convert what followed a verb; SettingsError where that cannot be."""
    words, texts = _sort(arguments, grammar)
    _check_places(words, grammar)
    values: dict[str, Any] = {}
    flags = {flag_name(one.name): one for one in grammar.flags}
    for flag, one in flags.items():
        if one.default is REQUIRED and flag not in texts:
            raise SettingsError(f"layerwise {grammar.verb} needs {flag}. {one.summary}")
    for flag, given in texts.items():
        if flag in flags:
            values[flags[flag].name] = convert(flag, given, flags[flag].kinds)
            continue
        room, _, key = flag.removeprefix("--").partition(".")
        options = values.setdefault(f"{room}_options", {})
        options[key.replace("-", "_")] = convert_option(room, given)
    return Given(words, values)


def flag_name(parameter: str) -> str:
    """Give the flag of a parameter: "learning_rate" is "--learning-rate", "from_" is "--from"."""
    return "--" + parameter.rstrip("_").replace("_", "-")


def convert(flag: str, texts: list[str], kinds: Sequence[str]) -> Any:
    """Give the value of a flag that may be of these kinds, from each text given with it."""
    if "list[str]" in kinds:
        return texts[0] if len(texts) == 1 else texts
    if len(texts) > 1:
        raise SettingsError(f"{flag} was given {len(texts)} times; give it once.")
    text = texts[0]
    if _has_parts(kinds) and "=" in text:
        pairs = [part.partition("=") for part in text.split(",")]
        return {name.strip(): _number(flag, value, kinds) for name, _, value in pairs}
    return _number(flag, text, kinds)


def convert_option(room: str, texts: list[str]) -> Any:
    """Give the value of ``--room.key``: a literal, a tuple of literals, or text."""
    read = str if room in TEXT_ROOMS else _literal
    return read(texts[0]) if len(texts) == 1 else tuple(map(read, texts))


def _sort(arguments: Sequence[str], grammar: Grammar) -> tuple[list[str], dict[str, list[str]]]:
    """Tell words without a flag from flags and their texts."""
    yes_or_no = {flag_name(one.name) for one in grammar.flags if one.kinds == ("bool",)}
    words: list[str] = []
    texts: dict[str, list[str]] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return words + rest, texts
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        flag, equals, text = word.partition("=")
        _check_flag(flag, grammar)
        if not equals:
            text = _next_text(flag, rest, flag in yes_or_no)
        texts.setdefault(flag, []).append(text)
    return words, texts


def _next_text(flag: str, rest: list[str], yes_or_no: bool) -> str:
    if yes_or_no:
        return rest.pop(0) if rest and rest[0] in WORDS else "true"
    if not rest or rest[0].startswith("--"):
        raise SettingsError(f"{flag} needs a value after it, such as: {flag} VALUE")
    return rest.pop(0)


def _check_flag(flag: str, grammar: Grammar) -> None:
    known = [flag_name(one.name) for one in grammar.flags if not one.name.endswith("_options")]
    rooms = [one.name.removesuffix("_options") for one in grammar.flags]
    rooms = [room for room, one in zip(rooms, grammar.flags, strict=True) if room != one.name]
    help_line = f" All flags: layerwise {grammar.verb} --help"
    room, dot, key = flag.removeprefix("--").partition(".")
    if dot and flag.startswith("--") and rooms:
        if room not in rooms:
            raise SettingsError(f"{flag}: '{room}' has no options.{nearest(room, rooms)}")
        if not key:
            raise SettingsError(f"{flag} lacks the option's name, such as --{room}.name VALUE.")
        return
    if flag not in known:
        close = get_close_matches(flag.replace("_", "-"), known, n=1, cutoff=0.6)
        guess = f" Did you mean '{close[0]}'?" if close else ""
        raise SettingsError(f"{flag} is no flag of layerwise {grammar.verb}.{guess}{help_line}")


def _check_places(words: list[str], grammar: Grammar) -> None:
    needed = [place for place in grammar.places if not place.startswith("[")]
    most = math.inf if any("..." in place for place in grammar.places) else len(grammar.places)
    usage = f"It is used as: layerwise {grammar.verb} {' '.join(grammar.places)}"
    if len(words) < len(needed):
        raise SettingsError(
            f"layerwise {grammar.verb} needs {needed[len(words)].strip('.')} after it. {usage}"
        )
    if len(words) > most:
        raise SettingsError(
            f"layerwise {grammar.verb} has one word too many: '{words[int(most)]}'. {usage}. "
            "Put a pattern or a name with spaces in quotes: 'parts/*.parquet'."
        )


def _has_parts(kinds: Sequence[str]) -> bool:
    return any(kind.startswith(("dict", "Mapping")) for kind in kinds)


def _number(flag: str, text: str, kinds: Sequence[str]) -> Any:
    """Convert to the narrowest of the kinds that the text can be."""
    if "bool" in kinds and text in WORDS:
        return WORDS[text]
    if "int" in kinds and INTEGER.fullmatch(text):
        return int(text)
    if "float" in kinds and NUMBER.fullmatch(text):
        return float(text)
    if "str" in kinds:
        return text
    musts = {"int": "a whole number", "float": "a number", "bool": "true or false"}
    must = " or ".join(musts[kind] for kind in kinds if kind in musts)
    by_parts = ", or a number for each part: critic=4e-4,generator=1e-4" * _has_parts(kinds)
    raise SettingsError(f"{flag} must be {must}{by_parts}; got '{text}'.")


def _literal(text: str) -> Any:
    parts = text.removesuffix(",").split(",")
    if "," in text and all(parts):  # a comma may also separate nothing
        return tuple(map(_literal, parts))
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    leading_zero = re.match(r"[+-]?0\d", text)  # "01" is a code, not a number
    return float(text) if NUMBER.fullmatch(text) and not leading_zero else text
