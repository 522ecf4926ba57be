"""What a month may be expected to bring of what was open when it began, and what it brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from tests.oracle.aging import bucket_of, standing_apart
from tests.oracle.arithmetic import Ratio, add_months, month_start, ratio, round_money
from tests.oracle.attribution import portfolio_owner
from tests.oracle.balances import open_items
from tests.oracle.cash import Cash
from tests.oracle.inputs import Bucket, Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO, Journal
from tests.oracle.versions import in_force

ALL_GRADES = "all"
SHORT = "insufficient_history"


@dataclass(frozen=True)
class Opening:
    """One customer's balance of one bucket when a month began, and the month's cash on it."""

    month: date
    customer_id: str
    aging_bucket: str
    credit_grade: str
    collector_id: str
    is_owed: bool
    """Whether anything is owed in some currency: an account may have paid too much."""
    opening_amount: Decimal
    collected_amount: Decimal


def openings(
    extracts: Extracts,
    parameters: Parameters,
    book: Journal,
    cash: Sequence[Cash],
    buckets: Sequence[Bucket],
    grade_of: Mapping[tuple[str, date], str],
    months: Sequence[date],
) -> list[Opening]:
    """Every month's opening balances with the cash of the month on items dated before it.

    An opening amount of which a rate is missing is in no total, as everywhere: of a customer,
    currency and bucket nothing is told then.
    """
    spans: dict[str, list[Row]] = {}
    for row in in_force(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at):
        spans.setdefault(row["customer_id"], []).append(row)
    of_days = [bucket for bucket in buckets if bucket.bucket_set == "days"]
    result = []
    for month in months:
        day = month - timedelta(days=1)
        told: dict[tuple[str, str, str], list[Decimal | None]] = {}
        owed: dict[tuple[str, str, str], Decimal] = {}
        for item in open_items(book, day):
            if standing_apart(item.facts) is None:
                key = (
                    item.facts.customer_id,
                    bucket_of(item.facts.due_date, day, of_days),
                    item.facts.currency_code,
                )
                told.setdefault(key, []).append(item.open_amount)
                owed[key] = owed.get(key, ZERO) + item.open_amount_document
        places_owed = {place[:2] for place, amount in owed.items() if amount > 0}
        sums: dict[tuple[str, str], list[Decimal]] = {}
        for (customer_id, bucket, _), amounts in told.items():
            line = sums.setdefault((customer_id, bucket), [ZERO, ZERO])
            if None not in amounts:
                line[0] += sum((amount for amount in amounts if amount is not None), ZERO)
        for piece in cash:
            if month_start(piece.effective_date) == month and piece.facts.document_date <= day:
                key_of_cash = (
                    piece.facts.customer_id,
                    bucket_of(piece.facts.due_date, day, of_days),
                )
                sums.setdefault(key_of_cash, [ZERO, ZERO])[1] += piece.amount or ZERO
        for (customer_id, bucket), (opening, collected) in sums.items():
            result.append(
                Opening(
                    month=month,
                    customer_id=customer_id,
                    aging_bucket=bucket,
                    credit_grade=grade_of.get((customer_id, add_months(month, -1)), "unrated"),
                    collector_id=portfolio_owner(spans.get(customer_id, []), month),
                    is_owed=(customer_id, bucket) in places_owed,
                    opening_amount=opening,
                    collected_amount=collected,
                )
            )
    return result


def collection_rates(told: Sequence[Opening], seeds: Seeds) -> Callable[[date, str, str], Ratio]:
    """Cash over opening balances of the months before, by month, grade (or `all`) and bucket.

    Source: measures, section 5 (the trailing 12-month collection rate of bucket and grade);
    section 1 (history that does not reach is no history).
    """
    (rules,) = seeds.rows("strategy_rules")
    length = int(rules["expected_history_months"])
    sums: dict[tuple[date, str, str], tuple[Decimal, Decimal]] = {}
    for line in told:
        for grade in (line.credit_grade, ALL_GRADES):
            place = (line.month, grade, line.aging_bucket)
            collected, opening = sums.get(place, (ZERO, ZERO))
            sums[place] = collected + line.collected_amount, opening + line.opening_amount
    first_month = min((line.month for line in told), default=date.max)

    @cache
    def rate_of(month: date, credit_grade: str, aging_bucket: str) -> Ratio:
        if add_months(month, -length) < first_month:
            return Ratio(None, None, None, SHORT)
        before = [
            sums.get((add_months(month, -back), credit_grade, aging_bucket), (ZERO, ZERO))
            for back in range(1, length + 1)
        ]
        return ratio(
            sum((collected for collected, _ in before), ZERO),
            sum((opening for _, opening in before), ZERO),
        )

    return rate_of


@dataclass(frozen=True)
class Expectation:
    """What one collector was assigned in a month, and what was expected and collected of it."""

    assigned: Decimal
    without_rate: Decimal
    expected: Decimal | None
    collected: Decimal

    @property
    def lift(self) -> Ratio:
        """Collected over expected."""
        if self.expected is None:
            return Ratio(None, self.collected, None, SHORT)
        return ratio(self.collected, self.expected)


def expected_by_collector(
    told: Sequence[Opening], month: date, rate_of: Callable[[date, str, str], Ratio]
) -> dict[str, Expectation]:
    """What every collector was assigned, and what was expected of it.

    A bucket and grade without a rate of their own are expected to bring what the bucket brings.

    Source: measures, section 5 (expected cash, lift).
    """
    of_month = [line for line in told if line.month == month]
    result = {}
    for collector in sorted({line.collector_id for line in of_month}):
        own = [line for line in of_month if line.collector_id == collector]
        expected: Decimal | None = ZERO
        without_rate = ZERO
        for line in own:
            rate, of_bucket = (
                rate_of(month, grade, line.aging_bucket)
                for grade in (line.credit_grade, ALL_GRADES)
            )
            value = rate.value if rate.value is not None else of_bucket.value
            if value is None:
                without_rate += line.opening_amount
            if of_bucket.status == SHORT:
                expected = None
            elif expected is not None:
                expected += (value or ZERO) * line.opening_amount
        result[collector] = Expectation(
            assigned=sum((line.opening_amount for line in own), ZERO),
            without_rate=without_rate,
            expected=None if expected is None else round_money(expected),
            collected=sum((line.collected_amount for line in own), ZERO),
        )
    return result


def expected_by_team(
    by_collector: Mapping[str, Expectation], team_of: Callable[[str], str]
) -> dict[str, tuple[int, Expectation]]:
    """The sums of the collectors of every team, with how many of them there are."""
    teams: dict[str, list[Expectation]] = {}
    for collector, line in by_collector.items():
        teams.setdefault(team_of(collector), []).append(line)
    return {
        team: (
            len(lines),
            Expectation(
                assigned=sum((line.assigned for line in lines), ZERO),
                without_rate=sum((line.without_rate for line in lines), ZERO),
                expected=None
                if any(line.expected is None for line in lines)
                else sum((line.expected for line in lines if line.expected is not None), ZERO),
                collected=sum((line.collected for line in lines), ZERO),
            ),
        )
        for team, lines in teams.items()
    }
