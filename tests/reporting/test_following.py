"""A published copy that follows changes is, row by row, the copy that is written whole."""

import json
import random
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reporting import publication
from reporting.contents import SCHEMA
from reporting.publication import PublicationError, PublishedVersion, publish
from tests.reporting.test_publication import Killed, make_node

KEY = b"a key that nobody guesses"
OTHER_KEY = b"another key, as good as it"

Row = tuple[str, int, str | None, Decimal | None]
"""Account, line, holder (personal) and amount."""

TYPES = "account varchar, line integer, holder varchar, amount decimal(18, 2)"

BIG = {"account": {}, "line": {}, "holder": {"tags": ["pii"]}, "amount": {}}


def models(*, with_spans: bool = True) -> dict[str, dict[str, Any]]:
    """The nodes of a manifest: a big mart, a small one, and views of them."""
    entries = make_node("entries", BIG, materialized="incremental")
    entries["config"]["meta"] = {"touched_by": "int_entries_touched", "touched_keys": ["account"]}
    spans = make_node(
        "int_spans", {"account": {}}, materialized="incremental", schema="intermediate"
    )
    found = {
        "entries": entries,
        "totals": make_node("totals", {"amount": {}}, parents=("entries",)),
        "entries_seen": make_node(
            "entries_seen", {"amount": {}}, materialized="view", parents=("int_spans", "totals")
        ),
        "int_spans": spans,
    }
    return found if with_spans else {name: found[name] for name in ("entries", "totals")}


class Company:
    """A warehouse that is built anew or continued, and the folder that it is published to."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = folder / "warehouse.duckdb"
        self.published = folder / "published"
        self.manifest = folder / "manifest.json"
        self.rows: set[Row] = set()
        self.builds = 0
        self.write_manifest(models())

    def write_manifest(self, nodes: dict[str, dict[str, Any]]) -> None:
        self.manifest.write_text(
            json.dumps({"nodes": {f"model.collections.{name}": nodes[name] for name in nodes}})
        )

    def build(self, rows: set[Row], *, continues: bool = True) -> None:
        """What dbt leaves: the tables, and what changed in the big ones."""
        removed, added = self.rows - rows, rows - self.rows
        self.rows = set(rows)
        self.builds += 1
        self.warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f"""
                create schema marts;
                create schema intermediate;
                create table marts.entries ({TYPES});
                create table intermediate.changes_of_entries ({TYPES}, _change varchar);
            """)
            insert = connection.executemany
            if rows:
                insert("insert into marts.entries values (?, ?, ?, ?)", sorted(rows, key=repr))
            for change, changed in (("removed", removed), ("added", added)):
                if changed:
                    insert(
                        "insert into intermediate.changes_of_entries values (?, ?, ?, ?, ?)",
                        [(*row, change) for row in changed],
                    )
            connection.execute("set variable build = ?", [self.builds])
            connection.execute("""
                create table intermediate.int_spans as select * from marts.entries;
                create table intermediate.changes_of_int_spans as
                    from intermediate.changes_of_entries;
                create table marts.totals as
                    select count(*) as entries, sum(amount) as amount, getvariable('build') as built
                    from marts.entries;
                create view marts.entries_seen as
                    select spans.account, spans.amount, totals.entries
                    from "warehouse"."intermediate"."int_spans" as spans
                    cross join "warehouse"."marts"."totals" as totals;
                create macro marts.entries_from(lowest) as table
                    select account, amount from marts.entries where amount >= lowest;
            """)
            if not continues:
                connection.execute("drop table intermediate.changes_of_entries")
                connection.execute("drop table intermediate.changes_of_int_spans")

    def publish(self, *, continues: bool = True, key: bytes | None = None) -> PublishedVersion:
        return publish(
            self.warehouse,
            self.published,
            manifest=self.manifest,
            pii_key=key,
            build=f"b{self.builds}",
            continued=f"b{self.builds - 1}" if continues else None,
        )


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company of twenty entries that is published once, whole."""
    company = Company(tmp_path)
    company.build({entry(number, number) for number in range(20)}, continues=False)
    company.publish(continues=False)
    return company


