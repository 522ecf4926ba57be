"""Parquet: typed columns rendered as the text that the mapping would read.

Dates and instants become ISO text, numbers plain decimals in the declared decimal sign. The file
is never held in memory. Typing under the contract does not live here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from ingest.extracts import EXTRACTS, TEXT
from ingest.mappings import FileMapping
from ingest.readers.records import (
    DEFECT_CODE,
    DEFECT_EXPECTED,
    DEFECT_FOUND,
    MAX_FIELD_CHARACTERS,
    MAX_RECORD_CHARACTERS,
    RAW_TEXT,
    ROW_NUMBER,
    Facts,
    FileRejectedError,
    RawRecords,
    check_header,
    read_header,
)

_FIELD_SEPARATOR: Final = "\t"
_LONGEST: Final = "_longest"


def read_parquet(
    path: Path, *, mapping: FileMapping, file_name: str, timezone: str | None
) -> RawRecords:
    """Read a Parquet file.

    Args:
        path: The archived file.
        mapping: The mapping of the file.
        file_name: The delivered name, for messages.
        timezone: The zone in which instants that carry a zone become local ones.

    Returns:
        Its records, streamed from the file.

    Raises:
        FileRejectedError: CORRUPT_FILE, SCHEMA_TYPE, MISSING_COLUMN or DUPLICATE_HEADER.
    """
    rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        schema = rows.collect_schema()
        row_count: int = rows.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileRejectedError(
            "CORRUPT_FILE",
            f"{file_name}: expected a whole Parquet file, found {str(error)[:300]}; "
            "transfer the file again",
        ) from error
    header = read_header(list(schema), mapping)
    check_header(header, where=file_name)
    identifiers = _identifiers(mapping)
    columns = []
    for name, (delivered, dtype) in zip(header.names, schema.items(), strict=True):
        is_used = name in mapping.source_columns
        if is_used:
            _check_type(name, dtype, is_identifier=name in identifiers, file_name=file_name)
        column = pl.col(delivered)
        columns.append(
            _as_text(column, dtype, decimal=mapping.numbers.decimal, timezone=timezone).alias(name)
        )
    return RawRecords(
        rows=_with_defects(
            rows.with_row_index(ROW_NUMBER, offset=1).select(ROW_NUMBER, *columns), header.names
        ),
        columns=header.names,
        row_count=row_count,
        unknown_columns=header.unknown,
        absent_columns=header.absent,
        facts=Facts(is_typed=True),
    )


def _with_defects(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """Add the raw text of each record, and the defect of those with too long a text."""
    is_long = pl.col(_LONGEST) > MAX_FIELD_CHARACTERS
    words = {
        DEFECT_CODE: pl.lit("FIELD_TOO_LARGE"),
        DEFECT_EXPECTED: pl.lit(f"at most {MAX_FIELD_CHARACTERS} characters"),
        DEFECT_FOUND: pl.format("{} characters", _LONGEST),
    }
    filled = [pl.col(column).fill_null("") for column in columns]
    raw_text = pl.concat_str(filled, separator=_FIELD_SEPARATOR)
    return (
        rows.with_columns(
            pl.max_horizontal(pl.col(column).str.len_chars() for column in columns).alias(_LONGEST),
            raw_text.str.slice(0, MAX_RECORD_CHARACTERS).alias(RAW_TEXT),
        )
        .with_columns(
            *(pl.when(is_long).then(word).alias(name) for name, word in words.items()),
            *(pl.col(column).str.slice(0, MAX_FIELD_CHARACTERS) for column in columns),
        )
        .drop(_LONGEST)
    )


def _identifiers(mapping: FileMapping) -> set[str]:
    """Source columns that become text without codes."""
    names = set()
    for part in mapping.extracts:
        extract = EXTRACTS[part.extract]
        for name, source in part.columns.items():
            if source.column is not None and extract.column(name).dtype == TEXT:
                names.add(source.column)
    return names


def _check_type(name: str, dtype: pl.DataType, *, is_identifier: bool, file_name: str) -> None:
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        expected = "text, a number, a date or a flag"
    elif is_identifier and dtype.is_float():
        expected = "text (a float cannot hold an identifier)"
    else:
        return
    raise FileRejectedError(
        "SCHEMA_TYPE",
        f"{file_name}, column {name}: expected {expected}, found {dtype}; "
        "have the source write the column as text",
    )


def _as_text(column: pl.Expr, dtype: pl.DataType, *, decimal: str, timezone: str | None) -> pl.Expr:
    if dtype == pl.String:
        return pl.when(column != "").then(column)
    if dtype == pl.Date:
        return column.dt.to_string("iso:strict")
    if isinstance(dtype, pl.Datetime):
        return _moment_text(column, dtype, timezone)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Time, pl.Duration):
        return pl.when(column.is_not_null()).then(pl.lit(f"({dtype})"))
    text = column.cast(pl.String)
    if dtype.is_float() or isinstance(dtype, pl.Decimal):
        has_point = text.str.contains(r"^-?[0-9]+\.[0-9]*$")
        shortened = text.str.strip_chars_end("0").str.strip_chars_end(".")
        text = pl.when(has_point).then(shortened).otherwise(text)
        if decimal != ".":
            text = text.str.replace(".", decimal, literal=True)
    return text


def _moment_text(column: pl.Expr, dtype: pl.Datetime, timezone: str | None) -> pl.Expr:
    """ISO text: a day where the local time is midnight, else a moment; with offset if it has one.

    A day kept as an instant (midnight in Shanghai is 16:00 of the day before in UTC) is a day
    again in the source's zone.
    """
    if dtype.time_zone is None:
        local = column
        with_offset = column.dt.to_string("%Y-%m-%d %H:%M:%S%.f")
    else:
        local = column.dt.convert_time_zone(timezone or dtype.time_zone)
        with_offset = column.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%d %H:%M:%S%.f+00:00")
    is_day = local.dt.time() == pl.time(0)
    return pl.when(is_day).then(local.dt.to_string("%Y-%m-%d")).otherwise(with_offset)
