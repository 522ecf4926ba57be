"""The home: where everything lies, what is made in it at first, and how lake and ledger agree.

Here live the folders under the home, the names of the lake's own tables, and the empty Parquet
that gives each table its schema. What enters the lake, and how, does not live here.
"""

import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ingest.archive import Ledger, LedgerHead
from ingest.extracts import EXTRACTS
from ingest.files import make_private_folder, write_atomic
from ingest.records import (
    EXPECTATION_RESULT_SCHEMA,
    LOAD_RECORD_SCHEMA,
    PUBLISHED_TOTAL_SCHEMA,
    QUARANTINE_SCHEMA,
)

SCHEMA_FILE: Final = "_schema.parquet"
LOADS: Final = "_loads"
EXPECTATION_RESULTS: Final = "_expectation_results"
PUBLISHED_TOTALS: Final = "_published_totals"
ADMISSIONS: Final = "_admissions"
LEDGER_HEAD: Final = "_ledger_head.json"

Progress = Callable[[str], None]
"""Takes a line for people."""


class LakeError(Exception):
    """The lake, the archive and the staging folders do not fit together."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where everything lies.

    Attributes:
        landing: Delivered files, written by senders and never changed here.
        archive: Every delivered file as it came, and the ledger.
        lake: The rows that were admitted, and the records about them.
        quarantine: The rows of admitted loads that could not enter.
        rejected: The rows or the reasons of rejected loads.
        staging: Work in progress; swept at every start. On the disk of the lake.
    """

    landing: Path
    archive: Path
    lake: Path
    quarantine: Path
    rejected: Path
    staging: Path

    @staticmethod
    def of_home(home: Path) -> "Folders":
        """The folders under a home, by their own names."""
        return Folders(
            landing=home / "landing",
            archive=home / "archive",
            lake=home / "lake",
            quarantine=home / "quarantine",
            rejected=home / "rejected",
            staging=home / "staging",
        )

    def all(self) -> dict[str, Path]:
        """Every folder by its name."""
        return {
            "landing": self.landing,
            "archive": self.archive,
            "lake": self.lake,
            "quarantine": self.quarantine,
            "rejected": self.rejected,
            "staging": self.staging,
        }


def initialise(folders: Folders) -> None:
    """Create what is missing: private folders, and an empty Parquet with the schema of each table.

    Args:
        folders: Where everything lies.

    Raises:
        LakeError: A folder lies inside another, or staging is on another disk than the lake.
    """
    _refuse_nesting(folders)
    for folder in folders.all().values():
        make_private_folder(folder)
    for name in ("lake", "quarantine", "rejected"):
        if folders.all()[name].stat().st_dev != folders.staging.stat().st_dev:
            raise LakeError(
                f"the {name} folder {folders.all()[name]} and the staging folder "
                f"{folders.staging} are on different disks; expected one disk, because loads are "
                "admitted by renaming them"
            )
    make_private_folder(folders.lake / ADMISSIONS)
    for folder, schema in tables(folders):
        make_private_folder(folder)
        write_schema(folder / SCHEMA_FILE, schema)


def _refuse_nesting(folders: Folders) -> None:
    resolved = {name: folder.resolve() for name, folder in folders.all().items()}
    for (one, outer), (other, inner) in itertools.permutations(resolved.items(), 2):
        if inner == outer or outer in inner.parents:
            raise LakeError(
                f"the {other} folder {inner} lies in the {one} folder {outer}; expected each in "
                "a place of its own"
            )


def tables(folders: Folders) -> Iterator[tuple[Path, Mapping[str, pl.DataType]]]:
    """Every table of the lake and the quarantine: its folder and its schema."""
    for extract in EXTRACTS.values():
        yield folders.lake / extract.name, extract.lake_schema
    yield folders.lake / LOADS, LOAD_RECORD_SCHEMA
    yield folders.lake / EXPECTATION_RESULTS, EXPECTATION_RESULT_SCHEMA
    yield folders.lake / PUBLISHED_TOTALS, PUBLISHED_TOTAL_SCHEMA
    yield folders.quarantine, QUARANTINE_SCHEMA


def write_schema(path: Path, schema: Mapping[str, pl.DataType]) -> None:
    """Write an empty Parquet with a schema, unless it is there already."""
    content = parquet_bytes(pl.DataFrame(schema=dict(schema)))
    if not path.exists() or path.read_bytes() != content:
        write_atomic(path, content)


def parquet_bytes(rows: pl.DataFrame) -> bytes:
    """A small table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def require_whole_ledger(folders: Folders, ledger: Ledger) -> None:
    """Compare the end of the ledger with the end that the lake remembers.

    The chain of hashes shows a changed line; only this shows that the last lines are gone.
    """
    try:
        head = LedgerHead(**json.loads((folders.lake / LEDGER_HEAD).read_bytes()))
    except FileNotFoundError:
        head = LedgerHead()
        if ledger.entries:
            raise LakeError(
                f"the archive holds {len(ledger.entries)} deliveries, but the lake "
                f"{folders.lake} knows of none; rebuild the lake from the archive"
            ) from None
    if head != ledger.head:
        raise LakeError(
            f"the ledger in {folders.archive} ends with line {ledger.head.sequence} "
            f"(hash {ledger.head.line_sha256}), but the lake was left at line {head.sequence} "
            f"(hash {head.line_sha256}); restore the ledger from a backup, or rebuild the lake"
        )
