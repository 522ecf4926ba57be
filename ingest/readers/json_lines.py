"""JSON lines: one object per line, its members kept as the text they were written in.

Numbers stay text, so that no digit passes through a float. Typing does not live here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ingest.mappings import FileMapping
from ingest.readers.records import (
    MAX_FIELD_CHARACTERS,
    MAX_RECORD_CHARACTERS,
    Facts,
    FileRejectedError,
    RawRecords,
    RawWriter,
    check_header,
    read_header,
)
from ingest.readers.text import TextFile

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_UNKNOWN: Final = 1_000


class _RepeatedMemberError(ValueError):
    """An object that names one member twice."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedMemberError(repeated)
    return members


def _text_of(value: object, *, decimal: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, _Number):
        return value.replace(".", decimal)
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)


class _Number(str):
    """A number as written."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_Number, parse_int=_Number, parse_constant=_Number
)


def read_json_lines(
    text: TextFile, *, mapping: FileMapping, file_name: str, scratch: Path
) -> RawRecords:
    """Read a JSON lines file.

    Args:
        text: The file in UTF-8.
        mapping: The mapping of the file.
        file_name: The delivered name, for messages.
        scratch: A private folder.

    Returns:
        Its records, with the columns that the mapping uses.

    Raises:
        FileRejectedError: FORMAT_MISMATCH, MISSING_COLUMN or TRUNCATED.
    """
    wanted = mapping.source_columns
    found: set[str] = set()
    unknown: dict[str, None] = {}
    with (
        text.path.open("rb") as handle,
        RawWriter(scratch / "records.parquet", wanted) as writer,
    ):
        if handle.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
            handle.seek(0)
        is_first = True
        while line := handle.readline(MAX_RECORD_CHARACTERS):
            if not line.endswith(b"\n") and len(line) == MAX_RECORD_CHARACTERS:
                while (more := handle.readline(MAX_RECORD_CHARACTERS)) and not more.endswith(b"\n"):
                    pass
                writer.write(
                    [],
                    raw_text=line[:MAX_FIELD_CHARACTERS].decode("utf-8", errors="ignore"),
                    defect=("FIELD_TOO_LARGE", "a shorter record", "more than a mebibyte"),
                )
                continue
            if not line.strip():
                continue
            raw_text = line.decode("utf-8").rstrip("\r\n")
            if is_first and raw_text.lstrip().startswith("["):
                raise FileRejectedError(
                    "FORMAT_MISMATCH",
                    f"{file_name}: expected one JSON object per line, found a JSON array; "
                    "export JSON lines",
                )
            is_first = False
            try:
                record = _DECODER.decode(raw_text)
            except _RepeatedMemberError as error:
                defect = ("DUPLICATE_MEMBER", "each member once", str(error))
                writer.write([], raw_text=raw_text, defect=defect)
                continue
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    raise FileRejectedError(
                        "TRUNCATED",
                        f"{file_name}: expected a whole JSON object and a line end, found "
                        f"{raw_text[:200]!r} at the end; deliver the whole file again",
                    ) from error
                defect = ("RAGGED_ROW", "one JSON object on the line", str(error))
                writer.write([], raw_text=raw_text, defect=defect)
                continue
            if not isinstance(record, dict):
                defect = ("RAGGED_ROW", "a JSON object", type(record).__name__)
                writer.write([], raw_text=raw_text, defect=defect)
                continue
            found.update(name for name in wanted if name in record)
            if len(unknown) < _MAX_UNKNOWN:
                unknown |= dict.fromkeys(name for name in record if name not in wanted)
            _write(writer, record, wanted, raw_text, decimal=mapping.numbers.decimal)
    header = read_header([name for name in wanted if name in found], mapping)
    if writer.row_count:
        check_header(header, where=file_name)
    return RawRecords(
        rows=writer.scan(),
        columns=wanted,
        row_count=writer.row_count,
        unknown_columns=tuple(unknown),
        absent_columns=header.absent,
        facts=Facts(is_ascii=False, has_nul=True, is_typed=True),
    )


def _write(
    writer: RawWriter,
    record: dict[str, Any],
    wanted: Sequence[str],
    raw_text: str,
    *,
    decimal: str,
) -> None:
    values = [_text_of(record.get(name), decimal=decimal) for name in wanted]
    defect = None
    longest = max((len(value) for value in values if value), default=0)
    if longest > MAX_FIELD_CHARACTERS:
        defect = (
            "FIELD_TOO_LARGE",
            f"at most {MAX_FIELD_CHARACTERS} characters",
            f"{longest} characters",
        )
    writer.write(values, raw_text=raw_text, defect=defect)
