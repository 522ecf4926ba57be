"""Whole warehouses for tests, built in seconds from dbt's own statements.

dbt needs half a minute to send a few hundred statements, and sends the same ones whatever the rows
are: those of a build from nothing, or those of a refresh. Both lists are recorded once from real
runs of dbt, by the first process that asks, and kept for as long as nothing changes that they are
made of. Nothing here knows what a model or a strategy does. Tests of the project look at what they
find, so that their statements differ: dbt itself runs them on a warehouse that was built here.
"""

import pickle
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

import duckdb

from ingest.records import LoadRecord
from tests.kept import kept
from tests.warehouse import (
    Row,
    end_of_day,
    replace_seeds,
    run_dbt,
    write_lake,
    write_run_parameters,
)

COMMENT = re.compile(r"\A\s*/\*.*?\*/\s*", re.DOTALL)

ASKS = ("select", "with", "show", "describe", "pragma", "set", "comment")
TRANSACTIONS = ("begin", "commit", "rollback")

# What may be a relation, or the table of its changes; a column of such a name only asks for more.
NAMED = re.compile(r'\."?(?:changes_of_)?(\w+)')


@dataclass(frozen=True)
class Statement:
    """One statement and the model on whose behalf it was sent."""

    model: str
    sql: str


@dataclass(frozen=True)
class Recorded:
    """What dbt sends to build from nothing and to refresh, and a warehouse of seeds alone."""

    seeds: Path
    full: Sequence[Statement]
    refresh: Sequence[Statement]

    def open(self, home: Path) -> duckdb.DuckDBPyConnection:
        """A warehouse of seeds alone, in memory, that reads the home's lake."""
        settings = {"threads": 1, "file_search_path": str(home)}
        connection = duckdb.connect(":memory:", config=settings)
        connection.execute(f"attach '{self.seeds}' as seeds (read_only)")
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("copy from database seeds to warehouse")
        connection.execute("detach seeds")
        connection.execute("use warehouse")
        return connection

    def build(self, warehouse: duckdb.DuckDBPyConnection, *, only: Collection[str] = ()) -> None:
        """Build all models, or some and what they read, in a warehouse of seeds alone."""
        _send(warehouse, _needed(self.full, only))

    def continue_build(
        self, warehouse: duckdb.DuckDBPyConnection, *, only: Collection[str] = ()
    ) -> None:
        """Refresh all models, or some and what they read, of a warehouse built before."""
        _send(warehouse, _needed(self.refresh, only))

    def build_again(self, warehouse: duckdb.DuckDBPyConnection, models: Collection[str]) -> None:
        """Build some tables from nothing again, in the order in which they depend on each other."""
        for model in models:
            ((schema,),) = warehouse.execute(
                "select schema_name from duckdb_tables() where table_name = ?", [model]
            ).fetchall()
            warehouse.execute(f"drop table {schema}.{model}")
        _send(warehouse, [statement for statement in self.full if statement.model in models])


def build_warehouse(
    home: Path,
    extracts: Mapping[str, Iterable[Row]],
    *,
    as_of_date: date,
    known_at: datetime | None = None,
    reporting_currency: str = "CNY",
    timezone: str = "Asia/Shanghai",
    loads: Iterable[LoadRecord] = (),
    quarantined_rows: Iterable[Row] = (),
    expectation_results: Iterable[Row] = (),
    published_totals: Iterable[Row] = (),
    threads: int = 1,
    seeds: Path | None = None,
    only: Collection[str] = (),
    is_tested: bool = False,
) -> Path:
    """Write a lake and build the warehouse on it, from nothing.

    Args:
        home: An empty or earlier home; what it holds of lake and warehouse is replaced.
        extracts: Rows by extract, with canonical column names. Absent columns get the contract's
            default. A row may also carry `_source` (`canonical`), `_delivery_date` (its own
            business date is not looked at: 2024-01-01 unless given), `_delivery_kind` (`delta`),
            `_source_file` and `_recorded_at` (the end of the delivery date); rows alike in these
            are one load. Money may be given as text.
        as_of_date: The business date asked.
        known_at: The knowledge time asked, naive UTC; by default after everything delivered.
        reporting_currency: The reporting currency.
        timezone: The company's time zone.
        loads: Load records beside those of the rows, such as of rejected files.
        quarantined_rows: Rows of the quarantine, with its column names.
        expectation_results: Results of expectations, with their column names.
        published_totals: What earlier versions said was open, with its column names.
        threads: Threads of the engine. Of a few rows, more than one cost time and save none.
        seeds: A folder whose CSV files replace the seeds of the same name.
        only: Models that are asked for; no others are built than they and what they read. By
            default all are.
        is_tested: Whether the tests of the project are run as well.

    Returns:
        The path of the warehouse file.

    Raises:
        AssertionError: When a test of the project fails, with the messages of all that failed.
    """
    write_lake(
        home,
        extracts,
        loads=loads,
        quarantined_rows=quarantined_rows,
        expectation_results=expectation_results,
        published_totals=published_totals,
    )
    write_run_parameters(
        home,
        as_of_date=as_of_date,
        known_at=known_at,
        reporting_currency=reporting_currency,
        timezone=timezone,
    )
    return build(home, threads=threads, seeds=seeds, only=only, is_tested=is_tested)


