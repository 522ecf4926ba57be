"""The allowance for bad debts by the aging method, and how it moves from month to month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.oracle.aging import aging
from tests.oracle.arithmetic import Period, round_money
from tests.oracle.bad_debt import moved
from tests.oracle.inputs import Bucket, Seeds
from tests.oracle.journal import ZERO, Journal

BUCKET_SET = "days"


def loss_rate(seeds: Seeds, segment: str, aging_bucket: str) -> Decimal:
    """The rate of a bucket: the segment's own, else everybody's."""
    rates = {
        (row["segment"], row["aging_bucket"]): Decimal(row["loss_rate"])
        for row in seeds.rows("loss_rates")
        if row["allowance_method"] == "aging"
    }
    own = rates.get((segment, aging_bucket))
    return rates["*", aging_bucket] if own is None else own


def required_by_bucket(
    book: Journal, day: Period, segment: str, buckets: Sequence[Bucket], seeds: Seeds
) -> Mapping[str, tuple[Decimal, Decimal, Decimal]]:
    """Per bucket of the days set: open amount, rate and what the aging method asks for.

    Source: measures, section 4 (aging: bucket × rate, by segment). Credits stand apart and ask for
    nothing unless the seed gives them a rate. Items without a rate of exchange are left out.
    """
    opened: dict[str, Decimal] = {}
    for item in aging(book, day.end, buckets):
        if item.bucket_set == BUCKET_SET and item.open_item.open_amount is not None:
            opened[item.aging_bucket] = (
                opened.get(item.aging_bucket, ZERO) + item.open_item.open_amount
            )
    result = {}
    for bucket, amount in opened.items():
        rate = loss_rate(seeds, segment, bucket)
        result[bucket] = (amount, rate, round_money(amount * rate))
    return result


@dataclass(frozen=True)
class RollForward:
    """How one month's allowance came about."""

    opening: Decimal
    charge: Decimal
    release: Decimal
    write_off: Decimal
    recovery: Decimal
    closing: Decimal


def roll_forward(
    book: Journal,
    months: Sequence[Period],
    segment: str,
    buckets: Sequence[Bucket],
    seeds: Seeds,
) -> Mapping[Period, RollForward]:
    """Opening + charge − release − write-offs + recoveries = closing, month after month.

    What is required at a month's end is its closing; charge = required − (opening − write-offs +
    recoveries), and a negative charge is a release.

    Source: measures, section 4 (allowance roll-forward).
    """
    result = {}
    opening = ZERO
    for month in months:
        required = sum(
            (line[2] for line in required_by_bucket(book, month, segment, buckets, seeds).values()),
            ZERO,
        )
        write_off = moved(book, month, "write_off")
        recovery = moved(book, month, "recovery")
        charge = required - (opening - write_off + recovery)
        result[month] = RollForward(
            opening, max(charge, ZERO), max(-charge, ZERO), write_off, recovery, required
        )
        opening = required
    return result
