"""What is divided by nothing: what zeros/README.md works out by hand, from marts and oracle."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.builds import build_warehouse
from tests.oracle import credit, forecast
from tests.oracle.arithmetic import round_ratio
from tests.oracle.inputs import Extracts, Parameters, Seeds
from tests.oracle.reckoning import Group, Reckoning
from tests.properties.lake import read_lake
from tests.warehouse import end_of_day, fetch, write_lake
from tests.worked_company.company import FOLDER, as_text, deliveries, expected

ZEROS = FOLDER / "zeros"
AS_OF_DATE = date(2026, 5, 31)
PARAMETERS = Parameters(AS_OF_DATE, end_of_day(AS_OF_DATE))
SEEDS = Seeds(own=ZEROS / "seeds")


def by_hand(name: str, columns: list[str] | None = None) -> list[tuple[str, ...]]:
    """Expected rows, or some columns of them."""
    rows = expected(name, ZEROS)
    return sorted(tuple(row[column] for column in columns or row) for row in rows)


# -- the oracle -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Extracts:
    home = tmp_path_factory.mktemp("zeros_lake")
    write_lake(home, deliveries(ZEROS))
    return read_lake(home)


@pytest.fixture(scope="module")
def reckoning(extracts: Extracts) -> Reckoning:
    return Reckoning("main", extracts, PARAMETERS, SEEDS)


def test_the_oracle_lifts_as_the_page(reckoning: Reckoning) -> None:
    nobody_is_graded: dict[tuple[str, date], str] = {}
    found = []
    for month, by_collector in reckoning.history(nobody_is_graded).expected.items():
        for collector, line in by_collector.items():
            lift = line.lift
            found.append(
                (
                    *(month, collector, line.assigned, line.without_rate, line.expected),
                    *(line.collected, lift.numerator, lift.denominator, lift.value, lift.status),
                )
            )
    assert as_text(found) == by_hand("expected_cash_by_collector_month")


def test_the_oracle_judges_past_forecasts_as_the_page(reckoning: Reckoning) -> None:
    found = []
    for origin, (items, weeks) in reckoning.forecasts.items():
        if origin < AS_OF_DATE:
            ((_, line),) = forecast.accuracy(
                origin, items, weeks, reckoning.whole_cash, AS_OF_DATE, SEEDS
            ).items()
            told = (line.week_count, line.forecast, line.actual)
            for rate in (line.error, line.bias, line.coverage):
                told += (rate.value, rate.status)
            found.append((origin, *told))
    columns = ["origin_date", "week_count", "forecast_amount", "actual_amount"]
    for name in ("weighted_absolute_error", "bias", "interval_coverage"):
        columns += [f"{name}_rate", f"{name}_rate_status"]
    assert as_text(found) == by_hand("cash_forecast_accuracy", columns)


def test_the_oracle_judges_plans_as_the_page(reckoning: Reckoning) -> None:
    found = [
        (
            *(line.period.start, line.period.kind, scope_id, measure),
            *(line.to_date, eight_decimals(line.actual), line.status, line.run_rate),
            *(eight_decimals(line.projected), line.target_status, line.projected_status),
        )
        for (*_, scope_id, measure), line in Group(reckoning, {"main": reckoning}).progress.items()
    ]
    columns = ["period_start", "period_type", "scope_id", "measure"]
    columns += ["target_to_date_value", "actual_value", "actual_status", "run_rate_value"]
    columns += ["projected_value", "target_status", "projected_status"]
    assert as_text(found) == by_hand("targets_by_period", columns)


def eight_decimals(value: Decimal | None) -> Decimal | None:
    return None if value is None else round_ratio(value)


def test_the_oracle_gives_points_for_limits_as_the_page(extracts: Extracts) -> None:
    months = [date(2026, month, 1) for month in range(1, 6)]
    first = end_of_day(date(2026, 1, 31))
    found = [
        (
            *(customer_id, month, grade.credit_grade, grade.balance_amount),
            *(grade.credit_limit_amount, grade.points["limit_utilisation"]),
        )
        for customer_id, month, grade in credit.grades(extracts, PARAMETERS, SEEDS, first, months)
    ]
    columns = ["customer_id", "month_start", "credit_grade", "limit_utilisation_rate_numerator"]
    columns += ["limit_utilisation_rate_denominator", "limit_utilisation_points"]
    assert as_text(found) == by_hand("credit_grades_by_customer_month", columns)


# -- the warehouse ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zeros(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything delivered, asked on 31 May."""
    return build_warehouse(
        tmp_path_factory.mktemp("zeros"),
        deliveries(ZEROS),
        as_of_date=AS_OF_DATE,
        known_at=PARAMETERS.known_at,
        seeds=SEEDS.own,
    )


@pytest.mark.warehouse
@pytest.mark.parametrize(
    "mart",
    [
        "expected_cash_by_collector_month",
        "cash_forecast_accuracy",
        "targets_by_period",
        "credit_grades_by_customer_month",
    ],
)
def test_the_warehouse_fills_the_mart_as_the_page(zeros: Path, mart: str) -> None:
    columns = list(expected(mart, ZEROS)[0])
    rows = fetch(zeros, f"select {', '.join(columns)} from marts.{mart}")  # noqa: S608
    assert as_text(rows) == by_hand(mart)


@pytest.mark.warehouse
def test_every_proof_of_the_company_closes(zeros: Path) -> None:
    rows = fetch(zeros, "select is_closed, count(*) from marts.proofs group by all")
    assert [is_closed for is_closed, _ in rows] == [True]