def build(
    home: Path,
    *,
    threads: int = 1,
    seeds: Path | None = None,
    only: Collection[str] = (),
    is_tested: bool = False,
) -> Path:
    """Build, or refresh, the warehouse of a home as its run parameters ask.

    They are written by `write_run_parameters`, which takes away the warehouse unless the run
    continues; then it is refreshed. The arguments are those of `build_warehouse`.
    """
    recorded = recorded_builds()
    warehouse = home / "warehouse.duckdb"
    continues = warehouse.exists()
    if not continues:
        copyfile(recorded.seeds, warehouse)
        if seeds is not None:
            replace_seeds(home, seeds)
    settings = {"threads": threads, "file_search_path": str(home)}
    with duckdb.connect(str(warehouse), config=settings) as connection:
        if continues:
            recorded.continue_build(connection, only=only)
        else:
            recorded.build(connection, only=only)
    if is_tested:
        run_dbt(home, "test", exclude=["test_type:unit"])
    return warehouse


@cache
def recorded_builds() -> Recorded:
    """What dbt sends to build from nothing and to refresh."""
    folder = kept("recorded_builds", _record)
    full, refresh = pickle.loads((folder / "statements.pickle").read_bytes())  # noqa: S301
    return Recorded(folder / "seeds.duckdb", full, refresh)


def _record(folder: Path) -> None:
    """Build a home without rows with dbt, refresh it twice, and keep the statements.

    The second refresh must send what the first one did: else to send it again proves nothing.
    """
    home = folder / "home"
    write_lake(home, {})
    write_run_parameters(home, as_of_date=date(2024, 1, 1))
    run_dbt(home, "seed")
    copyfile(home / "warehouse.duckdb", folder / "seeds.duckdb")
    sent: list[list[Statement]] = []
    for number in range(3):
        day = date(2024, 1, 1) + timedelta(days=number)
        asked = {"as_of_date": day, "known_at": end_of_day(day)}
        if number:
            write_run_parameters(home, **asked, continues=True)
        else:
            write_run_parameters(home, **asked)
            copyfile(folder / "seeds.duckdb", home / "warehouse.duckdb")
        statements: list[Statement] = []
        run_dbt(home, "run", threads=1, on_event=lambda event, to=statements: _keep(event, to))
        sent.append(statements)
    full, first, second = sent
    earlier, later = _by_model(first), _by_model(second)
    different = sorted(one for one in earlier | later if earlier.get(one) != later.get(one))
    assert not different, f"two refreshes send different statements for {different}"
    rmtree(home)
    (folder / "statements.pickle").write_bytes(pickle.dumps((full, first)))


def _by_model(statements: Sequence[Statement]) -> dict[str, tuple[str, ...]]:
    """What was sent for each model; of models that do not wait for each other any may be first."""
    models = dict.fromkeys(statement.model for statement in statements)
    return {
        model: tuple(statement.sql for statement in statements if statement.model == model)
        for model in models
    }


def _keep(event: Any, statements: list[Statement]) -> None:  # noqa: ANN401
    if event.info.name != "SQLQuery":
        return
    sql = COMMENT.sub("", event.data.sql)
    if sql.strip() and not sql.lower().startswith((*ASKS, *TRANSACTIONS)):
        statements.append(Statement(event.data.node_info.node_name, sql))


def _needed(statements: Sequence[Statement], only: Collection[str]) -> Sequence[Statement]:
    """The statements of some models and of all that they read, in their order; of all if of none.

    What is sent for no model, such as schemas, is always needed.
    """
    if not only:
        return statements
    read: dict[str, set[str]] = {}
    for statement in statements:
        read.setdefault(statement.model, set()).update(NAMED.findall(statement.sql))
    assert read.keys() >= set(only), f"no such models: {sorted(set(only) - read.keys())}"
    needed, waiting = {""}, list(only)
    while waiting:
        model = waiting.pop()
        if model not in needed:
            needed.add(model)
            waiting.extend(read[model] & read.keys())
    return [statement for statement in statements if statement.model in needed]


def _send(warehouse: duckdb.DuckDBPyConnection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        try:
            # What was sent at once is one transaction, in which the numbers of rows do not change.
            warehouse.begin()
            warehouse.execute(statement.sql)
            warehouse.commit()
        except duckdb.Error as error:
            error.add_note(f"in {statement.model}: {statement.sql}")
            raise
