"""Source mappings: how a source's files become extracts.

Here live the schema of the YAML files, their checks and their loading. What an extract must hold
is `ingest.extracts`; reading and typing files under a mapping is `ingest.staging`.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

import polars as pl
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ingest.extracts import EXTRACTS, Column

CANONICAL: Final = "canonical"
"""The built-in source whose files carry the extract's name and the canonical columns."""

DEFAULT_TIMEZONE: Final = "Asia/Shanghai"
ISO_DATE: Final = "%Y-%m-%d"
EXTENSIONS: Final = ("csv", "tsv", "txt", "xlsx", "parquet", "jsonl")
PACKINGS: Final = ("gz", "zst")
_DIRECTIVE: Final = re.compile(r"%[-_0]?([A-Za-z])")
_DATE_DIRECTIVES: Final = frozenset("YymdbBeHMSfIpTFzjDRq")
_FINGERPRINT_LENGTH: Final = 16


class MappingError(ValueError):
    """A mapping that cannot be used, with file, key, what is expected, what is found."""


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_one_or_many)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFormat(_Strict):
    """How the text of a file is laid out; encoding and delimiter are detected when absent."""

    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    skip_rows: int = Field(default=0, ge=0)
    header_rows: int = Field(default=1, ge=0, le=9)
    sheet: str | None = None

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str | None) -> str | None:
        if encoding is None:
            return None
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            message = "a text encoding such as utf-8, gb18030, utf-16 or cp1252"
            raise ValueError(message) from None

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_plain(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and (not delimiter.isascii() or delimiter in '"\r\n\0'):
            message = "one ASCII character other than a quote or a line end"
            raise ValueError(message)
        return delimiter


class NumberFormat(_Strict):
    """How numbers are written.

    Attributes:
        decimal: The decimal sign.
        thousands: The sign between groups of three digits, or None.
        negative: `minus` before the number, `trailing_minus` behind it, or `parentheses` around
            it. A minus before the number is always understood.
        strip: Text around numbers that says nothing, such as a currency sign.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "_", "\u00a0", "\u202f"] | None = None
    negative: Literal["minus", "trailing_minus", "parentheses"] = "minus"
    strip: Texts = []

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.decimal == self.thousands:
            message = "thousands that differ from decimal"
            raise ValueError(message)
        return self


class ColumnSource(_Strict):
    """Where one canonical column comes from: a column, a constant or an expression.

    Attributes:
        column: Name of the source column.
        value: A constant for every row.
        expression: A SQL expression over the source columns, which are text.
        absolute: Whether the sign of the number is taken off.
        optional: Whether the source column may be missing from the file.
        dates: Date formats of this column alone.
        numbers: Number format of this column alone.
    """

    column: str | None = None
    value: str | None = None
    expression: str | None = None
    absolute: bool = False
    optional: bool = False
    dates: Texts | None = None
    numbers: NumberFormat | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("value", mode="before")
    @classmethod
    def _value_is_text(cls, value: object) -> object:
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int | Decimal) else value

    @field_validator("expression")
    @classmethod
    def _expression_parses(cls, expression: str | None) -> str | None:
        return None if expression is None else _sql(expression)

    @field_validator("dates")
    @classmethod
    def _dates_are_formats(cls, dates: list[str] | None) -> list[str] | None:
        return None if dates is None else _date_formats(dates)

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [
            name for name in ("column", "value", "expression") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            message = f"exactly one of column, value and expression, found {given or 'none'}"
            raise ValueError(message)
        return self


def _sql(expression: str, *, is_condition: bool = False) -> str:
    """Try an expression on two rows without values, so that a file need not find its mistake."""
    try:
        parsed = pl.sql_expr(expression)
        names = parsed.meta.root_names()
        rows = pl.DataFrame(
            {name: [None, None] for name in names or ["_"]},
            schema_overrides=dict.fromkeys(names, pl.String()),
        )
        result = rows.select(parsed.alias("result"))["result"]
    except Exception as error:
        message = f"a SQL expression as polars.sql_expr reads it, over text ({_first_line(error)})"
        raise ValueError(message) from None
    if names and result.len() != rows.height:
        message = "a SQL expression over one row"
        raise ValueError(message)
    if is_condition and result.dtype != pl.Boolean:
        message = f"a SQL condition, true or false for a row, found a result of type {result.dtype}"
        raise ValueError(message)
    return expression


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _date_formats(formats: Iterable[str]) -> list[str]:
    formats = list(formats)
    for text in formats:
        directives = set(_DIRECTIVE.findall(text))
        has_day = {"d", "e", "F", "j", "D"} & directives
        if not has_day or not directives <= _DATE_DIRECTIVES:
            message = f"date formats such as %Y-%m-%d or %d/%m/%Y, found {text!r}"
            raise ValueError(message)
    return formats


class ExtractMapping(_Strict):
    """How one file feeds one extract."""

    extract: str
    where: str | None = None
    columns: dict[str, ColumnSource]
    codes: dict[str, dict[str, str]] = {}

    @field_validator("extract")
    @classmethod
    def _extract_is_known(cls, extract: str) -> str:
        if extract not in EXTRACTS:
            message = f"one of {', '.join(EXTRACTS)}"
            raise ValueError(message)
        return extract

    @field_validator("where")
    @classmethod
    def _where_parses(cls, where: str | None) -> str | None:
        return None if where is None else _sql(where, is_condition=True)

    @field_validator("codes", mode="before")
    @classmethod
    def _codes_are_text(cls, codes: object) -> object:
        if not isinstance(codes, dict):
            return codes
        return {
            column: {_plain(key): _plain(value) for key, value in table.items()}
            if isinstance(table, dict)
            else table
            for column, table in codes.items()
        }

    @model_validator(mode="after")
    def _columns_fit_the_extract(self) -> Self:
        extract = EXTRACTS[self.extract]
        known = extract.schema
        for name in self.columns:
            if name not in known:
                message = f"columns of {extract.name} ({', '.join(known)}), found {name!r}"
                raise ValueError(message)
        missing = [name for name in extract.required if name not in self.columns]
        if missing:
            message = f"a source for each mandatory column, missing {', '.join(missing)}"
            raise ValueError(message)
        for name, table in self.codes.items():
            if name not in self.columns:
                message = f"codes only for mapped columns, found {name!r}"
                raise ValueError(message)
            allowed = extract.column(name).codes
            if allowed is not None:
                for code in table.values():
                    if code not in allowed:
                        message = (
                            f"codes.{name} to give one of {', '.join(allowed)}; found {code!r}"
                        )
                        raise ValueError(message)
        for name, source in self.columns.items():
            self._check_constant(extract.column(name), source)
        return self

    def _check_constant(self, column: Column, source: ColumnSource) -> None:
        if source.value is None or column.codes is None or column.name in self.codes:
            return
        if source.value not in column.codes:
            message = (
                f"columns.{column.name}.value to be one of {', '.join(column.codes)}; "
                f"found {source.value!r}"
            )
            raise ValueError(message)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Names of the source columns that the extract reads, filters included."""
        names: dict[str, None] = {}
        for source in self.columns.values():
            names |= dict.fromkeys(_columns_of(source))
        if self.where is not None:
            names |= dict.fromkeys(pl.sql_expr(self.where).meta.root_names())
        return tuple(names)

    @property
    def required_source_columns(self) -> tuple[str, ...]:
        """Names of the source columns without which a file cannot be read."""
        names: dict[str, None] = {}
        for source in self.columns.values():
            if not source.optional:
                names |= dict.fromkeys(_columns_of(source))
        if self.where is not None:
            names |= dict.fromkeys(pl.sql_expr(self.where).meta.root_names())
        return tuple(names)


def _columns_of(source: ColumnSource) -> list[str]:
    if source.column is not None:
        return [source.column]
    if source.expression is not None:
        return pl.sql_expr(source.expression).meta.root_names()
    return []


def _plain(value: object) -> object:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


class Control(_Strict):
    """Totals that the sender vouches for: records of the file, and their amount."""

    row_count: int | None = Field(default=None, ge=0)
    amount: Decimal | None = None

    @field_validator("amount", mode="before")
    @classmethod
    def _amount_is_text(cls, amount: object) -> object:
        if isinstance(amount, float):
            message = 'an amount in quotes, such as "147703180.00"'
            raise ValueError(message)
        return amount


class QuarantineLimits(_Strict):
    """A file with more bad rows than both limits allow is rejected whole."""

    max_rows: int = Field(default=20, ge=0)
    max_rate: Decimal = Field(default=Decimal("0.05"), ge=0, le=1)


class FileMapping(_Strict):
    """How the files of one name pattern are read, and which extracts they feed."""

    pattern: str
    format: FileFormat = FileFormat()
    drop_rows: Texts = []
    dates: Texts = [ISO_DATE]
    numbers: NumberFormat = NumberFormat()
    nulls: Texts = [""]
    delivery: Literal["delta", "full"] = "delta"
    extracts: list[ExtractMapping] = Field(min_length=1)
    control: Control | None = None

    @field_validator("drop_rows")
    @classmethod
    def _drop_rows_parse(cls, drop_rows: list[str]) -> list[str]:
        return [_sql(expression, is_condition=True) for expression in drop_rows]

    @field_validator("dates")
    @classmethod
    def _dates_are_formats(cls, dates: list[str]) -> list[str]:
        return _date_formats(dates)

    @field_validator("nulls", mode="before")
    @classmethod
    def _nulls_are_text(cls, nulls: object) -> object:
        return [_plain(null) for null in nulls] if isinstance(nulls, list) else nulls

    @model_validator(mode="after")
    def _extracts_differ(self) -> Self:
        names = [extract.extract for extract in self.extracts]
        if len(names) != len(set(names)):
            message = f"each extract once per pattern (use codes for types), found {names}"
            raise ValueError(message)
        return self

    def matches(self, file_name: str) -> bool:
        """Whether the file's name fits the pattern, packing suffix and letter case aside."""
        pattern = _folded(self.pattern)
        name = _folded(file_name)
        if fnmatchcase(name, pattern):
            return True
        stem, _, suffix = name.rpartition(".")
        return suffix in PACKINGS and fnmatchcase(stem, pattern)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Names of all source columns that some extract or `drop_rows` reads."""
        names: dict[str, None] = {}
        for extract in self.extracts:
            names |= dict.fromkeys(extract.source_columns)
        for expression in self.drop_rows:
            names |= dict.fromkeys(pl.sql_expr(expression).meta.root_names())
        return tuple(names)

    @property
    def required_source_columns(self) -> tuple[str, ...]:
        """Names of the source columns without which a file cannot be read."""
        names: dict[str, None] = {}
        for extract in self.extracts:
            names |= dict.fromkeys(extract.required_source_columns)
        for expression in self.drop_rows:
            names |= dict.fromkeys(pl.sql_expr(expression).meta.root_names())
        return tuple(names)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


class SourceMapping(_Strict):
    """One source: the landing folder's name, its time zone and its files.

    Attributes:
        source: The landing folder's name.
        timezone: The zone of timestamps that name none; None refuses such timestamps.
        quarantine: Above which number and share of bad rows a file is rejected whole.
        files: The file patterns; the first that fits a name is used.
    """

    source: str = Field(pattern=r"^\w[\w.-]{0,63}$")
    timezone: str | None = DEFAULT_TIMEZONE
    quarantine: QuarantineLimits = QuarantineLimits()
    files: list[FileMapping] = Field(min_length=1)

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, timezone: str | None) -> str | None:
        if timezone is None:
            return None
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            message = "an IANA time zone such as Asia/Shanghai"
            raise ValueError(message) from None
        return timezone

    @model_validator(mode="after")
    def _constants_are_values(self) -> Self:
        # Typing knows mappings, so that only here, at run time, can mappings know typing.
        from ingest.conversion import constant_problem

        for file in self.files:
            for part in file.extracts:
                for name, source in part.columns.items():
                    if source.value is None:
                        continue
                    expected = constant_problem(
                        EXTRACTS[part.extract],
                        name,
                        source,
                        codes=part.codes,
                        file_mapping=file,
                        timezone=self.timezone,
                    )
                    if expected is not None:
                        message = (
                            f"columns.{name}.value of {part.extract} in {file.pattern!r} to be "
                            f"{expected}; found {source.value!r}"
                        )
                        raise ValueError(message)
        return self

    def file_mapping(self, file_name: str) -> FileMapping | None:
        """The first file mapping that fits the name, or None."""
        for mapping in self.files:
            if mapping.matches(file_name):
                return mapping
        return None

    @cached_property
    def _fingerprint(self) -> str:
        content = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":")
        )
        return hashlib.sha256(content.encode()).hexdigest()[:_FINGERPRINT_LENGTH]

    def fingerprint(self) -> str:
        """Identity of the mapping's content: the same however its file is laid out."""
        return self._fingerprint


def canonical_mapping(timezone: str | None = DEFAULT_TIMEZONE) -> SourceMapping:
    """The built-in mapping of files that already are extracts.

    Args:
        timezone: The zone of timestamps that name none.

    Returns:
        A mapping with one pattern `<extract>*` per extract, in which optional columns may be
        missing from the file.
    """
    return SourceMapping(
        source=CANONICAL,
        timezone=timezone,
        files=[
            FileMapping(
                pattern=f"{extract.name}*",
                extracts=[
                    ExtractMapping(
                        extract=extract.name,
                        columns={
                            column.name: ColumnSource(
                                column=column.name, optional=not column.is_required
                            )
                            for column in extract.columns
                        },
                    )
                ],
            )
            for extract in EXTRACTS.values()
        ],
    )


class _TextLoader(yaml.SafeLoader):
    """YAML whose scalars stay text, but for null, true and false.

    A code list keyed `Yes`, `01` or `2024-01-01` means those letters, and money must not pass
    through a float.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                message = f"key {key!r} stands twice{node.start_mark}"
                raise yaml.YAMLError(message)
        return super().construct_mapping(node, deep=deep)


_TextLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TextLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)


def _read_mapping(path: Path, *, timezone: str | None) -> SourceMapping:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path}: expected a YAML file in UTF-8, found {error}; correct the file"
        raise MappingError(message) from error
    if not isinstance(content, dict):
        message = (
            f"{path}: expected a mapping with the keys source and files, "
            f"found {type(content).__name__}; see the ready mappings for the layout"
        )
        raise MappingError(message)
    try:
        return SourceMapping.model_validate({"timezone": timezone, **content})
    except ValidationError as error:
        lines = [_explain(path, problem) for problem in error.errors()]
        raise MappingError("\n".join(lines)) from error


_WORDS: Final = {
    "Input should be ": "",
    "String should match pattern ": "a text of the pattern ",
    "String should have ": "a text with ",
    "List should have ": "a list with ",
    " after validation, not 0": "",
    " or instance of ColumnSource": "",
    "a valid dictionary": "keys with values",
}
"""Pydantic's phrases in the words of a message that goes on after `expected`."""


def _explain(path: Path, problem: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
    found = repr(problem["input"])
    limit = 120
    if len(found) > limit:
        found = found[:limit] + "…"
    message = str(problem["msg"]).removeprefix("Value error, ")
    for pydantic_words, words in _WORDS.items():
        message = message.replace(pydantic_words, words)
    if problem["type"] == "extra_forbidden":
        name = key.rpartition(".")[2]
        return f"{path}: {key}: expected a known key, found {name!r}; remove or respell it"
    if problem["type"] == "missing":
        return f"{path}: {key}: expected a value, found none; add the key"
    if " found " not in message:
        message += f"; found {found}"
    return f"{path}: {key}: expected {message}; correct the value"


def load_mappings(
    *folders: Path, timezone: str | None = DEFAULT_TIMEZONE
) -> dict[str, SourceMapping]:
    """Read every mapping file of the folders.

    Args:
        *folders: Folders holding `*.yaml` files; a later folder replaces a source of an earlier.
        timezone: The company's time zone, for sources that declare none.

    Returns:
        Mappings by source name, the built-in `canonical` among them.

    Raises:
        MappingError: A folder or file cannot be used; names file, key, expected and found.
    """
    mappings: dict[str, SourceMapping] = {CANONICAL: canonical_mapping(timezone)}
    for folder in folders:
        if not folder.is_dir():
            message = f"{folder}: expected a folder of mapping files, found none; correct the path"
            raise MappingError(message)
        seen: dict[str, Path] = {}
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            mapping = _read_mapping(path, timezone=timezone)
            if mapping.source == CANONICAL:
                message = (
                    f"{path}: source: expected another name, found {CANONICAL!r}, "
                    "which is built in; rename the source"
                )
                raise MappingError(message)
            if mapping.source in seen:
                message = (
                    f"{path}: source: expected a name used once, found {mapping.source!r} "
                    f"also in {seen[mapping.source]}; rename one"
                )
                raise MappingError(message)
            seen[mapping.source] = path
            mappings[mapping.source] = mapping
    return mappings
