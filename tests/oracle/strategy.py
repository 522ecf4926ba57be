"""How each customer is to be worked, what is to be done today, and what such work brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.aging import bucket_of, standing_apart
from tests.oracle.arithmetic import Ratio, month_end, month_start, ratio, round_money
from tests.oracle.attribution import portfolio_owner
from tests.oracle.balances import OpenItem
from tests.oracle.cash import Cash
from tests.oracle.credit import UNRATED, Grade
from tests.oracle.expectations import ALL_GRADES, SHORT, Opening
from tests.oracle.inputs import Bucket, Row, Seeds
from tests.oracle.journal import ZERO
from tests.oracle.promises import Promise

Amount = Callable[[Promise], Decimal | None]


@dataclass
class _Owed:
    """What a customer owes in one bucket and currency."""

    amount_document: Decimal = ZERO
    amounts: list[Decimal | None] = field(default_factory=list)

    @property
    def amount(self) -> Decimal | None:
        """In reporting currency; None when a rate is missing."""
        known = [amount for amount in self.amounts if amount is not None]
        return sum(known, ZERO) if len(known) == len(self.amounts) else None


@dataclass(frozen=True)
class Assignment:
    """How one company's claims on one customer are to be worked."""

    company_code: str
    customer_id: str
    credit_grade: str
    bucket: Bucket
    amount_class: str
    owed_amount: Decimal
    past_due_amount: Decimal
    is_rate_missing: bool
    collector_id: str
    strategy: Row


def matrix_of(seeds: Seeds) -> Callable[[str, str, str], Row]:
    """The strategy that the matrix gives to a grade, bucket and amount class."""
    strategies = {row["strategy_code"]: row for row in seeds.rows("strategies")}
    cells = {
        (row["credit_grade"], row["aging_bucket"], row["amount_class"]): row["strategy_code"]
        for row in seeds.rows("strategy_matrix")
    }
    return lambda grade, bucket, amount_class: strategies[cells[grade, bucket, amount_class]]


def amount_class(amount: Decimal, seeds: Seeds) -> str:
    """Large from the amount that the rules say."""
    (rules,) = seeds.rows("strategy_rules")
    return "large" if amount >= Decimal(rules["large_amount_from"]) else "small"


def is_past_due(bucket: Bucket) -> bool:
    """Whether a bucket of days holds what is past due."""
    return bucket.upper_bound is None or bucket.upper_bound > 0


def assignments(
    open_items: Sequence[OpenItem],
    day: date,
    grades: Mapping[str, Grade],
    spans: Mapping[str, Sequence[Row]],
    seeds: Seeds,
) -> list[Assignment]:
    """One per company and customer that owes something, by its oldest bucket.

    Source: measures, section 6 (strategy assignment).
    """
    buckets = [bucket for bucket in seeds.buckets() if bucket.bucket_set == "days"]
    by_name = {bucket.aging_bucket: bucket for bucket in buckets}
    owed: dict[tuple[str, str], dict[tuple[str, str], _Owed]] = {}
    for item in open_items:
        facts = item.facts
        if standing_apart(facts) is None:
            of_customer = owed.setdefault((facts.item.company_code, facts.customer_id), {})
            place = (bucket_of(facts.due_date, day, buckets), facts.currency_code)
            line = of_customer.setdefault(place, _Owed())
            line.amount_document += item.open_amount_document
            line.amounts.append(item.open_amount)
    strategy_of = matrix_of(seeds)
    result = []
    for (company_code, customer_id), lines in owed.items():
        with_something = [
            by_name[name] for (name, _), line in lines.items() if line.amount_document > 0
        ]
        if not with_something:
            continue
        oldest = max(with_something, key=lambda bucket: bucket.order)
        total = sum((line.amount or ZERO for line in lines.values()), ZERO)
        past_due = sum(
            (
                line.amount or ZERO
                for (name, _), line in lines.items()
                if is_past_due(by_name[name])
            ),
            ZERO,
        )
        grade = grades[customer_id].credit_grade if customer_id in grades else UNRATED
        size = amount_class(past_due if is_past_due(oldest) else total, seeds)
        result.append(
            Assignment(
                company_code=company_code,
                customer_id=customer_id,
                credit_grade=grade,
                bucket=oldest,
                amount_class=size,
                owed_amount=total,
                past_due_amount=past_due,
                is_rate_missing=any(line.amount is None for line in lines.values()),
                collector_id=portfolio_owner(spans.get(customer_id, []), day),
                strategy=strategy_of(grade, oldest.aging_bucket, size),
            )
        )
    return result


