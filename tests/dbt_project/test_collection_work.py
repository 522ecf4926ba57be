"""Contacts that break a rule, what work led to, what cash is expected, all in one warehouse.

Every customer shows one thing; what is expected is worked out beside it. Rules are those of the
shipped seeds.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builds import build_warehouse
from tests.warehouse import fetch

pytestmark = pytest.mark.warehouse

AS_OF = date(2024, 6, 30)

Row = dict[str, Any]


def customer(customer_id: str, segment: str | None, timezone: str | None) -> Row:
    return {
        "customer_id": customer_id,
        "customer_name": customer_id,
        "segment": segment,
        "timezone": timezone,
    }


def contacts(customer_id: str, *made: tuple[str, str, str], **rest: object) -> list[Row]:
    """Contacts: number, UTC instant, and channel and outcome in one word each."""
    rows = []
    for number, instant, what in made:
        channel, _, outcome = what.partition(" ")
        rows.append(
            {
                "contact_id": f"{customer_id}-{number}",
                "customer_id": customer_id,
                "collector_id": "K1",
                "contacted_at": datetime.fromisoformat(instant),
                "channel": channel,
                "outcome": outcome or "no_answer",
                **rest,
            }
        )
    return rows


CUSTOMERS = [
    customer("US", "us_consumer", "America/New_York"),
    customer("US2", "us_consumer", "America/New_York"),
    customer("US3", "us_consumer", "America/New_York"),
    customer("US?", "us_consumer", None),
    customer("CN", "cn_consumer", "Asia/Shanghai"),
    customer("CN2", "cn_consumer", "Asia/Shanghai"),
    customer("BIZ", "industrial", "Asia/Shanghai"),
    customer("BIZ?", None, None),
    customer("S", "industrial", "Asia/Shanghai"),
    customer("S2", "industrial", "Asia/Shanghai"),
]

COLLECTORS = [
    {"collector_id": worker, "collector_name": worker, "team_id": team, "role": "collector"}
    for worker, team in (("W1", "T1"), ("W2", "T1"), ("W3", "T2"))
]


def document(number: str, due: str, amount: str, customer_id: str = "S") -> Row:
    return {
        "document_id": number,
        "customer_id": customer_id,
        "document_type": "invoice",
        "document_date": date(2024, 2, 1),
        "due_date": date.fromisoformat(due),
        "currency_code": "CNY",
        "amount": amount,
    }


def payment(number: str, day: str, amount: str, target: str | None, **rest: object) -> Row:
    return {
        "payment_id": number,
        "customer_id": "S",
        "payment_date": date.fromisoformat(day),
        "currency_code": "CNY",
        "amount": amount,
        "document_id": target,
        **rest,
    }


# A: paid 30 days after the call of W1, 32 after the mail of W2, who is of the same team.
# B: called on the due date, so not past due. C: paid 31 days after. D: paid, but it bounced.
# E: a promise of a part is kept. F: paid on the day of the call. G: paid before the call.
# H: never paid; the message of W3 names no document, and I is not yet due.
# J: the window of June is open. K: the window of the last call of May ends on the as-of date.
LEDGER = [
    document("A", "2024-03-10", "100"),
    document("B", "2024-03-20", "500"),
    document("C", "2024-03-10", "200"),
    document("D", "2024-03-10", "300"),
    document("E", "2024-03-10", "400"),
    document("F", "2024-03-10", "50"),
    document("G", "2024-03-10", "60"),
    document("H", "2024-03-10", "10", "S2"),
    document("I", "2024-04-10", "20", "S2"),
    document("J", "2024-06-01", "80"),
    document("K", "2024-05-01", "70"),
]
PAYMENTS = [
    payment("PA", "2024-04-19", "100", "A"),
    payment("PB", "2024-03-25", "500", "B"),
    payment("PC", "2024-04-20", "200", "C"),
    payment("PD", "2024-03-25", "300", "D"),
    payment("RD", "2024-05-01", "300", None, reverses_payment_id="PD"),
    payment("PE", "2024-03-29", "100", "E"),
    payment("PF", "2024-03-22", "50", "F"),
    payment("PG", "2024-03-15", "60", "G"),
    payment("PK", "2024-06-30", "70", "K"),
]


def work(number: str, day: str, worker: str, what: str, target: str, **rest: object) -> Row:
    (row,) = contacts("S", (number, f"{day}T02:00", what))
    return row | {"collector_id": worker, "document_id": target, **rest}


WORK = [
    work("A1", "2024-03-20", "W1", "phone", "A"),
    work("A2", "2024-03-18", "W2", "email", "A"),
    work("B", "2024-03-20", "W1", "phone", "B"),
    work("C", "2024-03-20", "W3", "phone", "C"),
    work("D", "2024-03-21", "W3", "phone", "D"),
    work(
        "E",
        "2024-03-22",
        "W3",
        "phone promise_to_pay",
        "E",
        promised_amount="100",
        promised_date=date(2024, 3, 30),
    ),
    work("F", "2024-03-22", "W1", "phone", "F"),
    work("G", "2024-03-22", "W1", "phone", "G"),
    work("J", "2024-06-05", "W1", "phone", "J"),
    work("K", "2024-05-31", "W1", "phone", "K"),
    *[
        row | {"collector_id": "W3"}
        for row in contacts("S2", ("H", "2024-03-20T02:00", "sms left_message"))
    ],
]

CONTACTS = [
    # New York is four hours behind UTC from 10 March to 3 November 2024, five before.
    # Debt D1: seven calls from 1 to 7 April are allowed. A second one on the 7th is the eighth in
    # the window 1-7; that of the 8th is the eighth in 2-8; that of the 10th, with those of 4, 5,
    # 6, 7, 7 and 8 in 4-10, the seventh. Debt D2 has a count of its own.
    *contacts(
        "US",
        ("1", "2024-04-01T14:00", "phone"),
        ("2", "2024-04-02T14:00", "phone"),
        ("3", "2024-04-03T14:00", "phone"),
        ("4", "2024-04-04T14:00", "phone"),
        ("5", "2024-04-05T14:00", "phone"),
        ("6", "2024-04-06T14:00", "phone"),
        ("7", "2024-04-07T14:00", "phone"),
        ("8", "2024-04-07T15:00", "phone"),
        ("9", "2024-04-08T14:00", "phone"),
        ("10", "2024-04-10T14:00", "phone"),
        ("sms", "2024-04-08T14:00", "sms left_message"),
        document_id="D1",
    ),
    *contacts("US", ("11", "2024-04-07T16:00", "phone"), document_id="D2"),
    # The customer rings on 11 June, which is day 1 of seven: calls on the 11th after that and on
    # the 17th are too soon, on the 18th not. What came before the conversation is not, and the
    # call of the 11th at 23:30 in New York is on the 12th by UTC: but out of hours as well.
    *contacts("US2", ("0", "2024-06-11T13:00", "phone"), document_id="D1"),
    *contacts(
        "US2",
        ("in", "2024-06-11T14:00", "phone right_party"),
        document_id="D1",
        direction="inbound",
    ),
    *contacts(
        "US2",
        ("1", "2024-06-11T15:00", "phone"),
        ("2", "2024-06-12T03:30", "phone"),
        ("3", "2024-06-17T15:00", "phone"),
        ("4", "2024-06-18T15:00", "phone"),
        document_id="D1",
    ),
    *contacts("US2", ("5", "2024-06-12T15:00", "phone"), document_id="D2"),
    # 08:00:00 and 21:00:00 are allowed. Clocks go forward on 10 March: noon UTC is 07:00 the day
    # before, 08:00 on that day; the night of it, 06:59 UTC is 01:59.
    *contacts(
        "US3",
        ("early", "2024-04-02T11:59:59", "email left_message"),
        ("eight", "2024-04-02T12:00:00", "email left_message"),
        ("nine", "2024-04-03T01:00:00", "email left_message"),
        ("late", "2024-04-03T01:00:01", "email left_message"),
        ("winter", "2024-03-09T12:00:00", "sms left_message"),
        ("summer", "2024-03-10T12:00:00", "sms left_message"),
        ("night", "2024-03-10T06:59:00", "sms left_message"),
        ("letter", "2024-03-10T06:59:00", "letter left_message"),
    ),
    # 16:00 UTC is noon in New York and 06:00 in Honolulu; 18:00 UTC is allowed in all seven zones.
    *contacts("US?", ("1", "2024-06-05T16:00", "phone"), ("2", "2024-06-06T18:00", "phone")),
    # Shanghai is eight hours ahead. Three connected calls a day are allowed, by whatever debt; the
    # fourth is not, one that nobody answers does not count.
    *contacts(
        "CN",
        ("1", "2024-05-06T02:00", "phone right_party"),
        ("2", "2024-05-06T03:00", "phone wrong_party"),
        ("3", "2024-05-06T04:00", "phone"),
        ("4", "2024-05-06T05:00", "phone refusal"),
        ("5", "2024-05-06T06:00", "phone right_party"),
        ("6", "2024-05-06T07:00", "phone"),
        ("7", "2024-05-07T02:00", "phone right_party"),
    ),
    # 22:00 is not allowed, 08:00 is; of any channel.
    *contacts(
        "CN2",
        ("a", "2024-05-06T13:59:59", "phone"),
        ("b", "2024-05-06T14:00:00", "email left_message"),
        ("c", "2024-05-06T23:59:59", "letter left_message"),
        ("d", "2024-05-07T00:00:00", "phone"),
    ),
    # Three calls a day about a document are allowed, and seven contacts in seven days. In a leap
    # year 24 February to 1 March are seven: the one of the 23rd counts no more, the eighth from
    # the 24th on is the second of 1 March, at 20:00, which is allowed. An email counts for nothing.
    *contacts(
        "BIZ",
        ("1", "2024-02-23T02:00", "phone"),
        ("2", "2024-02-24T02:00", "sms left_message"),
        ("3", "2024-02-25T02:00", "phone"),
        ("4", "2024-02-26T02:00", "phone"),
        ("5", "2024-02-27T02:00", "phone"),
        ("6", "2024-02-28T02:00", "visit"),
        ("7", "2024-02-29T02:00", "phone"),
        ("8", "2024-03-01T02:00", "phone"),
        ("9", "2024-03-01T12:00", "phone"),
        ("10", "2024-03-01T12:00:01", "email left_message"),
        document_id="D1",
    ),
    *contacts(
        "BIZ",
        ("a", "2024-05-06T02:00", "phone"),
        ("b", "2024-05-06T03:00", "phone"),
        ("c", "2024-05-06T04:00", "phone"),
        ("d", "2024-05-06T05:00", "phone"),
        ("e", "2024-05-06T16:00", "phone"),
        document_id="D2",
    ),
    # No zone, and never heard of: it may live where the company is, or any customer. 04:00 UTC is
    # noon in Shanghai and midnight in New York, 00:00 is 08:00 and 20:00.
    *contacts("BIZ?", ("1", "2024-05-06T04:00", "phone"), ("2", "2024-05-07T00:00", "phone")),
    *contacts("GHOST", ("1", "2024-05-06T04:00", "phone")),
    *contacts("BIZ", ("after", "2024-07-01T16:00", "phone"), document_id="D9"),
]


# -- cash to come: company f1 as of 30 June, company f2 as it was forecast on 31 May -------------


def owed(customer_id: str, number: str, due: str, amount: str, **rest: object) -> Row:
    """An invoice of company f1 or f2, dated thirty days before it is due."""
    due_date = date.fromisoformat(due)
    return {
        "company_code": "f2" if customer_id == "G" else "f1",
        "document_id": number,
        "customer_id": customer_id,
        "document_type": "invoice",
        "document_date": due_date - timedelta(days=30),
        "due_date": due_date,
        "currency_code": "CNY",
        "amount": amount,
        **rest,
    }


def paid(invoice: Row, day: str, amount: str | None = None, **rest: object) -> Row:
    return {
        "company_code": invoice["company_code"],
        "payment_id": f"{invoice['document_id']} {day}",
        "customer_id": invoice["customer_id"],
        "payment_date": date.fromisoformat(day),
        "currency_code": "CNY",
        "amount": amount or invoice["amount"],
        "document_id": invoice["document_id"],
        **rest,
    }


CUSTOMERS += [
    customer(name, segment, "Asia/Shanghai")
    for name, segment in (("FA", "f"), ("FB", "f"), ("FC", "f"), ("FD", None), ("G", "g"))
]
LATER = {"_delivery_date": date(2024, 6, 15)}
HISTORY = [
    # FA and G pay five times, ten days late; FB twice, thirty days late.
    *[
        (owed(name, f"{name}{month}", f"2024-{month}-10", "100"), f"2024-{month}-20")
        for name in ("FA", "G")
        for month in ("01", "02", "03", "04")
    ],
    (owed("FA", "FA05", "2024-05-10", "100"), "2024-05-20"),
    (owed("G", "G05", "2024-05-11", "100"), "2024-05-21"),
    (owed("FB", "FB01", "2024-01-10", "100"), "2024-02-09"),
    (owed("FB", "FB03", "2024-03-10", "100"), "2024-04-09"),
]
G1, G2 = owed("G", "g1", "2024-05-25", "210"), owed("G", "g2", "2024-06-01", "90")
G3 = owed("G", "g3", "2024-05-20", "999", **LATER)
LEDGER += [
    *[invoice for invoice, _ in HISTORY],
    owed("FA", "o1", "2024-06-25", "1000"),
    owed("FA", "o2", "2024-06-10", "70"),
    owed("FB", "o3", "2024-06-25", "500"),
    owed("FC", "o4", "2024-06-20", "300"),
    owed("FD", "o5", "2024-06-01", "400"),
    owed("FC", "lost", "2024-03-01", "50"),
    owed("FC", "loss", "2024-04-05", "50")
    | {
        "document_type": "write_off",
        "document_date": date(2024, 4, 5),
        "applies_to_document_id": "lost",
    },
    G1,
    G2,
    G3,
]
PAYMENTS += [
    *[paid(invoice, day) for invoice, day in HISTORY],
    paid(G1, "2024-06-04", "110"),
    paid(G1, "2024-06-12", "100"),
    paid(G2, "2024-06-20"),
    paid(G3, "2024-06-05", **LATER),
]
WORK += [
    row | {"collector_id": "W3", "promised_amount": "100", "promised_date": date(2024, 7, 10)}
    for row in contacts("FD", ("1", "2024-06-28T02:00", "phone promise_to_pay"), document_id="o5")
]
# A promise of May that was told of in June.
WORK += [
    row
    | {"collector_id": "W3", "promised_amount": "90", "promised_date": date(2024, 6, 20)}
    | LATER
    for row in contacts("G", ("1", "2024-05-20T02:00", "phone promise_to_pay"), document_id="g2")
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(
        tmp_path_factory.mktemp("work"),
        {
            "customers": CUSTOMERS,
            "collectors": COLLECTORS,
            "contact_log": CONTACTS + WORK,
            "ledger": LEDGER,
            "payments": PAYMENTS,
        },
        as_of_date=AS_OF,
    )


BREACHES = {
    ("US-8", "calls_in_7_days", "2024-04-01", "2024-04-07", 8),
    ("US-9", "calls_in_7_days", "2024-04-02", "2024-04-08", 8),
    ("US2-1", "pause_after_conversation", "2024-06-11", "2024-06-17", 1),
    ("US2-2", "pause_after_conversation", "2024-06-11", "2024-06-17", 1),
    ("US2-2", "hours", "2024-06-11", "2024-06-11", 1),
    ("US2-3", "pause_after_conversation", "2024-06-11", "2024-06-17", 1),
    ("US3-early", "hours", "2024-04-02", "2024-04-02", 1),
    ("US3-late", "hours", "2024-04-02", "2024-04-02", 1),
    ("US3-winter", "hours", "2024-03-09", "2024-03-09", 1),
    ("US3-night", "hours", "2024-03-10", "2024-03-10", 1),
    ("US?-1", "hours", "2024-06-05", "2024-06-05", 1),
    ("CN-5", "connected_calls_per_day", "2024-05-06", "2024-05-06", 4),
    ("CN2-b", "hours", "2024-05-06", "2024-05-06", 1),
    ("CN2-c", "hours", "2024-05-07", "2024-05-07", 1),
    ("BIZ-9", "contacts_per_week", "2024-02-24", "2024-03-01", 8),
    ("BIZ-d", "calls_per_day", "2024-05-06", "2024-05-06", 4),
    ("BIZ-e", "hours", "2024-05-07", "2024-05-07", 1),
    ("BIZ?-1", "hours", "2024-05-06", "2024-05-06", 1),
    ("GHOST-1", "hours", "2024-05-06", "2024-05-06", 1),
}


def test_a_breach_names_its_rule_its_window_and_what_was_counted(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            contact_id, rule_code, window_start_date::varchar, window_end_date::varchar,
            counted_count
        from marts.contact_compliance
        """,
    )
    assert len(rows) == len(BREACHES)
    assert set(rows) == BREACHES


