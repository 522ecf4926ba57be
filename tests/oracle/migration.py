"""What became of receivables from month end to month end, and what that says will be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.aging import bucket_of, standing_apart
from tests.oracle.arithmetic import Period, Ratio, add_months, ratio, round_money, round_ratio
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.cash import CASH_TYPES
from tests.oracle.inputs import Bucket, Extracts, Parameters, Seeds
from tests.oracle.journal import RECOVERY_TYPES, ZERO, Item, ItemFacts, Journal, Movement
from tests.oracle.versions import documents

INFLOW = "inflow"
SETTLED = ("written_off", "credited", "collected")
"""How an amount may leave its item, in the order in which the opening balance is used up."""


def owed(book: Journal, day: date) -> dict[Item, OpenItem]:
    """The items owed on a day; credits stand apart."""
    return {
        open_item.facts.item: open_item
        for open_item in open_items(book, day)
        if standing_apart(open_item.facts) is None
    }


def kind_of(movement: Movement) -> str | None:
    """How a movement settles its item; None where it books it, or brings back a written-off one.

    Source: measures, section 2 (migration matrix: collected, credited, written off).
    """
    is_own = (
        movement.source_type == "ledger"
        and movement.source_id == movement.item.document_id
        and movement.source_line_no == movement.item.installment_no
        and movement.movement_type != "credit_application"
    )
    if is_own or movement.movement_type in RECOVERY_TYPES:
        return None
    if movement.movement_type in CASH_TYPES:
        return "collected"
    return "written_off" if movement.movement_type == "write_off" else "credited"


@dataclass(frozen=True)
class Fate:
    """What became of an item that was owed when a month began."""

    opening: OpenItem
    settled: Mapping[str, Decimal]
    """Of the opening amount in reporting currency, by kind."""

    @property
    def left(self) -> Decimal:
        """What of it is still open."""
        return (self.opening.open_amount or ZERO) - sum(self.settled.values(), ZERO)


def fates(book: Journal, month: Period) -> Sequence[Fate]:
    """Share every opening balance out: written off, credited, collected, or still open.

    Each kind counts net of what was taken back in the month, in document currency, and never takes
    more than is left. The amount in reporting currency follows the share in document currency.
    """
    moved: dict[Item, dict[str, Decimal]] = {}
    for movement in book.movements:
        kind = kind_of(movement)
        if kind is not None and month.holds(movement.effective_date):
            of_item = moved.setdefault(movement.item, dict.fromkeys(SETTLED, ZERO))
            of_item[kind] -= movement.amount_document
    result = []
    for item, opening in owed(book, month.day_before).items():
        if opening.open_amount is None:
            continue
        whole = abs(opening.open_amount_document)
        sign = 1 if opening.open_amount_document > 0 else -1
        used = ZERO
        settled = {}
        for kind in SETTLED:
            before = round_money(opening.open_amount * used / whole)
            used = min(whole, used + max(sign * moved.get(item, {}).get(kind, ZERO), ZERO))
            settled[kind] = round_money(opening.open_amount * used / whole) - before
        result.append(Fate(opening, settled))
    return result


@dataclass(frozen=True, order=True)
class Cell:
    """One step of one bucket set."""

    bucket_set: str
    aging_bucket: str
    next_state: str


def sets_of(buckets: Iterable[Bucket]) -> dict[str, list[Bucket]]:
    """Buckets by set, in order."""
    sets: dict[str, list[Bucket]] = {}
    for bucket in sorted(buckets, key=lambda b: b.order):
        sets.setdefault(bucket.bucket_set, []).append(bucket)
    return sets


def matrix(book: Journal, month: Period, buckets: Sequence[Bucket]) -> dict[Cell, Decimal]:
    """The amounts of every cell; what is in a bucket and came from none is inflow.

    Source: measures, section 2 (migration matrix).
    """
    cells: dict[Cell, Decimal] = {}

    def add(cell: Cell, amount: Decimal) -> None:
        cells[cell] = cells.get(cell, ZERO) + amount

    of_month = fates(book, month)
    for name, of_set in sets_of(buckets).items():
        for fate in of_month:
            due = fate.opening.facts.due_date
            before = bucket_of(due, month.day_before, of_set)
            after = bucket_of(due, month.end, of_set)
            add(Cell(name, before, after), fate.left)
            add(Cell(name, INFLOW, after), -fate.left)
            for kind, amount in fate.settled.items():
                add(Cell(name, before, kind), amount)
        for closing in owed(book, month.end).values():
            if closing.open_amount is not None:
                after = bucket_of(closing.facts.due_date, month.end, of_set)
                add(Cell(name, INFLOW, after), closing.open_amount)
    return {cell: amount for cell, amount in cells.items() if amount}


def end_of(day: date, timezone: str) -> datetime:
    """The last instant of a day of the company, as naive UTC."""
    local = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))
    return local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None) - timedelta(microseconds=1)


def due_dates_known(extracts: Extracts, parameters: Parameters, day: date) -> dict[Item, date]:
    """The due date of every document item as known when a day was over."""
    known_at = min(parameters.known_at, end_of(day, parameters.timezone))
    return {
        Item(d.company_code, "document", d.document_id, d.installment_no): d.due_date
        for d in documents(extracts, known_at)
        if standing_apart(
            ItemFacts(
                item=Item(d.company_code, "document", d.document_id, d.installment_no),
                customer_id=d.customer_id,
                document_type=d.document_type,
                document_date=d.document_date,
                due_date=d.due_date,
                currency_code=d.currency_code,
                booked_amount=d.amount,
            )
        )
        is None
    }


def re_aged(
    book: Journal,
    month: Period,
    buckets: Sequence[Bucket],
    before: Mapping[Item, date],
    after: Mapping[Item, date],
) -> dict[Cell, Decimal]:
    """What would be in a worse bucket if its due date had not been moved later in the month.

    Source: measures, section 2 (moving a due date is not a cure).
    """
    cells: dict[Cell, Decimal] = {}
    for fate in fates(book, month):
        item = fate.opening.facts.item
        if item not in before or item not in after or after[item] <= before[item]:
            continue
        due = fate.opening.facts.due_date
        for name, of_set in sets_of(buckets).items():
            order = [bucket.aging_bucket for bucket in of_set]
            now = bucket_of(due, month.end, of_set)
            if order.index(now) < order.index(bucket_of(before[item], month.end, of_set)):
                cell = Cell(name, bucket_of(due, month.day_before, of_set), now)
                cells[cell] = cells.get(cell, ZERO) + fate.left
    return cells


@dataclass(frozen=True)
class BucketRates:
    """The rates of one bucket over one month."""

    roll: Ratio
    cure: Ratio
    net_flow: Ratio


def rates(
    cells: Mapping[Cell, Decimal], moved: Mapping[Cell, Decimal], of_set: Sequence[Bucket]
) -> dict[str, BucketRates]:
    """Roll, cure and net flow rate of every bucket of a set.

    Source: measures, section 2 (roll rate, cure rate, net flow rate).
    """
    name = of_set[0].bucket_set
    order = [bucket.aging_bucket for bucket in of_set]

    def total(froms: Iterable[str], states: Iterable[str], of: Mapping[Cell, Decimal]) -> Decimal:
        states = list(states)
        return sum((of.get(Cell(name, f, s), ZERO) for f in froms for s in states), ZERO)

    result = {}
    for place, bucket in enumerate(order):
        opening = total([bucket], [*order, *SETTLED], cells)
        rolled = total([bucket], [*order[place + 1 :], "written_off"], cells)
        cured = total([bucket], [order[0], "collected"], cells) - total([bucket], order[:1], moved)
        following = order[place + 1 : place + 2]
        result[bucket] = BucketRates(
            ratio(rolled, opening),
            ratio(cured, opening),
            ratio(total([INFLOW, *order], following, cells), opening)
            if following
            else Ratio(None, None, opening, "not_applicable"),
        )
    return result


def first_opening(months: Mapping[date, Mapping[Cell, Decimal]]) -> date | None:
    """The first month that began with something owed, of any bucket of any set."""
    return min(
        (month for month, cells in months.items() if any(opened(cells).values())), default=None
    )


def opened(cells: Mapping[Cell, Decimal]) -> Mapping[tuple[str, str], Decimal]:
    """What was in each bucket of each set when the month of a matrix began."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for cell, amount in cells.items():
        if cell.aging_bucket != INFLOW:
            place = (cell.bucket_set, cell.aging_bucket)
            amounts[place] = amounts.get(place, ZERO) + amount
    return amounts


