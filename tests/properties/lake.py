"""Read a lake back as plain rows, so that the oracle reckons on what the warehouse was given."""

from pathlib import Path
from typing import Any

import polars as pl

from ingest.extracts import EXTRACTS
from tests.oracle.inputs import Extracts


def read_lake(home: Path) -> Extracts:
    """Every row of every extract in a home's lake, with its metadata."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in EXTRACTS:
        files = sorted((home / "lake" / name).glob("*.parquet"))
        rows[name] = [row for file in files for row in pl.read_parquet(file).to_dicts()]
    return Extracts(**rows)
