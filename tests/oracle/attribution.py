"""Who earned the cash: the owner of the customer, or whoever touched it last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tests.oracle.cash import Cash, local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.versions import in_force, latest

UNATTRIBUTED = "unattributed"


def portfolio_owner(portfolios: Sequence[Row], customer_id: str, day: date) -> str:
    """Who owned the customer on a day, both ends of a span included.

    A later span ends the one before it, whether or not that says when it ends: of the spans that
    have begun, only the last can hold the day.
    """
    begun = [
        row for row in portfolios if row["customer_id"] == customer_id and row["valid_from"] <= day
    ]
    if not begun:
        return UNATTRIBUTED
    last = max(begun, key=lambda row: row["valid_from"])
    if last["valid_to"] is not None and last["valid_to"] < day:
        return UNATTRIBUTED
    return str(last["collector_id"])


def last_touch(
    contacts: Sequence[Row], timezone: str, customer_id: str, day: date, window_days: int
) -> str:
    """Who made the customer's last contact on or before a day, not longer ago than the window.

    Two contacts at one instant go by their number.
    """
    touches = [
        row
        for row in contacts
        if row["customer_id"] == customer_id and local_date(row["contacted_at"], timezone) <= day
    ]
    if not touches:
        return UNATTRIBUTED
    last = max(touches, key=lambda row: (row["contacted_at"], row["contact_id"]))
    if local_date(last["contacted_at"], timezone) < day - timedelta(days=window_days):
        return UNATTRIBUTED
    return str(last["collector_id"])


def attribute_cash(
    extracts: Extracts, parameters: Parameters, cash: Sequence[Cash], seeds: Seeds
) -> list[tuple[str, Cash, str]]:
    """Every piece of cash once per method, with the collector who earned it.

    Judged on the payment's own date; a reversal on that of the payment it takes back, so that it
    takes from whom that payment was given.

    Source: measures, section 5 (cash_attribution).
    """
    portfolios = list(
        latest(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at).values()
    )
    touching = {
        row["outcome"] for row in seeds.rows("contact_outcomes") if row["is_touch"] == "true"
    }
    contacts = [
        row
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
        if row["outcome"] in touching
        and local_date(row["contacted_at"], parameters.timezone) <= parameters.as_of_date
    ]
    result = []
    for method in seeds.rows("attribution_methods"):
        name = method["attribution_method"]
        for piece in cash:
            customer_id, day = piece.facts.customer_id, piece.payment_date
            if name == "portfolio_owner":
                collector = portfolio_owner(portfolios, customer_id, day)
            else:
                collector = last_touch(
                    contacts, parameters.timezone, customer_id, day, int(method["window_days"])
                )
            result.append((name, piece, collector))
    return result
