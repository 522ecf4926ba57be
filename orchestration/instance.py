"""The Dagster instance: made once, kept in the home, cleared of runs whose process died.

Here lives everything about run history. What a run does does not live here.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy
from dagster import AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from orchestration.settings import PROJECT_ROOT, Settings

INSTANCE_SETTINGS: Final = PROJECT_ROOT / "dagster.yaml"
PROCESS_TAG: Final = "collections/process"
STARTING_TIME: Final = timedelta(minutes=10)
"""How long a run may be without a process before it counts as dead."""

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
def quick_history() -> Iterator[None]:
    """Write run history without waiting for the disk at every event.

    A refresh has hundreds of events, each some commits to SQLite in write-ahead mode. By default
    every commit waits for the disk, and so does every close of a last connection, which folds the
    log back: measured 35 of 54 seconds for 150 checks on a busy disk. In mode NORMAL, with one
    connection kept open, neither does. A killed process loses nothing; after a power cut the last
    events may be missing, and history is whole.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def hasten(connection: object, record: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        for _, _, path in connection.execute("pragma database_list").fetchall():
            if path and path not in kept:
                kept[path] = sqlite3.connect(path, check_same_thread=False)
                kept[path].execute("select count(*) from sqlite_master").fetchone()

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", hasten)
    try:
        yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", hasten)
        for connection in kept.values():
            connection.close()


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
