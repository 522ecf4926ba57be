"""Judging a family of marts in the warehouse that dbt has built, before it is published."""

# ruff: noqa: S608 - identifiers come from the catalogue

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from quality import databases
from quality.catalogue import Expectation
from quality.data_docs import write_data_docs
from quality.mart_catalogue import MART_SUITES, MartSuite
from quality.results import ExpectationResult
from quality.validation import SAMPLE_SIZE, confirm, key_text, validate

SCHEMA: Final = "marts"

_READ_ONLY: Final = {**databases.SETTINGS, "access_mode": "read_only"}


def judge_marts(
    warehouse_path: Path, family: str, *, run_id: str = "", data_docs: Path | None = None
) -> list[ExpectationResult]:
    """Judge the marts of one family.

    Args:
        warehouse_path: The warehouse, which nobody is writing.
        family: Name of the family.
        run_id: The refresh that asks.
        data_docs: Folder of the Data Docs, or None to write none.

    Returns:
        One result per mart and expectation; the mart stands as `source`. Of a mart that does not
        exist no expectation is met.

    Raises:
        KeyError: No such family.
    """
    suites = MART_SUITES[family]
    with databases.connect_locked(warehouse_path, _READ_ONLY, ()) as connection:
        present = {
            name: row_count
            for name in suites
            if (row_count := _row_count(connection, name)) is not None
        }
    validations = validate(
        warehouse_path,
        {name: suites[name].expectations for name in present},
        name=family,
        run_id=run_id,
        config=_READ_ONLY,
        schema=SCHEMA,
    )
    found = {one.table: one for one in validations}
    results: list[ExpectationResult] = []
    with databases.connect_locked(warehouse_path, _READ_ONLY, ()) as connection:
        as_of_date = _as_of_date(connection, sorted(present))
        for name, suite in suites.items():
            counts: Sequence[int] = found[name].counts if name in found else ()
            for position, expectation in enumerate(suite.expectations):
                exists = name in found
                count = counts[position] if exists else 0
                sample = _sample(connection, name, suite, expectation, count) if count else ""
                row_count = present.get(name, 0)
                results.append(
                    ExpectationResult(
                        run_id=run_id,
                        load_id="",
                        extract=family,
                        source=name,
                        delivery_date=as_of_date,
                        expectation_code=expectation.code,
                        severity=expectation.severity,
                        is_met=exists and count == 0,
                        checked_count=row_count,
                        unexpected_count=count,
                        sample=sample,
                        observed=f"{count} of {row_count} rows"
                        if exists
                        else "the mart does not exist",
                        description=expectation.description,
                    )
                )
    if data_docs is not None:
        write_data_docs(
            data_docs,
            name=family,
            run_id=run_id,
            validations=[one.result for one in validations],
            results=results,
        )
    return results


def _row_count(connection: duckdb.DuckDBPyConnection, mart: str) -> int | None:
    """Rows of a mart, or None when there is none of that name."""
    known = connection.execute(
        "select count(*) from information_schema.tables"
        " where table_schema = $schema and table_name = $name",
        {"schema": SCHEMA, "name": mart},
    ).fetchone()
    if known == (0,):
        return None
    counted: Any = connection.execute(f"select count(*) from {SCHEMA}.{mart}").fetchone()
    return int(counted[0])


def _as_of_date(connection: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> Any:  # noqa: ANN401
    """The latest `as_of_date` of the first mart that has one."""
    for mart in marts:
        has_date = connection.execute(
            "select count(*) from information_schema.columns where table_schema = $schema"
            " and table_name = $name and column_name = 'as_of_date'",
            {"schema": SCHEMA, "name": mart},
        ).fetchone()
        if has_date == (1,):
            found: Any = connection.execute(
                f"select max(as_of_date) from {SCHEMA}.{mart}"
            ).fetchone()
            return found[0]
    return None


def _sample(
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    suite: MartSuite,
    expectation: Expectation,
    count: int,
) -> str:
    """Keys of the first rows that break an expectation."""
    rows = expectation.unexpected_rows.format(batch=f"{SCHEMA}.{mart}")
    shown = key_text(suite.key)
    explained, keys = connection.execute(
        f"select count(*), arg_min({shown}, {shown}, {SAMPLE_SIZE}) from ({rows})"
    ).fetchall()[0]
    confirm(expectation, count, explained)
    return "; ".join(keys)
