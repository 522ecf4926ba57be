"""Running dbt: a private copy of the project, parsed once, and one invocation per build.

Here live the copy in which the company's own seeds replace ours, the kept parse, and the run in
this process (a subprocess, as the command line would be, costs three imports of dbt more). What
the models compute does not live here.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import queue
import shutil
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestration.settings import PROJECT_ROOT, Settings

SOURCE: Final = PROJECT_ROOT / "dbt_project"
KEPT_COPIES: Final = 3

_NOT_READ_BY_DBT: Final = frozenset(
    {"target", "logs", "dbt_packages", "lint", "lint_sql.py", "__pycache__"}
)
"""What stands beside the project's files: what it was made into, and what lints it."""

_RESULT_EVENTS: Final = frozenset(
    {"LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult"}
)
_TOOLS: Final = ("dbt-core", "dbt-duckdb", "duckdb")


class DbtError(Exception):
    """A dbt run that failed: the failed models and tests, each with dbt's message.

    Attributes:
        is_transient: Whether the same run may succeed when it is tried again, because nothing but
            the disk or a lock was in the way.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient

    def followed_by(self, lines: str) -> "DbtError":
        """The same failure, with more to tell."""
        return DbtError(f"{self}\n{lines}", is_transient=self.is_transient)


class SeedError(ValueError):
    """A file in COLLECTIONS_SEEDS that replaces none of our seeds."""


@dataclass(frozen=True, kw_only=True)
class ParsedProject:
    """A copy of the dbt project with its parse beside it.

    Attributes:
        fingerprint: Identity of its files, of the company's seeds and of the tools' versions.
        project: The copy.
        target: dbt's artifacts.
    """

    fingerprint: str
    project: Path
    target: Path

    @property
    def manifest(self) -> Path:
        """What dbt knows of every model, test and column."""
        return self.target / "manifest.json"


def project_fingerprint(settings: Settings) -> str:
    """Identify the dbt project that the settings ask for.

    Args:
        settings: The settings in force.

    Returns:
        Sixteen hex digits that change with any model, macro, seed, test or tool.

    Raises:
        SeedError: When COLLECTIONS_SEEDS holds a CSV that replaces no seed of ours.
    """
    digest = hashlib.sha256(_tools().encode())
    for name, path in sorted(_files(settings).items()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()[:16]


def models_fingerprint(project: ParsedProject) -> str:
    """Identify everything of a project but the rows of its seeds.

    Args:
        project: A parsed project.

    Returns:
        Sixteen hex digits that change with any model, macro, test, description or tool.
    """
    digest = hashlib.sha256(_tools().encode())
    for path in sorted(project.project.rglob("*")):
        if path.is_file() and not _is_seed(path.relative_to(project.project)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(project.project).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def seed_hashes(project: ParsedProject) -> dict[str, str]:
    """SHA-256 of each seed of a project, the company's own where there is one, by name."""
    return {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((project.project / "seeds").rglob("*.csv"))
    }


