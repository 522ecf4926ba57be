"""What waits in the landing folder, copied and read in the order in which it will be admitted.

Here live the decisions about a delivered file as a whole: whether it was handled before, whether
its bytes are in the lake already, which files make up one full delivery, and the knowledge time of
a delivery. Reading one file is `ingest.staging`; nothing here changes the lake.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from ingest.archive import INCOMING_NAME, Ledger, LedgerEntry, LedgerHead, read_ledger, receive
from ingest.files import NotRegularError, StillWritingError, make_private_folder
from ingest.home import Folders, LakeError, Progress, require_whole_ledger
from ingest.landing import (
    DEFAULT_SETTLE_SECONDS,
    NOT_REGULAR,
    STILL_WRITING,
    TOO_LARGE,
    UNREADABLE,
    UNSAFE_NAME,
    DeliveredFile,
    FileKey,
    KnownFile,
    LandingProblem,
    LandingScan,
    scan_landing,
)
from ingest.mappings import SourceMapping
from ingest.records import (
    ADMITTED,
    DELTA,
    DUPLICATE,
    FULL,
    REJECTED,
    LoadRecord,
    assert_balanced,
    load_id_of,
)
from ingest.staging import StagedLoad, stage_file

UNKNOWN_SOURCE: Final = "UNKNOWN_SOURCE"
"""Reason code of a file whose landing folder is named by no source mapping."""

INCOMPLETE_DELIVERY: Final = "INCOMPLETE_DELIVERY"
"""Reason code of a good file of a full delivery of which another file was rejected."""

READING: Final = "reading"
"""Where, in the staging folder of a run, one file at a time is read."""

_LANDING_REASONS: Final = frozenset({NOT_REGULAR, TOO_LARGE, UNSAFE_NAME})
"""Rejections that no mapping can cure."""

_MICROSECOND: Final = timedelta(microseconds=1)
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """One delivered file, copied and read.

    Attributes:
        entry: What the ledger will say of it if nothing more is rejected.
        incoming: Its copy, None when it could not be copied.
        loads: One staged load per extract that it feeds.
    """

    entry: LedgerEntry
    incoming: Path | None
    loads: tuple[StagedLoad, ...]


@dataclass(frozen=True, kw_only=True)
class StagedDelivery:
    """All files of one delivery date that are handled by one run, committed together.

    Attributes:
        delivery_date: The date.
        recorded_at: The knowledge time of all its rows.
        files: Its files by source and name.
    """

    delivery_date: date
    recorded_at: datetime
    files: tuple[StagedFile, ...]

    @property
    def loads(self) -> tuple[StagedLoad, ...]:
        """The loads of all its files."""
        return tuple(load for file in self.files for load in file.loads)


@dataclass(frozen=True, kw_only=True)
class StagedRun:
    """What a run found in the landing folder, staged and not yet admitted.

    Attributes:
        run_id: The run.
        ledger_head: The end of the ledger that the deliveries continue.
        deliveries: The deliveries by date.
        deferred: Files that are still being written.
        problems: What lies in the landing folder and is no delivery.
    """

    run_id: str
    ledger_head: LedgerHead
    deliveries: tuple[StagedDelivery, ...]
    deferred: tuple[DeliveredFile, ...]
    problems: tuple[LandingProblem, ...]

    @property
    def loads(self) -> tuple[StagedLoad, ...]:
        """The loads of all deliveries, in order."""
        return tuple(load for delivery in self.deliveries for load in delivery.loads)


def pending_files(
    folders: Folders,
    *,
    mappings: Mapping[str, SourceMapping],
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
) -> LandingScan:
    """Look for deliveries that wait, without touching anything.

    Args:
        folders: Where everything lies.
        mappings: The source mappings by source.
        settle_seconds: See `ingest.landing.find_pending`.

    Returns:
        What a run would handle now, and what it would leave.
    """
    ledger = read_ledger(folders.archive)
    scan = scan_landing(
        folders.landing, known=_known_files(ledger, mappings), settle_seconds=settle_seconds
    )
    return _with_whole_full_deliveries(scan, mappings)


def stage_pending(
    folders: Folders,
    *,
    mappings: Mapping[str, SourceMapping],
    timezone: ZoneInfo,
    now: datetime,
    run_id: str,
    published_known_at: datetime | None = None,
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
    progress: Progress | None = None,
) -> StagedRun:
    """Copy and read every file that waits in the landing folder.

    Deliveries are taken by date, files within them by source and name, so that a backlog gives
    the same lake whatever the order it was put down in.

    Args:
        folders: Where everything lies; `initialise` and `recover` came first.
        mappings: The source mappings by source.
        timezone: The company's time zone, in which a delivery date ends.
        now: The present instant, in UTC or with a zone.
        run_id: The run: letters, digits, `_` and `-`.
        published_known_at: The knowledge time of the newest published copy, which no new row may
            precede.
        settle_seconds: See `ingest.landing.find_pending`.
        progress: Called with a line for people, once per delivery and every few hundred files.

    Returns:
        The staged deliveries. Nothing outside the staging folders has changed.

    Raises:
        LakeError: The run id is no plain name, or the ledger does not fit the lake.
        ArchiveError: The ledger is damaged.
        OSError: A copy cannot be written.
    """
    require_plain_run_id(run_id)
    ledger = read_ledger(folders.archive)
    require_whole_ledger(folders, ledger)
    scan = _with_whole_full_deliveries(
        scan_landing(
            folders.landing, known=_known_files(ledger, mappings), settle_seconds=settle_seconds
        ),
        mappings,
    )
    stager = _Stager(folders=folders, mappings=mappings, run_id=run_id, ledger=ledger)
    earliest = _earliest_recorded_at(ledger.last_recorded_at, published_known_at)
    deliveries: list[StagedDelivery] = []
    deferred = list(scan.deferred)
    for delivery_date, group in itertools.groupby(
        scan.pending, key=lambda file: file.key.delivery_date
    ):
        files = list(group)
        if progress is not None:
            progress(f"{delivery_date}: {len(files)} files")
        recorded_at = max(
            min(_end_of(delivery_date, timezone), _naive_utc(now)), earliest or datetime.min
        )
        staged = stager.stage_delivery(files, recorded_at=recorded_at, deferred=deferred)
        if staged:
            deliveries.append(
                StagedDelivery(
                    delivery_date=delivery_date, recorded_at=recorded_at, files=tuple(staged)
                )
            )
            earliest = recorded_at + _MICROSECOND
    return StagedRun(
        run_id=run_id,
        ledger_head=ledger.head,
        deliveries=tuple(deliveries),
        deferred=tuple(deferred),
        problems=scan.problems,
    )


def require_plain_run_id(run_id: str) -> None:
    """Refuse a run id that could not name a folder.

    Args:
        run_id: The run.

    Raises:
        LakeError: It holds other characters than letters, digits, `_` and `-`.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise LakeError(
            f"run id {run_id!r}: expected letters, digits, '_' and '-' only, 100 at most"
        )


