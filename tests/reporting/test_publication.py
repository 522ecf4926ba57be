"""The published copy: what is in it, what is not, and that no reader ever sees half of one."""

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reporting import publication
from reporting.publication import PublicationError, current_version, publish, sweep

ROOT = Path(__file__).parents[2]
KEY = b"a key that nobody guesses"


def make_node(
    name: str,
    columns: dict[str, dict[str, Any]],
    *,
    materialized: str = "table",
    parents: tuple[str, ...] = (),
    schema: str = "marts",
) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "schema": schema,
        "alias": name,
        "description": f"One row per row of {name}. It's described.",
        "config": {"materialized": materialized},
        "depends_on": {"nodes": [f"model.collections.{parent}" for parent in parents]},
        "columns": {
            column: {"name": column, "description": f"The {column}.", "tags": [], **properties}
            for column, properties in columns.items()
        },
    }


MODELS = {
    "balances": make_node("balances", {"account": {}, "amount": {}}),
    "checks": make_node("checks", {"amount": {}}),
    "dim_customers": make_node(
        "dim_customers", {"customer_id": {}, "customer_name": {"config": {"tags": ["pii"]}}}
    ),
    "balances_seen": make_node(
        "balances_seen", {"amount": {}}, materialized="view", parents=("balances",)
    ),
    "balances_spanned": make_node(
        "balances_spanned", {"amount": {}}, materialized="view", parents=("int_spans",)
    ),
    "int_spans": make_node("int_spans", {"amount": {}}, schema="intermediate"),
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    nodes = {f"model.collections.{name}": node for name, node in MODELS.items()}
    path.write_text(json.dumps({"nodes": nodes}))
    return path


def write_warehouse(path: Path, amount: int) -> Path:
    """A warehouse in which every mart says the same amount."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set variable amount = $amount", {"amount": amount})
        connection.execute("""
            create schema marts;
            create schema intermediate;
            create table intermediate.int_spans as select getvariable('amount') as amount;
            create table marts.balances as
                select
                    'a' || range as account,
                    cast(getvariable('amount') as decimal(18, 2)) as amount
                from range(100);
            create table marts.checks as select getvariable('amount') as amount;
            create table marts.dim_customers as
                select * from (values ('001', '张伟'), ('002', 'Anna'), ('003', null))
                as customers (customer_id, customer_name);
            create view marts.balances_seen as
                select * from "warehouse"."marts"."balances" where account <> 'warehouse.marts.x';
            create view marts.balances_spanned as select * from warehouse.intermediate.int_spans;
            create macro marts.balances_as_of(lowest) as table
                select account, amount from "warehouse"."marts"."balances" where amount >= lowest;
            create macro marts.all_balances(ignored) as table
                select * from warehouse.marts.balances_as_of(0) where ignored is null;
        """)
    return path


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_warehouse(tmp_path / "warehouse.duckdb", 1)


def ask(published: Path, query: str) -> list[tuple[Any, ...]]:
    path = published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def amounts(published: Path) -> set[int]:
    """The amounts that all marts of the current version say."""
    return {
        int(amount)
        for (amount,) in ask(
            published,
            "select amount from marts.balances union select amount from marts.checks "
            "union select amount from marts.balances_seen "
            "union select amount from marts.balances_spanned "
            "union select amount from marts.balances_as_of(0) "
            "union select amount from marts.all_balances(null)",
        )
    }


def test_the_marts_and_nothing_else_are_published(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    version = publish(warehouse, published, manifest=manifest, facts={"run_id": "r1"})
    tables = ask(
        published,
        "select schema_name, table_name, 'table' from duckdb_tables() "
        "union all select schema_name, view_name, 'view' from duckdb_views() where not internal "
        "order by all",
    )
    assert tables == [
        ("marts", "balances", "table"),
        ("marts", "balances_seen", "view"),
        ("marts", "balances_spanned", "table"),
        ("marts", "checks", "table"),
        ("marts", "dim_customers", "table"),
    ]
    assert ask(published, "select count(*), sum(amount) from marts.balances_as_of(1)") == [
        (100, 100)
    ]
    assert version.row_counts == {
        "balances": 100,
        "balances_seen": 100,
        "balances_spanned": 1,
        "checks": 1,
        "dim_customers": 3,
    }


def test_a_version_gives_account_of_itself(warehouse: Path, manifest: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest, facts={"run_id": "r1"})
    version = publish(warehouse, published, manifest=manifest, facts={"run_id": "r2"})
    assert (published / "current").readlink() == Path("v000002")
    account = json.loads((published / "current" / "manifest.json").read_text("utf-8"))
    file = published / "v000002" / "collections.duckdb"
    assert account["version"] == "v000002"
    assert account["facts"] == {"run_id": "r2"}
    assert account["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert account["size_bytes"] == file.stat().st_size
    assert account["row_counts"]["balances"] == 100
    assert current_version(published) == version
    assert version.is_intact()


def test_a_flipped_bit_is_noticed(warehouse: Path, manifest: Path, tmp_path: Path) -> None:
    version = publish(warehouse, tmp_path / "published", manifest=manifest)
    content = bytearray(version.path.read_bytes())
    content[len(content) // 2] ^= 1
    version.path.chmod(0o600)
    version.path.write_bytes(content)
    assert not version.is_intact()


def test_types_and_descriptions_are_kept(warehouse: Path, manifest: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    assert ask(
        published,
        "select data_type, comment from duckdb_columns() "
        "where table_name = 'balances' order by column_index",
    ) == [("VARCHAR", "The account."), ("DECIMAL(18,2)", "The amount.")]
    assert ask(published, "select comment from duckdb_tables() where table_name = 'balances'") == [
        ("One row per row of balances. It's described.",)
    ]
    assert ask(
        published, "select comment from duckdb_views() where view_name = 'balances_seen'"
    ) == [("One row per row of balances_seen. It's described.",)]


def test_personal_columns_are_left_out(warehouse: Path, manifest: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    version = publish(warehouse, published, manifest=manifest)
    assert ask(published, "select * from marts.dim_customers order by 1") == [
        ("001",),
        ("002",),
        ("003",),
    ]
    content = version.path.read_bytes()
    assert "张伟".encode() not in content
    assert b"Anna" not in content


@pytest.mark.parametrize("key", [KEY, b"k" * 64, b"k" * 100])
def test_with_a_key_personal_columns_become_keyed_hashes(
    warehouse: Path, manifest: Path, tmp_path: Path, key: bytes
) -> None:
    published = tmp_path / "published"
    version = publish(warehouse, published, manifest=manifest, pii_key=key)
    expected = [
        ("001", hmac.new(key, "张伟".encode(), "sha256").hexdigest()),
        ("002", hmac.new(key, b"Anna", "sha256").hexdigest()),
        ("003", None),
    ]
    assert ask(published, "select * from marts.dim_customers order by 1") == expected
    content = version.path.read_bytes()
    assert b"Anna" not in content
    assert key not in content


def test_a_tagged_column_that_is_not_there_stops_the_publication(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("alter table marts.dim_customers rename customer_name to full_name")
    with pytest.raises(PublicationError, match=r"lacks the columns customer_name .* as pii"):
        publish(warehouse, tmp_path / "published", manifest=manifest)
    assert list((tmp_path / "published").iterdir()) == []


def test_a_warehouse_that_lacks_a_mart_is_refused(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table marts.checks")
    with pytest.raises(PublicationError, match=r"lacks marts\.checks"):
        publish(warehouse, published, manifest=manifest)
    assert amounts(published) == {1}


def test_a_macro_that_reads_more_than_marts_is_refused(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create macro marts.spans_as_of(lowest) as table "
            "select * from intermediate.int_spans where amount >= lowest"
        )
    with pytest.raises(PublicationError, match=r"marts\.spans_as_of cannot stand"):
        publish(warehouse, tmp_path / "published", manifest=manifest)


def test_a_warehouse_with_a_log_beside_it_is_refused(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    (tmp_path / "warehouse.duckdb.wal").write_bytes(b"changes")
    with pytest.raises(PublicationError, match="was not closed"):
        publish(warehouse, tmp_path / "published", manifest=manifest)


def test_an_absent_warehouse_is_named(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="no warehouse at"):
        publish(tmp_path / "none.duckdb", tmp_path / "published", manifest=manifest)


def test_old_versions_are_kept_for_a_while(warehouse: Path, manifest: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for _ in range(4):
        publish(warehouse, published, manifest=manifest, keep_versions=2)
    assert sorted(path.name for path in published.iterdir()) == ["current", "v000003", "v000004"]


def test_leftovers_of_killed_publications_are_swept(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    publish(warehouse, published, manifest=manifest)
    (published / ".building-v000003").mkdir()
    (published / ".building-v000003" / "collections.duckdb").write_bytes(b"stump")
    shutil.copytree(published / "v000001", published / "v000004")
    (published / "v000002" / "collections.duckdb.wal").write_bytes(b"stale")
    (published / ".current.next").symlink_to("v000004")
    (published / "v000001" / "manifest.json").unlink()
    assert set(sweep(published)) == {
        ".building-v000003",
        ".current.next",
        "v000001",
        "v000002/collections.duckdb.wal",
        "v000004",
    }
    assert sorted(path.name for path in published.iterdir()) == ["current", "v000002"]
    assert amounts(published) == {1}
    assert publish(warehouse, published, manifest=manifest).name == "v000003"


class Killed(BaseException):
    """Stands for a process that ends here: no `except Exception` may catch it."""


class FaultAtStep:
    """Counts calls that change the disk and fails one of them, before or after it is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]) -> None:
        self.calls: list[str] = []
        self.fails_at: int | None = None
        self.after = False
        self.fault = fault
        for owner, name in (
            (os, "fsync"),
            (Path, "rename"),
            (Path, "replace"),
            (Path, "symlink_to"),
            (Path, "chmod"),
            (Path, "mkdir"),
            (Path, "write_text"),
            (publication.shutil, "rmtree"),
            (publication.duckdb, "connect"),
        ):
            monkeypatch.setattr(owner, name, self._counted(name, getattr(owner, name)))

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> object:
            self.calls.append(name)
            fails = self.fails_at == len(self.calls)
            if fails and not self.after:
                raise self.fault(name)
            result = function(*arguments, **options)
            if fails:
                if name == "connect":
                    result.close()
                raise self.fault(name)
            return result

        return call


