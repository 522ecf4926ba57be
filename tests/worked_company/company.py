"""The worked company's files: its deliveries as typed rows, its by-hand results as text.

What the company is and how each result comes about stands in README.md beside this file.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingest.extracts import EXTRACTS
from tests.warehouse import end_of_day

FOLDER = Path(__file__).parent
AS_OF_DATE = date(2026, 4, 5)
QUARTER_END = date(2026, 3, 31)
KNOWN_AT_QUARTER_END = end_of_day(QUARTER_END)
KNOWN_LATER = end_of_day(AS_OF_DATE)
OWN_SEEDS = FOLDER / "seeds"


def deliveries(folder: Path = FOLDER) -> dict[str, list[dict[str, Any]]]:
    """The rows of all delivered files, by extract, each with its delivery date."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for file in sorted((folder / "deliveries").glob("*/*.csv")):
        schema = EXTRACTS[file.stem].schema
        delivery_date = date.fromisoformat(file.parent.name)
        for line in _lines(file):
            row = {name: _parser(schema[name])(text) for name, text in line.items() if text != ""}
            rows.setdefault(file.stem, []).append(
                row | {"_delivery_date": delivery_date, "_source_file": file.name}
            )
    return rows


def expected(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    """The rows of one file of by-hand results."""
    return _lines(folder / "expected" / f"{name}.csv")


def as_text(rows: Iterable[Sequence[Any]]) -> list[tuple[str, ...]]:
    """Rows as the expected files spell them, in a fixed order."""
    return sorted(tuple(_spelled(value) for value in row) for row in rows)


def _spelled(value: object) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _lines(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _parser(dtype: pl.DataType) -> Callable[[str], Any]:
    if isinstance(dtype, pl.Decimal):
        return Decimal
    if isinstance(dtype, pl.Date):
        return date.fromisoformat
    if isinstance(dtype, pl.Datetime):
        return datetime.fromisoformat
    if isinstance(dtype, pl.Boolean):
        return lambda text: text == "true"
    if dtype.is_integer():
        return int
    return str