@dataclass(frozen=True)
class Task:
    """What is to be done with one customer today, and why."""

    assignment: Assignment
    score: int
    reasons: tuple[str, ...]
    action: str
    channel: str
    deadline_date: date
    owed_amount: Decimal
    past_due_amount: Decimal
    oldest_due_date: date | None
    last_contact: tuple[date, Row] | None
    open_promise_date: date | None
    open_promise_amount: Decimal | None
    disputed_item_count: int
    disputed_amount: Decimal


def worklist(
    assigned: Sequence[Assignment],
    open_items: Sequence[OpenItem],
    disputed: frozenset[tuple[str, str, int]],
    promises: Sequence[Promise],
    amount_of: Amount,
    contacts: Sequence[tuple[date, Row]],
    grades: Mapping[str, Grade],
    day: date,
    seeds: Seeds,
) -> list[Task]:
    """The customers with something to do, the most urgent first.

    Of a customer of several companies the strategy is that of the oldest arrears, then of the
    largest. A customer who was contacted a moment ago, or has promised for a later day, is waited
    for.

    Source: measures, section 6 (worklist).
    """
    by_customer: dict[str, list[Assignment]] = {}
    for one in assigned:
        by_customer.setdefault(one.customer_id, []).append(one)
    tasks = []
    for customer_id, own in by_customer.items():
        task = _task(
            sorted(own, key=lambda a: (-a.bucket.order, -a.past_due_amount, a.company_code)),
            [item for item in open_items if item.facts.customer_id == customer_id],
            disputed,
            [promise for promise in promises if promise.customer_id == customer_id],
            amount_of,
            [contact for contact in contacts if contact[1]["customer_id"] == customer_id],
            grades.get(customer_id),
            day,
            seeds,
        )
        if task is not None:
            tasks.append(task)
    return sorted(
        tasks,
        key=lambda task: (
            -task.score,
            -task.past_due_amount,
            task.oldest_due_date or date.max,
            task.assignment.customer_id,
        ),
    )