def _end_of(delivery_date: date, timezone: ZoneInfo) -> datetime:
    """The last instant of a day in a time zone, in UTC without a zone."""
    return _naive_utc(datetime.combine(delivery_date, time.max, tzinfo=timezone))


def _naive_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        return instant
    return instant.astimezone(UTC).replace(tzinfo=None)


def _earliest_recorded_at(*floors: datetime | None) -> datetime | None:
    """The first instant after all that is known already, None when nothing is."""
    given = [_naive_utc(floor) for floor in floors if floor is not None]
    return max(given) + _MICROSECOND if given else None


def _known_files(ledger: Ledger, mappings: Mapping[str, SourceMapping]) -> dict[FileKey, KnownFile]:
    """What the ledger remembers of each place, without what deserves another try.

    A file that could not be opened is tried by every run. One that was rejected is tried again
    when the mapping of its source has changed since.
    """
    last: dict[FileKey, LedgerEntry] = {}
    for entry in ledger.entries:
        last[FileKey(entry.delivery_date, entry.source, entry.file_name)] = entry
    known = {}
    for key, entry in last.items():
        if entry.outcome == REJECTED:
            reasons = {load.reason_code for load in entry.loads}
            mapping = mappings.get(entry.source)
            fingerprint = mapping.fingerprint() if mapping is not None else ""
            if UNREADABLE in reasons or (
                not reasons & _LANDING_REASONS and fingerprint != entry.mapping_fingerprint
            ):
                continue
        known[key] = KnownFile(
            state=entry.state,
            sha256=entry.sha256,
            control_sha256=entry.control_sha256,
            is_final=entry.outcome != REJECTED,
        )
    return known


