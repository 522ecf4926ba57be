"""Admission: how a staged delivery enters the lake, whole or not at all.

Here live the single commit point of a delivery, the steps that carry it out, and what a rejection
means for the other loads of its delivery. Staging and judging do not live here.

A delivery is committed by one rename: that of its admission, a file in `lake/_admissions/` that
names every staged file and holds the ledger lines of the delivery. What follows (copies to the
archive, lines to the ledger, Parquets to the lake, the load records) only carries the admission
out. Each step can be repeated, and `ingest.lake.recover` repeats all of them when a run was cut
short. Before that rename nothing outside the staging folders has changed.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ingest.archive import (
    INCOMING_NAME,
    LedgerEntry,
    LedgerHead,
    append_lines,
    entries_of,
    keep,
    ledger_lines,
)
from ingest.files import (
    READ_ONLY_FILE,
    make_private_folder,
    sha256_of,
    sync_files,
    sync_folder,
    sync_folders,
    write_atomic,
)
from ingest.home import (
    ADMISSIONS,
    LEDGER_HEAD,
    LOADS,
    Folders,
    LakeError,
    Progress,
    parquet_bytes,
)
from ingest.landing import DeliveredFile, LandingProblem
from ingest.pending import INCOMPLETE_DELIVERY, StagedDelivery, StagedRun
from ingest.records import (
    ADMITTED,
    DUPLICATE,
    EXPECTATION_FAILED,
    FULL,
    REJECTED,
    LoadRecord,
    load_record_to_json,
    load_records_frame,
)
from ingest.staging import StagedLoad

_MAXIMUM_NAME_BYTES: Final = 255


@dataclass(frozen=True, kw_only=True)
class AdmittedRun:
    """What became of a run's loads.

    Attributes:
        run_id: The run.
        records: One record per load, in order.
        deferred: Files that are still being written.
        problems: What lies in the landing folder and is no delivery.
    """

    run_id: str
    records: tuple[LoadRecord, ...]
    deferred: tuple[DeliveredFile, ...]
    problems: tuple[LandingProblem, ...]


def admit(
    folders: Folders,
    run: StagedRun,
    *,
    rejections: Mapping[str, str],
    progress: Progress | None = None,
) -> AdmittedRun:
    """Bring a staged run into the lake, one commit per delivery, in order.

    Args:
        folders: Where everything lies.
        run: What was staged.
        rejections: Why loads must not enter, by load id.
        progress: Called with a line for people, once per delivery.

    Returns:
        What became of every load. It is durable.

    Raises:
        LakeError: A staged file is missing.
        OSError: The disk failed. What was committed stays; run again.
    """
    records: list[LoadRecord] = []
    head = run.ledger_head
    verdicts: dict[tuple[str, str, str], LoadRecord] = {}
    for delivery in run.deliveries:
        judged = _judged(delivery, rejections, verdicts)
        admission = _commit(folders, run.run_id, judged, head)
        head, decided = carry_out(folders, admission)
        records.extend(decided)
        if progress is not None:
            counts = {
                status: sum(1 for record in decided if record.status == status)
                for status in (ADMITTED, DUPLICATE, REJECTED)
            }
            progress(
                f"{delivery.delivery_date}: "
                + ", ".join(f"{count} loads {status}" for status, count in counts.items() if count)
            )
    for folder in (folders.staging / run.run_id, folders.archive / INCOMING_NAME / run.run_id):
        shutil.rmtree(folder)
    return AdmittedRun(
        run_id=run.run_id,
        records=tuple(records),
        deferred=run.deferred,
        problems=run.problems,
    )


def _judged(
    delivery: StagedDelivery,
    rejections: Mapping[str, str],
    verdicts: dict[tuple[str, str, str], LoadRecord],
) -> StagedDelivery:
    """Apply the rejections to a delivery, and what follows from them for other loads.

    Args:
        delivery: The delivery as staged.
        rejections: Why loads must not enter, by load id.
        verdicts: What became of each (source, extract, hash) so far in this run; extended.

    Returns:
        The delivery with the final status of every load.
    """
    records: dict[int, LoadRecord] = {}
    for load in delivery.loads:
        record = _judged_record(load.record, rejections, verdicts)
        records[record.load_sequence] = record
        verdicts[(record.source, record.extract, record.file_sha256)] = record
    incomplete = {
        (record.source, record.extract): record
        for record in reversed(records.values())
        if record.delivery_kind == FULL and record.status == REJECTED
    }
    for load_sequence, record in records.items():
        culprit = incomplete.get((record.source, record.extract))
        if culprit is None or record.delivery_kind != FULL or record.status != ADMITTED:
            continue
        record = replace(
            record,
            status=REJECTED,
            reason_code=INCOMPLETE_DELIVERY,
            reason_detail=f"part of a full delivery of {record.extract} of which "
            f"{culprit.file_name!r} was rejected ({culprit.reason_code}); without it, its rows "
            "would count as withdrawn; deliver that file again",
        )
        records[load_sequence] = record
        verdicts[(record.source, record.extract, record.file_sha256)] = record
    return replace(
        delivery,
        files=tuple(
            replace(
                file,
                entry=replace(
                    file.entry,
                    loads=tuple(
                        placed(load, records[load.record.load_sequence]) for load in file.loads
                    ),
                ),
            )
            for file in delivery.files
        ),
    )


def _judged_record(
    record: LoadRecord,
    rejections: Mapping[str, str],
    verdicts: Mapping[tuple[str, str, str], LoadRecord],
) -> LoadRecord:
    if record.status == ADMITTED and record.load_id in rejections:
        return replace(
            record,
            status=REJECTED,
            reason_code=EXPECTATION_FAILED,
            reason_detail=rejections[record.load_id],
        )
    original = verdicts.get((record.source, record.extract, record.file_sha256))
    if record.status == DUPLICATE and original is not None and original.status == REJECTED:
        return replace(
            record,
            status=REJECTED,
            reason_code=original.reason_code,
            reason_detail=f"same bytes as {original.delivery_date}/{original.source}/"
            f"{original.file_name} of the same run; that was: {original.reason_detail}",
        )
    return record


def placed(load: StagedLoad, record: LoadRecord) -> LoadRecord:
    """The record with the place and the checksum of its rows in the lake, if it has any there."""
    if record.status != ADMITTED or load.parquet is None:
        return record
    return replace(
        record,
        parquet_path=f"{record.extract}/{load_file_name(record)}",
        parquet_sha256=sha256_of(load.parquet),
    )


def load_file_name(record: LoadRecord) -> str:
    """The name of a load's Parquet, in the lake and in quarantine."""
    return f"{record.delivery_date}__{record.source}__{record.load_id}.parquet"


