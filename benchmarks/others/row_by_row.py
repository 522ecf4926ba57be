"""Row by row in plain Python, the way the receivable reports of open ERPs reckon.

For each report date every ledger entry up to it is walked: one dictionary entry per voucher is set
up, each entry is added to the voucher that it is against, and each voucher that is left open gets
its bucket. A report for 36 month ends walks 36 times. Amounts are integer cents here, where those
reports use floats. Nothing is kept but the answers.
"""

import csv
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.others.questions import (
    ANSWERS,
    BUCKET_LIMITS,
    BUCKETS,
    MONTH_ENDS,
    OPEN_ON,
    TIMEZONE,
    TOUCH_DAYS,
    TOUCHES,
    UNATTRIBUTED,
    Steps,
    run,
)


@dataclass(slots=True)
class Entry:
    """One entry of the payment ledger: a voucher, and the voucher that it is against."""

    posting_date: date
    voucher: str
    against: str
    customer: str
    cents: int
    due_date: date | None


@dataclass(slots=True)
class Balance:
    """What is invoiced and paid on one voucher up to the report date."""

    customer: str
    due_date: date
    invoiced: int = 0
    paid: int = 0


def main(source: Path, target: Path) -> None:
    """Load the extracts as ledger entries and answer by walking them."""
    steps = Steps(target)
    with steps.step("load"):
        entries, cash = read_entries(source)
        touches = read_touches(source)
    with steps.step("open_items"):
        write(
            steps,
            "open_items",
            (
                (voucher, balance.customer, balance.due_date, days, cents)
                for voucher, balance, days, cents in open_items(entries, OPEN_ON)
            ),
        )
    with steps.step("aging"):
        aging = [(month_end, *row) for month_end in MONTH_ENDS for row in age(entries, month_end)]
        write(steps, "aging", aging)
    with steps.step("turnover"):
        write(steps, "turnover", turnover(entries, aging))
    with steps.step("attribution"):
        write(steps, "attribution", attribute(cash, touches))


def cents_of(text: str) -> int:
    """Cents of an amount that is written with two decimals."""
    return int(text.replace(".", ""))


def read_entries(source: Path) -> tuple[list[Entry], list[tuple[date, Entry]]]:
    """All ledger entries by posting date, and those of payments with the day of the payment."""
    entries, against_documents, invoiced_on = [], [], {}
    with (source / "ledger.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            booked = date.fromisoformat(row["document_date"])
            voucher, cents = row["document_id"], cents_of(row["amount"])
            if row["document_type"] == "invoice":
                due = date.fromisoformat(row["due_date"])
                entries.append(Entry(booked, voucher, voucher, row["customer_id"], cents, due))
                invoiced_on[voucher] = booked
            else:
                against = row["applies_to_document_id"]
                customer = row["customer_id"]
                against_documents.append(Entry(booked, voucher, against, customer, -cents, None))
    cash = []
    with (source / "payments.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            paid_on = date.fromisoformat(row["payment_date"])
            cents, against = cents_of(row["amount"]), row["document_id"]
            entry = Entry(paid_on, row["payment_id"], against, row["customer_id"], -cents, None)
            against_documents.append(entry)
            cash.append((paid_on, entry))
    for entry in against_documents:
        # Nothing is set against a document before the document is there.
        entry.posting_date = max(entry.posting_date, invoiced_on[entry.against])
        entries.append(entry)
    entries.sort(key=attrgetter("posting_date"))
    return entries, cash


def read_touches(source: Path) -> dict[str, dict[date, tuple[datetime, str, str]]]:
    """By customer and day the last contact that reached somebody: when, its number, by whom."""
    zone = ZoneInfo(TIMEZONE)
    touches: dict[str, dict[date, tuple[datetime, str, str]]] = defaultdict(dict)
    with (source / "contact_log.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["outcome"] in TOUCHES:
                contacted_at = datetime.fromisoformat(row["contacted_at"]).astimezone(zone)
                touch = (contacted_at, row["contact_id"], row["collector_id"])
                days, day = touches[row["customer_id"]], contacted_at.date()
                if day not in days or days[day] < touch:
                    days[day] = touch
    return touches


def open_items(
    entries: Sequence[Entry], report_date: date
) -> Iterable[tuple[str, Balance, int, int]]:
    """Vouchers open on a date: number, balance, days past due, open cents."""
    posted = entries[: bisect_right(entries, report_date, key=attrgetter("posting_date"))]
    balances = {
        entry.voucher: Balance(entry.customer, entry.due_date)
        for entry in posted
        if entry.due_date is not None
    }
    for entry in posted:
        balance = balances[entry.against]
        if entry.cents > 0:
            balance.invoiced += entry.cents
        else:
            balance.paid -= entry.cents
    for voucher, balance in balances.items():
        outstanding = balance.invoiced - balance.paid
        if outstanding:
            yield voucher, balance, (report_date - balance.due_date).days, outstanding


def age(entries: Sequence[Entry], report_date: date) -> list[tuple[str, str, int, int]]:
    """Open documents and cents of each customer and bucket on a date."""
    totals: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for _, balance, days_past_due, outstanding in open_items(entries, report_date):
        bucket = BUCKETS[bisect_left(BUCKET_LIMITS, days_past_due)]
        total = totals[balance.customer, bucket]
        total[0] += 1
        total[1] += outstanding
    return [(*key, count, cents) for key, (count, cents) in totals.items()]


def turnover(
    entries: Sequence[Entry], aging: Sequence[tuple[date, str, str, int, int]]
) -> Iterable[tuple[date, int, int, int]]:
    """Sales, closing balance and days sales outstanding of each month."""
    sales: dict[date, int] = defaultdict(int)
    closing: dict[date, int] = defaultdict(int)
    for entry in entries:
        if entry.due_date is not None:
            sales[entry.posting_date.replace(day=1)] += entry.cents
    for month_end, _, _, _, cents in aging:
        closing[month_end] += cents
    for month_end in MONTH_ENDS:
        month_start = month_end.replace(day=1)
        sold, left = sales[month_start], closing[month_end]
        yield month_start, sold, left, (200 * left * month_end.day + sold) // (2 * sold)


def attribute(
    cash: Sequence[tuple[date, Entry]],
    touches: dict[str, dict[date, tuple[datetime, str, str]]],
) -> Iterable[tuple[date, str, int]]:
    """Cash of each month by the collector of the last touch before it."""
    days = {customer: sorted(by_day) for customer, by_day in touches.items()}
    earned: dict[tuple[date, str], int] = defaultdict(int)
    for paid_on, entry in cash:
        touched = days.get(entry.customer, [])
        before = bisect_right(touched, paid_on)
        collector = UNATTRIBUTED
        if before and (paid_on - touched[before - 1]).days <= TOUCH_DAYS:
            collector = touches[entry.customer][touched[before - 1]][2]
        earned[entry.posting_date.replace(day=1), collector] -= entry.cents
    return ((*key, cents) for key, cents in earned.items())


def write(steps: Steps, question: str, rows: Iterable[Sequence[object]]) -> None:
    """Write an answer as CSV."""
    with (steps.folder / f"{question}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ANSWERS[question])
        writer.writerows(rows)


if __name__ == "__main__":
    run(main)
