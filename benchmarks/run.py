"""Measure the warehouse beside its floors in one run, and print the table.

``python -m benchmarks.run [--documents N] [--folder F]``. Every stage is a process of its own and
is compared by CPU seconds, because wall time on a shared machine says little. The same stage on a
company of 200 documents gives the tools' fixed cost. The last part builds all marts at one and at
two threads, twice, and compares their checksums.
"""

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.data import LAST_DAY, write_extracts
from benchmarks.floors.script import script_arguments
from benchmarks.measure import Cost, measure

SMALL = 200
DOCUMENTS_FOR_CHECKSUMS = 20_000
BARS = {"ingest": "1.5 ×", "suites": "3 ×", "models": "2 ×", "build": "–"}
FLOORS = {
    "ingest": "Polars CSV to Parquet",
    "suites": "direct SQL",
    "models": "one SQL script over tables",
    "build": "the same script, which tests nothing",
}


@dataclass(frozen=True)
class Comparison:
    """One stage beside its floor.

    Attributes:
        stage: The stage.
        ours: Its cost at full size.
        fixed: Its cost on a tiny company: imports, parsing, start-up.
        floor: The floor's cost at full size, its own start included.
    """

    stage: str
    ours: Cost
    fixed: Cost
    floor: Cost

    @property
    def ratio(self) -> float:
        """CPU of ours without the fixed cost, over the floor's."""
        return (self.ours.cpu_seconds - self.fixed.cpu_seconds) / self.floor.cpu_seconds

    @property
    def whole_ratio(self) -> float:
        """CPU of ours, fixed cost included, over the floor's."""
        return self.ours.cpu_seconds / self.floor.cpu_seconds


def main() -> int:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work; removed afterwards when absent")
    chosen = parser.parse_args()
    if chosen.folder:
        return _run(chosen.folder, chosen.documents)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        return _run(Path(folder), chosen.documents)


def _run(folder: Path, documents: int) -> int:
    full, small = folder / "full", folder / "small"
    for home, size in ((full, documents), (small, SMALL)):
        shutil.rmtree(home, ignore_errors=True)
        rows = write_extracts(_landing(home), documents=size)
        _say(f"wrote {sum(rows.values()):,} rows for {size:,} documents")
    comparisons = []
    floors = {
        "ingest": ["-m", "benchmarks.floors.ingest", str(_landing(full)), str(folder / "parquet")],
        "suites": script_arguments("suites", full / "lake", folder / "suites.duckdb"),
        "models": script_arguments("marts", folder / "parquet", folder / "floor.duckdb"),
    }
    for stage, floor in floors.items():
        if stage == "models":
            loaded = measure(script_arguments("load", folder / "parquet", folder / "floor.duckdb"))
            _say(f"the floor's Parquet to tables: {loaded.cpu_seconds:.1f} CPU s")
            for home in (full, small):
                parse = _stage("parse", home)
            _say(f"parsing the project, once per change of it: {parse.cpu_seconds:.1f} CPU s")
        ours, fixed = _stage(stage, full), _stage(stage, small)
        comparisons.append(Comparison(stage, ours, fixed, measure(floor)))
        _say(
            f"{stage}: {ours.cpu_seconds:.1f} CPU s beside {comparisons[-1].floor.cpu_seconds:.1f}"
        )
    built, fixed = _stage("build", full), _stage("build", small)
    comparisons.append(Comparison("build", built, fixed, comparisons[-1].floor))
    _check_answers(full / "warehouse.duckdb", folder / "floor.duckdb")
    _print_table(comparisons)
    return 0 if _checksums_agree(folder) else 1


def _landing(home: Path) -> Path:
    return home / "landing" / LAST_DAY.isoformat() / "canonical"


def _stage(stage: str, home: Path, threads: int = 2) -> Cost:
    environment = {"COLLECTIONS_HOME": str(home), "COLLECTIONS_THREADS": str(threads)}
    return measure(["-m", "benchmarks.stages", stage, str(home)], environment=environment)


def _check_answers(warehouse: Path, floor: Path) -> None:
    """Raise when ours and the floor differ in any aged balance: such ratios would mean nothing."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as ours (read_only)")
        connection.execute(f"attach '{floor}' as floor (read_only)")
        columns = "as_of_date, bucket_set, age_basis, aging_bucket, document_count, open_amount"
        ours = connection.table("ours.marts.aging_by_bucket").select(columns)
        hand_written = connection.table("floor.aging_by_bucket").select(columns)
        difference = (
            len(ours.except_(hand_written).fetchall()),
            len(hand_written.except_(ours).fetchall()),
            len(ours.fetchall()),
        )
    if difference[:2] != (0, 0) or difference[2] == 0:
        raise RuntimeError(f"ours and the floor differ (only ours, only floor, rows): {difference}")
    _say(f"aging agrees with the floor's in all {difference[2]:,} rows")


def _print_table(comparisons: list[Comparison]) -> None:
    print()
    print("| stage | floor | floor CPU s | ours CPU s | of it fixed | ratio | whole | bar | MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in comparisons:
        print(
            f"| {row.stage} | {FLOORS[row.stage]} | {row.floor.cpu_seconds:.1f}"
            f" | {row.ours.cpu_seconds:.1f} | {row.fixed.cpu_seconds:.1f} | {row.ratio:.2f} ×"
            f" | {row.whole_ratio:.2f} × | {BARS[row.stage]}"
            f" | {row.ours.resident_mebibytes:,.0f} |"
        )
    print(flush=True)


def _checksums_agree(folder: Path) -> bool:
    """Whether every mart has the same rows at one and at two threads, twice."""
    home = folder / "checksums"
    shutil.rmtree(home, ignore_errors=True)
    write_extracts(_landing(home), documents=DOCUMENTS_FOR_CHECKSUMS)
    _stage("ingest", home)
    _stage("parse", home)
    seen: dict[str, set[tuple[int, int]]] = {}
    for threads in (1, 2, 1, 2):
        _stage("build", home, threads)
        for mart, checksum in _checksums(home / "warehouse.duckdb").items():
            seen.setdefault(mart, set()).add(checksum)
    unequal = sorted(mart for mart, checksums in seen.items() if len(checksums) > 1)
    for mart in unequal:
        _say(f"{mart} differs between builds of the same lake")
    if not unequal:
        _say(f"all {len(seen)} marts have the same checksum at 1 and 2 threads, twice")
    return not unequal


def _checksums(warehouse: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free sum of row hashes, by mart."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        marts = connection.execute(
            "select distinct table_name from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
        checksums = {}
        for (mart,) in marts:
            rows = connection.sql(f"from marts.{mart}").set_alias("mart")
            total = rows.aggregate("count(*), coalesce(sum(hash(mart)::hugeint), 0)").fetchall()
            checksums[mart] = (int(total[0][0]), int(total[0][1]))
    return checksums


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("COLLECTIONS_REPORTING_CURRENCY", "CNY")
    sys.exit(main())
