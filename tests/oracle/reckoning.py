"""One company reckoned up: every mart the oracle knows, keyed as the warehouse keys its rows.

Only gathers; every formula is in its subject's module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from tests.oracle import (
    allowance,
    attribution,
    bad_debt,
    migration,
    promises,
    shift,
    success,
    turnover,
)
from tests.oracle.arithmetic import Period, Ratio, month_end, periods_until
from tests.oracle.cash import Cash, cash_on_documents, local_date
from tests.oracle.inputs import Bucket, Extracts, Parameters, Seeds
from tests.oracle.journal import Journal, journal
from tests.oracle.scopes import (
    Scope,
    company_of,
    customers_known,
    first_day,
    scoped,
    teams_owning,
)


@dataclass(frozen=True)
class Measured:
    """The rates and amounts of one scope and period."""

    scope: Scope
    period: Period
    rates: Mapping[str, Ratio]
    amounts: Mapping[str, Decimal]


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
        book = journal(self.extracts, self.parameters, known_at)
        return company_of(book, self.company_code)

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

    def scopes(self) -> Iterator[tuple[Scope, Journal, Sequence[Cash]]]:
        """The company, its segments, regions, teams and customers: their journals and cash."""
        customers = customers_known(self.extracts, self.parameters)
        teams = teams_owning(self.extracts, self.parameters)
        for scope, book in scoped(self.book, self.company_code, customers, teams).items():
            within = {movement.customer_id for movement in book.movements}
            yield scope, book, [p for p in self.cash if p.facts.customer_id in within]

    def turnover(self) -> Iterator[Measured]:
        """Turnover by period and scope."""
        for scope, book, cash in self.scopes():
            for period in self.periods:
                yield Measured(
                    scope,
                    period,
                    turnover.turnover(book, cash, period, self.periods_start)
                    | turnover.counted_back(book, period, self.periods)
                    | turnover.weighted_by_sales(book, period, self.periods_start),
                    turnover.amounts(book, cash, period),
                )

    def bad_debt(self) -> Iterator[Measured]:
        """Recovery and bad debt by period and scope."""
        for scope, book, cash in self.scopes():
            for period in self.periods:
                rates, amounts = bad_debt.bad_debt(book, cash, period, self.parameters.as_of_date)
                yield Measured(scope, period, rates, amounts)

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
            if month.end != month_end(month.start):
                continue
            for segment, now in self._allowances.items():
                for method, line in allowance.back_test(
                    now, now.book, month, self.allowance_methods, as_of_date
                ):
                    yield "now", month, segment, method, line
            known_at = min(self._end_of(month.end), self.parameters.known_at)
            if not any(
                row["_recorded_at"] <= known_at
                for row in (*self.extracts.ledger, *self.extracts.payments)
                if row["company_code"] == self.company_code
            ):
                continue
            customers = customers_known(self.extracts, self.parameters)
            book = self.book_known_at(known_at)
            for scope, then in scoped(book, self.company_code, customers, {}).items():
                if scope.scope_type == "segment":
                    for method, line in allowance.back_test(
                        self._allowance_of(scope.scope_id, then, month.end),
                        self.book,
                        month,
                        self.allowance_methods,
                        as_of_date,
                    ):
                        yield "then", month, scope.scope_id, method, line

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
            scope.scope_id: self._allowance_of(scope.scope_id, book, known_on)
            for scope, book, _ in self.scopes()
            if scope.scope_type == "segment"
        }

    def _allowance_of(self, segment: str, book: Journal, known_on: date) -> allowance.Allowances:
        return allowance.Allowances(
            book=book,
            segment=segment,
            months=self._months,
            buckets=self.buckets,
            seeds=self.seeds,
            known_on=known_on,
            loss_rates={},
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
        return promises.promises(self.extracts, self.parameters, self.whole_book, self.seeds)

    def attribution(self) -> Sequence[attribution.Attributed]:
        """Every piece of cash by method and collector, with what each earned of it."""
        return attribution.attribute_cash(
            self.extracts, self.parameters, self.cash, self.promises(), self.seeds
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
