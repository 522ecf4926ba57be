"""The archive: every delivered file as it came, and the ledger of deliveries.

Here live the content-addressed copies `archive/<first two digits>/<sha256>`, the append-only
ledger `archive/deliveries.jsonl` whose lines are chained by their hashes, and the checks of both.
Which files are delivered, and what becomes of their rows, does not live here.

A new copy waits under `archive/incoming/` until its delivery is committed, so that a run that is
cut short leaves nothing in the archive but what the next start sweeps away.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from ingest.files import (
    READ_ONLY_FILE,
    Copied,
    FileState,
    copy_once,
    make_private_folder,
    sha256_of,
    sync_folder,
    write_all,
)
from ingest.records import (
    ADMITTED,
    DUPLICATE,
    REJECTED,
    LoadRecord,
    load_record_from_json,
    load_record_to_json,
)

LEDGER_NAME: Final = "deliveries.jsonl"
INCOMING_NAME: Final = "incoming"

_NO_LINE: Final = "0" * 64
_FILE_LEVEL_FIELDS: Final = (
    "run_id",
    "source",
    "delivery_date",
    "delivery_kind",
    "file_name",
    "file_sha256",
    "file_bytes",
    "mapping_fingerprint",
    "recorded_at",
    "received_at",
)
_DEFAULTS: Final = {
    field.name: field.default for field in fields(LoadRecord) if field.default is not MISSING
}


class ArchiveError(Exception):
    """The archive or its ledger is not what was written; nothing may be built on it."""


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One delivered file that was handled.

    Attributes:
        sequence: Position in the ledger, from 1 without gaps.
        run_id: The refresh that handled it.
        delivery_date: Date of its delivery.
        source: Its source.
        file_name: Its name, control characters escaped.
        sha256: Its address in the archive, empty when it could not be copied.
        state: Its size and times in the landing folder.
        received_at: When its content was last changed in the landing folder.
        recorded_at: The knowledge time of its rows.
        mapping_fingerprint: Identity of the mapping that read it, empty without one.
        delivery_kind: `delta` or `full`.
        control: The totals delivered beside it, or None.
        control_sha256: Identity of the file with those totals, empty without one.
        loads: One record per extract that the file feeds.
    """

    sequence: int
    run_id: str
    delivery_date: date
    source: str
    file_name: str
    sha256: str
    state: FileState
    received_at: datetime
    recorded_at: datetime
    mapping_fingerprint: str
    delivery_kind: str
    control: Mapping[str, Any] | None
    control_sha256: str
    loads: tuple[LoadRecord, ...]

    @property
    def outcome(self) -> str:
        """`rejected` if any of its loads is, `admitted` if any is, otherwise `duplicate`."""
        statuses = {load.status for load in self.loads}
        return next(status for status in (REJECTED, ADMITTED, DUPLICATE) if status in statuses)

    @property
    def extracts(self) -> tuple[str, ...]:
        """The extracts it feeds, in alphabetical order."""
        return tuple(sorted(load.extract for load in self.loads))


@dataclass(frozen=True, kw_only=True)
class LedgerHead:
    """The end of the ledger: it pins every line before it.

    Attributes:
        sequence: Number of lines.
        bytes: Length of the ledger.
        line_bytes: Length of the last line.
        line_sha256: Hash of the last line, which holds the hash of the line before it.
    """

    sequence: int = 0
    bytes: int = 0
    line_bytes: int = 0
    line_sha256: str = _NO_LINE

    def to_json(self) -> dict[str, Any]:
        """The head as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The ledger as read and verified.

    Attributes:
        entries: All entries in order.
        head: The end of the ledger.
    """

    entries: tuple[LedgerEntry, ...]
    head: LedgerHead

    @property
    def last_recorded_at(self) -> datetime | None:
        """The latest knowledge time in the ledger, None for an empty ledger."""
        return max((entry.recorded_at for entry in self.entries), default=None)

    @property
    def last_load_sequence(self) -> int:
        """The highest load sequence given so far, 0 for an empty ledger."""
        return max(
            (load.load_sequence for entry in self.entries for load in entry.loads), default=0
        )


def archived_path(archive: Path, sha256: str) -> Path:
    """Where the archive keeps the bytes with this hash."""
    return archive / sha256[:2] / sha256


def receive(path: Path, incoming: Path) -> Copied:
    """Copy a delivered file into the archive's waiting room.

    Args:
        path: The delivered file.
        incoming: Where the copy waits; must not exist.

    Returns:
        Hash and size of the copy. See `ingest.files.copy_once` for what can go wrong.
    """
    return copy_once(path, incoming)