def test_a_customer_without_a_zone_is_judged_by_the_strictest_and_flagged(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select contact_id, rule_pack, judged_timezone, local_contacted_at
        from marts.contact_compliance where is_timezone_unknown
        """,
    )
    assert set(rows) == {
        ("US?-1", "US_REG_F", "Pacific/Honolulu", datetime(2024, 6, 5, 6, 0)),
        ("BIZ?-1", "INTERNAL_POLICY", "America/New_York", datetime(2024, 5, 6, 0, 0)),
        ("GHOST-1", "INTERNAL_POLICY", "America/New_York", datetime(2024, 5, 6, 0, 0)),
    }


def test_a_contact_that_breaks_two_rules_is_counted_once_among_any(warehouse: Path) -> None:
    # In June: US2 breaks the pause three times and hours once, in three contacts; US? hours once.
    # Outbound are 0, 1, 2, 3, 4, 5 of US2 and 1, 2 of US?: 4 of 8.
    rows = fetch(
        warehouse,
        """
        select
            rule_pack, rule_code, attempt_count, breach_count, breached_contact_count,
            breached_customer_count, unknown_timezone_breach_count, breach_rate::varchar
        from marts.contact_compliance_by_month
        where month_start = '2024-06-01' and collector_id = 'K1'
        """,
    )
    assert set(rows) == {
        ("any", "any", 8, 5, 4, 2, 1, "0.50000000"),
        ("US_REG_F", "hours", 8, 2, 2, 2, 1, "0.25000000"),
        ("US_REG_F", "pause_after_conversation", 8, 3, 3, 1, 0, "0.37500000"),
    }


def test_attempts_and_whom_they_reached_are_counted_by_channel(warehouse: Path) -> None:
    # In May K1 rings CN seven times (the right party four times, a wrong one once, nobody twice),
    # CN2 and BIZ? twice, BIZ five times and GHOST once. In June US2 rings once, which is no
    # attempt; the eight calls of the month reach nobody.
    counts = ("contact", "attempt", "connect", "right_party_contact")
    columns = ", ".join(
        f"{channel}_{count}_count" for channel in ("phone", "email", "letter") for count in counts
    )
    rows = fetch(
        warehouse,
        f"""
        select {columns} from marts.performance_by_collector_month
        where collector_id = 'K1' and month_start in ('2024-05-01', '2024-06-01')
        order by month_start
        """,  # noqa: S608
    )
    assert rows == [
        (17, 17, 5, 4, 1, 1, 0, 0, 1, 1, 0, 0),
        (9, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ]


SUCCESS = {
    # month, scope: worked, paid, promise kept, succeeded; amounts; the two rates and their status
    # Worked in March are A 100, C 200, D 300, E 400, F 50 and H 10; A, E and F were a success.
    ("03", "all", "all", 6, 2, 1, 3, 1060, 550, "0.50000000", "0.51886792", "ok"),
    ("03", "team", "T1", 2, 2, 0, 2, 150, 150, "1.00000000", "1.00000000", "ok"),
    ("03", "team", "T2", 4, 0, 1, 1, 910, 400, "0.25000000", "0.43956044", "ok"),
    ("03", "collector", "W1", 2, 2, 0, 2, 150, 150, "1.00000000", "1.00000000", "ok"),
    ("03", "collector", "W2", 1, 0, 0, 0, 100, 0, "0.00000000", "0.00000000", "ok"),
    ("03", "collector", "W3", 4, 0, 1, 1, 910, 400, "0.25000000", "0.43956044", "ok"),
    ("03", "channel", "phone", 5, 2, 1, 3, 1050, 550, "0.60000000", "0.52380952", "ok"),
    ("03", "channel", "email", 1, 0, 0, 0, 100, 0, "0.00000000", "0.00000000", "ok"),
    ("03", "channel", "sms", 1, 0, 0, 0, 10, 0, "0.00000000", "0.00000000", "ok"),
    ("05", "all", "all", 1, 1, 0, 1, 70, 70, "1.00000000", "1.00000000", "ok"),
    # J 80, and o5 400 of below.
    ("06", "all", "all", 2, 0, 0, 0, 480, 0, None, None, "insufficient_history"),
}


def test_an_item_worked_succeeds_when_it_is_paid_or_its_promise_is_kept(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            strftime(month_start, '%m'), scope_type, scope_id, worked_item_count, paid_item_count,
            promise_kept_item_count, succeeded_item_count, worked_amount, succeeded_amount,
            success_rate::varchar, success_rate_by_amount::varchar, success_rate_status
        from marts.collection_success_by_month
        where (scope_type = 'all' and scope_id = 'all') or month_start = '2024-03-01'
        """,
    )
    assert set(rows) == SUCCESS


