"""Death at a chosen durable operation: kill, torn write, power cut.

Python reports every operation that changes a folder through its audit hooks, before it happens;
`os.write` and `os.fsync`, which it does not report, are wrapped. A fault counts the operations
under a home and stops the n-th and every later one, so that nothing, not even cleaning up, happens
after the moment of death. A power cut also takes back what was written and not synced.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

Mode = Literal["kill", "torn", "power"]

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES: Final = frozenset(
    {
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.rmdir",
        "os.chmod",
        "os.truncate",
        "os.link",
        "os.symlink",
        "shutil.rmtree",
    }
)


class Death(BaseException):
    """The process is no more."""


class Fault:
    """Counts durable operations under a folder, and dies at one of them.

    Attributes:
        count: Durable operations seen so far.
        writes: Which of them were writes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        at: int | None,
        mode: Mode = "kill",
        unsynced: tuple[Path, ...] = (),
    ) -> None:
        self.count = 0
        self.writes: list[int] = []
        self.die: Callable[[], None] = self._raise
        self._folder = str(folder)
        self._at = at
        self._mode = mode
        self._synced = _states(folder, unsynced)

    def _raise(self) -> None:
        raise Death(f"at durable operation {self.count}")

    def step(self) -> None:
        """One durable operation is about to happen."""
        self.count += 1
        if self._at is not None and self.count >= self._at:
            self.die()

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and self._is_inside(path):
                self.step()
        elif event in _CHANGES and any(self._is_inside(argument) for argument in arguments):
            self.step()

    def write(self, descriptor: int, content: memoryview) -> int:
        """Write, or tear the write at the moment of death."""
        self.writes.append(self.count + 1)
        if self._mode == "torn" and self._at == self.count + 1:
            really_write(descriptor, content[: len(content) // 2])
        self.step()
        return really_write(descriptor, content)

    def sync(self, descriptor: int) -> None:
        """Remember what is durable now, without the wait for the disk."""
        self.step()
        status = os.fstat(descriptor)
        self._synced[status.st_ino] = (status.st_size, status.st_mtime_ns)

    def cut_power(self) -> None:
        """Take back the content that was written after the last sync of each file."""
        for path in Path(self._folder).rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            status = path.stat()
            size, modified_ns = self._synced.get(status.st_ino, (0, 0))
            if (status.st_size, status.st_mtime_ns) != (size, modified_ns):
                path.chmod(0o600)
                os.truncate(path, min(size, status.st_size))

    def _is_inside(self, argument: object) -> bool:
        if isinstance(argument, int):
            return argument > 2
        return isinstance(argument, str | bytes | os.PathLike) and os.fsdecode(argument).startswith(
            self._folder
        )


def _states(folder: Path, unsynced: tuple[Path, ...]) -> dict[int, tuple[int, int]]:
    """Size and time of the files that were durable before, which those in `unsynced` were not."""
    states = {}
    for path in folder.rglob("*"):
        if any(path.is_relative_to(other) for other in unsynced):
            continue
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            states[status.st_ino] = (status.st_size, status.st_mtime_ns)
    return states


really_write = os.write
really_sync = os.fsync
_active: list[Fault] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _active and (event == "open" or event in _CHANGES):
        _active[-1].audit(event, arguments)


sys.addaudithook(_hook)


@contextmanager
def armed(fault: Fault) -> Iterator[Fault]:
    """Let a fault happen inside the block; its death does not leave the block.

    Args:
        fault: The fault.

    Yields:
        The fault.
    """
    os.write = fault.write  # type: ignore[assignment]
    os.fsync = fault.sync  # type: ignore[assignment]
    _active.append(fault)
    try:
        yield fault
    except Death:
        pass
    finally:
        _active.pop()
        os.write = really_write
        os.fsync = really_sync
    if fault._mode == "power":
        fault.cut_power()
