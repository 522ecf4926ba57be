"""Delimited text: header, delimiter, pre-flight scan, and the split into records.

A clean file without quotes is handed to the streaming engine as it is; every other file is split
record by record here, exactly, into a private file. Typing does not live here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from ingest.mappings import FileMapping
from ingest.readers.records import (
    MAX_FIELD_CHARACTERS,
    MAX_RECORD_CHARACTERS,
    ROW_NUMBER,
    Facts,
    FileRejectedError,
    Header,
    RawRecords,
    RawWriter,
    check_header,
    read_header,
)
from ingest.readers.text import CHUNK_BYTES, TextFile

DELIMITERS: Final = (",", ";", "\t", "|")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATOR_LINE: Final = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
_LINE_LIMIT: Final = 65_536
_PADDING: Final = (b" ", b"\t")

Record = tuple[list[str], str, tuple[str, str, str] | None]


@dataclass(frozen=True)
class _Layout:
    """Where the records begin, and what separates their fields."""

    delimiter: str
    header: Header
    lines_above: int
    data_start: int


@dataclass(frozen=True)
class _Scan:
    """What one pass over the bytes of the records found."""

    is_clean: bool
    row_count: int
    has_padding: bool


def read_delimited(
    text: TextFile,
    *,
    mapping: FileMapping,
    file_name: str,
    scratch: Path,
    is_exact: bool = False,
) -> RawRecords:
    """Read a delimited text file.

    Args:
        text: The file in UTF-8.
        mapping: The mapping of the file.
        file_name: The delivered name, for messages and for the delimiter of `.tsv`.
        scratch: A private folder.
        is_exact: Whether to split record by record even if the file looks clean.

    Returns:
        Its records.

    Raises:
        FileRejectedError: MISSING_COLUMN, DUPLICATE_HEADER, DELIMITER, UNBALANCED_QUOTE,
            EMBEDDED_RECORD, TRUNCATED or EMPTY_FILE.
    """
    layout = _find_layout(text.path, mapping=mapping, file_name=file_name)
    if is_exact:
        return _split(text, layout=layout, scratch=scratch)
    scan = _scan(text.path, layout=layout)
    facts = Facts(is_ascii=text.is_ascii, has_padding=scan.has_padding, has_nul=text.has_nul)
    if scan.is_clean and not text.has_nul:
        return _hand_over(text.path, layout=layout, scan=scan, facts=facts)
    return _split(text, layout=layout, scratch=scratch)


def _find_layout(path: Path, *, mapping: FileMapping, file_name: str) -> _Layout:
    declared = mapping.format.delimiter
    with path.open("rb") as handle:
        lines_above = 0
        start = 0
        if handle.read(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK:
            start = len(_BYTE_ORDER_MARK)
        handle.seek(start)
        first = _decoded(handle.readline(MAX_RECORD_CHARACTERS))
        separator = _SEPARATOR_LINE.match(first.rstrip("\r\n"))
        if separator is None:
            handle.seek(start)
        else:
            lines_above += 1
            declared = declared or separator.group(1)
        for _ in range(mapping.format.skip_rows):
            if not handle.readline(MAX_RECORD_CHARACTERS):
                break
            lines_above += 1
        lines: list[str] = []
        data_start = handle.tell()
        while len(lines) < max(mapping.format.header_rows, 1):
            line = handle.readline(MAX_RECORD_CHARACTERS)
            if not line:
                break
            text = _decoded(line).rstrip("\r\n")
            if mapping.format.header_rows == 0:
                lines.append(text)
                break
            lines_above += 1
            if text.strip():
                lines.append(text)
            data_start = handle.tell()
    if not lines:
        raise FileRejectedError(
            "EMPTY_FILE", f"{file_name}: expected a header, found none; deliver again"
        )
    candidates = (declared,) if declared else _candidates(file_name)
    headers = {mark: _header_of(lines, delimiter=mark, mapping=mapping) for mark in candidates}
    best = max(candidates, key=lambda mark: headers[mark].found_count)
    header = headers[best]
    if declared and header.missing:
        for other in DELIMITERS:
            tried = _header_of(lines, delimiter=other, mapping=mapping)
            if not tried.missing and not tried.repeated:
                raise FileRejectedError(
                    "DELIMITER",
                    f"{file_name}: expected {declared!r} between fields, found {other!r}; "
                    "correct format.delimiter in the mapping",
                )
    check_header(header, where=f"{file_name}, line {lines_above}")
    return _Layout(delimiter=best, header=header, lines_above=lines_above, data_start=data_start)


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")


def _candidates(file_name: str) -> tuple[str, ...]:
    if ".tsv" in file_name.lower():
        return ("\t", *(mark for mark in DELIMITERS if mark != "\t"))
    return DELIMITERS


def _header_of(lines: list[str], *, delimiter: str, mapping: FileMapping) -> Header:
    rows = [_fields_of(line, delimiter)[0] for line in lines]
    if mapping.format.header_rows == 0:
        return read_header([f"column_{n}" for n in range(1, len(rows[0]) + 1)], mapping)
    width = max(len(row) for row in rows)
    filled = [row + [""] * (width - len(row)) for row in rows]
    cells = [
        " ".join(part for part in column if part.strip()) for column in zip(*filled, strict=True)
    ]
    return read_header(cells, mapping)


def _scan(path: Path, *, layout: _Layout) -> _Scan:
    """Prove in one pass over the bytes that every line is a record of the header's width.

    Without quotes a delimiter is always a border. The streaming engine refuses a record with too
    many fields; so when the delimiters of all records together are as many as they must be, none
    has too few.
    """
    delimiter = layout.delimiter.encode()
    blanks = [blank for blank in _PADDING if blank != delimiter]
    padded = [
        pair
        for blank in blanks
        for pair in (
            blank + delimiter,
            delimiter + blank,
            blank + b"\n",
            b"\n" + blank,
            blank + b"\r",
        )
    ]
    lines = delimiters = 0
    has_padding = False
    last = b"\n"
    with path.open("rb") as handle:
        handle.seek(layout.data_start)
        rest_of_line = 0
        while chunk := handle.read(CHUNK_BYTES):
            if b'"' in chunk or b"\0" in chunk:
                return _Scan(is_clean=False, row_count=0, has_padding=True)
            window = last + chunk
            if b"\n\n" in window or b"\n\r" in window:
                return _Scan(is_clean=False, row_count=0, has_padding=True)
            if window.count(b"\r") != window.count(b"\r\n") + window.endswith(b"\r"):
                return _Scan(is_clean=False, row_count=0, has_padding=True)
            rest_of_line = _longest_tail(chunk, rest_of_line)
            if rest_of_line > _LINE_LIMIT:
                return _Scan(is_clean=False, row_count=0, has_padding=True)
            has_padding = has_padding or any(pair in window for pair in padded)
            lines += chunk.count(b"\n")
            delimiters += chunk.count(delimiter)
            last = chunk[-1:]
    if last != b"\n":
        lines += 1
        has_padding = has_padding or last in (b" ", b"\t", b"\r")
    is_clean = delimiters == lines * (len(layout.header.names) - 1)
    return _Scan(is_clean=is_clean, row_count=lines, has_padding=has_padding)


def _longest_tail(chunk: bytes, carried: int) -> int:
    """Bytes since the last line end, or more than the limit when a line in between is longer."""
    position = -carried
    while True:
        end = chunk.rfind(b"\n", max(position, 0), max(position + _LINE_LIMIT, 0))
        if end < 0:
            return (
                len(chunk) - position if len(chunk) - position <= _LINE_LIMIT else _LINE_LIMIT + 1
            )
        position = end + 1


def _hand_over(path: Path, *, layout: _Layout, scan: _Scan, facts: Facts) -> RawRecords:
    header = layout.header
    rows = pl.scan_csv(
        path,
        has_header=False,
        separator=layout.delimiter,
        quote_char=None,
        skip_lines=layout.lines_above,
        schema=dict.fromkeys(header.names, pl.String()),
        row_index_name=ROW_NUMBER,
        row_index_offset=1,
        glob=False,
    )
    return RawRecords(
        rows=rows,
        columns=header.names,
        row_count=scan.row_count,
        unknown_columns=header.unknown,
        absent_columns=header.absent,
        facts=facts,
        delimiter=layout.delimiter,
        is_streamed_text=True,
    )


def _split(text: TextFile, *, layout: _Layout, scratch: Path) -> RawRecords:
    header = layout.header
    width = len(header.names)
    with (
        text.path.open("rb") as handle,
        RawWriter(scratch / "records.parquet", header.names) as writer,
    ):
        handle.seek(layout.data_start)
        for fields, raw_text, defect in _records_of(handle, layout.delimiter, width=width):
            if defect is None and len(fields) > width and not any(fields[width:]):
                fields = fields[:width]
            if defect is None and len(fields) != width:
                defect = ("RAGGED_ROW", f"{width} fields", f"{len(fields)} fields")
            if defect is None and max(map(len, fields)) > MAX_FIELD_CHARACTERS:
                longest = max(map(len, fields))
                defect = (
                    "FIELD_TOO_LARGE",
                    f"at most {MAX_FIELD_CHARACTERS} characters",
                    f"{longest} characters",
                )
            values = [field or None for field in fields]
            writer.write(values, raw_text=raw_text, defect=defect)
    return RawRecords(
        rows=writer.scan(),
        columns=header.names,
        row_count=writer.row_count,
        unknown_columns=header.unknown,
        absent_columns=header.absent,
        facts=Facts(is_ascii=text.is_ascii, has_nul=text.has_nul),
    )


def _records_of(handle: BinaryIO, delimiter: str, *, width: int) -> Iterator[Record]:
    """Split the rest of a file into records; blank lines are none."""
    mark = delimiter.encode()
    while True:
        line = handle.readline(MAX_RECORD_CHARACTERS)
        if not line:
            return
        if not line.endswith(b"\n") and len(line) == MAX_RECORD_CHARACTERS:
            yield _too_long(handle, line)
            continue
        if not line.strip():
            continue
        has_end = line.endswith(b"\n")
        text = line.decode("utf-8").rstrip("\r\n")
        if b'"' not in line:
            fields = text.split(delimiter)
            if len(fields) < width and not has_end:
                _refuse_cut_record(text, len(fields), width)
            yield fields, text, None
            continue
        fields, is_open, is_malformed = _fields_of(text, delimiter)
        joined = line
        while is_open:
            following = handle.readline(MAX_RECORD_CHARACTERS)
            if not following or len(joined) + len(following) > MAX_RECORD_CHARACTERS:
                raise FileRejectedError(
                    "UNBALANCED_QUOTE",
                    f"expected a closing quote, found none after {text[:200]!r}; "
                    "have the source quote its fields, or deliver again",
                )
            if following.count(mark) == width - 1:
                raise FileRejectedError(
                    "EMBEDDED_RECORD",
                    "expected one record between quotes, found a whole record inside: "
                    f"{following.decode('utf-8')[:200]!r}; have the source double its quotes",
                )
            joined += following
            text = joined.decode("utf-8").rstrip("\r\n")
            fields, is_open, is_malformed = _fields_of(text, delimiter)
        if is_malformed:
            yield (
                fields,
                text,
                ("UNBALANCED_QUOTE", "a delimiter behind a closing quote", text[:200]),
            )
            continue
        yield fields, text, None


def _too_long(handle: BinaryIO, line: bytes) -> Record:
    length = len(line)
    while True:
        more = handle.readline(MAX_RECORD_CHARACTERS)
        length += len(more)
        if not more or more.endswith(b"\n"):
            break
    text = line[:MAX_FIELD_CHARACTERS].decode("utf-8", errors="ignore")
    return (
        [],
        text,
        ("FIELD_TOO_LARGE", f"at most {MAX_FIELD_CHARACTERS} characters", f"{length} bytes"),
    )


def _refuse_cut_record(text: str, found: int, width: int) -> None:
    raise FileRejectedError(
        "TRUNCATED",
        f"expected {width} fields and a line end in the last record, found {found} fields and "
        f"no line end: {text[:200]!r}; deliver the whole file again",
    )


_CLOSED: Final = re.compile(r'"((?:[^"]|"")*+)"')


@lru_cache(maxsize=8)
def _plain(delimiter: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(delimiter)}]*")


def _fields_of(text: str, delimiter: str) -> tuple[list[str], bool, bool]:
    """Split one record.

    A quote opens a quoted field only at the field's beginning, blanks aside; elsewhere it is a
    character like any other.

    Returns:
        The fields; whether a quoted field is still open at the end; whether something other than
        a delimiter stands behind a closing quote.
    """
    fields: list[str] = []
    plain = _plain(delimiter)
    position = 0
    length = len(text)
    while True:
        start = position
        while start < length and text[start] == " ":
            start += 1
        if start < length and text[start] == '"':
            closed = _CLOSED.match(text, start)
            if closed is None:
                return fields, True, False
            fields.append(closed.group(1).replace('""', '"'))
            position = closed.end()
            while position < length and text[position] == " ":
                position += 1
            if position < length and text[position] != delimiter:
                return fields, False, True
        else:
            field = plain.match(text, position)
            assert field is not None  # noqa: S101 - the pattern matches the empty text
            fields.append(field.group())
            position = field.end()
        if position >= length:
            return fields, False, False
        position += 1
