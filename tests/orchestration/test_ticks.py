"""Ticks of the schedule and the sensors, and runs whose process is gone."""

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration import deliveries
from orchestration.instance import PROCESS_TAG, fail_dead_runs, open_instance, process_tags
from orchestration.jobs import daily_schedule, delivery_sensor
from orchestration.settings import Settings
from orchestration.writer import hold_writer
from tests.orchestration.conftest import deliver

ROW = "A-1,C-1,invoice,2026-01-10,CNY,100.00\n"


@pytest.fixture
def initialised(settings: Settings) -> Settings:
    deliveries.recover(settings, tell=print)
    return settings


def test_the_sensor_hands_each_waiting_delivery_to_one_run(initialised: Settings) -> None:
    sensor = delivery_sensor(initialised)
    with open_instance(initialised) as instance:
        context = dg.build_sensor_context(instance)
        skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        assert "no delivery waits" in str(skipped.skip_message)

        deliver(initialised, "2026-01-12", ROW)
        request = sensor(context)
        assert isinstance(request, dg.RunRequest)
        assert request.run_key == context.cursor

        again = sensor(dg.build_sensor_context(instance, cursor=context.cursor))
        assert isinstance(again, dg.SkipReason)

        deliver(initialised, "2026-01-13", ROW)
        other = sensor(dg.build_sensor_context(instance, cursor=context.cursor))
        assert isinstance(other, dg.RunRequest)
        assert other.run_key != request.run_key


def test_the_sensor_waits_while_somebody_writes(initialised: Settings) -> None:
    deliver(initialised, "2026-01-12", ROW)
    with open_instance(initialised) as instance, hold_writer(initialised.lock, purpose="a refresh"):
        skipped = delivery_sensor(initialised)(dg.build_sensor_context(instance))
    assert isinstance(skipped, dg.SkipReason)
    assert f"process {os.getpid()} is writing" in str(skipped.skip_message)


def test_the_schedule_runs_daily_in_the_time_zone_of_the_company(initialised: Settings) -> None:
    schedule = daily_schedule(initialised)
    assert schedule.execution_timezone == "Asia/Shanghai"
    at = datetime(2026, 1, 12, 22, tzinfo=UTC)
    with open_instance(initialised) as instance:
        request = schedule(
            dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
        )
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == at.isoformat()


def test_a_run_of_a_dead_process_is_marked_as_failed_and_a_living_one_is_not(
    settings: Settings,
) -> None:
    @dg.job
    def idle() -> None: ...

    with open_instance(settings) as instance:
        (living,) = process_tags().values()
        runs = {
            name: instance.create_run_for_job(
                idle, tags={PROCESS_TAG: tag}, status=dg.DagsterRunStatus.STARTED
            )
            for name, tag in (
                ("living", living),
                ("number used again", f"{os.getpid()}@{living.split('@')[1].split(':')[0]}:1"),
                ("gone", "4194304@0:1"),
            )
        }
        assert set(fail_dead_runs(instance)) == {
            runs["number used again"].run_id,
            runs["gone"].run_id,
        }
        statuses = {
            name: instance.get_run_by_id(run.run_id).status  # type: ignore[union-attr]
            for name, run in runs.items()
        }
    assert statuses == {
        "living": dg.DagsterRunStatus.STARTED,
        "number used again": dg.DagsterRunStatus.FAILURE,
        "gone": dg.DagsterRunStatus.FAILURE,
    }


def test_run_history_does_not_report_its_use(settings: Settings) -> None:
    with open_instance(settings) as instance:
        assert not instance.telemetry_enabled
        assert instance.root_directory == str(settings.dagster_home)
    assert Path(settings.dagster_home / "dagster.yaml").is_file()
