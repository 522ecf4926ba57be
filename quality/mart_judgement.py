"""Judging a family of marts in the warehouse that dbt has built, before it is published.

Of a mart that a build continued, the rows are looked at that it added: the others are as they were
when they were judged. What compares rows is judged again for whole groups of rows, those in which
anything changed; what speaks of a mart as a whole is judged whole.
"""

# ruff: noqa: S608 - identifiers come from the catalogue

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb

from quality import databases
from quality.catalogue import Expectation
from quality.data_docs import write_data_docs
from quality.mart_catalogue import MART_SUITES, Groups, MartSuite
from quality.results import ExpectationResult
from quality.validation import SAMPLE_SIZE, confirm, key_text, validate

SCHEMA: Final = "marts"

_READ_ONLY: Final = {**databases.SETTINGS, "access_mode": "read_only"}


@dataclass(frozen=True)
class Question:
    """An expectation of one mart, and the rows that are looked at for it.

    Attributes:
        expectation: The expectation; a query in it names its tables.
        rows: The rows that it is asked of, as a relation.
        checked_count: How many they are.
    """

    expectation: Expectation
    rows: str
    checked_count: int


@dataclass(frozen=True)
class Questions:
    """What is asked about one mart.

    Attributes:
        asked: The questions in the order of the suite.
        part: A query of the rows to look at when it is not all of them, else null.
    """

    asked: Sequence[Question]
    part: str | None


