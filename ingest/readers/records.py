"""What every reader hands over: records as text, with their numbers and structural defects.

Here live the common shape, the rejection of a file, the reading of a header under a mapping and
the private file that exact readers write to. Typing does not live here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.mappings import FileMapping

ROW_NUMBER: Final = "_row_number"
RAW_TEXT: Final = "_raw_text"
DEFECT_CODE: Final = "_defect_code"
DEFECT_EXPECTED: Final = "_defect_expected"
DEFECT_FOUND: Final = "_defect_found"
OWN_COLUMNS: Final = (ROW_NUMBER, RAW_TEXT, DEFECT_CODE, DEFECT_EXPECTED, DEFECT_FOUND)

MAX_FIELD_CHARACTERS: Final = 65_536
"""A longer field is no business value; a row that holds one is quarantined."""

MAX_RECORD_CHARACTERS: Final = 1_048_576
"""A record that has not ended by then never will: a quote was left open."""

BATCH_ROWS: Final = 20_000
_BATCH_CHARACTERS: Final = 16_777_216


class FileRejectedError(Exception):
    """A file that cannot be read as declared; nothing of it enters.

    Attributes:
        reason_code: From the vocabulary of file reasons.
        detail: What, where, expected, found and the next step.
    """

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(f"{reason_code}: {detail}")
        self.reason_code = reason_code
        self.detail = detail


@dataclass(frozen=True)
class Facts:
    """What the pre-flight scan proved about the whole file.

    Checks that cannot fire on such a file are left out, so that clean files are typed fast.

    Attributes:
        is_ascii: No byte above 127.
        has_padding: A blank may stand beside a delimiter or line end.
        has_nul: A NUL byte stands somewhere.
        has_control: A control character other than those between records and fields may stand
            somewhere.
        has_formula_signs: A field may begin like a formula, or be a number in powers of ten.
        is_typed: Values came from typed cells: dates are in ISO form, numbers without blanks.
    """

    is_ascii: bool = False
    has_padding: bool = True
    has_nul: bool = True
    has_control: bool = True
    has_formula_signs: bool = True
    is_typed: bool = False


@dataclass(frozen=True)
class RawRecords:
    """The records of a file, all text.

    Attributes:
        rows: One row per record: `_row_number`, the columns named as in the mapping (others as
            in the file), and, where `has_own_text`, `_raw_text` and the defect columns.
        columns: Names of the file's columns in file order.
        row_count: Number of records as the pre-flight or the reader counted them.
        unknown_columns: Columns that the mapping does not use, as spelled in the file.
        absent_columns: Optional columns of the mapping that the file lacks.
        facts: What is proven about all values.
        delimiter: Set where a record's raw text is its columns joined by it, and where no
            record has a structural defect.
        raw_texts: Set where the raw text of records is read again from the file, by their
            ascending numbers, and where no record has a structural defect. Gives None when the
            texts are too much to hold.
        is_streamed_text: Whether the engine reads the delivered text itself; it may then still
            find a record with too many fields.
    """

    rows: pl.LazyFrame
    columns: tuple[str, ...]
    row_count: int
    unknown_columns: tuple[str, ...]
    absent_columns: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    delimiter: str | None = None
    raw_texts: Callable[[Sequence[int]], pl.DataFrame | None] | None = None
    is_streamed_text: bool = False

    @property
    def has_own_text(self) -> bool:
        """Whether the rows carry their raw text and their structural defects."""
        return self.delimiter is None and self.raw_texts is None


@dataclass(frozen=True)
class Header:
    """The columns of a file under its mapping.

    Attributes:
        names: One unique name per position: the mapping's spelling where it uses the column.
        unknown: Names that the mapping does not use, as spelled in the file.
        missing: Names that the mapping needs and the file lacks.
        absent: Optional names that the file lacks.
        repeated: Names that the mapping uses and the file has twice.
    """

    names: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    absent: tuple[str, ...]
    repeated: tuple[str, ...]

    @property
    def found_count(self) -> int:
        """How many of its columns the mapping uses."""
        return len(self.names) - len(self.unknown)


_INVISIBLE: Final = " \t\r\n\u00a0\u3000\ufeff\u200b"


def read_header(cells: Sequence[str], mapping: FileMapping) -> Header:
    """Match the header of a file with the names that its mapping uses.

    A name matches when it is equal, blanks around it aside; failing that, letter case aside.

    Args:
        cells: The header's cells in file order.
        mapping: The mapping of the file.

    Returns:
        The header; nothing is raised, because a caller may try several delimiters.
    """
    spelled = [cell.strip(_INVISIBLE) for cell in cells]
    wanted = mapping.source_columns
    exact = set(wanted)
    folded = {name.casefold(): name for name in wanted}
    has_exact = {cell for cell in spelled if cell in exact}
    names: list[str] = []
    unknown: list[str] = []
    repeated: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(spelled, start=1):
        name = cell if cell in exact else folded.get(cell.casefold())
        if name is not None and name != cell and name in has_exact:
            name = None
        if name is None:
            if cell:
                unknown.append(cell)
            name = cell or f"column_{position}"
            while name in taken or name in exact or name in OWN_COLUMNS:
                name = f"{name}_{position}"
            if not cell:
                unknown.append(name)
        elif name in taken:
            repeated.append(name)
            name = f"{name}_{position}"
            unknown.append(name)
        taken.add(name)
        names.append(name)
    required = mapping.required_source_columns
    lacking = [name for name in wanted if name not in taken]
    return Header(
        names=tuple(names),
        unknown=tuple(unknown),
        missing=tuple(name for name in lacking if name in required),
        absent=tuple(name for name in lacking if name not in required),
        repeated=tuple(repeated),
    )


def check_header(header: Header, *, where: str) -> None:
    """Refuse a header that lacks or repeats a column of the mapping.

    Args:
        header: The header as read.
        where: The place in the file, for the reader of the message.

    Raises:
        FileRejectedError: DUPLICATE_HEADER or MISSING_COLUMN.
    """
    if header.repeated:
        raise FileRejectedError(
            "DUPLICATE_HEADER",
            f"{where}: expected each column once, found twice: {', '.join(header.repeated)}; "
            "have the source rename or drop one of them",
        )
    if header.missing:
        found = ", ".join(header.names)[:500]
        raise FileRejectedError(
            "MISSING_COLUMN",
            f"{where}: expected the columns {', '.join(header.missing)}, found {found}; "
            "correct the export, or skip_rows, header_rows and columns in the mapping",
        )


def raw_schema(columns: Sequence[str]) -> dict[str, pl.DataType]:
    """Schema of the private file that exact readers write."""
    own: dict[str, pl.DataType] = {
        ROW_NUMBER: pl.Int64(),
        RAW_TEXT: pl.String(),
        DEFECT_CODE: pl.String(),
        DEFECT_EXPECTED: pl.String(),
        DEFECT_FOUND: pl.String(),
    }
    return own | {name: pl.String() for name in columns}


class RawWriter:
    """Writes records to a private Parquet file in batches of bounded size.

    Args:
        path: The private file.
        columns: Names of the file's columns.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.row_count = 0
        self._schema = pa.schema(
            [
                pa.field(name, pa.int64() if dtype == pl.Int64() else pa.large_string())
                for name, dtype in raw_schema(self.columns).items()
            ]
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="lz4")
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._texts: list[str] = []
        self._defects: list[tuple[str | None, str | None, str | None]] = []
        self._values: list[Sequence[str | None]] = []
        self._characters = 0

    def write(
        self,
        values: Sequence[str | None],
        *,
        raw_text: str,
        row_number: int | None = None,
        defect: tuple[str, str, str] | None = None,
    ) -> None:
        """Add one record.

        Args:
            values: One text or None per column; short records are filled with None.
            raw_text: The record as delivered; what exceeds a record's limit is cut.
            row_number: The record's number; the next one when absent.
            defect: Reason code, expected and found of a structural defect.
        """
        self.row_count += 1
        width = len(self.columns)
        if defect is not None:
            values = [value if value is None else value[:MAX_FIELD_CHARACTERS] for value in values][
                :width
            ]
        if len(values) < width:
            values = [*values, *([None] * (width - len(values)))]
        self._numbers.append(self.row_count if row_number is None else row_number)
        self._texts.append(raw_text[:MAX_RECORD_CHARACTERS])
        self._defects.append(defect or (None, None, None))
        self._values.append(values)
        self._characters += len(raw_text)
        if len(self._numbers) >= BATCH_ROWS or self._characters >= _BATCH_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if not self._numbers:
            return
        codes, expected, found = zip(*self._defects, strict=True)
        columns: list[Sequence[object]] = [self._numbers, self._texts, codes, expected, found]
        columns.extend(zip(*self._values, strict=True))
        arrays = [
            pa.array(column, type=kind)
            for column, kind in zip(columns, self._schema.types, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def scan(self) -> pl.LazyFrame:
        """The records written, lazily; only after the writer was closed."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