def entry(number: int, amount: int) -> Row:
    holder = None if number % 7 == 0 else f"Holder {number}"
    return (f"a{number % 5}", number, holder, Decimal(amount) if number % 6 else None)


def contents_of(path: Path) -> dict[str, Any]:
    """Everything that a published file holds: rows, types, comments, views and macros."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "union all select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        rows = {
            f"{schema}.{name}": sorted(
                connection.execute(f"from {schema}.{name}").fetchall(), key=repr
            )
            for schema, name in names
        }
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type, comment "
            "from duckdb_columns() where not internal order by all"
        ).fetchall()
        comments = connection.execute(
            "select table_name, comment from duckdb_tables() "
            "union all select view_name, comment from duckdb_views() where not internal "
            "order by all"
        ).fetchall()
        macro = sorted(connection.execute("from marts.entries_from(5)").fetchall())
    return {"rows": rows, "columns": columns, "comments": comments, "macro": macro}


def whole_contents(company: Company, key: bytes | None = None) -> dict[str, Any]:
    """What a copy of the same warehouse holds that is written whole."""
    folder = company.published.with_name("whole")
    shutil.rmtree(folder, ignore_errors=True)
    publish(company.warehouse, folder, manifest=company.manifest, pii_key=key)
    return contents_of(folder / "current" / "collections.duckdb")


@pytest.mark.parametrize("key", [None, KEY])
def test_a_copy_that_follows_many_days_equals_one_written_whole(
    tmp_path: Path, key: bytes | None
) -> None:
    company = Company(tmp_path)
    company.build({entry(number, number) for number in range(200)}, continues=False)
    assert company.publish(continues=False, key=key).whole_because
    chance = random.Random(1)  # noqa: S311
    for day in range(1, 6):
        rows = set(company.rows) - set(chance.sample(sorted(company.rows, key=repr), 10))
        rows |= {entry(chance.randrange(400), chance.randrange(50)) for _ in range(12)}
        company.build(rows)
        version = company.publish(key=key)
        assert (version.whole_because, version.followed) == ("", day)
        assert contents_of(version.path) == whole_contents(company, key)
        assert version.row_counts == {"entries": len(rows), "totals": 1}
        assert version.is_intact()
        assert b"Holder" not in version.path.read_bytes()
    seen = contents_of(version.path)["rows"]
    assert seen["marts.totals"] == [(len(rows), sum(row[3] or 0 for row in rows), 6)]
    assert len(seen["marts.entries_seen"]) == len(rows)
    assert ("holder" in str(contents_of(version.path)["columns"])) is (key is not None)


def test_a_day_without_changes_is_followed(company: Company) -> None:
    company.build(company.rows)
    assert company.publish().followed == 1
    assert contents_of(company.published / "current" / "collections.duckdb") == whole_contents(
        company
    )


def test_what_a_view_reads_outside_of_the_marts_is_published_without_personal_columns(
    company: Company,
) -> None:
    columns = contents_of(company.published / "current" / "collections.duckdb")["columns"]
    spans = [column for schema, table, column, *_ in columns if table == "int_spans"]
    assert spans == ["account", "amount", "line"]


def test_a_big_model_that_nothing_published_reads_stays_where_it_is(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.write_manifest(models(with_spans=False))
    company.build({entry(1, 1)}, continues=False)
    rows = contents_of(company.publish(continues=False).path)["rows"]
    assert set(rows) == {f"{SCHEMA}.entries", f"{SCHEMA}.totals"}


@pytest.mark.parametrize(
    ("reason", "because"),
    [
        ("from nothing", "built from nothing"),
        ("one was not published", "another build"),
        ("another key", "key of personal columns"),
        ("too many", "0 versions followed"),
        ("too large", "the file grew"),
        ("damaged", "not the one that was published"),
    ],
)
def test_a_file_that_cannot_be_followed_is_written_whole(
    company: Company, monkeypatch: pytest.MonkeyPatch, reason: str, because: str
) -> None:
    if reason == "one was not published":
        company.build({*company.rows, entry(50, 1)})
    if reason == "too many":
        monkeypatch.setattr(publication, "MOST_FOLLOWED", 0)
    if reason == "too large":
        monkeypatch.setattr(publication, "MOST_GROWN", -1)
        monkeypatch.setattr(publication, "GROWTH_ALLOWED", -1)
    if reason == "damaged":
        path = company.published / "v000001" / "collections.duckdb"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)
    company.build({*company.rows, entry(51, 1)}, continues=reason != "from nothing")
    key = OTHER_KEY if reason == "another key" else None
    version = company.publish(continues=reason != "from nothing", key=key)
    assert because in version.whole_because
    assert version.followed == 0
    assert contents_of(version.path) == whole_contents(company, key)
    if reason == "too many":
        monkeypatch.undo()
    if reason in ("damaged", "one was not published", "too many"):
        company.build({*company.rows, entry(52, 1)})
        assert company.publish().followed == 1


@pytest.mark.parametrize(
    ("falsified", "because"),
    [
        ("insert into {} values ('a1', 99, 'x', 1, 'removed')", "of 2 rows that left"),
        ("insert into {} values ('a1', 99, 'x', 1, 'added')", "expected"),
        ("delete from {} where _change = 'added'", "expected"),
        ("update {} set amount = 7 where _change = 'added'", "expected"),
        ("delete from {} where _change = 'removed'", "expected"),
    ],
)
def test_changes_that_do_not_lead_to_the_warehouse_are_noticed(
    company: Company, falsified: str, because: str
) -> None:
    company.build({*(row for row in company.rows if row[1] != 3), entry(50, 1)})
    with duckdb.connect(str(company.warehouse)) as connection:
        connection.execute(falsified.format("intermediate.changes_of_entries"))
    version = company.publish()
    assert because in version.whole_because
    assert "entries" in version.whole_because
    assert contents_of(version.path) == whole_contents(company)


def test_a_mart_that_was_built_whole_within_a_continued_build_is_replaced(
    company: Company,
) -> None:
    company.build({entry(number, 3) for number in range(5)})
    with duckdb.connect(str(company.warehouse)) as connection:
        connection.execute("drop table intermediate.changes_of_entries")
    version = company.publish()
    assert version.followed == 1
    assert contents_of(version.path) == whole_contents(company)


def test_a_macro_that_cannot_stand_stops_a_copy_that_follows(company: Company) -> None:
    company.build(company.rows)
    with duckdb.connect(str(company.warehouse)) as connection:
        connection.execute("""
            create macro marts.bad(ignored) as table
                select * from intermediate.changes_of_entries where ignored is null
        """)
    with pytest.raises(PublicationError, match=r"marts\.bad cannot stand"):
        company.publish()
    assert (company.published / "current").readlink() == Path("v000001")


def test_a_publication_that_follows_and_is_killed_leaves_the_old_version(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents_of(company.published / "current" / "collections.duckdb")
    company.build({*company.rows, entry(60, 1)})
    for owner, name in (
        (publication, "_copy_verified"),
        (publication.contents._Writer, "apply_changes"),
        (publication.contents._Writer, "write_views"),
        (publication, "_sha256_of"),
        (publication, "_write_manifest"),
    ):
        original = getattr(owner, name)

        def kill(*arguments: Any, original: Any = original, **options: Any) -> None:  # noqa: ANN401
            original(*arguments, **options)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(owner, name, kill)
            with pytest.raises(Killed):
                company.publish()
        assert contents_of(company.published / "current" / "collections.duckdb") == before
    assert company.publish().followed == 1
    assert sorted(path.name for path in company.published.iterdir()) == [
        "current",
        "v000001",
        "v000002",
    ]
    assert contents_of(company.published / "current" / "collections.duckdb") == whole_contents(
        company
    )