def prepare_project(settings: Settings) -> ParsedProject:
    """Copy and parse the project, unless that was done for the same files before.

    Of two processes that want the same, the second waits for the first. The parse holds the path
    of the copy, so that the copy is made where it stays; its mark is set when all is there.

    Args:
        settings: The settings in force; their home exists.

    Returns:
        The copy to run.

    Raises:
        SeedError: When COLLECTIONS_SEEDS holds a CSV that replaces no seed of ours.
        DbtError: When the project cannot be parsed.
    """
    fingerprint = project_fingerprint(settings)
    folder = settings.dbt / fingerprint
    prepared = ParsedProject(
        fingerprint=fingerprint, project=folder / "project", target=folder / "target"
    )
    ready = folder / ".ready"
    with (settings.dbt / ".preparing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.exists():
            os.utime(folder)
            return prepared
        shutil.rmtree(folder, ignore_errors=True)
        for name, path in _files(settings).items():
            copy = prepared.project / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        _invoke(prepared, ["parse"])
        ready.touch()
        _prune(settings.dbt)
    return prepared


def build(project: ParsedProject, *, select: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
    """Build and test the models, in one invocation of dbt in this process.

    Unit tests are left to the tests of the project: they say nothing about the data.

    Args:
        project: The project to run.
        select: Names of the resources to build, each whole; when empty, everything is built, and
            of big models what can have changed.

    Yields:
        The result event of each seed, model and test as it ends, as dbt logs it.

    Raises:
        DbtError: After the last event, when a seed, model or test failed.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if select:
        arguments += ["--full-refresh", "--select", *select]
    events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            _invoke(project, arguments, events)
        except BaseException as error:
            failure.append(error)
        finally:
            events.put(None)

    worker = threading.Thread(target=work, name="dbt", daemon=True)
    worker.start()
    while (event := events.get()) is not None:
        yield event
    worker.join()
    if failure:
        raise failure[0]


def _tools() -> str:
    return "".join(f"{tool} {importlib.metadata.version(tool)}\n" for tool in _TOOLS)


def _is_seed(path: Path) -> bool:
    return path.parts[0] == "seeds" and path.suffix == ".csv"


def _files(settings: Settings) -> dict[str, Path]:
    """Every file of the project by its path in it, the company's seeds in place of ours."""
    files = {
        path.relative_to(SOURCE).as_posix(): path
        for path in SOURCE.rglob("*")
        if path.is_file()
        and not path.name.startswith(".")
        and path.relative_to(SOURCE).parts[0] not in _NOT_READ_BY_DBT
    }
    if settings.seeds is not None:
        places = {Path(name).name: name for name in files if name.startswith("seeds/")}
        for seed in sorted(settings.seeds.glob("*.csv")):
            if seed.name not in places:
                known = ", ".join(sorted(name for name in places if name.endswith(".csv")))
                raise SeedError(
                    f"COLLECTIONS_SEEDS holds {seed.name}, which replaces no seed; "
                    f"allowed are {known}."
                )
            files[places[seed.name]] = seed
    return files


def _invoke(
    project: ParsedProject,
    arguments: Sequence[str],
    events: "queue.SimpleQueue[Mapping[str, Any] | None] | None" = None,
) -> None:
    """Run one dbt command and let go of the warehouse.

    Raises:
        DbtError: When it fails.
    """
    with warnings.catch_warnings():
        # dbt's own dependencies warn of deprecated calls, which is not ours to answer for.
        warnings.simplefilter("ignore")
        from dbt.cli.main import dbtRunner
        from dbt_common.events.functions import msg_to_dict

        def forward(message: Any) -> None:  # noqa: ANN401
            if events is not None and message.info.name in _RESULT_EVENTS:
                events.put(msg_to_dict(message))

        manifest = _manifests.get(project.project)
        try:
            outcome = dbtRunner(manifest=manifest, callbacks=[forward]).invoke(
                [
                    *arguments,
                    "--quiet",
                    *("--log-level", "none"),
                    *("--project-dir", str(project.project)),
                    *("--profiles-dir", str(project.project)),
                    *("--target-path", str(project.target)),
                    *("--log-path", str(project.target)),
                    *("--log-level-file", "warn"),
                    "--no-send-anonymous-usage-stats",
                    "--no-version-check",
                ]
            )
        finally:
            _close_warehouse()
    if arguments[0] == "parse" and outcome.success:
        _manifests[project.project] = outcome.result
    if not outcome.success:
        failed = [
            f"{result.node.name}: {' '.join((result.message or 'no message').split())}"
            for result in getattr(outcome.result, "results", ())
            if result.status in ("error", "fail", "runtime error")
        ]
        message = "\n".join(failed) or str(outcome.exception)
        raise DbtError(
            f"dbt {arguments[0]} failed:\n{message}", is_transient="Could not set lock" in message
        )


def _close_warehouse() -> None:
    """Close the warehouse, which dbt-duckdb would keep open until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    manager: Any = DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
    manager.close_all_connections()


def _prune(folder: Path) -> None:
    """Keep the copies used last; whoever runs an older one has read it by now."""
    copies = sorted(
        (path for path in folder.iterdir() if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    for copy in copies[:-KEPT_COPIES]:
        shutil.rmtree(copy, ignore_errors=True)


_manifests: Final[dict[Path, Any]] = {}
