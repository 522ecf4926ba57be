"""Random small companies: everything a source may deliver, in every order it may arrive.

A company is drawn as a *plan*: what exists, and at which of a few deliveries each row was first
told, corrected, taken back or told again. ``delivered_rows`` turns a plan into the rows that a
lake holds. Ids in a plan are relative to it; placing a plan under a number makes them its own, so
that many companies share one warehouse without meeting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

DELIVERIES = (
    date(2024, 2, 10),
    date(2024, 3, 15),
    date(2024, 4, 30),
    date(2024, 5, 20),
    date(2024, 6, 10),
)
FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2024, 6, 30)
CURRENCIES = ("CNY", "CNY", "CNY", "USD", "EUR", "XAF")
CUSTOMERS = ("A", "B", "C")
COLLECTORS = ("K1", "K2", "K3")
ZONES = {"A": "America/New_York", "B": None, "C": "Asia/Shanghai"}

Content = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One key of an extract: its contents by the index of the delivery that told them.

    ``None`` as content takes the row back. A content that is a pair was delivered twice in that
    delivery, in two files; the later file counts.
    """

    key: Content
    contents: Mapping[int, Content | tuple[Content, Content] | None]


@dataclass(frozen=True)
class Plan:
    """A company before it is placed."""

    full_deliveries: frozenset[int]
    ledger: Sequence[Told]
    payments: Sequence[Told]
    customers: Sequence[Told]
    portfolios: Sequence[Content]
    contacts: Sequence[Content]


@st.composite
def days(draw: st.DrawFn, first: date = FIRST_DAY, last: date = LAST_DAY) -> date:
    """A day, month ends more often than chance would have them."""
    day = draw(st.dates(first, last))
    return draw(
        st.sampled_from((day, day, day, date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)))
    )


amounts = st.one_of(
    st.integers(1, 999_999).map(lambda cents: Decimal(cents) / 100),
    st.sampled_from([Decimal("0.01"), Decimal("100.00"), Decimal("333.33"), Decimal("1000.00")]),
)


@st.composite
def told(
    draw: st.DrawFn, key: Content, versions: Sequence[Content], *, is_taken_back: bool = True
) -> Told:
    """Spread versions of one row over deliveries, taken back and told again now and then."""
    indexes = sorted(
        draw(
            st.lists(
                st.integers(0, len(DELIVERIES) - 1),
                min_size=1,
                max_size=len(versions) + 1,
                unique=True,
            )
        )
    )
    contents: dict[int, Content | tuple[Content, Content] | None] = {}
    for place, index in enumerate(indexes):
        content = versions[min(place, len(versions) - 1)]
        if is_taken_back and place and draw(st.integers(0, 3)) == 0:
            contents[index] = None
        elif draw(st.integers(0, 9)) == 0:
            contents[index] = (versions[-1], content)
        else:
            contents[index] = content
    return Told(key, contents)


@st.composite
def receivables(draw: st.DrawFn, number: int) -> list[Told]:
    """A document with its installments, corrected as a whole."""
    document_id = f"D{number}"
    currency = draw(st.sampled_from(CURRENCIES))
    installments = draw(st.sampled_from((1, 1, 1, 2, 3)))
    kind = draw(st.sampled_from(("invoice", "invoice", "invoice", "debit_memo", "opening_balance")))
    document_dates = [draw(days(last=date(2024, 5, 31))) for _ in range(2)]
    customers = draw(st.sampled_from((("A", "A"), ("B", "B"), ("A", "B"))))
    result = []
    for installment in range(1, installments + 1):
        versions: list[Content] = []
        amount = draw(amounts)
        for version in range(draw(st.integers(1, 2))):
            document_date = document_dates[0]
            due = draw(st.one_of(st.none(), st.integers(0, 120)))
            versions.append(
                {
                    "customer_id": customers[version],
                    "document_type": kind,
                    "document_date": document_date,
                    "due_date": None if due is None else document_date + timedelta(days=due),
                    "payment_terms_days": draw(st.sampled_from((None, None, 0, 10, 30))),
                    "currency_code": currency,
                    "amount": amount if version == 0 else draw(amounts),
                    "amount_reporting": draw(st.one_of(st.none(), st.none(), amounts)),
                }
            )
        key = {"document_id": document_id, "installment_no": installment}
        result.append(draw(told(key, versions)))
    if installments == 1 and len(versions) == 2:
        # A single installment may also have its date corrected.
        moved = [dict(v) for v in versions]
        moved[1]["document_date"] = document_dates[1]
        if moved[1]["due_date"] is not None:
            moved[1]["due_date"] = max(moved[1]["due_date"], document_dates[1])
        result = [draw(told(key, moved))]
    return result


