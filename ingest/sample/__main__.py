"""Writes the sample company from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from ingest.sample.company import write_sample_company


def main() -> None:
    """Read the arguments, write the company, say what was written."""
    parser = argparse.ArgumentParser(prog="python -m ingest.sample", description=__doc__)
    parser.add_argument("landing", type=Path, help="folder that receives the deliveries")
    parser.add_argument("--documents", type=int, default=12_000, help="documents to bill")
    parser.add_argument("--seed", type=int, default=20260101, help="start of every random draw")
    chosen = parser.parse_args()
    summary = write_sample_company(chosen.landing, documents=chosen.documents, seed=chosen.seed)
    print(
        f"{len(summary.delivery_dates)} deliveries, {summary.file_count} files,"
        f" {summary.byte_count:,} bytes in {chosen.landing}"
    )
    for extract, rows in sorted(summary.row_counts.items()):
        print(f"  {extract:<15}{rows:>12,} rows")


if __name__ == "__main__":
    main()
