"""The published copy: the marts in a file of their own that a reader may open at any time.

Here live the making of a version, its swap into place, and the account that each version gives of
itself; what the file holds is written by `reporting.contents`. When a warehouse is fit to be
published does not live here: the caller decides, and sees to it that only one publication runs at
a time.

A version is a folder, ``published/v000123/``, with ``collections.duckdb`` and ``manifest.json``.
``published/current`` is a link to one of them. Nothing is written in place: a version is built in a
private folder, checkpointed, closed and flushed to disk, gets its name by one rename, and becomes
current by one more. Whoever is killed at any point leaves the old version or the new one.

Where a build continued the one that was published last, the new version is a copy of the last file
to which the changes are applied. A file is written whole now and then all the same, because rows
that left it keep their place.
"""

import hashlib
import hmac
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from reporting import contents
from reporting.contents import Model, NotFollowedError, PublicationError, read_models, wal_of

FILE_NAME: Final = "collections.duckdb"
MANIFEST_NAME: Final = "manifest.json"
CURRENT: Final = "current"
KEPT_VERSIONS: Final = 5

MOST_FOLLOWED: Final = 30
"""After how many versions that only followed changes a file is written whole."""
MOST_GROWN: Final = 1 / 3
"""By how much of its size when it was whole a file may grow before it is written whole,"""
GROWTH_ALLOWED: Final = 16 << 20
"""and by how many bytes in any case: a small file is mostly the blocks that it rounds up to."""

_BUILDING: Final = ".building"
_REMOVING: Final = ".removing"
_NEXT_LINK: Final = ".current.next"
_VERSION: Final = re.compile(r"v(\d{6,})")
_READABLE: Final = 0o440
_PIECE: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PublishedVersion:
    """One version of the published copy.

    Attributes:
        name: Its folder's name, such as `v000123`.
        path: The database file.
        sha256: SHA-256 of the database file.
        size_bytes: Size of the database file.
        row_counts: Rows by mart; a view of big tables is not counted.
        facts: What the caller said of it: run, as-of date, known-at and the like.
        build: The build that it was made from.
        whole_because: Why it was written whole, empty where it follows the version before.
        followed: How many versions followed changes since the file was written whole.
        whole_bytes: The file's size when it was written whole.
        key_mark: Identity of the key of personal columns, empty without one.
    """

    name: str
    path: Path
    sha256: str
    size_bytes: int
    row_counts: Mapping[str, int]
    facts: Mapping[str, str]
    build: str = ""
    whole_because: str = ""
    followed: int = 0
    whole_bytes: int = 0
    key_mark: str = ""

    def is_intact(self) -> bool:
        """Whether the file is still the one that was published, byte by byte."""
        try:
            return (
                self.path.stat().st_size == self.size_bytes
                and _sha256_of(self.path) == self.sha256
                and not wal_of(self.path).exists()
            )
        except OSError:
            return False


