"""Workbooks (.xlsx): one sheet, cell by cell, numbers as the decimal text that the file holds.

The XML is parsed as a stream, so that a number is never a float and a formula without a result
is seen; the libraries that read workbooks give floats and an empty cell instead. Document types
and entities are refused. Typing under the contract does not live here.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import Final
from xml.parsers import expat

from ingest.mappings import FileMapping
from ingest.readers.records import (
    MAX_FIELD_CHARACTERS,
    Facts,
    FileRejectedError,
    RawRecords,
    RawWriter,
    check_header,
    read_header,
)
from ingest.readers.text import Limits

_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0"
_CHUNK_BYTES: Final = 262_144
_STRINGS: Final = "xl/sharedStrings.xml"
_EXCEL_DIGITS: Final = Context(prec=15)
"""Excel keeps fifteen significant digits; what follows them is residue of its binary numbers."""

_MAX_DIGITS: Final = 15
_DAY_ZERO_1900: Final = datetime(1899, 12, 30)
_DAY_ZERO_1904: Final = datetime(1904, 1, 1)
_FIRST_RIGHT_SERIAL: Final = 61
"""Below it the 1900 calendar is a day off: it counts a 29 February 1900."""

_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_FORMAT_NOISE: Final = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_MILLISECONDS: Final = 86_400_000
_COLUMN_LETTERS: Final = 26
_MAX_COLUMNS: Final = 16_384
"""Excel has no more; a cell that claims a place beyond would make its row fill the memory."""

Attributes = dict[str, str]


@dataclass
class _Book:
    """What the workbook says about its sheets and styles."""

    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    starts_1904: bool = False
    date_styles: set[int] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)


@dataclass
class _Row:
    number: int
    cells: dict[int, str]


def read_workbook(
    path: Path, *, mapping: FileMapping, file_name: str, scratch: Path, limits: Limits
) -> RawRecords:
    """Read one sheet of a workbook.

    Args:
        path: The archived file.
        mapping: The mapping of the file; its `sheet` names the sheet where several hold cells.
        file_name: The delivered name, for messages.
        scratch: A private folder.
        limits: What the packed workbook may become.

    Returns:
        The records of the sheet; rows without a value are none.

    Raises:
        FileRejectedError: ENCRYPTED, CORRUPT_ARCHIVE, CORRUPT_FILE, BOMB, TOO_LARGE, UNSAFE_NAME,
            XML_ENTITY, MULTIPLE_SHEETS, EMPTY_FILE, MISSING_COLUMN or DUPLICATE_HEADER.
    """
    with path.open("rb") as handle:
        head = handle.read(len(_OLE_MAGIC))
    if not head:
        raise FileRejectedError("EMPTY_FILE", f"{file_name}: expected a workbook, found no bytes")
    if head == _OLE_MAGIC:
        raise FileRejectedError(
            "ENCRYPTED",
            f"{file_name}: expected an open workbook, found a protected or old one; save it as "
            ".xlsx without a password",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, file_name=file_name, limits=limits)
            return _read_sheet(archive, mapping=mapping, file_name=file_name, scratch=scratch)
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise FileRejectedError(
            "CORRUPT_ARCHIVE",
            f"{file_name}: expected a whole workbook, found {error}; transfer the file again",
        ) from error
    except RuntimeError as error:
        raise FileRejectedError(
            "ENCRYPTED",
            f"{file_name}: expected an open workbook, found {error}; remove the password",
        ) from error
    except (expat.ExpatError, KeyError, ValueError, IndexError) as error:
        raise FileRejectedError(
            "CORRUPT_FILE",
            f"{file_name}: expected a workbook's XML, found {error!r}; save the workbook again",
        ) from error


def _check_entries(archive: zipfile.ZipFile, *, file_name: str, limits: Limits) -> None:
    unpacked = 0
    for entry in archive.infolist():
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or entry.filename.startswith("/"):
            raise FileRejectedError(
                "UNSAFE_NAME",
                f"{file_name}: expected plain names inside, found {entry.filename!r}",
            )
        if entry.filename == _STRINGS and entry.file_size > limits.max_string_bytes:
            raise FileRejectedError(
                "TOO_LARGE",
                f"{file_name}: expected at most {limits.max_string_bytes} bytes of texts unpacked, "
                f"found {entry.file_size}; deliver the sheet as CSV",
            )
        unpacked += entry.file_size
        if unpacked > limits.max_bytes:
            raise FileRejectedError(
                "TOO_LARGE", f"{file_name}: expected at most {limits.max_bytes} bytes unpacked"
            )
        if (
            entry.file_size > limits.ratio_from_bytes
            and entry.file_size > entry.compress_size * limits.max_ratio
        ):
            raise FileRejectedError(
                "BOMB",
                f"{file_name}: expected at most {limits.max_ratio} bytes for each packed byte, "
                f"found {entry.filename} with {entry.file_size} in {entry.compress_size}; "
                "deliver the sheet as CSV",
            )


def _parse(
    archive: zipfile.ZipFile,
    name: str,
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Parse one part of the archive completely."""
    for _ in _parse_in_steps(archive, name, start=start, end=end, text=text):
        pass


