"""Experience: ``read`` gives the rows of any source that layerwise understands.

A source is a known name, a file, a folder, a glob, or data in memory. Everything that can be
wrong with it is a DataError that names the file and the line; everything that was decided while
reading stands in ``Source.notes``.
"""

from dataclasses import replace
from os import PathLike
from pathlib import Path

from layerwise.data.files import TABLE_SUFFIXES, first_bytes
from layerwise.data.grid_files import is_grid_file
from layerwise.data.joining import with_part, with_targets
from layerwise.data.kept import data_folder
from layerwise.data.known import KNOWN, fetch
from layerwise.data.pairs import read_pair_files
from layerwise.data.reading import read_one
from layerwise.data.source import Source
from layerwise.errors import SettingsError, nearest

__all__ = ["KNOWN", "OPTIONS", "Source", "data_folder", "fetch", "read"]
OPTIONS = {
    "separator": "what parts the cells: , ; | tab or space",
    "decimal": "the decimal mark: . or ,",
    "encoding": "of a text file, such as latin-1",
    "header": "true, false, or the line number of the header",
    "categorical": "columns that are categories, even if they look like numbers",
    "numeric": "columns that are numbers, even if they look like codes",
    "dates": "columns that are dates",
    "boolean": "columns that are yes or no",
    "text": "columns that stay text as they are written",
    "lines": "true: every line of a text is an example; false: one long text; auto",
    "context": "how many tokens of a text a network sees at once",
    "tokens": "what a text is made of: characters, bytes, words or bpe",
    "vocabulary": "how many tokens of words or bpe there are",
    "languages": "of a folder of parallel texts: from, into, such as en,de",
    "pairs": "the column to be translated and that of its translation: from,into",
    "lookback": "times of a series that a forecast sees: a whole number",
    "horizon": "times of a series that are forecast: a whole number",
    "calendar": "true: hour, weekday and month are inputs of a forecast",
    "practice": "positions that a network plays in each round against itself",
    "games": "test games against each opponent",
    "opponents": "of test games: random, minimax1 to minimax4",
    "edges": "a table of edges; then the data are its nodes, one row each",
    "edge_source": "the column of edges that names the node where an edge begins",
    "edge_target": "the column of edges that names the node where it ends",
    "level": "of a graph: its rows are node, edge or graph; of a grid: levels, such as 500,850",
    "node_features": "auto, degree, or identity: each node is known by itself",
    "inductive": "true: learning sees no held-out nodes and none of their edges",
    "neighbours": "how many drawn neighbours each layer sees, such as 10,10",
    "masks": "the folder of the masks beside images, or the ending of their names",
    "mask_values": "of the classes, such as 0,255 or #000000,#ff0000",
    "mask_ignore": "the value of pixels that count for nothing, such as 255",
    "mask_threshold": "grey masks: from this value on it is the second class, such as 128",
    "classes": "names of the classes of masks; of synthetic_imagenet how many",
    "variable": "variables of a grid that are inputs, such as tas,co2",
    "times": "of a grid, from:to, such as 1950:1999 or 1950-06:",
    "coarsen": "grids and images: coarse fields are means of blocks of so many cells per side",
    "count": "how many images synthetic_imagenet has",
    "image_column": "the column that names image files",
    "image_size": "pixels: 64, or height,width",
    "image_mode": "grey, rgb or rgba",
    "skip_damaged": "how many images that cannot be read may be left out, at most",
    "image_bits": "bits that 16-bit images use: 8 to 16, such as 12",
}


def read(
    data,
    *,
    options: dict | None = None,
    target=None,
    validation=None,
    test=None,
    targets=None,
    key: str | None = None,
) -> Source:
    """All rows of ``data``, with those of ``validation`` and ``test`` behind them.

    Parameters
    ----------
    data : str, path, DataFrame, array or tensor
        A known name, a file, a folder, a glob; or the inputs themselves.
    options : dict
        How it is read; the keys of ``OPTIONS``.
    target : str, list of str or array
        Names of the target columns, or for data in memory the targets themselves.
    validation, test : like data
        Sources of their own for these parts; their columns must be those of ``data``.
    targets : like data
        A table with the targets, joined by ``key``; or a text, the translation of ``data`` line by
        line.
    key : str
        The column that names each row, in ``data`` and in ``targets``.

    Raises
    ------
    DataError
        Where the source cannot be read rightly.
    SettingsError
        For an unknown option.
    """
    options = _checked_options(options)
    if _are_texts(data, targets):
        return read_pair_files(Path(str(data)), Path(str(targets)), options)
    source = read_one(data, options, target)
    if source.form == "grid":
        return _grid(source, options, validation, test)
    answers = None if targets is None else read_one(targets, options, None)
    if answers is not None:
        source = with_targets(source, answers, key, target)
    for part, other in (("validation", validation), ("test", test)):
        if other is None:
            continue
        more = read_one(other, {**options, **source.options}, None)
        if answers is not None:
            more = with_targets(more, answers, key, target)
        source = with_part(source, part, more)
    again = {name: value for name, value in options.items() if name != "skip_damaged"}
    return replace(source, options={**again, **source.options})


def _are_texts(data, other) -> bool:
    """Whether both are files of plain text: then the second is a translation of the first."""
    if not (isinstance(data, (str, PathLike)) and isinstance(other, (str, PathLike))):
        return False
    both = [Path(one) for one in (data, other)]
    plain = [one for one in both if one.is_file() and one.suffix.lower() not in TABLE_SUFFIXES]
    heads = [(one, first_bytes(one)) for one in plain]
    return len(heads) == 2 and all(
        head[:2] != b"PK" and not is_grid_file(one, head) for one, head in heads
    )


def _grid(source: Source, options: dict, validation, test) -> Source:
    """A grid as it was read; what is learned of it, and from which files, is decided later."""
    if validation is not None or test is not None:
        raise SettingsError(
            "--validation and --test go with tables and images; the rows of a grid are divided by "
            "time. Put all times into one file, and choose some with --data.times."
        )
    return replace(source, options={**options, **source.options})


def _checked_options(options: dict | None) -> dict:
    options = dict(options or {})
    for name in options:
        if name not in OPTIONS:
            raise SettingsError(f"Data option '{name}' is not known.{nearest(name, OPTIONS)}")
    return options
