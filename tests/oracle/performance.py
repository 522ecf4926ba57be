"""What collectors and teams did in a month and what came of it, beside their plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.oracle.arithmetic import (
    Ratio,
    add_months,
    month_end,
    month_start,
    period_of,
    ratio,
    round_money,
    round_ratio,
)
from tests.oracle.attribution import UNATTRIBUTED, Attributed, portfolio_owner
from tests.oracle.cash import local_date
from tests.oracle.conversion import Rates
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO
from tests.oracle.promises import Promise
from tests.oracle.scopes import UNASSIGNED
from tests.oracle.versions import in_force, latest

CHANNELS = ("phone", "sms", "email", "letter", "visit", "messaging", "legal")
JUDGED = ("kept", "partly_kept", "broken")
TARGET_KEY = ("period_start", "period_type", "scope_type", "scope_id", "measure")

Month = tuple[str, date]


@dataclass
class Work:
    """The sums of a collector or a team and a month, by the names that the marts give them."""

    sums: dict[str, Decimal] = field(default_factory=dict)
    customers: set[str] = field(default_factory=set)
    cost: Decimal | None = None
    """What contacts cost, where their length and the collector's cost are known."""
    costed_cash: Decimal | None = None
    """Cash of those whose contacts' cost is known."""

    def __getitem__(self, name: str) -> Decimal:
        return self.sums.get(name, ZERO)

    def add(self, name: str, amount: Decimal | int = 1) -> None:
        """Count something."""
        self.sums[name] = self[name] + amount

    def take_in(self, other: Work) -> None:
        """Add what a member did; a customer of two members is one customer."""
        for name, amount in other.sums.items():
            self.add(name, amount)
        self.customers |= other.customers
        if other.cost is not None:
            self.cost = (self.cost or ZERO) + other.cost
        if other.costed_cash is not None:
            self.costed_cash = (self.costed_cash or ZERO) + other.costed_cash


def contacts_until(extracts: Extracts, parameters: Parameters) -> list[tuple[date, Row]]:
    """The contacts up to the as-of date with the company's day of each."""
    dated = [
        (local_date(row["contacted_at"], parameters.timezone), row)
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
    ]
    return [(day, row) for day, row in dated if day <= parameters.as_of_date]


def surveys_until(extracts: Extracts, parameters: Parameters) -> list[tuple[date, Row]]:
    """The survey answers up to the as-of date with the company's day of each."""
    dated = [
        (local_date(row["surveyed_at"], parameters.timezone), row)
        for row in in_force(extracts.surveys, ("survey_id",), parameters.known_at)
    ]
    return [(day, row) for day, row in dated if day <= parameters.as_of_date]


def trainings_until(extracts: Extracts, parameters: Parameters) -> list[Row]:
    """The attempts assessed up to the as-of date."""
    key = ("collector_id", "course_id", "attempt_no")
    known = in_force(extracts.trainings, key, parameters.known_at)
    return [row for row in known if row["assessed_date"] <= parameters.as_of_date]


def is_in_time(training: Row, seeds: Seeds) -> bool:
    """Whether it was assessed within a month of the training, the last day included.

    Source: measures, section 5 (training pass rate); section 1 (adding months clamps).
    """
    (rules,) = seeds.rows("measure_rules")
    last = add_months(training["training_date"], int(rules["assessment_months"]))
    return bool(training["assessed_date"] <= last)


def targets_known(extracts: Extracts, parameters: Parameters) -> Mapping[tuple[object, ...], Row]:
    """The plans in force, by period, scope and measure."""
    return {
        tuple(row[name] for name in TARGET_KEY): row
        for row in in_force(extracts.targets, TARGET_KEY, parameters.known_at)
    }


def is_begun_plan(target: Row, scope_type: str, as_of_date: date) -> bool:
    """Whether it is the plan of a month that has begun, for this kind of scope."""
    kinds = (target["scope_type"], target["period_type"])
    return kinds == (scope_type, "month") and target["period_start"] <= as_of_date


class Teams:
    """Who was in which team in a month, as the deliveries said.

    A collector is in a team from the month of the delivery that says so, and in the first one from
    the beginning.
    """

    def __init__(self, extracts: Extracts, parameters: Parameters) -> None:
        self._said: dict[str, list[Row]] = {}
        for row in extracts.collectors:
            if row["_recorded_at"] <= parameters.known_at:
                self._said.setdefault(row["collector_id"], []).append(row)
        for rows in self._said.values():
            rows.sort(
                key=lambda row: (
                    row["_delivery_date"],
                    row["_recorded_at"],
                    row["_load_sequence"],
                    row["_row_number"],
                )
            )

    def collectors(self) -> Iterable[str]:
        """Everybody who was ever delivered."""
        return self._said

    def names(self) -> set[str]:
        """Every team that anybody was ever in."""
        return {str(row["team_id"]) for rows in self._said.values() for row in rows}

    def of(self, collector_id: str, month: date) -> str:
        """The team of a collector in a month."""
        if collector_id == UNATTRIBUTED:
            return UNATTRIBUTED
        said = self._said.get(collector_id)
        if not said:
            return UNASSIGNED
        by_then = [row for row in said if month_start(row["_delivery_date"]) <= month]
        first_month = month_start(said[0]["_delivery_date"])
        of_first = [row for row in said if month_start(row["_delivery_date"]) == first_month]
        return str((by_then or of_first)[-1]["team_id"])


