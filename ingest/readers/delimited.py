"""Delimited text: header, delimiter, pre-flight scan, and the split into records.

A file of plain records, with regular quotes or none, is handed to the streaming engine as it is;
every other file is split record by record here, exactly, into a private file. Typing does not
live here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.mappings import FileMapping
from ingest.readers.records import (
    MAX_FIELD_CHARACTERS,
    MAX_RECORD_CHARACTERS,
    RAW_TEXT,
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
_SCAN_BYTES: Final = 131_072
"""Measured: a block and its flags stay in the processor's cache, a sixth less time than 1 MiB."""

_FORMULA_SIGNS: Final = (b"=", b"@", b"+")
_CALL_SIGNS: Final = (b"(", b"|", b"!")
_PLUS: Final = 43
_MINUS: Final = 45
_EXPONENT_SIGNS: Final = (69, 101)
_TAB: Final = 9
_LINE_FEED: Final = 10
_CARRIAGE_RETURN: Final = 13
_BLANK: Final = 32
_QUOTE: Final = 34
_RAW_CHARACTERS: Final = 33_554_432
"""Above it, records are not read again for their raw text: the exact reader keeps every one."""

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]

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
    """What one pass over the bytes of the records found; see `Facts`."""

    row_count: int = 0
    has_padding: bool = False
    has_control: bool = False
    has_formula_signs: bool = False
    has_quotes: bool = False
    has_empty_quotes: bool = False

    def __or__(self, other: _Scan) -> _Scan:
        """What two parts of a file hold together."""
        return _Scan(
            row_count=self.row_count + other.row_count,
            has_padding=self.has_padding or other.has_padding,
            has_control=self.has_control or other.has_control,
            has_formula_signs=self.has_formula_signs or other.has_formula_signs,
            has_quotes=self.has_quotes or other.has_quotes,
            has_empty_quotes=self.has_empty_quotes or other.has_empty_quotes,
        )


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
    """Prove in one pass over the bytes that every record has the header's width.

    Where every quote is regular (see `_is_regular`), delimiters and line ends outside quotes are
    borders and nothing else is. The streaming engine refuses a record with too many fields; so
    when the delimiters of all records together are as many as they must be, none has too few.

    Returns:
        What was found, or None when the file has to be split record by record.
    """
    width = len(layout.header.names)
    scan = _Scan()
    delimiter_count = 0
    for block in _blocks_of(path, layout=layout):
        if block is None or (found := _scan_block(block, width=width)) is None:
            return None
        scan = scan | found
        delimiter_count += block.delimiter_count
    if width == 1 and scan.has_padding:
        # A line of blanks is no record, but has as many delimiters as one of a single field.
        return None
    return scan if delimiter_count == scan.row_count * (width - 1) else None


@dataclass(frozen=True)
class _Block:
    """Whole records, a mebibyte or so, and where their borders are.

    Attributes:
        lines: The bytes, ended by a line feed.
        characters: The same as an array.
        delimiter: The delimiter's code.
        is_delimiter: Where delimiters are, those inside quotes included.
        is_inside: Where a quoted field is open, its opening quote included; None without quotes.
        ends: Positions of the line feeds that end a record.
    """

    lines: bytes
    characters: Bytes
    delimiter: int
    is_delimiter: Flags
    is_inside: Flags | None
    ends: Positions

    @property
    def delimiter_count(self) -> int:
        """Delimiters between fields."""
        if self.is_inside is None:
            return int(np.count_nonzero(self.is_delimiter))
        return int(np.count_nonzero(self.is_delimiter & ~self.is_inside))


def _blocks_of(path: Path, *, layout: _Layout) -> Iterator[_Block | None]:
    """Cut the records of a file into blocks; None when one is longer than any fast reader takes."""
    delimiter = ord(layout.delimiter)
    rest = b""
    with path.open("rb") as handle:
        handle.seek(layout.data_start)
        while True:
            chunk = handle.read(_SCAN_BYTES)
            lines = rest + chunk
            if not lines:
                return
            if not chunk and not lines.endswith(b"\n"):
                lines += b"\n"
            characters = np.frombuffer(lines, dtype=np.uint8)
            is_inside = _quoted(characters) if b'"' in lines else None
            is_end = characters == _LINE_FEED
            if is_inside is not None:
                is_end &= ~is_inside
            ends = np.flatnonzero(is_end)
            stop = int(ends[-1]) + 1 if len(ends) else 0
            rest = lines[stop:]
            if len(rest) > _LINE_LIMIT or (rest and not chunk):
                yield None
                return
            if stop:
                yield _Block(
                    lines=lines[:stop],
                    characters=characters[:stop],
                    delimiter=delimiter,
                    is_delimiter=characters[:stop] == delimiter,
                    is_inside=None if is_inside is None else is_inside[:stop],
                    ends=ends,
                )
            if not chunk:
                return


