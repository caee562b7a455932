"""Folders of aligned text files, one per language and part, such as train.en and train.de."""

import re
from pathlib import Path

import numpy as np

from layerwise.data.pairs import check_aligned, pairs_source, read_lines
from layerwise.data.source import Source, counted, several
from layerwise.errors import DataError

PARTS = {"train": "train", "val": "validation", "dev": "validation", "test": "test"}  # by prefix
LANGUAGE = re.compile(r"^[a-z]{2,3}([-_][A-Za-z]{2,4})?$")
NO_LANGUAGES = ("csv", "tsv", "txt", "tab", "dat", "npz", "npy", "py", "md", "pq", "gz", "zip")


def is_pair_folder(folder: Path) -> bool:
    """Whether a folder holds training sentences in two languages or more, such as train.en."""
    return len(_languages(folder)) > 1


def read_pair_folder(folder: Path, options: dict) -> Source:
    """The pairs of a folder with files such as train.en, train.de, val.en, val.de, test_2016.en.

    The beginning of a file's name fixes the part of its rows: train, val or dev, test. The
    option ``languages`` ("en,de") says from which language into which; without it the folder's
    name does ("multi30k-en-de"), else the order of the alphabet.
    Raises DataError where a file has no counterpart, and what ``read_pair_files`` raises.
    """
    notes: list[str] = []
    languages = _direction(folder, options, notes)
    sides: tuple[list[str], list[str]] = [], []
    parts: list[str] = []
    for stem, part in _stems(folder, languages):
        files = [folder / f"{stem}.{language}" for language in languages]
        lines = [read_lines(file, options, notes) for file in files]
        check_aligned(files[0], files[1], *lines)
        for side, more in zip(sides, lines, strict=True):
            side.extend(more)
        parts += [part] * len(lines[0])
    about = f"{counted(len(parts), 'pair')} of sentences, {languages[0]} to {languages[1]}"
    options = {**options, "languages": ",".join(languages)}
    fixed = np.array(parts, dtype="<U10")
    name = folder.resolve().name
    return pairs_source(name, sides, languages, notes, about, options, fixed)


def _languages(folder: Path) -> list[str]:
    """Languages of which the folder has training sentences, in the order of the alphabet."""
    return sorted({language for stem, language in _files(folder) if _part(stem) == "train"})


def _files(folder: Path) -> list[tuple[str, str]]:
    """(stem, language) of each file whose name begins with a part and ends with a language."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    parted = [name.rpartition(".") for name in names]
    return [
        (stem, end)
        for stem, _, end in parted
        if _part(stem) and LANGUAGE.match(end) and end not in NO_LANGUAGES
    ]


def _part(stem: str) -> str:
    """The part that a file's name begins with, or ""."""
    found = (part for prefix, part in PARTS.items() if stem.lower().startswith(prefix))
    return next(found, "")


def _direction(folder: Path, options: dict, notes: list[str]) -> tuple[str, str]:
    """From which language into which."""
    known, name = _languages(folder), folder.resolve().name
    asked = several(options.get("languages"), [])
    if asked:
        if len(asked) != 2 or asked[0] == asked[1] or not set(asked) <= set(known):
            raise DataError(
                f"--data.languages must be two of {', '.join(known)}, from and into, such as "
                f"{known[0]},{known[-1]}; got {','.join(asked)}."
            )
        return asked[0], asked[1]
    if len(known) != 2:
        raise DataError(
            f"{folder} has training sentences in {len(known)} languages ({', '.join(known)}). "
            "Say from which into which: --data.languages FROM,INTO."
        )
    first, second = known
    named = re.search(rf"({first})[-_]({second})|({second})[-_]({first})", name)
    if named and named[3]:
        first, second = second, first
    why = f"as the folder's name says ({name})" if named else "in the order of the alphabet"
    notes.append(
        f"Translates from {first} into {second}, {why}; for the other direction give "
        f"--data.languages {second},{first}."
    )
    return first, second


def _stems(folder: Path, languages: tuple[str, str]) -> list[tuple[str, str]]:
    """(stem, part) of the files of both languages, in the order of the parts."""
    found = _files(folder)
    stems = {language: {stem for stem, end in found if end == language} for language in languages}
    for one, other in (languages, languages[::-1]):
        alone = sorted(stems[one] - stems[other])
        if alone:
            raise DataError(
                f"{folder} has {alone[0]}.{one}, but no {alone[0]}.{other} with the "
                "translations. Add it, or remove the first."
            )
    order = list(dict.fromkeys(PARTS.values()))
    both = sorted(stems[languages[0]], key=lambda stem: (order.index(_part(stem)), stem))
    return [(stem, _part(stem)) for stem in both]
