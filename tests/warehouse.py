"""A lake from a few rows, what a run is asked, and dbt on both, for tests.

Reading files and judging loads are not passed through: what is tested here are the models. Whole
warehouses are built by tests/builds.py, without the time that dbt takes.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import duckdb
import polars as pl

from ingest.extracts import EXTRACTS
from ingest.records import (
    EXPECTATION_RESULT_SCHEMA,
    LOAD_RECORD_SCHEMA,
    PUBLISHED_TOTAL_SCHEMA,
    QUARANTINE_SCHEMA,
    LoadRecord,
    load_records_frame,
)
from tests.kept import kept

Row = Mapping[str, Any]

PROJECT = Path(__file__).parents[1] / "dbt_project"

RUN_PARAMETERS_SCHEMA = {
    "as_of_date": pl.Date(),
    "known_at": pl.Datetime("us"),
    "reporting_currency": pl.String(),
    "timezone": pl.String(),
    "run_id": pl.String(),
    "code_version": pl.String(),
    "previous_as_of_date": pl.Date(),
    "previous_known_at": pl.Datetime("us"),
}

_METADATA = ("_source", "_delivery_date", "_delivery_kind", "_recorded_at", "_source_file")


def replace_seeds(home: Path, seeds: Path) -> None:
    """Replace rows of seeds in a warehouse by those of the CSV files of their names."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for file in sorted(seeds.glob("*.csv")):
            connection.execute(f"delete from intermediate.{file.stem}")  # noqa: S608
            connection.execute(f"copy intermediate.{file.stem} from '{file}' (format csv, header)")


def write_run_parameters(
    home: Path,
    *,
    as_of_date: date,
    known_at: datetime | None = None,
    reporting_currency: str = "CNY",
    timezone: str = "Asia/Shanghai",
    continues: bool = False,
) -> None:
    """State what the next run is asked.

    The warehouse is deleted and built from nothing, unless the run `continues` the build before.
    """
    path = home / "run_parameters.parquet"
    previous: Row = {}
    if continues:
        previous = pl.read_parquet(path).row(0, named=True)
    else:
        (home / "warehouse.duckdb").unlink(missing_ok=True)
    parameters = {
        "as_of_date": as_of_date,
        "known_at": known_at or datetime(2100, 1, 1),
        "reporting_currency": reporting_currency,
        "timezone": timezone,
        "run_id": "test",
        "code_version": "test",
        "previous_as_of_date": previous.get("as_of_date"),
        "previous_known_at": previous.get("known_at"),
    }
    pl.DataFrame([parameters], schema=RUN_PARAMETERS_SCHEMA).write_parquet(path)


def write_lake(
    home: Path,
    extracts: Mapping[str, Iterable[Row]],
    *,
    loads: Iterable[LoadRecord] = (),
    quarantined_rows: Iterable[Row] = (),
    expectation_results: Iterable[Row] = (),
    published_totals: Iterable[Row] = (),
) -> None:
    """Write rows, load records, quarantine and expectation results as the lake holds them."""
    unknown = set(extracts) - set(EXTRACTS)
    assert not unknown, f"no such extracts: {sorted(unknown)}"
    records = list(loads)
    sequence = 0
    for name, extract in EXTRACTS.items():
        folder = home / "lake" / name
        _empty(folder)
        pl.DataFrame(schema=extract.lake_schema).write_parquet(folder / "_schema.parquet")
        for metadata, rows in _by_load(extracts.get(name, ())):
            sequence += 1
            record = _load_record(name, metadata, rows, sequence)
            records.append(record)
            _lake_rows(name, rows, record).write_parquet(folder / f"{record.load_id}.parquet")
    for folder, schema, frame in (
        ("lake/_loads", LOAD_RECORD_SCHEMA, load_records_frame(records)),
        ("quarantine", QUARANTINE_SCHEMA, _table(quarantined_rows, QUARANTINE_SCHEMA)),
        (
            "lake/_expectation_results",
            EXPECTATION_RESULT_SCHEMA,
            _table(expectation_results, EXPECTATION_RESULT_SCHEMA),
        ),
        (
            "lake/_published_totals",
            PUBLISHED_TOTAL_SCHEMA,
            _table(published_totals, PUBLISHED_TOTAL_SCHEMA),
        ),
    ):
        _empty(home / folder)
        pl.DataFrame(schema=dict(schema)).write_parquet(home / folder / "_schema.parquet")
        frame.write_parquet(home / folder / "rows.parquet")


def run_dbt(
    home: Path,
    command: str = "run",
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    threads: int = 2,
    on_event: Callable[[Any], None] | None = None,
) -> object:
    """Run dbt in this process on a home, with the project parsed once for all processes.

    `on_event` gets every event of the run, each statement sent to the engine among them.

    Raises:
        AssertionError: When a node fails, with the messages of all that failed.
    """
    with _environment(home, threads), catch_warnings():
        # dbt's own dependencies warn of deprecated calls; they are not ours to answer for.
        simplefilter("ignore")
        from dbt.cli.main import dbtRunner

        arguments = [command, "--quiet", *_places(home)]
        if select:
            # Only those tests whose models are all selected.
            arguments += ["--indirect-selection", "buildable", "--select", *select]
        if exclude:
            arguments += ["--exclude", *exclude]
        callbacks = [] if on_event is None else [on_event]
        result = dbtRunner(manifest=parsed_project(), callbacks=callbacks).invoke(arguments)
        close_warehouse()
    failures = [
        f"{node.node.name}: {node.message}"
        for node in getattr(result.result, "results", [])
        if node.status in ("error", "fail", "runtime error")
    ]
    assert result.success, "\n".join(failures) or str(result.exception)
    return result.result


