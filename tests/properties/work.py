"""What people do beside the books of random companies: contacts, plans, answers, trainings.

Added to the rows of a drawn company; the same company gets the same. Not here: the books
themselves (``companies``), and changes told from refresh to refresh (``sequences``).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.properties.companies import COLLECTORS, CUSTOMERS, DELIVERIES

Row = dict[str, Any]
Rows = dict[str, list[Row]]

# Small companies reach no amount, sample or history that rules for large ones ask for.
RULES = {
    "strategy_rules": "large_amount_from,collected_within_days,expected_history_months,"
    "contact_pause_days,broken_promise_days,poor_grade_from,long_past_due_days\n"
    "2000,20,2,3,30,C,45\n",
    "credit_rules": "history_months,minimum_paid_item_count,insolvent_grade\n6,1,E\n",
    "measure_rules": "minimum_survey_count,satisfied_score_from,assessment_months,"
    "complaint_rate_customers\n3,80,1,1000\n",
    "loss_rate_rules": "segment,trailing_months,loss_given_last_rate,forward_looking_factor\n"
    "*,2,0.9,1.25\nindustrial,1,1,0.5\n",
    "forecast_rules": "history_days,full_weight_payments,week_count,past_month_count,"
    "interval_rate,interval_deviations,in_time_rate\n60,2,5,4,0.8,1.28155157,0.4\n",
}

TARGETS = (
    ("month", "collector", "collected_amount"),
    ("month", "collector", "collected_amount"),
    ("month", "collector", "contact_count"),
    ("quarter", "collector", "promise_kept_rate"),
    ("quarter", "collector", "collected_per_contact"),
    ("year", "collector", "promise_made_amount"),
    ("month", "team", "collected_amount"),
    ("month", "team", "promise_kept_rate"),
    ("quarter", "team", "recovery_rate"),
    ("quarter", "team", "satisfaction_score"),
    ("half_year", "team", "complaint_rate"),
    ("quarter", "team", "training_pass_rate"),
    ("month", "company", "collected_amount"),
    ("month", "company", "bad_debt_rate"),
    ("quarter", "company", "recovery_rate"),
    ("quarter", "company", "promise_kept_rate"),
    ("half_year", "company", "credit_sales_amount"),
    ("year", "company", "receivables_turnover"),
    ("quarter", "company", "turnover_days"),
    ("half_year", "team", "receivables_turnover_13_point"),
    ("quarter", "company", "receivables_turnover_5_point"),
    ("year", "company", "nobody_knows_it"),
)


def write_rules(folder: Path) -> None:
    """Write the rules of small companies as seed files into a folder that exists."""
    for name, text in RULES.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")


def with_work(rows: Mapping[str, Sequence[Row]], number: int, draw_seed: int) -> Rows:
    """A drawn company's rows with what its people do added."""
    random = Random(f"{draw_seed} {number}")  # noqa: S311
    prefix = f"{number:03d}"
    result = {extract: list(lines) for extract, lines in rows.items()}
    result["ledger"] = [_disputed(row, random) for row in result["ledger"]]
    result["customers"] = [_rated(row, random) for row in result["customers"]]
    result["contact_log"] = _contacts(result, prefix, random)
    result["surveys"] = _surveys(prefix, random)
    result["trainings"] = _trainings(prefix, random)
    result["targets"] = _targets(prefix, random) + _reachable_targets(result, random)
    result["collectors"] = _collectors(prefix, random)
    own = {"_source": f"erp_{prefix}"}
    for extract in ("surveys", "trainings", "targets", "collectors"):
        result[extract] = [row | own for row in result[extract]]
    return result


def _disputed(row: Row, random: Random) -> Row:
    return row | {"has_open_dispute": random.random() < 0.15}


def _rated(row: Row, random: Random) -> Row:
    return row | {
        "credit_limit": random.choice((None, Decimal(0), Decimal(500), Decimal(5000))),
        "is_insolvent": random.random() < 0.08,
    }


def _contacts(rows: Rows, prefix: str, random: Random) -> list[Row]:
    """The drawn contacts, some of them complaints, with some of the last days added.

    Each is told in any delivery, now and then otherwise in a later one.
    """
    contacts = [dict(row) for row in rows["contact_log"]]
    for number in range(random.randrange(4)):
        day = date(2024, 5, 24) + timedelta(days=random.randrange(18))
        promised = random.random() < 0.5
        contacts.append(
            {
                "contact_id": f"{prefix}-L{number}",
                "customer_id": f"{prefix}-{random.choice(CUSTOMERS)}",
                "document_id": random.choice((None, "D1", "D2")),
                "collector_id": f"{prefix}-{random.choice(COLLECTORS)}",
                "contacted_at": datetime.combine(day, time(random.randrange(24))),
                "channel": random.choice(("phone", "sms", "letter", "messaging", "legal", "email")),
                "outcome": "promise_to_pay" if promised else "right_party",
                "promised_amount": _amount(random) if promised else None,
                "promised_date": day + timedelta(days=random.randrange(12)) if promised else None,
                "_source": f"erp_{prefix}",
            }
        )
    result = []
    for contact in contacts:
        index = random.choice((0, 0, 0, 1, 2, 3, 4))
        told = contact | {
            "duration_seconds": random.choice((None, 0, 61, 95, 3600)),
            "_delivery_date": DELIVERIES[index],
        }
        if told["outcome"] in ("right_party", "wrong_party") and random.random() < 0.3:
            told |= {"outcome": "complaint"}
            told |= {"is_complaint_upheld": random.choice((None, False, True))}
        if random.random() < 0.2:
            told |= {"direction": "inbound"}
        result.append(told)
        if index < len(DELIVERIES) - 1 and random.random() < 0.15:
            collector_id = f"{prefix}-{random.choice(COLLECTORS)}"
            again = {"collector_id": collector_id, "_delivery_date": DELIVERIES[index + 1]}
            result.append(told | again | {"_source_file": "2.csv"})
    return result