# FA pays 10 days late, and five payments have all the weight. The segment's delay is
# (500 x 10 + 200 x 30) / 700 = 15.71 days. FB: (2 x 30 + 3 x 15.71) / 5 = 21.43; FC: 15.71.
#   o1 due 25 June + 10 = 5 July, o4 due 20 June + 16 = 6 July: week 1 (1-7 July).
#   o3 due 25 June + 21 = 16 July: week 3 (15-21 July).
# o5: the promise says 100 on 10 July, week 2. The rest was due 1 June, and whoever pays does so
# within 12 days; nobody of its segment (none) ever paid: nothing.
# o2 was due 10 June, should have come on the 20th and is 20 days late: in its third week. Of what
# the segment saw later than that, FB's 200 were paid in the fifth week (30 days) and 50 written off
# in the sixth (35 days): two weeks on, 70 x 200 / 250 = 56.
# Week 1 varies by (1000^2 + 300^2) / 4 = 272500, with the root 522.02; x 1.28155157 = 669.00.
# Week 2 by 100^2 / 4 + 70^2 x 0.8 x 0.2 = 3284: 57.31, 73.45. Week 3 by 500^2 / 4: 250, 320.39.
FORECAST = [
    (1, "2024-07-01", 0, 1300, 0, "631.00", "1969.00"),
    (2, "2024-07-08", 100, 0, 56, "82.55", "229.45"),
    (3, "2024-07-15", 0, 500, 0, "179.61", "820.39"),
]


