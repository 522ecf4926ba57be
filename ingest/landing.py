"""The landing folder: which delivered files wait to be handled, and which are left for later.

Here live the layout `landing/<delivery_date>/<source>/<file>`, the rules for names, links and
files that are still being written, and the control files that travel beside a delivered file.
Copying, reading and remembering what was handled do not live here; nothing in the landing folder
is ever changed.
"""

import json
import os
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from ingest.files import (
    FileState,
    NotRegularError,
    irregularity,
    open_regular,
    sha256_of,
)

STILL_WRITING: Final = "STILL_WRITING"
NOT_REGULAR: Final = "NOT_REGULAR"
UNREADABLE: Final = "UNREADABLE"
UNSAFE_NAME: Final = "UNSAFE_NAME"
TOO_LARGE: Final = "TOO_LARGE"
CONTROL_TOTAL: Final = "CONTROL_TOTAL"
MISPLACED: Final = "MISPLACED"
"""Reason code of what cannot be a delivery because of where it lies in the landing folder."""

CONTROL_SUFFIX: Final = ".control.json"

DEFAULT_SETTLE_SECONDS: Final = 10.0
"""Longer than the pauses of a slow transfer; a file untouched for as long is taken as complete."""

MAXIMUM_FILE_BYTES: Final = 16 << 30
_MAXIMUM_CONTROL_BYTES: Final = 64 << 10

_IGNORED_PREFIXES: Final = (".", "~$")
_IGNORED_SUFFIXES: Final = (".part", ".tmp", ".filepart", ".crdownload", "~")

_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDIRECTIONAL_CONTROLS: Final = frozenset(
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
) | frozenset("\u2066\u2067\u2068\u2069")


class FileKey(NamedTuple):
    """Where a file was delivered: what makes a later file in the same place its successor."""

    delivery_date: date
    source: str
    file_name: str


@dataclass(frozen=True, kw_only=True)
class ControlFile:
    """The totals that a sender announces beside a file, in `<file>.control.json`.

    Attributes:
        content: The JSON object, None when it cannot be read.
        sha256: Identity of the content; empty when it cannot be read.
        problem: Why it cannot be read, or None.
    """

    content: Mapping[str, Any] | None
    sha256: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeliveredFile:
    """One file in the landing folder.

    Attributes:
        path: Where it lies.
        key: Delivery date, source and name; control characters in the names are escaped.
        state: Size and times, as seen when it was found.
        control: What came beside it, if anything.
        reason_code: Why it must not be read, None for a file to read.
        reason_detail: The same for a reader.
    """

    path: Path
    key: FileKey
    state: FileState
    control: ControlFile | None = None
    reason_code: str | None = None
    reason_detail: str | None = None

    @property
    def received_at(self) -> datetime:
        """When its content was last changed, in UTC, without a zone."""
        return instant_of(self.state.modified_ns)


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """What is remembered of the last file that was handled in one place.

    Attributes:
        state: Size and times it had.
        sha256: Hash of its bytes, empty when it could not be copied.
        control_sha256: Identity of its control file, empty without one.
        is_final: Whether it entered. If so, only other totals make it pending again, to be held
            against it; if not, their withdrawal does too.
    """

    state: FileState
    sha256: str
    control_sha256: str
    is_final: bool


@dataclass(frozen=True, kw_only=True)
class LandingProblem:
    """Something in the landing folder that is no delivery, reported until it is put right.

    Attributes:
        path: Where it lies, relative to the landing folder, control characters escaped.
        reason_code: `MISPLACED`, `NOT_REGULAR` or `UNREADABLE`.
        detail: What was found, what is expected, what to do.
    """

    path: str
    reason_code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class LandingScan:
    """What one look at the landing folder found.

    Attributes:
        pending: Files to handle now, by delivery date, source and name.
        deferred: Files that are still being written; the next run looks again.
        known: Files that were handled before, in the same order.
        problems: What cannot be a delivery.
    """

    pending: tuple[DeliveredFile, ...]
    deferred: tuple[DeliveredFile, ...]
    known: tuple[DeliveredFile, ...]
    problems: tuple[LandingProblem, ...]


def find_pending(
    landing: Path,
    *,
    known: Mapping[FileKey, KnownFile],
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
) -> list[DeliveredFile]:
    """List the delivered files that wait to be handled.

    Args:
        landing: The landing folder.
        known: The last file handled in each place.
        settle_seconds: A file untouched for as long is complete; a younger one is watched until
            it is as old, and left for the next run if it changes.

    Returns:
        The pending files by delivery date, source and name. See `scan_landing` for the rest.
    """
    return list(scan_landing(landing, known=known, settle_seconds=settle_seconds).pending)