@dataclass(frozen=True)
class Loss:
    """What is expected to be lost of a bucket."""

    roll: Ratio
    loss_rate: Decimal | None
    adjusted: Decimal | None
    status: str


def losses(
    months: Mapping[date, Mapping[Cell, Decimal]],
    month: date,
    of_set: Sequence[Bucket],
    seeds: Seeds,
    segment: str,
    first_opening: date | None,
) -> dict[str, Loss]:
    """The chain of roll rates of the trailing months, from the last bucket back.

    `months` holds the matrix of every month with one. The history is long enough when the company
    had begun one of its months with something owed (`first_opening`) by the first of these.

    Source: measures, section 4 (expected loss from roll rates).
    """
    rules = {row["segment"]: row for row in seeds.rows("loss_rate_rules")}
    rule = rules.get(segment, rules["*"])
    trailing = int(rule["trailing_months"])
    window = [add_months(month, -n) for n in range(trailing)]
    is_long_enough = first_opening is not None and first_opening <= window[-1]
    result: dict[str, Loss] = {}
    chain: Decimal | None = Decimal(rule["loss_given_last_rate"])
    status = "ok" if is_long_enough else "insufficient_history"
    by_month = [rates(months[m], {}, of_set) for m in window if m in months]
    for place, bucket in reversed(list(enumerate(of_set))):
        parts = [of_month[bucket.aging_bucket].roll for of_month in by_month]
        roll = Ratio(None, None, None, "insufficient_history")
        if is_long_enough:
            roll = ratio(
                sum((part.numerator or ZERO for part in parts), ZERO),
                sum((part.denominator or ZERO for part in parts), ZERO),
            )
        if place < len(of_set) - 1:
            if roll.status != "ok":
                status = roll.status
            if status == "ok" and roll.value is not None and chain is not None:
                chain = round_ratio(min(max(roll.value, Decimal(0)), Decimal(1)) * chain)
        if status != "ok" or chain is None:
            result[bucket.aging_bucket] = Loss(roll, None, None, status)
        else:
            adjusted = round_ratio(chain * Decimal(rule["forward_looking_factor"]))
            result[bucket.aging_bucket] = Loss(roll, chain, min(adjusted, Decimal(1)), "ok")
    return result