def _full_extracts(file: DeliveredFile, mappings: Mapping[str, SourceMapping]) -> frozenset[str]:
    """The extracts of which a file is part of a full delivery; none for a delta file."""
    mapping = mappings.get(file.key.source)
    file_mapping = mapping.file_mapping(file.key.file_name) if mapping is not None else None
    if file_mapping is None or file_mapping.delivery != FULL:
        return frozenset()
    return frozenset(part.extract for part in file_mapping.extracts)


def _connected(extracts: Iterable[str], groups: Iterable[frozenset[str]]) -> frozenset[str]:
    """All extracts that hang together with the given ones through files that feed several."""
    known_groups = set(groups)
    grown = frozenset(extracts)
    while True:
        more = grown.union(*(group for group in known_groups if group & grown))
        if more == grown:
            return grown
        grown = more


def _with_whole_full_deliveries(
    scan: LandingScan, mappings: Mapping[str, SourceMapping]
) -> LandingScan:
    """Handle the files of a full delivery together or not at all.

    The files of one source and date that make up a full delivery are one statement: what is in
    none of them is withdrawn. So when one of them is new, all are taken; when one is still being
    written, all wait.
    """
    everything = sorted((*scan.pending, *scan.deferred, *scan.known), key=lambda file: file.key)
    full = {file.path: _full_extracts(file, mappings) for file in everything}
    deferred_paths = {file.path for file in scan.deferred}
    pending_paths = {file.path for file in scan.pending}
    for _, group in itertools.groupby(
        everything, key=lambda file: (file.key.delivery_date, file.key.source)
    ):
        paths = [file.path for file in group if full[file.path]]
        groups = [full[path] for path in paths]
        for chosen in (pending_paths, deferred_paths):
            touched = _connected(
                itertools.chain.from_iterable(full[path] for path in paths if path in chosen),
                groups,
            )
            chosen.update(path for path in paths if full[path] & touched)
    pending_paths -= deferred_paths
    return replace(
        scan,
        pending=tuple(file for file in everything if file.path in pending_paths),
        deferred=tuple(_as_deferred(file) for file in everything if file.path in deferred_paths),
        known=tuple(file for file in scan.known if file.path not in pending_paths | deferred_paths),
    )


def _as_deferred(file: DeliveredFile, detail: str | None = None) -> DeliveredFile:
    if file.reason_code == STILL_WRITING:
        return file
    return replace(
        file,
        reason_code=STILL_WRITING,
        reason_detail=detail
        or f"{file.key.file_name!r} waits for another file of its full delivery that is still "
        "being written; left for the next run",
    )


@dataclass(frozen=True, kw_only=True)
class _Received:
    """One delivered file after the attempt to copy it."""

    file: DeliveredFile
    incoming: Path | None = None
    sha256: str = ""
    full_extracts: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class _History:
    """What was handled before, as far as it decides what a file delivered again means.

    Attributes:
        admitted: (source, hash, extracts) of delta files that entered whole.
        rejected: The last entry rejected for its own content, by what would have to change for
            another try: (source, hash, extracts, mapping, control file).
        full_deliveries: Hashes of the files of the latest full delivery by source and extract, and
            by delivery date too; under no date stands the latest of all.
        load_ids: The loads in the lake.
        ledger_sequence: The last sequence given in the ledger.
        load_sequence: The last load sequence given.
    """

    admitted: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)
    rejected: dict[tuple[str, str, tuple[str, ...], str, str], LedgerEntry] = field(
        default_factory=dict
    )
    full_deliveries: dict[tuple[str, str, date | None], tuple[datetime, frozenset[str]]] = field(
        default_factory=dict
    )
    load_ids: set[str] = field(default_factory=set)
    ledger_sequence: int = 0
    load_sequence: int = 0

    def add(self, entry: LedgerEntry) -> None:
        """Take note of one handled file, in the order of the ledger."""
        self.ledger_sequence = entry.sequence
        self.load_sequence = max(self.load_sequence, *(load.load_sequence for load in entry.loads))
        own = [load for load in entry.loads if load.reason_code != INCOMPLETE_DELIVERY]
        if any(load.status == REJECTED for load in own):
            key = (entry.source, entry.sha256, entry.extracts)
            self.rejected[(*key, entry.mapping_fingerprint, entry.control_sha256)] = entry
        elif entry.delivery_kind == DELTA and entry.outcome == ADMITTED:
            self.admitted.add((entry.source, entry.sha256, entry.extracts))
        for load in entry.loads:
            if load.status == ADMITTED:
                self.load_ids.add(load.load_id)
            if load.delivery_kind == FULL and load.status == ADMITTED:
                self._add_full(entry, load.extract, None)
            if load.delivery_kind == FULL and entry.outcome != REJECTED:
                self._add_full(entry, load.extract, entry.delivery_date)

    def _add_full(self, entry: LedgerEntry, extract: str, delivery_date: date | None) -> None:
        place = (entry.source, extract, delivery_date)
        recorded_at, hashes = self.full_deliveries.get(place, (entry.recorded_at, frozenset()))
        if entry.outcome == DUPLICATE and entry.sha256 in hashes:
            return
        if recorded_at != entry.recorded_at:
            hashes = frozenset()
        self.full_deliveries[place] = (entry.recorded_at, hashes | {entry.sha256})

    def is_full_known(
        self, source: str, extract: str, delivery_date: date, hashes: frozenset[str]
    ) -> bool:
        """Whether a full delivery repeats the latest of all, or the latest of its own date.

        The second keeps an old delivery whose files were only touched, copied back or sent again
        from passing for the newest statement, which would withdraw all that came after it.
        """
        return any(
            self.full_deliveries.get((source, extract, day), (None, None))[1] == hashes
            for day in (None, delivery_date)
        )


