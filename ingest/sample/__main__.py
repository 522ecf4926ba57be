"""Writes the sample company from the command line."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from ingest.sample.company import write_sample_company
from ingest.sample.settings import Settings


def main() -> None:
    """Read the arguments, write the company, say what was written."""
    parser = argparse.ArgumentParser(prog="python -m ingest.sample", description=__doc__)
    parser.add_argument("landing", type=Path, help="folder that receives the deliveries")
    parser.add_argument("--documents", type=int, default=12_000, help="documents to bill")
    parser.add_argument("--seed", type=int, default=20260101, help="start of every random draw")
    parser.add_argument("--months", type=int, default=20, help="months of business")
    chosen = parser.parse_args()
    try:
        Settings(documents=chosen.documents, seed=chosen.seed, months=chosen.months)
    except ValueError as error:
        parser.error(str(error))
    summary = write_sample_company(
        chosen.landing, documents=chosen.documents, seed=chosen.seed, months=chosen.months
    )
    dates = summary.delivery_dates
    print(
        f"{len(dates)} deliveries from {dates[0]} to {dates[-1]}: {summary.file_count} files,"
        f" {summary.byte_count:,} bytes in {chosen.landing}"
    )
    for extract, rows in summary.row_counts.items():
        print(f"  {extract:<15}{rows:>12,} rows")
    print("planted on purpose:")
    for kind, count in sorted(Counter(one.kind for one in summary.planted).items()):
        print(f"  {kind:<20}{count:>7,}")


if __name__ == "__main__":
    main()
