"""The warehouse file between builds: swept, deleted, continued, or found fit to be published.

Building it is dbt's; the published copy is `reporting`'s.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import duckdb

from ingest.records import LoadRecord
from orchestration import state
from orchestration.dbt_runs import ParsedProject, models_fingerprint, seed_hashes
from orchestration.deliveries import (
    RunParameters,
    Tell,
    continue_build,
    loads_fingerprint,
    read_run_parameters,
)
from orchestration.settings import Settings
from orchestration.state import BuildStamp, read_stamp, remove_stamp


class WarehouseError(Exception):
    """A warehouse that cannot be built into or published from, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a build begins.

    Attributes:
        continued: The build that it continues; null when it begins from nothing.
        changed_seeds: Seeds that are not what they were; what reads them is built whole.
        because: Why it begins from nothing, empty when it does not.
    """

    continued: BuildStamp | None = None
    changed_seeds: tuple[str, ...] = ()
    because: str = ""

    def __str__(self) -> str:
        """One line for people."""
        if self.continued is None:
            return f"building from nothing: {self.because}"
        known = self.continued.known_at.isoformat(sep=" ", timespec="seconds")
        whole = f"; whole what reads {', '.join(self.changed_seeds)}" if self.changed_seeds else ""
        return (
            f"continuing the build as of {self.continued.as_of_date}, known at {known} UTC{whole}"
        )


def choose_course(
    settings: Settings, project: ParsedProject, records: Sequence[LoadRecord]
) -> Course:
    """Decide whether the next build continues the one in the warehouse or begins from nothing.

    It continues a build that is whole, by the same code, in the same currency and time zone, when
    neither of its two dates goes back and the lake still holds what that build was made of.

    Args:
        settings: The settings in force.
        project: The dbt project that is to build.
        records: All load records.

    Returns:
        What to do, and why.
    """
    stamp = read_stamp(settings)
    if stamp is None:
        return Course(because="there is no finished build to continue")
    asked = read_run_parameters(settings)
    because = next(_hindrances(settings, project, records, stamp, asked), None)
    if because is not None:
        return Course(because=because)
    seeds = seed_hashes(project)
    changed = tuple(
        name for name in sorted({*seeds, *stamp.seeds}) if seeds.get(name) != stamp.seeds.get(name)
    )
    return Course(continued=stamp, changed_seeds=changed)


def _hindrances(
    settings: Settings,
    project: ParsedProject,
    records: Sequence[LoadRecord],
    stamp: BuildStamp,
    asked: RunParameters,
) -> Iterator[str]:
    """Whatever keeps a build from continuing the one of the stamp."""
    if state.file_state(settings.warehouse) != stamp.file:
        yield "the warehouse is not as the last build left it"
    if _code(project) != stamp.code:
        yield "the code or a tool changed"
    if asked.reporting_currency != stamp.reporting_currency:
        yield f"the reporting currency was {stamp.reporting_currency}"
    if asked.timezone != stamp.timezone:
        yield f"the time zone was {stamp.timezone}"
    if asked.as_of_date < stamp.as_of_date:
        yield f"the as-of date was {stamp.as_of_date}, which is later than {asked.as_of_date}"
    if asked.known_at < stamp.known_at:
        yield f"more was known, at {stamp.known_at}, than is asked for, at {asked.known_at}"
    if loads_fingerprint(records, known_at=stamp.known_at) != stamp.loads:
        yield f"the lake does not hold what was known at {stamp.known_at} any more"


def begin(
    settings: Settings, course: Course, manifest: Mapping[str, Any], *, tell: Tell
) -> RunParameters:
    """Make the warehouse ready for a build; until `finish` it is of no finished one.

    Args:
        settings: The settings in force.
        course: How the build begins.
        manifest: dbt's manifest.
        tell: Receives lines for people.

    Returns:
        What the build is asked.
    """
    tell(str(course))
    remove_stamp(settings)
    if course.continued is None:
        delete(settings, tell=tell)
    elif course.changed_seeds:
        _drop(settings, _descendants(manifest, set(course.changed_seeds)))
    return continue_build(settings, course.continued)


def finish(
    settings: Settings,
    project: ParsedProject,
    records: Sequence[LoadRecord],
    course: Course,
    *,
    build_id: str,
) -> None:
    """Say that the warehouse is whole: built to the end, every test passed.

    Args:
        settings: The settings in force.
        project: The dbt project that built it.
        records: All load records.
        course: How the build began.
        build_id: The name of the build.
    """
    parameters = read_run_parameters(settings)
    file = state.file_state(settings.warehouse)
    if file is None:
        raise WarehouseError(f"The build left no {settings.warehouse}.")
    state.write_stamp(
        settings,
        BuildStamp(
            build_id=build_id,
            continued=None if course.continued is None else course.continued.build_id,
            run_id=parameters.run_id,
            inputs=state.inputs_fingerprint(settings),
            project=project.fingerprint,
            code=_code(project),
            seeds=seed_hashes(project),
            as_of_date=parameters.as_of_date,
            known_at=parameters.known_at,
            reporting_currency=parameters.reporting_currency,
            timezone=parameters.timezone,
            loads=loads_fingerprint(records, known_at=parameters.known_at),
            file=file,
        ),
    )


def _code(project: ParsedProject) -> str:
    return f"{state.code_without_seeds()} {models_fingerprint(project)}"


def _descendants(manifest: Mapping[str, Any], seeds: AbstractSet[str]) -> list[Mapping[str, Any]]:
    """The seeds of these names and every model that reads them, directly or not."""
    waiting = [
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "seed" and node["name"] in seeds
    ]
    found: dict[str, Mapping[str, Any]] = {}
    while waiting:
        unique_id = waiting.pop()
        node = manifest["nodes"].get(unique_id)
        if unique_id in found or node is None or node["resource_type"] not in ("seed", "model"):
            continue
        found[unique_id] = node
        waiting += manifest["child_map"].get(unique_id, ())
    return list(found.values())


def _drop(settings: Settings, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Drop the tables of seeds and models, and what was kept of their changes.

    A big model whose table is gone is built whole. Views are always made anew.
    """
    wanted = {(node["schema"], node["alias"]) for node in nodes} | {
        ("intermediate", f"changes_of_{node['alias']}") for node in nodes
    }
    with duckdb.connect(str(settings.warehouse)) as connection:
        present = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        for schema, table in present:
            if (schema, table) in wanted:
                connection.execute(f'drop table "{schema}"."{table}"')


