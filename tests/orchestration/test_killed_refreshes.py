"""Refreshes killed on their way, and readers while all that goes on."""

import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingest.lake import load_records
from orchestration import deliveries, refresh
from orchestration.instance import open_instance
from orchestration.settings import PROJECT_ROOT, Settings
from tests.orchestration.conftest import deliver

pytestmark = pytest.mark.warehouse

# What every refresh needs is imported and parsed once, before any thread is started; each refresh
# is a process of its own.
REFRESHER = """
import os, signal, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import dbt.adapters.duckdb.impl, dbt.cli.main
from quality import judgement, mart_judgement
from orchestration import assets, dbt_runs, definitions, deliveries, refresh, state, warehouse
from orchestration.settings import load_settings
from reporting import contents, publication

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def build_two_and_die(*arguments, **options):
    for done, event in enumerate(build(*arguments, **options), start=1):
        yield event
        if done == 2:
            die()

build = dbt_runs.build
dbt_runs.SOURCE = Path(sys.argv[1])
dbt_runs._invoke(dbt_runs.prepare_project(load_settings()), ["parse"])
POINTS = {
    "nowhere": lambda: None,
    "after staging": lambda: setattr(deliveries, "_judge", die),
    "after admission": lambda: setattr(deliveries, "write_run_parameters", die),
    "before dbt": lambda: setattr(warehouse, "continue_build", die),
    "in dbt": lambda: setattr(dbt_runs, "build", build_two_and_die),
    "before the stamp": lambda: setattr(state, "write_stamp", die),
    "after the stamp": lambda: setattr(assets, "publish", die),
    "while following": lambda: setattr(contents._Writer, "apply_changes", die),
    "in the publication": lambda: setattr(publication.Path, "symlink_to", die),
}
for line in sys.stdin:
    point, _, arguments = line.strip().partition(":")
    pid = os.fork()
    if pid == 0:
        POINTS[point]()
        os._exit(refresh.main(arguments.split()))
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""

KILLED = -9
POINTS = {
    "after staging": "following what changed",
    "after admission": "following what changed",
    "before dbt": "building from nothing",
    "in dbt": "building from nothing",
    "before the stamp": "building from nothing",
    "after the stamp": "made from another build",
    "while following": "made from another build",
    "in the publication": "made from another build",
}
"""Where a refresh is killed, and what the next one says of the way in which it makes it good."""
State = tuple[int, Decimal]


def read_published(settings: Settings) -> State:
    """Number of loads and sum of what was billed, from two marts of one copy."""
    path = settings.published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        ((loads, billed),) = connection.execute("""
            select
                (select count(*) from marts.load_history),
                (select sum(billed_amount) from marts.billed_by_currency)
        """).fetchall()
        return loads, billed


def published_rows(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every published table."""
    path = settings.published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        return {
            name: sorted(connection.execute(f"from marts.{name}").fetchall()) for (name,) in tables
        }


def leftovers(settings: Settings) -> list[Path]:
    """What only a killed run may leave behind."""
    return [
        *settings.staging.iterdir(),
        *(path for path in settings.published.iterdir() if path.name.startswith(".")),
        *settings.home.glob("warehouse.duckdb.*"),
        *settings.home.glob(".*.next"),
        *(path for path in settings.home.rglob("*") if path.suffix in (".tmp", ".part")),
    ]


def test_a_refresh_killed_anywhere_is_made_good_by_the_next_and_readers_notice_nothing(
    settings: Settings, small_project: Path
) -> None:
    deliver(settings, "2026-01-01", "A-1,C-1,invoice,2026-01-01,CNY,1.00\n")
    assert refresh.main([]) == refresh.DONE
    states = [(1, Decimal("1.00"))]
    seen: list[State] = []
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.3):
            try:
                seen.append(read_published(settings))
            except BaseException as error:
                errors.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", REFRESHER, str(small_project)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as refresher:

        def refresh_until(point: str, *arguments: str) -> tuple[int, str]:
            assert refresher.stdin is not None
            assert refresher.stdout is not None
            refresher.stdin.write(f"{point}:{' '.join(arguments)}\n")
            refresher.stdin.flush()
            told = ""
            for line in refresher.stdout:
                if line.startswith("ended "):
                    return int(line.split()[1]), told
                told += line
            raise AssertionError("the refresher ended")

        try:
            for day, (point, made_good) in enumerate(POINTS.items(), start=2):
                # Each day corrects the document of the day before as well.
                deliver(
                    settings,
                    f"2026-01-{day:02}",
                    f"A-{day},C-1,invoice,2026-01-{day:02},CNY,{2**day}.00\n"
                    f"A-{day - 1},C-2,invoice,2026-01-{day - 1:02},CNY,1.00\n",
                )
                assert refresh_until(point)[0] == KILLED, point
                assert read_published(settings) == states[-1], point
                status, told = refresh_until("nowhere")
                assert status == refresh.DONE, point
                assert made_good in told, (point, told)
                loads, amount = states[-1]
                states.append((loads + 1, amount + 2**day + 1))
                assert read_published(settings) == states[-1], point
                assert leftovers(settings) == [], point
            deliver(settings, "2026-01-20", "A-3,C-3,invoice,2026-01-03,CNY,5.00\n")
            status, told = refresh_until("nowhere")
            assert (status, "following what changed" in told) == (refresh.DONE, True), told
            continued = published_rows(settings)
            status, told = refresh_until("nowhere", "--rebuild")
            assert (status, "building from nothing" in told) == (refresh.DONE, True), told
            assert published_rows(settings) == continued
            loads, amount = states[-1]
            states.append((loads + 1, amount + 5))
        finally:
            stop.set()
            reader.join()
            refresher.stdin.close()  # type: ignore[union-attr]
    assert errors == []
    assert set(seen) <= set(states)
    assert [state for state in states if state in seen] == sorted(set(seen))
    assert [states.index(state) for state in seen] == sorted(states.index(one) for one in seen)
    records = load_records(deliveries.folders_of(settings))
    assert records["status"].to_list() == ["admitted"] * (2 + len(POINTS))
    assert continued["latest_by_document"] == [
        ("A-1", Decimal("1.00")),
        *((f"A-{day}", Decimal("5.00" if day == 3 else "1.00")) for day in range(2, 9)),
        ("A-9", Decimal("512.00")),
    ]
    with open_instance(settings) as instance:
        statuses = [run.status for run in reversed(instance.get_runs())]
    succeeded, failed = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    assert statuses == [succeeded, *[failed, succeeded] * len(POINTS), succeeded, succeeded]