def _quoted(characters: Bytes) -> Flags:
    """Where the number of quotes so far is odd, that of the place itself included.

    The parity is first spread over words of eight bytes, then from word to word.
    """
    padded = np.zeros(-(-len(characters) // 8) * 8, dtype=np.uint8)
    np.equal(characters, _QUOTE, out=padded[: len(characters)].view(np.bool_))
    words = padded.view("<u8")
    for shift in (8, 16, 32):
        words ^= words << np.uint64(shift)
    totals = np.bitwise_xor.accumulate(words >> np.uint64(56))
    words[1:] ^= totals[:-1] * np.uint64(0x0101010101010101)
    return padded[: len(characters)].view(np.bool_)


def _is_regular(block: _Block, is_inside: Flags, *, width: int) -> bool:
    """Whether every quote is one that all readers understand alike.

    Such a quote opens a field at its very beginning, closes it at its very end, or is doubled. A
    line that begins inside quotes and looks like a record of its own is left to the exact reader,
    which refuses it.
    """
    characters = block.characters
    is_quote = characters == _QUOTE
    is_line_feed = characters == _LINE_FEED
    is_border = block.is_delimiter | is_line_feed | is_quote
    opens = is_quote & is_inside
    if (opens[1:] & ~is_border[:-1]).any():
        return False
    closes = is_quote & ~is_inside
    is_border |= characters == _CARRIAGE_RETURN
    if (closes[:-1] & ~is_border[1:]).any():
        return False
    is_embedded = is_line_feed & is_inside
    if not is_embedded.any():
        return True
    line_feeds = np.flatnonzero(is_line_feed)
    marks = np.searchsorted(np.flatnonzero(block.is_delimiter), line_feeds)
    follows = is_embedded[line_feeds][:-1]
    return not (np.diff(marks)[follows] == width - 1).any()


def _scan_block(block: _Block, *, width: int) -> _Scan | None:
    """Look at whole records; None when one is blank, too long, or in need of the exact reader."""
    characters, lines = block.characters, block.lines
    returns = 0
    if b"\r" in lines:
        is_return = characters == _CARRIAGE_RETURN
        if (is_return[:-1] & (characters[1:] != _LINE_FEED)).any():
            return None
        returns = int(np.count_nonzero(is_return))
    lengths = np.diff(block.ends, prepend=-1)
    shortest = 2 if returns else 1
    if int(lengths.min()) <= shortest or int(lengths.max()) > _LINE_LIMIT:
        return None
    has_quotes = has_empty_quotes = has_embedded = False
    if block.is_inside is not None:
        if not _is_regular(block, block.is_inside, width=width):
            return None
        has_quotes = True
        has_empty_quotes = b'""' in lines
        has_embedded = lines.count(b"\n") != len(block.ends)
    has_tab = b"\t" in lines
    has_padding = has_embedded
    if not has_padding and (has_tab or b" " in lines):
        is_border = block.is_delimiter | (characters <= _CARRIAGE_RETURN)
        if has_quotes:
            is_border |= characters == _QUOTE
        is_blank = characters == _BLANK
        if has_tab and block.delimiter != _TAB:
            is_blank |= characters == _TAB
        has_padding = bool(
            is_blank[0]
            or (is_blank[:-1] & is_border[1:]).any()
            or (is_blank[1:] & is_border[:-1]).any()
        )
    lows = int(np.count_nonzero(characters < _BLANK)) - returns - len(block.ends)
    if block.delimiter == _TAB:
        lows -= block.delimiter_count
    return _Scan(
        row_count=len(block.ends),
        has_padding=has_padding,
        has_control=lows > 0 or b"\x7f" in lines,
        has_formula_signs=_has_formula_signs(lines, block.delimiter),
        has_quotes=has_quotes,
        has_empty_quotes=has_empty_quotes,
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
        starts = [delimiter, _LINE_FEED, _CARRIAGE_RETURN, _BLANK, _TAB, _QUOTE]
        if sign == _PLUS:
            starts += _EXPONENT_SIGNS
        is_start = np.zeros(256, dtype=np.bool_)
        is_start[starts] = True
        if (len(places) and places[0] == 0) or is_start[characters[places - 1]].any():
            return True
    return False


def _hand_over(text: TextFile, *, layout: _Layout, scan: _Scan) -> RawRecords:
    header = layout.header
    rows = pl.scan_csv(
        text.path,
        has_header=False,
        separator=layout.delimiter,
        quote_char='"' if scan.has_quotes else None,
        skip_lines=layout.lines_above,
        schema=dict.fromkeys(header.names, pl.String()),
        row_index_name=ROW_NUMBER,
        row_index_offset=1,
        glob=False,
    )
    if scan.has_empty_quotes:
        rows = rows.with_columns(
            pl.when(pl.col(name) != "").then(pl.col(name)) for name in header.names
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
        delimiter=None if scan.has_quotes else layout.delimiter,
        raw_texts=partial(_raw_texts, text.path, layout) if scan.has_quotes else None,
        is_streamed_text=True,
    )


def _raw_texts(path: Path, layout: _Layout, row_numbers: Sequence[int]) -> pl.DataFrame | None:
    """Read records of a regular file again, as they were delivered.

    Args:
        path: The file.
        layout: Its layout.
        row_numbers: Numbers of records, ascending.

    Returns:
        `_row_number` and `_raw_text`; None when they are too much to hold.
    """
    wanted = np.asarray(row_numbers, dtype=np.int64) - 1
    texts: list[str] = []
    size = row_count = 0
    for block in _blocks_of(path, layout=layout):
        if block is None or len(texts) == len(wanted):
            break
        first, last = np.searchsorted(wanted, (row_count, row_count + len(block.ends)))
        for place in (wanted[first:last] - row_count).tolist():
            start = int(block.ends[place - 1]) + 1 if place else 0
            text = block.lines[start : int(block.ends[place])].decode("utf-8").rstrip("\r\n")
            texts.append(text)
            size += len(text)
        if size > _RAW_CHARACTERS:
            return None
        row_count += len(block.ends)
    return pl.DataFrame(
        {ROW_NUMBER: row_numbers, RAW_TEXT: texts},
        schema={ROW_NUMBER: pl.Int64(), RAW_TEXT: pl.String()},
    )


def _split(text: TextFile, *, layout: _Layout, scratch: Path) -> RawRecords:
    header = layout.header
    width = len(header.names)
    with (
        text.path.open("rb") as handle,
        RawWriter(scratch / "records.parquet", header.names) as writer,
    ):
        handle.seek(layout.data_start)
        records = _records_of(handle, layout.delimiter, width=width, lines_above=layout.lines_above)
        for fields, raw_text, defect in records:
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


def _records_of(
    handle: BinaryIO, delimiter: str, *, width: int, lines_above: int
) -> Iterator[Record]:
    """Split the rest of a file into records; blank lines are none."""
    mark = delimiter.encode()
    line_number = lines_above
    while True:
        line = handle.readline(MAX_RECORD_CHARACTERS)
        if not line:
            return
        line_number += 1
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
                _refuse_cut_record(text, len(fields), width, line_number)
            yield fields, text, None
            continue
        fields, is_open, is_malformed = _fields_of(text, delimiter)
        joined = line
        first_line = line_number
        while is_open:
            following = handle.readline(MAX_RECORD_CHARACTERS)
            line_number += 1
            if not following or len(joined) + len(following) > MAX_RECORD_CHARACTERS:
                raise FileRejectedError(
                    "UNBALANCED_QUOTE",
                    f"line {first_line}: expected a closing quote, found none after "
                    f"{text[:200]!r}; have the source quote its fields, or deliver again",
                )
            if following.count(mark) == width - 1:
                raise FileRejectedError(
                    "EMBEDDED_RECORD",
                    f"line {first_line}: expected one record between quotes, found a whole record "
                    f"inside, on line {line_number}: "
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


def _refuse_cut_record(text: str, found: int, width: int, line_number: int) -> None:
    raise FileRejectedError(
        "TRUNCATED",
        f"line {line_number}: expected {width} fields and a line end in the last record, "
        f"found {found} fields and no line end: {text[:200]!r}; deliver the whole file again",
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