class _Stager:
    """Stages the deliveries of one run in order, remembering what it staged."""

    def __init__(
        self,
        *,
        folders: Folders,
        mappings: Mapping[str, SourceMapping],
        run_id: str,
        ledger: Ledger,
    ) -> None:
        self._folders = folders
        self._mappings = mappings
        self._run_id = run_id
        self._staging = folders.staging / run_id
        self._incoming = folders.archive / INCOMING_NAME / run_id
        for folder in (self._staging, self._incoming):
            make_private_folder(folder)
        self._history = _History()
        for entry in ledger.entries:
            self._history.add(entry)
        self._received_count = 0

    def stage_delivery(
        self,
        files: Iterable[DeliveredFile],
        *,
        recorded_at: datetime,
        deferred: list[DeliveredFile],
    ) -> list[StagedFile]:
        """Stage the files of one delivery date.

        Args:
            files: Pending files of that date by source and name.
            recorded_at: The knowledge time of their rows.
            deferred: Receives the files that changed while they were copied.

        Returns:
            What was staged, in the order given.
        """
        staged = []
        for _, group in itertools.groupby(files, key=lambda file: file.key.source):
            received = self._receive_all(group, deferred)
            changed = self._changed_full_extracts(received)
            for one in received:
                staged_file = self._stage(
                    one,
                    recorded_at=recorded_at,
                    is_repeated_full=bool(one.full_extracts) and not one.full_extracts & changed,
                )
                self._history.add(staged_file.entry)
                staged.append(staged_file)
        return staged

    def _receive_all(
        self, files: Iterable[DeliveredFile], deferred: list[DeliveredFile]
    ) -> list[_Received]:
        received = []
        waiting: set[str] = set()
        for file in files:
            one = self._receive(file)
            received.append(one)
            if one.file.reason_code == STILL_WRITING:
                waiting.update(one.full_extracts)
        waiting_extracts = _connected(waiting, (one.full_extracts for one in received))
        kept = []
        for one in received:
            if one.file.reason_code == STILL_WRITING or one.full_extracts & waiting_extracts:
                deferred.append(_as_deferred(one.file))
            else:
                kept.append(one)
        return kept

    def _receive(self, file: DeliveredFile) -> _Received:
        """Copy a file if it can be copied at all; it may still be one that must not be read."""
        full_extracts = _full_extracts(file, self._mappings)
        if file.reason_code in (NOT_REGULAR, TOO_LARGE):
            return _Received(file=file, full_extracts=full_extracts)
        self._received_count += 1
        incoming = self._incoming / f"{self._received_count:09d}"
        try:
            copied = receive(file.path, incoming)
        except NotRegularError as error:
            file = replace(file, reason_code=NOT_REGULAR, reason_detail=str(error))
        except StillWritingError as error:
            file = _as_deferred(file, f"{error}; left for the next run")
        except OSError as error:
            if str(error.filename) != str(file.path):
                raise
            file = (
                _as_deferred(file, f"{file.key.file_name!r} vanished; looked for in the next run")
                if isinstance(error, FileNotFoundError)
                else replace(
                    file,
                    reason_code=UNREADABLE,
                    reason_detail=f"{file.key.file_name!r} cannot be read: {error.strerror}; "
                    "expected a file that the user of the warehouse may read",
                )
            )
        else:
            return _Received(
                file=replace(file, state=copied.state),
                incoming=incoming,
                sha256=copied.sha256,
                full_extracts=full_extracts,
            )
        return _Received(file=file, full_extracts=full_extracts)

    def _changed_full_extracts(self, received: list[_Received]) -> frozenset[str]:
        """The extracts whose full delivery, of one source and date, says something new."""
        changed = set()
        for extract in {name for one in received for name in one.full_extracts}:
            parts = [one for one in received if extract in one.full_extracts]
            key = parts[0].file.key
            hashes = frozenset(one.sha256 for one in parts)
            if not self._history.is_full_known(key.source, extract, key.delivery_date, hashes):
                changed.add(extract)
        return _connected(changed, (one.full_extracts for one in received))

    def _stage(
        self, received: _Received, *, recorded_at: datetime, is_repeated_full: bool
    ) -> StagedFile:
        file = received.file
        mapping = self._mappings.get(file.key.source)
        file_mapping = mapping.file_mapping(file.key.file_name) if mapping is not None else None
        extracts = tuple(
            [part.extract for part in file_mapping.extracts] if file_mapping is not None else [""]
        )
        entry = LedgerEntry(
            sequence=self._history.ledger_sequence + 1,
            run_id=self._run_id,
            delivery_date=file.key.delivery_date,
            source=file.key.source,
            file_name=file.key.file_name,
            sha256=received.sha256,
            state=file.state,
            received_at=file.received_at,
            recorded_at=recorded_at,
            mapping_fingerprint=mapping.fingerprint() if mapping is not None else "",
            delivery_kind=file_mapping.delivery if file_mapping is not None else DELTA,
            control=file.control.content if file.control is not None else None,
            control_sha256=file.control.sha256 if file.control is not None else "",
            loads=(),
        )
        key = (entry.source, entry.sha256, tuple(sorted(extracts)))
        earlier = self._history.rejected.get(
            (*key, entry.mapping_fingerprint, entry.control_sha256)
        )
        is_repeated = is_repeated_full if received.full_extracts else key in self._history.admitted
        if file.reason_code is not None or mapping is None:
            loads = self._refused(entry, extracts, file)
        elif earlier is not None and not is_repeated and received.sha256:
            loads = self._refused_again(entry, earlier)
        else:
            loads = self._read(entry, received, mapping, is_duplicate=is_repeated)
        for load in loads:
            assert_balanced(load.record)
        return StagedFile(
            entry=replace(entry, loads=tuple(load.record for load in loads)),
            incoming=received.incoming,
            loads=loads,
        )

    def _read(
        self, entry: LedgerEntry, received: _Received, mapping: SourceMapping, *, is_duplicate: bool
    ) -> tuple[StagedLoad, ...]:
        if received.incoming is None:
            raise LakeError(f"{entry.file_name!r} was accepted without a copy")
        staged = stage_entry(
            received.incoming,
            entry,
            mapping,
            folder=self._staging / READING,
            next_sequence=self._history.load_sequence + 1,
            is_duplicate=is_duplicate,
        )
        return tuple(self._with_own_id(load) for load in staged)

    def _with_own_id(self, load: StagedLoad) -> StagedLoad:
        """Give a load another id when the lake holds one of its content already.

        This happens when a source returns to what it delivered before in the same full delivery
        or under the same mapping: the content is old, the statement is new.
        """
        record = load.record
        if record.status != ADMITTED or record.load_id not in self._history.load_ids:
            return gathered(load, self._staging)
        identity = f"{record.load_id}|{record.load_sequence}"
        return gathered(
            load, self._staging, load_id=hashlib.sha256(identity.encode()).hexdigest()[:16]
        )

    def _refused(
        self, entry: LedgerEntry, extracts: tuple[str, ...], file: DeliveredFile
    ) -> tuple[StagedLoad, ...]:
        """Records of a file that is not read, because of where or how it was delivered."""
        reason_code, detail = file.reason_code, file.reason_detail
        if reason_code is None:
            reason_code = UNKNOWN_SOURCE
            detail = (
                f"no mapping names the source {entry.source!r}; known are "
                f"{', '.join(sorted(self._mappings))}; add a mapping or rename the folder"
            )
        return tuple(
            StagedLoad(
                record=self._record(
                    entry,
                    extract,
                    offset,
                    status=REJECTED,
                    reason_code=reason_code,
                    reason_detail=detail,
                ),
                parquet=None,
                quarantine=None,
            )
            for offset, extract in enumerate(extracts, start=1)
        )

    def _refused_again(self, entry: LedgerEntry, earlier: LedgerEntry) -> tuple[StagedLoad, ...]:
        """Records of a file that was rejected before and comes again unchanged."""
        where = f"{earlier.delivery_date}/{earlier.source}/{earlier.file_name}"
        return tuple(
            StagedLoad(
                record=self._record(
                    entry,
                    load.extract,
                    offset,
                    status=REJECTED if load.status == REJECTED else DUPLICATE,
                    reason_code=load.reason_code,
                    reason_detail=f"same bytes, mapping and control totals as {where}, not read "
                    f"again; that was: {load.reason_detail or load.status}",
                ),
                parquet=None,
                quarantine=None,
            )
            for offset, load in enumerate(earlier.loads, start=1)
        )

    def _record(
        self,
        entry: LedgerEntry,
        extract: str,
        offset: int,
        *,
        status: str,
        reason_code: str | None,
        reason_detail: str | None,
    ) -> LoadRecord:
        identity = entry.sha256 or f"{entry.file_name}|{entry.state}"
        return LoadRecord(
            load_id=load_id_of(
                file_sha256=identity,
                source=entry.source,
                extract=extract,
                mapping_fingerprint=entry.mapping_fingerprint,
                delivery_kind=entry.delivery_kind,
                delivery_date=entry.delivery_date,
            ),
            load_sequence=self._history.load_sequence + offset,
            run_id=entry.run_id,
            source=entry.source,
            extract=extract,
            delivery_date=entry.delivery_date,
            delivery_kind=entry.delivery_kind,
            file_name=entry.file_name,
            file_sha256=entry.sha256,
            file_bytes=entry.state.bytes,
            mapping_fingerprint=entry.mapping_fingerprint,
            status=status,
            reason_code=reason_code,
            reason_detail=reason_detail,
            recorded_at=entry.recorded_at,
            received_at=entry.received_at,
        )