def _rejected_folder(record: LoadRecord) -> str:
    """`<delivery_date>/<source>/<file>.<load_id>`, a long file name cut to what a disk takes."""
    suffix = f".{record.load_id}"
    room = _MAXIMUM_NAME_BYTES - len(suffix)
    name = record.file_name.encode()[:room].decode(errors="ignore")
    return f"{record.delivery_date}/{_short_name(record.source)}/{name}{suffix}"


def _short_name(name: str) -> str:
    return name.encode()[:_MAXIMUM_NAME_BYTES].decode(errors="ignore")


@dataclass(frozen=True, kw_only=True)
class _Move:
    """One staged file on its way to its final place.

    Attributes:
        staged: Its path under the staging folder.
        tree: The folder it goes to: `lake`, `quarantine` or `rejected`.
        path: Its path there.
        sha256: Its checksum.
    """

    staged: str
    tree: str
    path: str
    sha256: str


def _moves_of(folders: Folders, delivery: StagedDelivery) -> Iterator[_Move]:
    """Where the staged files of a judged delivery go. Those of duplicates go nowhere."""
    for file in delivery.files:
        for load, record in zip(file.loads, file.entry.loads, strict=True):
            if record.status == ADMITTED:
                places = (
                    (load.parquet, "lake", record.parquet_path or ""),
                    (load.quarantine, "quarantine", load_file_name(record)),
                )
            elif record.status == REJECTED:
                folder = _rejected_folder(record)
                places = (
                    (load.parquet, "rejected", f"{folder}/rows.parquet"),
                    (load.quarantine, "rejected", f"{folder}/quarantine.parquet"),
                )
            else:
                continue
            for staged, tree, path in places:
                if staged is not None:
                    sha256 = record.parquet_sha256 if tree == "lake" else sha256_of(staged)
                    yield _Move(
                        staged=str(staged.relative_to(folders.staging)),
                        tree=tree,
                        path=path,
                        sha256=sha256 or "",
                    )


