"""A table becomes text, pairs of texts or a series where what is to be learned asks for it."""

from collections.abc import Mapping
from typing import Any

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.grids import as_fields, as_fields_like, fields_target, images_as_fields
from layerwise.data.kinds import tell_kind
from layerwise.data.mask_target import mask_target, without_masks
from layerwise.data.pairs import as_pairs, to_translate
from layerwise.data.series import as_series, series_target
from layerwise.data.source import Source, several
from layerwise.data.text import as_text
from layerwise.errors import DataError

FEW_COLUMNS = 8  # in wider tables no column of free text is looked for


def shaped(source: Source, form: str, wanted: Mapping[str, Any]) -> Source:
    """The source in the form that the task asks for ("" for none); the rows stay rows.

    wanted : the arguments of ``Learner.fit``
    """
    if source.form == "grid":
        return as_fields(source, wanted)
    if form == "grid" and source.inputs is not None and source.inputs.ndim == 4:
        return images_as_fields(source)
    changed = any(wanted.get(role) is not None for role in ("target", "time", "group", "ignore"))
    if source.form and not (source.form == "series" and changed):
        return source
    if form == "series" or source.form == "series":
        return as_series(
            source, target=wanted.get("target"), time=wanted.get("time"),
            group=wanted.get("group"), ignore=wanted.get("ignore"), options=source.options,
        )  # fmt: skip
    if source.inputs is not None:
        return source
    if form == "pairs":
        return as_pairs(source)
    column = _text_column(source, wanted, form == "text")
    if column is None:
        return source
    return as_text(source, column, source.options)


def shaped_like(source: Source, preparation: Any) -> Source:
    """The source in the form in which it was learned, so that it can be predicted."""
    if preparation.form == "grid" and source.form == "grid":
        return as_fields_like(source, preparation)
    if preparation.form == "pairs" and not source.form:
        return to_translate(source)
    if preparation.form == "masks" and not source.form and source.inputs is not None:
        return without_masks(source)
    roles = preparation.roles
    wanted = {"target": getattr(preparation, "targets", None) or None, "time": roles.time,
              "group": roles.group}  # fmt: skip
    if preparation.form != "series":
        wanted = dict.fromkeys(wanted)
    return shaped(source, preparation.form, wanted)


def target_of_form(source: Source) -> Target | None:
    """The target that the form itself brings: a series' next times, the other language, a mask."""
    if source.form == "series":
        return series_target(source)
    if source.form == "grid":
        return fields_target(source)
    if source.form == "masks":
        return mask_target(source)
    return Target("text", ("target",)) if source.form == "pairs" else None


def _text_column(source: Source, wanted: Mapping[str, Any], needed: bool) -> str | None:
    """The column to be read as text: the one that is named, or the only one that could be."""
    columns = list(source.frame.columns)
    named = several((source.options or {}).get("text"), columns)
    if len(named) == 1 and (needed or _is_free_text(source, named[0])):
        return named[0]
    left = _without_role(columns, source, wanted)
    if needed and len(left) == 1:
        return left[0]
    numbers = any(cells.is_numeric(cells.column(source.frame, name)) for name in left)
    if len(left) > FEW_COLUMNS or named or (numbers and not needed):
        return None
    kinds = {name: tell_kind(cells.column(source.frame, name)) for name in left}
    texts = [name for name, column in kinds.items() if column.kind == "text"]
    only = len(texts) == 1 and not any(column.is_input for column in kinds.values())
    if needed and not (len(texts) == 1):
        raise DataError(
            f"{source.name} does not say which column is the text. Give it with --data.text. There "
            f"are: {', '.join(map(str, left))}."
        )
    return texts[0] if only or (needed and texts) else None


def _without_role(columns: list, source: Source, wanted: Mapping[str, Any]) -> list:
    """The columns that neither the user nor the source gives a role."""
    taken = {*source.target, *source.roles.values()}
    for role in ("target", "key", "group", "time", "weight", "carry", "ignore"):
        names = wanted.get(role)
        if names is None or isinstance(names, (str, list, tuple)):
            taken |= {name for name in several(names, columns) if isinstance(name, str)}
    return [name for name in columns if name not in taken]


def _is_free_text(source: Source, name: str) -> bool:
    """Whether a column holds words: named as text, it may also be a code with leading zeros."""
    if name not in source.frame.columns:
        raise DataError(
            f"Column '{name}' of --data.text is not in {source.name}. There are: "
            f"{', '.join(map(str, source.frame.columns))}."
        )
    return tell_kind(cells.column(source.frame, name)).kind in ("text", "identifier")
