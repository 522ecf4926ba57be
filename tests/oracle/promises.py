"""Promises to pay: what was promised, what came, and what the promise is called for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.oracle.balances import balance
from tests.oracle.cash import Cash, cash_on_documents, local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO, Journal
from tests.oracle.versions import LEDGER_KEY, in_force, last_told, latest

PROMISING = ("promise_to_pay", "payment_plan")


@dataclass(frozen=True)
class Promise:
    """A promise and what it came to."""

    promise_id: str
    customer_id: str
    collector_id: str
    document_id: str | None
    promise_date: date
    promised_date: date
    deadline_date: date
    superseded_date: date | None
    currency_code: str
    promised_amount_document: Decimal
    paid_amount_document: Decimal
    kept_date: date | None
    status: str
    is_on_document: bool
    """Whether cash on its document alone can keep it."""
    pieces: Sequence[tuple[date, Decimal]]
    """The cash that served it, by day."""


@dataclass
class _Purse:
    """Cash of one document and day, as far as no promise has used it."""

    customer_id: str
    company_code: str
    document_id: str
    currency_code: str
    effective_date: date
    left: Decimal


def promises(
    extracts: Extracts,
    parameters: Parameters,
    book: Journal,
    seeds: Seeds,
    then: Parameters | None = None,
) -> Sequence[Promise]:
    """Every promise made up to the run's day, with its outcome as of that day.

    As of an earlier day, on what was known ``then``, with the book of that time: the promises told
    of by then, each as it is last said to be, and the cash, reversals and balances known then.

    A promise is kept when cash on its document (where it names none of the customer's: on any of
    them) from the day it was made to the promised day + grace reaches the promised amount less
    the tolerance. A newer promise for the same thing, made on a later day and no later than the
    promised day, supersedes it from that day on. Cash serves one promise once, oldest first: each
    promise in turn takes the oldest cash in its window up to the amount promised. Cash that was
    taken back serves none.

    Source: measures, section 5 (promise to pay).
    """
    (rules,) = seeds.rows("promise_rules")
    then = then or parameters
    told = first_told(extracts)
    grace = timedelta(days=int(rules["grace_days"]))
    tolerance = Decimal(rules["amount_tolerance_rate"])
    made = [
        row
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
        if row["outcome"] in PROMISING
        and (row.get("promised_amount") or ZERO) > 0
        and row.get("promised_date") is not None
        and local_date(row["contacted_at"], parameters.timezone) <= then.as_of_date
        and told[row["contact_id"], row["customer_id"]] <= then.known_at
    ]
    made.sort(key=lambda row: (row["contacted_at"], row["contact_id"]))
    known = last_told(extracts.ledger, LEDGER_KEY, parameters.known_at)
    cash = cash_on_documents(extracts, then, book)
    purses = _purses(cash)
    targets = [target_document(row["customer_id"], row.get("document_id"), known) for row in made]
    days = [local_date(row["contacted_at"], parameters.timezone) for row in made]
    result = []
    for place, row in enumerate(made):
        day, target = days[place], targets[place]
        promised = row["promised_amount"]
        deadline = row["promised_date"] + grace
        newer = [
            days[other]
            for other, contact in enumerate(made)
            if contact["customer_id"] == row["customer_id"]
            and targets[other] == target
            and days[other] > day
        ]
        next_day = min(newer, default=None)
        superseded = next_day if next_day is not None and next_day <= row["promised_date"] else None
        last_day = deadline if superseded is None else min(deadline, superseded - timedelta(days=1))
        currency = _currency(row["customer_id"], target, known, extracts, parameters)
        paid, kept_date = ZERO, None
        pieces: list[tuple[date, Decimal]] = []
        wanted = promised * (1 - tolerance)
        for purse in purses:
            if (
                purse.customer_id == row["customer_id"]
                and purse.currency_code == currency
                and day <= purse.effective_date <= last_day
                and (target is None or purse.document_id == target)
            ):
                taken = min(purse.left, promised - paid)
                purse.left -= taken
                paid += taken
                pieces.append((purse.effective_date, taken))
                if paid >= wanted and kept_date is None:
                    kept_date = purse.effective_date
        result.append(
            Promise(
                promise_id=row["contact_id"],
                customer_id=row["customer_id"],
                collector_id=row["collector_id"],
                document_id=row.get("document_id"),
                promise_date=day,
                promised_date=row["promised_date"],
                deadline_date=deadline,
                superseded_date=superseded,
                currency_code=currency,
                promised_amount_document=promised,
                paid_amount_document=paid,
                kept_date=kept_date,
                status=_status(
                    is_kept=paid >= wanted,
                    is_paid_in_part=paid > 0,
                    is_superseded=superseded is not None,
                    is_settled=target is not None
                    and _is_settled(
                        book, cash, row["customer_id"], target, min(deadline, then.as_of_date)
                    ),
                    is_over=deadline < then.as_of_date,
                ),
                is_on_document=target is not None,
                pieces=pieces,
            )
        )
    return result


def first_told(extracts: Extracts) -> dict[tuple[str, str], datetime]:
    """When each promise of a customer was first told of; it says what it is last said to be."""
    told: dict[tuple[str, str], datetime] = {}
    for row in extracts.contact_log:
        if row["outcome"] in PROMISING:
            key = (row["contact_id"], row["customer_id"])
            told[key] = min(row["_recorded_at"], told.get(key, row["_recorded_at"]))
    return told


def _status(
    *,
    is_kept: bool,
    is_paid_in_part: bool,
    is_superseded: bool,
    is_settled: bool,
    is_over: bool,
) -> str:
    """What a promise is called: a kept one is kept, whatever came after it.

    Cancelled is one that got no cash because its document no longer asked for any.
    """
    if is_kept:
        return "kept"
    if is_superseded:
        return "superseded"
    if is_settled and not is_paid_in_part:
        return "cancelled"
    if not is_over:
        return "open"
    return "partly_kept" if is_paid_in_part else "broken"


def _is_settled(
    book: Journal, cash: Sequence[Cash], customer_id: str, document_id: str, day: date
) -> bool:
    """Whether nothing of the document was open on a day, or it was withdrawn altogether.

    A document settled by cash that was taken back afterwards was not settled.
    """
    is_taken_back = any(
        piece.is_reversal
        and piece.facts.customer_id == customer_id
        and piece.facts.item.document_id == document_id
        and piece.payment_date <= day < piece.effective_date
        for piece in cash
    )
    return not is_taken_back and not any(
        item.document_id == document_id
        and item.item_type == "document"
        and facts.customer_id == customer_id
        and balance(book, item, day) != 0
        for item, facts in book.items.items()
    )


def target_document(
    customer_id: str, document_id: str | None, known: Sequence[tuple[Row, bool]]
) -> str | None:
    """The document promised on, if it is, or before it was withdrawn was, the customer's."""
    owned = any(
        row["customer_id"] == customer_id and row["document_id"] == document_id for row, _ in known
    )
    return document_id if owned else None


