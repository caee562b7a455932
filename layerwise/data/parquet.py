"""Parquet files as a Source; numbers keep their width and are not copied."""

# pyarrow.compute makes its functions when it is imported, so that pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as arrow_parquet

from layerwise.data.files import opened
from layerwise.data.frames import plain_frame, same_columns
from layerwise.data.source import Source, shape_text
from layerwise.errors import DataError


def read_parquet(paths: Sequence[Path], name: str, options: dict) -> Source:
    """Rows of Parquet files with the same columns; numbers keep their width and are not copied."""
    tables = [_parquet_table(path) for path in paths]
    tables = [_with_folder_columns(*pair, paths) for pair in zip(tables, paths, strict=True)]
    for path, table in zip(paths, tables, strict=True):
        same_columns(table.column_names, tables[0].column_names, path.name, paths[0].name)
    try:
        table = pa.concat_tables(
            [table.select(tables[0].column_names) for table in tables],
            promote_options="permissive",
        )
    except pa.ArrowException as error:
        raise DataError(
            f"The parts of {name} have columns of different types: {error}. Write them alike."
        ) from None
    del tables
    notes: list[str] = []
    table = _plain_columns(table, paths[0], notes)
    if not table.num_rows:
        raise DataError(f"{paths[0]} has columns but no rows. Give a file with rows.")
    frame = table.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)
    files = f"{paths[0].name}" if len(paths) == 1 else f"{len(paths)} Parquet files"
    about = f"{files}, {shape_text(frame)}, Parquet"
    return Source(name, plain_frame(frame, notes), notes=tuple(notes), about=about)


def _parquet_table(path: Path) -> pa.Table:
    with opened(path) as file:
        if not file.read(1):
            raise DataError(f"{path} is empty (0 bytes). Write it anew.")
    try:
        table = (
            arrow_parquet.ParquetFile(path, memory_map=True).read().replace_schema_metadata(None)
        )
        assert isinstance(table.column_names, list)  # a damaged name is found here
        return table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path} is a damaged or cut off Parquet file ({error}). Write it anew."
        ) from None


def _with_folder_columns(table: pa.Table, path: Path, paths: Sequence[Path]) -> pa.Table:
    """The table with a column for each folder such as year=2020 that parts the files."""
    root = Path(os.path.commonpath([one.parent for one in paths]))
    for place in path.parent.relative_to(root).parts:
        name, equals, value = place.partition("=")
        if equals and name not in table.column_names:
            plain = int(value) if value.isdigit() and str(int(value)) == value else value
            table = table.append_column(name, pa.repeat(pa.scalar(plain), table.num_rows))
    return table


def _plain_columns(table: pa.Table, path: Path, notes: list[str]) -> pa.Table:
    """Only numbers, truth values, times and text; refuses lists, structures and bytes."""
    for place, column in enumerate(table.schema):
        kind, cells = column.type, table.column(place)
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise DataError(
                f"{path}, column '{column.name}' holds {kind}. "
                "A column must hold numbers, truth values, dates or text."
            )
        if (wanted := _plain_type(kind)) is not None:
            table = table.set_column(place, column.name, cells.cast(wanted))
        elif kind == pa.uint64() and (pc.max(cells).as_py() or 0) >= 2**63:
            notes.append(f"Column '{column.name}' stays text: its numbers exceed 2^63.")
            table = table.set_column(place, column.name, cells.cast(pa.string()))
    return table


def _plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The plain type that takes the place of an uncommon one; None: it stays."""
    rules = (
        (pa.types.is_dictionary, lambda: kind.value_type),
        (pa.types.is_decimal, pa.float64),
        (pa.types.is_date, lambda: pa.timestamp("s")),
        (pa.types.is_time, pa.string),
        (pa.types.is_duration, pa.int64),
        (pa.types.is_null, pa.float64),
    )
    return next((plain() for is_kind, plain in rules if is_kind(kind)), None)
