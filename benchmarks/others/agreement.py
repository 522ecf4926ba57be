"""Whether two competitors gave the same answers, row by row and to the cent."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from benchmarks.others.questions import ANSWERS, KEYS

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
    with duckdb.connect() as connection:
        for name, folder in others:
            for question in ANSWERS:
                _compare(connection, question, first, reference, name, folder)
        return {question: _count(connection, reference, question) for question in ANSWERS}


def _compare(
    connection: duckdb.DuckDBPyConnection,
    question: str,
    first: str,
    reference: Path,
    name: str,
    folder: Path,
) -> None:
    key = ", ".join(ANSWERS[question][: KEYS[question]])
    rows = connection.execute(
        f"""
        with expected as ({_select(reference, question)}),
        found as ({_select(folder, question)}),
        differing as (
            select '{first}' as who, * from (from expected except all from found)
            union all
            select '{name}' as who, * from (from found except all from expected)
        )
        select * from differing order by {key}, who limit {SHOWN_ROWS}
        """
    ).fetchall()
    if rows:
        columns = ("whose", *ANSWERS[question])
        shown = "\n".join(" | ".join(map(str, row)) for row in (columns, *rows))
        raise DisagreementError(f"{first} and {name} differ in {question}, first rows:\n{shown}")


def _count(connection: duckdb.DuckDBPyConnection, folder: Path, question: str) -> int:
    found = connection.execute(f"select count(*) from ({_select(folder, question)})").fetchone()
    if found is None or found[0] == 0:
        raise DisagreementError(f"{folder} has no rows for {question}: nothing was compared")
    return int(found[0])


def _select(folder: Path, question: str) -> str:
    """The rows of an answer in one shape, whatever wrote them."""
    parquet, text = folder / f"{question}.parquet", folder / f"{question}.csv"
    scan = f"'{parquet}'" if parquet.exists() else f"read_csv('{text}', all_varchar = true)"
    return f"select {', '.join(map(_cast, ANSWERS[question]))} from {scan}"


def _cast(column: str) -> str:
    kind = "varchar"
    if column.endswith(NUMBERS):
        kind = "bigint"
    elif column.endswith(("_date", "_start")):
        kind = "date"
    return f"cast({column} as {kind}) as {column}"
