"""Which content of a document, a payment or a master record was known at an instant.

Here: the choice among delivered versions, withdrawals, due dates. Not here: what a document does
to a balance (``journal``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.inputs import Extracts, Row

LEDGER_KEY = ("company_code", "document_id", "installment_no")
PAYMENTS_KEY = ("company_code", "payment_id", "line_no")


def key_of(row: Row, key: Sequence[str]) -> tuple[Any, ...]:
    """The row's key values."""
    return tuple(row[name] for name in key)


def latest(rows: Iterable[Row], key: Sequence[str], known_at: datetime) -> dict[Any, Row]:
    """The last delivered row of every key, among the rows known at an instant.

    Source: a version's place is (``_recorded_at``, ``_load_sequence``, ``_row_number``).
    """
    last: dict[Any, Row] = {}
    for row in rows:
        if row["_recorded_at"] > known_at:
            continue
        present = last.get(key_of(row, key))
        if present is None or place(row) > place(present):
            last[key_of(row, key)] = row
    return last


def place(row: Row) -> tuple[datetime, int, int]:
    """The row's place in the order of deliveries."""
    return (row["_recorded_at"], row["_load_sequence"], row["_row_number"])


def last_told(
    rows: Sequence[Row], key: Sequence[str], known_at: datetime
) -> list[tuple[Row, bool]]:
    """The last row of every key, and whether it was still in force at the instant.

    A key is withdrawn when its last row says so, or when its source has since made a full delivery
    of the extract without it. (Had the later full delivery held the key, it would be the last row.)

    Source: design, section 4 (``delivery: full``); versions in knowledge time.
    """
    full_deliveries: dict[str, set[datetime]] = {}
    for row in rows:
        if row["_delivery_kind"] == "full" and row["_recorded_at"] <= known_at:
            full_deliveries.setdefault(row["_source"], set()).add(row["_recorded_at"])
    result = []
    for row in latest(rows, key, known_at).values():
        is_left_out = any(
            instant > row["_recorded_at"] for instant in full_deliveries.get(row["_source"], ())
        )
        result.append((row, not row.get("is_withdrawn") and not is_left_out))
    return result


def in_force(rows: Sequence[Row], key: Sequence[str], known_at: datetime) -> list[Row]:
    """The rows that were in force at an instant: the last of each key that is not withdrawn."""
    return [row for row, is_in_force in last_told(rows, key, known_at) if is_in_force]


@dataclass(frozen=True)
class Document:
    """One ledger row (a document or one installment of it) with its due date made out."""

    company_code: str
    document_id: str
    installment_no: int
    customer_id: str
    document_type: str
    document_date: date
    due_date: date
    due_date_source: str
    currency_code: str
    amount: Decimal
    amount_reporting: Decimal | None
    applies_to_document_id: str | None


@dataclass(frozen=True)
class Payment:
    """One payment line."""

    company_code: str
    payment_id: str
    line_no: int
    customer_id: str
    payment_date: date
    currency_code: str
    amount: Decimal
    document_id: str | None
    installment_no: int | None
    application_date: date | None
    discount_amount: Decimal
    reverses_payment_id: str | None


def documents(extracts: Extracts, known_at: datetime) -> list[Document]:
    """The documents in force at an instant, one per company, document and installment.

    A missing due date is made out from the document's own terms, else the customer's as they were
    known at the same instant, else the document's date.

    Source: measures, section 2 (days past due).
    """
    customers = latest(extracts.customers, ("customer_id",), known_at)
    result = []
    for row in in_force(extracts.ledger, LEDGER_KEY, known_at):
        customer = customers.get((row["customer_id"],))
        terms = customer.get("payment_terms_days") if customer else None
        if row.get("due_date") is not None:
            due_date, source = row["due_date"], "delivered"
        elif row.get("payment_terms_days") is not None:
            due_date = row["document_date"] + timedelta(days=row["payment_terms_days"])
            source = "document_terms"
        elif terms is not None:
            due_date, source = row["document_date"] + timedelta(days=terms), "customer_terms"
        else:
            due_date, source = row["document_date"], "document_date"
        result.append(
            Document(
                company_code=row["company_code"],
                document_id=row["document_id"],
                installment_no=row["installment_no"],
                customer_id=row["customer_id"],
                document_type=row["document_type"],
                document_date=row["document_date"],
                due_date=due_date,
                due_date_source=source,
                currency_code=row["currency_code"],
                amount=row["amount"],
                amount_reporting=row.get("amount_reporting"),
                applies_to_document_id=row.get("applies_to_document_id"),
            )
        )
    return sorted(result, key=lambda d: (d.company_code, d.document_id, d.installment_no))


def payments(extracts: Extracts, known_at: datetime) -> list[Payment]:
    """The payment lines in force at an instant, one per company, payment and line."""
    result = [
        Payment(
            company_code=row["company_code"],
            payment_id=row["payment_id"],
            line_no=row["line_no"],
            customer_id=row["customer_id"],
            payment_date=row["payment_date"],
            currency_code=row["currency_code"],
            amount=row["amount"],
            document_id=row.get("document_id"),
            installment_no=row.get("installment_no"),
            application_date=row.get("application_date"),
            discount_amount=row.get("discount_amount") or Decimal("0.00"),
            reverses_payment_id=row.get("reverses_payment_id"),
        )
        for row in in_force(extracts.payments, PAYMENTS_KEY, known_at)
    ]
    return sorted(result, key=lambda p: (p.company_code, p.payment_id, p.line_no))
