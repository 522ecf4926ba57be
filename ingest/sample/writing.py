"""Puts files into a landing folder, the same bytes every time.

Here live paths, encodings, packing and workbooks; what the files say is decided in ``systems``.
Files carry a ``.part`` name until the whole company is written, so that nobody reads half of one.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
import xlsxwriter

_PART = ".part"
_TIMELESS = datetime(2000, 1, 1)

CellValue = str | int | float | date | bool | None


class Landing:
    """A landing folder that is being filled.

    Attributes:
        folder: Holds ``<delivery_date>/<source>/<file>``.
        dates: The delivery dates, by number of the delivery.
    """

    def __init__(self, folder: Path, dates: Sequence[date]) -> None:
        """Prepare to fill a folder; nothing is written yet."""
        self.folder = folder
        self.dates = tuple(dates)
        self._paths: dict[Path, None] = {}

    def date_tag(self, delivery: int) -> str:
        """Return the delivery's date as file names carry it."""
        return self.dates[delivery].strftime("%Y%m%d")

    def append(
        self, delivery: int, source: str, name: str, content: bytes, *, beginning: bytes = b""
    ) -> None:
        """Append to a file; a name that ends in ``.gz`` gets one more packed member.

        Args:
            delivery: Number of the delivery.
            source: Name of the source.
            name: Name of the file.
            content: What to append.
            beginning: What to write first when the file is new.
        """
        path = self._path(delivery, source, name)
        is_new = path not in self._paths
        if is_new:
            self._paths[path] = None
            path.parent.mkdir(parents=True, exist_ok=True)
            content = beginning + content
        if name.endswith(".gz"):
            packed = io.BytesIO()
            with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as member:
                member.write(content)
            content = packed.getvalue()
        with path.with_name(name + _PART).open("wb" if is_new else "ab") as file:
            file.write(content)

    def repeat(self, delivery: int, again: int, source: str, name: str) -> None:
        """Deliver a file a second time, unchanged."""
        content = (self._path(delivery, source, name + _PART)).read_bytes()
        path = self._path(again, source, name)
        self._paths[path] = None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(name + _PART).write_bytes(content)

    def _path(self, delivery: int, source: str, name: str) -> Path:
        return self.folder / self.dates[delivery].isoformat() / source / name

    def finish(self) -> tuple[int, int]:
        """Give all files their names.

        Returns:
            Number of files and of bytes.
        """
        size = 0
        for path in self._paths:
            part = path.with_name(path.name + _PART)
            size += part.stat().st_size
            part.replace(path)
        return len(self._paths), size


def csv_text(
    rows: pl.DataFrame, *, header: bool = False, separator: str = ",", line_end: str = "\n"
) -> str:
    """Write rows of text as delimited text."""
    return rows.write_csv(
        include_header=header, separator=separator, line_terminator=line_end, null_value=""
    )


def workbook(
    sheet: str, header: Sequence[str], rows: Sequence[Sequence[CellValue]], *, title: str = ""
) -> bytes:
    """Write rows as a workbook of one sheet, dates and numbers as such.

    Args:
        sheet: Name of the sheet.
        header: Names of the columns.
        rows: The cells.
        title: A line above the header, or nothing.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"created": _TIMELESS, "author": "", "title": title})
    page = book.add_worksheet(sheet)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    money = book.add_format({"num_format": "#,##0.00"})
    bold = book.add_format({"bold": True})
    top = 0
    if title:
        page.write_string(0, 0, title, bold)
        top = 1
    for column, name in enumerate(header):
        page.write_string(top, column, name, bold)
    for number, row in enumerate(rows, start=top + 1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                page.write_string(number, column, value)
            elif isinstance(value, bool):
                page.write_boolean(number, column, value)
            elif isinstance(value, date):
                instant = datetime(value.year, value.month, value.day)
                page.write_datetime(number, column, instant, day)
            else:
                style = money if isinstance(value, float) else None
                page.write_number(number, column, value, style)
    book.close()
    return target.getvalue()


def parquet(rows: pl.DataFrame) -> bytes:
    """Write rows as Parquet."""
    target = io.BytesIO()
    rows.write_parquet(target, compression="zstd")
    return target.getvalue()