@pytest.mark.parametrize("fault", [Killed, OSError])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_publication_stopped_at_any_step_leaves_the_old_or_the_new_version(
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[BaseException],
    after: bool,
) -> None:
    old = write_warehouse(tmp_path / "warehouse.duckdb", 1)
    start = tmp_path / "start"
    publish(old, start, manifest=manifest)
    publish(old, start, manifest=manifest)
    write_warehouse(old, 2)
    with monkeypatch.context() as patched:
        steps = FaultAtStep(patched, fault)
        shutil.copytree(start, tmp_path / "count", symlinks=True)
        steps.calls.clear()
        publish(old, tmp_path / "count", manifest=manifest, keep_versions=2)
        names = list(steps.calls)
    assert names.count("fsync") >= 5
    assert {"rename", "replace", "symlink_to", "connect", "rmtree"} <= set(names)

    for step in range(1, len(names) + 1):
        published = tmp_path / f"published-{step}"
        shutil.copytree(start, published, symlinks=True)
        with monkeypatch.context() as patched:
            steps = FaultAtStep(patched, fault)
            steps.fails_at, steps.after = step, after
            with contextlib.suppress(fault):
                publish(old, published, manifest=manifest, keep_versions=2)
            assert len(steps.calls) >= step
        seen = amounts(published)
        swapped = "replace" in names[: step - 1] or (after and names[step - 1] == "replace")
        assert seen == ({2} if swapped else {1}), f"step {step}: {names[step - 1]}"

        publish(old, published, manifest=manifest, keep_versions=2)
        assert amounts(published) == {2}
        left = {path.name for path in published.iterdir()}
        assert len(left) == 3, left
        assert not {name for name in left if name.startswith(".")}
        shutil.rmtree(published)


