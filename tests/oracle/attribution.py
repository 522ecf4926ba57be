"""Who earned the cash: by each method one collector, several in shares, or nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.oracle.arithmetic import CENT, RATIO_DIGITS
from tests.oracle.cash import Cash, local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.promises import Promise, target_document
from tests.oracle.versions import LEDGER_KEY, in_force, last_told

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True)
class Touch:
    """A contact that reached, or spoke to, the customer."""

    contact_date: date
    contacted_at: datetime
    contact_id: str
    collector_id: str


@dataclass(frozen=True)
class Attributed:
    """What one collector, or nobody, has of a piece of cash by one method."""

    method: str
    piece: Cash
    collector_id: str
    share: Decimal
    amount_document: Decimal
    amount: Decimal | None
    earned_date: date


def portfolio_owner(spans: Sequence[Row], day: date) -> str:
    """Who owned the customer on a day, both ends of a span included.

    A later span ends the one before it, whether or not that says when it ends: of the spans that
    have begun, only the last can hold the day.
    """
    begun = [row for row in spans if row["valid_from"] <= day]
    if not begun:
        return UNATTRIBUTED
    last = max(begun, key=lambda row: row["valid_from"])
    if last["valid_to"] is not None and last["valid_to"] < day:
        return UNATTRIBUTED
    return str(last["collector_id"])


def touches_within(touches: Sequence[Touch], day: date, window_days: int) -> list[Touch]:
    """The customer's contacts on a day and on so many days before it, in their order.

    Two contacts at one instant go by their number.
    """
    first = day - timedelta(days=window_days)
    return sorted(
        (touch for touch in touches if first <= touch.contact_date <= day),
        key=lambda touch: (touch.contact_date, touch.contacted_at, touch.contact_id),
    )


def promise_getter(promises: Sequence[tuple[Promise, str | None]], piece: Cash) -> str | None:
    """Who got the oldest promise that stood for the piece's document on the day it was paid.

    A promise stands from the day it was made to the last day of grace, or to the day before the
    one that supersedes it.
    """
    for promise, target in promises:
        last_day = promise.deadline_date
        if promise.superseded_date is not None:
            last_day = min(last_day, promise.superseded_date - timedelta(days=1))
        if (
            promise.customer_id == piece.facts.customer_id
            and promise.currency_code == piece.facts.currency_code
            and target in (None, piece.facts.item.document_id)
            and promise.promise_date <= piece.payment_date <= last_day
        ):
            return promise.collector_id
    return None


def largest_remainder(
    amount: Decimal, numbers: Mapping[str, int], unit: Decimal
) -> dict[str, Decimal]:
    """Give an amount out in proportion to whole numbers, without losing a unit.

    Everybody gets the whole units of the exact part; what is left goes, a unit each, to the
    largest remainders, and among equal ones to the first names.

    Source: the method of largest remainders (Hamilton). Of 100 seats with 47,000, 16,000, 15,900,
    12,000, 6,000 and 3,100 of 100,000 votes for ten seats, that is the example below.

    Examples:
        >>> votes = {"A": 47000, "B": 16000, "C": 15900, "D": 12000, "E": 6000, "F": 3100}
        >>> [int(seats) for seats in largest_remainder(Decimal(10), votes, Decimal(1)).values()]
        [5, 2, 1, 1, 1, 0]
    """
    units, total = int(abs(amount) / unit), sum(numbers.values())
    parts = {name: units * number // total for name, number in numbers.items()}
    left = units - sum(parts.values())
    by_remainder = sorted(numbers, key=lambda name: (-(units * numbers[name] % total), name))
    for name in by_remainder[:left]:
        parts[name] += 1
    sign = -1 if amount < 0 else 1
    return {name: sign * part * unit for name, part in parts.items()}


def earned_date(piece: Cash, cash: Sequence[Cash]) -> date:
    """When a piece was earned: of cash taken back, when the payment last paid the document."""
    if not piece.is_reversal:
        return piece.effective_date
    paid = [
        other.effective_date
        for other in cash
        if not other.is_reversal
        and other.facts.item.company_code == piece.facts.item.company_code
        and other.facts.item.document_id == piece.facts.item.document_id
        and other.payment_id == piece.original_payment_id
        and other.effective_date <= piece.effective_date
    ]
    return max(paid, default=piece.effective_date)


def attribute_cash(
    extracts: Extracts,
    parameters: Parameters,
    cash: Sequence[Cash],
    promises: Sequence[Promise],
    seeds: Seeds,
) -> list[Attributed]:
    """Every piece of cash by method and collector who earned some of it.

    Judged on the payment's own date; a reversal on that of the payment it takes back, so that it
    takes from whom that payment was given.

    Source: measures, section 5 (cash_attribution).
    """
    spans: dict[str, list[Row]] = {}
    for row in in_force(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at):
        spans.setdefault(row["customer_id"], []).append(row)
    touching = {
        row["outcome"] for row in seeds.rows("contact_outcomes") if row["is_touch"] == "true"
    }
    touches: dict[str, list[Touch]] = {}
    for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at):
        day = local_date(row["contacted_at"], parameters.timezone)
        if row["outcome"] in touching and day <= parameters.as_of_date:
            touches.setdefault(row["customer_id"], []).append(
                Touch(day, row["contacted_at"], row["contact_id"], row["collector_id"])
            )
    known = last_told(extracts.ledger, LEDGER_KEY, parameters.known_at)
    targeted = [
        (promise, target_document(promise.customer_id, promise.document_id, known))
        for promise in promises
    ]
    methods = {row["attribution_method"]: row for row in seeds.rows("attribution_methods")}

    def numbers_of(name: str, piece: Cash) -> Mapping[str, int]:
        customer_id, day = piece.facts.customer_id, piece.payment_date
        if name == "portfolio_owner":
            return {portfolio_owner(spans.get(customer_id, []), day): 1}
        if name == "promise_first":
            getter = promise_getter(targeted, piece)
            return numbers_of("last_touch", piece) if getter is None else {getter: 1}
        window = int(methods[name]["window_days"])
        near = touches_within(touches.get(customer_id, []), day, window)
        if not near:
            return {UNATTRIBUTED: 1}
        if name == "linear":
            last = near[-int(methods[name]["touch_limit"]) :]
            return Counter(touch.collector_id for touch in last)
        return {near[0 if name == "first_touch" else -1].collector_id: 1}

    result = []
    for name in methods:
        for piece in cash:
            numbers = numbers_of(name, piece)
            shares = largest_remainder(Decimal(1), numbers, RATIO_DIGITS)
            documents = largest_remainder(piece.amount_document, numbers, CENT)
            amounts = (
                dict.fromkeys(numbers)
                if piece.amount is None
                else largest_remainder(piece.amount, numbers, CENT)
            )
            result += [
                Attributed(
                    name,
                    piece,
                    collector,
                    shares[collector],
                    documents[collector],
                    amounts[collector],
                    earned_date(piece, cash),
                )
                for collector in numbers
            ]
    return result
