"""Sequences of deliveries to random companies, and the days on which each is looked at.

The companies are those of ``tests.properties.companies``; here they become restless: what was told
is told again otherwise, late, or taken back, in every extract. A sequence is drawn from its number
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.properties.companies import COLLECTORS, DELIVERIES, delivered_rows
from tests.properties.drawn import draw_plans
from tests.warehouse import end_of_day

Row = dict[str, Any]
Rows = dict[str, list[Row]]

MOVES = (0, 0, 1, 1, 1, 3, 8, 29, 31, 60)
"""Days by which the business day moves from one run to the next."""

FULL = ((), (), (0, 2, 4), (0, 1, 2, 3, 4))
"""Deliveries that are full, by source."""


@dataclass(frozen=True)
class Step:
    """What one run is asked, and whether nothing happened since the run before."""

    as_of_date: date
    known_at: datetime
    is_repeated: bool = False


@dataclass(frozen=True)
class DeliverySequence:
    """Everything that is ever delivered, and the runs between."""

    number: int
    rows: Rows
    quarantined_rows: Sequence[Row]
    steps: Sequence[Step]


def draw_sequence(number: int, companies: int) -> DeliverySequence:
    """Draw the sequence of that number."""
    random = Random(number)  # noqa: S311
    everything: Rows = {}
    for place, plan in enumerate(draw_plans(companies, draw_seed=1000 + number), start=1):
        source = random.randrange(len(FULL))
        plan = replace(plan, full_deliveries=frozenset(FULL[source]))
        rows = _restless(delivered_rows(plan, place), f"{place:03d}", random)
        for extract, lines in rows.items():
            # Few sources, because every load is a file.
            everything.setdefault(extract, []).extend(
                line | {"_source": f"erp_{source}"} for line in lines
            )
    everything["fx_rates"] = _rates(random)
    everything["control_totals"] = _control_totals(random, companies)
    return DeliverySequence(number, everything, _quarantined(everything, random), _steps(random))


def _steps(random: Random) -> list[Step]:
    """A first run, then one per delivery, and runs between for which only time has passed."""
    day = date(2024, 1, 25) + timedelta(days=random.randrange(90))
    steps: list[Step] = []
    for index in range(random.choice((0, 0, 1)), len(DELIVERIES)):
        known_at = end_of_day(DELIVERIES[index])
        steps.append(Step(day, known_at))
        if steps[1:] and random.random() < 0.35:
            known_at += timedelta(hours=1)
            moved = random.choice(MOVES)
            day += timedelta(days=moved)
            steps.append(Step(day, known_at, is_repeated=moved == 0))
        day += timedelta(days=random.choice(MOVES))
    return steps


def _restless(rows: Rows, prefix: str, random: Random) -> Rows:
    """Add to a company's rows what is told late, corrected or taken back."""
    rows = dict(rows)
    documents = sorted({row["document_id"] for row in rows["ledger"]})
    payments = sorted({row["payment_id"] for row in rows["payments"]})
    rows["ledger"] = rows["ledger"] + _told_again(
        rows["ledger"], random, lambda row: _changed_document(row, documents, prefix, random)
    )
    rows["payments"] = rows["payments"] + _told_again(
        rows["payments"],
        random,
        lambda row: _changed_payment(row, documents, payments, prefix, random),
    )
    rows["customers"] = rows["customers"] + _told_again(
        rows["customers"], random, lambda row: _changed_customer(row, prefix, random)
    )
    rows["contact_log"] = _late(rows["contact_log"] + _more_contacts(rows, prefix, random), random)
    rows["contact_log"] += _told_again(
        rows["contact_log"], random, lambda row: _changed_contact(row, documents, prefix, random)
    )
    rows["portfolios"] = _late(rows["portfolios"], random)
    rows["portfolios"] += _told_again(
        rows["portfolios"], random, lambda row: {"collector_id": _collector(prefix, random)}
    )
    rows["collectors"] = [
        {
            "collector_id": f"{prefix}-{collector}",
            "collector_name": f"Collector {collector}",
            "team_id": f"{prefix}-T{place % 2}",
            "role": "collector",
            "hired_date": date(2023, 5, 1),
            "_delivery_date": DELIVERIES[0],
        }
        for place, collector in enumerate(COLLECTORS)
    ]
    rows["collectors"] += _told_again(
        rows["collectors"],
        random,
        lambda _: random.choice(
            (
                {"team_id": f"{prefix}-T{random.randrange(3)}"},
                {"left_date": _day(random)},
                {"role": "manager"},
            )
        ),
    )
    rows["surveys"] = _surveys(prefix, random)
    rows["surveys"] += _told_again(
        rows["surveys"], random, lambda _: {"score": Decimal(random.randrange(101))}
    )
    rows["trainings"] = _trainings(prefix, random)
    rows["targets"] = _targets(prefix, random)
    return rows


