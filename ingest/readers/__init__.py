"""Readers: from the bytes of a delivered file to its records as text.

Here live unpacking, encodings and one reader per format. Mapping, typing and judging rows do not
live here: a reader knows the mapping only for the layout of the file and the names it must find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ingest.mappings import EXTENSIONS, PACKINGS, FileMapping
from ingest.readers.delimited import read_delimited
from ingest.readers.records import Facts, FileRejectedError, RawRecords
from ingest.readers.text import DEFAULT_LIMITS, Limits, open_text

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
) -> RawRecords:
    """Read a delivered file.

    Args:
        path: The archived bytes.
        file_name: The delivered name, whose suffix tells the format.
        mapping: The mapping of the file.
        timezone: The zone in which instants with an offset become business dates.
        scratch: A private folder, which the caller removes after the records were used.
        limits: What a packed file may become.

    Returns:
        Its records as text.

    Raises:
        FileRejectedError: The file cannot be read as declared.
    """
    kind, packing = _kind_of(file_name)
    if kind in _DELIMITED:
        text = open_text(
            path,
            packing=packing,
            encoding=mapping.format.encoding,
            scratch=scratch,
            limits=limits,
        )
        return read_delimited(text, mapping=mapping, file_name=file_name, scratch=scratch)
    raise FileRejectedError(
        "FORMAT_MISMATCH",
        f"{file_name}: expected a file ending in {', '.join(EXTENSIONS)}, text ones also packed "
        f"as {', '.join(PACKINGS)}; found {kind!r}",
    )