@st.composite
def set_against(
    draw: st.DrawFn, number: int, kind: str, targets: Sequence[Content], letter: str
) -> Told:
    """A memo, write-off, recovery or adjustment: against a document, an unknown one, or none."""
    target = draw(
        st.sampled_from([*targets, {"document_id": "gone", "currency_code": "CNY"}, None])
    )
    versions: list[Content] = []
    for _ in range(draw(st.integers(1, 2))):
        amount = draw(amounts)
        if kind == "adjustment" and draw(st.booleans()):
            amount = -amount
        currency = target["currency_code"] if target else "CNY"
        if draw(st.integers(0, 9)) == 0:
            currency = "USD"
        versions.append(
            {
                "customer_id": draw(st.sampled_from(("A", "B"))),
                "document_type": kind,
                "document_date": draw(days()),
                "due_date": None,
                "currency_code": currency,
                "amount": amount,
                "amount_reporting": draw(st.sampled_from((None, None, None, abs(amount) * 7))),
                "applies_to_document_id": target["document_id"] if target else None,
            }
        )
    if kind == "adjustment":
        for version in versions:
            if version["amount_reporting"] is not None:
                version["amount_reporting"] = version["amount"] * 7
    key = {"document_id": f"{letter}{number}", "installment_no": 1}
    return draw(told(key, versions))


@st.composite
def payment_lines(
    draw: st.DrawFn, number: int, targets: Sequence[Content]
) -> tuple[list[Told], list[Content]]:
    """A payment of one to three lines, and the last content of each."""
    payment_id = f"P{number}"
    payment_date = draw(days())
    customer = draw(st.sampled_from(("A", "A", "B", "C")))
    result: list[Told] = []
    contents: list[Content] = []
    currency = draw(st.sampled_from(CURRENCIES))
    lines = draw(st.sampled_from((1, 1, 1, 2, 3)))
    for line in range(1, lines + 1):
        versions: list[Content] = []
        for _ in range(draw(st.sampled_from((1, 1, 2)))):
            target: Content | None = draw(
                st.sampled_from([*targets, *targets, {"document_id": "gone", "amount": 9}, None])
            )
            if target and lines == 1 and draw(st.integers(0, 9)):
                currency = target.get("currency_code", currency)
            amount = draw(amounts)
            if target and draw(st.booleans()):
                amount = Decimal(target["amount"])
            if draw(st.integers(0, 14)) == 0:
                amount = -amount
            versions.append(
                {
                    "customer_id": customer,
                    "payment_date": payment_date,
                    "currency_code": currency,
                    "amount": amount,
                    "document_id": target["document_id"] if target else None,
                    "installment_no": draw(st.sampled_from((None, None, None, 1, 2, 9)))
                    if target
                    else None,
                    "application_date": draw(
                        st.sampled_from((None, None, payment_date + timedelta(days=12)))
                    )
                    if target
                    else None,
                    "discount_amount": draw(st.sampled_from((None, None, None, Decimal("1.50"))))
                    if target
                    else None,
                }
            )
        key = {"payment_id": payment_id, "line_no": line}
        result.append(draw(told(key, versions)))
        contents.append(key | versions[-1])
    return result, contents


@st.composite
def reversals(draw: st.DrawFn, number: int, lines: Sequence[Content]) -> list[Told]:
    """A payment that bounces: whole or in part, with or without its document named."""
    known = draw(st.integers(0, 7)) > 0
    total = sum(abs(line["amount"]) for line in lines)
    count = draw(st.sampled_from((1, 1, 2)))
    result = []
    for line in range(1, count + 1):
        amount = draw(st.sampled_from((total, total, total / 2, draw(amounts))))
        amount = max(Decimal(amount).quantize(Decimal("0.01")), Decimal("0.01"))
        named = draw(st.sampled_from((None, None, lines[0])))
        versions = [
            {
                "customer_id": lines[0]["customer_id"],
                "payment_date": lines[0]["payment_date"] + timedelta(days=draw(st.integers(0, 20))),
                "currency_code": lines[0]["currency_code"],
                "amount": draw(st.sampled_from((amount, -amount))),
                "document_id": named["document_id"] if named else None,
                "installment_no": named["installment_no"]
                if named and draw(st.booleans())
                else None,
                "discount_amount": draw(st.sampled_from((None, None, None, Decimal("0.75")))),
                "reverses_payment_id": lines[0]["payment_id"] if known else "gone",
            }
        ]
        key = {"payment_id": f"R{number}", "line_no": line}
        result.append(draw(told(key, versions)))
    return result


