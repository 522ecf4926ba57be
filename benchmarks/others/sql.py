"""The SQL that the database competitors share, and where their databases are found."""

import shutil
from pathlib import Path
from typing import Any

from benchmarks.others.questions import (
    ANSWERS,
    FIRST_MONTH,
    MONTH_STARTS,
    OPEN_ON,
    TIMEZONE,
    TOUCH_DAYS,
    TOUCHES,
    UNATTRIBUTED,
    Steps,
)
from benchmarks.queries import read_statements

FOLDER = Path(__file__).parent
TABLES = read_statements(FOLDER / "tables.sql")
PREPARED = {"open_items": ("documents", "movements"), "aging": ("aging_by_customer",)}
"""Tables that a question needs and later ones use again; the first that asks pays for them."""


def questions() -> dict[str, str]:
    """The statements of ``questions.sql`` with their parameters filled in."""
    filled = {
        "open_on": OPEN_ON.isoformat(),
        "first_month": FIRST_MONTH.isoformat(),
        "last_month": MONTH_STARTS[-2].isoformat(),
        "timezone": TIMEZONE,
        "touches": ", ".join(f"'{outcome}'" for outcome in TOUCHES),
        "touch_days": TOUCH_DAYS,
        "unattributed": UNATTRIBUTED,
    }
    statements = read_statements(FOLDER / "questions.sql")
    return {name: text.format(**filled) for name, text in statements.items()}


def answer_in_duckdb(connection: Any, steps: Steps) -> None:  # noqa: ANN401
    """Ask all questions of a DuckDB connection that has the extracts as tables."""
    statements = questions()
    for question in ANSWERS:
        with steps.step(question):
            for table in PREPARED.get(question, ()):
                connection.execute(statements[table])
            answer = steps.folder / f"{question}.parquet"
            connection.execute(f"copy ({statements[question]}) to '{answer}' (format parquet)")


def find_postgresql(program: str) -> Path | None:
    """A program of the newest PostgreSQL server that is installed, null without one."""
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = max(installed, key=lambda path: int(path.parts[-3]), default=None)
    on_path = shutil.which(program)
    return newest or (Path(on_path) if on_path else None)
