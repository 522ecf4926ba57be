"""Which build is continued, and which begins from nothing, and why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import duckdb
import pytest

from ingest.records import LoadRecord
from orchestration import deliveries, state, warehouse
from orchestration.dbt_runs import ParsedProject
from orchestration.settings import Settings

KNOWN = datetime(2026, 1, 12, 8)


def load(sequence: int, **changes: object) -> LoadRecord:
    """An admitted load, recorded on the day of its number."""
    record = LoadRecord(
        load_id=f"load{sequence}",
        load_sequence=sequence,
        run_id="r",
        source="canonical",
        extract="ledger",
        delivery_date=date(2026, 1, sequence),
        delivery_kind="delta",
        file_name="ledger.csv",
        file_sha256="0" * 64,
        file_bytes=1,
        mapping_fingerprint="m",
        status="admitted",
        recorded_at=datetime(2026, 1, sequence),
        received_at=datetime(2026, 1, sequence),
        parquet_sha256=f"sha{sequence}",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


LOADS = [load(10), load(11)]
MANIFEST = {
    "nodes": {
        "seed.c.limits": {
            "resource_type": "seed",
            "name": "limits",
            "alias": "limits",
            "schema": "intermediate",
        },
        **{
            f"model.c.{name}": {
                "resource_type": "model",
                "name": name,
                "alias": name,
                "schema": "marts",
            }
            for name in ("large", "largest", "latest", "seen")
        },
        "test.c.one": {"resource_type": "test", "name": "one", "alias": "one", "schema": "t"},
    },
    "child_map": {
        "seed.c.limits": ["model.c.large", "test.c.one"],
        "model.c.large": ["model.c.largest", "model.c.seen"],
        "model.c.latest": [],
    },
}


class Home:
    """A home whose warehouse is of a finished build of the 11th."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.records = list(LOADS)
        folder = settings.dbt / "copy"
        self.project = ParsedProject(
            fingerprint="p", project=folder / "project", target=folder / "target"
        )
        for name, text in (("models/a.sql", "select 1"), ("seeds/limits.csv", "n\n0\n")):
            path = self.project.project / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute("""
                create schema marts;
                create schema intermediate;
                create table intermediate.limits as select 0 as n;
                create table marts.large as select 1 as n;
                create table marts.largest as select 1 as n;
                create table marts.latest as select 1 as n;
                create view marts.seen as select * from marts.large;
                create table intermediate.changes_of_large as select 1 as n;
                create table intermediate.changes_of_latest as select 1 as n;
            """)
        self.ask()
        course = warehouse.Course(because="first")
        warehouse.finish(settings, self.project, self.records, course, build_id="b1")

    def ask(self, **changes: object) -> None:
        """What the next build is asked; a day later unless said otherwise."""
        asked = replace(
            self.settings,
            **{"as_of_date": date(2026, 1, 11), "known_at": KNOWN, **changes},  # type: ignore[arg-type]
        )
        deliveries.write_run_parameters(asked, self.records, run_id="r", code_version="c")

    def course(self) -> warehouse.Course:
        return warehouse.choose_course(self.settings, self.project, self.records)

    def tables(self) -> set[str]:
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            return {
                name
                for (name,) in connection.execute(
                    "select table_name from duckdb_tables()"
                ).fetchall()
            }


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(settings)


def test_a_build_is_continued_when_the_lake_only_grew(home: Home) -> None:
    # What is recorded later than the build knew, and what did not enter, changes nothing.
    home.records += [load(13), load(9, status="rejected", recorded_at=datetime(2026, 1, 9))]
    home.ask(as_of_date=date(2026, 1, 13), known_at=datetime(2026, 1, 14))
    course = home.course()
    assert course.continued == state.read_stamp(home.settings)
    assert (course.because, course.changed_seeds) == ("", ())
    assert "continuing the build as of 2026-01-11, known at 2026-01-12 08:00:00" in str(course)
    told: list[str] = []
    parameters = warehouse.begin(home.settings, course, MANIFEST, tell=told.append)
    assert told == [str(course)]
    assert (parameters.previous_as_of_date, parameters.previous_known_at) == (
        date(2026, 1, 11),
        KNOWN,
    )
    assert parameters == deliveries.read_run_parameters(home.settings)
    assert "latest" in home.tables()
    # Until it is finished, the warehouse is of no build.
    assert home.course().because == "there is no finished build to continue"


def no_stamp(home: Home) -> None:
    state.remove_stamp(home.settings)


def unreadable_stamp(home: Home) -> None:
    (home.settings.home / "warehouse.built.json").write_text('{"run_id": "of an older version"}')


def no_file(home: Home) -> None:
    home.settings.warehouse.unlink()


def written_into(home: Home) -> None:
    with duckdb.connect(str(home.settings.warehouse)) as connection:
        connection.execute("insert into marts.latest values (2)")


def other_model(home: Home) -> None:
    (home.project.project / "models" / "a.sql").write_text("select 2")


def other_currency(home: Home) -> None:
    home.ask(reporting_currency="EUR")


def other_timezone(home: Home) -> None:
    home.ask(timezone="Europe/Paris")


def earlier_day(home: Home) -> None:
    home.ask(as_of_date=date(2026, 1, 10))


def earlier_knowledge(home: Home) -> None:
    home.ask(known_at=datetime(2026, 1, 11, 12))


def load_gone(home: Home) -> None:
    home.records = home.records[:1]


def load_read_otherwise(home: Home) -> None:
    home.records = [LOADS[0], replace(LOADS[1], parquet_sha256="another")]


def load_of_older_knowledge(home: Home) -> None:
    home.records = [*LOADS, load(12, recorded_at=datetime(2026, 1, 11))]


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (no_stamp, "no finished build"),
        (unreadable_stamp, "no finished build"),
        (no_file, "not as the last build left it"),
        (written_into, "not as the last build left it"),
        (other_model, "the code or a tool changed"),
        (other_currency, "the reporting currency was CNY"),
        (other_timezone, "the time zone was Asia/Shanghai"),
        (earlier_day, "the as-of date was 2026-01-11"),
        (earlier_knowledge, "more was known, at 2026-01-12 08:00:00"),
        (load_gone, "the lake does not hold"),
        (load_read_otherwise, "the lake does not hold"),
        (load_of_older_knowledge, "the lake does not hold"),
    ],
)
def test_a_build_begins_from_nothing_and_says_why(
    home: Home, change: Callable[[Home], None], because: str
) -> None:
    change(home)
    course = home.course()
    assert course.continued is None
    assert because in course.because
    told: list[str] = []
    parameters = warehouse.begin(home.settings, course, MANIFEST, tell=told.append)
    assert told[0] == f"building from nothing: {course.because}"
    assert parameters.previous_as_of_date is None
    assert parameters.previous_known_at is None
    assert not home.settings.warehouse.exists()


def test_what_descends_from_a_changed_seed_is_dropped_and_nothing_else(home: Home) -> None:
    (home.project.project / "seeds" / "limits.csv").write_text("n\n5\n")
    course = home.course()
    assert course.changed_seeds == ("limits",)
    assert str(course).endswith("whole what reads limits")
    warehouse.begin(home.settings, course, MANIFEST, tell=lambda _: None)
    assert home.tables() == {"latest", "changes_of_latest"}


def test_opening_the_warehouse_is_no_change(home: Home) -> None:
    warehouse.refuse_readers(home.settings)
    warehouse.sweep(home.settings, tell=lambda _: None)
    with duckdb.connect(str(home.settings.warehouse)) as connection:
        connection.execute("from marts.latest").fetchall()
    assert home.course().continued is not None
