"""Rebuild: the lake and the quarantine made again from the archive and its ledger.

Here live the replay of the ledger and the swap that puts a rebuilt lake in place. Reading one file
is `ingest.staging`.
"""

import itertools
import json
import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final

from ingest.admission import AdmittedRun, load_file_name, placed, write_loads
from ingest.archive import LedgerEntry, archived_path, copy_fault, read_ledger
from ingest.files import (
    READ_ONLY_FILE,
    make_private_folder,
    sync_files,
    sync_folder,
    sync_folders,
    write_atomic,
)
from ingest.home import (
    ADMISSIONS,
    EXPECTATION_RESULTS,
    LEDGER_HEAD,
    PUBLISHED_TOTALS,
    SCHEMA_FILE,
    Folders,
    LakeError,
    Progress,
    tables,
    write_schema,
)
from ingest.mappings import SourceMapping
from ingest.pending import READING, gathered, require_plain_run_id, stage_entry
from ingest.records import ADMITTED, LoadRecord
from ingest.staging import StagedLoad

REBUILD: Final = "rebuild.json"
"""The file in the staging folder that commits a rebuild."""

_MEASURES: Final = tuple(
    field.name for field in fields(LoadRecord) if field.name.startswith(("rows_", "amount_"))
)


def rebuild_from_archive(
    folders: Folders,
    *,
    mappings: Mapping[str, SourceMapping],
    run_id: str,
    allows_changes: bool = False,
    progress: Progress | None = None,
) -> AdmittedRun:
    """Build the lake and the quarantine again from the archive, and put them in place at once.

    What was admitted is read again with the knowledge time, the sequence and the id it had; what
    was rejected or a duplicate stays so. Results of expectations cannot be read from files: those
    of the present lake are carried over, and so is what was published, unless it may change.

    Args:
        folders: Where everything lies; `initialise` and `recover` came first, unless the lake is
            lost, when `initialise` is enough.
        mappings: The source mappings by source.
        run_id: The run: letters, digits, `_` and `-`.
        allows_changes: Whether a load may be read differently than when it was admitted, because
            its mapping or the reading itself has changed since. If not, a difference stops the
            rebuild, and the present lake stays.
        progress: Called with a line for people, once per delivery.

    Returns:
        The records of all loads in the rebuilt lake.

    Raises:
        LakeError: A copy is missing or altered, or a load is not read as it was.
        ArchiveError: The ledger is damaged.
    """
    require_plain_run_id(run_id)
    ledger = read_ledger(folders.archive)
    workshop = folders.staging / run_id
    rebuilt = replace(
        folders, lake=workshop / "lake", quarantine=workshop / "quarantine", staging=workshop
    )
    for folder, schema in tables(rebuilt):
        make_private_folder(folder)
        write_schema(folder / SCHEMA_FILE, schema)
    make_private_folder(rebuilt.lake / ADMISSIONS)
    records: list[LoadRecord] = []
    for _, group in itertools.groupby(
        ledger.entries, key=lambda entry: (entry.recorded_at, entry.run_id)
    ):
        entries = list(group)
        replayed = [
            record
            for entry in entries
            for record in _replayed(rebuilt, entry, mappings, allows_changes=allows_changes)
        ]
        write_loads(rebuilt, entries[0], replayed, is_synced=False)
        records.extend(replayed)
        if progress is not None:
            progress(f"{entries[0].delivery_date}: {len(entries)} files read again")
    # Where the rows may change, what was published of them before is no measure of what comes.
    tables_kept = (EXPECTATION_RESULTS, *(() if allows_changes else (PUBLISHED_TOTALS,)))
    for table in tables_kept:
        for kept in (folders.lake / table).glob("*.parquet"):
            shutil.copyfile(kept, rebuilt.lake / table / kept.name)
    write_atomic(rebuilt.lake / LEDGER_HEAD, json.dumps(ledger.head.to_json()).encode())
    trees = (rebuilt.lake, rebuilt.quarantine)
    built = [path for tree in trees for path in (tree, *tree.rglob("*"))]
    sync_files(path for path in built if path.is_file())
    sync_folders([workshop, *(path for path in built if path.is_dir())])
    write_atomic(folders.staging / REBUILD, json.dumps({"run_id": run_id}).encode())
    carry_out_rebuild(folders)
    return AdmittedRun(run_id=run_id, records=tuple(records), deferred=(), problems=())


