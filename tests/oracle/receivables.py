"""The list of all documents: what each was worth, what has happened to it, what is open.

Here: one document item at a time, up to the run's day. Not here: the movements (``journal``), what
is open on other days (``balances``), sums over documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.aging import aging, standing_apart
from tests.oracle.balances import balance, fx_residues, movements_by_item, movements_until
from tests.oracle.cash import CASH_TYPES
from tests.oracle.inputs import Bucket, Extracts, Parameters
from tests.oracle.journal import RECEIVABLE_TYPES, ZERO, Item, ItemFacts, Journal, Movement
from tests.oracle.scopes import customers_known
from tests.oracle.versions import LEDGER_KEY, Document, documents, in_force

HAPPENINGS = {
    "paid": CASH_TYPES,
    "credited": ("credit_memo", "credit_application"),
    "discounted": ("discount",),
    "adjusted": ("adjustment",),
    "written_off": ("write_off",),
    "recovered": ("recovery",),
}
"""What happens to a document, by the types of the movements that do it."""


@dataclass(frozen=True)
class Receivable:
    """A document item as the run sees it; amounts are in document and in reporting currency.

    What happened is positive where it lowers what is open, but for adjustments, which are positive
    where they raise it.
    """

    as_of_date: date
    customer_id: str
    document_type: str
    document_date: date
    due_date: date
    due_date_source: str
    currency_code: str
    original_amount_document: Decimal
    original_amount: Decimal | None
    paid_amount_document: Decimal
    paid_amount: Decimal | None
    credited_amount_document: Decimal
    credited_amount: Decimal | None
    discounted_amount_document: Decimal
    discounted_amount: Decimal | None
    adjusted_amount_document: Decimal
    adjusted_amount: Decimal | None
    written_off_amount_document: Decimal
    written_off_amount: Decimal | None
    recovered_amount_document: Decimal
    recovered_amount: Decimal | None
    open_amount_document: Decimal
    open_amount: Decimal | None
    fx_residue_amount: Decimal | None
    rate_status: str
    settled_date: date | None
    last_payment_date: date | None
    days_past_due: int
    aging_bucket_days: str | None
    aging_bucket_months: str | None
    applies_to_document_id: str | None
    has_open_dispute: bool
    legal_status: str
    salesperson_id: str | None
    is_over_applied: bool
    is_future_dated: bool
    is_due_before_document: bool
    is_unknown_customer: bool
    is_missing_rate: bool


def receivables(
    extracts: Extracts, parameters: Parameters, book: Journal, buckets: Sequence[Bucket]
) -> Mapping[Item, Receivable]:
    """Every document item of the journal's own companies, as known by the run.

    A memo, write-off or adjustment that is set against another document has no item of its own.
    What a recovery for no known document puts back it pays at once: it never was a receivable.

    Source: measures, section 2 (open amount).
    """
    day = parameters.as_of_date
    delivered = {
        Item(row["company_code"], "document", row["document_id"], row["installment_no"]): row
        for row in in_force(extracts.ledger, LEDGER_KEY, parameters.known_at)
    }
    told = {
        Item(d.company_code, "document", d.document_id, d.installment_no): d
        for d in documents(extracts, parameters.known_at)
    }
    customers = customers_known(extracts, parameters)
    until = movements_until(book, day)
    residues = fx_residues(book, day)
    placed: dict[Item, dict[str, str]] = {}
    amounts: dict[Item, tuple[Decimal, Decimal | None]] = {}
    for aged in aging(book, day, buckets):
        item = aged.open_item.facts.item
        placed.setdefault(item, {})[aged.bucket_set] = aged.aging_bucket
        amounts[item] = aged.open_item.open_amount_document, aged.open_item.open_amount
    result = {}
    for item, facts in own_documents(book):
        document, row, happened = told[item], delivered[item], until.get(item, [])
        open_document, open_reporting = amounts.get(item, (ZERO, ZERO))
        is_missing = any(movement.amount is None for movement in happened)
        residue = residues.get(item, ZERO)
        if is_missing and item not in amounts:
            residue = None
        by_others = [m for m in happened if not is_original(m)]
        sums = {
            kind: reduction(
                [m for m in by_others if m.movement_type in types], is_missing=is_missing
            )
            for kind, types in HAPPENINGS.items()
        }
        adjusted, adjusted_reporting = sums["adjusted"]
        payments = [
            m.effective_date for m in happened if m.movement_type in ("payment", "application")
        ]
        result[item] = Receivable(
            as_of_date=day,
            customer_id=facts.customer_id,
            document_type=facts.document_type,
            document_date=facts.document_date,
            due_date=facts.due_date,
            due_date_source=document.due_date_source,
            currency_code=facts.currency_code,
            original_amount_document=facts.booked_amount,
            original_amount=original_amount(book, item),
            paid_amount_document=sums["paid"][0],
            paid_amount=sums["paid"][1],
            credited_amount_document=sums["credited"][0],
            credited_amount=sums["credited"][1],
            discounted_amount_document=sums["discounted"][0],
            discounted_amount=sums["discounted"][1],
            adjusted_amount_document=-adjusted,
            adjusted_amount=None if adjusted_reporting is None else -adjusted_reporting,
            written_off_amount_document=sums["written_off"][0],
            written_off_amount=sums["written_off"][1],
            recovered_amount_document=sums["recovered"][0],
            recovered_amount=sums["recovered"][1],
            open_amount_document=open_document,
            open_amount=open_reporting,
            fx_residue_amount=residue,
            rate_status="missing" if is_missing else "ok",
            settled_date=settled_date(book, document, item, day),
            last_payment_date=max(payments, default=None),
            days_past_due=(day - facts.due_date).days,
            aging_bucket_days=placed.get(item, {}).get("days"),
            aging_bucket_months=placed.get(item, {}).get("months"),
            applies_to_document_id=document.applies_to_document_id,
            has_open_dispute=row["has_open_dispute"],
            legal_status=row["legal_status"],
            salesperson_id=row["salesperson_id"],
            is_over_applied=standing_apart(facts) is None and open_document < 0,
            is_future_dated=facts.document_date > day,
            is_due_before_document=facts.due_date < facts.document_date,
            is_unknown_customer=facts.customer_id not in customers,
            is_missing_rate=is_missing,
        )
    return result


def own_documents(book: Journal) -> Iterable[tuple[Item, ItemFacts]]:
    """The items of documents that have a row of their own."""
    moved = movements_by_item(book)
    companies = {item.company_code for item in moved}
    for item, facts in book.items.items():
        if (
            item.item_type == "document"
            and item.company_code in companies
            and facts.document_type != "recovery"
            and (facts.document_type in RECEIVABLE_TYPES or item in moved)
        ):
            yield item, facts


def is_original(movement: Movement) -> bool:
    """Whether it is the document's own booking and nothing that was done to it."""
    own = (movement.item.document_id, movement.item.installment_no)
    return (
        movement.source_type == "ledger"
        and (movement.source_id, movement.source_line_no) == own
        and movement.movement_type != "credit_application"
    )