PUBLISHER = """
import sys
from pathlib import Path
from reporting.publication import publish
warehouse, published, manifest = map(Path, sys.argv[1:])
print("ready", flush=True)
while True:
    publish(warehouse, published, manifest=manifest)
"""


def test_a_publisher_killed_at_any_moment_leaves_a_whole_version(
    manifest: Path, tmp_path: Path
) -> None:
    warehouse = write_warehouse(tmp_path / "warehouse.duckdb", 7)
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    for delay in (0.013, 0.041, 0.08, 0.13):
        arguments = [str(warehouse), str(published), str(manifest)]
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", PUBLISHER, *arguments], cwd=ROOT, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        assert amounts(published) == {7}
        version = current_version(published)
        assert version is not None
        assert version.is_intact()
    publish(warehouse, published, manifest=manifest)
    assert not [path for path in published.iterdir() if path.name.startswith(".")]


def test_readers_see_no_error_and_no_mixture_while_versions_change(
    manifest: Path, tmp_path: Path
) -> None:
    warehouse = write_warehouse(tmp_path / "warehouse.duckdb", 0)
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    stop = threading.Event()
    seen: list[list[int]] = [[] for _ in range(4)]
    errors: list[BaseException] = []

    def read(answers: list[int]) -> None:
        while not stop.is_set():
            try:
                (amount,) = amounts(published)
                answers.append(amount)
            except BaseException as error:
                errors.append(error)
                return

    readers = [threading.Thread(target=read, args=(answers,)) for answers in seen]
    for reader in readers:
        reader.start()
    for amount in range(1, 9):
        write_warehouse(warehouse, amount)
        publish(warehouse, published, manifest=manifest, keep_versions=5)
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []
    for answers in seen:
        assert answers
        assert answers == sorted(answers)
    assert amounts(published) == {8}


def test_a_reader_that_holds_the_old_file_finishes_on_it(
    warehouse: Path, manifest: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, manifest=manifest)
    path = published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        write_warehouse(warehouse, 2)
        for _ in range(3):
            publish(warehouse, published, manifest=manifest, keep_versions=1)
        assert reader.execute("select sum(amount) from marts.balances").fetchone() == (100,)
    assert amounts(published) == {2}
