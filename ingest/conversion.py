"""Typing: from the text of a source to the canonical columns, or to a reason why not.

Here live the expressions that turn text into money, dates, instants, codes and flags, and the
checks that say what is wrong with a row. Files, balances and the lake do not live here.

Money is matched by a pattern before it is cast, so that it is never rounded and never a float.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import Final
from zoneinfo import available_timezones

import polars as pl
from iso4217 import Currency

from ingest.extracts import DATE, FLAG, MONEY, TEXT, Column, Extract
from ingest.mappings import (
    ISO_DATE,
    ColumnSource,
    FileMapping,
    NumberFormat,
)
from ingest.readers.records import Facts
from ingest.records import INSTANT

EARLIEST_DATE: Final = date(1980, 1, 1)
LATEST_DATE: Final = date(2099, 12, 31)
_EARLIEST_INSTANT: Final = datetime.combine(EARLIEST_DATE, time.min)
_LATEST_INSTANT: Final = datetime.combine(LATEST_DATE, time.max)

_KEY_CHARACTERS: Final = (
    r"[\x00-\x1f\x7f\u{80}-\u{a0}\u{ad}\u{1680}\u{2000}-\u{200f}\u{2028}-\u{202f}"
    r"\u{205f}-\u{206f}\u{3000}\u{feff}\u{ff01}-\u{ff5e}\u{fffd}]"
)
_ASCII_CONTROL: Final = r"[\x00-\x1f\x7f]"
_LOST_PRECISION: Final = r"^[0-9](?:\.[0-9]+)?[eE]\+[0-9]+$"
_FORMULA: Final = r"^(?:[=@+]|-[^0-9].*[(|!])"
_NON_FINITE: Final = r"^(?i)[+-]?(?:nan|inf|infinity|#num!|#div/0!|#value!|#n/a)$"
_NUMBER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)$"
_NUMERIC_DATE: Final = r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{2}|[0-9]{4})(?:[ T].*)?$"
TOTAL_LABELS: Final = (
    *("total", "Total", "TOTAL", "totals", "Totals", "TOTALS", "subtotal", "Subtotal", "SUBTOTAL"),
    *("Sub-total", "Grand total", "Grand Total", "GRAND TOTAL", "sum", "Sum", "SUM"),
    *("合计", "小计", "总计", "总合计", "本页合计", "本月合计", "本年累计", "累计"),
)
"""What reports write where a total stands instead of a record."""

_TRUE: Final = ("true", "t", "yes", "y", "1", "是", "真", "x")
_FALSE: Final = ("false", "f", "no", "n", "0", "否", "假")
_INSTANT_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)
_OFFSET: Final = r"(?:[zZ]|[+-][0-9]{2}:?[0-9]{2})$"
_ISO_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<mark>[T ])[0-9]{2}:[0-9]{2}"
    r"(?P<seconds>:[0-9]{2}(?:\.(?P<fraction>[0-9]{6}|[0-9]{3}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ISO_OFFSET: Final = re.compile(
    r"Z|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):?(?P<minutes>[0-5][0-9])"
)
_MANY_OFFSETS: Final = 8
"""More than the sites of one source have; each offset costs a pass over the texts."""

_SAMPLE_ROWS: Final = 256
"""Measured: remembering the dates read halves the time where rows are in their order, and doubles
it where most differ from those before them."""

_NO_OTHER_ISO: Final = re.compile(r"%Y-%m-%d|%Y[^-%]|%[-_0]?[dmy][^%]")
"""How a format begins that cannot read an ISO instant as another one."""

_READABLE: Final = pl.Decimal(38, 6)
_CENTS: Final = r"^-?[0-9]{1,16}\.[0-9]{2}$"
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a column of a row.

    Attributes:
        reason_code: From the vocabulary of row reasons.
        expected: What was expected, in words.
        is_failed: True where it is wrong; over the text columns of `Conversion`.
    """

    reason_code: str
    expected: str
    is_failed: pl.Expr


