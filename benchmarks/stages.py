"""Run one stage of the warehouse by itself, so that it can be measured as a process.

``python -m benchmarks.stages <stage> <home>``, with the stages `ingest`, `suites`, `parse`,
`models` and `build`, in that order on one home whose landing folder holds a `canonical` delivery.
After another delivery, `ingest` and then `build_again` refresh what was built.

The stage `refresh` is the whole of it as users run it, `python -m orchestration.refresh`; what its
parts cost is written to `costs.json` in the home.
"""

import json
import resource
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

TIMEZONE = "Asia/Shanghai"
RUN = "benchmark"
COSTS = "costs.json"
PARTS = ("ingest", "suites", "parse", "models", "tests and proofs", "publication", "the rest")


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

    settings = load_settings()
    deliveries.write_run_parameters(
        settings,
        load_records_from_frame(lake.load_records(lake.Folders.of_home(home))),
        run_id=RUN,
        code_version=RUN,
    )
    asked = pl.read_parquet(settings.run_parameters).with_columns(
        pl.lit(previous_as_of_date, pl.Date).alias("previous_as_of_date"),
        pl.lit(previous_known_at, pl.Datetime("us")).alias("previous_known_at"),
    )
    asked.write_parquet(settings.run_parameters)


def refresh(home: Path) -> None:
    """Refresh as users do, and write down the CPU seconds of each part."""
    import ingest.lake
    import orchestration.assets
    import quality
    from orchestration import dbt_runs
    from orchestration import refresh as command

    costs: defaultdict[str, float] = defaultdict(float)
    for module, name, part in (
        (ingest.lake, "stage_pending", "ingest"),
        (ingest.lake, "admit", "ingest"),
        (quality, "judge_loads", "suites"),
        (dbt_runs, "prepare_project", "parse"),
        (orchestration.assets, "publish", "publication"),
    ):
        setattr(module, name, _metered(getattr(module, name), part, costs))
    build_all = dbt_runs.build

    def metered_build(*arguments: Any, **options: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
        before = _cpu_seconds()
        for event in build_all(*arguments, **options):
            after = _cpu_seconds()
            node = event["data"]["node_info"]
            is_trust = node["resource_type"] == "test" or node["node_name"] == "proofs"
            costs["tests and proofs" if is_trust else "models"] += after - before
            yield event
            # What Dagster makes of the event is not dbt's.
            before = _cpu_seconds()

    dbt_runs.build = metered_build
    status = command.main([])
    costs["the rest"] = _cpu_seconds() - sum(costs.values())
    (home / COSTS).write_text(json.dumps({part: costs[part] for part in PARTS}))
    if status:
        raise RuntimeError(f"the refresh left with {status}")


def _metered(
    function: Callable[..., Any], part: str, costs: defaultdict[str, float]
) -> Callable[..., Any]:
    def metered(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        before = _cpu_seconds()
        try:
            return function(*arguments, **options)
        finally:
            costs[part] += _cpu_seconds() - before

    return metered


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


STAGES = {
    stage.__name__: stage for stage in (ingest, suites, parse, models, build, build_again, refresh)
}

if __name__ == "__main__":
    STAGES[sys.argv[1]](Path(sys.argv[2]))
