"""What Dagster loads: everything of this folder, for one home."""

import dagster as dg

from orchestration import state
from orchestration.assets import (
    Translator,
    build_warehouse,
    extract_specs,
    mart_keys,
    published_copy,
    published_totals_spec,
    read_manifest,
    take_in_deliveries,
)
from orchestration.checks import gate_of, judged_loads, judged_marts
from orchestration.dbt_runs import prepare_project
from orchestration.jobs import daily_schedule, dead_run_sensor, delivery_sensor, jobs
from orchestration.progress import plain_lines
from orchestration.resources import WRITER, writer_resource
from orchestration.settings import Settings, load_settings, prepare_home, set_environment


def build_definitions(settings: Settings) -> dg.Definitions:
    """Wire one home.

    Args:
        settings: The settings in force; their home exists.

    Returns:
        Assets, checks, jobs, schedule, sensors and resources.
    """
    state.code_version()  # of the code that is loaded now, whatever is on disk later
    project = prepare_project(settings)
    manifest = read_manifest(project)
    translator = Translator(settings)
    marts = mart_keys(manifest, translator)
    return dg.Definitions(
        assets=[
            *extract_specs(),
            published_totals_spec(),
            take_in_deliveries(settings),
            build_warehouse(settings, project, manifest, translator, gate_of(settings)),
            published_copy(settings, project, marts.values()),
        ],
        asset_checks=[judged_loads(settings), judged_marts(settings, marts)],
        jobs=jobs(),
        schedules=[daily_schedule(settings)],
        sensors=[delivery_sensor(settings), dead_run_sensor()],
        loggers={"console": plain_lines},
        resources={WRITER: writer_resource(settings)},
        # One process for all steps: a process per step costs minutes and lets the lock go between.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The home that the settings name, wired when Dagster asks for it and not on import."""
    settings = load_settings()
    prepare_home(settings)
    set_environment(settings)
    return build_definitions(settings)
