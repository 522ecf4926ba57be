"""Readers: from the bytes of a delivered file to its records as text.

Here live unpacking, encodings and one reader per format. Mapping, typing and judging rows do not
live here: a reader knows the mapping only for the layout of the file and the names it must find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ingest.mappings import EXTENSIONS, PACKINGS, FileMapping
from ingest.readers.delimited import read_delimited
from ingest.readers.json_lines import read_json_lines
from ingest.readers.parquet import read_parquet
from ingest.readers.records import Facts, FileRejectedError, RawRecords
from ingest.readers.text import DEFAULT_LIMITS, Limits, open_text
from ingest.readers.workbook import read_workbook

__all__ = ["Facts", "FileRejectedError", "Limits", "RawRecords", "read_records"]

_DELIMITED: Final = ("csv", "tsv", "txt")


def _kind_of(file_name: str) -> tuple[str, str | None]:
    """The format and packing that a file's name promises."""
    parts = file_name.lower().split(".")
    packing = parts.pop() if parts[-1] in PACKINGS else None
    return parts[-1], packing


def read_records(
    path: Path,
    *,
    file_name: str,
    mapping: FileMapping,
    timezone: str | None,
    scratch: Path,
    limits: Limits = DEFAULT_LIMITS,
    is_exact: bool = False,
) -> RawRecords:
    """Read a delivered file.

    Args:
        path: The archived bytes.
        file_name: The delivered name, whose suffix tells the format.
        mapping: The mapping of the file.
        timezone: The zone in which instants with an offset become business dates.
        scratch: A private folder, which the caller removes after the records were used.
        limits: What a packed file may become.
        is_exact: Whether to split delimited text record by record even if it looks clean.

    Returns:
        Its records as text.

    Raises:
        FileRejectedError: The file cannot be read as declared.
    """
    kind, packing = _kind_of(file_name)
    if kind in (*_DELIMITED, "jsonl"):
        text = open_text(
            path,
            packing=packing,
            encoding=mapping.format.encoding,
            scratch=scratch,
            limits=limits,
        )
        if kind == "jsonl":
            return read_json_lines(text, mapping=mapping, file_name=file_name, scratch=scratch)
        return read_delimited(
            text, mapping=mapping, file_name=file_name, scratch=scratch, is_exact=is_exact
        )
    if kind == "parquet" and packing is None:
        return read_parquet(path, mapping=mapping, file_name=file_name, timezone=timezone)
    if kind == "xlsx" and packing is None:
        return read_workbook(
            path, mapping=mapping, file_name=file_name, scratch=scratch, limits=limits
        )
    raise FileRejectedError(
        "FORMAT_MISMATCH",
        f"{file_name}: expected a file ending in {', '.join(EXTENSIONS)}, text ones also packed "
        f"as {', '.join(PACKINGS)}; found {kind if packing is None else f'{kind}.{packing}'!r}",
    )
