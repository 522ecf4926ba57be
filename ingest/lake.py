"""The lake: one immutable Parquet per admitted load, the records about them, and its upkeep.

This is the door through which others use the lake: making it, staging what was delivered, admitting
it, reading the records, recovering after a crash, verifying checksums. Judging rows does not live
here, nor does the order in which a refresh calls these functions.

One process at a time may call the functions that write; the caller holds the lock.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ingest.admission import AdmittedRun, admit, carry_out, load_file_name
from ingest.archive import ArchiveError, read_ledger, sweep_incoming, verify_archive
from ingest.extracts import EXTRACTS
from ingest.files import sha256_of, write_atomic
from ingest.home import (
    ADMISSIONS,
    EXPECTATION_RESULTS,
    LOADS,
    PUBLISHED_TOTALS,
    SCHEMA_FILE,
    Folders,
    LakeError,
    initialise,
    parquet_bytes,
    require_whole_ledger,
)
from ingest.landing import DeliveredFile, LandingProblem, LandingScan, find_pending
from ingest.pending import StagedDelivery, StagedFile, StagedRun, pending_files, stage_pending
from ingest.rebuild import REBUILD, carry_out_rebuild, rebuild_from_archive
from ingest.records import (
    ADMITTED,
    EXPECTATION_RESULT_SCHEMA,
    PUBLISHED_TOTAL_SCHEMA,
    LoadRecord,
    load_records_from_frame,
)
from ingest.staging import StagedLoad

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "AdmittedRun",
    "ArchiveError",
    "DeliveredFile",
    "Folders",
    "LakeError",
    "LandingProblem",
    "LandingScan",
    "StagedDelivery",
    "StagedFile",
    "StagedLoad",
    "StagedRun",
    "admit",
    "find_pending",
    "has_published_totals",
    "initialise",
    "load_records",
    "pending_files",
    "rebuild_from_archive",
    "record_expectation_results",
    "record_published_totals",
    "recover",
    "require_intact",
    "stage_pending",
    "verify",
]


def recover(folders: Folders) -> list[str]:
    """Finish what a run that was cut short had committed, and sweep away what it had not.

    Args:
        folders: Where everything lies.

    Returns:
        One sentence per thing done; empty after a run that ended well.

    Raises:
        LakeError: A committed admission cannot be carried out, or the ledger has lost lines.
        ArchiveError: The ledger is damaged.
    """
    done = []
    if (folders.staging / REBUILD).exists():
        carry_out_rebuild(folders)
        done.append("put a rebuilt lake in place")
    for admission in sorted((folders.lake / ADMISSIONS).glob("*.json")):
        carry_out(folders, admission)
        done.append(f"carried out the admission {admission.stem} of a run that was cut short")
    swept = _sweep(folders.staging) + sweep_incoming(folders.archive)
    for leftover in (folders.lake / ADMISSIONS).glob(".*.tmp"):
        leftover.unlink()
        swept += 1
    if swept:
        done.append(f"swept {swept} files that a run had left uncommitted")
    require_whole_ledger(folders, read_ledger(folders.archive))
    return done


def _sweep(folder: Path) -> int:
    count = sum(1 for path in folder.rglob("*") if not path.is_dir())
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return count


def load_records(folders: Folders) -> pl.DataFrame:
    """Read the records of all loads ever handled.

    Args:
        folders: Where everything lies.

    Returns:
        One row per load with `LOAD_RECORD_SCHEMA`, in the order of `load_sequence`.
    """
    return pl.read_parquet(folders.lake / LOADS / "*.parquet").sort("load_sequence")


def require_intact(folders: Folders) -> None:
    """Refuse a lake whose files are not, byte for byte, those that were admitted.

    A flipped bit in a Parquet file is mostly read without an error, as another value.

    Args:
        folders: Where everything lies.

    Raises:
        LakeError: A file is missing, altered, or named by no load record.
    """
    faults = _load_faults(folders, load_records_from_frame(load_records(folders)))
    if faults:
        raise LakeError(
            f"the lake is damaged: {'; '.join(faults[:5])}"
            f"{f'; and {len(faults) - 5} more' if len(faults) > 5 else ''}."
            " Rebuild it from the archive."
        )


def verify(folders: Folders) -> list[str]:
    """Check every kept byte against the checksum that was written down for it.

    Args:
        folders: Where everything lies.

    Returns:
        One sentence per fault in the archive, in the lake or in quarantine. Empty when all is
        well.

    Raises:
        ArchiveError: The ledger itself is damaged.
        LakeError: The ledger has lost lines.
    """
    require_whole_ledger(folders, read_ledger(folders.archive))
    records = load_records_from_frame(load_records(folders))
    return [
        *verify_archive(folders.archive),
        *_load_faults(folders, records),
        *_quarantine_faults(folders, records),
    ]


def _load_faults(folders: Folders, records: Iterable[LoadRecord]) -> list[str]:
    faults = []
    expected = {
        folders.lake / record.parquet_path: record
        for record in records
        if record.parquet_path is not None
    }
    for path, record in expected.items():
        if not path.exists():
            faults.append(f"{path} is missing: {record.rows_accepted} rows of {record.file_name!r}")
        elif (found := sha256_of(path)) != record.parquet_sha256:
            faults.append(
                f"{path} was altered: expected the hash {record.parquet_sha256}, found {found}"
            )
    for extract in EXTRACTS:
        faults.extend(
            f"{path} is named by no load record"
            for path in sorted((folders.lake / extract).glob("*.parquet"))
            if path.name != SCHEMA_FILE and path not in expected
        )
    return faults


def _quarantine_faults(folders: Folders, records: Iterable[LoadRecord]) -> Iterator[str]:
    kept = {path.name: path for path in folders.quarantine.glob("*.parquet")}
    kept.pop(SCHEMA_FILE, None)
    for record in records:
        if record.status != ADMITTED or not record.rows_quarantined:
            continue
        path = kept.pop(load_file_name(record), None)
        if path is None:
            yield f"{folders.quarantine / load_file_name(record)} is missing"
            continue
        found = pl.scan_parquet(path, glob=False).select("row_number").unique().collect().height
        if found != record.rows_quarantined:
            yield f"{path} was altered: expected {record.rows_quarantined} rows, found {found}"
    for path in kept.values():
        yield f"{path} is named by no load record"


def record_expectation_results(folders: Folders, results: Iterable["DataclassInstance"]) -> None:
    """Keep the results of judging loads, one Parquet per run and extract.

    Args:
        folders: Where everything lies.
        results: Frozen values with the fields of `EXPECTATION_RESULT_SCHEMA`. Those of a run and
            extract that were kept before are replaced.
    """
    rows = pl.DataFrame(
        [asdict(result) for result in results], schema=dict(EXPECTATION_RESULT_SCHEMA)
    )
    for (run_id, extract), part in rows.group_by(["run_id", "extract"], maintain_order=True):
        write_atomic(
            folders.lake / EXPECTATION_RESULTS / f"{run_id}__{extract}.parquet",
            parquet_bytes(part),
        )


def record_published_totals(
    folders: Folders, version: str, known_at: datetime, totals: Iterable[Mapping[str, object]]
) -> None:
    """Keep what a published version says is open in all, one Parquet per version.

    Args:
        folders: Where everything lies.
        version: Name of the version, such as `v000123`.
        known_at: The instant that the version was asked for, naive UTC.
        totals: Rows with the columns of `PUBLISHED_TOTAL_SCHEMA` but version and instant.
    """
    rows = pl.DataFrame(
        [{"version": version, "known_at": known_at, **total} for total in totals],
        schema=dict(PUBLISHED_TOTAL_SCHEMA),
    )
    write_atomic(_published_totals_file(folders, version, known_at), parquet_bytes(rows))


def has_published_totals(folders: Folders, version: str, known_at: datetime) -> bool:
    """Whether it was kept what a published version says is open in all.

    Args:
        folders: Where everything lies.
        version: Name of the version.
        known_at: The instant that the version was asked for, naive UTC.

    Returns:
        Whether there is a record of the version, were it of nothing.
    """
    return _published_totals_file(folders, version, known_at).exists()


def _published_totals_file(folders: Folders, version: str, known_at: datetime) -> Path:
    """One file per version; where the published folder was lost, names begin again."""
    return folders.lake / PUBLISHED_TOTALS / f"{version}__{known_at:%Y%m%dT%H%M%S%f}.parquet"
