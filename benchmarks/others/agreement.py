"""Whether two competitors gave the same answers, row by row and to the cent."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from benchmarks.others.questions import ANSWERS

SHOWN_ROWS = 10
NUMBERS = ("_count", "_cents", "_past_due", "_of_days")


class DisagreementError(Exception):
    """Two competitors answered one question differently; the rows are in the message."""


def check_answers(folders: Mapping[str, Path]) -> dict[str, int]:
    """Compare all answers of all competitors with those of the first.

    Args:
        folders: The folder of each competitor's answers, by its name.

    Returns:
        Rows by question, the same for all.

    Raises:
        DisagreementError: Some row is in one and not in the other, or has other values there.
    """
    (first, reference), *others = folders.items()
    counts = {}
    with duckdb.connect() as connection:
        for question in ANSWERS:
            expected = _read(connection, reference, question)
            counts[question] = len(expected)
            if not counts[question]:
                raise DisagreementError(f"{first} has no rows for {question}: nothing to compare")
            for name, folder in others:
                found = _read(connection, folder, question)
                _compare(question, {first: expected, name: found})
    return counts


def _compare(question: str, answers: Mapping[str, duckdb.DuckDBPyRelation]) -> None:
    (first, expected), (second, found) = answers.items()
    # The relations' except keeps duplicates: a row that is there twice must be so in both.
    rows = [
        (*row, whose)
        for whose, more in ((first, expected.except_(found)), (second, found.except_(expected)))
        for row in more.order(", ".join(ANSWERS[question])).limit(SHOWN_ROWS).fetchall()
    ]
    if rows:
        columns = (*ANSWERS[question], "only in")
        shown = "\n".join(" | ".join(map(str, row)) for row in (columns, *sorted(rows)))
        raise DisagreementError(f"{first} and {second} differ in {question}, first rows:\n{shown}")


def _read(
    connection: duckdb.DuckDBPyConnection, folder: Path, question: str
) -> duckdb.DuckDBPyRelation:
    """The rows of an answer in one shape, whatever wrote them."""
    parquet, text = folder / f"{question}.parquet", folder / f"{question}.csv"
    if parquet.exists():
        rows = connection.read_parquet(str(parquet))
    else:
        rows = connection.read_csv(str(text), all_varchar=True)
    return rows.project(", ".join(map(_cast, ANSWERS[question])))


def _cast(column: str) -> str:
    kind = "varchar"
    if column.endswith(NUMBERS):
        kind = "bigint"
    elif column.endswith(("_date", "_start")):
        kind = "date"
    return f"cast({column} as {kind}) as {column}"
