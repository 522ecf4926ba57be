"""What is made once from the project's files and kept in `.pytest_cache` until one of them changes.

Here: when a thing is made again, and that one process makes it while others wait. Not here: what is
kept.
"""

import fcntl
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from time import time

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".pytest_cache" / "kept"
MADE_OF = (
    "dbt_project",
    "requirements.lock",
    "ingest/extracts.py",
    "tests/builds.py",
    "tests/kept.py",
    "tests/warehouse.py",
)
"""What anything kept depends on."""

LOCATED = ("target", "logs", "__pycache__")
A_DAY = 86_400


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of a name, filled by `make` if no process has filled it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder = KEPT / _fingerprint() / name
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "is_made").exists():
            for earlier in KEPT.iterdir():
                # Another session of tests, on other models, may read a younger one.
                is_old = time() - earlier.stat().st_mtime > A_DAY
                if earlier.is_dir() and is_old and earlier != folder.parent:
                    rmtree(earlier)
            rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            (folder / "is_made").touch()
    return folder


@cache
def _fingerprint() -> str:
    """A name for the project's files as they are, at this place."""
    digest = sha256(str(ROOT).encode())
    for path in (ROOT / name for name in MADE_OF):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            place = file.relative_to(ROOT)
            if file.is_file() and not set(place.parts) & set(LOCATED):
                digest.update(f"{place}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
