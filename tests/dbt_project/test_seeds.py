"""Every fault of a seed is found by the test of the seeds, and named."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.oracle.inputs import SEEDS
from tests.warehouse import run_dbt

pytestmark = pytest.mark.warehouse

FAULTS = {
    "aging_buckets": [
        ("1-30,2,day,30", "1-30,2,day,95", "overlap: days, 1-30 ends at 95, not before 31-60"),
        ("over 365,7,day,,", "over 365,7,day,999,", "gap: days, nothing holds ages above 999"),
        ("days,61-90,4,", "days,61-90,5,", "a name or an order twice, or two units, in set: days"),
        ("days,1-30,", "days,specific,", "an unnamed or reserved bucket.*: days, specific"),
    ],
    "loss_rates": [
        ("aging,*,31-60,0.03\n", "", r"no rate for every segment \(\*\): aging, 31-60"),
        ("aging,*,31-60,0.03", "aging,*,31-61,0.03", "no such method or bucket: aging, 31-61"),
        ("aging,*,31-60,0.03", "aging,*,31-60,1.03", "not from 0 to 1.*: aging, \\*, 31-60"),
        ("aging,*,1-30,0.01\n", "aging,*,1-30,0.01\n" * 2, "repeated: aging, \\*, 1-30"),
    ],
    "allowance_methods": [
        ("aging,days,true", "aging,days,false", "expected one method that is booked, found 0"),
        ("specific,,false", "specific,,true", "expected one method that is booked, found 2"),
        ("specific,,", "singly,,", "no such method: singly"),
        ("aging,days,", "aging,weeks,", "expected a bucket set .*: aging, weeks"),
    ],
    "allowance_rules": [("12", "0", "expected one row of positive numbers")],
    "contact_outcomes": [
        ("no_answer,", "nobody,", "no such outcome: nobody"),
        ("no_answer,false,false,false\n", "", "missing: no_answer"),
        ("paid,true,", "paid,false,", "repeated, unset, or .*: paid"),
    ],
    "scorecard_targets": [
        ("bad_debt_rate,4,", "bad_debt_rate,3,", "two measures of one order: 3"),
        ("at_least", "above", "repeated, or an unknown comparison: recovery_rate"),
    ],
    "strategy_matrix": [
        ("C,31-60,small,call\n", "", "no strategy for: C, 31-60, small"),
        ("C,31-60,small,call", "C,31-61,small,call", "no such grade, .*: C, 31-61, small"),
        ("C,31-60,small,call\n", "C,31-60,small,call\n" * 2, "repeated: C, 31-60, small"),
        ("C,31-60,small,call", "C,31-60,small,shout", "no such strategy: shout"),
    ],
    "strategies": [
        ("press,4,phone", "press,4,pigeon", "repeated, a channel, .*: press"),
        ("legal,legal,Demand", "court,legal,Demand", "no such strategy: court"),
    ],
    "credit_grades": [
        ("C,3,55", "C,3,70", "overlap: C begins at 70.00, not below B"),
        ("E,5,0", "E,5,0.01", "gap: nothing holds scores below 0.01"),
        ("C,3,55", "C,6,55", "expected A to E in order"),
    ],
    "credit_grade_parts": [("days_late,1,35", "days_late,1,36", "expected days_late, on_time")],
    "credit_rules": [("12,3,E", "12,3,F", "expected one row of positive numbers, and a grade")],
    "aging_rules": [("0.1,0.05", "0.1,1.05", "expected one row of positive numbers, shortened_")],
    "attribution_methods": [
        ("last_touch,false,30", "last_touch,false,", "expected portfolio_owner, promise_first"),
        ("linear,false", "linear,true", "expected .*, one of them the headline"),
    ],
    "contact_rule_packs": [
        ("*,INTERNAL_POLICY", "else,INTERNAL_POLICY", r"no pack for every segment \(\*\)"),
        ("us_consumer,US_REG_F", "us_consumer,US_REG_G", "repeated, or of a pack .*: us_consumer"),
    ],
    "contact_rules": [
        ("08:00,20:00", "20:00,08:00", "repeated, or its hours, .*: INTERNAL_POLICY, hours"),
        ("phone|sms|email|", "phone|fax|email|", "an unknown channel: US_REG_F, hours"),
        ("document,1,3", "document,1,", "repeated, .*: INTERNAL_POLICY, calls_per_day"),
    ],
    "contact_zones": [
        ("CN_GBT_45251,Asia/Shanghai\n", "", "no zone .* without one: CN_GBT_45251"),
        ("INTERNAL_POLICY,*\n", "INTERNAL_POLICY,*\n" * 2, r"repeated: INTERNAL_POLICY, \*"),
    ],
    "forecast_rules": [("0.8,1.28", "1,1.28", "expected one row of positive numbers, interval_")],
    "incentive_gates": [
        ("upheld_complaint,0,1", "upheld_complaint,0,1.1", "expected compliance_breach, upheld_"),
    ],
    "incentive_tiers": [
        ("below_80,,0,", "below_80,0.5,0,", "gap: nothing holds an attainment below 0.5"),
        ("from_100,1,", "from_100,0.8,", "overlap: from_100 and from_80 both begin at 0.8"),
        ("from_80,0.8,", "from_80,,", "overlap: below_80 and from_80 both begin at no bound"),
        ("from_120,1.2,0.006", "from_120,1.2,6", "repeated, or no rate from 0 to 1: from_120"),
        ("from_120,", "from_100,", "repeated, or no rate from 0 to 1: from_100"),
    ],
    "loss_rate_rules": [
        ("*,12,", "broad,12,", r"no rule for every segment \(\*\)"),
        ("*,12,", "*,0,", "repeated, or not one month or more, .*: \\*"),
    ],
    "measure_comparisons": [
        ("turnover_days,at_most", "turnover_days,above", "repeated, or an .*: turnover_days"),
    ],
    "measure_rules": [("30,80", "0,80", "expected one row of positive numbers")],
    "promise_rules": [("3,0.05", "3,1", "expected one row, grace_days of 0 or more")],
    "success_rules": [("30,1", "30,0", "expected one row, window_days of 0 or more")],
    "target_measures": [
        ("turnover_days,at_most,false", "turnover_days,at_most,", "repeated, .*: turnover_days"),
    ],
    "strategy_rules": [
        ("100000,30", "100000,0", "expected one row, numbers above 0"),
        (",D,90", ",unrated,90", "expected one row, .*, a poor grade from A to E"),
    ],
    "worklist_reasons": [("over_limit,5", "over_limits,5", "expected the ten reasons")],
    "specific_provisions": [
        (
            "",
            "c,A,,2024-01-01,2024-03-31,2024-01-01,0.5,\nc,A,,2024-03-31,,2024-01-01,0.6,\n",
            "overlaps the one from 2024-03-31: c, A, every document, from 2024-01-01",
        ),
        (
            "",
            "c,A,D,2024-01-01,,2024-01-01,0.5,\nc,A,D,2024-01-01,,2024-01-01,0.6,\n",
            "repeated: c, A, D, from 2024-01-01, known from 2024-01-01",
        ),
        ("", "c,A,,2024-01-01,2023-12-31,2024-01-01,0.5,\n", "a company, .*: c, A, every document"),
        ("", "c,,D,2024-01-01,,2024-01-01,0.5,\n", "a company, .*: c, none, D"),
    ],
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that holds the shipped seeds and nothing else, after their test passed."""
    home = tmp_path_factory.mktemp("seeds")
    run_dbt(home, "seed")
    run_dbt(home, "test", select=["assert_seeds_are_valid"])
    return home / "warehouse.duckdb"


