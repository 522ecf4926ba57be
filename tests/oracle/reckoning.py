"""One company reckoned up: every mart the oracle knows, keyed as the warehouse keys its rows.

Only gathers; every formula is in its subject's module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import (
    allowance,
    attribution,
    bad_debt,
    compliance,
    credit,
    expectations,
    forecast,
    incentives,
    migration,
    performance,
    promises,
    scorecard,
    shift,
    strategy,
    success,
    targets,
    turnover,
)
from tests.oracle.arithmetic import (
    Period,
    Ratio,
    add_months,
    month_end,
    month_start,
    periods_until,
)
from tests.oracle.balances import open_items
from tests.oracle.cash import Cash, cash_on_documents, local_date
from tests.oracle.conversion import Rates
from tests.oracle.inputs import Bucket, Extracts, Parameters, Row, Seeds
from tests.oracle.journal import ZERO, Journal, journal
from tests.oracle.scopes import (
    UNASSIGNED,
    Scope,
    company_of,
    customers_known,
    first_day,
    scoped,
    teams_owning,
)
from tests.oracle.versions import LEDGER_KEY, documents, in_force, last_told, latest, payments

ROLLING = "days_sales_outstanding_rolling_3m"


@dataclass(frozen=True)
class Measured:
    """The rates and amounts of one scope and period."""

    scope: Scope
    period: Period
    rates: Mapping[str, Ratio]
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True)
class History:
    """What was open in a company when its months began, and what they brought of it."""

    told: Sequence[expectations.Opening]
    rate_of: Callable[[date, str, str], Ratio]
    months: Sequence[date]
    history_months: int
    team_of: Callable[[str], str]

    @cached_property
    def expected(self) -> Mapping[date, Mapping[str, expectations.Expectation]]:
        """What was expected, by month and collector."""
        return {
            month: expectations.expected_by_collector(self.told, month, self.rate_of)
            for month in self.months
        }

    def expected_by_team(self, month: date) -> Mapping[str, tuple[int, expectations.Expectation]]:
        """The same by team of today."""
        return expectations.expected_by_team(self.expected[month], self.team_of)

    def openings_and_after(self) -> Mapping[tuple[date, str, str], tuple[Decimal, Decimal]]:
        """Opening balance and cash of it, by month, grade (or `all`) and bucket.

        A place that had a balance is told of in the months whose history it is, too.
        """
        sums: dict[tuple[date, str, str], tuple[Decimal, Decimal]] = {}
        for line in self.told:
            for grade in (line.credit_grade, expectations.ALL_GRADES):
                for later in range(self.history_months + 1):
                    month = add_months(line.month, later)
                    if month > self.months[-1]:
                        break
                    place = (month, grade, line.aging_bucket)
                    opening, collected = sums.get(place, (ZERO, ZERO))
                    if not later:
                        opening += line.opening_amount
                        collected += line.collected_amount
                    sums[place] = opening, collected
        return sums


def _segment_of(scope: Scope) -> str:
    """The segment by which roll rates are told: `all` is the whole company."""
    return allowance.WHOLE if scope.scope_type == "company" else scope.scope_id


@dataclass(frozen=True)
class Reckoning:
    """What the oracle says of one company, as asked and as known by one run."""

    company_code: str
    extracts: Extracts
    parameters: Parameters
    seeds: Seeds

    @cached_property
    def whole_book(self) -> Journal:
        """The journal of all companies in the extracts, as known by the run."""
        return journal(self.extracts, self.parameters)

    @cached_property
    def book(self) -> Journal:
        """The company's own part of it."""
        return company_of(self.whole_book, self.company_code)

    def book_known_at(self, known_at: datetime) -> Journal:
        """The journal as known at another instant."""
        if known_at not in self._books:
            book = journal(self.extracts, self.parameters, known_at)
            self._books[known_at] = company_of(book, self.company_code)
        return self._books[known_at]

    @cached_property
    def _books(self) -> dict[datetime, Journal]:
        """The journals that were asked for, by the instant at which they were known."""
        return {}

    @cached_property
    def buckets(self) -> Sequence[Bucket]:
        """The bucket sets."""
        return self.seeds.buckets()

    @cached_property
    def cash(self) -> Sequence[Cash]:
        """Cash on documents up to the as-of date."""
        return cash_on_documents(self.extracts, self.parameters, self.book)

    @cached_property
    def periods(self) -> Sequence[Period]:
        """The periods from the company's first booking to the as-of date."""
        start = first_day(self.book, self.parameters.as_of_date)
        return [] if start is None else periods_until(start, self.parameters.as_of_date)

    def scopes(self) -> Sequence[tuple[Scope, Journal, Sequence[Cash]]]:
        """The company, its segments, regions, teams and customers: their journals and cash."""
        return self._scopes

    @cached_property
    def _scopes(self) -> Sequence[tuple[Scope, Journal, Sequence[Cash]]]:
        customers = customers_known(self.extracts, self.parameters)
        teams = teams_owning(self.extracts, self.parameters)
        result = []
        for scope, book in scoped(self.book, self.company_code, customers, teams).items():
            within = {movement.customer_id for movement in book.movements}
            result.append((scope, book, [p for p in self.cash if p.facts.customer_id in within]))
        return result

    @cached_property
    def turnover(self) -> Sequence[Measured]:
        """Turnover by period and scope."""
        return [
            Measured(
                scope,
                period,
                turnover.turnover(book, cash, period, self.periods_start)
                | turnover.counted_back(book, period, self.periods)
                | turnover.weighted_by_sales(book, period, self.periods_start),
                turnover.amounts(book, cash, period),
            )
            for scope, book, cash in self.scopes()
            for period in self.periods
        ]

    @cached_property
    def bad_debt(self) -> Sequence[Measured]:
        """Recovery and bad debt by period and scope."""
        return [
            Measured(
                scope,
                period,
                *bad_debt.bad_debt(book, cash, period, self.parameters.as_of_date),
            )
            for scope, book, cash in self.scopes()
            for period in self.periods
        ]

    def recovery_by_vintage(
        self,
    ) -> Iterator[tuple[Scope, date, tuple[Decimal, Decimal, Ratio, Ratio]]]:
        """What came back of what was written off, by scope and month of write-off."""
        for scope, book, _ in self.scopes():
            if scope.scope_type in ("company", "segment"):
                lines = bad_debt.recovery_by_vintage(book, self.parameters.as_of_date)
                for month, line in lines.items():
                    yield scope, month, line

    @property
    def periods_start(self) -> date:
        """The first month of the books."""
        return min(period.start for period in self.periods if period.kind == "month")

    def allowance_by_bucket(
        self,
    ) -> Iterator[tuple[Period, str, str, str, allowance.Line]]:
        """What every method asks for by month, segment and bucket."""
        for segment, allowances in self._allowances.items():
            for month in allowances.months:
                for method, bucket_set in self.allowance_methods.items():
                    lines = allowances.required(method, bucket_set, month)
                    for bucket, line in lines.items():
                        yield month, method, segment, bucket, line

    def allowance_roll_forward(
        self,
    ) -> Iterator[tuple[Period, str, str, allowance.RollForward]]:
        """How every method's allowance moves by month and segment."""
        for segment, allowances in self._allowances.items():
            for method, bucket_set in self.allowance_methods.items():
                lines = allowance.roll_forward(allowances, method, bucket_set)
                for month, line in lines.items():
                    yield month, method, segment, line

    def allowance_back_test(
        self,
    ) -> Iterator[tuple[str, Period, str, str, allowance.BackTest]]:
        """The allowances of months that are over, on what is known now and what was known then."""
        as_of_date = self.parameters.as_of_date
        for month in self._months:
            if month.end == month_end(month.start):
                for segment, now in self._allowances.items():
                    for method, line in allowance.back_test(
                        now, now.book, month, self.allowance_methods, as_of_date
                    ):
                        yield "now", month, segment, method, line
        customers = customers_known(self.extracts, self.parameters)
        for month, book in self.months_known_then():
            losses = self.losses_known_then(month, book)
            for scope, then in scoped(book, self.company_code, customers, {}).items():
                if scope.scope_type == "segment":
                    for method, line in allowance.back_test(
                        self._allowance_of(scope.scope_id, then, month.end, losses),
                        self.book,
                        month,
                        self.allowance_methods,
                        as_of_date,
                    ):
                        yield "then", month, scope.scope_id, method, line

    def months_known_then(self) -> Iterator[tuple[Period, Journal]]:
        """The months that are over, at whose end anything was known, and what the journal told."""
        for month in self._months:
            if month.end != month_end(month.start):
                continue
            known_at = min(self._end_of(month.end), self.parameters.known_at)
            if any(
                row["_recorded_at"] <= known_at
                for row in (*self.extracts.ledger, *self.extracts.payments)
                if row["company_code"] == self.company_code
            ):
                yield month, self.book_known_at(known_at)

    @cached_property
    def allowance_methods(self) -> Mapping[str, str]:
        """The allowance methods, each with its bucket set, which is empty where it has none."""
        return {
            row["allowance_method"]: row["bucket_set"]
            for row in self.seeds.rows("allowance_methods")
        }

    @cached_property
    def _allowances(self) -> Mapping[str, allowance.Allowances]:
        known_on = local_date(self.parameters.known_at, self.parameters.timezone)
        return {
            scope.scope_id: self._allowance_of(scope.scope_id, book, known_on, self.losses)
            for scope, book, _ in self.scopes()
            if scope.scope_type == "segment"
        }

    def _allowance_of(
        self,
        segment: str,
        book: Journal,
        known_on: date,
        losses: Mapping[tuple[date, str, str, str], migration.Loss],
    ) -> allowance.Allowances:
        return allowance.Allowances(
            book=book,
            segment=segment,
            months=self._months,
            buckets=self.buckets,
            seeds=self.seeds,
            known_on=known_on,
            loss_rates={
                (month, of, bucket): loss.adjusted
                for (month, of, bucket_set, bucket), loss in losses.items()
                if bucket_set == self.allowance_methods["expected_loss"]
                and loss.adjusted is not None
            },
        )

    def _end_of(self, day: date) -> datetime:
        """The last instant of a business day, naive in UTC."""
        local = datetime.combine(day, time.max, ZoneInfo(self.parameters.timezone))
        return local.astimezone(UTC).replace(tzinfo=None)

    @property
    def _months(self) -> Sequence[Period]:
        return [period for period in self.periods if period.kind == "month"]

    def promises(self) -> Sequence[promises.Promise]:
        """Every promise with its outcome: a customer's promise is to all companies it owes."""
        return self._promises

    @cached_property
    def _promises(self) -> Sequence[promises.Promise]:
        return promises.promises(self.extracts, self.parameters, self.whole_book, self.seeds)

    def attribution(self) -> Sequence[attribution.Attributed]:
        """Every piece of cash by method and collector, with what each earned of it."""
        return attribution.attribute_cash(
            self.extracts, self.parameters, self.cash, self.promises(), self.seeds
        )

    @cached_property
    def breaches(self) -> Sequence[compliance.Breach]:
        """Every contact that breaks a rule, with the rule."""
        customers = customers_known(self.extracts, self.parameters).values()
        zones = {row["timezone"] for row in customers if row.get("timezone")}
        return compliance.breaches(self.extracts, self.parameters, self.seeds, zones)

    @cached_property
    def whole_cash(self) -> Sequence[Cash]:
        """Cash on the documents of all companies up to the as-of date."""
        return cash_on_documents(self.extracts, self.parameters, self.whole_book)

    @cached_property
    def teams(self) -> performance.Teams:
        """Who was in which team."""
        return performance.Teams(self.extracts, self.parameters)

    @cached_property
    def targets(self) -> Mapping[tuple[object, ...], Row]:
        """The plans in force."""
        return performance.targets_known(self.extracts, self.parameters)

    @cached_property
    def work(self) -> Mapping[str, Mapping[performance.Month, performance.Work]]:
        """The work on customers of all companies, by collector and by team."""
        attributed = attribution.attribute_cash(
            self.extracts, self.parameters, self.whole_cash, self.promises(), self.seeds
        )
        of_collectors = performance.by_collector(
            self.extracts, self.parameters, self.promises(), attributed, self.seeds
        )
        of_teams = performance.by_team(self.extracts, self.parameters, of_collectors, self.teams)
        return {"collector": of_collectors, "team": of_teams}

    def planned_cash(self, scope_type: str, scope_id: str, month: date) -> Decimal | None:
        """The month's plan of cash."""
        return performance.planned_cash(scope_type, scope_id, month, self.targets, self.teams)

    def incentives(self) -> Mapping[performance.Month, incentives.Incentive]:
        """What the cash of each month pays its collector."""
        return incentives.incentives(
            self.extracts,
            self.parameters,
            self.work["collector"],
            self.teams,
            self.targets,
            self.breaches,
            self.seeds,
        )

    @cached_property
    def portfolios(self) -> Mapping[str, Sequence[Row]]:
        """Who owned a customer, span by span."""
        spans: dict[str, list[Row]] = {}
        key = ("customer_id", "valid_from")
        for row in in_force(self.extracts.portfolios, key, self.parameters.known_at):
            spans.setdefault(row["customer_id"], []).append(row)
        return spans

    @cached_property
    def collectors(self) -> Mapping[str, Row]:
        """The collectors as last told."""
        known = latest(self.extracts.collectors, ("collector_id",), self.parameters.known_at)
        return {collector_id: row for (collector_id,), row in known.items()}

    def team_of_today(self, collector_id: str) -> str:
        """The team of a collector as last told."""
        if collector_id == attribution.UNATTRIBUTED:
            return attribution.UNATTRIBUTED
        return str(self.collectors.get(collector_id, {}).get("team_id", UNASSIGNED))

    def history(self, grades: Mapping[tuple[str, date], str]) -> History:
        """The company's balances by month with the grades that customers had then."""
        months = [period.start for period in self.periods if period.kind == "month"]
        told = expectations.openings(
            self.extracts, self.parameters, self.book, self.cash, self.buckets, grades, months
        )
        (rules,) = self.seeds.rows("strategy_rules")
        return History(
            told,
            expectations.collection_rates(told, self.seeds),
            months,
            int(rules["expected_history_months"]),
            self.team_of_today,
        )

    def effectiveness(self, history: History) -> Mapping[strategy.Worked, strategy.Effectiveness]:
        """What the work of each month brought, by strategy, channel and grade."""
        return strategy.effectiveness(
            history.told,
            self.cash,
            performance.contacts_until(self.extracts, self.parameters),
            self.collectors,
            history.rate_of,
            self.parameters.as_of_date,
            self.seeds,
        )

    def grades_today(self, first_recorded_at: datetime) -> Mapping[str, credit.Grade]:
        """The grade of every customer in the month of the as-of date."""
        month = month_start(self.parameters.as_of_date)
        return {
            customer_id: grade
            for customer_id, _, grade in credit.grades(
                self.extracts,
                self.parameters,
                self.seeds,
                first_recorded_at,
                [month],
            )
        }

    def assignments(self, grades: Mapping[str, credit.Grade]) -> list[strategy.Assignment]:
        """How every customer of all companies is to be worked."""
        day = self.parameters.as_of_date
        items = open_items(self.whole_book, day)
        return strategy.assignments(items, day, grades, self.portfolios, self.seeds)

    def worklist(self, grades: Mapping[str, credit.Grade]) -> list[strategy.Task]:
        """What is to be done today, the most urgent first."""
        day, known_at = self.parameters.as_of_date, self.parameters.known_at
        return strategy.worklist(
            self.assignments(grades),
            open_items(self.whole_book, day),
            frozenset(
                (row["company_code"], row["document_id"], row["installment_no"])
                for row in in_force(self.extracts.ledger, LEDGER_KEY, known_at)
                if row.get("has_open_dispute")
            ),
            self.promises(),
            self.promised_amount,
            performance.contacts_until(self.extracts, self.parameters),
            grades,
            day,
            self.seeds,
        )

    def promised_amount(self, promise: promises.Promise) -> Decimal | None:
        """The amount promised in reporting currency, at the rate of the day of the promise."""
        return self._rates.convert(
            promise.promised_amount_document, promise.currency_code, promise.promise_date
        )

    @cached_property
    def _rates(self) -> Rates:
        return Rates(
            self.extracts.fx_rates,
            known_at=self.parameters.known_at,
            reporting_currency=self.parameters.reporting_currency,
        )

    @cached_property
    def forecasts(
        self,
    ) -> Mapping[date, tuple[Sequence[forecast.Expected], Mapping[tuple[str, int], forecast.Week]]]:
        """Cash to come as of the run's day and of past month ends, as known when they ended."""
        as_of_date = self.parameters.as_of_date
        rules = forecast.rules_of(self.seeds)
        month = month_start(as_of_date)
        past = [
            month_end(add_months(month, -back))
            for back in range(1, int(rules["past_month_count"]) + 1)
        ]
        known = {day: min(self._end_of(day), self.parameters.known_at) for day in past}
        everything = [row for rows in vars(self.extracts).values() for row in rows]
        first = min(row["_recorded_at"] for row in everything)
        origins = {day: at for day, at in known.items() if first <= at}
        origins[as_of_date] = self.parameters.known_at
        return {
            day: forecast.forecast(self._origin(day, at), self.seeds) for day, at in origins.items()
        }

    def _origin(self, day: date, known_at: datetime) -> forecast.Origin:
        customers = latest(self.extracts.customers, ("customer_id",), known_at)
        book = journal(self.extracts, self.parameters, known_at)
        then = replace(self.parameters, as_of_date=day, known_at=known_at)
        return forecast.Origin(
            day,
            book,
            lambda customer_id: customers.get((customer_id,), {}).get("segment") or UNASSIGNED,
            [
                (promise, self.promised_amount(promise))
                for promise in promises.promises(
                    self.extracts, self.parameters, book, self.seeds, then
                )
            ],
        )

    def success(self) -> dict[tuple[date, str, str], success.Success]:
        """What came of the work on past-due items, by month and scope."""
        return success.success(
            self.extracts,
            self.parameters,
            self.whole_book,
            cash_on_documents(self.extracts, self.parameters, self.whole_book),
            self.promises(),
            self.seeds,
        )

    def scopes_of_aging(self) -> Iterator[tuple[Scope, Journal, Sequence[Cash]]]:
        """The scopes whose aging is followed: all but single customers."""
        for scope, book, cash in self.scopes():
            if scope.scope_type != "customer":
                yield scope, book, cash

    def migrations(
        self,
    ) -> Iterator[
        tuple[Scope, Period, Mapping[migration.Cell, Decimal], Mapping[migration.Cell, Decimal]]
    ]:
        """The migration matrix of every month and scope, and what of its cells was re-aged."""
        months = [period for period in self.periods if period.kind == "month"]
        known = {
            day: migration.due_dates_known(self.extracts, self.parameters, day)
            for month in months
            for day in (month.day_before, month.end)
        }
        for scope, book, _ in self.scopes_of_aging():
            for month in months:
                yield (
                    scope,
                    month,
                    migration.matrix(book, month, self.buckets),
                    migration.re_aged(
                        book, month, self.buckets, known[month.day_before], known[month.end]
                    ),
                )

    @cached_property
    def losses(self) -> Mapping[tuple[date, str, str, str], migration.Loss]:
        """What roll rates foretell, by month that is over, segment (or `all`), set and bucket."""
        matrices: dict[str, dict[date, Mapping[migration.Cell, Decimal]]] = {}
        for scope, month, cells, _ in self.migrations():
            if (
                cells
                and scope.scope_type in ("company", "segment")
                and month.end == month_end(month.start)
            ):
                matrices.setdefault(_segment_of(scope), {})[month.start] = cells
        return {
            (month, segment, name, bucket): loss
            for segment, months in matrices.items()
            for month in months
            for (name, bucket), loss in self._losses_of(matrices, segment, month)
        }

    def _losses_of(
        self,
        matrices: Mapping[str, Mapping[date, Mapping[migration.Cell, Decimal]]],
        segment: str,
        month: date,
    ) -> Iterator[tuple[tuple[str, str], migration.Loss]]:
        """What is expected to be lost of every bucket of a segment at a month's end."""
        history = migration.first_opening(matrices.get(allowance.WHOLE, {}))
        for name, of_set in migration.sets_of(self.buckets).items():
            of_segment = matrices.get(segment, {})
            losses = migration.losses(of_segment, month, of_set, self.seeds, segment, history)
            for bucket, loss in losses.items():
                yield (name, bucket), loss

    def losses_known_then(
        self, month: Period, book: Journal
    ) -> Mapping[tuple[date, str, str, str], migration.Loss]:
        """What roll rates foretold when a month was over, on the journal as it was known then.

        Not of this month alone: what rolled in the months before it is what was known of them at
        this month's end, too.

        Source: measures, section 4 (back-test on what was known then).
        """
        start = first_day(book, month.end)
        if start is None:
            return {}
        customers = customers_known(self.extracts, self.parameters)
        matrices = {
            _segment_of(scope): {
                earlier.start: migration.matrix(part, earlier, self.buckets)
                for earlier in periods_until(start, month.end)
                if earlier.kind == "month"
            }
            for scope, part in scoped(book, self.company_code, customers, {}).items()
            if scope.scope_type in ("company", "segment")
        }
        return {
            (month.start, segment, *place): loss
            for segment in matrices
            for place, loss in self._losses_of(matrices, segment, month.start)
        }

    def shifts(self) -> Iterator[tuple[Scope, str, Mapping[Period, shift.Shift]]]:
        """The aging shift of every scope and bucket set."""
        months = [period for period in self.periods if period.kind == "month"]
        for scope, book, _ in self.scopes_of_aging():
            for name, of_set in migration.sets_of(self.buckets).items():
                yield scope, name, shift.shifts(book, months, of_set, self.seeds)

    def vintages(self) -> Iterator[tuple[Scope, Mapping[date, shift.Vintage]]]:
        """The vintages of every scope."""
        for scope, book, cash in self.scopes_of_aging():
            yield scope, shift.vintages(book, cash, self.parameters.as_of_date, self.seeds)