def _task(
    own: Sequence[Assignment],
    open_items: Sequence[OpenItem],
    disputed: frozenset[tuple[str, str, int]],
    promises: Sequence[Promise],
    amount_of: Amount,
    contacts: Sequence[tuple[date, Row]],
    grade: Grade | None,
    day: date,
    seeds: Seeds,
) -> Task | None:
    (rules,) = seeds.rows("strategy_rules")
    first = own[0]
    past_due_amount = sum((one.past_due_amount for one in own), ZERO)
    oldest = min(
        (
            item.facts.due_date
            for item in open_items
            if item.facts.item.item_type == "document"
            and standing_apart(item.facts) is None
            and item.open_amount_document > 0
            and item.facts.due_date < day
        ),
        default=None,
    )
    in_dispute = [
        item
        for item in open_items
        if item.facts.item.item_type == "document"
        and (
            item.facts.item.company_code,
            item.facts.item.document_id,
            item.facts.item.installment_no,
        )
        in disputed
    ]
    last = max(contacts, key=lambda c: (c[1]["contacted_at"], c[1]["contact_id"]), default=None)
    last_day = None if last is None else last[0]
    standing = [promise for promise in promises if promise.status == "open"]
    open_date = min((promise.promised_date for promise in standing), default=None)
    broken_day = max(
        (
            promise.deadline_date
            for promise in promises
            if promise.status == "broken"
            and promise.deadline_date >= day - timedelta(days=int(rules["broken_promise_days"]))
        ),
        default=None,
    )
    is_promise_due = open_date is not None and open_date <= day
    is_waited_for = (open_date is not None and not is_promise_due) or (
        last_day is not None and last_day > day - timedelta(days=int(rules["contact_pause_days"]))
    )
    is_chased = oldest is not None and not is_waited_for
    limit = None if grade is None else grade.credit_limit_amount
    holds = {
        "insolvent": grade is not None and grade.is_insolvent,
        "broken_promise": oldest is not None
        and broken_day is not None
        and (last_day is None or last_day <= broken_day),
        "promise_due": is_promise_due,
        "open_dispute": bool(in_dispute),
        "over_limit": grade is not None and limit is not None and grade.balance_amount > limit,
        "past_due": is_chased,
        "large_amount": is_chased and amount_class(past_due_amount, seeds) == "large",
        "poor_grade": is_chased and rules["poor_grade_from"] <= first.credit_grade <= "E",
        "long_past_due": is_chased
        and oldest is not None
        and (day - oldest).days > int(rules["long_past_due_days"]),
        "never_contacted": is_chased
        and oldest is not None
        and (last_day is None or last_day <= oldest),
    }
    reasons = [
        row
        for row in sorted(seeds.rows("worklist_reasons"), key=lambda r: int(r["reason_order"]))
        if holds[row["reason_code"]]
    ]
    calling = [row for row in reasons if row["action_code"]]
    if not calling:
        return None
    begun = last_day or oldest or day
    deadline = begun + timedelta(days=int(first.strategy["deadline_days"]))
    promised = [amount_of(promise) for promise in standing]
    known = [amount for amount in promised if amount is not None]
    return Task(
        assignment=first,
        score=sum(int(row["score_points"]) for row in reasons),
        reasons=tuple(row["reason_code"] for row in reasons),
        action=calling[0]["action_code"],
        channel=next_channel(first.strategy, last, oldest, seeds),
        deadline_date=max(day, deadline),
        owed_amount=sum((one.owed_amount for one in own), ZERO),
        past_due_amount=past_due_amount,
        oldest_due_date=oldest,
        last_contact=last,
        open_promise_date=open_date,
        open_promise_amount=sum(known, ZERO) if known else None,
        disputed_item_count=len(in_dispute),
        disputed_amount=sum((item.open_amount or ZERO for item in in_dispute), ZERO),
    )


def next_channel(
    strategy: Row, last: tuple[date, Row] | None, oldest: date | None, seeds: Seeds
) -> str:
    """The strategy's first channel, or the one after that of a last contact that reached nobody.

    A contact from before anything was past due does not count.
    """
    channels = [strategy[f"{place}_channel"] for place in ("first", "second", "third")]
    connects = {
        row["outcome"] for row in seeds.rows("contact_outcomes") if row["is_connect"] == "true"
    }
    if last is None or last[1]["outcome"] in connects:
        return str(channels[0])
    if oldest is not None and last[0] <= oldest:
        return str(channels[0])
    for place, channel in enumerate(channels[:2]):
        if last[1]["channel"] == channel:
            return str(channels[place + 1] or channels[0])
    return str(channels[0])


@dataclass
class Effect:
    """What came of the work of a month by one strategy, channel and grade."""

    customers: int = 0
    contacts: int = 0
    worked: Decimal = ZERO
    collected: Decimal = ZERO
    expected: Decimal = ZERO
    is_history_short: bool = False
    costed_contacts: int = 0
    amount_seconds: Decimal = ZERO

    @property
    def cost(self) -> Decimal | None:
        """What the contacts cost whose length and hourly cost are known."""
        return round_money(self.amount_seconds / 3600) if self.costed_contacts else None

    @property
    def expected_amount(self) -> Decimal | None:
        """What was to be expected; unknown while the history is short."""
        return None if self.is_history_short else round_money(self.expected)


