"""The headless refresh: `python -m orchestration.refresh`, a real Dagster run with progress lines.

With nothing new it says so and starts nothing. It ends with the scorecard, the proofs' verdict and
where everything is, and leaves with a status that a scheduler can read:

0 everything delivered is published or was before; 1 a run failed, or a load or file was rejected,
with what to do next; 2 a setting is wrong; 75 somebody else is writing.
"""

import argparse
import logging
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from orchestration.settings import (
    SettingError,
    Settings,
    load_settings,
    prepare_home,
    set_environment,
)
from orchestration.writer import WriterBusyError, hold_writer

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult, SerializableErrorInfo

    from ingest.records import LoadRecord

DONE: Final = 0
FAILED: Final = 1
WRONG_SETTING: Final = 2
BUSY: Final = 75

SAMPLE_MARK: Final = ".sample_company"
SPACE_FACTOR: Final = 3
"""A build, its spill and the next version beside this one: measured as about three copies."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the home that the settings name.

    Args:
        arguments: Command line, the process's own when null.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.refresh",
        description="Take in what was delivered, build, prove and publish the marts.",
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="delete the warehouse and build it from the lake"
    )
    parser.add_argument(
        "--from-archive", action="store_true", help="make the lake anew from the archive, too"
    )
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="with --from-archive: read again also what corrected mappings read differently",
    )
    parser.add_argument(
        "--without-rejected",
        action="store_true",
        help="publish without the loads that failed a critical expectation",
    )
    parser.add_argument(
        "--sample-when-empty",
        action="store_true",
        help="write the sample company into a home in which nothing was ever delivered",
    )
    chosen = parser.parse_args(arguments)
    if chosen.allow_changes and not chosen.from_archive:
        parser.error("--allow-changes goes with --from-archive")
    try:
        settings = load_settings()
    except SettingError as error:
        return _refuse(str(error), WRONG_SETTING)
    prepare_home(settings)
    set_environment(settings)
    try:
        with hold_writer(settings.lock, purpose="refresh from the command line"):
            return _refresh(settings, chosen)
    except WriterBusyError as error:
        return _refuse(str(error), BUSY)


def _refresh(settings: Settings, chosen: argparse.Namespace) -> int:
    """Do what is to do, under the lock."""
    if chosen.sample_when_empty:
        _write_sample(settings)
    from ingest.archive import ArchiveError
    from ingest.home import LakeError
    from ingest.mappings import MappingError
    from orchestration import deliveries

    rebuilds = chosen.rebuild or chosen.from_archive
    try:
        if not rebuilds:
            deliveries.recover(settings, tell=_say)
            reason = None if chosen.without_rejected else deliveries.nothing_to_do(settings)
            if reason is not None:
                print(f"{reason} Nothing to do.")
                return _finish(settings, ())
        _require_space(settings)
    except MappingError as error:
        return _refuse(str(error), WRONG_SETTING)
    except (LakeError, ArchiveError, OSError) as error:
        return _refuse(str(error), FAILED)
    return _run(settings, chosen)


def _run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Run the job in this process, recorded in the home's Dagster instance."""
    started = time.monotonic()
    _say("starting Dagster")
    _quiet_the_tools()
    import dagster as dg

    from ingest.lake import load_records
    from ingest.records import load_records_from_frame
    from orchestration import deliveries
    from orchestration.assets import Mode
    from orchestration.dbt_runs import DbtError, SeedError
    from orchestration.definitions import build_definitions
    from orchestration.instance import (
        fail_dead_runs,
        open_instance,
        process_tags,
        quick_history,
    )
    from orchestration.jobs import DAILY_REFRESH, REBUILD

    try:
        definitions = build_definitions(settings)
    except SeedError as error:
        return _refuse(str(error), WRONG_SETTING)
    except DbtError as error:
        return _refuse(str(error), FAILED)
    mode = Mode.REFRESH
    if chosen.rebuild or chosen.from_archive:
        mode = Mode.REBUILD_FROM_ARCHIVE if chosen.from_archive else Mode.REBUILD
    job = definitions.resolve_job_def(DAILY_REFRESH if mode is Mode.REFRESH else REBUILD)
    with open_instance(settings) as instance, quick_history(instance):
        for run_id in fail_dead_runs(instance):
            _say(f"run {run_id} is marked as failed: its process is gone")
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={**process_tags(), **_LOCATION_TAGS},
            run_config=dg.RunConfig(
                ops={
                    "take_in_deliveries": {
                        "config": {"mode": mode.name, "allows_changes": chosen.allow_changes}
                    },
                    "judged_loads": {"config": {"without_rejected": chosen.without_rejected}},
                },
                loggers={"console": {}},
            ),
        )
    records = load_records_from_frame(load_records(deliveries.folders_of(settings)))
    _say(_where_time_went(result, time.monotonic() - started))
    if not result.success:
        _print_failures(result)
    rejected = [
        record
        for record in records
        if record.run_id == result.run_id and record.status == "rejected"
    ]
    status = _finish(settings, rejected)
    return status if result.success else FAILED


