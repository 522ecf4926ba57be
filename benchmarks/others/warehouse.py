"""Our warehouse: what its readers ask of the published copy, after a refresh has made it.

The refresh is measured apart, by the command that users run. Its marts hold versions and two times,
so that open items can be asked as of any day and as known at any instant; here: as known now.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.others.questions import ANSWERS, FIRST_MONTH, MONTH_STARTS, OPEN_ON, Steps, run
from benchmarks.queries import read_statements


def main(home: Path, target: Path) -> None:
    """Answer from the published copy of a home."""
    steps = Steps(target)
    statements = read_statements(Path(__file__).with_suffix(".sql"))
    filled = {
        "open_on": OPEN_ON.isoformat(),
        "known_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "first_month": FIRST_MONTH.isoformat(),
        "past_last_month": MONTH_STARTS[-1].isoformat(),
    }
    published = home / "published" / "current" / "collections.duckdb"
    for question in ANSWERS:
        with steps.step(question), duckdb.connect(str(published), read_only=True) as connection:
            answer = target / f"{question}.parquet"
            query = statements[question].format(**filled)
            connection.execute(f"copy ({query}) to '{answer}' (format parquet)")


if __name__ == "__main__":
    run(main)
