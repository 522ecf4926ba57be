"""Plans beside what came of them, and what that makes at the end of the period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.arithmetic import MONTHS_OF, Period, Ratio, add_months, month_end, round_ratio
from tests.oracle.inputs import Row, Seeds
from tests.oracle.journal import ZERO
from tests.oracle.performance import Month, Work
from tests.oracle.scorecard import is_met
from tests.oracle.turnover import Parts

WORK_SUMS = (
    "collected_amount",
    "contact_count",
    "attempt_count",
    "connect_count",
    "right_party_contact_count",
    "promise_made_count",
    "promise_made_amount",
    "promise_kept_count",
    "promise_kept_amount",
    "complaint_count",
    "upheld_complaint_count",
)
BOOK_AMOUNTS = {
    "collected_amount": "cash_applied_amount",
    "credit_sales_amount": "credit_sales_amount",
    "closing_receivables_amount": "closing_receivables_amount",
    "write_off_amount": "write_off_amount",
    "net_write_off_amount": "net_write_off_amount",
}


@dataclass(frozen=True)
class Progress:
    """A plan and how far it got."""

    period: Period
    elapsed_days: int
    is_known: bool
    is_additive: bool
    comparison: str | None
    target: Decimal
    actual: Decimal | None
    status: str
    parts: Parts
    """Numerator and denominator of a rate."""
    to_date: Decimal
    run_rate: Decimal | None
    projected: Decimal | None
    target_status: str
    projected_status: str


Actual = tuple[Decimal | None, str, Parts]
"""What was reached, why it cannot be said, and the parts of a rate."""

NO_PARTS: Parts = (None, None)
UNTOLD: Actual = (None, "not_applicable", NO_PARTS)


def period_of_plan(target: Row) -> Period:
    """The whole period of a plan."""
    start = target["period_start"]
    last = month_end(add_months(start, MONTHS_OF[target["period_type"]] - 1))
    return Period(target["period_type"], start, last)


def progress(
    target: Row, actual_of: Callable[[Row, Period], Actual], as_of_date: date, seeds: Seeds
) -> Progress:
    """Judge one plan by what was reached so far.

    What adds up is projected at the pace of the days gone; a rate as it stands.

    Source: measures, section 5 (targets).
    """
    measures = {row["measure"]: row for row in seeds.rows("target_measures")}
    row = measures.get(target["measure"])
    period = period_of_plan(target)
    days = period.days
    gone = max(0, (min(period.end, as_of_date) - period.start).days + 1)
    plan = Decimal(target["target_value"])
    actual, status, parts = actual_of(target, period) if gone else UNTOLD
    is_additive = row is not None and row["is_additive"] == "true"
    comparison = None if row is None else row["target_comparison"]
    run_rate, projected = None, actual
    if is_additive and actual is not None:
        run_rate = round_ratio(actual / gone)
        if period.end > as_of_date:
            projected = round_ratio(actual * days / gone)

    def judged(value: Decimal | None) -> str:
        if status != "ok" or value is None:
            return status
        if comparison is None:
            return "not_applicable"
        return "met" if is_met(value, plan, comparison) else "missed"

    return Progress(
        period=period,
        elapsed_days=gone,
        is_known=row is not None,
        is_additive=is_additive,
        comparison=comparison,
        target=plan,
        actual=actual,
        status=status,
        parts=parts,
        to_date=round_ratio(plan * gone / days) if is_additive else plan,
        run_rate=run_rate,
        projected=projected,
        target_status=judged(actual),
        projected_status=judged(projected),
    )


def summed_work(
    work: Mapping[Month, Work], scope_ids: Iterable[str] | None, period: Period
) -> Work | None:
    """The work of a period: that of its months, of everybody or of some."""
    months = [
        line
        for (scope_id, month), line in work.items()
        if period.holds(month) and (scope_ids is None or scope_id in scope_ids)
    ]
    if not months:
        return None
    whole = Work()
    for line in months:
        whole.take_in(line)
    return whole


def of_ratio(rate: Ratio) -> Actual:
    """A rate as what was reached."""
    return rate.value, rate.status, (rate.numerator, rate.denominator)


def amount_reached(amount: Decimal) -> Actual:
    """A sum, which has no parts."""
    return amount, "ok", NO_PARTS


def nothing_reached() -> Actual:
    """Of what is added up, nothing found is nothing reached."""
    return amount_reached(ZERO)
