"""Run the floor script of the marts on a folder of Parquet, into a new DuckDB file.

``python -m benchmarks.floors.marts <folder of Parquet> <new file>``.
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.data import LAST_DAY

SCRIPT = Path(__file__).with_name("marts.sql")


def main(source: Path, target: Path) -> None:
    """Create the floor's tables in a new file."""
    with duckdb.connect(str(target), config={"threads": 2}) as connection:
        connection.execute("set variable source = $source", {"source": str(source)})
        connection.execute("set variable as_of_date = $day", {"day": LAST_DAY})
        connection.execute(SCRIPT.read_text("utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
