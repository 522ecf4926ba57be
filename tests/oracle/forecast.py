"""Cash to come on what is open, week by week, and how good such a forecast was in the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from tests.oracle.aging import standing_apart
from tests.oracle.arithmetic import Ratio, period_of, ratio, round_money, round_ratio
from tests.oracle.balances import open_items
from tests.oracle.cash import CASH_TYPES, Cash
from tests.oracle.inputs import Row, Seeds
from tests.oracle.journal import ZERO, Item, ItemFacts, Journal
from tests.oracle.promises import Promise

WAYS = ("promise", "habit", "cohort")


@dataclass(frozen=True)
class Origin:
    """A day on which cash is forecast, and what was known then."""

    day: date
    book: Journal
    segment_of: Callable[[str], str]
    promises: Sequence[tuple[Promise, Decimal | None]]
    """The promises known, with the amount promised in reporting currency."""


@dataclass
class Week:
    """What is expected of a week, by way of expecting it."""

    amounts: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(WAYS, ZERO))
    variance: Decimal = ZERO

    def amount(self, way: str) -> Decimal:
        """One part in cents."""
        return round_money(self.amounts[way])

    @property
    def forecast(self) -> Decimal:
        """All parts together."""
        return sum((self.amount(way) for way in WAYS), ZERO)

    def interval(self, rules: Row) -> tuple[Decimal, Decimal]:
        """Where the cash lies with the probability that the rules say; it is never below 0."""
        half = round_money(
            Decimal(rules["interval_deviations"]) * round_money(self.variance.sqrt())
        )
        return max(self.forecast - half, ZERO), self.forecast + half


@dataclass(frozen=True)
class Expected:
    """An open item and what is expected of it."""

    facts: ItemFacts
    open_amount: Decimal
    promised: Decimal
    promised_date: date | None
    expected_date: date

    @property
    def rest(self) -> Decimal:
        """What no promise speaks for."""
        return self.open_amount - self.promised


@dataclass(frozen=True)
class _Ended:
    """Cash on an item, or what of it was written off, in the history."""

    customer_id: str
    days: int
    amount: Decimal
    source_id: str
    is_write_off: bool


def rules_of(seeds: Seeds) -> Row:
    """The rules of the forecast."""
    (rules,) = seeds.rows("forecast_rules")
    return rules


def forecast(origin: Origin, seeds: Seeds) -> tuple[list[Expected], dict[tuple[str, int], Week]]:
    """What is expected of every open item, and by company and week after the day.

    Source: measures, section 6 (cash forecast).
    """
    rules = rules_of(seeds)
    history = _history(origin, rules)
    items = _expected(origin, history, rules)
    half_year = period_of("half_year", origin.day + timedelta(days=1))
    days = (half_year.end - origin.day).days
    count = max(int(rules["week_count"]), -(-days // 7))
    weeks = {
        (company_code, number): Week()
        for company_code in {item.facts.item.company_code for item in items}
        for number in range(1, count + 1)
    }
    in_time = Decimal(rules["in_time_rate"])

    def add(way: str, company_code: str, number: int, amount: Decimal, spread: Decimal) -> None:
        if (company_code, number) in weeks:
            weeks[company_code, number].amounts[way] += amount
            weeks[company_code, number].variance += spread

    for item in items:
        company_code = item.facts.item.company_code
        for way, amount, day in (
            ("promise", item.promised, item.promised_date),
            ("habit", item.rest, item.expected_date),
        ):
            if amount > 0 and day is not None and day > origin.day:
                spread = amount * amount * in_time * (1 - in_time)
                add(way, company_code, week_of(origin.day, day), amount, spread)
        if item.rest > 0 and item.expected_date <= origin.day:
            segment = origin.segment_of(item.facts.customer_id)
            own = [end for end in history if origin.segment_of(end.customer_id) == segment]
            late = (origin.day - item.facts.due_date).days // 7
            for number, share in _pattern(own, late).items():
                spread = item.rest * item.rest * share * (1 - share)
                add("cohort", company_code, number, item.rest * share, spread)
    return items, weeks


def week_of(origin: date, day: date) -> int:
    """The number of the week after a day in which another lies.

    Examples:
        >>> [week_of(date(2024, 1, 1), date(2024, 1, day)) for day in (2, 8, 9)]
        [1, 1, 2]
    """
    return ((day - origin).days - 1) // 7 + 1


def _history(origin: Origin, rules: Row) -> list[_Ended]:
    first = origin.day - timedelta(days=int(rules["history_days"]))
    result = []
    for movement in origin.book.movements:
        if (
            movement.item.item_type == "document"
            and movement.movement_type in (*CASH_TYPES, "write_off")
            and movement.amount is not None
            and first < movement.effective_date <= origin.day
        ):
            facts = origin.book.items[movement.item]
            result.append(
                _Ended(
                    facts.customer_id,
                    (movement.effective_date - facts.due_date).days,
                    -movement.amount,
                    movement.source_id,
                    movement.movement_type == "write_off",
                )
            )
    return result


def _average_delay(ends: Sequence[_Ended]) -> Fraction | None:
    cash = [end for end in ends if not end.is_write_off]
    total = sum((end.amount for end in cash), ZERO)
    if total <= 0:
        return None
    return Fraction(sum((end.amount * end.days for end in cash), ZERO)) / Fraction(total)


def _pattern(ends: Sequence[_Ended], weeks_late: int) -> dict[int, Decimal]:
    """Of what ended at later ages than an item's, the share that was cash, by week from now."""
    later = [end for end in ends if end.days // 7 > weeks_late]
    left = sum((end.amount for end in later), ZERO)
    if left <= 0:
        return {}
    paid: dict[int, Decimal] = {}
    for end in later:
        if not end.is_write_off:
            number = end.days // 7 - weeks_late
            paid[number] = paid.get(number, ZERO) + end.amount
    return {
        number: min(round_ratio(max(amount, ZERO) / left), Decimal(1))
        for number, amount in paid.items()
    }


def _expected(origin: Origin, history: Sequence[_Ended], rules: Row) -> list[Expected]:
    """Every item above zero with its promise and the day on which its customer's habit pays it."""
    full = int(rules["full_weight_payments"])
    everybody = _average_delay(history)
    by_customer: dict[str, list[_Ended]] = {}
    by_segment: dict[str, list[_Ended]] = {}
    for end in history:
        by_customer.setdefault(end.customer_id, []).append(end)
        by_segment.setdefault(origin.segment_of(end.customer_id), []).append(end)
    of_segment = {segment: _average_delay(ends) for segment, ends in by_segment.items()}

    def delay_of(customer_id: str) -> int:
        own_ends = by_customer.get(customer_id, [])
        own = _average_delay(own_ends)
        others = of_segment.get(origin.segment_of(customer_id))
        others = everybody if others is None else others
        payments = {end.source_id for end in own_ends if end.amount > 0 and not end.is_write_off}
        if own is None or others is None:
            delay = own or others or Fraction(0)
        else:
            weight = min(len(payments), full)
            delay = (own * weight + others * (full - weight)) / full
        exact = Decimal(delay.numerator) / Decimal(delay.denominator)
        return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))

    owed = [
        item
        for item in open_items(origin.book, origin.day)
        if item.facts.item.item_type == "document"
        and standing_apart(item.facts) is None
        and item.open_amount_document > 0
        and item.open_amount is not None
        and item.open_amount > 0
    ]
    promised = _promised(origin)
    groups: dict[tuple[str, str | None], Decimal] = {}
    places = {}
    for item in owed:
        customer_id, document_id = item.facts.customer_id, item.facts.item.document_id
        place = (customer_id, document_id if (customer_id, document_id) in promised else None)
        places[item.facts.item] = place
        groups[place] = groups.get(place, ZERO) + (item.open_amount or ZERO)
    result = []
    for item in owed:
        place, amount = places[item.facts.item], item.open_amount or ZERO
        day, total = promised.get(place, (None, ZERO))
        result.append(
            Expected(
                facts=item.facts,
                open_amount=amount,
                promised=round_money(amount * min(total, groups[place]) / groups[place]),
                promised_date=None if day is None else max(day, origin.day + timedelta(days=1)),
                expected_date=item.facts.due_date
                + timedelta(days=delay_of(item.facts.customer_id)),
            )
        )
    return result