def judge_marts(
    warehouse_path: Path,
    family: str,
    *,
    run_id: str = "",
    data_docs: Path | None = None,
    continued: bool = False,
) -> list[ExpectationResult]:
    """Judge the marts of one family.

    Args:
        warehouse_path: The warehouse, which nobody is writing.
        family: Name of the family.
        run_id: The refresh that asks.
        data_docs: Folder of the Data Docs, or None to write none.
        continued: Whether the warehouse continues a build of which every mart met everything, so
            that it is enough to look at what changed since.

    Returns:
        One result per mart and expectation; the mart stands as `source`. Of a mart that does not
        exist no expectation is met.

    Raises:
        KeyError: No such family.
    """
    suites = MART_SUITES[family]
    with databases.connect_locked(warehouse_path, _READ_ONLY, ()) as connection:
        changed = _changed_marts(connection) if continued else frozenset()
        present = {
            name: _questions(connection, name, suite, changed)
            for name, suite in suites.items()
            if _exists(connection, name)
        }
        as_of_date = _as_of_date(connection)
    validations = validate(
        warehouse_path,
        {name: [one.expectation for one in questions.asked] for name, questions in present.items()},
        name=family,
        run_id=run_id,
        config=_READ_ONLY,
        schema=SCHEMA,
        parts={
            name: questions.part
            for name, questions in present.items()
            if questions.part is not None
        },
    )
    found = {one.table: one.counts for one in validations}
    results: list[ExpectationResult] = []
    with databases.connect_locked(warehouse_path, _READ_ONLY, ()) as connection:
        for name, suite in suites.items():
            for position, expectation in enumerate(suite.expectations):
                count, checked_count, sample = 0, 0, ""
                observed = "the mart does not exist"
                if name in present:
                    question = present[name].asked[position]
                    count, checked_count = found[name][position], question.checked_count
                    sample = _sample(connection, suite, question, count) if count else ""
                    observed = f"{count} of {checked_count} rows" + (
                        ""
                        if suite.judged
                        or present[name].part is None
                        or question.rows == _table(name)
                        else " that changed or stand beside such; the others were judged before"
                    )
                results.append(
                    ExpectationResult(
                        run_id=run_id,
                        load_id="",
                        extract=family,
                        source=name,
                        delivery_date=as_of_date,
                        expectation_code=expectation.code,
                        severity=expectation.severity,
                        is_met=name in present and count == 0,
                        checked_count=checked_count,
                        unexpected_count=count,
                        sample=sample,
                        observed=observed,
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


def _questions(
    connection: duckdb.DuckDBPyConnection, mart: str, suite: MartSuite, changed: frozenset[str]
) -> Questions:
    """What is asked about a mart, of its changes when they are known."""
    table = suite.shows or mart
    whole = _table(mart)
    view = _definition(connection, mart)
    if view and suite.arranges in changed:
        return _arranged(connection, view, suite)
    if table not in changed:
        part = f"select * from {whole} where {suite.judged}" if suite.judged else None
        rows = whole if part is None else f"({part})"
        count = _count(connection, rows)
        return Questions(
            [
                Question(_named(one, suite.groups.get(one.code), rows, _table), rows, count)
                for one in suite.expectations
            ],
            part=part,
        )
    keys = f"(select {', '.join(suite.key)} from {_changes(table)} where _change = 'added')"
    part = f"select * exclude (_change) from {_changes(table)} where _change = 'added'"
    alike = _alike(whole, keys, suite.key)
    if suite.shows:
        part = _shown(view, table, part) if view else alike
    if suite.shows and view:
        alike = _shown(view, table, _alike(_table(table), keys, suite.key))
    counts = {f"({part})": _count(connection, f"({part})")}
    asked = []
    for expectation in suite.expectations:
        rows = f"({part})"
        adapted = expectation
        if expectation.kind == "unique":
            repeated = f"qualify count(*) over (partition by {', '.join(expectation.columns)}) > 1"
            adapted = replace(expectation, query=f"{alike} {repeated}")
        elif expectation.kind == "sql":
            groups = suite.groups.get(expectation.code)
            if groups is None or (groups.beside and groups.beside not in changed):
                rows = whole
                adapted = _named(expectation, groups, rows, _table)
            else:
                moved = _moved(table, groups)
                rows = _rows_of(moved, groups, mart)
                adapted = _named(expectation, groups, rows, partial(_rows_of, moved, groups))
        if rows not in counts:
            counts[rows] = _count(connection, rows)
        asked.append(Question(adapted, rows, counts[rows]))
    return Questions(asked, part)


def _arranged(connection: duckdb.DuckDBPyConnection, view: str, suite: MartSuite) -> Questions:
    """What is asked about a view of a mart whose changes are known: of the groups that changed."""
    asked = []
    for expectation in suite.expectations:
        groups = suite.groups[expectation.code]
        keys = f"(select {', '.join(groups.columns)} from {_changes(suite.arranges)})"
        arranged = _alike(_table(suite.arranges), keys, groups.columns)
        rows = f"({_shown(view, suite.arranges, arranged)})"
        query = f"with shown_rows as materialized {rows} " + expectation.query.format(
            batch="shown_rows", **{suite.arranges: f"({arranged})"}
        )
        asked.append(Question(replace(expectation, query=query), rows, _count(connection, rows)))
    return Questions(asked, part=f"select * from {asked[0].rows}")


def _definition(connection: duckdb.DuckDBPyConnection, mart: str) -> str:
    """The query of a mart that is a view; empty of a table."""
    defined = connection.execute(
        "select sql from duckdb_views() where schema_name = $schema and view_name = $name",
        {"schema": SCHEMA, "name": mart},
    ).fetchall()
    return re.split(r"\bAS\b", defined[0][0], maxsplit=1)[1].rstrip("; \n") if defined else ""


def _shown(view: str, table: str, rows: str) -> str:
    """A query of what a view would show if its table held only these rows.

    A condition on the view itself would be met after everything in it was worked out.
    """
    shown, replaced = re.subn(rf"\b(?:\w+\.)?{SCHEMA}\.{table}\b", lambda _: f"({rows})", view)
    if replaced != 1:
        raise RuntimeError(f"a view does not read {table} once: {view}")
    return f"select * from ({shown})"


def _named(
    expectation: Expectation, groups: Groups | None, rows: str, beside: Callable[[str], str]
) -> Expectation:
    """The expectation with the relations that its query reads, if it has a query of its own."""
    if expectation.kind != "sql":
        return expectation
    others = {groups.beside: beside(groups.beside)} if groups and groups.beside else {}
    return replace(expectation, query=expectation.query.format(batch=rows, **others))


def _moved(table: str, groups: Groups) -> str:
    """A query of the groups in which a row changed, or that moved otherwise."""
    columns = ", ".join(groups.columns)
    moved = [
        f"select {columns} from {_changes(changed)}"
        for changed in (table, groups.beside)
        if changed
    ]
    return " union all ".join([*moved, *([groups.moved] if groups.moved else [])])


def _rows_of(moved: str, groups: Groups, mart: str) -> str:
    """The rows of a mart in the groups that moved, as a relation."""
    return f"({_alike(_table(mart), f'({moved})', groups.columns)})"


def _alike(table: str, keys: str, columns: Sequence[str]) -> str:
    """A query of the rows of a table that agree in these columns with any of the keys."""
    equal = " and ".join(f"r.{one} is not distinct from keys.{one}" for one in columns)
    return f"select r.* from {table} as r semi join {keys} as keys on {equal}"


def _table(mart: str) -> str:
    return f"{SCHEMA}.{mart}"


def _changes(mart: str) -> str:
    """The table in which a continued build leaves what it changed in a mart."""
    return f"intermediate.changes_of_{mart}"


def _changed_marts(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The marts that the build continued, whether or not anything changed in them."""
    prefix = _changes("").rpartition(".")[-1]
    tables = connection.execute(
        "select table_name from information_schema.tables"
        " where table_schema = 'intermediate' and starts_with(table_name, $prefix)",
        {"prefix": prefix},
    ).fetchall()
    return frozenset(name.removeprefix(prefix) for (name,) in tables)


def _exists(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    known = connection.execute(
        "select count(*) from information_schema.tables"
        " where table_schema = $schema and table_name = $name",
        {"schema": SCHEMA, "name": mart},
    ).fetchone()
    return known != (0,)


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    counted: Any = connection.execute(f"select count(*) from {rows}").fetchone()
    return int(counted[0])


def _as_of_date(connection: duckdb.DuckDBPyConnection) -> Any:  # noqa: ANN401
    """The business date that the build was asked."""
    asked: Any = connection.execute("select as_of_date from staging.run_parameters").fetchone()
    return asked[0]


def _sample(
    connection: duckdb.DuckDBPyConnection, suite: MartSuite, question: Question, count: int
) -> str:
    """Keys of the first rows that break an expectation."""
    rows = question.expectation.unexpected_rows.format(batch=question.rows)
    shown = key_text(suite.key)
    explained, keys = connection.execute(
        f"select count(*), arg_min({shown}, {shown}, {SAMPLE_SIZE}) from ({rows})"
    ).fetchall()[0]
    confirm(question.expectation, count, explained)
    return "; ".join(keys)
