"""DuckDB and one SQL script: the floor. It keeps tables, and no history of what was known."""

from pathlib import Path

import duckdb

from benchmarks.others.questions import Steps, run
from benchmarks.others.sql import TABLES, answer_in_duckdb


def main(source: Path, target: Path) -> None:
    """Load the extracts into a database file and answer from it."""
    steps = Steps(target)
    with duckdb.connect(str(target / "floor.duckdb"), config={"threads": 2}) as connection:
        with steps.step("load"):
            for table, definition in TABLES.items():
                connection.execute(definition)
                connection.execute(f"copy {table} from '{source}/{table}.csv' (header)")
        answer_in_duckdb(connection, steps)


if __name__ == "__main__":
    run(main)