@dataclass(frozen=True)
class Conversion:
    """How one canonical column is made.

    Attributes:
        column: The canonical column.
        text: The text of the source, blanks and null words taken off, codes translated.
        value: The typed value over text columns, NULL where it cannot be typed.
        is_bad: True where the row must be refused for this column.
        checks: Why, in the order in which reasons are given.
    """

    column: Column
    text: pl.Expr
    value: pl.Expr
    is_bad: pl.Expr
    checks: tuple[Check, ...]


def text_name(column: str) -> str:
    """Name of the working column that holds a canonical column's text."""
    return f"_text:{column}"


@cache
def currency_codes() -> dict[str, int]:
    """Codes of the currencies in use and the decimals of their minor unit.

    Source: ISO 4217; metals, units of account and test codes (X…) are no document currencies.
    """
    regional = {"XAF", "XOF", "XPF", "XCD", "XCG"}
    return {
        currency.code: currency.exponent or 0
        for currency in Currency
        if not currency.code.startswith("X") or currency.code in regional
    }


def conversions_of(
    extract: Extract,
    columns: Mapping[str, ColumnSource],
    *,
    codes: Mapping[str, Mapping[str, str]],
    file_mapping: FileMapping,
    facts: Facts,
    timezone: str | None,
) -> list[Conversion]:
    """Plan the typing of every column that the mapping supplies.

    Args:
        extract: The contract.
        columns: Where the file has its columns.
        codes: Code tables by column.
        file_mapping: Formats of the file.
        facts: What the reader proved; checks that cannot fire are left out.
        timezone: The zone of instants that name none; None refuses them.

    Returns:
        One conversion per supplied column, in contract order.
    """
    planner = _Planner(columns, codes, file_mapping, facts, timezone)
    return [
        planner.plan(column, columns[column.name])
        for column in extract.columns
        if column.name in columns
    ]


def constant_problem(
    extract: Extract,
    name: str,
    source: ColumnSource,
    *,
    codes: Mapping[str, Mapping[str, str]],
    file_mapping: FileMapping,
    timezone: str | None,
) -> str | None:
    """What a mapping's constant should have been, None when it can be typed.

    Args:
        extract: The contract.
        name: The canonical column.
        source: The constant.
        codes: Code tables by column.
        file_mapping: Formats of the file.
        timezone: The zone of instants that name none.

    Returns:
        What was expected, in words.
    """
    columns = {name: source}
    (conversion,) = conversions_of(
        extract, columns, codes=codes, file_mapping=file_mapping, facts=Facts(), timezone=timezone
    )
    row = pl.select(conversion.text).with_columns(conversion.value)
    if not row.select(conversion.is_bad).item():
        return None
    failed = row.select(
        check.is_failed.fill_null(value=False).alias(str(position))
        for position, check in enumerate(conversion.checks)
    ).row(0)
    return next(
        (
            check.expected
            for check, is_failed in zip(conversion.checks, failed, strict=True)
            if is_failed
        ),
        "a value of the column's type",
    )


def readable_amount(source: ColumnSource, file_mapping: FileMapping, *, text: pl.Expr) -> pl.Expr:
    """The amount of a row as an auditor adds it up, NULL where it cannot be read.

    This is computed beside the typing, from the text alone, so that the balance of a load
    compares two computations.

    Args:
        source: The mapping of the amount column.
        file_mapping: Formats of the file.
        text: The text of the amount.

    Returns:
        Decimal(38, 6), signed as delivered, of amounts of at most 16 digits and two decimals.
    """
    numbers = source.numbers or file_mapping.numbers
    return _plain_number(text, numbers).map_batches(
        _readable, return_dtype=_READABLE, is_elementwise=True
    )


def _readable(texts: pl.Series) -> pl.Series:
    amounts = texts.cast(_READABLE, strict=False)
    cents = amounts.cast(MONEY, strict=False).cast(_READABLE)
    is_finer = amounts.ne_missing(cents)
    return amounts.set(is_finer, None) if is_finer.any() else amounts


