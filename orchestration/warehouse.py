"""The warehouse file between builds: swept, deleted, or found fit to be published.

Building it is dbt's; the published copy is `reporting`'s.
"""

import shutil

import duckdb

from orchestration.dbt_runs import ParsedProject
from orchestration.deliveries import Tell, read_run_parameters
from orchestration.settings import Settings
from orchestration.state import BuildStamp, read_stamp, remove_stamp


class WarehouseError(Exception):
    """A warehouse that cannot be built into or published from, and what to do."""


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
