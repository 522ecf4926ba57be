"""What the finance and people departments keep: rates, targets, ledger balances, surveys, courses.

All of it is small. The general ledger's receivable balances are summed here from what each delivered
row does to the receivables, per company and currency, as the ledger knew them at each delivery; a
balance that later rows change is delivered again.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ingest.sample.parties import Collectors, Customers
from ingest.sample.settings import NEVER, Settings, add_months, date_of, day_number, month_end

SATISFACTION, PASS_SHARE = 85.4, 0.90
COURSES = ("negotiation", "compliance", "credit_law", "systems")


def make_rates(settings: Settings) -> pl.DataFrame:
    """Make the rates to CNY of every business day, the month before the oldest document included.

    Returns:
        ``delivery``, ``rate_day``, ``from_currency``, ``to_currency``, ``scaled`` (rate × 10,000).
    """
    rng = np.random.default_rng([settings.seed, 30])
    days = np.arange(day_number(settings.start_date) - 125, day_number(settings.end_date) + 1)
    days = days[(days + 3) % 7 < 5]
    frames = []
    for currency, level in (("EUR", 7.82), ("USD", 7.18)):
        walk = np.cumsum(rng.normal(0, 0.0022, len(days)))
        # Drawn back to its level, so that three years do not run away.
        walk -= np.linspace(0, walk[-1] * 0.8, len(days))
        frames.append(
            pl.DataFrame(
                {
                    "delivery": settings.delivery_of(days),
                    "rate_day": days,
                    "from_currency": [currency] * len(days),
                    "to_currency": ["CNY"] * len(days),
                    "scaled": np.round(level * np.exp(walk) * 10_000).astype(np.int64),
                }
            )
        )
    return pl.concat(frames).sort("rate_day", "from_currency")


def make_surveys(settings: Settings, customers: Customers) -> pl.DataFrame:
    """Make the satisfaction surveys: some customers each month, scores around the target.

    Returns:
        ``delivery``, ``survey_id``, ``customer_id``, ``second`` (since 1970, UTC), ``score``.
    """
    rng = np.random.default_rng([settings.seed, 31])
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    count = max(20 * settings.months, customers.count * settings.months // 14)
    day = np.sort(rng.integers(start, end + 1, count))
    customer = rng.integers(0, customers.count, count)
    quarter = (day - start) // 91
    mood = np.random.default_rng([settings.seed, 32]).normal(0, 1.3, int(quarter.max()) + 1)
    score = np.clip(np.round(rng.normal(SATISFACTION + 1.2, 9.5, count) + mood[quarter]), 0, 100)
    unhappy = rng.random(count) < 0.03
    score = np.where(unhappy, rng.integers(20, 60, count), score).astype(np.int64)
    # Answers come in during the company's day; 01:00 to 10:00 UTC is 09:00 to 18:00 there.
    second = day * 86_400 + rng.integers(3_600, 36_000, count)
    keep = customers.onboarded[customer] <= day
    return pl.DataFrame(
        {
            "delivery": settings.delivery_of(day),
            "survey_id": [f"SV{n:07d}" for n in range(1, count + 1)],
            "customer_id": pl.Series(customers.customer_id[customer], dtype=pl.String),
            "second": second,
            "score": score,
        }
    ).filter(pl.Series(keep))


def make_trainings(settings: Settings, collectors: Collectors) -> pl.DataFrame:
    """Make the trainings: each quarter a course or two per person, a second attempt after a fail.

    Returns:
        ``delivery``, ``collector_id``, ``course_id``, ``attempt_no``, ``training_day``,
        ``assessed_day``, ``score``, ``is_passed``.
    """
    rng = np.random.default_rng([settings.seed, 33])
    end = day_number(settings.end_date)
    rows: list[tuple[str, str, int, int, int, int, bool]] = []
    for quarter, first in enumerate(settings.month_starts[::3]):
        for course in (COURSES[quarter % 4], COURSES[(quarter + 1) % 4]):
            held = day_number(first) + int(rng.integers(5, 50))
            for n in range(collectors.count):
                if held > collectors.left[n] - 30 or rng.random() < 0.12:
                    continue
                course_id = f"{course}-{first.year}Q{(first.month - 1) // 3 + 1}"
                passed = bool(rng.random() < PASS_SHARE)
                assessed = held + int(rng.integers(2, 26))
                score = int(rng.integers(70, 99)) if passed else int(rng.integers(35, 60))
                rows.append((n, course_id, 1, held, assessed, score, passed))  # type: ignore[arg-type]
                if not passed:
                    again = assessed + int(rng.integers(7, 20))
                    second = bool(rng.random() < 0.85)
                    score = int(rng.integers(62, 90)) if second else int(rng.integers(40, 60))
                    rows.append((n, course_id, 2, again, again + 3, score, second))  # type: ignore[arg-type]
    rows = [row for row in rows if row[4] <= end]
    assessed_days = np.array([row[4] for row in rows], dtype=np.int64)
    return pl.DataFrame(
        {
            "delivery": settings.delivery_of(assessed_days),
            "collector_id": [collectors.collector_id[row[0]] for row in rows],  # type: ignore[call-overload]
            "course_id": [row[1] for row in rows],
            "attempt_no": [row[2] for row in rows],
            "training_day": [row[3] for row in rows],
            "assessed_day": [row[4] for row in rows],
            "score": [row[5] for row in rows],
            "is_passed": [row[6] for row in rows],
        }
    ).sort("assessed_day", "collector_id", "course_id", "attempt_no")


def make_targets(settings: Settings, collectors: Collectors, monthly_cents: int) -> pl.DataFrame:
    """Make the targets: the company's five per quarter, teams' own, cash per collector and month.

    Returns:
        ``delivery``, canonical columns, ``target_value`` as text.
    """
    rows: list[tuple[date, str, str, str, str, str]] = []
    company = {
        "recovery_rate": "0.95",
        "average_collection_days": "30",
        "bad_debt_rate": "0.01",
        "satisfaction_score": "85",
        "training_pass_rate": "0.90",
    }
    first = settings.month_starts[0]
    quarter = first.replace(month=(first.month - 1) // 3 * 3 + 1)
    teams = sorted({team for team in collectors.team if team != "LEGAL"})
    while quarter <= settings.end_date:
        rows += [(quarter, "quarter", "company", "all", m, v) for m, v in company.items()]
        for n, team in enumerate(teams):
            rows.append((quarter, "quarter", "team", team, "recovery_rate", f"0.{94 + n % 3}"))
            rows.append((quarter, "quarter", "team", team, "promise_kept_rate", "0.65"))
        quarter = add_months(quarter, 3)
    workers = np.flatnonzero(collectors.role == "collector")
    share = monthly_cents // 100 // max(len(workers), 1) // 1000 * 1000
    for n, month in enumerate(settings.month_starts):
        for worker in workers:
            if day_number(month) <= collectors.left[worker]:
                goal = share * (100 + n) // 100
                rows.append(
                    (
                        month,
                        "month",
                        "collector",
                        str(collectors.collector_id[worker]),
                        "collected_amount",
                        f"{goal}.00",
                    )
                )
    # Targets are set before their period; the first ones come with the opening delivery.
    known = np.array([day_number(row[0]) - 1 for row in rows], dtype=np.int64)
    return pl.DataFrame(
        {
            "delivery": settings.delivery_of(known),
            "period_start": [row[0] for row in rows],
            "period_type": [row[1] for row in rows],
            "scope_type": [row[2] for row in rows],
            "scope_id": [row[3] for row in rows],
            "measure": [row[4] for row in rows],
            "target_value": [row[5] for row in rows],
        }
    )


class LedgerBalances:
    """Sums what delivered rows do to the receivables, so that the ledger's balances can be stated.

    Balances are stated for every delivery date and every month end before it.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare an empty ledger."""
        days = {int(day) for day in settings.deliveries}
        days |= {day_number(month_end(day)) for day in settings.month_starts}
        first = settings.month_starts[0]
        days.add(day_number(month_end(add_months(first, -1))))
        self._days = np.array(sorted(days), dtype=np.int64)
        self._deliveries = settings.deliveries
        self._sums: dict[tuple[str, str], np.ndarray[tuple[int, int], np.dtype[np.int64]]] = {}

    def add(self, balances: pl.DataFrame) -> None:
        """Add rows of ``delivery``, ``company_code``, ``currency_code``, ``day``, ``cents``."""
        balances = balances.filter(pl.col("delivery") < len(self._deliveries))
        for (company, currency), rows in balances.group_by(
            "company_code", "currency_code", maintain_order=True
        ):
            key = (str(company), str(currency))
            shape = (len(self._deliveries), len(self._days) + 1)
            sums = self._sums.setdefault(key, np.zeros(shape, dtype=np.int64))
            at = np.searchsorted(self._days, rows["day"].to_numpy(), side="left")
            np.add.at(sums, (rows["delivery"].to_numpy(), at), rows["cents"].to_numpy())

    def statements(self) -> pl.DataFrame:
        """State each balance when it is first known and whenever later rows change it.

        Returns:
            ``delivery``, ``company_code``, ``currency_code``, ``balance_day``, ``cents``.
        """
        rows: list[tuple[int, str, str, int, int]] = []
        for (company, currency), sums in sorted(self._sums.items()):
            known = np.cumsum(np.cumsum(sums, axis=0), axis=1)[:, :-1]
            for day_index, day in enumerate(self._days):
                stated: int | None = None
                for delivery, delivery_day in enumerate(self._deliveries):
                    cents = int(known[delivery, day_index])
                    if day <= delivery_day and cents != stated:
                        rows.append((delivery, company, currency, int(day), cents))
                        stated = cents
        return pl.DataFrame(
            rows,
            schema=["delivery", "company_code", "currency_code", "balance_day", "cents"],
            orient="row",
        ).sort("delivery", "balance_day", "company_code", "currency_code")


__all__ = [
    "NEVER",
    "LedgerBalances",
    "date_of",
    "make_rates",
    "make_surveys",
    "make_targets",
    "make_trainings",
]
