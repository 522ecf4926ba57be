"""Who earned the cash: the owner of the customer, or whoever touched it last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.oracle.cash import Cash, local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.versions import in_force

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True)
class Touch:
    """A contact that reached, or spoke to, the customer."""

    contact_date: date
    contacted_at: datetime
    contact_id: str
    collector_id: str


def portfolio_owner(spans: Sequence[Row], day: date) -> str:
    """Who owned the customer on a day, both ends of a span included.

    A later span ends the one before it, whether or not that says when it ends: of the spans that
    have begun, only the last can hold the day.
    """
    begun = [row for row in spans if row["valid_from"] <= day]
    if not begun:
        return UNATTRIBUTED
    last = max(begun, key=lambda row: row["valid_from"])
    if last["valid_to"] is not None and last["valid_to"] < day:
        return UNATTRIBUTED
    return str(last["collector_id"])


def last_touch(touches: Sequence[Touch], day: date, window_days: int) -> str:
    """Who made the customer's last contact on or before a day, not longer ago than the window.

    Two contacts at one instant go by their number.
    """
    before = [touch for touch in touches if touch.contact_date <= day]
    if not before:
        return UNATTRIBUTED
    last = max(before, key=lambda touch: (touch.contacted_at, touch.contact_id))
    if last.contact_date < day - timedelta(days=window_days):
        return UNATTRIBUTED
    return last.collector_id


def attribute_cash(
    extracts: Extracts, parameters: Parameters, cash: Sequence[Cash], seeds: Seeds
) -> list[tuple[str, Cash, str]]:
    """Every piece of cash once per method, with the collector who earned it.

    Judged on the payment's own date; a reversal on that of the payment it takes back, so that it
    takes from whom that payment was given.

    Source: measures, section 5 (cash_attribution).
    """
    spans: dict[str, list[Row]] = {}
    for row in in_force(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at):
        spans.setdefault(row["customer_id"], []).append(row)
    touching = {
        row["outcome"] for row in seeds.rows("contact_outcomes") if row["is_touch"] == "true"
    }
    touches: dict[str, list[Touch]] = {}
    for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at):
        day = local_date(row["contacted_at"], parameters.timezone)
        if row["outcome"] in touching and day <= parameters.as_of_date:
            touches.setdefault(row["customer_id"], []).append(
                Touch(day, row["contacted_at"], row["contact_id"], row["collector_id"])
            )
    result = []
    for method in seeds.rows("attribution_methods"):
        name = method["attribution_method"]
        for piece in cash:
            customer_id, day = piece.facts.customer_id, piece.payment_date
            if name == "portfolio_owner":
                collector = portfolio_owner(spans.get(customer_id, []), day)
            else:
                collector = last_touch(
                    touches.get(customer_id, []), day, int(method["window_days"])
                )
            result.append((name, piece, collector))
    return result
