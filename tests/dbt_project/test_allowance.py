"""Allowances on companies small enough to reckon on paper, all in one warehouse.

Every company shows one thing; its numbers are worked out beside the test that asks for them.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builds import build_warehouse
from tests.warehouse import PROJECT, fetch

pytestmark = pytest.mark.warehouse

AS_OF = date(2025, 6, 30)
Rows = list[dict[str, Any]]

# Provision matrices that others published: past due, owed, rate, allowance. The first is example 12
# of the illustrative examples of IFRS 9 (IE74 to IE77), 580,000 of 30 million; the second goes with
# "IFRS 9 example: lifetime ECL for trade receivables using a provision matrix" of
# IFRScommunity.com, 27,567 in all, of which the rate that it shows as 8.7 % is 2 of 23.
MATRICES = {
    "example_12": [
        ("current", date(2025, 6, 30), "15000000.00", "0.00300000", "45000.00"),
        ("1-30", date(2025, 5, 31), "7500000.00", "0.01600000", "120000.00"),
        ("31-60", date(2025, 5, 1), "4000000.00", "0.03600000", "144000.00"),
        ("61-90", date(2025, 4, 1), "2500000.00", "0.06600000", "165000.00"),
        ("91-180", date(2025, 3, 31), "1000000.00", "0.10600000", "106000.00"),
    ],
    "community": [
        ("current", date(2025, 7, 1), "300000.00", "0.02000000", "6000.00"),
        ("1-30", date(2025, 6, 29), "140000.00", "0.04000000", "5600.00"),
        ("31-60", date(2025, 5, 30), "60000.00", "0.08695652", "5217.39"),
        ("61-90", date(2025, 4, 30), "23000.00", "0.25000000", "5750.00"),
        ("91-180", date(2025, 1, 1), "5000.00", "1.00000000", "5000.00"),
    ],
}

# Rates of expected_loss come from one month; of the oldest 60 % are lost, and times are bad.
OWN_SEEDS = {
    "loss_rates": (PROJECT / "seeds" / "loss_rates.csv").read_text("utf-8")
    + "".join(
        f"aging,{segment},{bucket},{rate}\n"
        for segment, rows in MATRICES.items()
        for bucket, _, _, rate, _ in rows
    ),
    "loss_rate_rules": """segment,trailing_months,loss_given_last_rate,forward_looking_factor
*,1,0.6,1.5
""",
    "specific_provisions": (
        """company_code,customer_id,document_id,valid_from,valid_to,known_from,loss_rate,reason
