"""One writer at a time: a kernel lock that dies with its holder.

Here lives the lock around everything that changes the home. Waiting does not live here: who comes
second is told who is first, and leaves.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final


class WriterBusyError(RuntimeError):
    """Another process is writing: names it, since when, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lock.

    Attributes:
        pid: Its process.
        since: When it took the lock, UTC.
        purpose: What for.
    """

    pid: int
    since: str
    purpose: str


@contextmanager
def hold_writer(lock: Path, *, purpose: str) -> Iterator[None]:
    """Be the only writer for as long as the block runs.

    The lock is the kernel's, on an open file: it ends with the process, however that ends. A
    process that holds it already may take it again.

    Args:
        lock: The lock file.
        purpose: What the lock is held for, told to whoever comes second.

    Raises:
        WriterBusyError: When another process holds the lock.
    """
    with _changing:
        held = _held.get(lock)
        if held is None:
            held = _Held(descriptor=_take(lock, purpose), depth=0)
            _held[lock] = held
        held.depth += 1
    try:
        yield
    finally:
        with _changing:
            held.depth -= 1
            if held.depth == 0:
                del _held[lock]
                os.close(held.descriptor)


def current_holder(lock: Path) -> Holder | None:
    """Who is writing now.

    Args:
        lock: The lock file.

    Returns:
        The holder, or null when nobody is.
    """
    if lock not in _held:
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return None
        finally:
            os.close(descriptor)
    return _read_holder(lock)


@dataclass
class _Held:
    descriptor: int
    depth: int


# Whoever asks for the current holder has the lock for an instant.
_ATTEMPTS: Final = 3
_PROBE_SECONDS: Final = 0.02

_held: Final[dict[Path, _Held]] = {}
_changing: Final = threading.Lock()


def _take(lock: Path, purpose: str) -> int:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PROBE_SECONDS)
                continue
            os.close(descriptor)
            holder = _read_holder(lock)
            raise WriterBusyError(
                f"Process {holder.pid} has been writing since {holder.since} ({holder.purpose}). "
                "Only one refresh runs at a time: wait for it, or stop it and start again."
            ) from None
    holder = Holder(
        pid=os.getpid(), since=datetime.now(UTC).isoformat(timespec="seconds"), purpose=purpose
    )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(vars(holder)).encode(), 0)
    return descriptor


def _read_holder(lock: Path) -> Holder:
    """What the holder wrote into the file; a holder that had no time for it yet is unknown."""
    try:
        return Holder(**json.loads(lock.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Holder(pid=0, since="a moment ago", purpose="not told")