def _told_again(rows: Sequence[Row], random: Random, change: Any) -> list[Row]:  # noqa: ANN401
    """Some of the rows in a later delivery, in a file of their own, otherwise."""
    again: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        index = DELIVERIES.index(row["_delivery_date"])
        if index + 1 == len(DELIVERIES) or random.random() > 0.25:
            continue
        later = DELIVERIES[random.randrange(index + 1, len(DELIVERIES))]
        kinds = {
            other["_delivery_date"]: other.get("_delivery_kind", "delta")
            for other in rows
            if "_delivery_date" in other
        }
        changed = {
            **row,
            **change(row),
            "_delivery_date": later,
            "_source_file": "3.csv",
            "_delivery_kind": kinds.get(later, row.get("_delivery_kind", "delta")),
        }
        key = tuple(str(row.get(name)) for name in _KEYS if name in row)
        again[(later, *key)] = changed
    return list(again.values())


_KEYS = (
    "document_id",
    "installment_no",
    "payment_id",
    "line_no",
    "contact_id",
    "collector_id",
    "customer_id",
    "valid_from",
    "survey_id",
)


def _late(rows: Sequence[Row], random: Random) -> list[Row]:
    """Rows that come with any delivery, whatever day they are about."""
    return [row | {"_delivery_date": DELIVERIES[random.choice((0, 0, 1, 2, 3, 4))]} for row in rows]


def _day(random: Random) -> date:
    day = date(2024, 1, 1) + timedelta(days=random.randrange(180))
    return random.choice((day, day, date(2024, 1, 31), date(2024, 2, 29), date(2024, 4, 30)))


def _amount(random: Random) -> Decimal:
    return Decimal(random.choice((1, 10000, 33333, random.randrange(1, 999_999)))) / 100


def _customer(prefix: str, random: Random) -> str:
    return f"{prefix}-{random.choice('ABC')}"


def _collector(prefix: str, random: Random) -> str:
    return f"{prefix}-{random.choice(COLLECTORS)}"


def _changed_document(row: Row, documents: Sequence[str], prefix: str, random: Random) -> Row:
    is_adjustment = row["document_type"] == "adjustment"
    return random.choice(
        (
            {"customer_id": _customer(prefix, random)},
            {"currency_code": random.choice(("CNY", "USD", "EUR"))},
            {"amount": _amount(random)},
            {"document_date": (day := _day(random)), "due_date": day + timedelta(days=20)},
            {} if is_adjustment else {"due_date": row["document_date"] + timedelta(days=35)},
            {"has_open_dispute": True, "dispute_reason": "price"},
            {"legal_status": "litigation"},
            {"applies_to_document_id": random.choice(documents)}
            if row.get("applies_to_document_id")
            else {"amount_reporting": _amount(random)},
            {"is_withdrawn": True},
            {"is_withdrawn": True},
        )
    )


def _changed_payment(
    row: Row, documents: Sequence[str], payments: Sequence[str], prefix: str, random: Random
) -> Row:
    return random.choice(
        (
            {"customer_id": _customer(prefix, random)},
            {"payment_date": _day(random)},
            {"amount": _amount(random)},
            {"currency_code": random.choice(("CNY", "USD"))},
            {"document_id": random.choice(documents), "installment_no": None},
            {"document_id": None, "installment_no": None},
            {"reverses_payment_id": random.choice(payments)},
            {"application_date": _day(random)},
            {"discount_amount": Decimal("2.00")},
            {"is_withdrawn": True},
            {"is_withdrawn": True},
        )
    )


def _changed_customer(row: Row, prefix: str, random: Random) -> Row:
    return random.choice(
        (
            {"segment": random.choice(("small_business", "industrial", "public"))},
            {"segment": random.choice(("us_consumer", "cn_consumer"))},
            {"region": random.choice(("north", "south", "west"))},
            {"payment_terms_days": random.choice((None, 0, 14, 45, 60))},
            {"parent_customer_id": _customer(prefix, random)},
            {"is_insolvent": not row.get("is_insolvent", False)},
            {"customer_name": "Renamed"},
            {"timezone": random.choice(("Europe/Berlin", "Pacific/Auckland", None))},
        )
    )


def _changed_contact(row: Row, documents: Sequence[str], prefix: str, random: Random) -> Row:
    promised = {
        "outcome": "promise_to_pay",
        "promised_amount": _amount(random),
        "promised_date": row["contacted_at"].date() + timedelta(days=random.randrange(25)),
    }
    return random.choice(
        (
            {"customer_id": _customer(prefix, random)},
            {"collector_id": _collector(prefix, random)},
            {"contacted_at": row["contacted_at"] + timedelta(days=random.choice((-9, -1, 2, 40)))},
            {"document_id": random.choice((*documents, None))},
            {"outcome": "complaint", "is_complaint_upheld": True, "promised_amount": None}
            | {"promised_date": None},
            {"outcome": "no_answer", "promised_amount": None, "promised_date": None},
            promised,
            promised,
        )
    )