def stage_entry(
    copy: Path,
    entry: LedgerEntry,
    mapping: SourceMapping,
    *,
    folder: Path,
    next_sequence: int,
    is_duplicate: bool,
) -> list[StagedLoad]:
    """Read a copy as the file that the ledger describes.

    Args:
        copy: The copied bytes.
        entry: What the ledger says of the file.
        mapping: The mapping of its source.
        folder: Where it is read.
        next_sequence: The load sequence of its first load.
        is_duplicate: Whether its rows are in the lake already.

    Returns:
        One staged load per extract.
    """
    return stage_file(
        copy,
        file_name=entry.file_name,
        source=mapping,
        delivery_date=entry.delivery_date,
        recorded_at=entry.recorded_at,
        received_at=entry.received_at,
        file_sha256=entry.sha256,
        run_id=entry.run_id,
        next_sequence=next_sequence,
        folder=folder,
        control=None if entry.control is None else dict(entry.control),
        is_duplicate=is_duplicate,
    )


def gathered(load: StagedLoad, folder: Path, *, load_id: str | None = None) -> StagedLoad:
    """Move the staged files of a load into one folder, under names of their own.

    Args:
        load: The staged load.
        folder: Where staged files are gathered.
        load_id: Another id to write into its rows, None to leave them as they are.

    Returns:
        The load in its new place.
    """
    name = f"{load.record.load_sequence:012d}"
    return StagedLoad(
        record=replace(load.record, load_id=load_id or load.record.load_id),
        parquet=_moved(load.parquet, folder / f"{name}.rows.parquet", "_load_id", load_id),
        quarantine=_moved(
            load.quarantine, folder / f"{name}.quarantine.parquet", "load_id", load_id
        ),
    )


def _moved(parquet: Path | None, target: Path, column: str, load_id: str | None) -> Path | None:
    if parquet is None:
        return None
    if load_id is None:
        return parquet.replace(target)
    pl.scan_parquet(parquet, glob=False).with_columns(pl.lit(load_id).alias(column)).sink_parquet(
        target
    )
    parquet.unlink()
    return target
