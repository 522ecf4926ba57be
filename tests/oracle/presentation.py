"""Credits presented otherwise than apart, and balances at the closing rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.aging import AGE_BASES, UNAPPLIED_CASH, UNAPPLIED_CREDIT, bucket_of
from tests.oracle.aging import standing_apart as apart_of
from tests.oracle.arithmetic import round_money
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.inputs import Bucket
from tests.oracle.journal import ZERO, Journal
from tests.oracle.migration import sets_of

Money = tuple[Decimal, Decimal | None]
"""In document and in reporting currency; the latter is unknown where a rate is missing."""


@dataclass(frozen=True, order=True)
class Place:
    """A bucket of an account: of what a customer owes in one currency."""

    customer_id: str
    currency_code: str
    bucket_set: str
    age_basis: str
    aging_bucket: str


def _plus(left: Money, right: Money) -> Money:
    known = left[1] is not None and right[1] is not None
    return left[0] + right[0], (left[1] or ZERO) + (right[1] or ZERO) if known else None


@dataclass(frozen=True)
class Presented:
    """One bucket in the three presentations."""

    headline: Money
    aged: Money
    applied: Money


def presented(book: Journal, day: date, buckets: Sequence[Bucket]) -> Mapping[Place, Presented]:
    """Every account's buckets on a day, credits apart, at their own date, and applied.

    Applied: to the oldest bucket first, cash before credits, never below nothing; what is left
    stays apart. In reporting currency the used share of a credit moves with it.

    Source: measures, section 2 (credits: three presentations that foot to the same total).
    """
    accounts: dict[tuple[str, str], list[OpenItem]] = {}
    for open_item in open_items(book, day):
        facts = open_item.facts
        accounts.setdefault((facts.customer_id, facts.currency_code), []).append(open_item)
    result: dict[Place, Presented] = {}
    for (customer_id, currency_code), items in accounts.items():
        for name, of_set in sets_of(buckets).items():
            for basis in AGE_BASES:
                of_account = _of_account(items, day, of_set, basis)
                for bucket, line in of_account.items():
                    place = Place(customer_id, currency_code, name, basis, bucket)
                    result[place] = line
    return result


def _of_account(
    items: Sequence[OpenItem], day: date, of_set: Sequence[Bucket], basis: str
) -> Mapping[str, Presented]:
    headline: dict[str, Money] = {}
    aged: dict[str, Money] = {}
    for item in items:
        amount = (item.open_amount_document, item.open_amount)
        own = bucket_of(getattr(item.facts, basis), day, of_set)
        for lines, bucket in ((headline, apart_of(item.facts) or own), (aged, own)):
            lines[bucket] = _plus(lines.get(bucket, (ZERO, ZERO)), amount)
    applied = dict(headline)
    for apart in (UNAPPLIED_CASH, UNAPPLIED_CREDIT):
        given, value = headline.get(apart, (ZERO, ZERO))
        whole, used = -given, ZERO
        for bucket in sorted(of_set, key=lambda b: -b.order):
            owed = applied.get(bucket.aging_bucket, (ZERO, ZERO))[0]
            take = min(whole - used, owed)
            if take <= 0:
                continue
            moved = None
            if value is not None:
                before = round_money(value * used / whole)
                moved = round_money(value * (used + take) / whole) - before
            used += take
            applied[bucket.aging_bucket] = _plus(applied[bucket.aging_bucket], (-take, moved))
            applied[apart] = _plus(applied[apart], (take, None if moved is None else -moved))
    result = {}
    for bucket in headline.keys() | aged.keys() | applied.keys():
        own, by_date, left = (of.get(bucket, (ZERO, ZERO)) for of in (headline, aged, applied))
        if own[1] is None:
            by_date = by_date[0], None
        result[bucket] = Presented(own, by_date, left)
    return result