def publish(
    warehouse: Path,
    published: Path,
    *,
    manifest: Path,
    pii_key: bytes | None = None,
    keep_versions: int = KEPT_VERSIONS,
    facts: Mapping[str, str] | None = None,
    build: str = "",
    continued: str | None = None,
    memory_limit: str | None = None,
) -> PublishedVersion:
    """Make a version from the marts of a warehouse and let it be the current one.

    Args:
        warehouse: The working warehouse; closed, and read only here.
        published: The folder of versions.
        manifest: dbt's manifest of that warehouse: which models are marts, which of their columns
            are tagged `pii`, which are big, and the descriptions, which become comments.
        pii_key: With a key, a personal column becomes the HMAC-SHA-256 of its value; without, it
            is left out.
        keep_versions: How many versions stay, the new one included; each is a whole file.
        facts: What the new version shall say of itself in its manifest.
        build: The name of the build that the warehouse holds.
        continued: The build that this one continued by the same code, so that the warehouse holds
            the changes between the two; null when it began from nothing.
        memory_limit: What DuckDB may hold in memory; its own default when null.

    Returns:
        The version that is now current.

    Raises:
        PublicationError: When the warehouse is not closed, lacks a mart, or a view or macro cannot
            stand without it. The version before stays current.
    """
    if keep_versions < 1:
        raise PublicationError(f"keep_versions is {keep_versions}; allowed is 1 or more.")
    if not warehouse.is_file():
        raise PublicationError(f"There is no warehouse at {warehouse}; build it first.")
    if wal_of(warehouse).exists():
        raise PublicationError(
            f"{wal_of(warehouse)} is beside the warehouse: it was not closed, and a copy would "
            "lack its last changes. Close every connection to it, or rebuild it."
        )
    published.mkdir(parents=True, exist_ok=True)
    sweep(published)
    name = f"v{_latest_number(published) + 1:06d}"
    building = published / f"{_BUILDING}-{name}"
    building.mkdir()
    # Whoever may read the folder of versions may read each version.
    building.chmod(stat.S_IMODE(published.stat().st_mode))
    previous = current_version(published)
    mark = _mark_of(pii_key)
    because = _why_whole(previous, continued, mark)
    try:
        counts, failure = _write(
            building / FILE_NAME,
            warehouse,
            read_models(manifest),
            follows=None if because else previous,
            pii_key=pii_key,
            memory_limit=memory_limit,
        )
        version = _make_version(
            building,
            name,
            follows=None if because or failure else previous,
            row_counts=counts,
            facts=dict(facts or {}),
            build=build,
            whole_because=because or failure,
            key_mark=mark,
        )
    except Exception:
        shutil.rmtree(building, ignore_errors=True)
        raise
    building.rename(published / name)
    _flush(published)
    _make_current(published, name)
    _prune(published, keep_versions)
    return version


def current_version(published: Path) -> PublishedVersion | None:
    """The version that readers see.

    Args:
        published: The folder of versions.

    Returns:
        The version, or null when nothing was published or its manifest cannot be read.
    """
    link = published / CURRENT
    try:
        folder = published / link.readlink().name
        account = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        return PublishedVersion(
            name=folder.name,
            path=folder / FILE_NAME,
            sha256=account["sha256"],
            size_bytes=account["size_bytes"],
            row_counts=account["row_counts"],
            facts=account["facts"],
            build=account.get("build", ""),
            whole_because=account.get("whole_because", ""),
            followed=account.get("followed", 0),
            whole_bytes=account.get("whole_bytes", 0),
            key_mark=account.get("key_mark", ""),
        )
    except (OSError, ValueError, KeyError):
        return None


def sweep(published: Path) -> list[str]:
    """Remove what killed publications left behind.

    That is: unfinished builds, versions that never became current, folders on their way out, and
    write-ahead logs beside a version, which no reader may replay.

    Args:
        published: The folder of versions.

    Returns:
        The names of what was removed.
    """
    if not published.is_dir():
        return []
    link = published / CURRENT
    current = _number_of(link.readlink().name) if link.is_symlink() else 0
    removed = []
    for path in sorted(published.iterdir()):
        number = _number_of(path.name)
        if path.name.startswith((f"{_BUILDING}-", f"{_REMOVING}-")) or (
            number > 0 and (number > current or not (path / MANIFEST_NAME).is_file())
        ):
            if number == current:
                continue
            shutil.rmtree(path)
            removed.append(path.name)
        elif path.name == _NEXT_LINK:
            path.unlink()
            removed.append(path.name)
        elif number > 0 and wal_of(path / FILE_NAME).exists():
            wal_of(path / FILE_NAME).unlink()
            removed.append(f"{path.name}/{FILE_NAME}.wal")
    return removed


def _why_whole(previous: PublishedVersion | None, continued: str | None, mark: str) -> str:
    """Why a file has to be written whole; empty when the last one can be followed."""
    if previous is None:
        return "nothing was published before"
    if not continued:
        return "the warehouse was built from nothing"
    if previous.build != continued:
        return f"{previous.name} was made from another build than the one that was continued"
    if previous.key_mark != mark:
        return "the key of personal columns changed"
    if previous.followed >= MOST_FOLLOWED:
        return f"{previous.followed} versions followed changes"
    allowed = max(MOST_GROWN * previous.whole_bytes, GROWTH_ALLOWED)
    if previous.size_bytes - previous.whole_bytes > allowed:
        return f"the file grew from {previous.whole_bytes:,} to {previous.size_bytes:,} bytes"
    return ""


