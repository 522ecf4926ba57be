"""Credit grades: what a customer's history, as it was known then, is worth. No strategy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.arithmetic import add_months, month_end, month_start, round_money
from tests.oracle.cash import Cash, cash_on_documents
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO, Item, Journal, journal
from tests.oracle.promises import promises
from tests.oracle.versions import LEDGER_KEY, in_force, latest

BILLING = ("invoice", "debit_memo", "opening_balance")
UNRATED = "unrated"


@dataclass(frozen=True)
class Grade:
    """A customer's grade in a month, the sums it is made of and the points of its parts."""

    paid_item_count: int
    paid_amount: Decimal
    late_amount_days: Decimal
    on_time_amount: Decimal
    broken_promise_count: int
    disputed_item_count: int
    billed_item_count: int
    balance_amount: Decimal
    credit_limit_amount: Decimal | None
    is_insolvent: bool
    points: Mapping[str, Decimal | None]
    credit_grade: str


def known_at_end_of(month: date, timezone: str, first_recorded_at: datetime) -> datetime:
    """The instant whose knowledge a month is graded by.

    The end of its last day in the company's time zone; before the first delivery of the ledger
    nothing was known, so that what this told stands for the months before it.

    Examples:
        >>> known_at_end_of(date(2024, 2, 1), "Asia/Shanghai", datetime(2024, 1, 1))
        datetime.datetime(2024, 2, 29, 15, 59, 59, 999999)
    """
    end = datetime.combine(month_end(month), time.max, tzinfo=ZoneInfo(timezone))
    return max(end.astimezone(ZoneInfo("UTC")).replace(tzinfo=None), first_recorded_at)


def points(
    numerator: Decimal,
    denominator: Decimal | None,
    *,
    full: Decimal,
    none: Decimal,
    weight: Decimal,
) -> Decimal | None:
    """Points in a straight line from the value that gives them all to the one that gives none.

    Examples:
        >>> at = {"full": Decimal(0), "none": Decimal(60), "weight": Decimal(35)}
        >>> [points(Decimal(d), Decimal(1), **at) for d in (0, 6, 60, 90)]
        [Decimal('35.00'), Decimal('31.50'), Decimal('0.00'), Decimal('0.00')]
    """
    if denominator is None or denominator <= 0:
        return None
    share = (none - numerator / denominator) / (none - full)
    return round_money(weight * min(Decimal(1), max(Decimal(0), share)))


def grades(
    extracts: Extracts,
    parameters: Parameters,
    seeds: Seeds,
    first_recorded_at: datetime,
    months: Sequence[date],
) -> Iterator[tuple[str, date, Grade]]:
    """The grade of every customer in some months, for customers of whom anything counts by then.

    Source: measures, section 6 (credit grade).
    """
    (rules,) = seeds.rows("credit_rules")
    looked_back = int(rules["history_months"])
    for month in months:
        known_at = min(
            known_at_end_of(month, parameters.timezone, first_recorded_at), parameters.known_at
        )
        day = min(month_end(month), parameters.as_of_date)
        then = replace(parameters, as_of_date=day, known_at=known_at)
        # Amounts are converted at the rates that the run knows, as in every past balance.
        book = journal(extracts, parameters, known_at)
        first_month = add_months(month, 1 - looked_back)
        cash = [
            piece
            for piece in cash_on_documents(extracts, then, book)
            if month_start(piece.payment_date) >= first_month
        ]
        disputed = _disputed(extracts, then, first_month)
        broken: dict[str, int] = {}
        for promise in promises(extracts, parameters, book, seeds, then):
            missed = promise.deadline_date + timedelta(days=1)
            if promise.status == "broken" and first_month <= month_start(missed) <= month:
                broken[promise.customer_id] = broken.get(promise.customer_id, 0) + 1
        known_customers = latest(extracts.customers, ("customer_id",), known_at)
        moved = {m.customer_id for m in book.movements if m.effective_date <= day}
        for customer_id in sorted(moved | set(broken) | set(disputed)):
            yield (
                customer_id,
                month,
                _grade(
                    book,
                    [piece for piece in cash if piece.facts.customer_id == customer_id],
                    customer_id,
                    day,
                    first_month,
                    known_customers.get((customer_id,), {}),
                    broken.get(customer_id, 0),
                    disputed.get(customer_id, 0),
                    seeds,
                ),
            )