def scan_landing(
    landing: Path,
    *,
    known: Mapping[FileKey, KnownFile],
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
) -> LandingScan:
    """Look through the landing folder.

    Temporary names (`.part`, `.tmp`, `~$`, hidden files and the like) are ignored. Everything
    else is pending, deferred, known or a problem.

    Args:
        landing: The landing folder.
        known: The last file handled in each place.
        settle_seconds: See `find_pending`.

    Returns:
        What was found, in order of delivery date, source and name.
    """
    problems: list[LandingProblem] = []
    found: list[DeliveredFile] = []
    for delivery_date, source, folder in _source_folders(landing, problems):
        found.extend(_files_of(landing, folder, delivery_date, source, problems))
    found.sort(key=lambda file: file.key)
    seen = {file.path for file in found if _is_known(file, known.get(file.key))}
    pending, deferred = _settle([file for file in found if file.path not in seen], settle_seconds)
    return LandingScan(
        pending=tuple(pending),
        deferred=tuple(deferred),
        known=tuple(file for file in found if file.path in seen),
        problems=tuple(problems),
    )


def instant_of(nanoseconds: int) -> datetime:
    """Turn nanoseconds since 1970 into an instant in UTC without a zone, to the microsecond."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None) + timedelta(
        microseconds=rest // 1000
    )


def safe_name(name: str) -> str:
    """Escape what must not stand in a name that people and logs read.

    Args:
        name: A name from the file system.

    Returns:
        The name itself when it is safe; otherwise with control characters, line and paragraph
        separators, bidirectional controls and undecodable bytes written as escapes.
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii") if _is_unsafe(character) else character
        for character in name
    )


def _is_unsafe(character: str) -> bool:
    return (
        unicodedata.category(character) in _UNSAFE_CATEGORIES
        or character in _BIDIRECTIONAL_CONTROLS
    )


def _is_ignored(name: str) -> bool:
    return name.startswith(_IGNORED_PREFIXES) or name.lower().endswith(_IGNORED_SUFFIXES)