def _more_contacts(rows: Rows, prefix: str, random: Random) -> list[Row]:
    """Contacts about what is being paid, so that promises meet cash."""
    more = []
    for number in range(random.randrange(6)):
        if not rows["payments"]:
            break
        payment = random.choice(rows["payments"])
        day = payment["payment_date"] - timedelta(days=random.choice((0, 1, 5, 20, 29, 30, 31)))
        is_promise = random.random() < 0.7
        more.append(
            {
                "contact_id": f"{prefix}-M{number}",
                "customer_id": payment["customer_id"],
                "document_id": random.choice((payment.get("document_id"), None)),
                "collector_id": _collector(prefix, random),
                "contacted_at": datetime.combine(day, datetime.min.time())
                + timedelta(hours=random.randrange(24)),
                "channel": random.choice(("phone", "email", "legal")),
                "outcome": "promise_to_pay" if is_promise else "right_party",
                "promised_amount": random.choice((abs(payment["amount"]), _amount(random)))
                if is_promise
                else None,
                "promised_date": day + timedelta(days=random.randrange(31)) if is_promise else None,
            }
        )
    return more


def _surveys(prefix: str, random: Random) -> list[Row]:
    return _late(
        [
            {
                "survey_id": f"{prefix}-S{number}",
                "customer_id": _customer(prefix, random),
                "surveyed_at": datetime.combine(_day(random), datetime.min.time()),
                "score": Decimal(random.randrange(101)),
            }
            for number in range(random.randrange(4))
        ],
        random,
    )


def _trainings(prefix: str, random: Random) -> list[Row]:
    return _late(
        [
            {
                "collector_id": _collector(prefix, random),
                "course_id": f"course {number}",
                "attempt_no": 1,
                "training_date": (day := _day(random)),
                "assessed_date": day + timedelta(days=3),
                "is_passed": random.random() < 0.5,
            }
            for number in range(random.randrange(3))
        ],
        random,
    )


def _targets(prefix: str, random: Random) -> list[Row]:
    return _late(
        [
            {
                "period_start": date(2024, month, 1),
                "period_type": "month",
                "scope_type": scope_type,
                "scope_id": scope_id,
                "measure": "cash_applied_amount",
                "target_value": Decimal(random.randrange(1, 9999)),
            }
            for month in (2, 4)
            for scope_type, scope_id in (
                ("company", f"co_{prefix}"),
                ("collector", _collector(prefix, random)),
            )
            if random.random() < 0.4
        ],
        random,
    )


def _rates(random: Random) -> list[Row]:
    """Rates that come late, are corrected, or begin after the currency was first used."""
    rows = []
    for pair in (("USD", "CNY"), ("CNY", "EUR"), ("XAF", "CNY")):
        if pair[0] == "XAF" and random.random() < 0.5:
            continue
        for number in range(random.randrange(2, 6)):
            day = date(2024, 1, 1) if number == 0 else _day(random)
            indexes = sorted(random.sample(range(len(DELIVERIES)), random.choice((1, 1, 2))))
            if number == 0 and random.random() < 0.6:
                indexes[0] = 0
            rows += [
                {
                    "rate_date": day,
                    "from_currency": pair[0],
                    "to_currency": pair[1],
                    "rate": Decimal(random.randrange(10_000_000, 900_000_000)) / 100_000_000,
                    "_delivery_date": DELIVERIES[index],
                    "_source": "bank",
                    "_source_file": f"{number}.csv",
                }
                for index in indexes
            ]
    return rows


def _control_totals(random: Random, companies: int) -> list[Row]:
    return [
        {
            "extract": "gl_balance",
            "delivery_date": delivered,
            "source": "gl",
            "company_code": f"co_{number:03d}",
            "currency_code": "CNY",
            "balance_date": _day(random),
            "amount": _amount(random),
            "_delivery_date": delivered,
            "_source": "gl",
        }
        for number in range(1, companies + 1)
        for delivered in DELIVERIES
        if random.random() < 0.2
    ]


def _quarantined(rows: Rows, random: Random) -> list[Row]:
    """Rows that were refused, of which some are delivered again and enter."""
    lines = []
    for number in range(random.randrange(8)):
        index = random.randrange(len(DELIVERIES))
        like = random.choice(rows["ledger"])
        key = f"{like['company_code']}|{like['document_id']}|{like['installment_no']}"
        lines.append(
            {
                "load_id": f"quarantined{number}",
                "source": like["_source"],
                "extract": "ledger",
                "delivery_date": DELIVERIES[index],
                "source_file": random.choice(("1.csv", "bad.csv")),
                "row_number": random.randrange(1, 9),
                "reason_code": "BAD_DATE",
                "column_name": "document_date",
                "raw_text": "…",
                "row_key": random.choice((key, None, "unknown|key|1")),
                "amount": _amount(random),
                "recorded_at": end_of_day(DELIVERIES[index]),
            }
        )
    return lines
