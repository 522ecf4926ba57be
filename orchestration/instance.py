"""The Dagster instance: made once, kept in the home, cleared of runs whose process died.

Here lives everything about run history. What a run does does not live here.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy
from dagster import AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.settings import PROJECT_ROOT, Settings

INSTANCE_SETTINGS: Final = PROJECT_ROOT / "dagster.yaml"
PROCESS_TAG: Final = ".dagster/collections/process"
"""Names the process of a run; a tag of this prefix is kept out of the lists of the UI."""
STARTING_TIME: Final = timedelta(minutes=10)
"""How long a run may be without a process before it counts as dead."""

_BUSY_SECONDS: Final = 60
_UNFINISHED: Final = (
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Open the instance of a home, making it first where there is none.

    Only one process makes it: of two that write the first rows into fresh storage at once, one
    dies.

    Args:
        settings: The settings in force; their home exists.

    Yields:
        The instance.
    """
    folder = settings.dagster_home
    with (folder / ".making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        _copy_settings(folder / "dagster.yaml")
        instance = DagsterInstance.from_config(str(folder))
        instance.get_runs_count()
        instance.get_latest_materialization_event(AssetKey("any"))
        instance.all_instigator_state()
    with instance:
        yield instance


@contextmanager
def quick_history(instance: DagsterInstance) -> Iterator[None]:
    """Write run history over connections that stay open, without a wait for the disk per event.

    A refresh has about three thousand events. Dagster opens, for each, three or four connections
    to SQLite anew and waits for the disk at every commit and every close: measured 120 seconds of
    a refresh on a busy disk. With one connection kept per file and `synchronous = normal`, which
    the write-ahead log of those files allows, an event costs some milliseconds. Whether there is a
    table is asked once: Dagster asks it again, over a new connection, for every event of a check. A
    killed process loses nothing; after a power cut the last events may be missing, and history is
    whole.

    Args:
        instance: The instance of the home. One that keeps its events elsewhere is left alone.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage) or "_connect" in vars(storage):
        yield
        return
    opened: dict[str, sqlalchemy.Engine] = {}
    connect_once = storage._connect

    @contextmanager
    def connect(shard: str) -> Iterator[sqlalchemy.Connection]:
        if shard not in opened:
            with connect_once(shard):
                pass  # makes the file where there is none
        with storage._db_lock:
            if shard not in opened:
                opened[shard] = _kept_engine(storage.conn_string_for_shard(shard))
            with opened[shard].begin() as connection:
                yield connection

    vars(storage)["_connect"] = connect
    vars(storage)["has_table"] = cache(storage.has_table)
    try:
        yield
    finally:
        del vars(storage)["_connect"], vars(storage)["has_table"]
        for engine in opened.values():
            engine.dispose()


def _kept_engine(address: str) -> sqlalchemy.Engine:
    """An engine of one connection, which whoever holds the storage's lock may use."""
    engine = sqlalchemy.create_engine(
        address,
        poolclass=sqlalchemy.StaticPool,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma synchronous = normal")
    return engine


def process_tags() -> dict[str, str]:
    """Tags that tell which process works on a run."""
    return {PROCESS_TAG: _identity_of(os.getpid()) or str(os.getpid())}


def fail_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone: killed, or stopped with the machine.

    Args:
        instance: The instance.

    Returns:
        The ids of the runs marked.
    """
    marked = []
    for record in instance.get_run_records(RunsFilter(statuses=list(_UNFINISHED))):
        run = record.dagster_run
        if _is_alive(run, record.update_timestamp):
            continue
        instance.report_run_failed(
            run, "The process of this run is gone: it was killed or the machine was restarted."
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        marked.append(run.run_id)
    return marked


def _is_alive(run: DagsterRun, updated_at: datetime) -> bool:
    identity = run.tags.get(PROCESS_TAG)
    if identity is None:
        return datetime.now(UTC) - updated_at < STARTING_TIME
    return _identity_of(int(identity.split("@")[0])) == identity


def _identity_of(pid: int) -> str | None:
    """A process by number and, where the system tells it, start: numbers are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return str(pid)
        return None if Path("/proc/self/stat").exists() else str(pid)
    after_name = stat.rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    return f"{pid}@{boot}:{after_name[19]}"


def _copy_settings(path: Path) -> None:
    if not path.exists() or path.read_bytes() != INSTANCE_SETTINGS.read_bytes():
        following = path.with_name(".dagster.yaml.next")
        shutil.copyfile(INSTANCE_SETTINGS, following)
        following.replace(path)


def ensure_process_tag(instance: DagsterInstance, run_id: str) -> None:
    """Tag a run that Dagster launched with the process that works on it.

    Args:
        instance: The instance.
        run_id: The run.
    """
    instance.add_run_tags(run_id, process_tags())