def _parse_in_steps(
    archive: zipfile.ZipFile,
    name: str,
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse one part of the archive, stopping after every chunk."""

    def refuse(*_: object) -> None:
        raise FileRejectedError(
            "XML_ENTITY",
            f"{name}: expected plain XML, found a document type, which may define entities; "
            "save the workbook with another program",
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: start(_local(tag), attributes)
    if end is not None:
        parser.EndElementHandler = lambda tag: end(_local(tag))
    if text is not None:
        parser.CharacterDataHandler = text
        parser.buffer_text = True
    with archive.open(name) as part:
        while chunk := part.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
            yield
    parser.Parse(b"", True)
    yield


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _read_book(archive: zipfile.ZipFile) -> _Book:
    book = _Book()
    targets: dict[str, str] = {}

    def on_relation(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship":
            target = attributes["Target"]
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            targets[attributes["Id"]] = posixpath.normpath(path)

    def on_workbook(tag: str, attributes: Attributes) -> None:
        if tag == "workbookPr":
            book.starts_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif tag == "sheet":
            relation = next(
                value for key, value in attributes.items() if key.rpartition(":")[2] == "id"
            )
            is_visible = attributes.get("state", "visible") == "visible"
            book.sheets.append((attributes["name"], targets.get(relation, ""), is_visible))

    _parse(archive, "xl/_rels/workbook.xml.rels", start=on_relation)
    _parse(archive, "xl/workbook.xml", start=on_workbook)
    names = set(archive.namelist())
    if "xl/styles.xml" in names:
        _read_styles(archive, book)
    if _STRINGS in names:
        _read_strings(archive, book)
    return book


def _read_styles(archive: zipfile.ZipFile, book: _Book) -> None:
    dates = set(_BUILT_IN_DATES)
    place: list[str] = []
    position = 0

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal position
        if tag == "numFmt":
            code = _FORMAT_NOISE.sub("", attributes.get("formatCode", "")).lower()
            number = int(attributes["numFmtId"])
            if re.search(r"[ymdhs年月日]", code):
                dates.add(number)
            else:
                dates.discard(number)
        elif tag == "xf" and place and place[-1] == "cellXfs":
            if int(attributes.get("numFmtId", "0")) in dates:
                book.date_styles.add(position)
            position += 1
        place.append(tag)

    def end(_: str) -> None:
        place.pop()

    _parse(archive, "xl/styles.xml", start=start, end=end)


def _read_strings(archive: zipfile.ZipFile, book: _Book) -> None:
    pieces: list[str] = []
    in_text = in_phonetic = False

    def start(tag: str, _: Attributes) -> None:
        nonlocal in_text, in_phonetic
        if tag == "si":
            pieces.clear()
        elif tag == "rPh":
            in_phonetic = True
        elif tag == "t":
            in_text = not in_phonetic

    def end(tag: str) -> None:
        nonlocal in_text, in_phonetic
        if tag == "t":
            in_text = False
        elif tag == "rPh":
            in_phonetic = False
        elif tag == "si":
            book.strings.append("".join(pieces))

    def text(data: str) -> None:
        if in_text:
            pieces.append(data)

    _parse(archive, _STRINGS, start=start, end=end, text=text)


def _sheet_path(archive: zipfile.ZipFile, book: _Book, *, sheet: str | None, file_name: str) -> str:
    if sheet is not None:
        for name, path, _ in book.sheets:
            if name.strip().casefold() == sheet.strip().casefold():
                return path
        found = ", ".join(name for name, _, _ in book.sheets)
        raise FileRejectedError(
            "MISSING_COLUMN",
            f"{file_name}: expected a sheet named {sheet!r}, found {found}; correct "
            "format.sheet in the mapping",
        )
    filled = [
        (name, path)
        for name, path, is_visible in book.sheets
        if is_visible and next(_rows_of(archive, book, path, decimal="."), None) is not None
    ]
    if not filled:
        raise FileRejectedError(
            "EMPTY_FILE", f"{file_name}: expected a sheet with cells, found none; deliver again"
        )
    if len(filled) > 1:
        found = ", ".join(name for name, _ in filled)
        raise FileRejectedError(
            "MULTIPLE_SHEETS",
            f"{file_name}: expected one sheet with cells, found {found}; name the one to read in "
            "format.sheet of the mapping",
        )
    return filled[0][1]


def _rows_of(archive: zipfile.ZipFile, book: _Book, path: str, *, decimal: str) -> Iterator[_Row]:
    """The rows of a sheet that hold a value, in order."""
    ready: list[_Row] = []
    row = _Row(0, {})
    column = 0
    kind = style = ""
    pieces: list[str] = []
    formula: list[str] = []
    has_formula = False
    collects: list[str] | None = None

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal row, column, kind, style, collects, has_formula
        if tag == "row":
            number = int(attributes["r"]) if "r" in attributes else row.number + 1
            row = _Row(number, {})
            column = 0
        elif tag == "c":
            column = _position(attributes["r"]) if "r" in attributes else column + 1
            if column > _MAX_COLUMNS:
                message = f"a cell in column {column}, expected at most {_MAX_COLUMNS}"
                raise ValueError(message)
            kind = attributes.get("t", "n")
            style = attributes.get("s", "0")
            pieces.clear()
            formula.clear()
            has_formula = False
        elif tag in ("v", "t"):
            collects = pieces
        elif tag == "f":
            collects = formula
            has_formula = True

    def end(tag: str) -> None:
        nonlocal collects
        if tag in ("v", "t", "f"):
            collects = None
        elif tag == "c":
            value = "".join(pieces)
            if not value and has_formula:
                row.cells[column] = "=" + "".join(formula)
            elif value:
                shown = _cell_text(value, kind, int(style), book, decimal)
                if shown:
                    row.cells[column] = shown
        elif tag == "row" and any(cell.strip() for cell in row.cells.values()):
            ready.append(row)

    def text(data: str) -> None:
        if collects is not None:
            collects.append(data)

    for _ in _parse_in_steps(archive, path, start=start, end=end, text=text):
        yield from ready
        ready.clear()


def _position(reference: str) -> int:
    position = 0
    for letter in reference:
        if not letter.isalpha():
            break
        position = position * _COLUMN_LETTERS + ord(letter.upper()) - ord("A") + 1
    return position


def _cell_text(value: str, kind: str, style: int, book: _Book, decimal: str) -> str:
    if kind == "s":
        return book.strings[int(value)]
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind == "d":
        return value.removesuffix("T00:00:00").replace("T", " ")
    if kind != "n":
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    if style in book.date_styles:
        return _date_text(number, starts_1904=book.starts_1904)
    return number_text(number, decimal=decimal)


def number_text(number: Decimal, *, decimal: str) -> str:
    """A cell's number in plain digits, or in powers of ten where Excel has lost digits.

    Args:
        number: The number that the file holds.
        decimal: The decimal sign to write.

    Returns:
        The number to Excel's fifteen digits.

    Examples:
        >>> number_text(Decimal("80.10000000000001"), decimal=".")
        '80.1'
        >>> number_text(Decimal("1.2345678901234568E+18"), decimal=".")
        '1.23456789012346E+18'
    """
    rounded = _EXCEL_DIGITS.create_decimal(number).normalize(_EXCEL_DIGITS)
    if rounded.adjusted() >= _MAX_DIGITS:
        return f"{rounded:E}" if "." in f"{rounded:E}" else f"{rounded:.1E}"
    text = f"{rounded:f}"
    return "0" if text == "-0" else text.replace(".", decimal)


def _date_text(serial: Decimal, *, starts_1904: bool) -> str:
    if serial < 0:
        return str(serial)
    days = int(serial)
    milliseconds = int(((serial - days) * _MILLISECONDS).to_integral_value())
    if starts_1904:
        zero = _DAY_ZERO_1904
    elif days >= _FIRST_RIGHT_SERIAL:
        zero = _DAY_ZERO_1900
    elif days == 0:
        return "1900-01-00"
    else:
        zero = _DAY_ZERO_1900 + timedelta(days=1)
    try:
        moment = zero + timedelta(days=days, milliseconds=milliseconds)
    except OverflowError:
        return str(serial)
    if milliseconds == 0 or milliseconds == _MILLISECONDS:
        return f"{moment:%Y-%m-%d}"
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix(".000")


def _read_sheet(
    archive: zipfile.ZipFile, *, mapping: FileMapping, file_name: str, scratch: Path
) -> RawRecords:
    book = _read_book(archive)
    path = _sheet_path(archive, book, sheet=mapping.format.sheet, file_name=file_name)
    rows = _rows_of(archive, book, path, decimal=mapping.numbers.decimal)
    first_number = mapping.format.skip_rows + 1
    header_rows: list[_Row] = []
    pending: list[_Row] = []
    for row in rows:
        if row.number < first_number:
            continue
        if len(header_rows) < mapping.format.header_rows:
            header_rows.append(row)
            if len(header_rows) == mapping.format.header_rows:
                break
        else:
            pending.append(row)
            break
    if not header_rows and not pending:
        raise FileRejectedError(
            "EMPTY_FILE", f"{file_name}: expected a header, found no cells; deliver again"
        )
    width = max(max(row.cells) for row in header_rows or pending)
    if header_rows:
        cells = [
            " ".join(row.cells[n].strip() for row in header_rows if n in row.cells)
            for n in range(1, width + 1)
        ]
    else:
        cells = [f"column_{n}" for n in range(1, width + 1)]
    header = read_header(cells, mapping)
    where = f"{file_name}, row {header_rows[-1].number}" if header_rows else file_name
    check_header(header, where=where)
    with RawWriter(scratch / "records.parquet", header.names) as writer:
        for row in chain(pending, rows):
            _write_row(writer, row, width)
    return RawRecords(
        rows=writer.scan(),
        columns=header.names,
        row_count=writer.row_count,
        unknown_columns=header.unknown,
        absent_columns=header.absent,
        facts=Facts(is_typed=True),
    )


def _write_row(writer: RawWriter, row: _Row, width: int) -> None:
    last = max(max(row.cells), width)
    texts = [row.cells.get(n, "") for n in range(1, last + 1)]
    defect = None
    longest = max(map(len, texts))
    if last > width:
        defect = ("RAGGED_ROW", f"{width} cells", f"{last} cells")
    elif longest > MAX_FIELD_CHARACTERS:
        defect = (
            "FIELD_TOO_LARGE",
            f"at most {MAX_FIELD_CHARACTERS} characters",
            f"{longest} characters",
        )
    values = [text or None for text in texts]
    writer.write(values, raw_text="\t".join(texts), defect=defect)