def _write(
    file: Path,
    warehouse: Path,
    models: Sequence[Model],
    *,
    follows: PublishedVersion | None,
    pii_key: bytes | None,
    memory_limit: str | None,
) -> tuple[dict[str, int], str]:
    """Write the database file, whole where the version before cannot be followed.

    Returns:
        Rows by mart, and why the version before could not be followed, empty when it was or when
        there was none to follow.
    """
    failure = ""
    if follows is not None:
        try:
            _copy_verified(follows, file)
            counts = contents.follow(
                file, warehouse, models, pii_key=pii_key, memory_limit=memory_limit
            )
        except (NotFollowedError, duckdb.Error) as error:
            failure = str(error).splitlines()[0]
            for path in (file, wal_of(file)):
                path.unlink(missing_ok=True)
        else:
            return counts, ""
    counts = contents.write_whole(
        file, warehouse, models, pii_key=pii_key, memory_limit=memory_limit
    )
    return counts, failure


def _make_version(
    building: Path,
    name: str,
    *,
    follows: PublishedVersion | None,
    row_counts: Mapping[str, int],
    facts: Mapping[str, str],
    build: str,
    whole_because: str,
    key_mark: str,
) -> PublishedVersion:
    """Seal the file of a private folder and write its account; both are flushed to disk."""
    file = building / FILE_NAME
    file.chmod(_READABLE)
    _flush(file)
    size = file.stat().st_size
    version = PublishedVersion(
        name=name,
        path=building.parent / name / FILE_NAME,
        sha256=_sha256_of(file),
        size_bytes=size,
        row_counts=row_counts,
        facts=facts,
        build=build,
        whole_because=whole_because,
        followed=0 if follows is None else follows.followed + 1,
        whole_bytes=size if follows is None else follows.whole_bytes,
        key_mark=key_mark,
    )
    _write_manifest(building / MANIFEST_NAME, version)
    _flush(building)
    return version


def _copy_verified(previous: PublishedVersion, file: Path) -> None:
    """Copy the file of a version, which must be the one that was published.

    Raises:
        NotFollowedError: When it is not.
    """
    digest = hashlib.sha256()
    with previous.path.open("rb") as source, file.open("wb") as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            target.write(piece)
    if digest.hexdigest() != previous.sha256:
        raise NotFollowedError(f"the file of {previous.name} is not the one that was published")


def _mark_of(pii_key: bytes | None) -> str:
    """Tell one key from another without telling either."""
    if pii_key is None:
        return ""
    return hmac.new(pii_key, b"collections published copy", "sha256").hexdigest()


def _make_current(published: Path, name: str) -> None:
    """Point the link at a version: readers see the old one or the new one, nothing between."""
    following = published / _NEXT_LINK
    following.symlink_to(name, target_is_directory=True)
    following.replace(published / CURRENT)
    _flush(published)


def _prune(published: Path, keep_versions: int) -> None:
    versions = sorted(_versions(published), key=lambda path: _number_of(path.name))
    for version in versions[:-keep_versions]:
        leaving = version.rename(published / f"{_REMOVING}-{version.name}")
        shutil.rmtree(leaving)


def _versions(published: Path) -> Iterator[Path]:
    return (path for path in published.iterdir() if _number_of(path.name) > 0)


def _latest_number(published: Path) -> int:
    return max((_number_of(path.name) for path in _versions(published)), default=0)


def _number_of(name: str) -> int:
    """The number of a version's name, 0 of any other name."""
    found = _VERSION.fullmatch(name)
    return int(found.group(1)) if found else 0


def _write_manifest(path: Path, version: PublishedVersion) -> None:
    account = {
        "version": version.name,
        "file": FILE_NAME,
        "sha256": version.sha256,
        "size_bytes": version.size_bytes,
        "build": version.build,
        "whole_because": version.whole_because,
        "followed": version.followed,
        "whole_bytes": version.whole_bytes,
        "key_mark": version.key_mark,
        "facts": dict(version.facts),
        "row_counts": dict(sorted(version.row_counts.items())),
    }
    path.write_text(json.dumps(account, indent=2, ensure_ascii=False) + "\n", "utf-8")
    path.chmod(_READABLE)
    _flush(path)


def _flush(path: Path) -> None:
    """Have the disk hold what was written to a file or folder before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