def _entries(
    landing: Path, folder: Path, problems: list[LandingProblem]
) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder by name, without temporary ones."""
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not _is_ignored(entry.name)]
    except OSError as error:
        problems.append(
            _problem(landing, folder, UNREADABLE, f"cannot be listed: {error.strerror}")
        )
        return
    yield from sorted(entries, key=lambda entry: entry.name)


def _source_folders(
    landing: Path, problems: list[LandingProblem]
) -> Iterator[tuple[date, str, Path]]:
    for dated in _entries(landing, landing, problems):
        path = Path(dated.path)
        if not dated.is_dir(follow_symlinks=False):
            problems.append(
                _problem(
                    landing,
                    path,
                    NOT_REGULAR if dated.is_symlink() else MISPLACED,
                    "lies in the landing folder itself; expected a folder named by a delivery "
                    "date (YYYY-MM-DD); move it to <delivery_date>/<source>/",
                )
            )
            continue
        delivery_date = _delivery_date(dated.name)
        if delivery_date is None:
            problems.append(
                _problem(
                    landing,
                    path,
                    MISPLACED,
                    "is no delivery date; expected a calendar date written YYYY-MM-DD; "
                    "rename the folder",
                )
            )
            continue
        for source in _entries(landing, path, problems):
            if source.is_dir(follow_symlinks=False):
                yield delivery_date, safe_name(source.name), Path(source.path)
            else:
                problems.append(
                    _problem(
                        landing,
                        Path(source.path),
                        NOT_REGULAR if source.is_symlink() else MISPLACED,
                        "lies in the folder of a delivery date; expected a folder named by a "
                        "source; move it to <delivery_date>/<source>/",
                    )
                )


def _delivery_date(name: str) -> date | None:
    try:
        delivery_date = date.fromisoformat(name)
    except ValueError:
        return None
    return delivery_date if delivery_date.isoformat() == name else None


def _problem(landing: Path, path: Path, reason_code: str, detail: str) -> LandingProblem:
    where = safe_name(str(path.relative_to(landing)))
    return LandingProblem(path=where, reason_code=reason_code, detail=f"{where!r} {detail}")


def _files_of(
    landing: Path,
    folder: Path,
    delivery_date: date,
    source: str,
    problems: list[LandingProblem],
) -> Iterator[DeliveredFile]:
    entries = {entry.name: entry for entry in _entries(landing, folder, problems)}
    for name, entry in entries.items():
        path = Path(entry.path)
        if name.endswith(CONTROL_SUFFIX):
            if name.removesuffix(CONTROL_SUFFIX) not in entries:
                problems.append(
                    _problem(
                        landing,
                        path,
                        MISPLACED,
                        f"is a control file without its file; expected "
                        f"{safe_name(name.removesuffix(CONTROL_SUFFIX))!r} beside it",
                    )
                )
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        control = entries.get(name + CONTROL_SUFFIX)
        yield _delivered_file(
            path,
            FileKey(delivery_date, source, safe_name(name)),
            status,
            None if control is None else Path(control.path),
        )


def _delivered_file(
    path: Path, key: FileKey, status: os.stat_result, control: Path | None
) -> DeliveredFile:
    file = DeliveredFile(path=path, key=key, state=FileState.of(status))
    kind = irregularity(status)
    if kind is not None:
        return replace(
            file,
            reason_code=NOT_REGULAR,
            reason_detail=f"{key.file_name!r} is {kind}; expected a regular file of its own; "
            "deliver a copy",
        )
    if status.st_size > MAXIMUM_FILE_BYTES:
        return replace(
            file,
            reason_code=TOO_LARGE,
            reason_detail=f"{key.file_name!r} has {status.st_size} bytes; expected at most "
            f"{MAXIMUM_FILE_BYTES}; deliver it in parts",
        )
    if control is not None:
        file = replace(file, control=read_control(control))
    if safe_name(path.name) != path.name or safe_name(path.parent.name) != path.parent.name:
        return replace(
            file,
            reason_code=UNSAFE_NAME,
            reason_detail=f"the name {key.source}/{key.file_name} holds control characters or "
            "bytes that are no UTF-8 (escaped here); rename it and deliver it again",
        )
    if file.control is not None and file.control.problem is not None:
        return replace(file, reason_code=CONTROL_TOTAL, reason_detail=file.control.problem)
    return file


def read_control(path: Path) -> ControlFile:
    """Read a control file.

    Args:
        path: The `<file>.control.json`.

    Returns:
        Its JSON object, or the problem that keeps it from being read.
    """
    name = safe_name(path.name)

    def unreadable(problem: str) -> ControlFile:
        return ControlFile(content=None, sha256="", problem=f"control file {name!r} {problem}")

    try:
        with open_regular(path) as file:
            content = file.read(_MAXIMUM_CONTROL_BYTES + 1)
        if len(content) > _MAXIMUM_CONTROL_BYTES:
            return unreadable(f"has more than {_MAXIMUM_CONTROL_BYTES} bytes")
        totals = json.loads(content, parse_float=str)
        json.dumps(totals, ensure_ascii=False).encode()
    except NotRegularError as error:
        return unreadable(f"cannot be used: {error}")
    except OSError as error:
        return unreadable(f"cannot be read: {error.strerror}")
    except (ValueError, RecursionError) as error:
        return unreadable(f"is no JSON: {error}")
    if not isinstance(totals, dict):
        return unreadable(f"holds a JSON {type(totals).__name__}; expected an object")
    return ControlFile(content=totals, sha256=sha256_of(path))


def _is_known(file: DeliveredFile, known: KnownFile | None) -> bool:
    """Whether a file is the one that was handled in its place.

    Size and time of modification tell files apart; where only the time of change differs, as
    after a change of permissions or a copy that kept its times, the bytes decide.
    """
    if known is None:
        return False
    control_sha256 = file.control.sha256 if file.control is not None else ""
    if control_sha256 != known.control_sha256 and (control_sha256 or not known.is_final):
        return False
    if file.state == known.state:
        return True
    if (file.state.bytes, file.state.modified_ns) != (known.state.bytes, known.state.modified_ns):
        return False
    if not known.sha256 or file.reason_code in (NOT_REGULAR, TOO_LARGE):
        return False
    try:
        with open_regular(file.path):
            return sha256_of(file.path) == known.sha256
    except OSError:
        return False


def _settle(
    files: list[DeliveredFile], settle_seconds: float
) -> tuple[list[DeliveredFile], list[DeliveredFile]]:
    """Wait until the youngest file is old enough, and set aside those that changed meanwhile."""
    ages = {file.path: time.time() - _youngest(file) / 1e9 for file in files}
    young = {path: age for path, age in ages.items() if age < settle_seconds}
    if not young:
        return files, []
    time.sleep(min(settle_seconds, settle_seconds - min(young.values())))
    pending, deferred = [], []
    for file in files:
        if file.path not in young:
            pending.append(file)
            continue
        try:
            state = FileState.of(file.path.lstat())
            control_path = file.path.with_name(file.path.name + CONTROL_SUFFIX)
            control = read_control(control_path) if os.path.lexists(control_path) else None
        except OSError:
            state, control = None, None
        if state == file.state and control == file.control:
            pending.append(file)
        else:
            deferred.append(
                replace(
                    file,
                    reason_code=STILL_WRITING,
                    reason_detail=f"{file.key.file_name!r} changed during {settle_seconds} "
                    "seconds; left for the next run",
                )
            )
    return pending, deferred


def _youngest(file: DeliveredFile) -> int:
    """The last time of modification of a file or of its control file, in nanoseconds."""
    try:
        control = file.path.with_name(file.path.name + CONTROL_SUFFIX).lstat().st_mtime_ns
    except OSError:
        control = 0
    return max(file.state.modified_ns, control)
