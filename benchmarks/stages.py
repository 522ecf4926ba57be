"""Run one stage of the warehouse by itself, so that it can be measured as a process.

``python -m benchmarks.stages <stage> <home>``, with the stages `ingest`, `suites`, `parse`,
`models` and `build`, in that order on one home whose landing folder holds a `canonical` delivery.
After another delivery, `ingest` and then `models_again` or `build_again` refresh what was built.
"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

TIMEZONE = "Asia/Shanghai"
RUN = "benchmark"


def ingest(home: Path) -> None:
    """Landing folder to lake: archive, read, type, quarantine, admit."""
    from ingest import lake
    from ingest.mappings import load_mappings

    folders = lake.Folders.of_home(home)
    lake.initialise(folders)
    lake.recover(folders)
    staged = lake.stage_pending(
        folders,
        mappings=load_mappings(timezone=TIMEZONE),
        timezone=ZoneInfo(TIMEZONE),
        now=datetime.now(UTC),
        run_id=RUN,
        published_known_at=_previous(home)[1],
        settle_seconds=0,
    )
    lake.admit(folders, staged, rejections={})


def suites(home: Path) -> None:
    """Judge the loads of the lake as if they were staged beside an empty one."""
    import quality
    from ingest import lake
    from ingest.records import ADMITTED, load_records_from_frame
    from quality import LoadUnderJudgement

    folders = lake.Folders.of_home(home)
    records = load_records_from_frame(lake.load_records(folders))
    admitted = [record for record in records if record.status == ADMITTED]
    paths = {record.extract: [folders.lake / str(record.parquet_path)] for record in admitted}
    empty = home / "empty_lake"
    empty.mkdir(exist_ok=True)
    for record in admitted:
        results = quality.judge_loads(
            record.extract,
            [
                LoadUnderJudgement(
                    load_id=record.load_id,
                    extract=record.extract,
                    parquet=folders.lake / str(record.parquet_path),
                    delivery_date=record.delivery_date,
                    source=record.source,
                    rows_accepted=record.rows_accepted,
                    amount_accepted=record.amount_accepted,
                )
            ],
            lake=empty,
            run_id=RUN,
            staged_other=paths,
        )
        blocked = quality.blocked_loads(results)
        if blocked:
            raise RuntimeError(f"clean data failed its suite: {blocked}")


def parse(home: Path) -> None:
    """Copy and parse the dbt project, and write the parameters of a build from nothing."""
    from orchestration import dbt_runs
    from orchestration.settings import load_settings, prepare_home, set_environment

    settings = load_settings()
    prepare_home(settings)
    set_environment(settings)
    dbt_runs.prepare_project(settings)
    _write_run_parameters(home, None, None)


def models(home: Path) -> None:
    """Build every seed and model in one invocation of dbt, without their tests."""
    _build(home, "resource_type:seed", "resource_type:model")


def build(home: Path) -> None:
    """Build and test every model in one invocation of dbt, as a refresh does."""
    _build(home)


def models_again(home: Path) -> None:
    """Refresh every model that is there, without tests."""
    _build(home, "resource_type:seed", "resource_type:model", continues=True)


def build_again(home: Path) -> None:
    """Refresh and test every model that is there."""
    _build(home, continues=True)


def _build(home: Path, *select: str, continues: bool = False) -> None:
    from orchestration import dbt_runs
    from orchestration.settings import load_settings, set_environment

    settings = load_settings()
    set_environment(settings)
    if not continues:
        (home / "warehouse.duckdb").unlink(missing_ok=True)
    _write_run_parameters(home, *_previous(home))
    for _ in dbt_runs.build(dbt_runs.prepare_project(settings), select=select):
        pass


def _previous(home: Path) -> tuple[date | None, datetime | None]:
    """What the build that the home holds was asked: its business day and knowledge time."""
    warehouse = home / "warehouse.duckdb"
    if not warehouse.exists():
        return None, None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        asked = connection.table("staging.run_parameters").select("as_of_date, known_at")
        (row,) = asked.fetchall()
    return row


def _write_run_parameters(
    home: Path, previous_as_of_date: date | None, previous_known_at: datetime | None
) -> None:
    from ingest import lake
    from ingest.records import load_records_from_frame
    from orchestration import deliveries
    from orchestration.settings import load_settings

    deliveries.write_run_parameters(
        load_settings(),
        load_records_from_frame(lake.load_records(lake.Folders.of_home(home))),
        run_id=RUN,
        code_version=RUN,
        previous_as_of_date=previous_as_of_date,
        previous_known_at=previous_known_at,
    )


STAGES = {
    stage.__name__: stage
    for stage in (ingest, suites, parse, models, build, models_again, build_again)
}

if __name__ == "__main__":
    STAGES[sys.argv[1]](Path(sys.argv[2]))