def cleaned_columns(
    file_mapping: FileMapping, *, absent: Collection[str], facts: Facts
) -> list[pl.Expr]:
    """Take blanks and null words off the source columns, where there may be any.

    Args:
        file_mapping: The mapping of the file.
        absent: Columns of the mapping that the file lacks.
        facts: What the reader proved.

    Returns:
        One expression per source column that has to change, under its own name.
    """
    words = [word for word in file_mapping.nulls if word]
    if not facts.has_padding and not words:
        return []
    cleaned = []
    for name in file_mapping.source_columns:
        if name in absent:
            continue
        text = pl.col(name)
        if facts.has_padding:
            text = text.str.strip_chars(_BLANKS)
        cleaned.append(_without_nulls(text, words))
    return cleaned


def source_text(source: ColumnSource) -> pl.Expr:
    """The text of one column's source, over cleaned source columns."""
    if source.value is not None:
        return pl.lit(source.value or None, dtype=pl.String())
    if source.expression is not None:
        text = pl.sql_expr(source.expression).cast(pl.String()).str.strip_chars(_BLANKS)
        return pl.when(text != "").then(text)
    assert source.column is not None  # noqa: S101 - the mapping's schema says so
    return pl.col(source.column)


def _without_nulls(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    return pl.when(~text.is_in(["", *words])).then(text)


@dataclass(frozen=True)
class _Planner:
    columns: Mapping[str, ColumnSource]
    codes: Mapping[str, Mapping[str, str]]
    file_mapping: FileMapping
    facts: Facts
    timezone: str | None

    def plan(self, column: Column, source: ColumnSource) -> Conversion:
        text = source_text(source)
        codes = self.codes.get(column.name)
        if codes:
            text = _translated(text, codes)
        value, checks = self._typed(column, source)
        name = text_name(column.name)
        is_empty = pl.col(name).is_null()
        is_bad = pl.col(column.name).is_null()
        checks = [replace(check, is_failed=~is_empty & check.is_failed) for check in checks]
        if column.default is not None:
            default = pl.lit(column.default).cast(column.dtype)
            value = pl.when(is_empty).then(default).otherwise(value)
        elif column.is_required:
            checks = [Check(_missing_code(column), "a value", is_empty), *checks]
        else:
            is_bad = is_bad & ~is_empty
        minor = self._minor_unit_check(column)
        if minor is not None:
            checks.append(minor)
            is_bad = is_bad | minor.is_failed.fill_null(value=False)
        conversion = Conversion(
            column=column,
            text=text.alias(name),
            value=value.alias(column.name),
            is_bad=is_bad,
            checks=tuple(checks),
        )
        return conversion if source.value is None or minor is not None else _settled(conversion)

    def _minor_unit_check(self, column: Column) -> Check | None:
        """Decimals in a currency that has none."""
        if column.currency_column is None or column.currency_column not in self.columns:
            return None
        whole = [code for code, decimals in currency_codes().items() if decimals == 0]
        currency = self.columns[column.currency_column].value
        if currency is not None and currency.upper() not in whole:
            return None
        has_fraction = pl.map_batches(
            [column.currency_column, column.name],
            lambda pair: _has_fraction(pair[0], pair[1], whole),
            return_dtype=pl.Boolean(),
            is_elementwise=True,
        )
        return Check("AMOUNT_SCALE", "no decimals in a currency without a minor unit", has_fraction)

    def _typed(self, column: Column, source: ColumnSource) -> tuple[pl.Expr, list[Check]]:
        text = pl.col(text_name(column.name))
        if column.codes is not None:
            return self._code(column, text)
        if column.check == "currency":
            return self._currency(column, text)
        if column.check == "timezone":
            return self._timezone(text)
        if column.dtype == TEXT:
            return self._text(column, source, text)
        if column.dtype == DATE:
            return self._date(source, text)
        if column.dtype == INSTANT:
            return self._instant(source, text)
        if column.dtype == FLAG:
            return self._flag(text)
        return self._number(column, source, text)

    def _code(self, column: Column, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        codes = list(column.codes or ())
        value = _listed(text, codes, fold=lambda code: code.str.to_lowercase())
        expected = f"one of {', '.join(codes)}"
        return value, [Check("BAD_ENUM", expected, pl.col(column.name).is_null())]

    def _currency(self, column: Column, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        value = _listed(text, list(currency_codes()), fold=lambda code: code.str.to_uppercase())
        expected = "a currency of ISO 4217 in use"
        return value, [Check("BAD_CURRENCY", expected, pl.col(column.name).is_null())]

    def _timezone(self, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        zones = sorted(available_timezones())
        value = pl.when(text.is_in(zones)).then(text)
        return value, [Check("BAD_ENUM", "an IANA time zone", ~text.is_in(zones))]

    def _text(
        self, column: Column, source: ColumnSource, text: pl.Expr
    ) -> tuple[pl.Expr, list[Check]]:
        checks: list[Check] = []
        if self.facts.has_nul:
            checks.append(
                Check("CONTROL_CHAR", "text without NUL", text.str.contains("\0", literal=True))
            )
        if column.kind == "key" or column.name.endswith("_id"):
            if column.kind == "key":
                checks.append(
                    Check("TRAILER", "an identifier, not a total's label", text.is_in(TOTAL_LABELS))
                )
            if self.facts.has_formula_signs or source.expression is not None:
                checks += [
                    Check("FORMULA", "an identifier, not a formula", text.str.contains(_FORMULA)),
                    Check(
                        "ID_PRECISION_LOST",
                        "an identifier as text, every digit of it",
                        text.str.contains(_LOST_PRECISION),
                    ),
                ]
            if self.facts.has_control or not self.facts.is_ascii:
                characters = _ASCII_CONTROL if self.facts.is_ascii else _KEY_CHARACTERS
                checks.append(
                    Check(
                        "KEY_CHARS",
                        "an identifier without invisible, control or full-width characters",
                        text.str.contains(characters),
                    )
                )
        if not checks:
            return text, []
        return pl.when(~_any_failed(checks)).then(text), checks

    def _flag(self, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        word = text.str.to_lowercase()
        value = (
            pl.when(word.is_in(_TRUE))
            .then(statement=True)
            .when(word.is_in(_FALSE))
            .then(statement=False)
        )
        return value, [
            Check("BAD_ENUM", "true, false, yes, no, 1 or 0", ~word.is_in([*_TRUE, *_FALSE]))
        ]

    def _date(self, source: ColumnSource, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        formats = self._formats(source)
        days = [_day(text, pattern) for pattern in formats]
        is_ambiguous = pl.lit(value=False)
        if len(days) > 1:
            is_ambiguous = pl.min_horizontal(days) != pl.max_horizontal(days)
        day = pl.coalesce(days)
        in_range = day.is_between(EARLIEST_DATE, LATEST_DATE)
        exact = pl.when(in_range & ~is_ambiguous.fill_null(value=False)).then(day)
        value = _quickly(text, lambda texts: _clean_days(texts, formats), exact, DATE)
        expected = f"a date written {' or '.join(formats)}"
        return value, [*_date_checks(text, day, is_ambiguous, formats, expected)]

    def _formats(self, source: ColumnSource) -> list[str]:
        formats = list(dict.fromkeys(source.dates or self.file_mapping.dates))
        if self.facts.is_typed and ISO_DATE not in formats:
            formats.append(ISO_DATE)
        return formats

    def _instant(self, source: ColumnSource, text: pl.Expr) -> tuple[pl.Expr, list[Check]]:
        formats = self._formats(source)
        has_offset = text.str.contains(_OFFSET) & text.str.contains(":", literal=True)
        with_offset = (
            pl.coalesce(
                text.str.replace(r"[zZ]$", "+00:00")
                .str.replace("T", " ", literal=True)
                .str.replace(r" ([+-])", "${1}")
                .str.to_datetime(pattern, time_unit="us", strict=False)
                for pattern in ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z")
            )
            .dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None)
        )
        patterns = [*formats, *(ready for ready in _INSTANT_FORMATS if ready not in formats)]
        moments = [_moment(text, pattern) for pattern in patterns]
        is_ambiguous = pl.min_horizontal(moments) != pl.max_horizontal(moments)
        naive = pl.coalesce(moments)
        is_leap_second = text.str.contains(":60", literal=True)
        checks: list[Check] = []
        day = pl.coalesce(naive, with_offset).dt.date()
        expected = f"an instant written {' or '.join(patterns)}, or with an offset"
        if self.timezone is None:
            instant: pl.Expr = pl.when(has_offset).then(with_offset)
            is_naive = ~has_offset & naive.is_not_null()
            checks.append(
                Check("NAIVE_TIMESTAMP", "an instant with an offset, or a declared zone", is_naive)
            )
        else:
            local = naive.dt.replace_time_zone(self.timezone, ambiguous="null", non_existent="null")
            universal = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            instant = pl.when(has_offset).then(with_offset).otherwise(universal)
            checks.append(
                Check(
                    "BAD_TIMESTAMP",
                    f"a local time that exists once in {self.timezone}",
                    ~has_offset & naive.is_not_null() & local.is_null(),
                )
            )
        in_range = day.is_between(EARLIEST_DATE, LATEST_DATE)
        is_unclear = ~has_offset & is_ambiguous.fill_null(value=False)
        exact = pl.when(in_range & ~is_unclear & ~is_leap_second).then(instant)
        value: pl.Expr = exact
        if all(_NO_OTHER_ISO.match(each) and "z" not in each.lower() for each in formats):
            quick = partial(_clean_instants, timezone=self.timezone)
            value = _quickly(text, quick, exact, INSTANT)
        return value, [
            Check("BAD_TIMESTAMP", "seconds from 00 to 59", is_leap_second),
            Check("AMBIGUOUS_DATE", "a date that the formats read alike", is_unclear),
            Check(
                "AMBIGUOUS_DATE",
                expected,
                day.is_null() & text.str.contains(_NUMERIC_DATE),
            ),
            Check("DATE_RANGE", _RANGE, ~in_range),
            *checks,
            Check("BAD_TIMESTAMP", expected, instant.is_null()),
        ]

    def _number(
        self, column: Column, source: ColumnSource, text: pl.Expr
    ) -> tuple[pl.Expr, list[Check]]:
        numbers = source.numbers or self.file_mapping.numbers
        plain = _plain_number(text, numbers)
        digits, decimals = _size(column.dtype)
        pattern = _exact_pattern(column, digits, decimals)
        value = plain.cast(column.dtype, strict=False)
        if source.absolute:
            value = value.abs()
        is_exact = plain.str.contains(pattern)
        bounds: list[pl.Expr] = []
        if column.minimum is not None:
            bounds.append(value < pl.lit(column.minimum))
        if column.maximum is not None:
            bounds.append(value > pl.lit(column.maximum))
        if column.is_positive:
            bounds.append(value <= pl.lit(0))
        checks = [
            Check("NON_FINITE", "a finite number", text.str.contains(_NON_FINITE)),
            Check("FORMULA", "a number, not a formula", text.str.starts_with("=")),
            Check(
                "BAD_AMOUNT",
                _number_words(numbers, decimals),
                ~plain.str.contains(_NUMBER).fill_null(value=False),
            ),
            Check(
                "AMOUNT_RANGE",
                f"at most {digits} digits before the decimal sign",
                plain.str.contains(rf"[1-9][0-9]{{{digits},}}(?:\.|$)"),
            ),
            Check(
                "AMOUNT_SCALE",
                f"at most {decimals} decimals, and not three",
                ~is_exact.fill_null(value=False),
            ),
        ]
        mask = is_exact if decimals else value.is_not_null()
        for is_out in bounds:
            checks.append(Check("AMOUNT_RANGE", _bounds_words(column), is_out))
            mask = mask & ~is_out
        exact = pl.when(mask).then(value)
        if plain is not text or source.absolute:
            return exact, checks
        quick = partial(_clean_numbers, column=column)
        return _quickly(text, quick, exact, column.dtype), checks


def _listed(text: pl.Expr, codes: list[str], *, fold: Callable[[pl.Series], pl.Series]) -> pl.Expr:
    """The codes among the texts, NULL elsewhere; letter case is folded only where it must be."""

    def match(texts: pl.Series) -> pl.Series:
        if _only_text(texts) in codes or texts.is_in(codes).all():
            return texts
        folded = fold(texts)
        return folded.set(~folded.is_in(codes), None)

    return text.map_batches(match, return_dtype=pl.String(), is_elementwise=True)


def _only_text(texts: pl.Series) -> str | None:
    """The text of a batch that holds no other, None where there are more or none.

    Measured: a seventh of the time of looking each text up.
    """
    first = texts.first(ignore_nulls=True)
    return None if first is None or not (texts == first).all() else str(first)


def _quickly(
    text: pl.Expr,
    quick: Callable[[pl.Series], pl.Series | None],
    exact: pl.Expr,
    dtype: pl.DataType,
) -> pl.Expr:
    """Convert batches that are clean at once, and only the others by the exact expression.

    Args:
        text: The text column.
        quick: Converts a batch all of whose values are clean; None when one may not be.
        exact: The conversion over the text column; it gives the same for clean values.
        dtype: The type of the result.

    Returns:
        The converted column.
    """
    name = text.meta.output_name()

    def convert(texts: pl.Series) -> pl.Series:
        values = quick(texts)
        if values is None:
            values = texts.to_frame(name).select(exact.alias(name)).to_series()
        return values

    return text.map_batches(convert, return_dtype=dtype, is_elementwise=True)


def _clean_days(texts: pl.Series, formats: Sequence[str]) -> pl.Series | None:
    if len(formats) > 1 or re.search(r"%[-_0]?[HMSfITRp]", formats[0]):
        return None
    is_repetitive = texts.head(_SAMPLE_ROWS).n_unique() < _SAMPLE_ROWS // 2
    days = texts.str.to_date(formats[0], strict=False, cache=is_repetitive)
    if days.null_count() != texts.null_count():
        return None
    if not days.is_between(EARLIEST_DATE, LATEST_DATE).all():
        return None
    return days


def _clean_instants(texts: pl.Series, *, timezone: str | None) -> pl.Series | None:
    """Read ISO instants that are all written like the first, in few offsets.

    A format with an offset as plain characters is parsed eight times as fast as one with `%z`.
    """
    if texts.null_count() == len(texts):
        return pl.repeat(None, len(texts), dtype=INSTANT, eager=True)
    written = _ISO_INSTANT.fullmatch(str(texts.first(ignore_nulls=True)))
    if written is None or texts.str.contains(":60", literal=True).any():
        return None
    pattern = f"%Y-%m-%d{written['mark']}%H:%M"
    if written["seconds"]:
        pattern += ":%S"
    if written["fraction"]:
        pattern += f".%{len(written['fraction'])}f"
    instants: pl.Series | None
    if written["offset"] is not None:
        instants = _offset_instants(texts, pattern, offset_length=len(written["offset"]))
    elif timezone is not None:
        naive = _instants(texts, pattern)
        if not _in_range(naive):
            return None
        local = naive.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
        instants = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    else:
        return None
    if instants is None or instants.null_count() != texts.null_count():
        return None
    return instants if written["offset"] is None or _in_range(instants) else None


def _in_range(instants: pl.Series) -> bool:
    return instants.is_between(_EARLIEST_INSTANT, _LATEST_INSTANT).all()


def _instants(texts: pl.Series, pattern: str) -> pl.Series:
    return texts.str.to_datetime(pattern, time_unit="us", strict=False, cache=False)


def _offset_instants(texts: pl.Series, pattern: str, *, offset_length: int) -> pl.Series | None:
    """The instants of texts that end in an offset, in UTC; None when the offsets are too many."""
    offsets = [str(texts.first(ignore_nulls=True))[-offset_length:]]
    if not texts.str.ends_with(offsets[0]).all():
        offsets = texts.str.tail(offset_length).unique().drop_nulls().to_list()
    if len(offsets) > _MANY_OFFSETS:
        return None
    instants = []
    for offset in offsets:
        written = _ISO_OFFSET.fullmatch(offset)
        if written is None:
            return None
        behind = timedelta(0)
        if written["sign"]:
            behind = timedelta(hours=int(written["hours"]), minutes=int(written["minutes"]))
        local = _instants(texts, pattern + offset)
        instants.append(local + behind if written["sign"] == "-" else local - behind)
    return instants[0] if len(instants) == 1 else pl.select(pl.coalesce(instants)).to_series()


def _clean_numbers(texts: pl.Series, *, column: Column) -> pl.Series | None:
    if column.dtype == MONEY:
        if not texts.str.contains(_CENTS).all():
            return None
    elif column.dtype != pl.Int32():
        return None
    numbers = texts.cast(column.dtype, strict=False)
    if numbers.null_count() != texts.null_count():
        return None
    bounds = [(numbers < bound) for bound in (column.minimum,) if bound is not None]
    bounds += [(numbers > bound) for bound in (column.maximum,) if bound is not None]
    if column.is_positive:
        bounds.append(numbers <= 0)
    return None if any(is_out.any() for is_out in bounds) else numbers


def _has_fraction(currencies: pl.Series, amounts: pl.Series, whole: list[str]) -> pl.Series:
    only = _only_text(currencies)
    if only is None or only in whole:
        is_whole = currencies.is_in(whole)
        if is_whole.any():
            return is_whole & (amounts != amounts.cast(pl.Int64, strict=False).cast(amounts.dtype))
    return pl.repeat(value=False, n=len(amounts), dtype=pl.Boolean(), eager=True)


_RANGE: Final = f"a date from {EARLIEST_DATE} to {LATEST_DATE}"


def _settled(conversion: Conversion) -> Conversion:
    """Type a constant once, not once per row."""
    row = pl.select(conversion.text).with_columns(conversion.value)
    dtype = conversion.column.dtype
    value = pl.lit(row.item(0, conversion.column.name), dtype=dtype)
    is_bad: bool = row.select(conversion.is_bad).item()
    return replace(
        conversion,
        value=value.alias(conversion.column.name),
        is_bad=pl.lit(is_bad),
    )


def _any_failed(checks: Sequence[Check]) -> pl.Expr:
    return pl.any_horizontal(check.is_failed for check in checks)


def _missing_code(column: Column) -> str:
    if column.codes is not None or column.dtype == FLAG:
        return "BAD_ENUM"
    if column.check == "currency":
        return "BAD_CURRENCY"
    if column.dtype == DATE:
        return "BAD_DATE" if column.kind != "key" else "MISSING_KEY"
    if column.dtype == INSTANT:
        return "BAD_TIMESTAMP"
    if column.dtype == TEXT or column.kind == "key":
        return "MISSING_KEY"
    return "BAD_AMOUNT"


def _translated(text: pl.Expr, codes: Mapping[str, str]) -> pl.Expr:
    """Replace source codes by canonical ones; letter case and blanks around them do not count."""
    table = {code.strip().casefold(): canonical for code, canonical in codes.items()}
    empty = table.pop("", None)
    if table:
        key = text.str.strip_chars().str.to_lowercase()
        text = pl.coalesce(key.replace_strict(table, default=None, return_dtype=pl.String()), text)
    return text if empty is None else text.fill_null(pl.lit(empty))


def _day(text: pl.Expr, pattern: str) -> pl.Expr:
    if re.search(r"%[-_0]?[HMSfITRp]", pattern):
        return text.str.to_datetime(pattern, time_unit="us", strict=False).dt.date()
    return text.str.to_date(pattern, strict=False)


def _moment(text: pl.Expr, pattern: str) -> pl.Expr:
    if re.search(r"%[-_0]?[HIT]", pattern):
        return text.str.to_datetime(pattern, time_unit="us", strict=False)
    return text.str.to_date(pattern, strict=False).cast(INSTANT)


def _date_checks(
    text: pl.Expr, day: pl.Expr, is_ambiguous: pl.Expr, formats: Sequence[str], expected: str
) -> list[Check]:
    checks = [
        Check(
            "AMBIGUOUS_DATE",
            f"a date that {' and '.join(formats)} read alike",
            is_ambiguous,
        )
    ]
    has_short_year = text.str.contains(r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}$")
    is_unread = day.is_null() | ~day.is_between(EARLIEST_DATE, LATEST_DATE)
    checks.append(Check("AMBIGUOUS_DATE", "a year of four digits", has_short_year & is_unread))
    checks.append(Check("AMBIGUOUS_DATE", expected, day.is_null() & _reads_two_ways(text)))
    checks.append(Check("BAD_DATE", expected, day.is_null()))
    checks.append(Check("DATE_RANGE", _RANGE, ~day.is_between(EARLIEST_DATE, LATEST_DATE)))
    return checks


def _reads_two_ways(text: pl.Expr) -> pl.Expr:
    """Whether day and month could be exchanged in a numeric date of an undeclared format."""
    first = pl.coalesce(
        text.str.to_date(pattern, strict=False) for pattern in ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
    )
    second = pl.coalesce(
        text.str.to_date(pattern, strict=False) for pattern in ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y")
    )
    return first.is_not_null() & second.is_not_null() & text.str.contains(_NUMERIC_DATE)


def _plain_number(text: pl.Expr, numbers: NumberFormat) -> pl.Expr:
    """Rewrite a number of the declared format with `.` and a leading minus.

    What does not fit the format keeps a character that no plain number has.
    """
    for strip in numbers.strip:
        text = text.str.replace_all(strip, "", literal=True)
    if numbers.strip:
        text = text.str.strip_chars(" \u00a0\u202f")
    if numbers.negative == "parentheses":
        text = text.str.replace(r"^\(\s*(.*[0-9.,])\s*\)$", "-${1}")
        for strip in numbers.strip:
            text = text.str.replace_all(strip, "", literal=True)
    elif numbers.negative == "trailing_minus":
        text = text.str.replace(r"^([0-9.,'].*[0-9]|[0-9])\s*-$", "-${1}")
    decimal = re.escape(numbers.decimal)
    if numbers.thousands is not None:
        mark = re.escape(numbers.thousands)
        grouped = rf"^[+-]?[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+(?:{decimal}[0-9]*)?$"
        ungrouped = text.str.replace_all(numbers.thousands, "", literal=True)
        text = pl.when(text.str.contains(grouped)).then(ungrouped).otherwise(text)
    if numbers.decimal == ",":
        has_point = text.str.contains(".", literal=True)
        pointed = text.str.replace(",", ".", literal=True)
        text = pl.when(has_point).then(pl.lit("?") + text).otherwise(pointed)
    return text


def _size(dtype: pl.DataType) -> tuple[int, int]:
    if isinstance(dtype, pl.Decimal):
        return (dtype.precision or 38) - dtype.scale, dtype.scale
    return (9, 0) if dtype == pl.Int32() else (18, 0)


def _exact_pattern(column: Column, digits: int, decimals: int) -> str:
    """The numbers that the column's type holds exactly.

    In money exactly three decimals are refused even when the last is 0: `1.080` may be one
    thousand and eighty.
    """
    whole = rf"0*[0-9]{{1,{digits}}}"
    if decimals == 0:
        return rf"^[+-]?{whole}$"
    if column.dtype == MONEY:
        tail = rf"(?:\.(?:[0-9]{{1,{decimals}}}|[0-9]{{{decimals}}}00+))?"
    else:
        tail = rf"(?:\.[0-9]{{1,{decimals}}}0*)?"
    return rf"^[+-]?(?:{whole}{tail}|\.[0-9]{{1,{decimals}}})$"


def _number_words(numbers: NumberFormat, decimals: int) -> str:
    example = f"1234{numbers.decimal}50" if decimals else "1234"
    if numbers.thousands:
        example = f"1{numbers.thousands}" + example[1:]
    return f"a number such as {example}"


def _bounds_words(column: Column) -> str:
    if column.is_positive:
        return "a number above 0"
    if column.maximum is not None:
        return f"a number from {column.minimum} to {column.maximum}"
    return f"a number of {column.minimum} or more"
