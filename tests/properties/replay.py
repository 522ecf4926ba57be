"""Run a whole build in a second: dbt's own statements, recorded once and sent to the engine again.

dbt needs many seconds to send a few hundred statements, and sends the same ones whatever the rows
are: those of a build from nothing, or those of a refresh. Both lists are recorded from real runs of
dbt. Nothing here knows what a model or a strategy does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import duckdb

from tests.warehouse import run_dbt, write_run_parameters

COMMENT = re.compile(r"\A\s*/\*.*?\*/\s*", re.DOTALL)
STAMP = re.compile(r"__dbt_tmp\d+")
"""Tells apart the temporary tables of two runs in one session; there each replaces the last."""

ASKS = ("select", "with", "show", "describe", "pragma", "set", "comment")
TRANSACTIONS = ("begin", "commit", "rollback")


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

    def build(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        """Build all models from nothing in a warehouse of seeds alone."""
        _send(warehouse, self.full)

    def continue_build(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        """Refresh a warehouse that was built before."""
        _send(warehouse, self.refresh)


def record(home: Path, steps: Sequence[dict[str, Any]]) -> Recorded:
    """Build a home with dbt, refresh it once or more, and keep the statements.

    Every later refresh must send what the first one did: else to send it again proves nothing.

    Args:
        home: A home with a lake. Afterwards its warehouse is that of the last step.
        steps: What the runs are asked, as keywords of `write_run_parameters`.
    """
    seeds = home / "seeds.duckdb"
    write_run_parameters(home, **steps[0])
    run_dbt(home, "seed")
    copyfile(home / "warehouse.duckdb", seeds)
    sent: list[list[Statement]] = []
    for number, step in enumerate(steps):
        if number:
            write_run_parameters(home, **step, continues=True)
        statements: list[Statement] = []
        run_dbt(home, "run", threads=1, on_event=lambda event, to=statements: _keep(event, to))
        sent.append(statements)
    full, first, *later = sent
    for second in later:
        assert first == second, "two refreshes send different statements: " + str(
            [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]][:1]
            or (first[len(second) :], second[len(first) :])
        )
    return Recorded(seeds, full, first)


def _keep(event: Any, statements: list[Statement]) -> None:  # noqa: ANN401
    if event.info.name != "SQLQuery":
        return
    sql = STAMP.sub("__dbt_tmp", COMMENT.sub("", event.data.sql))
    sql = re.sub(r"\Acreate temporary table\b", "create or replace temporary table", sql)
    # Each statement is committed by itself: nobody reads while they are sent again.
    if sql.strip() and not sql.lower().startswith((*ASKS, *TRANSACTIONS)):
        statements.append(Statement(event.data.node_info.node_name, sql))


def _send(warehouse: duckdb.DuckDBPyConnection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        try:
            warehouse.execute(statement.sql)
        except duckdb.Error as error:
            error.add_note(f"in {statement.model}: {statement.sql}")
            raise
