"""What the finance and people departments keep: rates, targets, balances, surveys, trainings.

All of it is small. The general ledger's receivable balances are summed here from what each
delivered row does to the receivables, per company and currency, as the ledger knew them at each
delivery; a balance that later rows change is stated again.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.sample.parties import Collectors, Customers
from ingest.sample.settings import Settings, add_months, day_number, month_end

COURSES = ("negotiation", "compliance", "credit-law", "systems")

#: Levels to which the rates are drawn back, CNY for one unit.
_RATE_LEVELS = {"EUR": 7.82, "USD": 7.18}
_MEAN_SCORE = 86.6
_PASS_SHARE = 0.90

_COMPANY_TARGETS = {
    "recovery_rate": "0.95",
    "average_collection_days": "30",
    "bad_debt_rate": "0.01",
    "satisfaction_score": "85",
    "training_pass_rate": "0.90",
}


def make_rates(settings: Settings) -> pl.DataFrame:
    """Make the rates to CNY of every weekday, from a month before the oldest document.

    Returns:
        ``delivery``, ``rate_date``, ``from_currency``, ``to_currency``, ``scaled``
        (rate × 10,000).
    """
    rng = np.random.default_rng([settings.seed, 30])
    days = np.arange(day_number(settings.start_date) - 125, day_number(settings.end_date) + 1)
    days = days[(days + 3) % 7 < 5]
    frames = []
    for currency, level in _RATE_LEVELS.items():
        walk = np.cumsum(rng.normal(0, 0.0012, len(days)))
        walk -= np.linspace(0, walk[-1] * 0.8, len(days))
        frames.append(
            pl.DataFrame(
                {
                    "delivery": settings.delivery_of(days),
                    "rate_date": days,
                    "from_currency": currency,
                    "to_currency": "CNY",
                    "scaled": np.round(level * np.exp(walk) * 10_000).astype(np.int64),
                }
            )
        )
    return pl.concat(frames).sort("rate_date", "from_currency")


def make_surveys(settings: Settings, customers: Customers) -> pl.DataFrame:
    """Make the satisfaction surveys: some customers each month, scores around the target.

    Returns:
        ``delivery``, ``survey_id``, ``customer_id``, ``instant`` (UTC), ``score``.
    """
    rng = np.random.default_rng([settings.seed, 31])
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    count = max(22 * settings.months, customers.count * settings.months // 13)
    day = np.sort(rng.integers(start, end + 1, count))
    customer = rng.integers(0, customers.count, count)
    quarter = (day - start) // 91
    mood = rng.normal(0, 1.2, int(quarter.max()) + 1)
    score = np.round(rng.normal(_MEAN_SCORE, 9.0, count) + mood[quarter])
    score = np.where(rng.random(count) < 0.03, rng.integers(20, 60, count), score)
    # 01:00 to 10:00 UTC is the working day in the company's zone.
    instant = (day * 86_400 + rng.integers(3_600, 36_000, count)) * 1_000_000
    return (
        pl.DataFrame(
            {
                "delivery": settings.summary_delivery_of(day),
                "customer_id": customers.customer_id.gather(customer),
                "instant": instant,
                "score": np.clip(score, 0, 100).astype(np.int64),
            }
        )
        .filter(pl.Series(customers.onboarded[customer] <= day))
        .with_columns(
            pl.col("instant").cast(pl.Datetime("us")),
            pl.format("SV{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)).alias(
                "survey_id"
            ),
        )
    )


def make_trainings(settings: Settings, collectors: Collectors) -> pl.DataFrame:
    """Make the trainings: two courses a quarter, a second attempt for those who fail.

    Returns:
        ``delivery``, ``collector_id``, ``course_id``, ``attempt_no``, ``training_date``,
        ``assessed_date``, ``score``, ``is_passed``.
    """
    rng = np.random.default_rng([settings.seed, 33])
    rows: list[tuple[str, str, int, int, int, int, bool]] = []
    for quarter, first in enumerate(settings.month_starts[::3]):
        name = f"{first.year}Q{(first.month - 1) // 3 + 1}"
        for course in (COURSES[quarter % 4], COURSES[(quarter + 1) % 4]):
            held = day_number(first) + int(rng.integers(5, 50))
            for person, left in enumerate(collectors.left.tolist()):
                if held > left - 30 or rng.random() < 0.12:
                    continue
                who = str(collectors.collector_id[person])
                assessed = held + int(rng.integers(2, 26))
                passed = bool(rng.random() < _PASS_SHARE)
                score = int(rng.integers(70, 99) if passed else rng.integers(35, 60))
                rows.append((who, f"{course}-{name}", 1, held, assessed, score, passed))
                if not passed:
                    again = assessed + int(rng.integers(7, 20))
                    passed = bool(rng.random() < 0.85)
                    score = int(rng.integers(62, 90) if passed else rng.integers(40, 60))
                    rows.append((who, f"{course}-{name}", 2, again, again + 3, score, passed))
    trainings = pl.DataFrame(
        rows,
        orient="row",
        schema={
            "collector_id": pl.String,
            "course_id": pl.String,
            "attempt_no": pl.Int64,
            "training_date": pl.Int64,
            "assessed_date": pl.Int64,
            "score": pl.Int64,
            "is_passed": pl.Boolean,
        },
    )
    return (
        trainings.with_columns(
            pl.Series(
                "delivery", settings.summary_delivery_of(trainings["assessed_date"].to_numpy())
            )
        )
        .filter(pl.col("delivery") < len(settings.deliveries))
        .sort("assessed_date", "collector_id", "course_id", "attempt_no")
    )


def make_targets(settings: Settings, collectors: Collectors, monthly_cents: int) -> pl.DataFrame:
    """Make the targets: the company's five and the teams' per quarter, cash per collector.

    Args:
        settings: Size and calendar.
        collectors: All people of the teams.
        monthly_cents: What the company collects in an average month.

    Returns:
        ``delivery``, the canonical columns, ``target_value`` as text.
    """
    rows: list[tuple[date, str, str, str, str, str]] = []
    teams = [f"TEAM-{number + 1:02d}" for number in range(settings.team_count)]
    first = settings.month_starts[0]
    quarter = first.replace(month=(first.month - 1) // 3 * 3 + 1)
    while quarter <= settings.end_date:
        rows += [
            (quarter, "quarter", "company", "all", measure, value)
            for measure, value in _COMPANY_TARGETS.items()
        ]
        for number, team in enumerate(teams):
            rate = f"0.{94 + number % 3}"
            rows.append((quarter, "quarter", "team", team, "recovery_rate", rate))
            rows.append((quarter, "quarter", "team", team, "promise_kept_rate", "0.65"))
        quarter = add_months(quarter, 3)
    workers = collectors.having("collector")
    share = monthly_cents // 100_000 // len(workers) * 1000
    for number, month in enumerate(settings.month_starts):
        for worker in workers:
            if day_number(month) <= collectors.left[worker]:
                who, goal = str(collectors.collector_id[int(worker)]), share * (92 + number) // 100
                rows.append((month, "month", "collector", who, "collected_amount", f"{goal}.00"))
    # A target is set the day before its period; the first ones come with the opening delivery.
    known = np.array([day_number(row[0]) - 1 for row in rows])
    return pl.DataFrame(
        rows,
        orient="row",
        schema={
            "period_start": pl.Date,
            "period_type": pl.String,
            "scope_type": pl.String,
            "scope_id": pl.String,
            "measure": pl.String,
            "target_value": pl.String,
        },
    ).with_columns(pl.Series("delivery", settings.delivery_of(known)))


class LedgerBalances:
    """Sums what rows do to the receivables, so that the general ledger can state its balances.

    Balances are stated for every delivery date and every month end, the cut-over included.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare an empty ledger."""
        days = {day_number(month_end(day)) for day in settings.month_starts}
        days.add(day_number(settings.start_date) - 1)
        self._days = np.array(sorted(days | set(settings.deliveries.tolist())))
        self._deliveries = settings.deliveries
        self._sums: dict[tuple[str, str], npt.NDArray[np.int64]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Add delivered rows.

        Args:
            rows: ``delivery``, ``company_code``, ``currency_code``, ``balance_day``,
                ``balance_cents``.
        """
        for (company, currency), some in rows.group_by(
            "company_code", "currency_code", maintain_order=True
        ):
            sums = self._sums.setdefault(
                (str(company), str(currency)),
                np.zeros((len(self._deliveries), len(self._days) + 1), dtype=np.int64),
            )
            day = np.searchsorted(self._days, some["balance_day"].to_numpy())
            np.add.at(sums, (some["delivery"].to_numpy(), day), some["balance_cents"].to_numpy())

    def statements(self) -> pl.DataFrame:
        """State each balance when it is first known, and again whenever later rows change it.

        Returns:
            ``delivery``, ``company_code``, ``currency_code``, ``balance_date``, ``cents``.
        """
        rows: list[tuple[int, str, str, int, int]] = []
        for (company, currency), sums in sorted(self._sums.items()):
            known = np.cumsum(np.cumsum(sums, axis=0), axis=1)
            for column, day in enumerate(self._days.tolist()):
                stated: int | None = None
                for delivery, delivered in enumerate(self._deliveries.tolist()):
                    cents = int(known[delivery, column])
                    if day <= delivered and cents != stated:
                        rows.append((delivery, company, currency, day, cents))
                        stated = cents
        columns = ["delivery", "company_code", "currency_code", "balance_date", "cents"]
        return pl.DataFrame(rows, schema=columns, orient="row").sort(
            "delivery", "balance_date", "company_code", "currency_code"
        )