def _commit(folders: Folders, run_id: str, delivery: StagedDelivery, head: LedgerHead) -> Path:
    """Make a judged delivery durable, and commit it by the rename of its admission.

    Args:
        folders: Where everything lies.
        run_id: The run.
        delivery: The delivery with final statuses.
        head: The end of the ledger.

    Returns:
        The admission, which is committed.
    """
    moves = list(_moves_of(folders, delivery))
    incoming = [file.incoming for file in delivery.files if file.incoming is not None]
    staged = [folders.staging / move.staged for move in moves]
    sync_files([*incoming, *staged])
    sync_folders([path.parent for path in (*incoming, *staged)])
    entries = [file.entry for file in delivery.files]
    admission = {
        "format": 1,
        "run_id": run_id,
        "ledger_base": head.to_json(),
        "ledger_lines": ledger_lines(head, entries),
        "archive": [
            {
                "sha256": file.entry.sha256,
                "incoming": str(file.incoming.relative_to(folders.archive)),
            }
            for file in delivery.files
            if file.incoming is not None
        ],
        "moves": [
            {"staged": move.staged, "tree": move.tree, "path": move.path, "sha256": move.sha256}
            for move in moves
        ],
    }
    path = folders.lake / ADMISSIONS / f"{_batch(entries[0])}.json"
    write_atomic(path, json.dumps(admission, ensure_ascii=False).encode())
    return path


def carry_out(folders: Folders, admission: Path) -> tuple[LedgerHead, list[LoadRecord]]:
    """Carry out a committed admission. Every step can be repeated after a crash in any of them.

    Args:
        folders: Where everything lies.
        admission: The admission; removed at the end.

    Returns:
        The new end of the ledger, and the records of the delivery.

    Raises:
        LakeError: A file named by the admission is neither staged nor in its place.
        ArchiveError: The ledger or a copy is not what the admission was written for.
    """
    content = json.loads(admission.read_bytes())
    for copy in content["archive"]:
        keep(
            folders.archive,
            sha256=copy["sha256"],
            incoming=folders.archive / copy["incoming"],
        )
    sync_folders([folders.archive / copy["sha256"][:2] for copy in content["archive"]])
    head = append_lines(
        folders.archive, LedgerHead(**content["ledger_base"]), content["ledger_lines"]
    )
    entries = entries_of(content["ledger_lines"])
    records = [load for entry in entries for load in entry.loads]
    touched = [_carry_out_move(folders, _Move(**move)) for move in content["moves"]]
    reasons = [_write_reason(folders, record) for record in records if record.status == REJECTED]
    sync_files(reasons)
    sync_folders([*touched, *(path.parent for path in reasons)])
    write_loads(folders, entries[0], records)
    write_atomic(folders.lake / LEDGER_HEAD, json.dumps(head.to_json()).encode())
    admission.unlink()
    sync_folder(admission.parent)
    return head, records


def _batch(first: LedgerEntry) -> str:
    """The name of a committed delivery: where it begins in the ledger, and its date."""
    return f"{first.sequence:012d}__{first.delivery_date}"


def write_loads(
    folders: Folders,
    first: LedgerEntry,
    records: Iterable[LoadRecord],
    *,
    is_synced: bool = True,
) -> None:
    """Write the records of one committed delivery.

    Args:
        folders: Where everything lies.
        first: The first ledger entry of the delivery.
        records: The records of all its loads.
        is_synced: Whether the file is made durable here.
    """
    write_atomic(
        folders.lake / LOADS / f"{_batch(first)}.parquet",
        parquet_bytes(load_records_frame(records)),
        is_synced=is_synced,
    )


def _carry_out_move(folders: Folders, move: _Move) -> Path:
    """Put one staged file in its place, and return the folder to sync."""
    staged = folders.staging / move.staged
    target = folders.all()[move.tree] / move.path
    if staged.exists():
        make_private_folder(target.parent)
        staged.chmod(READ_ONLY_FILE)
        staged.replace(target)
    elif not target.exists() or sha256_of(target) != move.sha256:
        raise LakeError(
            f"the admitted file {target} (hash {move.sha256}) is neither there nor staged at "
            f"{staged}; rebuild the lake from the archive"
        )
    return target.parent


def _write_reason(folders: Folders, record: LoadRecord) -> Path:
    """Write the record of a rejected load beside its rows, and return the file to sync."""
    folder = folders.rejected / _rejected_folder(record)
    make_private_folder(folder)
    content = json.dumps(load_record_to_json(record), ensure_ascii=False, indent=2) + "\n"
    path = folder / "record.json"
    write_atomic(path, content.encode(), is_synced=False)
    return path
