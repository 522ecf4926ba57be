"""Which contacts break which rule of contact, and by which window.

Written from the measures' book: a rule pack by the customer's segment, hours and sliding windows on
the customer's own clock, the strictest zone where its zone is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.cash import local_date
from tests.oracle.inputs import Extracts, Parameters, Row, Seeds
from tests.oracle.scopes import customers_known
from tests.oracle.versions import in_force


@dataclass(frozen=True)
class Breach:
    """A contact, the rule it breaks, and the window by which it does."""

    contact_id: str
    rule_pack: str
    rule_code: str
    judged_timezone: str
    is_timezone_unknown: bool
    local_contacted_at: datetime
    window_start_date: date
    window_end_date: date
    counted_count: int


@dataclass(frozen=True)
class _Contact:
    """A contact as the clock of one zone shows it."""

    row: Row
    local: datetime

    @property
    def place(self) -> tuple[date, datetime, str]:
        """Its place among the contacts of its customer: by day, then instant, then number."""
        return (self.local.date(), self.row["contacted_at"], self.row["contact_id"])


def breaches(
    extracts: Extracts, parameters: Parameters, seeds: Seeds, known_zones: Iterable[str]
) -> Sequence[Breach]:
    """Every breach up to the run's day.

    Source: measures, section 5 (contact compliance); 12 CFR 1006.6(b)(1)(i) for hours of the
    consumer's location, 1006.14(b)(2)(i)(A) for more than seven calls in seven consecutive days,
    (B) for calls in the seven days of which a conversation's day is the first.

    Args:
        extracts: The company's rows.
        parameters: What the run is asked.
        seeds: The rule packs.
        known_zones: Zones of the customers known to the run, of all companies.
    """
    outcomes = {row["outcome"]: row for row in seeds.rows("contact_outcomes")}
    packs = {row["segment"]: row["rule_pack"] for row in seeds.rows("contact_rule_packs")}
    customers = customers_known(extracts, parameters)
    contacts = [
        row
        for row in in_force(extracts.contact_log, ("contact_id",), parameters.known_at)
        if local_date(row["contacted_at"], parameters.timezone) <= parameters.as_of_date
    ]
    result = []
    for customer_id in sorted({row["customer_id"] for row in contacts}):
        customer = customers.get(customer_id, {})
        pack = packs.get(customer.get("segment") or "*", packs["*"])
        own = [row for row in contacts if row["customer_id"] == customer_id]
        for rule in seeds.rows("contact_rules"):
            if rule["rule_pack"] != pack:
                continue
            zone = customer.get("timezone")
            is_unknown = zone is None and rule["clock"] == "customer"
            if rule["clock"] == "company":
                zones = [parameters.timezone]
            elif zone is not None:
                zones = [zone]
            else:
                zones = _possible(pack, seeds, parameters, known_zones)
            strictest: dict[str, Breach] = {}
            for judged in zones:
                for breach in _broken(rule, own, judged, outcomes, is_unknown=is_unknown):
                    present = strictest.get(breach.contact_id)
                    if present is None or (-breach.counted_count, breach.judged_timezone) < (
                        -present.counted_count,
                        present.judged_timezone,
                    ):
                        strictest[breach.contact_id] = breach
            result += strictest.values()
    return result


def _possible(
    pack: str, seeds: Seeds, parameters: Parameters, known_zones: Iterable[str]
) -> list[str]:
    """The zones in which a customer of a pack may live."""
    zones: set[str] = set()
    for row in seeds.rows("contact_zones"):
        if row["rule_pack"] == pack:
            zones |= (
                {parameters.timezone, *known_zones} if row["timezone"] == "*" else {row["timezone"]}
            )
    return sorted(zones)


def _broken(
    rule: Mapping[str, str],
    rows: Sequence[Row],
    zone: str,
    outcomes: Mapping[str, Mapping[str, str]],
    *,
    is_unknown: bool,
) -> Iterator[Breach]:
    """What breaks one rule, of one customer's contacts on the clock of one zone."""
    spoken_of = [
        _Contact(row, _clock(row["contacted_at"], zone))
        for row in rows
        if rule["channels"] == "*" or row["channel"] in rule["channels"].split("|")
    ]
    spoken_of.sort(key=lambda contact: contact.place)
    for place, contact in enumerate(spoken_of):
        if not _is_outbound(contact.row):
            continue
        day = contact.local.date()
        before = [
            other
            for other in spoken_of[:place]
            if rule["counted_per"] != "document"
            or other.row.get("document_id") == contact.row.get("document_id")
        ]
        window = _window(rule, contact, before, outcomes)
        if window is not None:
            first, last, count = window
            yield Breach(
                contact_id=contact.row["contact_id"],
                rule_pack=rule["rule_pack"],
                rule_code=rule["rule_code"],
                judged_timezone=zone,
                is_timezone_unknown=is_unknown,
                local_contacted_at=contact.local,
                window_start_date=day + timedelta(days=first),
                window_end_date=day + timedelta(days=last),
                counted_count=count,
            )


def _window(
    rule: Mapping[str, str],
    contact: _Contact,
    before: Sequence[_Contact],
    outcomes: Mapping[str, Mapping[str, str]],
) -> tuple[int, int, int] | None:
    """The window that a contact breaks: first and last day from the contact's, and the count."""
    day = contact.local.date()
    if rule["rule_type"] == "hours":
        first, last = time.fromisoformat(rule["allowed_from"]), rule["allowed_until"]
        clock = contact.local.time()
        is_late = last != "24:00" and (
            clock > time.fromisoformat(last)
            or (clock == time.fromisoformat(last) and rule["is_until_allowed"] == "false")
        )
        return (0, 0, 1) if clock < first or is_late else None
    days = int(rule["window_days"])
    if rule["rule_type"] == "frequency":
        if not _counts(rule, contact, outcomes):
            return None
        in_window = [
            other
            for other in before
            if _counts(rule, other, outcomes) and (day - other.local.date()).days < days
        ]
        count = len(in_window) + 1
        return (1 - days, 0, count) if count > int(rule["maximum_count"]) else None
    conversations = [
        (day - other.local.date()).days
        for other in before
        if outcomes[other.row["outcome"]]["is_right_party"] == "true"
    ]
    since = min(conversations, default=days)
    return (-since, days - 1 - since, 1) if since < days else None


def _counts(
    rule: Mapping[str, str], contact: _Contact, outcomes: Mapping[str, Mapping[str, str]]
) -> bool:
    """Whether a contact is one of those that a frequency counts."""
    is_connect = outcomes[contact.row["outcome"]]["is_connect"] == "true"
    return _is_outbound(contact.row) and (rule["counted"] == "attempts" or is_connect)


def _is_outbound(row: Row) -> bool:
    return (row.get("direction") or "outbound") == "outbound"


def _clock(instant: datetime, zone: str) -> datetime:
    """What the clocks of a zone show at an instant that is kept in UTC.

    Examples:
        >>> _clock(datetime(2026, 3, 8, 6, 59), "America/New_York")
        datetime.datetime(2026, 3, 8, 1, 59)
        >>> _clock(datetime(2026, 3, 8, 7, 0), "America/New_York")
        datetime.datetime(2026, 3, 8, 3, 0)
    """
    return instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
