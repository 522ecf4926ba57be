"""What goes wrong in the sample company's deliveries, on purpose and on record.

Rows that arrive late, are corrected, withdrawn, repeated or unreadable are planted into the
business of the first block of customers, and every one of them is listed, so that a test can ask
where it ended. A row that cannot be read is delivered again, repaired, some deliveries later; a few
near the end, which are no business of the company, never are. The business itself is made in
``trade``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from ingest.sample import systems
from ingest.sample.parties import DOMESTIC, OVERSEAS, Flags
from ingest.sample.settings import Settings
from ingest.sample.trade import write_number
from ingest.sample.writing import Landing

Kind = Literal[
    "quarantined",
    "late",
    "corrected",
    "withdrawn",
    "repeated_row",
    "repeated_file",
    "future_document",
    "unknown_customer",
    "unknown_document",
    "currency_mismatch",
]

UNKNOWN_CUSTOMER = "0000999901"
UNKNOWN_DOCUMENT = "009999999999"

#: Free text that must never run, match or leak anywhere: a formula, a script, a phone number.
NOTE_CANARIES = (
    '=HYPERLINK("http://canary.example","pay")',
    "<script>alert('canary')</script>",
    "请回电 +86 199-0000-424242",
)

_LATE, _CORRECTED, _WITHDRAWN, _REPEATED, _STRAY = 30, 16, 6, 4, 3


@dataclass(frozen=True)
class Planted:
    """One thing that was planted.

    Attributes:
        kind: What goes wrong.
        extract: The extract of the row.
        source: The source that delivers it.
        delivery_date: The delivery in which it goes wrong.
        file_name: The file.
        row_key: The extract's key values joined by ``|``; None where the delivered row has no key
            that can be read, or where it is a file.
        reason_code: Of a row that must be quarantined.
        settled_date: The later delivery that repairs, corrects or withdraws it; None when none
            does.
    """

    kind: Kind
    extract: str
    source: str
    delivery_date: date
    file_name: str
    row_key: str | None
    reason_code: str | None = None
    settled_date: date | None = None


#: Faults after which not even the key can be read.
_KEYLESS = ("MISSING_KEY", "KEY_CHARS", "FORMULA", "ID_PRECISION_LOST")


class _Planting:
    """Takes plain rows of a frame out, one for each oddity, and puts what is delivered instead."""

    def __init__(
        self,
        rng: np.random.Generator,
        settings: Settings,
        landing: Landing,
        extract: str,
        rows: pl.DataFrame,
        *,
        key: Sequence[str],
        plain: Flags,
    ) -> None:
        self.rng = rng
        self.settings = settings
        self.landing = landing
        self.extract = extract
        self.key = tuple(key)
        self.last = len(settings.deliveries) - 1
        self.planted: list[Planted] = []
        self._rows = rows.with_columns(pl.lit(None, pl.String).alias("fault"))
        self._plain = rng.permutation(np.flatnonzero(plain)).tolist()
        self._taken: list[int] = []
        self._instead: list[pl.DataFrame] = []

    def take(
        self, wanted: int, company: str | None = None, *, latest: int = 4
    ) -> list[pl.DataFrame]:
        """Take out plain rows, one frame each; fewer than wanted when there are no more.

        Args:
            wanted: How many.
            company: Of which company.
            latest: How many deliveries must follow the row's own.
        """
        found: list[pl.DataFrame] = []
        kept: list[int] = []
        for position, number in enumerate(self._plain):
            if len(found) == wanted:
                kept += self._plain[position:]
                break
            row = self._rows[number]
            fits = company is None or row["company_code"][0] == company
            if fits and row["delivery"][0] <= self.last - latest:
                found.append(row)
                self._taken.append(number)
            else:
                kept.append(number)
        self._plain = kept
        return found

    def later(self, row: pl.DataFrame, most: int = 3) -> int:
        """Draw the delivery in which a row is put right."""
        return min(int(row["delivery"][0]) + int(self.rng.integers(1, most + 1)), self.last)

    def deliver(self, row: pl.DataFrame, **changes: object) -> None:
        """Deliver a row, with other values in some columns."""
        values = [pl.lit(value, row.schema[name]).alias(name) for name, value in changes.items()]
        self._instead.append(row.with_columns(values))

    def record(
        self,
        kind: Kind,
        row: pl.DataFrame,
        *,
        reason_code: str | None = None,
        settled: int | None = None,
        delivery: int | None = None,
    ) -> None:
        """Put an oddity on record."""
        at = int(row["delivery"][0]) if delivery is None else delivery
        source, name = self._file(at, row)
        key = "|".join(str(row[column][0]) for column in self.key)
        self.planted.append(
            Planted(
                kind=kind,
                extract=self.extract,
                source=source,
                delivery_date=self.settings.delivery_dates[at],
                file_name=name,
                row_key=None if reason_code in _KEYLESS else key,
                reason_code=reason_code,
                settled_date=None if settled is None else self.settings.delivery_dates[settled],
            )
        )

    def _file(self, delivery: int, row: pl.DataFrame) -> tuple[str, str]:
        if self.extract == "contact_log":
            return systems.contacts_file(self.landing, delivery)
        company = str(row["company_code"][0])
        if self.extract == "payments":
            return systems.payments_file(self.landing, delivery, company)
        return systems.ledger_file(self.landing, delivery, company, str(row["document_type"][0]))

    def plant_late(self) -> None:
        """Deliver rows one or two deliveries after the one that should have held them."""
        for row in self.take(_LATE):
            later = self.later(row, 2)
            self.deliver(row, delivery=later)
            self.record("late", row, delivery=later)

    def plant_repeated_rows(self) -> None:
        """Deliver rows twice in one file."""
        for row in self.take(_REPEATED):
            self.deliver(row)
            self.deliver(row, fault="DUPLICATE_EXACT", **self._no_balance(row))
            self.record("repeated_row", row)

    def plant_faults(self, faults: Sequence[str], company: str | None, *, each: int = 2) -> None:
        """Deliver rows spoiled, and repaired some deliveries later."""
        for code in faults:
            for row in self.take(each, company):
                later = self.later(row)
                self.deliver(row, fault=code, **self._no_balance(row))
                if code == "DUPLICATE_KEY_CONFLICT":
                    other = int(row["cents"][0]) + 10_000
                    self.deliver(row, fault=code, cents=other, **self._no_balance(row))
                    self.record("quarantined", row, reason_code=code, settled=later)
                self.deliver(row, delivery=later)
                self.record("quarantined", row, reason_code=code, settled=later)

    def _no_balance(self, row: pl.DataFrame) -> dict[str, object]:
        return {"balance_cents": 0} if "balance_cents" in row.columns else {}

    def finish(self) -> pl.DataFrame:
        """Return all rows as they are delivered."""
        kept = np.ones(self._rows.height, dtype=bool)
        kept[self._taken] = False
        return pl.concat([self._rows.filter(pl.Series(kept)), *self._instead])


def plant_in_ledger(
    settings: Settings, landing: Landing, ledger: pl.DataFrame
) -> tuple[pl.DataFrame, list[Planted]]:
    """Plant what goes wrong in the ledgers.

    Args:
        settings: Calendar and seed.
        landing: Names the files.
        ledger: The first block's entries.

    Returns:
        The entries as delivered, with ``fault``, and what was planted.
    """
    versions = pl.len().over("document_id")
    plain = ledger.select(
        (pl.col("document_type") == "invoice")
        & (versions == 1)
        & (pl.col("delivery") > 0)
        & pl.col("due_date").is_not_null()
        & pl.col("payment_terms_days").is_not_null()
    ).to_series()
    key = ("company_code", "document_id", "installment_no")
    rng = np.random.default_rng([settings.seed, 40])
    planting = _Planting(rng, settings, landing, "ledger", ledger, key=key, plain=plain.to_numpy())
    planting.plant_late()
    planting.plant_repeated_rows()
    for company, faults in systems.LEDGER_FAULTS.items():
        planting.plant_faults(list(faults), company)
    _correct_entries(planting)
    _withdraw_entries(planting)
    _stray_entries(planting)
    return planting.finish(), planting.planted


def _correct_entries(planting: _Planting) -> None:
    """Deliver entries with a wrong amount, due day or customer first, and right later."""
    for number, row in enumerate(planting.take(_CORRECTED)):
        later = planting.later(row)
        cents = int(row["cents"][0])
        if number % 4 == 3:
            wrong = int(row["due_date"][0]) + 30
            planting.deliver(row, due_date=wrong)
            planting.deliver(row, delivery=later, balance_cents=0)
        else:
            wrong = cents + cents // 10 if number % 2 else cents - cents // 9
            planting.deliver(row, cents=wrong, balance_cents=wrong)
            planting.deliver(row, delivery=later, balance_cents=cents - wrong)
        planting.record("corrected", row, settled=later)


def _extra(planting: _Planting, row: pl.DataFrame, number: int) -> pl.DataFrame:
    """Make a new entry that looks like another one."""
    overseas = np.array([row["company_code"][0] == OVERSEAS])
    document_id = write_number(row["document_type"], np.array([number]), overseas)
    planting.deliver(row)
    return row.with_columns(document_id.alias("document_id"))


def _withdraw_entries(planting: _Planting) -> None:
    """Enter documents twice under two numbers, and withdraw the second later."""
    for number, row in enumerate(planting.take(_WITHDRAWN)):
        later = planting.later(row)
        extra = _extra(planting, row, 900_000_001 + number)
        planting.deliver(extra)
        planting.deliver(
            extra, delivery=later, is_withdrawn=True, balance_cents=-int(row["cents"][0])
        )
        planting.record("withdrawn", extra, settled=later)


def _stray_entries(planting: _Planting) -> None:
    """Enter documents of nobody, of days to come, and drafts that are never repaired."""
    for number, row in enumerate(planting.take(_STRAY, DOMESTIC)):
        extra = _extra(planting, row, 910_000_001 + number)
        planting.deliver(extra, customer_id=UNKNOWN_CUSTOMER)
        planting.record("unknown_customer", extra)
    last = planting.settings.deliveries.tolist()
    for number, row in enumerate(planting.take(_STRAY)):
        extra = _extra(planting, row, 920_000_001 + number)
        day = last[int(row["delivery"][0])] + 9 + number
        planting.deliver(
            extra, document_date=day, due_date=day + 30, payment_terms_days=30, balance_day=day
        )
        planting.record("future_document", extra)
    for number, row in enumerate(planting.take(_STRAY, DOMESTIC)):
        delivery = planting.last - number
        extra = _extra(planting, row, 930_000_001 + number).with_columns(
            pl.lit(delivery, pl.Int64).alias("delivery")
        )
        planting.deliver(extra, fault="BAD_AMOUNT", balance_cents=0)
        planting.record("quarantined", extra, reason_code="BAD_AMOUNT")


def plant_in_payments(
    settings: Settings, landing: Landing, payments: pl.DataFrame
) -> tuple[pl.DataFrame, list[Planted]]:
    """Plant what goes wrong in the incoming cash.

    Args:
        settings: Calendar and seed.
        landing: Names the files.
        payments: The first block's payment lines.

    Returns:
        The lines as delivered, with ``fault``, and what was planted.
    """
    lines = pl.len().over("payment_id")
    plain = payments.select(
        (lines == 1)
        & (pl.col("delivery") > 0)
        & pl.col("document_id").is_not_null()
        & pl.col("reverses_payment_id").is_null()
        & (pl.col("method") != "cheque")
        & (pl.col("cents") > 0)
    ).to_series()
    key = ("company_code", "payment_id", "line_no")
    rng = np.random.default_rng([settings.seed, 41])
    planting = _Planting(
        rng, settings, landing, "payments", payments, key=key, plain=plain.to_numpy()
    )
    planting.plant_late()
    planting.plant_repeated_rows()
    for company, faults in systems.PAYMENT_FAULTS.items():
        planting.plant_faults(list(faults), company)
    for row in planting.take(_CORRECTED):
        # First booked on a document that nobody has, then on the right one.
        later = planting.later(row)
        planting.deliver(row, document_id=f"{UNKNOWN_DOCUMENT[:-1]}0", discount_cents=None)
        planting.deliver(row, delivery=later, balance_cents=0, discount_cents=None)
        planting.record("corrected", row, settled=later)
    strays: tuple[tuple[Kind, dict[str, object]], ...] = (
        ("unknown_document", {"document_id": UNKNOWN_DOCUMENT}),
        ("currency_mismatch", {"currency_code": "EUR"}),
    )
    for kind, changes in strays:
        for row in planting.take(_STRAY, DOMESTIC):
            extra = row.with_columns(
                pl.concat_str(pl.lit("X"), pl.col("payment_id").str.slice(1)).alias("payment_id")
            )
            planting.deliver(row)
            planting.deliver(
                extra,
                cents=88_800,
                discount_cents=None,
                balance_cents=-88_800,
                **changes,
            )
            planting.record(kind, extra)
    return planting.finish(), planting.planted


def plant_in_contacts(
    settings: Settings, landing: Landing, contacts: pl.DataFrame
) -> tuple[pl.DataFrame, list[Planted]]:
    """Plant what goes wrong in the dialer's export, and text that must not leak.

    Args:
        settings: Calendar and seed.
        landing: Names the files.
        contacts: The first block's contacts.

    Returns:
        The contacts as delivered, with ``fault``, and what was planted.
    """
    plain = (contacts["delivery"] > 0) & (contacts["outcome"] == "no_answer")
    rng = np.random.default_rng([settings.seed, 42])
    planting = _Planting(
        rng, settings, landing, "contact_log", contacts, key=("contact_id",), plain=plain.to_numpy()
    )
    planting.plant_late()
    planting.plant_faults(list(systems.CONTACT_FAULTS), None)
    for row, note in zip(planting.take(len(NOTE_CANARIES)), NOTE_CANARIES, strict=False):
        planting.deliver(row, note=note)
    return planting.finish(), planting.planted
