"""The strategy by which big models follow change, on a model of three columns.

What a refresh computes anew, what it tells as removed and added, and what it leaves alone are
properties of ``macros/refresh.sql``, whatever the model. Here it is tried on a project of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from textwrap import dedent
from typing import Any
from warnings import catch_warnings, simplefilter

import duckdb
import pytest

from tests.warehouse import PROJECT, close_warehouse

pytestmark = pytest.mark.warehouse

FILES = {
    "dbt_project.yml": """
        name: collections
        profile: toy
        flags: {send_anonymous_usage_stats: false}
        models: {collections: {+materialized: table, +schema: marts}}
    """,
    "profiles.yml": """
        toy: {target: toy, outputs: {toy: {type: duckdb, path: "%s", schema: staging, threads: 1}}}
    """,
    "models/int_lines_touched.sql": """
        {{ config(schema='intermediate') }} select account, kind from delivered.touched
    """,
    "models/lines.sql": """
        {{ config(**replaces_touched(by='int_lines_touched', keys=['account', 'kind'])) }}
        select account, kind, line_no, amount, note
        from delivered.lines
        where {{ touched_only('lines', 'int_lines_touched', ['account', 'kind']) }}
    """,
    "models/lines_by_name.sql": """
        {{ config(**replaces_touched(by='int_lines_touched', keys=['account', 'kind'])) }}
        select customer as account, sort as kind, sum(amount) as amount
        from (select account as customer, kind as sort, amount from delivered.lines) as renamed
        where {{ touched_only(
            'renamed', 'int_lines_touched', ['account', 'kind'],
            columns={'account': 'renamed.customer', 'kind': 'renamed.sort'}
        ) }}
        group by all
    """,
    "models/followed.sql": "{{ changed_rows('lines', ['account', 'line_no']) }}",
}

Line = tuple[str, str, int, int | None, str | None]
UNTOUCHED: Line = ("C", "x", 1, 7, None)
FIRST: list[Line] = [
    ("A", "x", 1, 10, None),
    ("A", "x", 2, None, "stays as it is"),
    ("A", "x", 3, None, None),
    ("A", "y", 1, 5, "another kind"),
    ("B", "x", 1, 20, "leaves altogether"),
    UNTOUCHED,
]


@dataclass(frozen=True)
class Toy:
    """A project with one model that follows change."""

    home: Path

    @property
    def file(self) -> Path:
        return self.home / "toy.duckdb"

    def deliver(self, lines: Sequence[Line], touched: Sequence[tuple[str, str]] = ()) -> None:
        with duckdb.connect(str(self.file)) as connection:
            connection.execute("create schema if not exists delivered")
            connection.execute(
                "create or replace table delivered.lines "
                "(account text, kind text, line_no int, amount int, note text)"
            )
            connection.execute(
                "create or replace table delivered.touched (account text, kind text)"
            )
            connection.executemany("insert into delivered.lines values (?, ?, ?, ?, ?)", lines)
            if touched:
                connection.executemany("insert into delivered.touched values (?, ?)", touched)

    def run(self, *options: str) -> None:
        with catch_warnings():
            # dbt's own dependencies warn of deprecated calls; they are not ours to answer for.
            simplefilter("ignore")
            from dbt.cli.main import dbtRunner

            folder = str(self.home)
            result = dbtRunner().invoke(
                ["run", "--quiet", "--project-dir", folder, "--profiles-dir", folder, *options]
            )
            close_warehouse()
        if not result.success:
            messages = [str(node.message) for node in getattr(result.result, "results", ())]
            raise AssertionError("\n".join(messages) or str(result.exception))

    def rows(self, query: str) -> set[tuple[Any, ...]]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            found = connection.execute(query).fetchall()
        assert len(set(found)) == len(found), f"rows twice: {found}"
        return set(found)

    def changes(self, model: str = "lines") -> set[tuple[Any, ...]]:
        return self.rows(f"select * from intermediate.changes_of_{model}")  # noqa: S608

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("select distinct table_name from duckdb_tables()")}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The project, built from nothing on the first lines."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    copytree(PROJECT / "macros", tmp_path / "macros")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text).replace("%s", str(tmp_path / "toy.duckdb")))
    toy = Toy(tmp_path)
    toy.deliver(FIRST)
    toy.run()
    return toy


def test_a_build_from_nothing_holds_all_and_tells_no_changes(toy: Toy) -> None:
    assert toy.rows("from marts.lines") == set(FIRST)
    assert "changes_of_lines" not in toy.tables()
    assert toy.rows("from marts.followed") == set()


def test_a_refresh_replaces_what_differs_of_touched_keys_and_nothing_else(toy: Toy) -> None:
    present: list[Line] = [
        ("A", "x", 1, 10, None),  # the same, with a null
        ("A", "x", 2, None, "stays as it is"),
        ("A", "x", 3, 3, None),  # a null became a number
        ("A", "x", 4, None, None),  # new
        ("A", "y", 1, 6, "another kind"),  # changed, but only the kind x of A is touched
        ("C", "x", 1, 8, None),  # changed, but not touched
        ("D", "x", 1, None, None),  # a new key
    ]
    toy.deliver(present, touched=[("A", "x"), ("B", "x"), ("D", "x"), ("E", "x")])
    toy.run()
    removed = {("A", "x", 3, None, None), ("B", "x", 1, 20, "leaves altogether")}
    added = {("A", "x", 3, 3, None), ("A", "x", 4, None, None), ("D", "x", 1, None, None)}
    assert toy.changes() == {(*row, "removed") for row in removed} | {
        (*row, "added") for row in added
    }
    assert toy.rows("from marts.lines") == (set(FIRST) - removed) | added
    assert toy.rows("from marts.followed") == {
        ("A", 3, "removed"),
        ("B", 1, "removed"),
        ("A", 3, "added"),
        ("A", 4, "added"),
        ("D", 1, "added"),
    }
    assert toy.rows("select account, kind, amount from marts.lines_by_name") == {
        ("A", "x", 13),
        ("A", "y", 5),
        ("C", "x", 7),
        ("D", "x", None),
    }


def test_a_refresh_that_touches_nothing_or_the_same_changes_nothing(toy: Toy) -> None:
    for touched in ([("A", "x"), ("B", "x"), ("C", "x"), ("A", "y")], []):
        toy.deliver(FIRST, touched)
        toy.run()
        assert toy.changes() == toy.changes("lines_by_name") == set()
        assert toy.rows("from marts.lines") == set(FIRST)
        assert toy.rows("from marts.followed") == set()


def test_a_refresh_forgets_the_changes_of_the_one_before(toy: Toy) -> None:
    toy.deliver([UNTOUCHED], touched=[("B", "x")])
    toy.run()
    assert {row[-1] for row in toy.changes()} == {"removed"}
    toy.deliver([UNTOUCHED])
    toy.run()
    assert toy.changes() == set()


def test_what_is_built_whole_drops_its_changes(toy: Toy) -> None:
    toy.deliver([UNTOUCHED], touched=[("B", "x")])
    toy.run()
    assert "changes_of_lines" in toy.tables()
    toy.run("--full-refresh")
    assert "changes_of_lines" not in toy.tables()
    assert toy.rows("from marts.lines") == {UNTOUCHED}
    assert toy.rows("from marts.followed") == set()


def test_another_set_of_columns_fails_and_says_so(toy: Toy) -> None:
    model = toy.home / "models" / "lines.sql"
    model.write_text(model.read_text().replace("amount, note", "amount"))
    toy.deliver(FIRST)
    with pytest.raises(AssertionError, match="lines: column note is not what it was"):
        toy.run()
