"""What a month may be expected to bring of what was open when it began, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

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
        for item in open_items(book, day):
            if standing_apart(item.facts) is None:
                key = (
                    item.facts.customer_id,
                    bucket_of(item.facts.due_date, day, of_days),
                    item.facts.currency_code,
                )
                told.setdefault(key, []).append(item.open_amount)
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
                    opening_amount=opening,
                    collected_amount=collected,
                )
            )
    return result


def collection_rate(
    told: Sequence[Opening], month: date, credit_grade: str, aging_bucket: str, seeds: Seeds
) -> Ratio:
    """Cash over opening balances of the months before, by bucket and grade.

    Source: measures, section 5 (the trailing 12-month collection rate of bucket and grade);
    section 1 (history that does not reach is no history).
    """
    (rules,) = seeds.rows("strategy_rules")
    first = add_months(month, -int(rules["expected_history_months"]))
    if first < min(line.month for line in told):
        return Ratio(None, None, None, SHORT)
    lines = [
        line
        for line in told
        if first <= line.month < month
        and line.aging_bucket == aging_bucket
        and credit_grade in (line.credit_grade, ALL_GRADES)
    ]
    return ratio(
        sum((line.collected_amount for line in lines), ZERO),
        sum((line.opening_amount for line in lines), ZERO),
    )


def expected_by_collector(
    told: Sequence[Opening], month: date, seeds: Seeds
) -> dict[str, tuple[Decimal, Decimal | None, Decimal, Ratio]]:
    """Per collector: what was assigned, expected and collected, and the lift.

    Source: measures, section 5 (expected cash, lift).
    """
    result = {}
    for collector in sorted({line.collector_id for line in told if line.month == month}):
        own = [line for line in told if line.month == month and line.collector_id == collector]
        assigned = sum((line.opening_amount for line in own), ZERO)
        collected = sum((line.collected_amount for line in own), ZERO)
        expected: Decimal | None = ZERO
        for grade, bucket in sorted({(line.credit_grade, line.aging_bucket) for line in own}):
            rate = collection_rate(told, month, grade, bucket, seeds)
            of_bucket = collection_rate(told, month, ALL_GRADES, bucket, seeds)
            if of_bucket.status == SHORT:
                expected = None
                break
            value = rate.value if rate.value is not None else of_bucket.value
            expected += (value or ZERO) * sum(
                (
                    line.opening_amount
                    for line in own
                    if (line.credit_grade, line.aging_bucket) == (grade, bucket)
                ),
                ZERO,
            )
        lift = Ratio(None, collected, None, SHORT)
        if expected is not None:
            expected = round_money(expected)
            lift = ratio(collected, expected)
        result[collector] = (assigned, expected, collected, lift)
    return result