@st.composite
def portfolios(draw: st.DrawFn) -> list[Content]:
    """Who owns which customer from when to when: handed over, left alone, or never owned."""
    spans: list[Content] = []
    for customer in CUSTOMERS:
        starts = sorted(draw(st.lists(days(), max_size=2, unique=True)))
        for place, start in enumerate(starts):
            following = starts[place + 1 : place + 2]
            last = following[0] - timedelta(days=1) if following else None
            ends = draw(st.booleans())
            if ends and last is not None and last > start:
                last = draw(st.dates(start, last))
            elif ends and last is None:
                last = draw(st.dates(start, LAST_DAY))
            spans.append(
                {
                    "customer_id": customer,
                    "valid_from": start,
                    "valid_to": last,
                    "collector_id": draw(st.sampled_from(COLLECTORS)),
                }
            )
    return spans


@st.composite
def contacts(draw: st.DrawFn, targets: Sequence[Content]) -> list[Content]:
    """Contacts by phone or mail, some with a promise on a document or on the customer.

    Now and then somebody does not stop calling.
    """
    result: list[Content] = []
    if draw(st.integers(0, 2)) == 0:
        target = draw(st.sampled_from([*targets, None]))
        first = datetime.combine(draw(days(last=date(2024, 6, 1))), time(draw(st.integers(0, 23))))
        step = timedelta(hours=draw(st.sampled_from((1, 5, 13, 24))))
        result += [
            {
                "contact_id": f"B{number}",
                "customer_id": target["customer_id"] if target else "A",
                "document_id": target["document_id"] if target else None,
                "collector_id": "K1",
                "contacted_at": first + number * step,
                "channel": "phone",
                "outcome": draw(st.sampled_from(("no_answer", "right_party", "wrong_party"))),
                "direction": draw(st.sampled_from(("outbound", "outbound", "inbound"))),
            }
            for number in range(draw(st.integers(4, 10)))
        ]
    for number in range(draw(st.integers(0, 6))):
        day = draw(days(last=date(2024, 6, 1)))
        instant = datetime.combine(day, time(draw(st.integers(0, 23)), 0, 0))
        outcome = draw(
            st.sampled_from(
                ("no_answer", "right_party", "promise_to_pay", "promise_to_pay", "payment_plan")
            )
        )
        promised = outcome in ("promise_to_pay", "payment_plan")
        target = draw(st.sampled_from([*targets, None]))
        amount = draw(amounts)
        if target and draw(st.booleans()):
            amount = Decimal(target["amount"])
        result.append(
            {
                "contact_id": f"T{number}",
                "customer_id": target["customer_id"] if target else draw(st.sampled_from("ABC")),
                "document_id": target["document_id"] if target else None,
                "collector_id": draw(st.sampled_from(COLLECTORS)),
                "contacted_at": instant,
                "channel": draw(st.sampled_from(("phone", "email", "visit"))),
                "outcome": outcome,
                "promised_amount": amount if promised else None,
                "promised_date": day + timedelta(days=draw(st.integers(0, 25)))
                if promised
                else None,
            }
        )
    return result


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A whole company."""
    ledger: list[Told] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        ledger += draw(receivables(number))
    targets = [
        row.key | content
        for row in ledger
        for content in [_last_content(row)]
        if row.key["installment_no"] == 1
    ]
    standing_alone: list[Content] = []
    for letter, kind in (
        ("C", "credit_memo"),
        ("C", "credit_memo"),
        ("J", "adjustment"),
        ("W", "write_off"),
        ("V", "recovery"),
    ):
        if draw(st.integers(0, 2)) == 0:
            row = draw(set_against(len(ledger), kind, targets, letter))
            ledger.append(row)
            if kind == "adjustment":
                standing_alone.append(row.key | _last_content(row))
    payments: list[Told] = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        rows, lines = draw(payment_lines(number, [*targets, *standing_alone]))
        payments += rows
        if draw(st.integers(0, 3)) == 0:
            payments += draw(reversals(number, lines))
    customers = [
        draw(
            told(
                {"customer_id": customer},
                [
                    {
                        "customer_name": f"Customer {customer}",
                        "segment": draw(
                            st.sampled_from(
                                ("small_business", "industrial", None, "us_consumer", "cn_consumer")
                            )
                        ),
                        "timezone": ZONES[customer],
                        "region": draw(st.sampled_from(("north", "south", None))),
                        "payment_terms_days": draw(st.sampled_from((None, 0, 30, 45))),
                    }
                    for _ in range(2)
                ],
                is_taken_back=False,
            )
        )
        for customer in CUSTOMERS[: draw(st.integers(1, 3))]
    ]
    return Plan(
        full_deliveries=draw(
            st.sampled_from((frozenset(), frozenset(), frozenset({0, 2, 4}), frozenset(range(5))))
        ),
        ledger=ledger,
        payments=payments,
        customers=customers,
        portfolios=draw(portfolios()),
        contacts=draw(contacts(targets)),
    )


def _last_content(row: Told) -> Content:
    contents = [content for content in row.contents.values() if content is not None]
    last = contents[-1]
    return last[1] if isinstance(last, tuple) else last


def delivered_rows(plan: Plan, number: int) -> dict[str, list[dict[str, Any]]]:
    """The rows that a company's source delivers, with their load metadata."""
    prefix = f"{number:03d}"
    source = f"erp_{prefix}"
    company: Content = {"company_code": f"co_{prefix}"}
    rows: dict[str, list[dict[str, Any]]] = {
        "ledger": _told_rows(plan.ledger, plan.full_deliveries, prefix, source, company),
        "payments": _told_rows(plan.payments, plan.full_deliveries, prefix, source, company),
        "customers": _told_rows(plan.customers, frozenset(), prefix, source, {}),
    }
    for extract, contents in (
        ("portfolios", plan.portfolios),
        ("contact_log", plan.contacts),
    ):
        rows[extract] = [
            _placed(content, prefix) | {"_source": source, "_delivery_date": DELIVERIES[0]}
            for content in contents
        ]
    return rows