def keep(archive: Path, *, sha256: str, incoming: Path) -> None:
    """Move a copy from the waiting room to its address, read-only. Repeating it changes nothing.

    The copy must have been synced. The folder of the address is not synced here.

    Args:
        archive: The archive.
        sha256: Hash of the copy.
        incoming: Where the copy waits.

    Raises:
        ArchiveError: The copy is neither waiting nor at its address.
    """
    address = archived_path(archive, sha256)
    if not incoming.exists():
        if not address.exists():
            raise ArchiveError(
                f"the archived copy {sha256} is missing: expected it at {address} or {incoming}"
            )
        return
    make_private_folder(address.parent)
    if address.exists() and sha256_of(address) == sha256:
        incoming.unlink()
        return
    incoming.chmod(READ_ONLY_FILE)
    incoming.replace(address)


def read_ledger(archive: Path) -> Ledger:
    """Read the ledger and verify the chain of its lines.

    Args:
        archive: The archive.

    Returns:
        All entries; none when there is no ledger yet.

    Raises:
        ArchiveError: A line is torn, out of order or does not match the hash in its successor.
    """
    path = archive / LEDGER_NAME
    entries: list[LedgerEntry] = []
    head = LedgerHead()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return Ledger(entries=(), head=head)
    with file:
        for line in file:
            values = _parse(path, head.sequence + 1, line)
            if values["previous_line_sha256"] != head.line_sha256:
                raise ArchiveError(
                    f"{path}, line {head.sequence + 1}: the line before it was changed: expected "
                    f"its hash to be {values['previous_line_sha256']}, found {head.line_sha256}; "
                    "restore the ledger from a backup"
                )
            if values["sequence"] != head.sequence + 1:
                raise ArchiveError(
                    f"{path}, line {head.sequence + 1}: expected sequence {head.sequence + 1}, "
                    f"found {values['sequence']}; restore the ledger from a backup"
                )
            entries.append(_entry_from_json(values))
            head = _head_after(head, line)
    return Ledger(entries=tuple(entries), head=head)


def ledger_lines(head: LedgerHead, entries: Iterable[LedgerEntry]) -> list[str]:
    """Chain entries to the end of the ledger.

    Args:
        head: The end of the ledger.
        entries: Entries whose sequences continue from it.

    Returns:
        One line per entry, each ended by a line feed.
    """
    lines = []
    for entry in entries:
        values = {"previous_line_sha256": head.line_sha256, **_entry_to_json(entry)}
        line = json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"
        head = _head_after(head, line.encode())
        lines.append(line)
    return lines


def entries_of(lines: Iterable[str]) -> list[LedgerEntry]:
    """Read entries back from lines of the ledger."""
    return [_entry_from_json(json.loads(line)) for line in lines]