def _promised(origin: Origin) -> dict[tuple[str, str | None], tuple[date, Decimal]]:
    """What promises that stood on the day still promise, by customer and document (or none)."""
    result: dict[tuple[str, str | None], tuple[date, Decimal]] = {}
    for promise, amount in origin.promises:
        is_over = promise.kept_date is not None and promise.kept_date <= origin.day
        is_replaced = promise.superseded_date is not None and promise.superseded_date <= origin.day
        if (
            amount is None
            or not promise.promise_date <= origin.day <= promise.deadline_date
            or is_over
            or is_replaced
            or promise.status == "cancelled"
        ):
            continue
        paid = sum((part for day, part in promise.pieces if day <= origin.day), ZERO)
        whole = promise.promised_amount_document
        left = round_money(amount * (whole - paid) / whole)
        place = (promise.customer_id, promise.document_id if promise.is_on_document else None)
        day, total = result.get(place, (promise.promised_date, ZERO))
        result[place] = max(day, promise.promised_date), total + left
    return result


@dataclass(frozen=True)
class Accuracy:
    """A past forecast beside the cash that came."""

    week_count: int
    forecast: Decimal
    actual: Decimal
    error: Ratio
    bias: Ratio
    coverage: Ratio


def accuracy(
    origin: date,
    items: Sequence[Expected],
    weeks: Mapping[tuple[str, int], Week],
    cash: Sequence[Cash],
    as_of_date: date,
    seeds: Seeds,
) -> dict[str, Accuracy]:
    """WAPE, bias and interval coverage of the weeks that are over, by company.

    Source: measures, section 6 (accuracy on what was known then).
    """
    rules = rules_of(seeds)
    open_then: frozenset[Item] = frozenset(item.facts.item for item in items)
    came: dict[tuple[str, int], Decimal] = {}
    for piece in cash:
        if piece.facts.item in open_then and piece.effective_date > origin:
            place = (piece.facts.item.company_code, week_of(origin, piece.effective_date))
            came[place] = came.get(place, ZERO) + (piece.amount or ZERO)
    result = {}
    for company_code in {code for code, _ in weeks}:
        over = [
            (week, came.get((company_code, number), ZERO))
            for (code, number), week in weeks.items()
            if code == company_code
            and number <= int(rules["week_count"])
            and origin + timedelta(days=7 * number) <= as_of_date
        ]
        if not over:
            continue
        actual = sum((amount for _, amount in over), ZERO)
        told = sum((week.forecast for week, _ in over), ZERO)
        within = 0
        for week, amount in over:
            lower, upper = week.interval(rules)
            within += lower <= amount <= upper
        off = sum((abs(amount - week.forecast) for week, amount in over), ZERO)
        result[company_code] = Accuracy(
            len(over),
            told,
            actual,
            ratio(off, actual),
            ratio(told - actual, actual),
            ratio(within, len(over)),
        )
    return result
