"""What must hold of the oracle itself, whatever the company: it is not above being proved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import arithmetic, conversion, journal
from tests.oracle.aging import aging, bucket_of, totals
from tests.oracle.arithmetic import add_months
from tests.oracle.balances import fx_residues, open_items, total
from tests.oracle.inputs import Extracts, Parameters, Seeds
from tests.oracle.versions import documents, payments
from tests.properties.companies import DELIVERIES, Plan, delivered_rows, master_rows, plans
from tests.warehouse import end_of_day

PARAMETERS = Parameters(date(2024, 6, 10), end_of_day(date(2024, 6, 10)))
DELIVERY_INSTANTS = [end_of_day(day) for day in DELIVERIES]
BUCKETS = Seeds().buckets()


def as_extracts(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Extracts:
    """Rows as the lake would hold them: with their place in the order of deliveries."""
    complete: dict[str, list[dict[str, Any]]] = {}
    for name, lines in rows.items():
        for number, row in enumerate(lines):
            complete.setdefault(name, []).append(
                {
                    "is_withdrawn": False,
                    "_delivery_kind": "delta",
                    "_source": "canonical",
                    "_recorded_at": end_of_day(row["_delivery_date"]),
                    "_load_sequence": number,
                    "_row_number": 1,
                }
                | dict(row)
            )
    return Extracts(**complete)


def company(plan: Plan) -> Extracts:
    return as_extracts(delivered_rows(plan, 1) | master_rows([1]))


@given(plans(), st.sampled_from(DELIVERY_INSTANTS))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_movement_is_made_or_lost_by_matching_and_sharing_out(
    plan: Plan, known_at: datetime
) -> None:
    extracts = company(plan)
    booked: Counter[tuple[str, str]] = Counter()
    for document in documents(extracts, known_at):
        sign = {"credit_memo": -1, "write_off": -1, "recovery": 0}.get(document.document_type, 1)
        booked[document.document_id, document.currency_code] += sign * document.amount
    for payment in payments(extracts, known_at):
        if payment.reverses_payment_id is None:
            booked[payment.payment_id, payment.currency_code] -= payment.amount
        else:
            booked[payment.payment_id, payment.currency_code] += abs(payment.amount)
    moved: Counter[tuple[str, str]] = Counter()
    for movement in journal.journal(extracts, PARAMETERS, known_at).movements:
        if movement.movement_type != "discount":
            moved[movement.source_id, movement.currency_code] += movement.amount_document
    assert +moved == +booked
    assert -moved == -booked


@given(plans(), st.dates(date(2024, 1, 1), date(2024, 8, 31)))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_presentation_foots_to_the_sum_of_movements(plan: Plan, as_of_date: date) -> None:
    book = journal.journal(company(plan), PARAMETERS)
    effective = [m for m in book.movements if m.effective_date <= as_of_date]
    by_presentation: Counter[tuple[str, str]] = Counter()
    for key, line in totals(aging(book, as_of_date, BUCKETS)).items():
        by_presentation[key.bucket_set, key.age_basis] += line.open_amount_document
    summed = sum((m.amount_document for m in effective), Decimal(0))
    for presentation, amount in by_presentation.items():
        assert amount == summed, presentation
    if (in_reporting := total(effective)) is not None:
        opened = sum(o.open_amount or Decimal(0) for o in open_items(book, as_of_date))
        assert opened + sum(fx_residues(book, as_of_date).values()) == in_reporting


@given(plans())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_transfers_sum_to_nothing_over_their_two_sides(plan: Plan) -> None:
    book = journal.journal(company(plan), PARAMETERS)
    for kind in ("application", "credit_application"):
        sides: Counter[tuple[str, int]] = Counter()
        for movement in book.movements:
            if movement.movement_type == kind:
                sides[movement.source_id, movement.source_line_no] += movement.amount_document
        assert not any(sides.values())


@pytest.mark.parametrize("bucket_set", sorted({bucket.bucket_set for bucket in BUCKETS}))
@pytest.mark.parametrize(
    "due_date", [date(2023, 12, 31), date(2024, 1, 30), date(2024, 2, 29), date(2024, 8, 31)]
)
def test_every_day_falls_in_exactly_one_bucket_and_buckets_come_in_order(
    bucket_set: str, due_date: date
) -> None:
    of_set = [bucket for bucket in BUCKETS if bucket.bucket_set == bucket_set]
    order = {bucket.aging_bucket: bucket.order for bucket in of_set}
    days = [due_date + timedelta(days=n) for n in range(-40, 800)]
    orders = [order[bucket_of(due_date, day, of_set)] for day in days]
    assert orders == sorted(orders)
    assert set(orders) == set(order.values())


@pytest.mark.parametrize(
    ("days_past_due", "bucket"),
    [
        (-1, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91-180"),
        (180, "91-180"),
        (181, "181-365"),
        (365, "181-365"),
        (366, "over 365"),
    ],
)
def test_a_bucket_is_closed_on_the_right(days_past_due: int, bucket: str) -> None:
    due_date = date(2024, 2, 29)
    of_set = [b for b in BUCKETS if b.bucket_set == "days"]
    assert bucket_of(due_date, due_date + timedelta(days=days_past_due), of_set) == bucket


@pytest.mark.parametrize(
    ("months", "bucket"),
    [
        (1, "within 1 month"),
        (3, "1-3 months"),
        (6, "3-6 months"),
        (12, "6-12 months"),
    ],
)
def test_a_month_bucket_ends_on_the_clamped_day(months: int, bucket: str) -> None:
    of_set = [b for b in BUCKETS if b.bucket_set == "months"]
    for due_date in (date(2023, 3, 31), date(2024, 1, 31), date(2024, 2, 29), date(2023, 5, 15)):
        last = add_months(due_date, months)
        assert bucket_of(due_date, last, of_set) == bucket
        assert bucket_of(due_date, last + timedelta(days=1), of_set) != bucket


def test_the_examples_in_the_oracles_docstrings_hold() -> None:
    import doctest

    from tests.oracle import aging as aging_module

    for module in (arithmetic, conversion, journal, aging_module):
        assert doctest.testmod(module).failed == 0