def append_lines(archive: Path, base: LedgerHead, lines: Iterable[str]) -> LedgerHead:
    """Make the ledger end in these lines, durably. Repeating it changes nothing.

    Whatever follows `base` is the torn rest of an earlier attempt at the same lines, and is cut
    off first.

    Args:
        archive: The archive.
        base: The end of the ledger that the lines were chained to.
        lines: Lines made by `ledger_lines`.

    Returns:
        The new end of the ledger.

    Raises:
        ArchiveError: The ledger does not hold `base`.
    """
    path = archive / LEDGER_NAME
    is_new = not path.exists()
    content = [line.encode() for line in lines]
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if is_new:
            os.fchmod(descriptor, 0o600)
        last_line = os.pread(descriptor, base.line_bytes, base.bytes - base.line_bytes)
        if base.sequence and hashlib.sha256(last_line).hexdigest() != base.line_sha256:
            raise ArchiveError(
                f"{path} does not hold line {base.sequence} (hash {base.line_sha256}) at byte "
                f"{base.bytes - base.line_bytes}; restore the ledger from a backup"
            )
        os.ftruncate(descriptor, base.bytes)
        os.lseek(descriptor, base.bytes, os.SEEK_SET)
        write_all(descriptor, b"".join(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(archive)
    head = base
    for line in content:
        head = _head_after(head, line)
    return head


def sweep_incoming(archive: Path) -> int:
    """Remove copies that wait for a delivery that was never committed.

    Args:
        archive: The archive.

    Returns:
        The number of files removed.
    """
    incoming = archive / INCOMING_NAME
    if not incoming.exists():
        return 0
    count = sum(1 for path in incoming.rglob("*") if not path.is_dir())
    for folder in incoming.iterdir():
        shutil.rmtree(folder)
    return count


def verify_archive(archive: Path) -> list[str]:
    """Check the ledger's chain and every copy that it names.

    Args:
        archive: The archive.

    Returns:
        One sentence per fault: copies that are missing, altered, or named by no delivery. Empty
        when all is well.

    Raises:
        ArchiveError: The ledger itself is damaged.
    """
    ledger = read_ledger(archive)
    expected = {entry.sha256: entry for entry in ledger.entries if entry.sha256}
    faults = []
    for entry in expected.values():
        fault = copy_fault(archive, entry)
        if fault is not None:
            faults.append(fault)
    for path in _copies(archive):
        if path.name not in expected:
            faults.append(f"{path} is named by no delivery in the ledger")
    return faults


def copy_fault(archive: Path, entry: LedgerEntry) -> str | None:
    """Say what is wrong with the archived copy of a delivery, None when nothing is."""
    path = archived_path(archive, entry.sha256)
    where = f"{entry.delivery_date}/{entry.source}/{entry.file_name}"
    if not path.is_file() or path.is_symlink():
        return f"{path} is missing: the copy of {where}"
    found = sha256_of(path)
    if found != entry.sha256:
        return f"{path} was altered: the copy of {where} now has the hash {found}"
    return None


def _copies(archive: Path) -> Iterator[Path]:
    for folder in sorted(archive.iterdir()):
        if folder.is_dir() and folder.name != INCOMING_NAME:
            yield from sorted(folder.iterdir())


def _head_after(head: LedgerHead, line: bytes) -> LedgerHead:
    return LedgerHead(
        sequence=head.sequence + 1,
        bytes=head.bytes + len(line),
        line_bytes=len(line),
        line_sha256=hashlib.sha256(line).hexdigest(),
    )


def _parse(path: Path, line_no: int, line: bytes) -> dict[str, Any]:
    problem = "is torn" if not line.endswith(b"\n") else None
    values: object = None
    if problem is None:
        try:
            values = json.loads(line)
        except ValueError as error:
            problem = f"is no JSON ({error})"
    if problem is None and not isinstance(values, dict):
        problem = "is no JSON object"
    if problem is not None or not isinstance(values, dict):
        raise ArchiveError(
            f"{path}, line {line_no} {problem}, and no admission is pending that would explain "
            "it; restore the ledger from a backup"
        )
    return values


def _entry_to_json(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "run_id": entry.run_id,
        "delivery_date": entry.delivery_date.isoformat(),
        "source": entry.source,
        "file_name": entry.file_name,
        "sha256": entry.sha256,
        **asdict(entry.state),
        "received_at": entry.received_at.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "mapping_fingerprint": entry.mapping_fingerprint,
        "delivery_kind": entry.delivery_kind,
        "control": entry.control,
        "control_sha256": entry.control_sha256,
        "outcome": entry.outcome,
        "loads": [_load_to_json(load) for load in entry.loads],
    }


def _entry_from_json(values: Mapping[str, Any]) -> LedgerEntry:
    state = FileState(
        bytes=values["bytes"],
        modified_ns=values["modified_ns"],
        changed_ns=values["changed_ns"],
    )
    file_level = {
        "run_id": values["run_id"],
        "source": values["source"],
        "delivery_date": values["delivery_date"],
        "delivery_kind": values["delivery_kind"],
        "file_name": values["file_name"],
        "file_sha256": values["sha256"],
        "file_bytes": values["bytes"],
        "mapping_fingerprint": values["mapping_fingerprint"],
        "recorded_at": values["recorded_at"],
        "received_at": values["received_at"],
    }
    return LedgerEntry(
        sequence=values["sequence"],
        run_id=values["run_id"],
        delivery_date=date.fromisoformat(values["delivery_date"]),
        source=values["source"],
        file_name=values["file_name"],
        sha256=values["sha256"],
        state=state,
        received_at=datetime.fromisoformat(values["received_at"]),
        recorded_at=datetime.fromisoformat(values["recorded_at"]),
        mapping_fingerprint=values["mapping_fingerprint"],
        delivery_kind=values["delivery_kind"],
        control=values["control"],
        control_sha256=values["control_sha256"],
        loads=tuple(
            load_record_from_json({**_DEFAULTS, **file_level, **load}) for load in values["loads"]
        ),
    )


def _load_to_json(load: LoadRecord) -> dict[str, Any]:
    """The record without what the ledger line says once for the file, and without defaults."""
    return {
        name: value
        for name, value in load_record_to_json(load).items()
        if name not in _FILE_LEVEL_FIELDS and not (name in _DEFAULTS and value == _DEFAULTS[name])
    }