def _finish(settings: Settings, rejected: "Sequence[LoadRecord]") -> int:
    """Print what is published, what was refused, and where everything is."""
    from reporting.publication import current_version
    from reporting.scorecard import summarise

    version = current_version(settings.published)
    print()
    if version is None:
        print("Nothing is published yet.")
    else:
        print(summarise(version.path))
        print(
            f"Published: {version.name}, as of {version.facts['as_of_date']}, "
            f"known at {version.facts['known_at']} UTC"
        )
    print(f"Published copy  {settings.published / 'current' / 'collections.duckdb'}")
    print(f"Warehouse       {settings.warehouse}")
    print(f"Data Docs       {settings.data_docs / 'index.html'}")
    if not rejected:
        return DONE
    print(f"\n{len(rejected)} loads were rejected in this run:", file=sys.stderr)
    for record in rejected:
        print(
            f"  {record.delivery_date}/{record.source}/{record.file_name} "
            f"{record.extract}: {record.reason_code}: {record.reason_detail}",
            file=sys.stderr,
        )
    print(
        f"What was rejected is kept in {settings.rejected}. Correct the files or their mapping, "
        "deliver them again and refresh.",
        file=sys.stderr,
    )
    return FAILED


def _write_sample(settings: Settings) -> None:
    """Write the sample company into a home that nothing was ever delivered to."""
    from orchestration.state import LEDGER_NAME

    if (settings.archive / LEDGER_NAME).exists() or any(settings.landing.iterdir()):
        return
    from ingest.sample import write_sample_company

    _say("writing the sample company")
    (settings.home / SAMPLE_MARK).touch()
    summary = write_sample_company(settings.landing)
    _say(f"{len(summary.delivery_dates)} deliveries wait in {settings.landing}")


def _require_space(settings: Settings) -> None:
    """Refuse to start where the disk would fill up half-way.

    Raises:
        OSError: Naming the numbers.
    """
    waiting = sum(path.stat().st_size for path in settings.landing.rglob("*") if path.is_file())
    with suppress(FileNotFoundError):
        waiting += settings.warehouse.stat().st_size
    needed = SPACE_FACTOR * waiting
    free = shutil.disk_usage(settings.home).free
    if free < needed:
        raise OSError(
            f"{settings.home} has {free:,} bytes free; {needed:,} are needed "
            f"({SPACE_FACTOR} times the deliveries and the warehouse). Free some and refresh again."
        )


def _where_time_went(result: "ExecuteInProcessResult", seconds: float) -> str:
    """One line: how long the run took, and of that each step, the start included."""
    steps = {
        event.step_key: event.step_success_data.duration_ms / 1000
        for event in result.all_events
        if event.is_step_success
    }
    parts = ", ".join(f"{name} {took:.0f}" for name, took in steps.items())
    rest = max(0.0, seconds - sum(steps.values()))
    return f"the run took {seconds:.0f} seconds: {parts or 'no step'}, start and history {rest:.0f}"


def _print_failures(result: "ExecuteInProcessResult") -> None:
    """Print why the run failed: of each failed step its own words, without the tools' stack."""
    failures = [event for event in result.all_events if event.is_step_failure]
    for event in failures:
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            words = data.user_failure_data.description
        else:
            words = _cause_of(data.error)
        print(f"\n{event.step_key} failed: {words}", file=sys.stderr)
    if not failures:
        for event in result.all_events:
            if event.is_run_failure:
                print(
                    f"\nThe run failed: {_cause_of(event.job_failure_data.error)}", file=sys.stderr
                )
    print(
        f"The run is {result.run_id}; make ui shows it with all its events. The published copy is "
        "what it was.",
        file=sys.stderr,
    )


def _cause_of(error: "SerializableErrorInfo | None") -> str:
    """The words of what happened first, below what the tools made of it."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "no reason was given"


def _quiet_the_tools() -> None:
    """Keep the tools' own warnings off the terminal; failures are told by `_print_failures`."""
    warnings.simplefilter("ignore")
    for name in ("dagster", "dagster_dbt", "dagster._core.execution.plan.active"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)


def _refuse(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


_LOCATION_TAGS: Final = {".dagster/repository": "__repository__@orchestration.definitions"}
"""Names the code location that `make ui` loads, so that the job's page lists these runs."""


if __name__ == "__main__":
    sys.exit(main())
