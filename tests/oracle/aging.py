"""Aging: how far past due every open item is, in every bucket set and on both bases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from tests.oracle.arithmetic import add_months
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.inputs import Bucket
from tests.oracle.journal import ZERO, ItemFacts, Journal

UNAPPLIED_CASH = "unapplied_cash"
UNAPPLIED_CREDIT = "unapplied_credit"
AGE_BASES = ("due_date", "document_date")


@dataclass(frozen=True)
class AgedItem:
    """An open item in one bucket set."""

    open_item: OpenItem
    bucket_set: str
    days_past_due: int
    aging_bucket: str
    aging_bucket_by_document_date: str


@cache
def months_past_due(due_date: date, as_of_date: date) -> int:
    """The least number of whole months after the due date that reaches the day.

    Source: measures, section 2 (a second set counts calendar months past due).

    Examples:
        >>> months_past_due(date(2024, 1, 31), date(2024, 2, 29))
        1
        >>> months_past_due(date(2024, 1, 31), date(2024, 3, 1))
        2
    """
    months = 0
    while as_of_date > add_months(due_date, months):
        months += 1
    return months


def bucket_of(due_date: date, as_of_date: date, buckets: Iterable[Bucket]) -> str:
    """The first bucket of a set whose upper bound, included, takes the age in.

    Source: measures, section 2 (bucket closed on the right).
    """
    for bucket in sorted(buckets, key=lambda b: b.order):
        age = (
            (as_of_date - due_date).days
            if bucket.unit == "day"
            else months_past_due(due_date, as_of_date)
        )
        if bucket.upper_bound is None or age <= bucket.upper_bound:
            return bucket.aging_bucket
    message = f"no bucket takes in {due_date} as of {as_of_date}"
    raise ValueError(message)


def standing_apart(facts: ItemFacts) -> str | None:
    """The column of its own in which an unapplied credit stands, if the item is one.

    Source: measures, section 2 (credits stand in columns of their own).
    """
    if facts.item.item_type == "payment":
        return UNAPPLIED_CASH
    if facts.document_type in ("credit_memo", "write_off", "recovery"):
        return UNAPPLIED_CREDIT
    if facts.document_type == "adjustment" and facts.booked_amount < 0:
        return UNAPPLIED_CREDIT
    return None


def aging(book: Journal, as_of_date: date, buckets: Sequence[Bucket]) -> list[AgedItem]:
    """Every open item once per bucket set."""
    aged = []
    for open_item in open_items(book, as_of_date):
        facts = open_item.facts
        apart = standing_apart(facts)
        for bucket_set in sorted({bucket.bucket_set for bucket in buckets}):
            of_set = [bucket for bucket in buckets if bucket.bucket_set == bucket_set]
            by_due_date = bucket_of(facts.due_date, as_of_date, of_set)
            by_document_date = bucket_of(facts.document_date, as_of_date, of_set)
            aged.append(
                AgedItem(
                    open_item=open_item,
                    bucket_set=bucket_set,
                    days_past_due=(as_of_date - facts.due_date).days,
                    aging_bucket=apart or by_due_date,
                    aging_bucket_by_document_date=apart or by_document_date,
                )
            )
    return aged


@dataclass(frozen=True, order=True)
class BucketKey:
    """What a line of the aging by bucket, or by customer, stands for."""

    company_code: str
    currency_code: str
    bucket_set: str
    age_basis: str
    aging_bucket: str
    customer_id: str | None = None


@dataclass(frozen=True)
class BucketTotal:
    """The open amount of one bucket."""

    document_count: int
    open_amount_document: Decimal
    open_amount: Decimal | None


def totals(aged: Sequence[AgedItem], *, by_customer: bool = False) -> dict[BucketKey, BucketTotal]:
    """Add aged items up by bucket, on both age bases, customer by customer if asked."""
    groups: dict[BucketKey, list[OpenItem]] = {}
    for item in aged:
        facts = item.open_item.facts
        for basis, bucket in zip(
            AGE_BASES, (item.aging_bucket, item.aging_bucket_by_document_date), strict=True
        ):
            key = BucketKey(
                facts.item.company_code,
                facts.currency_code,
                item.bucket_set,
                basis,
                bucket,
                facts.customer_id if by_customer else None,
            )
            groups.setdefault(key, []).append(item.open_item)
    result = {}
    for key, items in groups.items():
        known = [item.open_amount for item in items if item.open_amount is not None]
        result[key] = BucketTotal(
            document_count=len(items),
            open_amount_document=sum((item.open_amount_document for item in items), ZERO),
            open_amount=sum(known, ZERO) if len(known) == len(items) else None,
        )
    return result
