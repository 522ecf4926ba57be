"""PostgreSQL with the floor's SQL: a cluster of its own, made for one run and stopped after it.

It listens on a socket in a private folder and on no address. Its server is a child of this process,
so that whoever measures this process measures the server as well. As initdb refuses root, root runs
the server as the user that Debian's package makes. It is set up for speed: nothing is flushed
(`fsync`, `full_page_writes` and `synchronous_commit` off), tables are not logged, memory is ample.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.others.questions import ANSWERS, Steps, run
from benchmarks.others.sql import PREPARED, TABLES, find_postgresql, questions

USER = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "shared_buffers": "1GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "256MB",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
}
START_SECONDS = 60


@contextmanager
def running_server(folder: Path) -> Iterator[int]:
    """Make a cluster in a folder, run its server, and yield the server's process id."""
    initdb, postgres = find_postgresql("initdb"), find_postgresql("postgres")
    if initdb is None or postgres is None:
        raise RuntimeError("PostgreSQL's server is not installed; apt-get install postgresql")
    user = USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    cluster = folder / "cluster"
    with (folder / "server.log").open("w") as log:
        # The programs are PostgreSQL's own, by their paths.
        subprocess.run(  # noqa: S603
            [initdb, "-D", cluster, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            user=user, stdout=log, stderr=log, check=True, cwd=folder,
        )  # fmt: skip
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = subprocess.Popen(  # noqa: S603
            [postgres, "-D", cluster, "-k", folder, *options],
            user=user, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
        try:
            yield server.pid
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS)


def connect(folder: Path) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the server of a folder, as soon as it answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(host=str(folder), user=USER, dbname="postgres", autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                log = (folder / "server.log").read_text("utf-8")[-2000:]
                raise RuntimeError(f"the server did not answer:\n{log}") from error
            time.sleep(0.1)


def cpu_seconds_of(server: int) -> float:
    """CPU of a server and of its processes, those included that have ended."""
    ticks = 0
    processes = [server]
    for task in Path(f"/proc/{server}/task").iterdir():
        processes += map(int, (task / "children").read_text().split())
    for process in processes:
        try:
            status = Path(f"/proc/{process}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # After the name in brackets: user, system, and both of the children that ended.
        ticks += sum(map(int, status.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main(source: Path, target: Path) -> None:
    """Load the extracts into a server and answer from it."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name, running_server(Path(name)) as server:
        steps = Steps(target, other_cpu_seconds=lambda: cpu_seconds_of(server))
        with connect(Path(name)) as connection:
            with steps.step("load"):
                for table, definition in TABLES.items():
                    connection.execute(unlogged(definition))
                    load(connection, table, source / f"{table}.csv")
            statements = questions()
            for question in ANSWERS:
                with steps.step(question):
                    for table in PREPARED.get(question, ()):
                        connection.execute(unlogged(statements[table]))
                        connection.execute(f"analyze {table}")
                    export(connection, statements[question], target / f"{question}.csv")


def unlogged(statement: str) -> str:
    """The statement that creates the same table without a write-ahead log."""
    return statement.replace("create table", "create unlogged table", 1)


def load(connection: psycopg.Connection[tuple[object, ...]], table: str, path: Path) -> None:
    """Fill a table from a CSV file."""
    into = f"copy {table} from stdin (format csv, header)"
    with path.open("rb") as file, connection.cursor().copy(into) as copy:
        while block := file.read(1 << 20):
            copy.write(block)
    connection.execute(f"analyze {table}")


def export(connection: psycopg.Connection[tuple[object, ...]], query: str, path: Path) -> None:
    """Write the rows of a query as CSV."""
    out_of = f"copy ({query}) to stdout (format csv, header)"
    with path.open("wb") as file, connection.cursor().copy(out_of) as copy:
        for block in copy:
            file.write(block)


if __name__ == "__main__":
    run(main)
