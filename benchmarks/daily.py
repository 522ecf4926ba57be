"""Measure what a day costs beside the build of everything, by stage, and check what it gives.

``python -m benchmarks.daily [--documents N] [--days D] [--new-documents N] [--check]``. One company
is refreshed from nothing, then once per day of `benchmarks.data.write_day`; each refresh is the
command that users run, in a process of its own. With `--check`, the marts after the last day are
compared row by row with those of a build from nothing on the same lake.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.data import LAST_DAY, write_day, write_extracts
from benchmarks.measure import Cost, measure
from benchmarks.stages import COSTS, PARTS

BAR = 0.10
"""The most that a day may cost, as a share of the build of everything."""

SHOWN_ROWS = 5


@dataclass(frozen=True)
class Refresh:
    """One refresh: the whole command, and the CPU seconds of its parts."""

    whole: Cost
    parts: Mapping[str, float]


def main() -> int:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--new-documents", type=int, default=10_000, help="of each day")
    parser.add_argument("--changed-rate", action="store_true", help="the last day corrects a rate")
    parser.add_argument("--check", action="store_true", help="compare with a build from nothing")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in, which is kept")
    chosen = parser.parse_args()
    with _folder(chosen.folder) as folder:
        home = folder / "home"
        full = build_whole(home, chosen.documents)
        _say(f"everything: {full.whole.cpu_seconds:.1f} CPU s")
        days = []
        for ordinal in range(1, chosen.days + 1):
            days.append(
                refresh_day(
                    home,
                    documents=chosen.documents,
                    ordinal=ordinal,
                    new_documents=chosen.new_documents,
                    changes_rate=chosen.changed_rate and ordinal == chosen.days,
                )
            )
            _say(f"day {ordinal}: {days[-1].whole.cpu_seconds:.1f} CPU s")
        _print_table(full, days)
        is_cheap = all(_share(day, full) <= BAR for day in days)
        is_equal = not chosen.check or equals_rebuild(home, folder / "rebuilt")
    return 0 if is_cheap and is_equal else 1


def build_whole(home: Path, documents: int) -> Refresh:
    """Deliver the history to an empty home and refresh it."""
    rows = write_extracts(_landing(home, 0), documents=documents)
    _say(f"wrote {sum(rows.values()):,} rows for {documents:,} documents")
    return _refresh(home)


def refresh_day(
    home: Path, *, documents: int, ordinal: int, new_documents: int, changes_rate: bool = False
) -> Refresh:
    """Deliver the day of that ordinal and refresh."""
    write_day(
        _landing(home, ordinal),
        documents=documents,
        day=LAST_DAY + timedelta(days=ordinal),
        new_documents=new_documents,
        changes_rate=changes_rate,
    )
    return _refresh(home)


def _landing(home: Path, ordinal: int) -> Path:
    day = LAST_DAY + timedelta(days=ordinal)
    return home / "landing" / day.isoformat() / "canonical"


def _refresh(home: Path) -> Refresh:
    whole = measure(
        ["-m", "benchmarks.stages", "refresh", str(home)],
        environment={"COLLECTIONS_HOME": str(home)},
    )
    return Refresh(whole, json.loads((home / COSTS).read_text()))


def _share(day: Refresh, full: Refresh) -> float:
    return day.whole.cpu_seconds / full.whole.cpu_seconds


def _print_table(full: Refresh, days: Sequence[Refresh]) -> None:
    """CPU seconds by stage; below them shares of the whole, wall time and memory."""
    runs = (full, *days)
    print()
    print("| CPU s | everything |" + "".join(f" day {n} |" for n in range(1, len(runs))))
    print("|---|" + "---|" * len(runs))
    for part in PARTS:
        _print_line(part, [f"{run.parts[part]:.1f}" for run in runs])
    # The interpreter's start and end are in the whole and in no part.
    _print_line("whole", [f"{run.whole.cpu_seconds:.1f}" for run in runs])
    _print_line(
        f"share of everything (bar {BAR:.0%})", [f"{_share(run, full):.1%}" for run in runs]
    )
    _print_line("wall s", [f"{run.whole.wall_seconds:.0f}" for run in runs])
    _print_line("peak MiB", [f"{run.whole.resident_mebibytes:,.0f}" for run in runs])
    print(flush=True)


def _print_line(label: str, values: Sequence[str]) -> None:
    print(f"| {label} | " + " | ".join(values) + " |")


def equals_rebuild(home: Path, beside: Path) -> bool:
    """Build a home's lake from nothing in another home, asked the same, and compare all marts."""
    totals = home / "lake" / "_published_totals"
    # What the last build published was not there yet when it was built.
    *earlier, _ = sorted(totals.glob("v*.parquet"))
    for source in (
        home / "quarantine",
        *(folder for folder in (home / "lake").iterdir() if folder != totals),
        totals / "_schema.parquet",
        *earlier,
    ):
        link = beside / source.relative_to(home)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source.resolve())
    (asked,) = pl.read_parquet(home / "run_parameters.parquet").iter_rows(named=True)
    environment = {
        "COLLECTIONS_HOME": str(beside),
        "COLLECTIONS_AS_OF": asked["as_of_date"].isoformat(),
        "COLLECTIONS_KNOWN_AT": asked["known_at"].replace(tzinfo=UTC).isoformat(),
    }
    for stage in ("parse", "models"):
        measure(["-m", "benchmarks.stages", stage, str(beside)], environment=environment)
    different = _different_marts(home / "warehouse.duckdb", beside / "warehouse.duckdb")
    if not different:
        _say("every mart has the rows of a build from nothing")
    return not different


def _different_marts(refreshed: Path, rebuilt: Path) -> list[str]:
    """Marts that differ in any row; some of their rows are shown."""
    left, right = _fingerprints(refreshed), _fingerprints(rebuilt)
    assert left.keys() == right.keys(), left.keys() ^ right.keys()
    different = [mart for mart, found in left.items() if found != right[mart]]
    for mart in different:
        _say(f"{mart} differs: {left[mart][0]:,} rows refreshed, {right[mart][0]:,} rebuilt")
        columns = _copy(rebuilt, mart)
        _copy(refreshed, mart)
        for here, there, label in (
            (refreshed, rebuilt, "refreshed"),
            (rebuilt, refreshed, "rebuilt"),
        ):
            rows = duckdb.execute(
                f"select * from '{here}.{mart}.parquet' except all "  # noqa: S608
                f"select * from '{there}.{mart}.parquet'"
            )
            found = rows.fetchall()
            _say(f"  {len(found):,} rows only {label}")
            for row in found[:SHOWN_ROWS]:
                _say("    " + str(dict(zip(columns, row, strict=True))))
    return different


def _copy(warehouse: Path, mart: str) -> list[str]:
    """Copy a mart's rows beside its warehouse, because a view can be read nowhere else."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.sql(f"from marts.{mart}")
        rows.write_parquet(f"{warehouse}.{mart}.parquet")
        return rows.columns


def _fingerprints(warehouse: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free sum of row hashes of each mart and view."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        marts = connection.execute(
            "select distinct table_name from duckdb_columns() where schema_name = 'marts' "
            "and database_name = current_database() order by table_name"
        ).fetchall()
        found = {}
        for (mart,) in marts:
            (row,) = connection.execute(
                "select count(*), coalesce(sum(hash(mart)::hugeint), 0) "  # noqa: S608
                f"from marts.{mart} as mart"
            ).fetchall()
            found[mart] = row
        return found


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        yield Path(folder)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("COLLECTIONS_REPORTING_CURRENCY", "CNY")
    sys.exit(main())
