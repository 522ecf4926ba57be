"""Jobs, the daily schedule and the sensors: which assets run together, and when."""

import hashlib
from typing import TYPE_CHECKING, Final

import dagster as dg

from orchestration import deliveries
from orchestration.assets import Mode, TakeInConfig
from orchestration.instance import fail_dead_runs
from orchestration.settings import Settings
from orchestration.writer import current_holder

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

DAILY_REFRESH: Final = "daily_refresh"
REBUILD: Final = "rebuild"
DAILY_CRON: Final = "0 6 * * *"

_TAKE_IN: Final = "take_in_deliveries"


def jobs() -> list["UnresolvedAssetJobDefinition"]:
    """The jobs: both take every asset and check that can run."""
    everything = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    return [
        dg.define_asset_job(
            DAILY_REFRESH,
            selection=everything,
            description=(
                "Takes in every waiting delivery, judges it, builds and proves the marts, and "
                "publishes them. Stops before dbt when a critical expectation fails, and before "
                "the publication when a test or proof does."
            ),
        ),
        dg.define_asset_job(
            REBUILD,
            selection=everything,
            description=(
                "Deletes the warehouse and builds it again from the lake, to the same numbers; "
                "takes nothing in. With mode rebuild_from_archive the lake is made anew from the "
                "archive first."
            ),
            config=dg.RunConfig(ops={_TAKE_IN: TakeInConfig(mode=Mode.REBUILD)}),
        ),
    ]


def daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The daily refresh at six in the company's time zone; it skips when nothing is new."""

    @dg.schedule(
        name="daily_refresh_schedule",
        job_name=DAILY_REFRESH,
        cron_schedule=DAILY_CRON,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes every morning, unless nothing was delivered or changed.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        reason = deliveries.nothing_to_do(settings)
        if reason is not None:
            return dg.SkipReason(reason)
        at = context.scheduled_execution_time
        return dg.RunRequest(run_key=at.isoformat())

    return daily


def delivery_sensor(settings: Settings) -> dg.SensorDefinition:
    """Refreshes when deliveries wait and none of them is still being written."""

    @dg.sensor(
        name="delivery_sensor",
        job_name=DAILY_REFRESH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Refreshes as soon as new deliveries are complete. Off by default, because the daily "
            "schedule takes them in too."
        ),
    )
    def delivered(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        holder = current_holder(settings.lock)
        if holder is not None:
            return dg.SkipReason(f"process {holder.pid} is writing ({holder.purpose})")
        scan = deliveries.look(settings)
        if scan.deferred:
            return dg.SkipReason(f"{len(scan.deferred)} files are still being written")
        if not scan.pending:
            return dg.SkipReason("no delivery waits")
        digest = hashlib.sha256()
        for file in scan.pending:
            digest.update(repr((file.key, file.state)).encode())
        waiting = digest.hexdigest()[:16]
        if waiting == context.cursor:
            return dg.SkipReason("the waiting deliveries were handed to a run already")
        context.update_cursor(waiting)
        return dg.RunRequest(run_key=waiting)

    return delivered


def dead_run_sensor() -> dg.SensorDefinition:
    """Marks runs as failed whose process was killed, so that the next one need not wait."""

    @dg.sensor(
        name="dead_run_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs as failed whose process is gone.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        marked = fail_dead_runs(context.instance)
        return dg.SkipReason(f"{len(marked)} runs of dead processes marked as failed")

    return dead_runs