def test_cash_is_expected_by_promise_by_habit_and_by_cohort(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            week_no, week_start::varchar, promise_amount, habit_amount, cohort_amount,
            lower_amount::varchar, upper_amount::varchar
        from marts.cash_forecast_by_week
        where company_code = 'f1' and upper_amount > 0 order by all
        """,
    )
    assert rows == FORECAST


def test_the_forecast_reaches_to_the_end_of_the_half_year(warehouse: Path) -> None:
    # From 30 June to 31 December are 184 days: 26 weeks and 2 days.
    rows = fetch(
        warehouse,
        """
        select max(week_no), max(week_end)::varchar, sum(until_half_year_end_amount)
        from marts.cash_forecast_by_week where company_code = 'f1'
        """,
    )
    assert rows == [(27, "2025-01-05", 1956)]


def test_a_past_forecast_is_judged_by_what_was_known_then(warehouse: Path) -> None:
    # On 31 May g1 was expected on 4 June (week 1: 210) and g2 on 11 June (week 2: 90); neither g3
    # nor the promise to pay g2 on 20 June was known. 110 came in week 1, 100 in week 2, 90 in week
    # 3, nothing in week 4, which ends on the 28th: 100 + 10 + 90 of 300 are off, in sum nothing.
    # 110 is within 210 -+ 134.56 and 100 within 90 -+ 57.67, 90 is not within 0: three of four.
    rows = fetch(
        warehouse,
        """
        select
            week_count, is_complete, forecast_amount, actual_amount,
            weighted_absolute_error_rate::varchar, bias_rate::varchar,
            interval_coverage_rate::varchar
        from marts.cash_forecast_accuracy
        where company_code = 'f2' and origin_date = '2024-05-31'
        """,
    )
    assert rows == [(4, False, 300, 300, "0.66666667", "0.00000000", "0.75000000")]