@pytest.fixture(scope="module")
def validation(warehouse: Path) -> str:
    """The test of the seeds as dbt sends it."""
    (compiled,) = (warehouse.parent / "target" / "compiled").rglob("assert_seeds_are_valid.sql")
    return compiled.read_text("utf-8")


def judge(warehouse: Path, validation: str, folder: Path, seed: str, text: str) -> list[Any]:
    """What the test of the seeds finds when one seed says something else; the warehouse is kept."""
    file = folder / f"{seed}.csv"
    file.write_text(text, "utf-8")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("begin")
        connection.execute(f"delete from intermediate.{seed}")  # noqa: S608
        connection.execute(f"copy intermediate.{seed} from '{file}' (format csv, header)")
        found = connection.execute(validation).fetchall()
        connection.execute("rollback")
    return found


@pytest.mark.parametrize(
    ("seed", "right", "wrong", "named"),
    [(seed, *fault) for seed, faults in FAULTS.items() for fault in faults],
)
def test_a_fault_in_a_seed_is_named(
    warehouse: Path,
    validation: str,
    tmp_path: Path,
    seed: str,
    right: str,
    wrong: str,
    named: str,
) -> None:
    text = (SEEDS / f"{seed}.csv").read_text("utf-8")
    assert right in text
    changed = text.replace(right, wrong, 1) if right else text + wrong
    with pytest.raises(duckdb.InvalidInputException, match=f"{seed}: {named}"):
        judge(warehouse, validation, tmp_path, seed, changed)


def test_every_seed_has_a_fault_that_is_named() -> None:
    assert set(FAULTS) == {file.stem for file in SEEDS.glob("*.csv")}


def test_a_row_without_a_key_stops_the_build_too(
    warehouse: Path, validation: str, tmp_path: Path
) -> None:
    text = (SEEDS / "strategy_matrix.csv").read_text("utf-8") + ",current,large,monitor\n"
    with pytest.raises(duckdb.InvalidInputException, match="strategy_matrix: a row without a key"):
        judge(warehouse, validation, tmp_path, "strategy_matrix", text)


def test_a_judgement_that_follows_another_does_not_overlap(
    warehouse: Path, validation: str, tmp_path: Path
) -> None:
    lines = (
        "c,A,,2024-01-01,2024-03-30,2024-01-01,0.5,\n",
        "c,A,,2024-03-31,,2024-01-01,0.6,\n",
        # Its end was made known when the next one began to be known.
        "c,B,,2024-01-01,,2024-01-01,0.5,\n",
        "c,B,,2024-01-01,2024-03-30,2024-03-31,0.5,\n",
        "c,B,,2024-03-31,,2024-03-31,0.6,\n",
    )
    text = (SEEDS / "specific_provisions.csv").read_text("utf-8") + "".join(lines)
    assert judge(warehouse, validation, tmp_path, "specific_provisions", text) == []