def _disputed(extracts: Extracts, then: Parameters, first_month: date) -> dict[str, int]:
    """Items billed in the months looked back on that were in dispute, by customer."""
    counts: dict[str, int] = {}
    for row in in_force(extracts.ledger, LEDGER_KEY, then.known_at):
        if (
            row.get("has_open_dispute")
            and row["document_type"] in BILLING
            and first_month <= month_start(row["document_date"])
            and row["document_date"] <= then.as_of_date
        ):
            counts[row["customer_id"]] = counts.get(row["customer_id"], 0) + 1
    return counts


def _grade(
    book: Journal,
    cash: Sequence[Cash],
    customer_id: str,
    day: date,
    first_month: date,
    customer: Row,
    broken: int,
    disputed: int,
    seeds: Seeds,
) -> Grade:
    own = [m for m in book.movements if m.customer_id == customer_id and m.effective_date <= day]
    paid, late, on_time = ZERO, ZERO, ZERO
    by_item: dict[Item, Decimal] = {}
    for piece in cash:
        item = piece.facts.item
        by_item[item] = by_item.get(item, ZERO) + piece.amount_document
        if piece.amount is None:
            continue
        days = (piece.payment_date - piece.facts.due_date).days
        paid += piece.amount
        late += piece.amount * max(0, days)
        on_time += piece.amount if days <= 0 else ZERO
    billed = sum(
        1
        for m in own
        if m.movement_type in BILLING and month_start(m.effective_date) >= first_month
    )
    balance = sum((m.amount for m in own if m.amount is not None), ZERO)
    limit = customer.get("credit_limit")
    is_insolvent = bool(customer.get("is_insolvent"))
    values: Mapping[str, tuple[Decimal, Decimal | None]] = {
        "days_late": (late, paid),
        "on_time": (on_time, paid),
        "broken_promises": (Decimal(broken), Decimal(1)),
        "disputes": (Decimal(disputed), Decimal(billed)),
        "limit_utilisation": (balance, limit),
        "insolvency": (Decimal(int(is_insolvent)), Decimal(1)),
    }
    got: dict[str, Decimal | None] = {}
    weights = ZERO
    for part in seeds.rows("credit_grade_parts"):
        weight = Decimal(part["weight"])
        numerator, denominator = values[part["grade_part"]]
        got[part["grade_part"]] = points(
            numerator,
            denominator,
            full=Decimal(part["full_points_at"]),
            none=Decimal(part["no_points_at"]),
            weight=weight,
        )
        weights += ZERO if got[part["grade_part"]] is None else weight
    total = sum((value for value in got.values() if value is not None), ZERO)
    paid_items = sum(1 for amount in by_item.values() if amount > 0)
    return Grade(
        paid_item_count=paid_items,
        paid_amount=paid,
        late_amount_days=late,
        on_time_amount=on_time,
        broken_promise_count=broken,
        disputed_item_count=disputed,
        billed_item_count=billed,
        balance_amount=balance,
        credit_limit_amount=limit,
        is_insolvent=is_insolvent,
        points=got,
        credit_grade=_letter(paid_items, total, weights, seeds, is_insolvent=is_insolvent),
    )


def _letter(
    paid_items: int, total: Decimal, weights: Decimal, seeds: Seeds, *, is_insolvent: bool
) -> str:
    """The first grade whose minimum the score reaches; nobody is graded on too few items."""
    (rules,) = seeds.rows("credit_rules")
    if paid_items < int(rules["minimum_paid_item_count"]):
        return UNRATED
    if is_insolvent and rules["insolvent_grade"]:
        return rules["insolvent_grade"]
    for row in sorted(seeds.rows("credit_grades"), key=lambda r: int(r["credit_grade_order"])):
        if row["minimum_score"] and total * 100 >= Decimal(row["minimum_score"]) * weights:
            return row["credit_grade"]
    message = f"no grade takes {total} of {weights}"
    raise ValueError(message)