def _amount(random: Random) -> Decimal:
    return Decimal(random.choice((1, 10000, 33333, 100_000, random.randrange(1, 999_999)))) / 100


def _day(random: Random) -> date:
    day = date(2024, 1, 1) + timedelta(days=random.randrange(170))
    return random.choice((day, day, date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)))


def _surveys(prefix: str, random: Random) -> list[Row]:
    """A few answers, now and then enough of one month to be a sample, and not one more."""
    count = random.choice((0, 1, 2, 3, 4, 6))
    month = random.choice((None, date(2024, 4, 1)))
    return [
        {
            "survey_id": f"{prefix}-S{number}",
            "customer_id": f"{prefix}-{random.choice(CUSTOMERS)}",
            "surveyed_at": datetime.combine(
                month or _day(random), time(random.choice((3, 15, 16, 23)))
            ),
            "score": Decimal(random.choice((0, 79, 80, 100, random.randrange(101)))),
            "_delivery_date": DELIVERIES[random.choice((0, 0, 2, 4))],
        }
        for number in range(count)
    ]


def _trainings(prefix: str, random: Random) -> list[Row]:
    """Courses with one attempt or two, assessed in time, on the last day of it, or too late."""
    result = []
    for course in range(random.randrange(3)):
        collector_id = f"{prefix}-{random.choice(COLLECTORS)}"
        day = _day(random)
        assessed = day
        for attempt in range(1, random.choice((1, 1, 2)) + 1):
            assessed += timedelta(days=random.choice((0, 3, 28, 29, 30, 31)))
            result.append(
                {
                    "collector_id": collector_id,
                    "course_id": f"course {course}",
                    "attempt_no": attempt,
                    "training_date": day,
                    "assessed_date": assessed,
                    "is_passed": random.random() < 0.6,
                    "_delivery_date": DELIVERIES[random.choice((0, 0, 3))],
                }
            )
    return result


def _targets(prefix: str, random: Random) -> list[Row]:
    """Plans of any scope and period, some told otherwise later, some of nothing at all."""
    plans: dict[tuple[Any, ...], Row] = {}
    for _ in range(random.randrange(8)):
        period_type, scope_type, measure = random.choice(TARGETS)
        month = {
            "month": random.randrange(1, 8),
            "quarter": random.choice((1, 4, 7)),
            "half_year": random.choice((1, 1, 7)),
            "year": 1,
        }[period_type]
        scope_id = {
            "collector": f"{prefix}-{random.choice(COLLECTORS)}",
            "team": f"{prefix}-T{random.randrange(3)}",
            "company": f"co_{prefix}",
        }[scope_type]
        is_rate = measure.endswith("rate")
        for index in (0, random.choice((0, 0, 0, 3))):
            plans[date(2024, month, 1), period_type, scope_type, scope_id, measure, index] = {
                "period_start": date(2024, month, 1),
                "period_type": period_type,
                "scope_type": scope_type,
                "scope_id": scope_id,
                "measure": measure,
                "target_value": Decimal(random.choice((0, 5, 50, 90, 95, 100))) / 100
                if is_rate
                else random.choice((Decimal(0), Decimal(2), Decimal(80), _amount(random))),
                "_delivery_date": DELIVERIES[index],
            }
    return list(plans.values())


def _reachable_targets(rows: Rows, random: Random) -> list[Row]:
    """Plans of cash for owners of customers that paid: reached to the cent, or missed by it."""
    result = {}
    for payment in rows["payments"]:
        owners = [
            span["collector_id"]
            for span in rows["portfolios"]
            if span["customer_id"] == payment["customer_id"]
            and span["valid_from"] <= payment["payment_date"]
        ]
        if owners and payment["amount"] > 0:
            month = payment["payment_date"].replace(day=1)
            share = random.choice((Decimal("0.8"), Decimal(1), Decimal("1.2"), Decimal(3)))
            reached = (payment["amount"] / share).quantize(Decimal("0.01"))
            result[month, owners[-1]] = {
                "period_start": month,
                "period_type": "month",
                "scope_type": "collector",
                "scope_id": owners[-1],
                "measure": "collected_amount",
                "target_value": reached + random.choice((0, 0, Decimal("0.01"))),
                "_delivery_date": DELIVERIES[1],
            }
    return list(result.values())


def _collectors(prefix: str, random: Random) -> list[Row]:
    """The collectors, of whom one may change the team, one may have no cost or be unknown."""
    result = []
    for place, collector in enumerate(COLLECTORS):
        if random.random() < 0.1:
            continue
        row = {
            "collector_id": f"{prefix}-{collector}",
            "collector_name": f"Collector {collector}",
            "team_id": f"{prefix}-T{place % 2}",
            "role": "collector",
            "hourly_cost": random.choice((None, Decimal(60), Decimal("33.33"))),
            "_delivery_date": DELIVERIES[random.choice((0, 0, 1))],
        }
        result.append(row)
        if random.random() < 0.3:
            moved = {"team_id": f"{prefix}-T2", "_delivery_date": DELIVERIES[3]}
            result.append(row | moved)
    return result
