"""The catalogue of bad input: every case that one file can show, with the outcome it must have.

Letters: E encoding and shape, N numbers, D dates and instants, K keys and rules, X workbooks,
Q Parquet, J JSON lines. Files are made here, byte by byte.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import zstandard
from xlsxwriter.worksheet import Worksheet

from ingest.mappings import CANONICAL, SourceMapping, canonical_mapping
from ingest.readers.text import Limits
from tests.ingest.staging_helpers import (
    GOOD_ROW,
    LEDGER_HEADER,
    accepted,
    ledger_csv,
    quarantined,
    stage,
)

SMALL_LIMITS = Limits(max_bytes=8 * 1024**2, max_ratio=100, ratio_from_bytes=1024**2)


def invoice(**changes: str) -> str:
    """A ledger row with some fields changed."""
    fields = {
        "document_id": "INV-1002",
        "customer_id": "C001",
        "document_type": "invoice",
        "document_date": "2026-06-15",
        "due_date": "2026-07-15",
        "currency_code": "USD",
        "amount": "80.00",
    }
    return ",".join((fields | changes).values())


def ledger(**changes: str) -> bytes:
    """A ledger file of a good row and a changed one."""
    return ledger_csv(GOOD_ROW, invoice(**changes)).encode()


def ledger_mapping(**settings: object) -> SourceMapping:
    """A source of ledger files in canonical columns with other formats."""
    columns = {name: name for name in LEDGER_HEADER.split(",")}
    columns["due_date"] = {"column": "due_date", "optional": True}  # type: ignore[assignment]
    return SourceMapping.model_validate(
        {
            "source": "erp",
            "timezone": settings.pop("timezone", "Asia/Shanghai"),
            "files": [
                {
                    "pattern": "ledger*",
                    "extracts": [{"extract": "ledger", "columns": columns}],
                    **settings,
                }
            ],
        }
    )


CONTACT_HEADER = "contact_id,customer_id,collector_id,contacted_at,channel,outcome,note"


def contacts(*rows: str) -> bytes:
    """A contact log in canonical columns."""
    return "\n".join([CONTACT_HEADER, *rows, ""]).encode()


def contact(instant: str, note: str = "") -> bytes:
    """A contact log of one row."""
    return contacts(f"CT-1,C001,K1,{instant},phone,no_answer,{note}")


def workbook(
    *rows: list[object],
    fill: Callable[[xlsxwriter.Workbook, Any], None] | None = None,
    header: list[str] | None = None,
    above: int = 0,
) -> bytes:
    """A workbook whose first sheet holds a header and rows."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("Ledger")
    for column, name in enumerate(header or LEDGER_HEADER.split(",")):
        sheet.write_string(above, column, name)
    for number, row in enumerate(rows, start=above + 1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)
    if fill is not None:
        fill(book, sheet)
    book.close()
    return buffer.getvalue()


DAY = datetime(2026, 6, 15)
DUE = datetime(2026, 7, 15)


def sheet_row(amount: object = 80, document_id: object = "INV-1002") -> list[object]:
    """A row of typed cells."""
    return [document_id, "C001", "invoice", DAY, DUE, "USD", amount]


