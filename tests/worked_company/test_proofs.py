"""A fault in what a proof looks at opens that proof and no other.

Each fault is put into a copy of the worked company's warehouse, or of its lake; the proofs are
then reckoned again by the statements that dbt sends, with what lies between where there is any.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.builds import recorded_builds

pytestmark = pytest.mark.warehouse

A_CENT = "0.01"


@dataclass(frozen=True)
class Fault:
    """What is wrong: a statement on the warehouse, or another amount in files of the lake."""

    proof_code: str
    statement: str = ""
    files: str = ""
    column: str = ""
    between: tuple[str, ...] = ()
    """Models to be built again before the proofs."""


FAULTS = {
    "a bucket of one presentation lost a cent": Fault(
        "P1",
        "update marts.aging_by_bucket set open_amount_document = open_amount_document - 0.01 "
        "where bucket_set = 'months' and age_basis = 'document_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = '1-3 months'",
    ),
    "a cent of credits is aged twice": Fault(
        "P1",
        "update marts.aging_by_bucket "
        "set open_amount_credits_aged_document = open_amount_credits_aged_document + 0.01 "
        "where bucket_set = 'days' and age_basis = 'due_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = 'current'",
    ),
    "a cent of credits is applied to nothing": Fault(
        "P1",
        "update marts.aging_by_bucket "
        "set open_amount_credits_applied_document = open_amount_credits_applied_document + 0.01 "
        "where bucket_set = 'days' and age_basis = 'due_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = 'unapplied_credit'",
    ),
    "the general ledger states a cent more": Fault(
        "P2",
        files="lake/control_totals/*.parquet",
        column="amount",
        between=("int_balances_asked",),
    ),
    "a credit is taken for something that the roll-forward does not know": Fault(
        "P3",
        "update intermediate.int_movements_daily set movement_type = 'gift' "
        "where movement_type = 'adjustment' or movement_type = 'recovery_reinstatement'",
    ),
    "a cent of a bucket went nowhere": Fault(
        "P4",
        "update marts.aging_migration_by_month set migrated_amount = migrated_amount - 0.01 "
        "where scope_type = 'company' and bucket_set = 'days' and month_start = '2026-03-01' "
        "and aging_bucket = 'current' and next_state = '31-60'",
    ),
    "a charge is a cent too high": Fault(
        "P5",
        "update marts.allowance_roll_forward set charge_amount = charge_amount + 0.01 "
        "where allowance_method = 'aging' and period_start = '2026-03-01' "
        "and segment = 'industrial'",
    ),
    "a collector was given a cent of nobody's": Fault(
        "P6",
        "update marts.cash_by_earner set amount_document = amount_document + 0.01 "
        "where payment_id = 'P1' and is_portfolio_owner",
        between=("int_cash_earned_summed",),
    ),
    "a row was read and is nowhere": Fault(
        "P7",
        "update intermediate.int_loads_counted set lake_row_count = lake_row_count - 1 "
        "where extract_name = 'payments' and delivery_date = '2026-03-31'",
    ),
    "readers were told of a cent more": Fault(
        "P8",
        files="lake/_published_totals/*.parquet",
        column="open_amount_document",
        between=("int_balances_asked",),
    ),
    "a region sold a cent more than the company": Fault(
        "P9",
        "update marts.receivables_by_period set credit_sales_amount = credit_sales_amount + 0.01 "
        "where period_type = 'month' and scope_type = 'region' and scope_id = 'north' "
        "and period_start = '2026-03-01'",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_opens_its_proof_alone(name: str, warehouse: Path, tmp_path: Path) -> None:
    fault = FAULTS[name]
    home = tmp_path / "home"
    shutil.copytree(warehouse.parent, home)
    if fault.files:
        changed = 0
        for file in home.glob(fault.files):
            rows = pl.read_parquet(file)
            changed += rows.height
            rows.with_columns(
                (pl.col(fault.column) + pl.lit(A_CENT).cast(rows.schema[fault.column])).cast(
                    rows.schema[fault.column]
                )
            ).write_parquet(file)
        assert changed, "the fault found nothing"
    with duckdb.connect(
        str(home / "warehouse.duckdb"), config={"file_search_path": str(home)}
    ) as connection:
        if fault.statement:
            ((changed,),) = connection.execute(fault.statement).fetchall()
            assert changed, "the fault found nothing"
        recorded_builds().build_again(connection, (*fault.between, "proofs"))
        opened = connection.execute(
            "select distinct proof_code from marts.proofs where not is_closed"
        ).fetchall()
    assert opened == [(fault.proof_code,)]


def test_there_is_a_fault_for_every_proof(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        codes = connection.execute("select distinct proof_code from marts.proofs").fetchall()
    assert {code for (code,) in codes} == {fault.proof_code for fault in FAULTS.values()}