def carry_out_rebuild(folders: Folders) -> None:
    """Put a rebuilt lake in place. Every step can be repeated after a crash in any of them.

    Args:
        folders: Where everything lies.
    """
    marker = folders.staging / REBUILD
    workshop = folders.staging / json.loads(marker.read_bytes())["run_id"]
    for name, tree in (("lake", folders.lake), ("quarantine", folders.quarantine)):
        built = workshop / name
        if not built.exists():
            continue
        replaced = workshop / f"replaced-{name}"
        if replaced.exists():
            shutil.rmtree(tree, ignore_errors=True)  # an empty one, made since the crash
        elif tree.exists():
            shutil.copymode(tree, built)
            tree.rename(replaced)
        built.rename(tree)
        sync_folders([tree.parent, workshop])
    marker.unlink()
    sync_folder(folders.staging)
    shutil.rmtree(workshop)


def _replayed(
    rebuilt: Folders,
    entry: LedgerEntry,
    mappings: Mapping[str, SourceMapping],
    *,
    allows_changes: bool,
) -> list[LoadRecord]:
    """Read one delivered file again, and put its rows into the rebuilt lake."""
    if all(load.status != ADMITTED for load in entry.loads):
        return list(entry.loads)
    where = f"{entry.delivery_date}/{entry.source}/{entry.file_name}"
    fault = copy_fault(rebuilt.archive, entry)
    if fault is not None:
        raise LakeError(f"{fault}; restore it from a backup; the lake was not changed")
    mapping = mappings.get(entry.source)
    if mapping is None:
        raise LakeError(
            f"{where}: no mapping names its source {entry.source!r} any more; put it back; the "
            "lake was not changed"
        )
    if mapping.fingerprint() != entry.mapping_fingerprint and not allows_changes:
        raise LakeError(
            f"{where}: the mapping of {entry.source!r} has changed since the file was admitted "
            f"(expected {entry.mapping_fingerprint}, found {mapping.fingerprint()}); the lake was "
            "not changed; put the old mapping back, or allow changes"
        )
    staged = stage_entry(
        archived_path(rebuilt.archive, entry.sha256),
        entry,
        mapping,
        folder=rebuilt.staging / READING,
        next_sequence=entry.loads[0].load_sequence,
        is_duplicate=False,
    )
    recorded = {load.extract: load for load in entry.loads}
    if [load.record.extract for load in staged] != list(recorded):
        raise LakeError(
            f"{where}: expected the extracts {', '.join(recorded)}, found "
            f"{', '.join(load.record.extract for load in staged)}; the lake was not changed; "
            "deliver the file again to have it read for other extracts"
        )
    replayed = []
    for load in staged:
        before = recorded[load.record.extract]
        if before.status != ADMITTED:
            replayed.append(before)
            continue
        _require_same(where, before, load.record, allows_changes=allows_changes)
        is_renamed = (
            before.mapping_fingerprint == load.record.mapping_fingerprint
            and before.load_id != load.record.load_id
        )
        ready = gathered(load, rebuilt.staging, load_id=before.load_id if is_renamed else None)
        replayed.append(_settled(rebuilt, ready))
    return replayed


def _require_same(where: str, before: LoadRecord, now: LoadRecord, *, allows_changes: bool) -> None:
    if now.status != ADMITTED:
        raise LakeError(
            f"{where} ({before.extract}): was admitted, but now cannot be: {now.reason_code}, "
            f"{now.reason_detail}; the lake was not changed"
        )
    differences = ", ".join(
        f"{name} expected {getattr(before, name)}, found {getattr(now, name)}"
        for name in _MEASURES
        if getattr(before, name) != getattr(now, name)
    )
    if differences and not allows_changes:
        raise LakeError(
            f"{where} ({before.extract}): is read differently than when it was admitted: "
            f"{differences}; the lake was not changed; allow changes to take the new reading"
        )


def _settled(rebuilt: Folders, load: StagedLoad) -> LoadRecord:
    """Put the rows of a load into a lake that nobody reads yet, and complete its record."""
    record = placed(load, load.record)
    for staged, target in (
        (load.parquet, rebuilt.lake / (record.parquet_path or "")),
        (load.quarantine, rebuilt.quarantine / load_file_name(record)),
    ):
        if staged is not None:
            staged.chmod(READ_ONLY_FILE)
            staged.rename(target)
    return record
