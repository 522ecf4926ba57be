"""Cash on documents: which money settled what, and which came back. No rates of recovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.inputs import Extracts, Parameters
from tests.oracle.journal import ZERO, ItemFacts, Journal
from tests.oracle.versions import PAYMENTS_KEY, in_force, payments

CASH_TYPES = ("payment", "application", "payment_reversal")


@dataclass(frozen=True)
class Cash:
    """Cash applied to a document (positive), or taken back from it (negative).

    ``payment_date`` is that of the payment itself, also where a later application or a reversal
    moved the balance: the reversal then takes back what the payment had counted.
    """

    facts: ItemFacts
    effective_date: date
    payment_date: date
    payment_id: str
    line_no: int
    original_payment_id: str
    is_reversal: bool
    amount_document: Decimal
    amount: Decimal | None


def cash_on_documents(
    extracts: Extracts, parameters: Parameters, book: Journal, until: date | None = None
) -> Sequence[Cash]:
    """All cash that moved documents up to a day (the run's, when none is given)."""
    last_day = until or parameters.as_of_date
    known = payments(extracts, parameters.known_at)
    line_dates: dict[tuple[str, str, int], date] = {}
    payment_dates: dict[tuple[str, str], date] = {}
    reverses: dict[tuple[str, str, int], str] = {}
    for payment in known:
        line = (payment.company_code, payment.payment_id, payment.line_no)
        line_dates[line] = payment.payment_date
        if payment.reverses_payment_id is not None:
            reverses[line] = payment.reverses_payment_id
        else:
            payment_dates[line[:2]] = min(
                payment.payment_date, payment_dates.get(line[:2], date.max)
            )
    result = []
    for movement in book.movements:
        if (
            movement.item.item_type != "document"
            or movement.movement_type not in CASH_TYPES
            or movement.effective_date > last_day
        ):
            continue
        company_code = movement.item.company_code
        line = (company_code, movement.source_id, movement.source_line_no)
        original = reverses.get(line, movement.source_id)
        result.append(
            Cash(
                facts=book.items[movement.item],
                effective_date=movement.effective_date,
                payment_date=(
                    payment_dates.get((company_code, original), line_dates[line])
                    if line in reverses
                    else line_dates[line]
                ),
                payment_id=movement.source_id,
                line_no=movement.source_line_no,
                original_payment_id=original,
                is_reversal=movement.movement_type == "payment_reversal",
                amount_document=-movement.amount_document,
                amount=None if movement.amount is None else -movement.amount,
            )
        )
    return result


@dataclass(frozen=True)
class Application:
    """All that one payment line did to one document item on one day."""

    original_payment_id: str
    customer_id: str
    payer_customer_id: str
    payment_date: date
    document_date: date
    due_date: date
    days_from_document_date: int
    days_from_due_date: int
    currency_code: str
    payment_method: str | None
    piece_count: int = 0
    amount_document: Decimal = ZERO
    amount: Decimal = ZERO
    piece_without_rate_count: int = 0


ApplicationKey = tuple[str, str, int, str, int, date, bool]


def applications(
    extracts: Extracts, parameters: Parameters, book: Journal
) -> Mapping[ApplicationKey, Application]:
    """What was paid, and taken back, on any day, also on days that the run has not reached.

    By company, payment, line, document, installment, day, and whether it is taken back.
    """
    lines = {
        (row["company_code"], row["payment_id"], row["line_no"]): row
        for row in in_force(extracts.payments, PAYMENTS_KEY, parameters.known_at)
    }
    told: dict[ApplicationKey, Application] = {}
    for piece in cash_on_documents(extracts, parameters, book, date.max):
        facts = piece.facts
        item = facts.item
        line = lines[item.company_code, piece.payment_id, piece.line_no]
        key = (
            item.company_code,
            piece.payment_id,
            piece.line_no,
            item.document_id,
            item.installment_no,
            piece.effective_date,
            piece.is_reversal,
        )
        before = told.get(key) or Application(
            original_payment_id=piece.original_payment_id,
            customer_id=facts.customer_id,
            payer_customer_id=line["customer_id"],
            payment_date=piece.payment_date,
            document_date=facts.document_date,
            due_date=facts.due_date,
            days_from_document_date=(piece.payment_date - facts.document_date).days,
            days_from_due_date=(piece.payment_date - facts.due_date).days,
            currency_code=facts.currency_code,
            payment_method=line["method"],
        )
        told[key] = replace(
            before,
            piece_count=before.piece_count + 1,
            amount_document=before.amount_document + piece.amount_document,
            amount=before.amount + (piece.amount or ZERO),
            piece_without_rate_count=before.piece_without_rate_count + (piece.amount is None),
        )
    return told


def local_date(instant: datetime, timezone: str) -> date:
    """The company's day of an instant that is kept in UTC.

    Examples:
        >>> local_date(datetime(2026, 3, 31, 16, 0), "Asia/Shanghai")
        datetime.date(2026, 4, 1)
    """
    return instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(timezone)).date()
