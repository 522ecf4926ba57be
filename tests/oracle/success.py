"""What collection work led to: past-due items worked in a month, and those that were paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.arithmetic import month_start
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.cash import Cash, local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO, Item, Journal
from tests.oracle.promises import Promise
from tests.oracle.scopes import UNASSIGNED
from tests.oracle.versions import in_force, latest

CREDITS = ("credit_memo", "write_off", "recovery")


@dataclass
class Success:
    """The items worked in a month and scope, each with what was open at its last contact."""

    worked: dict[Item, tuple[date, Decimal]] = field(default_factory=dict)
    paid: set[Item] = field(default_factory=set)
    promised: set[Item] = field(default_factory=set)

    def counts(self) -> tuple[int, int, int, int, Decimal, Decimal]:
        """Items worked, paid, of a kept promise, succeeded; amounts worked and succeeded."""
        won = self.paid | self.promised
        return (
            len(self.worked),
            len(self.paid),
            len(self.promised),
            len(won),
            sum((amount for _, amount in self.worked.values()), ZERO),
            sum((amount for item, (_, amount) in self.worked.items() if item in won), ZERO),
        )


def success(
    extracts: Extracts,
    parameters: Parameters,
    book: Journal,
    cash: Sequence[Cash],
    promises: Sequence[Promise],
    seeds: Seeds,
) -> dict[tuple[date, str, str], Success]:
    """Items worked by month and scope.

    An outbound contact works an item that is past due on its day and was open when the day began:
    of the document it names, else of its customer. Each collector's last contact of a month and
    channel judges the item: it succeeds when cash of payments from that day to the window's end,
    less what was taken back of them, reaches what was open, or when a promise on its document was
    kept in that time.

    Source: measures, section 5 (success rate).
    """
    (rules,) = seeds.rows("success_rules")
    window, share = timedelta(days=int(rules["window_days"])), Decimal(rules["paid_share"])
    teams = latest(extracts.collectors, ("collector_id",), parameters.known_at)
    contacts = [
        (local_date(row["contacted_at"], parameters.timezone), row)
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
        if (row.get("direction") or "outbound") == "outbound"
    ]
    last_contacts: dict[tuple[date, str, str, Item], tuple[date, OpenItem]] = {}
    for day, row in sorted(contacts, key=lambda contact: contact[0]):
        if day <= parameters.as_of_date:
            for open_item in _workable(book, row, day):
                worker = (month_start(day), row["collector_id"], row["channel"])
                last_contacts[(*worker, open_item.facts.item)] = (day, open_item)
    result: dict[tuple[date, str, str], Success] = {}
    for (month, collector, channel, item), (day, open_item) in last_contacts.items():
        team = teams.get((collector,), {}).get("team_id") or UNASSIGNED
        came = [
            piece.amount_document
            for piece in cash
            if piece.facts.item == item and day <= piece.payment_date <= day + window
        ]
        is_paid = bool(came) and sum(came) >= open_item.open_amount_document * share
        is_promised = any(
            promise.status == "kept"
            and promise.document_id == item.document_id
            and promise.customer_id == open_item.facts.customer_id
            and promise.kept_date is not None
            and day <= promise.kept_date <= day + window
            for promise in promises
        )
        for scope in (
            ("all", "all"),
            ("team", team),
            ("collector", collector),
            ("channel", channel),
        ):
            line = result.setdefault((month, *scope), Success())
            if item not in line.worked or line.worked[item][0] <= day:
                line.worked[item] = (day, open_item.open_amount or ZERO)
            if is_paid:
                line.paid.add(item)
            if is_promised:
                line.promised.add(item)
    return result


def _workable(book: Journal, row: Row, day: date) -> list[OpenItem]:
    """The items that a contact works: past due, above zero, open when its day began."""
    return [
        open_item
        for open_item in open_items(book, day - timedelta(days=1))
        if open_item.facts.item.item_type == "document"
        and open_item.facts.customer_id == row["customer_id"]
        and row.get("document_id") in (None, open_item.facts.item.document_id)
        and open_item.facts.due_date < day
        and open_item.open_amount_document > 0
        and open_item.facts.document_type not in CREDITS
        and open_item.facts.booked_amount > 0
    ]
