"""Run a hand-written SQL script of this folder in DuckDB, and nothing else.

``python -m benchmarks.floors.script <script> <folder it reads> <file>``. `marts` reads the tables
that `load` made in the same file; `suites` and `load` begin a new one.
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.data import LAST_DAY


def script_arguments(script: str, source: Path, target: Path) -> list[str]:
    """The command that runs a script, after the Python interpreter."""
    if script != "marts":
        target.unlink(missing_ok=True)
    return ["-m", "benchmarks.floors.script", script, str(source), str(target)]


def main(script: str, source: Path, target: Path) -> None:
    """Run the statements of one script with its variables set."""
    with duckdb.connect(str(target), config={"threads": 2}) as connection:
        for variable in ("source", "lake"):
            connection.execute(f"set variable {variable} = $source", {"source": str(source)})
        connection.execute("set variable as_of_date = $day", {"day": LAST_DAY})
        statements = Path(__file__).with_name(f"{script}.sql").read_text("utf-8")
        for statement in connection.extract_statements(statements):
            connection.execute(statement).fetchall()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
