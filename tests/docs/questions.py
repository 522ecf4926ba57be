"""The questions of docs/questions.md: read, asked and written down.

``python -m tests.docs.questions <warehouse or published copy>`` writes the results anew into the
page; the test of this folder compares them.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
MOST_ROWS = 12

_QUESTION = re.compile(
    r"^## (?P<title>.+?)\n(?P<words>.*?)```sql\n(?P<query>.*?)```\n(?P<result>[^#]*)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Question:
    """One question: its title, its query, and the result that the page shows."""

    title: str
    query: str
    shown: str


def questions(text: str) -> Iterator[Question]:
    """The questions of the page, in its order."""
    for found in _QUESTION.finditer(text):
        yield Question(found["title"], found["query"], found["result"].strip())


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The result as a table of Markdown; a longer one than the page has room for is refused."""
    asked = connection.execute(query)
    names = [column[0] for column in asked.description]
    rows = asked.fetchall()
    assert 0 < len(rows) <= MOST_ROWS, f"{len(rows)} rows; expected 1 to {MOST_ROWS}"
    lines = [names, ["---"] * len(names), *([_told(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _told(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return str(value).replace("|", "/")


def main(arguments: Sequence[str]) -> None:
    """Ask every question again and write the answers into the page."""
    (database,) = arguments
    text = PAGE.read_text("utf-8")
    with duckdb.connect(database, read_only=True) as connection:

        def with_answer(found: re.Match[str]) -> str:
            kept: dict[str, Any] = found.groupdict()
            try:
                result = answer(connection, kept["query"])
            except (duckdb.Error, AssertionError) as error:
                print(f"{kept['title']}: {error}", file=sys.stderr)
                result = kept["result"].strip()
            return f"## {kept['title']}\n{kept['words']}```sql\n{kept['query']}```\n\n{result}\n\n"

        text = _QUESTION.sub(with_answer, text)
    PAGE.write_text(text.rstrip("\n") + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
