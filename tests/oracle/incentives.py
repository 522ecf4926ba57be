"""What the cash of a month pays its collector: tiers, gates and what is clawed back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.arithmetic import Ratio, month_end, month_start, round_money
from tests.oracle.attribution import UNATTRIBUTED
from tests.oracle.cash import local_date
from tests.oracle.compliance import Breach
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO
from tests.oracle.performance import (
    Month,
    Teams,
    Work,
    planned_cash,
    trainings_until,
    unless_missing,
)
from tests.oracle.versions import in_force


@dataclass(frozen=True)
class Incentive:
    """One collector's month."""

    earned: Decimal
    taken_back: Decimal
    kept: Decimal
    target: Decimal | None
    attainment: Ratio
    tier: str | None
    rate: Decimal | None
    counts: Mapping[str, int]
    """By gate, what keeps it closed."""
    closed: frozenset[str]
    withheld_rate: Decimal
    before_gates: Decimal | None
    withheld: Decimal | None
    paid: Decimal | None
    paid_at_month_end: Decimal | None
    clawed_back: Decimal | None


def tier_of(kept: Decimal, target: Decimal, tiers: Sequence[Row]) -> Row:
    """The tier with the highest bound that the cash reaches; a bound belongs to its own tier.

    Examples:
        >>> tiers = [{"attained_from_rate": ""}, {"attained_from_rate": "0.8"}]
        >>> tier_of(Decimal("79.99"), Decimal(100), tiers) is tiers[0]
        True
        >>> tier_of(Decimal("80.00"), Decimal(100), tiers) is tiers[1]
        True
    """
    reached = [
        tier
        for tier in tiers
        if not tier["attained_from_rate"] or kept >= target * Decimal(tier["attained_from_rate"])
    ]
    return max(reached, key=lambda tier: Decimal(tier["attained_from_rate"] or "-Infinity"))


def courses_not_passed(extracts: Extracts, parameters: Parameters, who: str, day: date) -> int:
    """Courses of which the last assessment up to a day was not passed."""
    last: dict[str, Row] = {}
    for row in sorted(
        trainings_until(extracts, parameters),
        key=lambda row: (row["assessed_date"], row["attempt_no"]),
    ):
        if row["collector_id"] == who and row["assessed_date"] <= day:
            last[row["course_id"]] = row
    return sum(not row["is_passed"] for row in last.values())


def incentives(
    extracts: Extracts,
    parameters: Parameters,
    work: Mapping[Month, Work],
    teams: Teams,
    targets: Mapping[tuple[object, ...], Row],
    breaches: Sequence[Breach],
    seeds: Seeds,
) -> dict[Month, Incentive]:
    """Every collector's month with cash of its own or a plan of cash.

    Cash that was taken back, even later, is taken off the month that earned it. A closed gate
    withholds its part; of several the one that withholds most.

    Source: measures, section 5 (incentive).
    """
    tiers, gates = seeds.rows("incentive_tiers"), seeds.rows("incentive_gates")
    contacts = {
        row["contact_id"]: row
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
    }
    broken: dict[Month, set[str]] = {}
    for breach in breaches:
        row = contacts[breach.contact_id]
        month = month_start(local_date(row["contacted_at"], parameters.timezone))
        broken.setdefault((row["collector_id"], month), set()).add(breach.contact_id)
    result = {}
    for (collector_id, month), line in work.items():
        target = planned_cash("collector", collector_id, month, targets, teams)
        earned, back = line["earned_amount"], line["taken_back_amount"]
        if collector_id == UNATTRIBUTED or (target is None and not earned and not back):
            continue
        kept = earned - back
        kept_then = kept + line["taken_back_afterwards_amount"]
        judged = min(month_end(month), parameters.as_of_date)
        counts = {
            "compliance_breach": len(broken.get((collector_id, month), ())),
            "upheld_complaint": int(line["upheld_complaint_count"]),
            "training_not_passed": courses_not_passed(extracts, parameters, collector_id, judged),
        }
        shut = [
            gate for gate in gates if counts[gate["incentive_gate"]] > int(gate["allowed_count"])
        ]
        withheld_rate = max((Decimal(gate["withheld_rate"]) for gate in shut), default=ZERO)
        tier, before, paid, paid_then = None, None, None, None
        if target is not None and target > 0:
            tier = tier_of(kept, target, tiers)
            before, paid = _paid(kept, tier, withheld_rate)
            _, paid_then = _paid(kept_then, tier_of(kept_then, target, tiers), withheld_rate)
        result[collector_id, month] = Incentive(
            earned=earned,
            taken_back=back,
            kept=kept,
            target=target,
            attainment=unless_missing(kept, target),
            tier=None if tier is None else tier["incentive_tier"],
            rate=None if tier is None else Decimal(tier["incentive_rate"]),
            counts=counts,
            closed=frozenset(
                gate["incentive_gate"] for gate in shut if Decimal(gate["withheld_rate"]) > 0
            ),
            withheld_rate=withheld_rate,
            before_gates=before,
            withheld=None if before is None or paid is None else before - paid,
            paid=paid,
            paid_at_month_end=paid_then,
            clawed_back=None if paid is None or paid_then is None else paid_then - paid,
        )
    return result


def _paid(kept: Decimal, tier: Row, withheld_rate: Decimal) -> tuple[Decimal, Decimal]:
    """The incentive on an amount, before and after gates."""
    before = round_money(kept * Decimal(tier["incentive_rate"]))
    return before, before - round_money(before * withheld_rate)