@cache
def parsed_project() -> Any:  # noqa: ANN401
    """The project as dbt parses it, which takes it ten seconds."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    kept_in = kept("parsed_project", _parse)
    packed = (kept_in / "manifest.msgpack").read_bytes()
    manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    # It lives as long as the process: no collection of garbage need look through it.
    gc.freeze()
    return manifest


def _parse(folder: Path) -> None:
    from dbt.cli.main import dbtRunner
    from dbt.parser.manifest import extended_mashumaro_encoder

    with _environment(folder, threads=1), catch_warnings():
        simplefilter("ignore")
        parsed = dbtRunner().invoke(["parse", "--quiet", *_places(folder)])
        assert parsed.success, f"dbt parse failed: {parsed.exception or parsed.result}"
        close_warehouse()
    packed = parsed.result.to_msgpack(extended_mashumaro_encoder)
    (folder / "manifest.msgpack").write_bytes(packed)


def fetch(warehouse: Path, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query on a built warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()


def end_of_day(day: date, timezone_offset_hours: int = 8) -> datetime:
    """The instant at which a delivery of that day is recorded: naive UTC, the last microsecond."""
    local = datetime.combine(day, time.max)
    return local - timedelta(hours=timezone_offset_hours)


def _places(home: Path) -> list[str]:
    """Where dbt finds the project and leaves its files."""
    return [
        *("--project-dir", str(PROJECT)),
        *("--profiles-dir", str(PROJECT)),
        *("--target-path", str(home / "target")),
        *("--log-path", str(home / "logs")),
    ]


@contextmanager
def _environment(home: Path, threads: int) -> Iterator[None]:
    """The settings of a run, for as long as it lasts."""
    settings = {
        "COLLECTIONS_HOME": str(home),
        "COLLECTIONS_THREADS": str(threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def close_warehouse() -> None:
    """Let go of the warehouse file, which dbt-duckdb keeps open until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _empty(folder: Path) -> None:
    """Make a folder that holds no files."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()


def _by_load(rows: Iterable[Row]) -> list[tuple[dict[str, Any], list[Row]]]:
    """Rows grouped by load, loads in the order of their instants, then of their appearance."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        delivery_date = row.get("_delivery_date", date(2024, 1, 1))
        values = {
            "_source": row.get("_source", "canonical"),
            "_delivery_date": delivery_date,
            "_delivery_kind": row.get("_delivery_kind", "delta"),
            "_recorded_at": row.get("_recorded_at", end_of_day(delivery_date)),
            "_source_file": row.get("_source_file", "rows.csv"),
        }
        groups.setdefault(tuple(values[name] for name in _METADATA), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: item[0][_METADATA.index("_recorded_at")])
    return [(dict(zip(_METADATA, key, strict=True)), group) for key, group in ordered]


def _load_record(
    extract: str, metadata: Mapping[str, Any], rows: Sequence[Row], sequence: int
) -> LoadRecord:
    """The record of an admitted load of those rows."""
    identity = sha256(f"{extract}|{sorted(metadata.items())}|{rows}".encode()).hexdigest()
    amount_column = EXTRACTS[extract].amount_column
    amount = None
    if amount_column is not None:
        amount = sum((Decimal(row[amount_column] or 0) for row in rows), start=Decimal(0))
    return LoadRecord(
        load_id=identity[:16],
        load_sequence=sequence,
        run_id="test",
        source=metadata["_source"],
        extract=extract,
        delivery_date=metadata["_delivery_date"],
        delivery_kind=metadata["_delivery_kind"],
        file_name=metadata["_source_file"],
        file_sha256=identity,
        file_bytes=1,
        mapping_fingerprint="test",
        status="admitted",
        recorded_at=metadata["_recorded_at"],
        received_at=metadata["_recorded_at"],
        rows_read=len(rows),
        rows_accepted=len(rows),
        amount_read=amount,
        amount_accepted=amount,
        parquet_path=f"{extract}/{identity[:16]}.parquet",
    )


def _lake_rows(extract: str, rows: Sequence[Row], record: LoadRecord) -> pl.DataFrame:
    """Rows in the lake's schema, with defaults and load metadata."""
    columns = EXTRACTS[extract].columns
    names = {column.name for column in columns}
    complete = []
    for number, row in enumerate(rows, start=1):
        unknown = {name for name in row if not name.startswith("_")} - names
        assert not unknown, f"{extract} has no columns {sorted(unknown)}"
        complete.append(
            {
                **{
                    column.name: _typed(row.get(column.name, column.default), column.dtype)
                    for column in columns
                },
                "_load_id": record.load_id,
                "_load_sequence": record.load_sequence,
                "_source": record.source,
                "_source_file": record.file_name,
                "_row_number": number,
                "_delivery_date": record.delivery_date,
                "_delivery_kind": record.delivery_kind,
                "_recorded_at": record.recorded_at,
            }
        )
    return pl.DataFrame(complete, schema=EXTRACTS[extract].lake_schema)


def _table(rows: Iterable[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows in a schema, absent columns null."""
    typed = [{name: _typed(row.get(name), dtype) for name, dtype in schema.items()} for row in rows]
    return pl.DataFrame(typed, schema=dict(schema))


def _typed(value: object, dtype: pl.DataType) -> object:
    """Money as a decimal from text or integer; instants naive in UTC; the rest as it is."""
    if value is None:
        return None
    if isinstance(dtype, pl.Decimal):
        return Decimal(str(value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