@dataclass(frozen=True)
class Effectiveness:
    """The rates of an effect, once the windows of the month are over."""

    effect: Effect
    is_complete: bool
    collected_rate: Ratio
    lift: Ratio


Worked = tuple[date, str, str, str]
"""Month, strategy, channel, grade."""


def effectiveness(
    told: Sequence[Opening],
    cash: Sequence[Cash],
    contacts: Sequence[tuple[date, Row]],
    collectors: Mapping[str, Row],
    rate_of: Callable[[date, str, str], Ratio],
    as_of_date: date,
    seeds: Seeds,
) -> dict[Worked, Effectiveness]:
    """What came of one company's past-due items whose customers were contacted, by month.

    Source: measures, section 6 (strategy effectiveness).
    """
    (rules,) = seeds.rows("strategy_rules")
    window = timedelta(days=int(rules["collected_within_days"]))
    buckets = {b.aging_bucket: b for b in seeds.buckets() if b.bucket_set == "days"}
    strategy_of = matrix_of(seeds)
    past_due: dict[tuple[date, str], list[Opening]] = {}
    for line in told:
        if is_past_due(buckets[line.aging_bucket]):
            past_due.setdefault((line.month, line.customer_id), []).append(line)
    outbound: dict[tuple[date, str], list[tuple[date, Row]]] = {}
    for day, row in contacts:
        if (row.get("direction") or "outbound") == "outbound":
            outbound.setdefault((month_start(day), row["customer_id"]), []).append((day, row))
    effects: dict[Worked, Effect] = {}
    for (month, customer_id), lines in past_due.items():
        owed = [buckets[line.aging_bucket] for line in lines if line.is_owed]
        made = outbound.get((month, customer_id), [])
        if not owed or not made:
            continue
        oldest = max(owed, key=lambda bucket: bucket.order).aging_bucket
        grade = lines[0].credit_grade
        size = amount_class(sum((line.opening_amount for line in lines), ZERO), seeds)
        code = strategy_of(grade, oldest, size)["strategy_code"]
        for channel in {"all", *(row["channel"] for _, row in made)}:
            by_it = [(day, row) for day, row in made if channel in ("all", row["channel"])]
            first = min(day for day, _ in by_it)
            effect = effects.setdefault((month, code, channel, grade), Effect())
            effect.customers += 1
            effect.contacts += len(by_it)
            for _, row in by_it:
                hourly = collectors.get(row["collector_id"], {}).get("hourly_cost")
                if hourly is not None and row.get("duration_seconds") is not None:
                    effect.costed_contacts += 1
                    effect.amount_seconds += hourly * row["duration_seconds"]
            for line in lines:
                effect.worked += line.opening_amount
            for piece in cash:
                if (
                    piece.facts.customer_id == customer_id
                    and first <= piece.effective_date <= first + window
                    and piece.facts.document_date < month
                    and piece.facts.due_date < month - timedelta(days=1)
                ):
                    effect.collected += piece.amount or ZERO
            for line in lines:
                own, any_grade = (
                    rate_of(month, name, line.aging_bucket) for name in (grade, ALL_GRADES)
                )
                effect.is_history_short |= any_grade.status == SHORT
                value = own.value if own.value is not None else any_grade.value
                effect.expected += (value or ZERO) * line.opening_amount
    result = {}
    for key, effect in effects.items():
        is_complete = month_end(key[0]) + window <= as_of_date
        short = Ratio(None, None, None, SHORT)
        collected, expected = effect.collected, effect.expected_amount
        lift = Ratio(None, collected, None, SHORT)
        if expected is not None:
            lift = ratio(collected, expected)
        result[key] = Effectiveness(
            effect,
            is_complete,
            ratio(collected, effect.worked) if is_complete else short,
            lift if is_complete else Ratio(None, None, None, SHORT),
        )
    return result
