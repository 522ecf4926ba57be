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

import numpy as np
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
from ingest.readers.text import TextFile

DELIMITERS: Final = (",", ";", "\t", "|")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATOR_LINE: Final = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
_LINE_LIMIT: Final = 65_536
_SCAN_BYTES: Final = 1_048_576
_FORMULA_SIGNS: Final = (b"=", b"@", b"+")
_CALL_SIGNS: Final = (b"(", b"|", b"!")
_PLUS: Final = 43
_MINUS: Final = 45
_EXPONENT_SIGNS: Final = (69, 101)
_TAB: Final = 9
_LINE_FEED: Final = 10
_CARRIAGE_RETURN: Final = 13
_BLANK: Final = 32

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

    row_count: int
    has_padding: bool
    has_control: bool
    has_formula_signs: bool


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
    scan = None if text.has_nul else _scan(text.path, layout=layout)
    if scan is None:
        return _split(text, layout=layout, scratch=scratch)
    return _hand_over(text, layout=layout, scan=scan)


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


def _scan(path: Path, *, layout: _Layout) -> _Scan | None:
    """Prove in one pass over the bytes that every line is a record of the header's width.

    Without quotes a delimiter is always a border. The streaming engine refuses a record with too
    many fields; so when the delimiters of all records together are as many as they must be, none
    has too few.

    Returns:
        What was found, or None when the file has to be split record by record.
    """
    delimiter = ord(layout.delimiter)
    row_count = delimiter_count = 0
    has_padding = has_control = has_formula_signs = False
    rest = b""
    with path.open("rb") as handle:
        handle.seek(layout.data_start)
        while True:
            chunk = handle.read(_SCAN_BYTES)
            lines = rest + chunk
            if not chunk:
                if not lines:
                    break
                lines += b"\n"
            end = lines.rfind(b"\n") + 1
            rest = lines[end:]
            if not chunk:
                rest = b""
            lines = lines[:end]
            if len(rest) > _LINE_LIMIT or b'"' in lines:
                return None
            found = _scan_lines(lines, delimiter)
            if found is None:
                return None
            row_count += found.row_count
            delimiter_count += found.delimiter_count
            has_padding = has_padding or found.has_padding
            has_control = has_control or found.has_control
            has_formula_signs = has_formula_signs or _has_formula_signs(lines, delimiter)
            if not chunk:
                break
    if delimiter_count != row_count * (len(layout.header.names) - 1):
        return None
    return _Scan(row_count, has_padding, has_control, has_formula_signs)


@dataclass(frozen=True)
class _ScannedLines:
    row_count: int
    delimiter_count: int
    has_padding: bool
    has_control: bool


def _scan_lines(lines: bytes, delimiter: int) -> _ScannedLines | None:
    """Look at whole lines; None when one is blank, too long, or ends in a lone carriage return."""
    if not lines:
        return _ScannedLines(0, 0, has_padding=False, has_control=False)
    characters = np.frombuffer(lines, dtype=np.uint8)
    low = np.flatnonzero(characters <= _BLANK)
    codes = characters[low]
    ends = low[codes == _LINE_FEED]
    returns = low[codes == _CARRIAGE_RETURN]
    if (characters[returns + 1] != _LINE_FEED).any():
        return None
    lengths = np.diff(ends, prepend=-1)
    shortest = 2 if len(returns) else 1
    if int(lengths.min()) <= shortest or int(lengths.max()) > _LINE_LIMIT:
        return None
    is_tab = codes == _TAB
    is_blank = codes == _BLANK
    controls = len(codes) - len(ends) - len(returns) - int(is_tab.sum()) - int(is_blank.sum())
    blanks = low[is_blank if delimiter == _TAB else is_blank | is_tab]
    has_padding = False
    if len(blanks):
        borders = np.array([delimiter, _LINE_FEED, _CARRIAGE_RETURN], dtype=np.uint8)
        after = characters[blanks + 1]
        before = characters[np.maximum(blanks - 1, 0)]
        has_padding = bool(
            blanks[0] == 0 or np.isin(after, borders).any() or np.isin(before, borders).any()
        )
    return _ScannedLines(
        row_count=len(ends),
        delimiter_count=int(np.count_nonzero(characters == delimiter)),
        has_padding=has_padding,
        has_control=controls > 0 or b"\x7f" in lines,
    )


def _has_formula_signs(lines: bytes, delimiter: int) -> bool:
    """Whether a field may begin like a formula, or be a number in powers of ten.

    The sign of an offset (`+08:00`) and that of an address are neither.
    """
    signs = [ord(sign) for sign in _FORMULA_SIGNS if sign in lines]
    if any(sign in lines for sign in _CALL_SIGNS):
        signs.append(_MINUS)
    characters = np.frombuffer(lines, dtype=np.uint8)
    for sign in signs:
        places = np.flatnonzero(characters == sign)
        before = characters[np.maximum(places - 1, 0)]
        starts = [delimiter, _LINE_FEED, _CARRIAGE_RETURN, _BLANK, _TAB]
        if sign == _PLUS:
            starts += _EXPONENT_SIGNS
        if (len(places) and places[0] == 0) or np.isin(before, starts).any():
            return True
    return False


def _hand_over(text: TextFile, *, layout: _Layout, scan: _Scan) -> RawRecords:
    header = layout.header
    rows = pl.scan_csv(
        text.path,
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
        facts=Facts(
            is_ascii=text.is_ascii,
            has_padding=scan.has_padding,
            has_nul=False,
            has_control=scan.has_control,
            has_formula_signs=scan.has_formula_signs,
        ),
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
