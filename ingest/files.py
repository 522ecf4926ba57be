"""Files that must survive a crash: private folders, atomic writes, single-pass copies, checksums.

Every durable change of the lake and the archive goes through the functions here, so that the
order of write, fsync and rename is written once. What the files mean does not live here.

A rename is atomic but not durable until its folder is synced, and a renamed file is not whole
until the file itself was synced before: hence write, sync the file, rename, sync the folder.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
READ_ONLY_FILE: Final = 0o400

_CHUNK_BYTES: Final = 1 << 18
"""Larger chunks are mapped anew each time: up to three times the time of a copy was measured."""

_SYNC_THREADS: Final = 8
"""Concurrent syncs share one journal commit: 0.12 ms per small file instead of 0.26 ms on ext4."""

_SPACE_MARGIN_BYTES: Final = 64 << 20
"""Left free on the disk by a copy, so that the records about it can still be written."""


@dataclass(frozen=True, kw_only=True)
class FileState:
    """What a stat call says about a file: equal states mean that nobody has touched it.

    Attributes:
        bytes: Size.
        modified_ns: Time of the last change of the content, in nanoseconds since 1970.
        changed_ns: Time of the last change of anything, which no program can set.
    """

    bytes: int
    modified_ns: int
    changed_ns: int

    @staticmethod
    def of(status: os.stat_result) -> "FileState":
        """Take the state from the result of a stat call."""
        return FileState(
            bytes=status.st_size, modified_ns=status.st_mtime_ns, changed_ns=status.st_ctime_ns
        )


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A copy that was made in one pass.

    Attributes:
        sha256: Hash of the bytes copied.
        bytes: Number of bytes copied.
        state: State of the original, the same before and after the copy.
    """

    sha256: str
    bytes: int
    state: FileState


class NotRegularError(OSError):
    """A path that is no regular file of its own: a link, a folder, a pipe, a device."""


class StillWritingError(OSError):
    """A file that changed while it was being copied."""


class NoSpaceError(OSError):
    """A disk without room for what is about to be written."""


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents for this user alone, whatever the umask.

    Folders that exist keep their permissions, which are the operator's choice.

    Args:
        folder: The folder to create.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new_folder in reversed(missing):
        new_folder.mkdir(mode=PRIVATE_FOLDER)
        new_folder.chmod(PRIVATE_FOLDER)
        sync_folder(new_folder.parent)


def sync_file(path: Path) -> None:
    """Make the content of a file durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(paths: Iterable[Path]) -> None:
    """Make the content of many files durable, several at a time.

    Args:
        paths: Files, in any order.

    Raises:
        OSError: The first sync that failed. A failed sync is never tried again, because the
            kernel may have dropped the pages that it could not write.
    """
    waiting = list(paths)
    if len(waiting) < _SYNC_THREADS:
        for path in waiting:
            sync_file(path)
        return
    with ThreadPoolExecutor(max_workers=_SYNC_THREADS) as threads:
        for _ in threads.map(sync_file, waiting):
            pass


def sync_folders(folders: Iterable[Path]) -> None:
    """Make the names in several folders durable, each once."""
    for folder in sorted(set(folders)):
        sync_folder(folder)


def write_atomic(path: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    The temporary name is fixed: a write that was cut short is overwritten by the next, and no
    pattern that ends in the suffix of the file matches it.

    Args:
        path: The file to write; its folder must exist.
        content: The bytes.
        is_synced: Whether file and folder are synced here. When false, the caller syncs them
            before it relies on them.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE
    )
    try:
        os.fchmod(descriptor, PRIVATE_FILE)
        write_all(descriptor, content)
        if is_synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    if is_synced:
        sync_folder(path.parent)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes to an open file, however many calls the system needs for it."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def sha256_of(path: Path) -> str:
    """Hash a file.

    Args:
        path: The file.

    Returns:
        64 lower-case hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading if it is a regular file with this one name.

    The check is made on the opened file, so that the path cannot be exchanged in between. A pipe
    is opened without waiting for its writer.

    Args:
        path: The file.

    Returns:
        The file, unbuffered.

    Raises:
        NotRegularError: Naming what the path is instead.
        OSError: The file cannot be opened.
    """
    kind = irregularity(path.lstat())
    if kind is not None:
        raise NotRegularError(f"{path.name!r} is {kind}, expected a regular file of its own")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    kind = irregularity(os.fstat(descriptor))
    if kind is not None:
        os.close(descriptor)
        raise NotRegularError(f"{path.name!r} is {kind}, expected a regular file of its own")
    return os.fdopen(descriptor, "rb", buffering=0)


def irregularity(status: os.stat_result) -> str | None:
    """Say what keeps a path from being a regular file with one name.

    Args:
        status: The result of `lstat`.

    Returns:
        A phrase such as `a symbolic link`, or None for a regular file with one name.
    """
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        return kinds.get(kind, "a special file")
    if status.st_nlink > 1:
        return f"a file with {status.st_nlink} names (hard links)"
    return None


def copy_once(path: Path, copy: Path) -> Copied:
    """Copy a file in one pass, hashing what is copied, and make sure that it held still.

    The copy is not synced; the caller syncs it before relying on it.

    Args:
        path: The original.
        copy: The copy, which must not exist.

    Returns:
        Hash and size of the copy.

    Raises:
        NotRegularError: The original is no regular file.
        StillWritingError: The original changed during the copy.
        NoSpaceError: The disk has no room for the copy.
        OSError: The original cannot be read or the copy not written; `filename` tells which.
    """
    digest = hashlib.sha256()
    copied = 0
    with open_regular(path) as original:
        before = FileState.of(os.fstat(original.fileno()))
        require_space(copy.parent, before.bytes, purpose=f"a copy of {path.name!r}")
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        try:
            os.fchmod(descriptor, PRIVATE_FILE)
            while copied <= before.bytes and (chunk := _read(original, path)):
                digest.update(chunk)
                copied += len(chunk)
                write_all(descriptor, chunk)
            after = FileState.of(os.fstat(original.fileno()))
            if copied != before.bytes or after.modified_ns != before.modified_ns:
                raise StillWritingError(
                    f"{path.name!r} changed while it was copied: {before.bytes} bytes before, "
                    f"{after.bytes} after, {copied} read"
                )
        except BaseException:
            copy.unlink()
            raise
        finally:
            os.close(descriptor)
    return Copied(sha256=digest.hexdigest(), bytes=copied, state=after)


def require_space(folder: Path, needed: int, *, purpose: str) -> None:
    """Refuse to begin a write that would fill the disk.

    Args:
        folder: A folder on the disk.
        needed: Bytes about to be written.
        purpose: What they are for, for the message.

    Raises:
        NoSpaceError: Naming the bytes needed and the bytes free.
    """
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if needed + _SPACE_MARGIN_BYTES > free:
        raise NoSpaceError(
            f"no room in {folder} for {purpose}: needs {needed} bytes and leaves "
            f"{_SPACE_MARGIN_BYTES} free, but only {free} are free; make room and run again"
        )


def _read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(_CHUNK_BYTES)
    except OSError as error:
        error.filename = str(path)
        raise
