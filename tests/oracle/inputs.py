"""What the oracle reads: canonical rows per extract, the run's parameters, the seeds.

No calculation lives here. A row is a plain dictionary of the extract's canonical columns and the
metadata that the lake adds (``_source``, ``_delivery_date``, ``_delivery_kind``, ``_recorded_at``,
``_load_sequence``, ``_row_number``). Money is ``Decimal``, a day ``date``, an instant a naive UTC
``datetime``; an absent value is ``None``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


@dataclass(frozen=True)
class Extracts:
    """All delivered rows of a company, every version of every row, in no particular order."""

    ledger: Sequence[Row] = ()
    payments: Sequence[Row] = ()
    customers: Sequence[Row] = ()
    collectors: Sequence[Row] = ()
    portfolios: Sequence[Row] = ()
    contact_log: Sequence[Row] = ()
    surveys: Sequence[Row] = ()
    trainings: Sequence[Row] = ()
    targets: Sequence[Row] = ()
    fx_rates: Sequence[Row] = ()
    control_totals: Sequence[Row] = ()


@dataclass(frozen=True)
class Parameters:
    """What a run is asked: the business day, the knowledge instant, the reporting currency."""

    as_of_date: date
    known_at: datetime
    reporting_currency: str = "CNY"
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True)
class Bucket:
    """One line of the bucket seed: the range (upper bound included) it takes in."""

    bucket_set: str
    aging_bucket: str
    order: int
    unit: str
    upper_bound: int | None


@dataclass(frozen=True)
class Seeds:
    """The company's constants, as the warehouse's seed files state them.

    Files in the folder `own` replace those of the same name.
    """

    folder: Path = field(default=SEEDS)
    own: Path | None = None

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of one seed file, as text."""
        return _rows_of(self._path(name))

    def _path(self, name: str) -> Path:
        if self.own is not None and (self.own / f"{name}.csv").exists():
            return self.own / f"{name}.csv"
        return _files_of(self.folder)[name]

    def buckets(self) -> list[Bucket]:
        """The bucket sets, in order, without the lines that hold credits."""
        return sorted(
            (
                Bucket(
                    bucket_set=row["bucket_set"],
                    aging_bucket=row["aging_bucket"],
                    order=int(row["aging_bucket_order"]),
                    unit=row["unit"],
                    upper_bound=int(row["upper_bound"]) if row["upper_bound"] else None,
                )
                for row in self.rows("aging_buckets")
                if row["unit"] in ("day", "month")
            ),
            key=lambda bucket: (bucket.bucket_set, bucket.order),
        )


@cache
def _files_of(folder: Path) -> dict[str, Path]:
    """The seed files of a folder by name, which no two share."""
    files = {path.stem: path for path in folder.rglob("*.csv")}
    assert len(files) == len(list(folder.rglob("*.csv")))
    return files


@cache
def _rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
