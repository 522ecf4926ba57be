"""Cash on documents: which money settled what, and which came back. No rates of recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.inputs import Extracts, Parameters
from tests.oracle.journal import ItemFacts, Journal
from tests.oracle.versions import payments

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


def local_date(instant: datetime, timezone: str) -> date:
    """The company's day of an instant that is kept in UTC.

    Examples:
        >>> local_date(datetime(2026, 3, 31, 16, 0), "Asia/Shanghai")
        datetime.date(2026, 4, 1)
    """
    return instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(timezone)).date()