def sweep(settings: Settings, *, tell: Tell) -> None:
    """Remove what a killed build left: spilled data, and a file that is no database yet.

    The warehouse is a product and is built again from the lake.

    Args:
        settings: The settings in force.
        tell: Receives one line per thing removed.
    """
    spill = settings.warehouse.with_name(f"{settings.warehouse.name}.tmp")
    if spill.exists():
        shutil.rmtree(spill)
        tell(f"swept {spill.name}, which a killed build had spilled")
    if not settings.warehouse.exists():
        return
    try:
        duckdb.connect(str(settings.warehouse), config={"access_mode": "READ_WRITE"}).close()
    except duckdb.Error as error:
        if "lock" in str(error):
            raise _held_open(settings, error) from error
        tell(f"the warehouse cannot be opened ({str(error).splitlines()[0]}); building it anew")
        delete(settings, tell=tell)


def refuse_readers(settings: Settings) -> None:
    """Refuse to build while another program holds the warehouse open.

    Args:
        settings: The settings in force.

    Raises:
        WarehouseError: Naming the file and where to read instead.
    """
    if not settings.warehouse.exists():
        return
    try:
        duckdb.connect(str(settings.warehouse)).close()
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise _held_open(settings, error) from error
        raise


def delete(settings: Settings, *, tell: Tell) -> None:
    """Delete the warehouse, so that the next build begins from nothing.

    Args:
        settings: The settings in force.
        tell: Receives a line when there was one.
    """
    remove_stamp(settings)
    log = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
    if settings.warehouse.exists() or log.exists():
        tell(f"deleting {settings.warehouse}")
    settings.warehouse.unlink(missing_ok=True)
    log.unlink(missing_ok=True)


def require_whole(settings: Settings, project: ParsedProject) -> BuildStamp:
    """Find the warehouse to be of one finished build of the current project and parameters.

    Args:
        settings: The settings in force.
        project: The dbt project whose manifest describes the marts.

    Returns:
        The stamp of that build.

    Raises:
        WarehouseError: When a build was cut short, took only some models, or was another's.
    """
    stamp = read_stamp(settings)
    if stamp is None:
        raise WarehouseError(
            "The warehouse is not of one finished build: the last one failed, or took only some "
            "models. Run the job daily_refresh."
        )
    if stamp.project != project.fingerprint:
        raise WarehouseError(
            f"The warehouse was built by project {stamp.project}, but {project.fingerprint} is "
            "loaded. Run the job daily_refresh."
        )
    asked = read_run_parameters(settings).run_id
    if stamp.run_id != asked:
        raise WarehouseError(
            f"The warehouse answers run {stamp.run_id}, but the parameters are of run {asked}. "
            "Run the job daily_refresh."
        )
    return stamp


def _held_open(settings: Settings, error: duckdb.Error) -> WarehouseError:
    return WarehouseError(
        f"{settings.warehouse} is held open by another program: {str(error).splitlines()[0]} "
        f"Close it there, and read {settings.published}/current/collections.duckdb instead, which "
        "may stay open."
    )