def edited(content: bytes, edit: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with its parts rewritten."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            after.writestr(name, edit(name, before.read(name)))
    return buffer.getvalue()


def with_raw_amount(content: bytes, cell: str, old: str) -> bytes:
    """A workbook whose sheet XML has one cell replaced."""

    def edit(name: str, part: bytes) -> bytes:
        if name == "xl/worksheets/sheet1.xml":
            assert old.encode() in part
            return part.replace(old.encode(), cell.encode())
        return part

    return edited(content, edit)


def entity_bomb() -> bytes:
    """A workbook whose shared strings define entities of entities."""

    def edit(name: str, part: bytes) -> bytes:
        if name != "xl/sharedStrings.xml":
            return part
        bomb = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
        return part.replace(b"<sst", bomb + b"<sst", 1).replace(b"C001", b"&b;", 1)

    return edited(workbook(sheet_row()), edit)


def shared_string_bomb() -> bytes:
    """A workbook with megabytes of one letter."""

    def edit(name: str, part: bytes) -> bytes:
        if name != "xl/sharedStrings.xml":
            return part
        return part.replace(b"C001", b"C" * 4 * 1024**2, 1)

    return edited(workbook(sheet_row()), edit)


def climbing_archive() -> bytes:
    """An archive with an entry outside its folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../etc/passwd", "x")
    return buffer.getvalue()


def add_second_sheet(book: xlsxwriter.Workbook, _: object) -> None:
    """Put rows on a second sheet."""
    sheet = book.add_worksheet("More")
    for number in range(5):
        sheet.write_string(number, 0, "x")


def blank_formatted_rows(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
    """Format five hundred empty rows."""
    bold = book.add_format({"bold": True})
    for number in range(2, 502):
        sheet.write_blank(number, 0, None, bold)


def parquet(**columns: list[object] | pa.Array) -> bytes:
    """A Parquet ledger with some columns changed; the row count is that of the changed ones."""
    count = max((len(values) for values in columns.values()), default=1)
    fields: dict[str, Any] = {
        "document_id": [f"INV-{n}" for n in range(count)],
        "customer_id": ["C001"] * count,
        "document_type": ["invoice"] * count,
        "document_date": [date(2026, 6, 15)] * count,
        "due_date": [date(2026, 7, 15)] * count,
        "currency_code": ["USD"] * count,
        "amount": pa.array([Decimal("80.00")] * count, pa.decimal128(18, 2)),
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(fields | columns), buffer)
    return buffer.getvalue()


def json_lines(*records: Mapping[str, object] | str) -> bytes:
    """A JSON lines ledger; records given as text are written as they are."""
    lines = [
        record if isinstance(record, str) else json.dumps(dict(record), ensure_ascii=False)
        for record in records
    ]
    return ("\n".join(lines) + "\n").encode()


def json_invoice(**changes: object) -> dict[str, object]:
    """A ledger record with some members changed."""
    return dict(zip(LEDGER_HEADER.split(","), invoice().split(","), strict=True)) | changes


@dataclass(frozen=True)
class Case:
    """One input and what must become of it."""

    id: str
    content: Callable[[], bytes]
    accepted: Mapping[str, str] | int | None = None
    row: str | tuple[str, ...] | None = None
    file: str | None = None
    file_name: str = "ledger.csv"
    source: SourceMapping | None = None
    control: dict[str, Any] | None = None
    unknown: str | None = None
    limits: Limits = field(default=SMALL_LIMITS)


BOTH = {"INV-1001": "1200.50", "INV-1002": "80.00"}
FIRST = {"INV-1001": "1200.50"}
CHINESE = ledger_csv(
    "INV-1001,客户甲乙丙,invoice,2026-06-15,2026-07-15,CNY,1200.50",
    "INV-1002,北京市朝阳区有限公司,invoice,2026-06-15,2026-07-15,CNY,80.00",
)


def shaped(*lines: str) -> Callable[[], bytes]:
    """A ledger file of these lines under the header."""
    return lambda: ledger_csv(*lines).encode()


SHAPE = [
    Case("E02", lambda: ledger_csv(GOOD_ROW).encode("utf-16"), FIRST),
    Case("E03", lambda: b"\xfe\xff" + ledger_csv(GOOD_ROW).encode("utf-16-be"), FIRST),
    Case("E04", lambda: ledger_csv(GOOD_ROW).encode("utf-16-le"), FIRST),
    Case("E05 BOM", lambda: b"\xef\xbb\xbf" + ledger(), BOTH),
    Case("E06", lambda: CHINESE.encode("gb18030"), BOTH),
    Case(
        "E06 latin",
        lambda: ledger(customer_id="Müller").decode().encode("latin-1"),
        file="ENCODING",
    ),
    Case(
        "E07",
        lambda: ledger_csv("INV-1001,客户\U00020000,invoice,2026-06-15,,CNY,1200.50").encode(
            "gb18030"
        ),
        FIRST,
        source=ledger_mapping(format={"encoding": "gb18030"}),
    ),
    Case(
        "E08 declared, wrong",
        lambda: CHINESE.encode("gb18030"),
        file="ENCODING",
        source=ledger_mapping(format={"encoding": "utf-8"}),
    ),
    Case("E09", lambda: CHINESE.encode() + CHINESE.encode("gb18030"), file="ENCODING"),
    Case("E10", lambda: ledger().replace(b"\n", b"\r\n"), BOTH),
    Case("E11", lambda: ledger().replace(b"\n", b"\r"), BOTH),
    Case("E12", lambda: ledger().replace(b"\n", b"\r\n", 1), BOTH),
    Case(
        "E13",
        lambda: contacts(
            'CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer,"said ""later"",\nthen hung up"'
        ),
        1,
        file_name="contact_log.csv",
    ),
    Case(
        "E14",
        lambda: contacts(
            'CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer,"said',
            *(f"CT-{n},C001,K1" for n in range(2, 9)),
        ),
        file="UNBALANCED_QUOTE",
        file_name="contact_log.csv",
    ),
    Case(
        "E15",
        lambda: contacts(
            'CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer,"left message',
            'CT-2,C002,K1,2026-06-15 10:00:00,phone,no_answer,left message"',
            "CT-3,C003,K1,2026-06-15 10:00:00,phone,no_answer,",
        ),
        file="EMBEDDED_RECORD",
        file_name="contact_log.csv",
    ),
    Case(
        "E16",
        lambda: contacts('CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer,5" pipe'),
        1,
        file_name="contact_log.csv",
    ),
    Case(
        "E16 behind a closing quote",
        lambda: contacts('CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer,"a"b'),
        row="UNBALANCED_QUOTE",
        file_name="contact_log.csv",
    ),
    Case(
        "E17",
        shaped(GOOD_ROW, "INV-1002,C001,invoice", "INV-3,C1,invoice,2026-06-15,,USD,1"),
        {**FIRST, "INV-3": "1.00"},
        row="RAGGED_ROW",
    ),
    Case("E18", shaped(GOOD_ROW, invoice(amount="1,000.00")), FIRST, row="RAGGED_ROW"),
    Case(
        "E17 and E18 make up for each other",
        shaped(GOOD_ROW, invoice(amount="1,000.00"), "INV-3,C001,invoice,2026-06-15,,USD"),
        FIRST,
        row=("RAGGED_ROW", "RAGGED_ROW"),
    ),
    Case("E19", lambda: ledger(document_id="INV\x001002"), FIRST, row="CONTROL_CHAR"),
    Case("E20", lambda: ledger() + b"\0" * 64, file="NUL_BYTES"),
    Case(
        "E21",
        lambda: ledger_csv(GOOD_ROW + ",7.00", header=LEDGER_HEADER + ",amount").encode(),
        file="DUPLICATE_HEADER",
    ),
    Case("E22", shaped(), {}),
    Case("E22 full delivery", shaped(), file="NO_ROWS", source=ledger_mapping(delivery="full")),
    Case("E23", lambda: b"", file="EMPTY_FILE"),
    Case("E24", lambda: b"\n\n  \n\n", file="EMPTY_FILE"),
    Case(
        "E25",
        lambda: contacts(
            "CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer," + "x" * 4 * 1024**2,
            "CT-2,C001,K1,2026-06-15 10:00:00,phone,no_answer,",
        ),
        1,
        row="FIELD_TOO_LARGE",
        file_name="contact_log.csv",
    ),
    Case(
        "E25 inside the record's limit",
        lambda: contacts(
            "CT-1,C001,K1,2026-06-15 10:00:00,phone,no_answer," + "x" * 70_000,
            "CT-2,C001,K1,2026-06-15 10:00:00,phone,no_answer,",
        ),
        1,
        row="FIELD_TOO_LARGE",
        file_name="contact_log.csv",
    ),
    Case(
        "E27",
        lambda: ledger_csv(GOOD_ROW).replace(".", "#").replace(",", ";").replace("#", ",").encode(),
        FIRST,
        source=ledger_mapping(format={"delimiter": ";"}, numbers={"decimal": ","}),
    ),
    Case("E28", lambda: ledger().replace(b",", b"\t"), BOTH),
    Case(
        "E28 declared, wrong",
        lambda: ledger().replace(b",", b"\t"),
        file="DELIMITER",
        source=ledger_mapping(format={"delimiter": ","}),
    ),
    Case("E29", lambda: ledger().replace(b"amount", b"betrag"), file="MISSING_COLUMN"),
    Case(
        "E30",
        lambda: ledger_csv(GOOD_ROW + ",x", header=LEDGER_HEADER + ",region").encode(),
        FIRST,
        unknown="region",
    ),
    Case(
        "E31",
        lambda: (
            b"amount,document_id,customer_id,document_type,document_date,currency_code"
            b"\n1200.50,INV-1001,C001,invoice,2026-06-15,USD\n"
        ),
        FIRST,
    ),
    Case("E32", lambda: ledger().replace(b"amount", b" Amount "), BOTH),
    Case("E33", lambda: (GOOD_ROW + "\n").encode(), file="MISSING_COLUMN"),
    Case("E34", shaped(GOOD_ROW, "TOTAL,,,,,,1200.50"), FIRST, row="TRAILER"),
    Case("E34 ragged", shaped(GOOD_ROW, "合计,1,1200.50"), FIRST, row="TRAILER"),
    Case("E34 complete", shaped(GOOD_ROW, invoice(document_id="小计")), FIRST, row="TRAILER"),
    Case("E35", lambda: b"Open items,,,\n" + ledger(), file="MISSING_COLUMN"),
    Case(
        "E35 declared",
        lambda: b"Open items\n\n" + ledger(),
        BOTH,
        source=ledger_mapping(format={"skip_rows": 2}),
    ),
    Case(
        "E38",
        lambda: ledger_csv(GOOD_ROW, invoice(amount="44.75"))[:-2].encode(),
        file="CONTROL_TOTAL",
        control={"row_count": 2, "amount": "1245.25"},
    ),
    Case("E39", lambda: ledger_csv(GOOD_ROW, invoice())[:-20].encode(), file="TRUNCATED"),
    Case("E40", lambda: b"sep=,\n" + ledger(), BOTH),
    Case("E40 semicolon", lambda: b"sep=;\r\n" + ledger().replace(b",", b";"), BOTH),
    Case(
        "E41",
        lambda: contact("2026-06-15 10:00:00", "a\u2028b\u0085c\vd"),
        1,
        file_name="contact_log.csv",
    ),
    Case("E42", lambda: ledger(document_id="\u00a0INV-1002\u200b"), FIRST, row="KEY_CHARS"),
    Case("E43", lambda: ledger(document_id="ＩＮＶ－１００２"), FIRST, row="KEY_CHARS"),
    Case("E44", lambda: ledger().replace(b",", b" , "), BOTH),
    Case(
        "E46",
        lambda: gzip.compress(ledger())[:-12],
        file="CORRUPT_ARCHIVE",
        file_name="ledger.csv.gz",
    ),
    Case(
        "E46 zst",
        lambda: zstandard.compress(ledger() * 50)[:-12],
        file="CORRUPT_ARCHIVE",
        file_name="ledger.csv.zst",
    ),
    Case(
        "E47",
        lambda: (
            gzip.compress(ledger_csv(GOOD_ROW).encode())
            + gzip.compress((invoice() + "\n").encode())
        ),
        BOTH,
        file_name="ledger.csv.gz",
    ),
    Case(
        "E47 zst",
        lambda: (
            zstandard.compress(ledger_csv(GOOD_ROW).encode())
            + zstandard.compress((invoice() + "\n").encode())
        ),
        BOTH,
        file_name="ledger.csv.zst",
    ),
    Case("E48", lambda: gzip.compress(b"x" * 4 * 1024**2), file="BOMB", file_name="ledger.csv.gz"),
    Case(
        "E48 zst",
        lambda: zstandard.compress(b"x" * 4 * 1024**2),
        file="BOMB",
        file_name="ledger.csv.zst",
    ),
    Case(
        "E48 too large",
        lambda: gzip.compress(ledger() * 10),
        file="TOO_LARGE",
        file_name="ledger.csv.gz",
        limits=Limits(max_bytes=500),
    ),
    Case(
        "E49",
        lambda: gzip.compress(ledger())[:-8] + b"\0\0\0\0" + gzip.compress(ledger())[-4:],
        file="CORRUPT_ARCHIVE",
        file_name="ledger.csv.gz",
    ),
    Case("E51 a workbook named .csv", lambda: workbook(sheet_row()), file="FORMAT_MISMATCH"),
    Case("E52", shaped("# exported by ERP", GOOD_ROW), FIRST, row="RAGGED_ROW"),
    Case("E53", shaped(GOOD_ROW, LEDGER_HEADER, invoice()), BOTH, row="REPEATED_HEADER"),
    Case("E54 blank lines between records", shaped(GOOD_ROW, "", invoice(), ""), BOTH),
    Case("E55 no final line end", lambda: ledger()[:-1], BOTH),
    Case("E56 rows of nothing but delimiters", shaped(GOOD_ROW, ",,,,,,", invoice()), BOTH),
]

GERMAN = ledger_mapping(numbers={"decimal": ",", "thousands": "."}, format={"delimiter": ","})


def numbered(
    id_: str,
    text: str,
    outcome: str,
    *,
    fields: Mapping[str, str] | None = None,
    source: SourceMapping | None = None,
) -> Case:
    """A case of one amount: a reason code, or the amount that it must become."""
    is_amount = outcome.lstrip("-").replace(".", "").isdigit()
    return Case(
        id_,
        lambda: ledger(amount=text, **(fields or {})),
        {**FIRST, "INV-1002": outcome} if is_amount else FIRST,
        row=None if is_amount else outcome,
        source=source,
    )


COMMAS = ledger_mapping(numbers={"thousands": ",", "strip": ["¥", "$", "USD"]})
NUMBERS = [
    numbered("N01", '"1,080.00"', "BAD_AMOUNT"),
    numbered("N01 declared", '"1,080.00"', "1080.00", source=COMMAS),
    numbered("N01 bad group", '"10,80.00"', "BAD_AMOUNT", source=COMMAS),
    numbered("N02", '"1.080,00"', "BAD_AMOUNT"),
    numbered("N03", "1.080", "AMOUNT_SCALE"),
    numbered("N04 four zeros", "1080.0000", "1080.00"),
    numbered("N05", "80.00-", "BAD_AMOUNT"),
    numbered(
        "N05 declared",
        "80.00-",
        "-80.00",
        fields={"document_type": "adjustment"},
        source=ledger_mapping(numbers={"negative": "trailing_minus"}),
    ),
    numbered(
        "N05 parentheses",
        '"(1,080.00)"',
        "-1080.00",
        fields={"document_type": "adjustment"},
        source=ledger_mapping(numbers={"negative": "parentheses", "thousands": ","}),
    ),
    numbered("N06", "$80.00", "BAD_AMOUNT"),
    numbered("N06 declared", "$80.00", "80.00", source=COMMAS),
    numbered("N07", '"¥1,080.00"', "BAD_AMOUNT"),
    numbered("N07 declared", '"¥ 1,080.00"', "1080.00", source=COMMAS),
    numbered("N08", "１０８０.００", "BAD_AMOUNT"),
    numbered("N09", "\u221280.00", "BAD_AMOUNT"),
    numbered("N10", "NaN", "NON_FINITE"),
    numbered("N11", "-Infinity", "NON_FINITE"),
    numbered("N12", "80.005", "AMOUNT_SCALE"),
    numbered("N13", "1.08e3", "BAD_AMOUNT"),
    numbered("N15", "99999999999999999999.99", "AMOUNT_RANGE"),
    numbered("N15 largest", "9999999999999999.99", "9999999999999999.99"),
    numbered("N15 zeros in front", "00000000000000000080.00", "80.00"),
    numbered("N16", "", "BAD_AMOUNT"),
    numbered("N17", "null", "BAD_AMOUNT"),
    numbered("N17 N/A", "N/A", "BAD_AMOUNT"),
    numbered("N18", "1_080.00", "BAD_AMOUNT"),
    numbered("N19", "0x50", "BAD_AMOUNT"),
    numbered("N20", "+80.00", "80.00"),
    numbered("N21", "-0.00", "0.00"),
    numbered("N22", "٨٠.٠٠", "BAD_AMOUNT"),
    numbered("N23", "80.50", "AMOUNT_SCALE", fields={"currency_code": "JPY"}),
    numbered("N23 zeros", "80.00", "80.00", fields={"currency_code": "JPY"}),
    numbered("N24", "80.125", "AMOUNT_SCALE", fields={"currency_code": "KWD"}),
    numbered("N25", "80.00 90.00", "BAD_AMOUNT"),
    numbered("N26", "8O.OO", "BAD_AMOUNT"),
    numbered("N27 a formula", "=40+40", "FORMULA"),
    numbered("N28", "1 080.00", "BAD_AMOUNT"),
    numbered(
        "N28 declared", "1 080.00", "1080.00", source=ledger_mapping(numbers={"thousands": " "})
    ),
    numbered("N29 no leading digit", ".50", "0.50"),
    numbered("N29 no decimals behind the point", "80.", "BAD_AMOUNT"),
    numbered("N30", "true", "BAD_AMOUNT"),
    Case("N32", shaped("0000123,007,invoice,2026-06-15,,USD,1.00"), {"0000123": "1.00"}),
    Case(
        "N33",
        lambda: ledger_csv(
            *(invoice(document_id=f"INV-{n}", amount="7") for n in range(25_000)),
            invoice(document_id="INV-X", amount="12.34"),
        ).encode(),
        25_001,
    ),
    numbered("N35 decimal comma undeclared", '"80,00"', "BAD_AMOUNT"),
    numbered("N36 point where comma is declared", "80.00", "BAD_AMOUNT", source=GERMAN),
]
# In N36 the good row is written with a point as well.
NUMBERS[-1] = Case(
    "N36 point where comma is declared",
    lambda: ledger(amount="80.00"),
    {},
    row=("BAD_AMOUNT", "BAD_AMOUNT"),
    source=GERMAN,
)

SLASHES = ledger_mapping(dates=["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d"])


def dated(
    id_: str,
    text: str,
    outcome: str,
    *,
    column: str = "document_date",
    source: SourceMapping | None = None,
) -> Case:
    """A case of one date: a reason code, or accepted."""
    is_good = outcome == "ok"
    return Case(
        id_,
        lambda: ledger(**{column: text}),
        BOTH if is_good else FIRST,
        row=None if is_good else outcome,
        source=source,
    )


DATES = [
    dated("D01", "2026年6月15日", "BAD_DATE"),
    dated(
        "D01 declared",
        "2026年6月15日",
        "ok",
        source=ledger_mapping(dates=["%Y-%m-%d", "%Y年%m月%d日"]),
    ),
    dated("D06", "04/03/2026", "AMBIGUOUS_DATE"),
    dated("D07", "04/03/2026", "AMBIGUOUS_DATE", source=SLASHES),
    dated("D07 only one way", "15/06/2026", "ok", source=SLASHES),
    dated("D07 the other way", "06/15/2026", "ok", source=SLASHES),
    dated("D07 both ways alike", "06/06/2026", "ok", source=SLASHES),
    dated("D08", "2026-02-29", "BAD_DATE"),
    dated("D09 leap day", "2024-02-29", "ok"),
    dated("D10", "9999-12-31", "DATE_RANGE", column="due_date"),
    dated("D11", "0001-01-01", "DATE_RANGE"),
    dated("D12", "1900-01-00", "BAD_DATE"),
    dated("D13", "0000-00-00", "BAD_DATE"),
    dated("D14", "20260615", "BAD_DATE"),
    dated("D14 declared", "20260615", "ok", source=ledger_mapping(dates=["%Y-%m-%d", "%Y%m%d"])),
    dated("D15", "2026-06-15 00:00:00", "BAD_DATE"),
    dated(
        "D15 declared",
        "2026-06-15 00:00:00",
        "ok",
        source=ledger_mapping(dates=["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"]),
    ),
    dated("D16", "2026-06-15T00:00:00+08:00", "BAD_DATE"),
    dated("D17", "15/06/26", "AMBIGUOUS_DATE"),
    dated("D17 with a year format", "15/06/26", "AMBIGUOUS_DATE", source=SLASHES),
    dated("D19", "2027-06-15", "ok"),
    dated("D20", "2026-01-01", "ok", column="due_date"),
    dated("D21", "2569-06-15", "DATE_RANGE"),
    dated("D22", "0115-06-15", "DATE_RANGE"),
    dated("D23", "1781481600000", "BAD_DATE"),
    dated("D24", "", "ok", column="due_date"),
    dated("D24 document date", "", "BAD_DATE"),
    dated("D25", "15 févr. 2026", "BAD_DATE"),
]

NEW_YORK = canonical_mapping("America/New_York")
INSTANTS = [
    Case(
        "D26 naive",
        lambda: contact("2026-06-15 10:00:00"),
        0,
        row="NAIVE_TIMESTAMP",
        source=canonical_mapping(None),
        file_name="contact_log.csv",
    ),
    Case(
        "D26 Z",
        lambda: contact("2026-06-15T10:00:00Z"),
        1,
        source=canonical_mapping(None),
        file_name="contact_log.csv",
    ),
    Case(
        "D26 offset",
        lambda: contact("2026-06-15T10:00:00+08:00"),
        1,
        source=canonical_mapping(None),
        file_name="contact_log.csv",
    ),
    Case(
        "D27",
        lambda: contact("2026-03-08 02:30:00"),
        0,
        row="BAD_TIMESTAMP",
        source=NEW_YORK,
        file_name="contact_log.csv",
    ),
    Case(
        "D27 twice",
        lambda: contact("2026-11-01 01:30:00"),
        0,
        row="BAD_TIMESTAMP",
        source=NEW_YORK,
        file_name="contact_log.csv",
    ),
    Case(
        "D28",
        lambda: contact("2026-06-15 24:00:00"),
        0,
        row="BAD_TIMESTAMP",
        file_name="contact_log.csv",
    ),
    Case(
        "D28 leap second",
        lambda: contact("2026-06-30 23:59:60"),
        0,
        row="BAD_TIMESTAMP",
        file_name="contact_log.csv",
    ),
    Case(
        "D29 no instant",
        lambda: contact("yesterday"),
        0,
        row="BAD_TIMESTAMP",
        file_name="contact_log.csv",
    ),
    Case(
        "D30 year 1",
        lambda: contact("0001-01-01 10:00:00"),
        0,
        row="DATE_RANGE",
        file_name="contact_log.csv",
    ),
]

KEYS = [
    Case("K01", shaped(GOOD_ROW, GOOD_ROW), FIRST),
    Case(
        "K02 same key, other content",
        shaped(GOOD_ROW, invoice(), invoice(amount="90.00")),
        FIRST,
        row=("DUPLICATE_KEY_CONFLICT", "DUPLICATE_KEY_CONFLICT"),
    ),
    Case("K03", lambda: ledger(document_id=""), FIRST, row="MISSING_KEY"),
    Case("K03 blanks", lambda: ledger(document_id="   "), FIRST, row="MISSING_KEY"),
    Case("K04", lambda: ledger(document_id="inv-1001 "), {**FIRST, "inv-1001": "80.00"}),
    Case("K05", lambda: ledger(amount="-80.00"), FIRST, row="SIGN_CONFLICT"),
    Case(
        "K05 adjustment",
        lambda: ledger(amount="-80.00", document_type="adjustment"),
        {**FIRST, "INV-1002": "-80.00"},
    ),
    Case("K08", lambda: ledger(currency_code="US$"), FIRST, row="BAD_CURRENCY"),
    Case("K09", lambda: ledger(currency_code=""), FIRST, row="BAD_CURRENCY"),
    Case("K10", lambda: ledger(currency_code="usd"), BOTH),
    Case("K12", lambda: ledger(currency_code="DEM"), FIRST, row="BAD_CURRENCY"),
    Case("K12 test code", lambda: ledger(currency_code="XXX"), FIRST, row="BAD_CURRENCY"),
    Case("K13", lambda: ledger(document_type="proforma"), FIRST, row="BAD_ENUM"),
    Case("K13 letter case", lambda: ledger(document_type="Invoice"), BOTH),
    Case(
        "K15",
        lambda: contact("2026-06-15 10:00:00", "=cmd|' /C calc'!A0 {{ 7*7 }} <script>"),
        1,
        file_name="contact_log.csv",
    ),
    Case("K16", lambda: ledger(document_id="=1+1"), FIRST, row="FORMULA"),
    Case(
        "K17",
        lambda: contact("2026-06-15 10:00:00", "13800138000 4111111111111111"),
        1,
        file_name="contact_log.csv",
    ),
    Case(
        "K18 id in powers of ten",
        lambda: ledger(document_id="1.23457E+15"),
        FIRST,
        row="ID_PRECISION_LOST",
    ),
]

GOOD_SHEET_ROW = ["INV-1001", "C001", "invoice", DAY, DUE, "USD", 1200.5]


sheet = partial(Case, file_name="ledger.xlsx")


WORKBOOKS = [
    sheet("X01", lambda: workbook(GOOD_SHEET_ROW, sheet_row()), BOTH),
    sheet(
        "X02",
        lambda: workbook(GOOD_SHEET_ROW, sheet_row(document_id=1234567890123456789)),
        FIRST,
        row="ID_PRECISION_LOST",
    ),
    sheet("X03 id as a number", lambda: workbook(sheet_row(document_id=4711)), {"4711": "80.00"}),
    sheet(
        "X06",
        lambda: with_raw_amount(
            workbook(GOOD_SHEET_ROW, sheet_row(77)), "<f>40+40</f>", "<v>77</v>"
        ),
        FIRST,
        row="FORMULA",
    ),
    sheet(
        "X07",
        lambda: workbook(GOOD_SHEET_ROW, sheet_row(document_id='=HYPERLINK("x")')),
        FIRST,
        row="FORMULA",
    ),
    sheet(
        "X09",
        lambda: workbook(sheet_row(), above=3, fill=lambda _, page: page.write(0, 0, "Open items")),
        file="MISSING_COLUMN",
    ),
    sheet(
        "X09 declared",
        lambda: workbook(
            GOOD_SHEET_ROW, above=3, fill=lambda _, page: page.write(0, 0, "Open items")
        ),
        FIRST,
        source=ledger_mapping(format={"skip_rows": 3}),
    ),
    sheet("X10", lambda: workbook(sheet_row(), fill=add_second_sheet), file="MULTIPLE_SHEETS"),
    sheet(
        "X10 declared",
        lambda: workbook(GOOD_SHEET_ROW, fill=add_second_sheet),
        FIRST,
        source=ledger_mapping(format={"sheet": "Ledger"}),
    ),
    sheet(
        "X10 no such sheet",
        lambda: workbook(GOOD_SHEET_ROW),
        file="MISSING_COLUMN",
        source=ledger_mapping(format={"sheet": "Open"}),
    ),
    sheet(
        "X11",
        lambda: workbook(
            GOOD_SHEET_ROW,
            sheet_row(),
            fill=lambda _, page: page.set_row(2, None, None, {"hidden": 1}),
        ),
        BOTH,
    ),
    sheet(
        "X12",
        lambda: workbook(GOOD_SHEET_ROW, sheet_row(80.00500000001)),
        FIRST,
        row="AMOUNT_SCALE",
    ),
    sheet(
        "X13",
        lambda: with_raw_amount(
            workbook(GOOD_SHEET_ROW, sheet_row(77)), "<v>80.10000000000001</v>", "<v>77</v>"
        ),
        {**FIRST, "INV-1002": "80.10"},
    ),
    sheet(
        "X14",
        lambda: workbook(
            GOOD_SHEET_ROW, ["INV-1002", "C001", "invoice", "2026-06-15", DUE, "USD", 80]
        ),
        BOTH,
    ),
    sheet(
        "X14 other format declared",
        lambda: workbook(
            GOOD_SHEET_ROW, ["INV-1002", "C001", "invoice", "15.06.2026", DUE, "USD", 80]
        ),
        BOTH,
        source=ledger_mapping(dates=["%d.%m.%Y"]),
    ),
    sheet("X15", lambda: workbook(GOOD_SHEET_ROW, sheet_row("80.00")), BOTH),
    sheet(
        "X15 decimal comma declared",
        lambda: workbook(GOOD_SHEET_ROW, sheet_row("80,00")),
        BOTH,
        source=ledger_mapping(numbers={"decimal": ",", "thousands": "."}),
    ),
    sheet("X16", lambda: workbook(GOOD_SHEET_ROW, sheet_row(amount=True)), FIRST, row="BAD_AMOUNT"),
    sheet("X17", lambda: workbook(sheet_row())[:-200], file="CORRUPT_ARCHIVE"),
    sheet("X18", lambda: workbook(header=[""]), file="EMPTY_FILE"),
    sheet("X19", lambda: workbook(GOOD_SHEET_ROW, fill=blank_formatted_rows), FIRST),
    sheet("X20", shared_string_bomb, file="BOMB"),
    sheet("X22", entity_bomb, file="XML_ENTITY"),
    sheet("X23", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504, file="ENCRYPTED"),
    sheet(
        "X24",
        lambda: workbook(GOOD_SHEET_ROW, ["INV-1002", None, "invoice", DAY, DUE, "USD", 80]),
        FIRST,
        row="MISSING_KEY",
    ),
    sheet(
        "X25 cells beyond the header",
        lambda: workbook(GOOD_SHEET_ROW, [*sheet_row(), "x"]),
        FIRST,
        row="RAGGED_ROW",
    ),
    sheet(
        "X28 a cell beyond Excel's last column",
        lambda: edited(
            workbook(GOOD_SHEET_ROW, sheet_row()),
            lambda _, part: part.replace(b'r="G3"', b'r="ZZZZZZZ3"'),
        ),
        file="CORRUPT_FILE",
    ),
    sheet("X26 a name that climbs out", climbing_archive, file="UNSAFE_NAME"),
    sheet("X27 zero bytes", lambda: b"", file="EMPTY_FILE"),
]


binary = partial(Case, file_name="ledger.parquet")


def flipped_days() -> bytes:
    """Parquet days far outside the calendar."""
    return parquet(document_date=pa.array([20_000, 10_000_000], pa.int32()).cast(pa.date32()))


FLOATS = pa.array([80.5, 80.005], pa.float64())
PARQUETS = [
    binary("Q01", parquet, {"INV-0": "80.00"}),
    binary("Q02", lambda: parquet()[:-40], file="CORRUPT_FILE"),
    binary("Q02 no Parquet at all", lambda: ledger(), file="CORRUPT_FILE"),
    binary(
        "Q05", lambda: parquet(amount=pa.array([80.5, 1e3])), {"INV-0": "80.50", "INV-1": "1000.00"}
    ),
    binary("Q06", lambda: parquet(amount=FLOATS), {"INV-0": "80.50"}, row="AMOUNT_SCALE"),
    binary(
        "Q07",
        lambda: parquet(amount=pa.array([80.5, float("nan"), float("inf")])),
        {"INV-0": "80.50"},
        row=("NON_FINITE", "NON_FINITE"),
    ),
    binary(
        "Q08",
        lambda: parquet(
            document_date=pa.array([datetime(2026, 5, 31, 16)], pa.timestamp("us", tz="UTC"))
        ),
        {"INV-0": "80.00"},
    ),
    binary(
        "Q08 naive, not midnight",
        lambda: parquet(document_date=pa.array([datetime(2026, 5, 31, 16)], pa.timestamp("us"))),
        {},
        row="BAD_DATE",
    ),
    binary("Q09", lambda: parquet(document_id=pa.array([1001], pa.int64())), {"1001": "80.00"}),
    binary("Q10", lambda: parquet(document_id=pa.array([1001.0])), file="SCHEMA_TYPE"),
    binary(
        "Q11",
        lambda: parquet(
            amount=pa.array(
                [Decimal("80.0000000000"), Decimal("80.0000000001")], pa.decimal128(38, 10)
            )
        ),
        {"INV-0": "80.00"},
        row="AMOUNT_SCALE",
    ),
    binary("Q12 nested", lambda: parquet(amount=pa.array([[1], [2]])), file="SCHEMA_TYPE"),
    binary(
        "Q13",
        lambda: parquet(
            document_id=pa.array([], pa.string()),
            **{name: pa.array([], pa.string()) for name in LEDGER_HEADER.split(",")[1:]},
        ),
        {},
    ),
    binary(
        "Q14",
        lambda: parquet(
            document_id=["INV-0", "INV-1", "INV-1"],
            amount=pa.array([Decimal(1), Decimal(2), Decimal(3)], pa.decimal128(18, 2)),
        ),
        {"INV-0": "1.00"},
        row=("DUPLICATE_KEY_CONFLICT", "DUPLICATE_KEY_CONFLICT"),
    ),
    binary("Q15", flipped_days, {"INV-0": "80.00"}, row=("BAD_DATE", "DATE_RANGE")),
    binary(
        "Q16", lambda: parquet(amount=pa.array([None], pa.decimal128(18, 2))), {}, row="BAD_AMOUNT"
    ),
]


lines = partial(Case, file_name="ledger.jsonl")


JSON_LINES = [
    lines("J01", lambda: json_lines(json_invoice()), {"INV-1002": "80.00"}),
    lines("J01 numbers", lambda: json_lines(json_invoice(amount=80.1)), {"INV-1002": "80.10"}),
    lines("J02", lambda: json_lines(json_invoice(), json_invoice())[:-30], file="TRUNCATED"),
    lines(
        "J03",
        lambda: json_lines(json_invoice(), '{"document_id": "X", "amount": 1, "amount": 2}'),
        {"INV-1002": "80.00"},
        row="DUPLICATE_MEMBER",
    ),
    lines("J04", lambda: json_lines(json_invoice(amount=float("nan"))), {}, row="NON_FINITE"),
    lines(
        "J05 no object",
        lambda: json_lines(json_invoice(), "[1]", "{]"),
        {"INV-1002": "80.00"},
        row=("RAGGED_ROW", "RAGGED_ROW"),
    ),
    lines("J06", lambda: json.dumps([json_invoice()]).encode(), file="FORMAT_MISMATCH"),
    lines(
        "J07",
        lambda: json_lines(json_invoice(document_id=1234567890123456789)),
        {"1234567890123456789": "80.00"},
    ),
    lines(
        "J08",
        lambda: json_lines(
            *(json_invoice(document_id=f"INV-{n}") for n in range(200)),
            json_invoice(document_id="INV-X", region="N"),
        ),
        201,
        unknown="region",
    ),
    lines(
        "J12",
        lambda: json_lines(
            json_invoice(),
            {k: v for k, v in json_invoice(document_id="Y").items() if k != "amount"},
        ),
        {"INV-1002": "80.00"},
        row="BAD_AMOUNT",
    ),
    lines("J13", lambda: json_lines(json_invoice(amount={"value": "80.00"})), {}, row="BAD_AMOUNT"),
    lines(
        "J14 a required member nowhere",
        lambda: json_lines({"document_id": "X"}),
        file="MISSING_COLUMN",
    ),
    Case(
        "J15 packed",
        lambda: gzip.compress(json_lines(json_invoice())),
        {"INV-1002": "80.00"},
        file_name="ledger.jsonl.gz",
    ),
]

NAMES = [
    Case("F11", ledger, BOTH, file_name="LEDGER.CSV"),
    Case("F01", ledger, BOTH, file_name="ledger*[12].csv"),
    Case("F30 no such extract", ledger, file="NO_MAPPING", file_name="invoices.csv"),
    Case("F31 unknown format", ledger, file="FORMAT_MISMATCH", file_name="ledger.ods"),
]

CASES = [*SHAPE, *NUMBERS, *DATES, *INSTANTS, *KEYS, *WORKBOOKS, *PARQUETS, *JSON_LINES, *NAMES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input_has_its_outcome(case: Case, tmp_path: Path) -> None:
    (load,) = stage(
        tmp_path,
        case.file_name,
        case.content(),
        source=case.source,
        control=case.control,
        limits=case.limits,
    )
    record = load.record
    if case.file is not None:
        assert (record.status, record.reason_code) == ("rejected", case.file), record.reason_detail
        assert record.reason_detail
        return
    assert record.status == "admitted", f"{record.reason_code}: {record.reason_detail}"
    reasons = quarantined(load)["reason_code"].to_list()
    expected = [case.row] if isinstance(case.row, str) else list(case.row or ())
    if case.id.startswith("Q15"):
        assert len(reasons) == 1
        assert reasons[0] in expected
    else:
        assert sorted(reasons) == sorted(expected)
    rows = accepted(load)
    if isinstance(case.accepted, int):
        assert rows.height == case.accepted
    elif case.accepted is not None:
        found = dict(zip(rows["document_id"], map(str, rows["amount"]), strict=True))
        assert found == case.accepted
    if case.unknown is not None:
        assert record.unknown_columns == case.unknown


def test_ids_of_cases_are_distinct() -> None:
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
    assert all(case.source is None or case.source.source in (CANONICAL, "erp") for case in CASES)
