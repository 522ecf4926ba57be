"""Measure how the cost of everything and of a day grows with the documents, beside the floors.

``python -m benchmarks.growth <measurements.jsonl> [--largest]``: at 100,000 and 1 million
documents, with `--largest` also at 10 million. One line of JSON per size and stage, as
`benchmarks.growth_chart` draws them: `full build` and `daily refresh` are the command that users
run, with all it does (ingest, suites, models, tests, proofs, publication); `floor` is the sum of
Polars from CSV to Parquet, Parquet to tables, and one SQL script that tests and publishes nothing.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.daily import BAR, build_whole, refresh_day
from benchmarks.data import LAST_DAY
from benchmarks.floors.script import script_arguments
from benchmarks.measure import Cost, measure

SIZES = (100_000, 1_000_000)
LARGEST = 10_000_000
BARS = {1_000_000: 3.0, LARGEST: 2.0}
"""How many times its floor a full build may cost."""

FULL_BUILD, DAILY_REFRESH, FLOOR = "full build", "daily refresh", "floor"


@dataclass(frozen=True)
class Measurement:
    """The cost of one stage at one size."""

    documents: int
    stage: str
    cost: Cost

    def as_json(self) -> str:
        """One line, as the chart reads it."""
        return json.dumps(
            {
                "documents": self.documents,
                "stage": self.stage,
                "cpu_seconds": round(self.cost.cpu_seconds, 2),
                "wall_seconds": round(self.cost.wall_seconds, 1),
                "peak_mib": round(self.cost.resident_mebibytes),
            }
        )


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("measurements", type=Path, help="the file of JSON lines to write")
    parser.add_argument("--largest", action="store_true", help=f"also {LARGEST:,} documents")
    parser.add_argument("--sizes", type=int, nargs="+", help="other numbers of documents")
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work; emptied after each size")
    chosen = parser.parse_args()
    sizes = chosen.sizes or (*SIZES, *((LARGEST,) if chosen.largest else ()))
    measured: list[Measurement] = []
    chosen.measurements.parent.mkdir(parents=True, exist_ok=True)
    with chosen.measurements.open("w") as file:
        for documents in sizes:
            for measurement in _measure(documents, chosen.days, chosen.folder):
                measured.append(measurement)
                print(measurement.as_json(), file=file, flush=True)
                print(measurement.as_json(), file=sys.stderr, flush=True)
    _print_table(measured)
    return 0


def _measure(documents: int, days: int, parent: Path | None) -> Iterator[Measurement]:
    folder = Path(tempfile.mkdtemp(prefix="growth-", dir=parent))
    try:
        home = folder / "home"
        full = build_whole(home, documents)
        yield Measurement(documents, FULL_BUILD, full.whole)
        yield Measurement(documents, FLOOR, measure_floor(home, folder))
        for ordinal in range(1, days + 1):
            day = refresh_day(home, documents=documents, ordinal=ordinal, new_documents=10_000)
            yield Measurement(documents, DAILY_REFRESH, day.whole)
    finally:
        shutil.rmtree(folder)


def measure_floor(home: Path, folder: Path) -> Cost:
    """The three floors one after another: their times together, the most memory of any."""
    landing = home / "landing" / LAST_DAY.isoformat() / "canonical"
    parquet, tables = folder / "parquet", folder / "floor.duckdb"
    costs = [
        measure(["-m", "benchmarks.floors.ingest", str(landing), str(parquet)]),
        measure(script_arguments("load", parquet, tables)),
        measure(script_arguments("marts", parquet, tables)),
    ]
    return Cost(
        cpu_seconds=sum(cost.cpu_seconds for cost in costs),
        wall_seconds=sum(cost.wall_seconds for cost in costs),
        resident_mebibytes=max(cost.resident_mebibytes for cost in costs),
    )


def _print_table(measured: Sequence[Measurement]) -> None:
    print("| documents | floor CPU s | full build | ratio | bar | MiB | daily refresh | share |")
    print("|---|---|---|---|---|---|---|---|")
    for documents in dict.fromkeys(measurement.documents for measurement in measured):
        by_stage: dict[str, list[Cost]] = {}
        for measurement in measured:
            if measurement.documents == documents:
                by_stage.setdefault(measurement.stage, []).append(measurement.cost)
        (full,), (floor,) = by_stage[FULL_BUILD], by_stage[FLOOR]
        # Of several days the dearest is told.
        days = [cost.cpu_seconds for cost in by_stage.get(DAILY_REFRESH, [])]
        day = f"{max(days):.1f} | {max(days) / full.cpu_seconds:.1%}" if days else "– | –"
        bar = BARS.get(documents)
        print(
            f"| {documents:,} | {floor.cpu_seconds:.1f} | {full.cpu_seconds:.1f}"
            f" | {full.cpu_seconds / floor.cpu_seconds:.2f} × | {f'{bar:g} ×' if bar else '–'}"
            f" | {full.resident_mebibytes:,.0f} | {day} (bar {BAR:.0%}) |"
        )


if __name__ == "__main__":
    os.environ.setdefault("COLLECTIONS_REPORTING_CURRENCY", "CNY")
    sys.exit(main())