def _told_rows(
    told_keys: Sequence[Told],
    full_deliveries: frozenset[int],
    prefix: str,
    source: str,
    company: Content,
) -> list[dict[str, Any]]:
    rows = []
    standing: dict[int, Content] = {}
    for index, delivery_date in enumerate(DELIVERIES):
        is_full = index in full_deliveries
        first_file: list[dict[str, Any]] = []
        second_file: list[dict[str, Any]] = []
        for place, row in enumerate(told_keys):
            news = index in row.contents
            content = row.contents.get(index)
            if news and content is None:
                last = standing.pop(place, None)
                if last is not None and not is_full:
                    first_file.append({**row.key, **last, "is_withdrawn": True})
                continue
            if isinstance(content, tuple):
                first_file.append({**row.key, **content[0]})
                second_file.append({**row.key, **content[1]})
                standing[place] = content[1]
            elif content is not None:
                first_file.append({**row.key, **content})
                standing[place] = content
            elif is_full and place in standing:
                first_file.append({**row.key, **standing[place]})
        for file_name, file in (("1.csv", first_file), ("2.csv", second_file)):
            rows += [
                _placed(line, prefix)
                | company
                | {
                    "_source": source,
                    "_source_file": file_name,
                    "_delivery_date": delivery_date,
                    "_delivery_kind": "full" if is_full else "delta",
                }
                for line in file
            ]
    return rows


def _placed(content: Content, prefix: str) -> dict[str, Any]:
    """A row whose customers, collectors and contacts are its company's own."""
    own = ("customer_id", "contact_id", "collector_id")
    return {
        name: f"{prefix}-{value}" if name in own and value is not None else value
        for name, value in content.items()
    }


def master_rows(numbers: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """What all companies share: exchange rates; and each company's collectors.

    Dollars are quoted directly, and once corrected later; euros only by the inverse pair; francs
    not at all.
    """
    rates = [
        ("2024-01-01", "USD", "CNY", "7.12345678", 0),
        ("2024-02-29", "USD", "CNY", "7.20000000", 1),
        ("2024-04-01", "USD", "CNY", "7.05050505", 2),
        ("2024-04-01", "USD", "CNY", "7.15151515", 4),
        ("2024-01-15", "CNY", "EUR", "0.12900000", 0),
        ("2024-03-31", "CNY", "EUR", "0.13131313", 2),
    ]
    return {
        "fx_rates": [
            {
                "rate_date": date.fromisoformat(day),
                "from_currency": from_currency,
                "to_currency": to_currency,
                "rate": Decimal(rate),
                "_delivery_date": DELIVERIES[index],
            }
            for day, from_currency, to_currency, rate, index in rates
        ],
        "collectors": [
            {
                "collector_id": f"{number:03d}-{collector}",
                "collector_name": f"Collector {collector}",
                "team_id": f"{number:03d}-T{place % 2}",
                "role": "collector",
                "_delivery_date": DELIVERIES[0],
            }
            for number in numbers
            for place, collector in enumerate(COLLECTORS)
        ],
    }