@dataclass(frozen=True)
class Group:
    """Companies side by side, and the people who work for all of them."""

    together: Reckoning
    companies: Mapping[str, Reckoning]

    @cached_property
    def scorecard(self) -> Mapping[tuple[scorecard.Place, Period, str], scorecard.Judged]:
        """The scorecard of every company, of the group where there are several, and of teams."""
        together = self.together
        people = {
            "payments": payments(together.extracts, together.parameters.known_at),
            "contact_log": self._people.contacts,
            "surveys": self._people.surveys,
            "trainings": self._people.trainings,
        }
        return scorecard.judge(
            self._measured,
            list(together.targets.values()),
            frozenset(name for name, rows in people.items() if rows),
            together.seeds,
        )

    @property
    def _books_start(self) -> date:
        """The first month of the group's books: that of its first company."""
        return min(reckoning.periods_start for reckoning in self.companies.values())

    @cached_property
    def _people(self) -> scorecard.People:
        together = self.together
        return scorecard.People(
            together.promises(),
            performance.contacts_until(together.extracts, together.parameters),
            performance.surveys_until(together.extracts, together.parameters),
            performance.trainings_until(together.extracts, together.parameters),
        )

    @cached_property
    def _measured(self) -> Mapping[tuple[scorecard.Place, Period], dict[str, scorecard.Line]]:
        result: dict[tuple[scorecard.Place, Period], dict[str, scorecard.Line]] = {}
        group = scorecard.ALL if len(self.companies) > 1 else next(iter(self.companies))
        of_group: dict[tuple[scorecard.Place, Period, str], list[scorecard.Line]] = {}
        periods: set[Period] = set()
        for code, reckoning in self.companies.items():
            periods.update(reckoning.periods)
            for scope, period, measure, line in self._of_books(reckoning):
                if scope.scope_type == "company":
                    place = scorecard.Place(code, "company", code)
                    result.setdefault((place, period), {})[measure] = line
                if not measure.startswith(scorecard.NOT_SUMMABLE) or len(self.companies) == 1:
                    scope_id = group if scope.scope_type == "company" else scope.scope_id
                    whole = scorecard.Place(group, scope.scope_type, scope_id)
                    of_group.setdefault((whole, period, measure), []).append(line)
            own = self.people_of(code)
            for period in reckoning.periods:
                self._add_people(result, scorecard.Place(code, "company", code), period, own)
        for (place, period, measure), parts in of_group.items():
            if place.scope_type == "company" and len(self.companies) == 1:
                continue
            if place.scope_type == "team" and place.scope_id not in self._team_ids:
                continue
            whole_line = parts[0] if len(self.companies) == 1 else scorecard.summed(parts)
            result.setdefault((place, period), {})[measure] = whole_line
        for (place, period), lines in result.items():
            if place.company_code == scorecard.ALL and "turnover_days" in lines:
                turned = lines["receivables_turnover"]
                days = scorecard.days_of(turned.rate, period)
                sold, average = turned.parts
                told = (None if average is None else average * period.days, sold)
                lines["turnover_days"] = scorecard.Line(days, turned.is_rate_missing, told)
            rolling = lines.get(ROLLING)
            if place.company_code == scorecard.ALL and rolling is not None:
                rate = turnover.from_history(rolling.rate, period, self._books_start)
                lines[ROLLING] = replace(rolling, rate=rate)
        working = {
            scorecard.Place(group, "team", team_id): self._team(team_id)
            for team_id in self._team_ids
        }
        if len(self.companies) > 1:
            working[scorecard.Place(group, "company", group)] = self._people
        for place, people in working.items():
            for period in periods:
                self._add_people(result, place, period, people)
        return result

    def _add_people(
        self,
        result: dict[tuple[scorecard.Place, Period], dict[str, scorecard.Line]],
        place: scorecard.Place,
        period: Period,
        people: scorecard.People,
    ) -> None:
        lines = result.setdefault((place, period), {})
        for measure, rate in people.measures(period, self.together.seeds):
            lines[measure] = scorecard.Line(rate, is_rate_missing=False)

    def _of_books(
        self, reckoning: Reckoning
    ) -> Iterator[tuple[Scope, Period, str, scorecard.Line]]:
        as_of_date = reckoning.parameters.as_of_date
        books = {
            scope: book
            for scope, book, _ in reckoning.scopes()
            if scope.scope_type in ("company", "team")
        }
        told: dict[Scope, list[tuple[Measured, bool]]] = {}
        for is_of_turnover, lines in ((True, reckoning.turnover), (False, reckoning.bad_debt)):
            for measured in lines:
                if measured.scope in books:
                    is_missing = scorecard.lacks_rate(
                        books[measured.scope],
                        measured.period,
                        is_of_turnover=is_of_turnover,
                        as_of_date=as_of_date,
                    )
                    told.setdefault(measured.scope, []).append((measured, is_missing))
        for scope, of_scope in told.items():
            # A scope in which nothing ever was, such as unapplied cash of an hour, is not told of.
            if any(is_missing or any(line.amounts.values()) for line, is_missing in of_scope):
                for measured, is_missing in of_scope:
                    for measure, rate in measured.rates.items():
                        parts = turnover.told_parts(measure, rate, measured.period)
                        line = scorecard.Line(rate, is_missing, parts)
                        yield scope, measured.period, measure, line

    @cached_property
    def _team_ids(self) -> frozenset[str]:
        planned = {
            row["scope_id"] for row in self.together.targets.values() if row["scope_type"] == "team"
        }
        return frozenset(planned | self.together.teams.names())

    @cached_property
    def _people_of_teams(self) -> Mapping[str, scorecard.People]:
        """What the members of each month did; an answer is that of the customer's owner."""
        together, people = self.together, self._people
        found: dict[str, tuple[list[Any], list[Any], list[Any], list[Any]]] = {}

        def of(collector_id: str, day: date) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
            team_id = together.teams.of(collector_id, month_start(day))
            return found.setdefault(team_id, ([], [], [], []))

        for promise in people.promises:
            of(promise.collector_id, promise.promised_date)[0].append(promise)
        for day, row in people.contacts:
            of(row["collector_id"], day)[1].append((day, row))
        for day, row in people.surveys:
            spans = together.portfolios.get(row["customer_id"], [])
            of(attribution.portfolio_owner(spans, day), day)[2].append((day, row))
        for row in people.trainings:
            of(row["collector_id"], row["assessed_date"])[3].append(row)
        return {team_id: scorecard.People(*lists) for team_id, lists in found.items()}

    def _team(self, team_id: str) -> scorecard.People:
        return self._people_of_teams.get(team_id, scorecard.People([], [], [], []))

    @cached_property
    def booked(self) -> Mapping[str, frozenset[str]]:
        """The customers whom each company's ledger or payments name."""
        known_at = self.together.parameters.known_at
        rows = [
            *documents(self.together.extracts, known_at),
            *payments(self.together.extracts, known_at),
        ]
        return {
            code: frozenset(row.customer_id for row in rows if row.company_code == code)
            for code in self.companies
        }

    def people_of(self, company_code: str) -> scorecard.People:
        """What was done with a company's customers; one whom no books name is everybody's."""
        booked = self.booked[company_code]
        elsewhere = frozenset[str]().union(*self.booked.values())
        ledger = last_told(
            self.together.extracts.ledger, LEDGER_KEY, self.together.parameters.known_at
        )

        def is_own(customer_id: str) -> bool:
            return customer_id in booked or customer_id not in elsewhere

        def promised_to(promise: promises.Promise) -> bool:
            """A promise on a document is to the company whose document it is."""
            if promise.document_id is None:
                return True
            codes = {
                row["company_code"]
                for row, _ in ledger
                if (row["customer_id"], row["document_id"])
                == (promise.customer_id, promise.document_id)
            }
            return len(codes) != 1 or company_code in codes

        people = self._people
        return scorecard.People(
            [p for p in people.promises if is_own(p.customer_id) and promised_to(p)],
            [(day, row) for day, row in people.contacts if is_own(row["customer_id"])],
            [(day, row) for day, row in people.surveys if is_own(row["customer_id"])],
            people.trainings,
        )

    @cached_property
    def progress(self) -> Mapping[tuple[object, ...], targets.Progress]:
        """Every plan, by period, scope and measure, with what came of it."""
        together = self.together
        return {
            key: targets.progress(row, self._actual, together.parameters.as_of_date, together.seeds)
            for key, row in together.targets.items()
        }

    @property
    def _group_id(self) -> str:
        return scorecard.ALL if len(self.companies) > 1 else next(iter(self.companies))

    def _actual(self, target: Row, whole: Period) -> targets.Actual:
        """What was reached of a plan so far.

        Of companies and teams the scorecard says what it measures, the books what they sum;
        collectors work for all companies, so that no single company of several has their sums.
        """
        measure, scope_type, scope_id = (target[n] for n in ("measure", "scope_type", "scope_id"))
        as_of_date = self.together.parameters.as_of_date
        is_company, is_group = scope_type == "company", False
        if is_company:
            scope_id = self._group_id if scope_id == scorecard.ALL else scope_id
            is_group = scope_id == self._group_id
        running = Period(whole.kind, whole.start, min(whole.end, as_of_date))
        company_code = scope_id if is_company else self._group_id
        place = scorecard.Place(company_code, scope_type, scope_id)
        line = self._measured.get((place, running), {}).get(measure)
        if line is not None:
            if measure in scorecard.EXTRACT_OF and not self._is_present(measure):
                return targets.UNTOLD
            if line.is_rate_missing:
                return None, "not_applicable", line.parts
            return line.rate.value, line.rate.status, line.parts
        if measure in targets.BOOK_AMOUNTS and (is_company or measure != "collected_amount"):
            return self._booked_amount(measure, place, running)
        if measure in ("success_rate", "success_rate_by_amount"):
            return targets.UNTOLD
        if is_company and not is_group:
            return targets.UNTOLD
        work = self.together.work["collector" if scope_type == "collector" else "team"]
        sums = targets.summed_work(work, None if is_company else {scope_id}, whole)
        if measure in targets.WORK_SUMS:
            if sums is None:
                return targets.nothing_reached()
            return targets.amount_reached(sums[measure])
        if sums is None:
            return targets.UNTOLD
        rates = performance.rates(sums, None, self.together.seeds)
        if measure not in rates:
            return targets.UNTOLD
        return targets.of_ratio(rates[measure])

    def _is_present(self, measure: str) -> bool:
        together, people = self.together, self._people
        rows: Mapping[str, Sequence[object]] = {
            "payments": payments(together.extracts, together.parameters.known_at),
            "contact_log": people.contacts,
            "surveys": people.surveys,
            "trainings": people.trainings,
        }
        return bool(rows[scorecard.EXTRACT_OF[measure]])

    def _booked_amount(
        self, measure: str, place: scorecard.Place, running: Period
    ) -> targets.Actual:
        """An amount of the books, of one company, of all, or of a team in all of them."""
        if place.scope_type == "collector":
            return targets.UNTOLD
        name = targets.BOOK_AMOUNTS[measure]
        is_of_turnover = "write_off" not in name
        amounts = []
        for code, reckoning in self.companies.items():
            if place.scope_type == "company" and place.scope_id not in (code, scorecard.ALL):
                continue
            scope_id = code if place.scope_type == "company" else place.scope_id
            books = {scope: book for scope, book, _ in reckoning.scopes()}
            scope = Scope(code, place.scope_type, scope_id)
            for line in reckoning.turnover if is_of_turnover else reckoning.bad_debt:
                if line.scope == scope and line.period == running:
                    if scorecard.lacks_rate(
                        books[scope],
                        running,
                        is_of_turnover=is_of_turnover,
                        as_of_date=reckoning.parameters.as_of_date,
                    ):
                        return targets.UNTOLD
                    amounts.append(line.amounts[name])
        if not amounts and place.scope_type == "company":
            return targets.UNTOLD
        return targets.amount_reached(sum(amounts, ZERO))