judged,judged-C,,2024-06-15,2024-07-31,2024-06-15,0.5,insolvent
judged,judged-C,judged-J2,2024-06-01,,2024-07-31,1,lost in court
again,again-C,,2024-06-01,,2024-06-30,0.4,late
again,again-C,,2024-06-01,,2024-07-31,0.8,later still
again,again-C,,2024-06-01,,2024-08-31,,paid up
"""
    ),
}


def document(
    company: str,
    number: str,
    day: date,
    due: date,
    amount: str,
    delivered: date = AS_OF,
    **rest: object,
) -> dict[str, Any]:
    return {
        "company_code": company,
        "document_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "document_type": "invoice",
        "document_date": day,
        "due_date": due,
        "currency_code": "CNY",
        "amount": amount,
        "_delivery_date": delivered,
        **rest,
    }


def against(
    company: str, number: str, kind: str, day: date, amount: str, target: str
) -> dict[str, Any]:
    """Something set against a document, delivered on its own day."""
    return document(
        company,
        number,
        day,
        day,
        amount,
        day,
        document_type=kind,
        applies_to_document_id=f"{company}-{target}",
    )


def payment(
    company: str, number: str, day: date, amount: str, target: str, delivered: date = AS_OF
) -> dict[str, Any]:
    return {
        "company_code": company,
        "payment_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "payment_date": day,
        "currency_code": "CNY",
        "amount": amount,
        "document_id": f"{company}-{target}",
        "_delivery_date": delivered,
    }


MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)
LEDGER: Rows = [
    document("back", "B1", date(2024, 5, 10), date(2024, 6, 9), "1000.00", MAY),
    against("back", "W1", "write_off", AS_OF, "400.00", "B1"),
    against("back", "R1", "recovery", AS_OF, "100.00", "B1"),
    # Recorded with the last microsecond of June, and with the first delivery after it.
    document("late", "L0", date(2024, 5, 1), date(2024, 5, 1), "1.00", MAY),
    document("late", "L1", date(2024, 6, 20), date(2024, 6, 25), "500.00", JUNE),
    document("late", "L2", date(2024, 6, 20), date(2024, 6, 25), "700.00", date(2024, 7, 1)),
    against("late", "W1", "write_off", date(2024, 9, 1), "500.00", "L1"),
    against("late", "W2", "write_off", date(2024, 9, 1), "700.00", "L2"),
    document("paid", "P1", date(2024, 5, 5), date(2024, 5, 5), "300.00", MAY),
    against("paid", "W1", "write_off", date(2024, 9, 1), "300.00", "P1"),
    document("judged", "J1", date(2024, 5, 1), date(2024, 6, 1), "1000.00", MAY),
    document("judged", "J2", date(2024, 4, 1), date(2024, 5, 1), "200.00", MAY),
    document("judged", "M1", date(2024, 5, 1), date(2024, 5, 1), "50.00", MAY)
    | {"document_type": "credit_memo"},
    document("moved", "D", date(2024, 4, 1), date(2024, 6, 10), "1000.00", MAY),
    document("moved", "D", date(2024, 4, 1), date(2024, 9, 10), "1000.00", date(2024, 7, 15)),
    document("again", "A1", date(2024, 5, 1), date(2024, 6, 1), "100.00", MAY),
    *(
        document(company, number, date(2023, 1, 1), due, "1000.00", delivered)
        for company, delivered in (("roll", AS_OF), ("told", MAY))
        for number, due in (
            ("D0", date(2024, 6, 10)),
            ("D1", date(2024, 5, 11)),
            ("D2", date(2024, 4, 16)),
            ("D3", date(2024, 3, 17)),
            ("D4", date(2024, 1, 1)),
            ("D5", date(2023, 6, 10)),
            ("D6", date(2023, 1, 1)),
        )
    ),
    *(
        document(segment, bucket, date(2025, 1, 1), due, amount)
        for segment, rows in MATRICES.items()
        for bucket, due, amount, _, _ in rows
    ),
    document("roll", "T1", date(2024, 1, 1), date(2024, 5, 21), "100.00", customer_id="roll-T"),
]
PAYMENTS: Rows = [
    payment("paid", "1", date(2024, 6, 10), "300.00", "P1", date(2024, 6, 10)),
    payment("paid", "2", date(2024, 8, 1), "300.00", "P1", date(2024, 8, 1))
    | {"document_id": None, "reverses_payment_id": "paid-1"},
    *(
        payment(company, number, date(2024, 6, 20), amount, f"D{number}", delivered)
        for company, in_time, late in (("roll", AS_OF, AS_OF), ("told", JUNE, JULY))
        for number, amount, delivered in (
            ("0", "400.00", in_time),
            ("1", "500.00", in_time),
            ("3", "800.00", in_time),
            ("4", "500.00", late),
            ("5", "600.00", in_time),
        )
    ),
]
CUSTOMERS: Rows = [
    {
        "customer_id": f"roll-{letter}",
        "customer_name": letter,
        "segment": segment,
        "_delivery_date": AS_OF,
    }
    for letter, segment in (("C", "broad"), ("T", "thin"))
] + [
    {
        "customer_id": f"{segment}-C",
        "customer_name": segment,
        "segment": segment,
        "_delivery_date": AS_OF,
    }
    for segment in MATRICES
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("allowances")
    seeds = folder / "seeds"
    seeds.mkdir()
    for name, text in OWN_SEEDS.items():
        (seeds / f"{name}.csv").write_text(text)
    extracts = {"ledger": LEDGER, "payments": PAYMENTS, "customers": CUSTOMERS}
    return build_warehouse(
        folder,
        extracts,
        as_of_date=AS_OF,
        seeds=seeds,
    )


def spelled(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def back_test(warehouse: Path, company: str, method: str, month: int) -> dict[str, Sequence[Any]]:
    """Predicted, written off, recovered, coverage and its status, by knowledge."""
    rows = fetch(
        warehouse,
        """
        select
            knowledge, predicted_loss_amount, written_off_amount, recovered_amount,
            loss_coverage_rate, loss_coverage_rate_status
        from marts.allowance_back_test
        where company_code = ? and allowance_method = ? and period_start = ?
        order by knowledge
        """,
        [company, method, date(2024, month, 1)],
    )
    return {row[0]: [spelled(value) for value in row[1:]] for row in rows}


def test_a_prediction_is_judged_when_its_window_has_closed(warehouse: Path) -> None:
    # May: 1000 not yet due x 0.5 %; till 31 May 2025 nothing was written off.
    may = ["5.00", "0.00", "0.00", "None", "zero_denominator"]
    # June: 21 days past due, 1 %. The window ends on the as-of date, on which 400 were lost and 100
    # of them recovered: 10 / 400.
    june = ["10.00", "400.00", "100.00", "0.02500000", "ok"]
    # July: 52 days, 3 %. The window ends a month after the as-of date.
    july = ["30.00", "400.00", "100.00", "None", "insufficient_history"]
    for month, line in ((5, may), (6, june), (7, july)):
        found = back_test(warehouse, "back", "aging", month)
        assert found == {"now": line, "then": line}, month
    none = ["0.00", "400.00", "100.00", "0.00000000", "ok"]
    assert back_test(warehouse, "back", "direct_write_off", 6)["then"] == none


def test_what_was_recorded_after_the_month_was_not_known_then(warehouse: Path) -> None:
    # June: L0 1.00 60 days past due, 3 %: 0.03; L1 500.00 five days, 1 %: 5.00, recorded in time;
    # L2 700.00 recorded the day after: 7.00 only now, because buckets are rounded as a whole.
    closed = "ok"
    assert back_test(warehouse, "late", "aging", 6) == {
        "now": ["12.03", "1200.00", "0.00", "0.01002500", closed],
        "then": ["5.03", "500.00", "0.00", "0.01006000", closed],
    }
    # Sales to the end of June x 0.5 %: 1.00 makes 0.01 in May; 1200.00 or 500.00 in June.
    assert back_test(warehouse, "late", "percent_of_sales", 6) == {
        "now": ["6.01", "1200.00", "0.00", "0.00500833", closed],
        "then": ["2.51", "500.00", "0.00", "0.00502000", closed],
    }
    assert [
        line[:2] for line in back_test(warehouse, "late", "percent_of_receivables", 6).values()
    ] == [["24.02", "1200.00"], ["10.02", "500.00"]]


def test_nothing_was_known_before_the_first_delivery(warehouse: Path) -> None:
    assert set(back_test(warehouse, "judged", "aging", 4)) == {"now"}


def test_what_was_settled_at_the_time_could_not_be_foretold(warehouse: Path) -> None:
    # Paid in June, bounced in August, written off in September.
    written_off = {
        month: back_test(warehouse, "paid", "aging", month)["then"][1] for month in (5, 6, 7, 8)
    }
    assert written_off == {5: "300.00", 6: "0.00", 7: "0.00", 8: "300.00"}


def required(
    warehouse: Path,
    company: str,
    method: str,
    month: int,
    segment: str = "unassigned",
    *,
    year: int = 2024,
) -> dict[str, list[str]]:
    """Open amount, rate, its source and what is required, by bucket, where something is open."""
    rows = fetch(
        warehouse,
        """
        select aging_bucket, open_amount, loss_rate, loss_rate_source, required_allowance_amount
        from marts.allowance_by_bucket
        where
            company_code = ? and allowance_method = ? and period_start = ? and segment = ?
            and open_amount <> 0
        """,
        [company, method, date(year, month, 1), segment],
    )
    return {row[0]: [spelled(value) for value in row[1:]] for row in rows}


def test_what_is_judged_alone_leaves_the_matrix(warehouse: Path) -> None:
    credit = {"unapplied_credit": ["-50.00", "0.00000000", "seed", "0.00"]}
    # June: the customer at 50 %, but J2 at 100 %: 500 + 200. The credit is not judged.
    judged = {"specific": ["1200.00", "None", "judgement", "700.00"]}
    assert required(warehouse, "judged", "aging", 6) == credit | judged
    assert required(warehouse, "judged", "specific", 6) == judged
    # The last day on which the customer is judged is the last of July; then J1, 91 days past due,
    # is back: 25 %.
    assert required(warehouse, "judged", "aging", 7) == credit | judged
    assert required(warehouse, "judged", "aging", 8) == credit | {
        "specific": ["200.00", "None", "judgement", "200.00"],
        "91-180": ["1000.00", "0.25000000", "seed", "250.00"],
    }
    # All that is open x 2 %, judged or not.
    assert required(warehouse, "judged", "percent_of_receivables", 6) == {
        "all": ["1150.00", "0.02000000", "seed", "23.00"]
    }
    # Before: J1 30 days to go, 0.5 %; J2 30 days past due, 1 %.
    assert required(warehouse, "judged", "specific", 5) == {}


def test_a_judgement_counts_from_when_it_was_known(warehouse: Path) -> None:
    # J2's own judgement was made known on the last day of July: in June it stood at 50 %.
    predicted = {
        month: back_test(warehouse, "judged", "specific", month)["then"][0] for month in (6, 7)
    }
    assert predicted == {6: "600.00", 7: "700.00"}
    # 40 % as known in June, 80 % in July, taken back in August: now it was never judged.
    for month, then in ((6, "40.00"), (7, "80.00"), (8, "0.00")):
        found = back_test(warehouse, "again", "specific", month)
        assert (found["now"][0], found["then"][0]) == ("0.00", then), month


def test_moving_a_due_date_is_no_cure(warehouse: Path) -> None:
    # In July, 20 days past due, it was given till 10 September: at its end it would have been 51
    # days past due. Seen from today it was never due before, and in June nobody moved anything.
    rows = fetch(
        warehouse,
        """
        select strftime(month_start, '%m'), roll_rate, cure_rate, re_aged_amount
        from marts.aging_roll_rates_by_month
        where
            company_code = 'moved' and scope_type = 'company' and bucket_set = 'days'
            and aging_bucket = 'current' and month_start in ('2024-06-01', '2024-07-01')
        order by month_start
        """,
    )
    assert rows == [("06", 0, 1, 0), ("07", 0, 0, 1000)]


@pytest.mark.parametrize("matrix", MATRICES)
def test_the_aging_method_is_a_published_provision_matrix(warehouse: Path, matrix: str) -> None:
    # One has items 0, 30, 60, 90 and 91 days past due, the other -1, 1, 31, 61 and 180: the first
    # and the last day of every bucket.
    assert required(warehouse, matrix, "aging", 6, matrix, year=2025) == {
        bucket: [owed, rate, "seed", allowance]
        for bucket, _, owed, rate, allowance in MATRICES[matrix]
    }


def test_expected_loss_is_the_chain_of_roll_rates(warehouse: Path) -> None:
    # In June 600, 500, 1000, 200, 500 and 400 of 1000 went from one bucket to the next, of `broad`
    # alone. Lost of the last 60 %, so 24 % of 181-365, 12 % of 91-180, 2.4 % of 61-90 and of 31-60,
    # 1.2 % of 1-30; all times 1.5.
    source = "roll_rates"
    assert required(warehouse, "roll", "expected_loss", 6, "broad") == {
        "1-30": ["600.00", "0.01800000", source, "10.80"],
        "31-60": ["500.00", "0.03600000", source, "18.00"],
        "61-90": ["1000.00", "0.03600000", source, "36.00"],
        "91-180": ["200.00", "0.18000000", source, "36.00"],
        "181-365": ["500.00", "0.36000000", source, "180.00"],
        "over 365": ["1400.00", "0.90000000", source, "1260.00"],
    }
    # With one open item no segment has a history: it takes the company's rates.
    assert required(warehouse, "roll", "expected_loss", 6, "thin") == {
        "31-60": ["100.00", "0.03600000", "company_roll_rates", "3.60"]
    }


def test_what_was_told_later_was_not_in_the_roll_rates_of_the_time(warehouse: Path) -> None:
    # The same items and payments, known from May on; but that 500 of the item of 91-180 were paid
    # in June was told in July only. At the end of June all of it had rolled, not half: lost of
    # 91-180 was 24 %, so 4.8 % of 61-90 and of 31-60, 2.4 % of 1-30, all times 1.5. Owed were 600,
    # 500, 1000, 200, 1000 (not 500) and 1400: 21.60 + 36 + 72 + 72 + 360 + 1260, beside
    # 10.80 + 18 + 36 + 36 + 180 + 1260 as known now.
    found = back_test(warehouse, "told", "expected_loss", 6)
    assert {knowledge: line[0] for knowledge, line in found.items()} == {
        "now": "1540.80",
        "then": "1821.60",
    }
    # In July it was told.
    found = back_test(warehouse, "told", "expected_loss", 7)
    assert found["then"] == found["now"]


def test_an_allowance_without_a_history_has_no_charge(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            month(period_start), opening_allowance_amount, charge_amount, release_amount,
            closing_allowance_amount, allowance_status
        from marts.allowance_roll_forward
        where
            company_code = 'roll' and segment = 'broad' and allowance_method = 'expected_loss'
            and period_start between '2024-05-01' and '2024-07-01'
        order by 1
        """,
    )
    # May has no roll rates of its last buckets. In July nothing that was open got older than
    # 91-180 and 181-365, so only what is over 365 is lost, 1400 x 60 % x 1.5: all else is released.
    assert [[spelled(value) for value in row] for row in rows] == [
        ["5", "None", "None", "None", "None", "insufficient_history"],
        ["6", "None", "None", "None", "1540.80", "insufficient_history"],
        ["7", "1540.80", "0.00", "280.80", "1260.00", "ok"],
    ]