def by_collector(
    extracts: Extracts,
    parameters: Parameters,
    promises: Sequence[Promise],
    attributed: Sequence[Attributed],
    seeds: Seeds,
) -> dict[Month, Work]:
    """The work of every collector and month with anything to count, a plan included.

    Source: measures, section 5.
    """
    (rules,) = seeds.rows("measure_rules")
    outcomes = {row["outcome"]: row for row in seeds.rows("contact_outcomes")}
    work: dict[Month, Work] = {}

    def of(collector_id: str, day: date) -> Work:
        return work.setdefault((collector_id, month_start(day)), Work())

    for day, row in contacts_until(extracts, parameters):
        line = of(row["collector_id"], day)
        for channel in ("", f"{row['channel']}_"):
            line.add(f"{channel}contact_count")
            if (row.get("direction") or "outbound") == "outbound":
                line.add(f"{channel}attempt_count")
                if outcomes[row["outcome"]]["is_connect"] == "true":
                    line.add(f"{channel}connect_count")
                if outcomes[row["outcome"]]["is_right_party"] == "true":
                    line.add(f"{channel}right_party_contact_count")
        line.customers.add(row["customer_id"])
        if row["outcome"] == "complaint":
            line.add("complaint_count")
            if row.get("is_complaint_upheld"):
                line.add("upheld_complaint_count")
        if row.get("duration_seconds") is not None:
            line.add("timed_contact_count")
            line.add("contact_second_count", row["duration_seconds"])
    _count_promises(extracts, parameters, promises, of)
    _count_cash(attributed, seeds, of)

    spans: dict[str, list[Row]] = {}
    for row in in_force(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at):
        spans.setdefault(row["customer_id"], []).append(row)
    for day, row in surveys_until(extracts, parameters):
        line = of(portfolio_owner(spans.get(row["customer_id"], []), day), day)
        line.add("survey_count")
        line.add("survey_score_total", row["score"])
        if row["score"] >= Decimal(rules["satisfied_score_from"]):
            line.add("satisfied_survey_count")
    for row in trainings_until(extracts, parameters):
        if is_in_time(row, seeds):
            line = of(row["collector_id"], row["assessed_date"])
            attempts = ["", "first_attempt_"] if row["attempt_no"] == 1 else [""]
            for attempt in attempts:
                line.add(f"{attempt}assessed_count")
                line.add(f"{attempt}passed_count", int(row["is_passed"]))
    for row in targets_known(extracts, parameters).values():
        if is_begun_plan(row, "collector", parameters.as_of_date):
            of(row["scope_id"], row["period_start"])
    known = latest(extracts.collectors, ("collector_id",), parameters.known_at)
    for (collector_id, _), line in work.items():
        hourly = known.get((collector_id,), {}).get("hourly_cost")
        if line["timed_contact_count"] and hourly is not None:
            line.cost = hourly * line["contact_second_count"] / 3600
            line.costed_cash = line["collected_amount"]
    return work


def _count_promises(
    extracts: Extracts,
    parameters: Parameters,
    promises: Sequence[Promise],
    of: Callable[[str, date], Work],
) -> None:
    """Promises made in the month they were made in, their ends in the month promised for."""
    rates = Rates(
        extracts.fx_rates,
        known_at=parameters.known_at,
        reporting_currency=parameters.reporting_currency,
    )
    for promise in promises:
        amount = rates.convert(
            promise.promised_amount_document, promise.currency_code, promise.promise_date
        )
        line = of(promise.collector_id, promise.promise_date)
        line.add("promise_made_count")
        line.add("promise_made_amount", amount or ZERO)
        if promise.status in JUDGED and month_start(promise.promised_date) <= parameters.as_of_date:
            line = of(promise.collector_id, promise.promised_date)
            line.add(f"promise_{promise.status}_count")
            line.add(f"promise_{promise.status}_amount", amount or ZERO)


def _count_cash(
    attributed: Sequence[Attributed], seeds: Seeds, of: Callable[[str, date], Work]
) -> None:
    """Cash in the month it took effect in; what was taken back, in the month that earned it."""
    (headline,) = (
        row["attribution_method"]
        for row in seeds.rows("attribution_methods")
        if row["is_headline"] == "true"
    )
    for given in attributed:
        amount = given.amount or ZERO
        line = of(given.collector_id, given.piece.effective_date)
        line.add(f"collected_{given.method}_amount", amount)
        if given.method == headline:
            line.add("collected_amount", amount)
            if given.piece.is_reversal:
                earned = of(given.collector_id, given.earned_date)
                earned.add("taken_back_amount", -amount)
                if given.piece.effective_date > month_end(given.earned_date):
                    earned.add("taken_back_afterwards_amount", -amount)
            else:
                line.add("earned_amount", amount)


