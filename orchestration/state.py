"""What a publication was made from, so that the same is not made twice.

Here live the fingerprints of code and inputs and the stamp of a finished build. Importing this
module is cheap, because the answer is often that there is nothing to do.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from orchestration.settings import PROJECT_ROOT, Settings

LEDGER_NAME: Final = "deliveries.jsonl"

_CODE: Final = ("ingest", "quality", "dbt_project", "reporting", "orchestration")
_NO_CODE: Final = frozenset({"target", "logs", "dbt_packages", "__pycache__", "sample"})
_SEEDS: Final = PROJECT_ROOT / "dbt_project" / "seeds"


@dataclass(frozen=True, kw_only=True)
class BuildStamp:
    """What is in the warehouse, written when a build and all its tests are through.

    Attributes:
        build_id: Its own name: two builds of the same inputs have two.
        continued: The build that it continued, null when it began from nothing.
        run_id: The refresh that built it.
        inputs: What it was built from.
        project: The dbt project that built it.
        code: The code and tools that built it, without the seeds.
        seeds: SHA-256 of each seed, by name.
        as_of_date: The business day that it is as of.
        known_at: What was recorded later is not in it, naive UTC.
        reporting_currency: The currency of `open_amount` and its like.
        timezone: The company's time zone.
        loads: What was admitted by `known_at`.
        file: Size and time of the warehouse file when it was closed: whoever wrote into it since
            is noticed.
    """

    build_id: str
    continued: str | None
    run_id: str
    inputs: str
    project: str
    code: str
    seeds: dict[str, str]
    as_of_date: date
    known_at: datetime
    reporting_currency: str
    timezone: str
    loads: str
    file: tuple[int, int]


@cache
def code_version() -> str:
    """Identify the code, the shipped mappings and seeds, and the pinned tools.

    Returns:
        Sixteen hex digits that change with any of them.
    """
    return _identity_of(_code_files())


@cache
def code_without_seeds() -> str:
    """Identify the same but the seeds, whose changes a build can follow.

    Returns:
        Sixteen hex digits.
    """
    return _identity_of(
        path for path in _code_files() if path.parent != _SEEDS or path.suffix != ".csv"
    )


def file_state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file, null where there is none; opening a database changes neither."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def inputs_fingerprint(settings: Settings) -> str:
    """Identify everything that decides what would be published now.

    Args:
        settings: The settings in force.

    Returns:
        Sixteen hex digits that change with the code, the settings, the company's own mappings and
        seeds, and the ledger of deliveries.
    """
    digest = hashlib.sha256(code_version().encode())
    choices = (
        settings.as_of_date,
        settings.known_at,
        settings.reporting_currency,
        settings.timezone,
        None if settings.pii_key is None else hashlib.sha256(settings.pii_key).hexdigest(),
    )
    digest.update(repr(choices).encode())
    for folder in (settings.sources, settings.seeds):
        for path in sorted(folder.iterdir()) if folder is not None else ():
            if path.is_file():
                digest.update(path.name.encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        digest.update(b"|")
    ledger = settings.archive / LEDGER_NAME
    if ledger.exists():
        with ledger.open("rb") as lines:
            digest.update(hashlib.file_digest(lines, "sha256").digest())
    return digest.hexdigest()[:16]


def write_stamp(settings: Settings, stamp: BuildStamp) -> None:
    """Say that the warehouse is whole.

    Args:
        settings: The settings in force.
        stamp: What was built.
    """
    path = _stamp_of(settings)
    following = path.with_name(f".{path.name}.next")
    with following.open("w", encoding="utf-8") as file:
        json.dump(asdict(stamp), file, default=str)
        file.flush()
        os.fsync(file.fileno())
    following.replace(path)


def read_stamp(settings: Settings) -> BuildStamp | None:
    """What is in the warehouse.

    Args:
        settings: The settings in force.

    Returns:
        The stamp of the last build, or null when there was none or it did not end well.
    """
    try:
        told: dict[str, Any] = json.loads(_stamp_of(settings).read_text("utf-8"))
        told["as_of_date"] = date.fromisoformat(told["as_of_date"])
        told["known_at"] = datetime.fromisoformat(told["known_at"])
        told["file"] = tuple(told["file"])
        return BuildStamp(**told)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # also of a version of ours that wrote it otherwise


def remove_stamp(settings: Settings) -> None:
    """Say that the warehouse is in work: what is in it may be of two builds.

    Args:
        settings: The settings in force.
    """
    _stamp_of(settings).unlink(missing_ok=True)


def _stamp_of(settings: Settings) -> Path:
    return settings.home / "warehouse.built.json"


def _identity_of(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in (PROJECT_ROOT / "requirements.lock", *files):
        digest.update(path.relative_to(PROJECT_ROOT).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _code_files() -> Iterator[Path]:
    for folder in _CODE:
        for path in sorted((PROJECT_ROOT / folder).rglob("*")):
            parts = path.relative_to(PROJECT_ROOT).parts
            if path.is_file() and not _NO_CODE & set(parts) and not path.name.startswith("."):
                yield path
