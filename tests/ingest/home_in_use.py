"""A home folder to deliver to and refresh from, for the tests of landing, archive and lake."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ingest.lake import (
    AdmittedRun,
    Folders,
    StagedLoad,
    StagedRun,
    admit,
    initialise,
    load_records,
    recover,
    stage_pending,
)
from ingest.mappings import SourceMapping, load_mappings

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATER = datetime(2026, 8, 1)
"""A present that lies after every delivery date of the tests."""

LEDGER_HEADER = "document_id,customer_id,document_type,document_date,currency_code,amount"
PAYMENTS_HEADER = "payment_id,line_no,customer_id,payment_date,currency_code,amount,document_id"

SNAPSHOTS = """
source: snapshots
files:
  - pattern: "open_items*.csv"
    delivery: full
    extracts:
      - extract: ledger
        columns: {document_id: document_id, customer_id: customer_id,
                  document_type: document_type, document_date: document_date,
                  currency_code: currency_code, amount: amount}
"""
"""A source whose files state all that is open: several files may make up one delivery."""

CHANGES = SNAPSHOTS.replace("snapshots", "changes").replace("full", "delta")
"""The same files declared as changes only."""


def ledger(*rows: str) -> str:
    """A ledger file of rows such as `INV-1 1200.50` or `CN-1 35.25 credit_memo`."""
    lines = [LEDGER_HEADER]
    for row in rows:
        document_id, amount, *rest = row.split()
        lines.append(f"{document_id},C001,{rest[0] if rest else 'invoice'},2026-06-15,USD,{amount}")
    return "\n".join(lines) + "\n"


def payments(*rows: str) -> str:
    """A payments file of rows `payment line amount document [date] [currency]`."""
    lines = [PAYMENTS_HEADER]
    for row in rows:
        payment_id, line_no, amount, document_id, *rest = row.split()
        paid = rest[0] if rest else "2026-07-01"
        currency = rest[1] if len(rest) > 1 else "USD"
        lines.append(f"{payment_id},{line_no},C001,{paid},{currency},{amount},{document_id}")
    return "\n".join(lines) + "\n"


@dataclass
class Home:
    """A home folder, its mappings and the number of runs so far."""

    folders: Folders
    mappings: dict[str, SourceMapping]
    runs: int = field(default=0)

    @staticmethod
    def at(path: Path, *mappings: str) -> "Home":
        sources = path / "sources"
        sources.mkdir(parents=True)
        for number, mapping in enumerate((SNAPSHOTS, CHANGES, *mappings)):
            (sources / f"source_{number}.yaml").write_text(mapping)
        home = Home(folders=Folders.of_home(path / "home"), mappings=load_mappings(sources))
        initialise(home.folders)
        return home

    def deliver(
        self,
        delivery_date: str,
        name: str,
        content: str | bytes,
        *,
        source: str = "canonical",
        control: str | None = None,
    ) -> Path:
        folder = self.folders.landing / delivery_date / source
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if control is not None:
            (folder / f"{name}.control.json").write_text(control)
        return path

    def stage(
        self, *, now: datetime = LATER, published_known_at: datetime | None = None
    ) -> StagedRun:
        self.runs += 1
        initialise(self.folders)
        recover(self.folders)
        return stage_pending(
            self.folders,
            mappings=self.mappings,
            timezone=SHANGHAI,
            now=now,
            run_id=f"run{self.runs}",
            published_known_at=published_known_at,
            settle_seconds=0,
        )

    def refresh(
        self,
        *,
        judge: Callable[[StagedLoad], str | None] = lambda load: None,
        now: datetime = LATER,
        published_known_at: datetime | None = None,
    ) -> AdmittedRun:
        run = self.stage(now=now, published_known_at=published_known_at)
        rejections = {
            load.record.load_id: reason
            for load in run.loads
            if load.record.status == "admitted" and (reason := judge(load)) is not None
        }
        return admit(self.folders, run, rejections=rejections)

    def rows(self, extract: str = "ledger") -> pl.DataFrame:
        """All rows ever admitted, in the order in which they became known."""
        return pl.read_parquet(
            self.folders.lake / extract / "*.parquet", hive_partitioning=False
        ).sort("_recorded_at", "_load_sequence", "_row_number")

    def records(self) -> pl.DataFrame:
        return load_records(self.folders)

    def statuses(self) -> list[tuple[str, str, str | None]]:
        return [
            (str(name), str(status), reason)
            for name, status, reason in self.records()
            .select("file_name", "status", "reason_code")
            .iter_rows()
        ]

    def standing(self, extract: str = "ledger") -> dict[tuple[Any, ...], Mapping[str, Any]]:
        """The latest version of every key; keys absent from the latest full delivery are gone."""
        key = {"ledger": ("document_id",), "payments": ("payment_id", "line_no")}[extract]
        versions: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        rows = self.rows(extract).to_dicts()
        for row in rows:
            versions[tuple(row[name] for name in key)] = row
        latest_full: dict[str, datetime] = {}
        for row in rows:
            if row["_delivery_kind"] == "full":
                latest_full[row["_source"]] = row["_recorded_at"]
        return {
            identity: row
            for identity, row in versions.items()
            if row["_delivery_kind"] == "delta"
            or row["_recorded_at"] == latest_full[row["_source"]]
        }

    def total(self, extract: str = "ledger") -> Decimal:
        """Standing amounts, credit memos negative."""
        return sum(
            (
                -row["amount"] if row.get("document_type") == "credit_memo" else row["amount"]
                for row in self.standing(extract).values()
            ),
            start=Decimal(0),
        )

    def lake_content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the lake and the quarantine that must not depend on runs and clocks."""
        content = {}
        tables = {
            **{
                folder.name: folder
                for folder in self.folders.lake.iterdir()
                if folder.is_dir() and folder.name != "_admissions"
            },
            "quarantine": self.folders.quarantine,
        }
        for name, folder in tables.items():
            rows = pl.read_parquet(folder / "*.parquet", hive_partitioning=False)
            rows = rows.drop("run_id", "received_at", "parquet_sha256", strict=False)
            content[name] = sorted(rows.iter_rows(), key=repr)
        return content