def by_team(
    extracts: Extracts, parameters: Parameters, work: Mapping[Month, Work], teams: Teams
) -> dict[Month, Work]:
    """The work of every team and month: that of its members of the month; a plan makes a row."""
    result: dict[Month, Work] = {}
    for (collector_id, month), line in work.items():
        result.setdefault((teams.of(collector_id, month), month), Work()).take_in(line)
    for row in targets_known(extracts, parameters).values():
        if is_begun_plan(row, "team", parameters.as_of_date):
            result.setdefault((row["scope_id"], row["period_start"]), Work())
    return result


def planned_cash(
    scope_type: str,
    scope_id: str,
    month: date,
    targets: Mapping[tuple[object, ...], Row],
    teams: Teams,
) -> Decimal | None:
    """The month's plan of cash: of a team without one of its own, the sum of its members'."""
    own = targets.get((month, "month", scope_type, scope_id, "collected_amount"))
    if own is not None:
        return Decimal(own["target_value"])
    if scope_type != "team":
        return None
    of_members = [
        row["target_value"]
        for key, row in targets.items()
        if key[:3] == (month, "month", "collector")
        and key[4] == "collected_amount"
        and row["scope_id"] in teams.collectors()
        and teams.of(row["scope_id"], month) == scope_id
    ]
    return sum(of_members, ZERO) if of_members else None


def planned_kept_rate(
    scope_type: str, scope_id: str, month: date, targets: Mapping[tuple[object, ...], Row]
) -> Decimal | None:
    """The plan of the promise kept rate: that of the month, else that of its quarter."""
    quarter = period_of("quarter", month).start
    for start, kind in ((month, "month"), (quarter, "quarter")):
        row = targets.get((start, kind, scope_type, scope_id, "promise_kept_rate"))
        if row is not None:
            return Decimal(row["target_value"])
    return None


def per_day(amount: Decimal, month: date, as_of_date: date) -> tuple[Decimal, Decimal]:
    """Cash per day of the month so far, and what it makes by the month's end."""
    days = month_end(month).day
    gone = min(month_end(month), as_of_date).day
    return round_money(amount / gone), round_money(amount * days / gone)


def unless_missing(numerator: Decimal | None, denominator: Decimal | None) -> Ratio:
    """A ratio, not applicable where one of its parts is not had."""
    if numerator is None or denominator is None:
        return Ratio(None, numerator, denominator, "not_applicable")
    return ratio(numerator, denominator)


def rates(line: Work, target: Decimal | None, seeds: Seeds) -> dict[str, Ratio]:
    """The rates of a collector or a team and a month, or of longer: all are of sums.

    Source: measures, section 5; section 1 (every ratio keeps its parts).
    """
    (rules,) = seeds.rows("measure_rules")
    few = line["survey_count"] < int(rules["minimum_survey_count"])
    judged = {
        unit: sum((line[f"promise_{status}_{unit}"] for status in JUDGED), ZERO)
        for unit in ("count", "amount")
    }
    timed = line["timed_contact_count"] or None
    hours = line["contact_second_count"] / 3600
    per_hour = unless_missing(None if timed is None else timed * 3600, line["contact_second_count"])
    cost = None if line.cost is None else round_money(line.cost)
    found = {
        "right_party_contact_rate_of_attempts": ratio(
            line["right_party_contact_count"], line["attempt_count"]
        ),
        "right_party_contact_rate_of_connects": ratio(
            line["right_party_contact_count"], line["connect_count"]
        ),
        "promise_kept_rate": ratio(line["promise_kept_count"], judged["count"]),
        "promise_kept_rate_by_amount": ratio(line["promise_kept_amount"], judged["amount"]),
        "collected_target_attainment_rate": unless_missing(line["collected_amount"], target),
        "complaint_rate": complaint_rate(
            int(line["complaint_count"]), len(line.customers), rules["complaint_rate_customers"]
        ),
        "satisfaction_score": ratio(line["survey_score_total"], line["survey_count"]),
        "satisfied_rate": ratio(line["satisfied_survey_count"], line["survey_count"]),
        "training_pass_rate": ratio(line["passed_count"], line["assessed_count"]),
        "training_pass_rate_first_attempt": ratio(
            line["first_attempt_passed_count"], line["first_attempt_assessed_count"]
        ),
        "contacts_per_hour": Ratio(per_hour.value, timed, round_ratio(hours), per_hour.status),
        "collected_per_contact": ratio(line["collected_amount"], line["contact_count"]),
        "contact_cost_rate": unless_missing(cost, line.costed_cash),
    }
    if few:
        for name in ("satisfaction_score", "satisfied_rate"):
            parts = found[name]
            found[name] = Ratio(None, parts.numerator, parts.denominator, "insufficient_sample")
    return found


def complaint_rate(complaints: int, customers: int, per: str) -> Ratio:
    """Complaints per 1000 customers contacted.

    Examples:
        >>> complaint_rate(1, 8, "1000").value
        Decimal('125.00000000')
    """
    exact = ratio(complaints * int(per), customers)
    thousands = round_ratio(Decimal(customers) / int(per))
    return Ratio(exact.value, Decimal(complaints), thousands, exact.status)