def original_amount(book: Journal, item: Item) -> Decimal | None:
    """What the document was worth in reporting currency; None where it has no rate."""
    _, amount = reduction([m for m in movements_by_item(book).get(item, ()) if is_original(m)])
    return None if amount is None else -amount


def reduction(
    movements: Sequence[Movement], *, is_missing: bool = False
) -> tuple[Decimal, Decimal | None]:
    """By how much movements lower what is open, in both currencies.

    The second is None when a movement has no rate; a document's amounts are, too, when another
    movement of it has none (`is_missing`), for they would not add up to what is open.
    """
    in_document = -sum((m.amount_document for m in movements), ZERO)
    known = [m.amount for m in movements if m.amount is not None]
    if is_missing or len(known) < len(movements):
        return in_document, None
    return in_document, -sum(known, ZERO)


def settled_date(book: Journal, document: Document, item: Item, day: date) -> date | None:
    """The day from which nothing is open, None while something is or the document is to come.

    What was never open at the end of a day was settled on the day of the document.
    """
    if document.document_date > day or balance(book, item, day) != 0:
        return None
    days = {m.effective_date for m in movements_by_item(book).get(item, ())}
    for settled in sorted((d for d in days if d <= day), reverse=True):
        if balance(book, item, settled - timedelta(days=1)) != 0:
            return settled
    return document.document_date