def _currency(
    customer_id: str,
    target: str | None,
    known: Sequence[tuple[Row, bool]],
    extracts: Extracts,
    parameters: Parameters,
) -> str:
    """The currency promised in: the document's, the customer's, that of all its documents."""
    owned = [row for row, _ in known if row["customer_id"] == customer_id]
    if target is not None:
        return str(min(row["currency_code"] for row in owned if row["document_id"] == target))
    customer = latest(extracts.customers, ("customer_id",), parameters.known_at).get((customer_id,))
    if customer is not None and customer.get("currency_code") is not None:
        return str(customer["currency_code"])
    currencies = {str(row["currency_code"]) for row in owned}
    return currencies.pop() if len(currencies) == 1 else parameters.reporting_currency


def _purses(cash: Sequence[Cash]) -> list[_Purse]:
    """Cash that stayed, by document and day, oldest first.

    What a reversal took back is taken off the payment's latest cash on that document first.
    """
    reversed_amounts: dict[tuple[str, str, str], Decimal] = {}
    for piece in cash:
        key = (
            piece.facts.item.company_code,
            piece.original_payment_id,
            piece.facts.item.document_id,
        )
        if piece.is_reversal:
            reversed_amounts[key] = reversed_amounts.get(key, ZERO) - piece.amount_document
    purses: dict[tuple[date, str, str, str, str], _Purse] = {}
    for piece in sorted(cash, key=lambda p: p.effective_date, reverse=True):
        if piece.is_reversal:
            continue
        item = piece.facts.item
        key = (item.company_code, piece.original_payment_id, item.document_id)
        back = max(min(piece.amount_document, reversed_amounts.get(key, ZERO)), ZERO)
        if back:
            reversed_amounts[key] -= back
        stayed = piece.amount_document - back
        if stayed <= 0:
            continue
        place = (
            piece.effective_date,
            item.company_code,
            item.document_id,
            piece.facts.currency_code,
            piece.facts.customer_id,
        )
        purse = purses.setdefault(
            place,
            _Purse(
                piece.facts.customer_id,
                item.company_code,
                item.document_id,
                piece.facts.currency_code,
                piece.effective_date,
                ZERO,
            ),
        )
        purse.left += stayed
    return [purses[place] for place in sorted(purses)]
