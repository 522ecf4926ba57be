"""A fault in what a proof looks at opens that proof and no other.

Each fault is put into a copy of the worked company's warehouse, or of its lake; the proofs are
then reckoned again by the statements that dbt sends, with what lies between where there is any.
"""

import re
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
    subject: str
    """Pattern of the subjects that it may open: buckets, months, files and the like are free."""
    statement: str = ""
    files: str = ""
    column: str = ""
    between: tuple[str, ...] = ()
    """Models to be built again before the proofs."""

    def may_open(self, proof_code: str, subject: str) -> bool:
        """Whether it is planted for a proof of that code and subject."""
        return proof_code == self.proof_code and bool(re.fullmatch(self.subject, subject))


JOURNAL = "balance of the journal"
READ = "read = accepted + duplicate + quarantined + dropped + filtered"
ATTRIBUTED = r"\+ unattributed = payments - change in unapplied cash"
LOAD = r"\S+ for \w+ \(load \d+\)"

FAULTS = {
    "a bucket of one presentation lost a cent": Fault(
        "P1",
        rf"buckets of \w+ by \w+ = {JOURNAL}",
        "update marts.aging_by_bucket set open_amount_document = open_amount_document - 0.01 "
        "where bucket_set = 'months' and age_basis = 'document_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = '1-3 months'",
    ),
    "a cent of credits is aged twice": Fault(
        "P1",
        rf"buckets of \w+ by \w+, credits at their own date, = {JOURNAL}",
        "update marts.aging_by_bucket "
        "set open_amount_credits_aged_document = open_amount_credits_aged_document + 0.01 "
        "where bucket_set = 'days' and age_basis = 'due_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = 'current'",
    ),
    "a cent of credits is applied to nothing": Fault(
        "P1",
        rf"buckets of \w+ by \w+, credits applied to the oldest, = {JOURNAL}",
        "update marts.aging_by_bucket "
        "set open_amount_credits_applied_document = open_amount_credits_applied_document + 0.01 "
        "where bucket_set = 'days' and age_basis = 'due_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = 'unapplied_credit'",
    ),
    "the general ledger states a cent more": Fault(
        "P2",
        f"{JOURNAL} = balance of the general ledger",
        files="lake/control_totals/*.parquet",
        column="amount",
        between=("int_balances_asked",),
    ),
    "a credit is taken for something that the roll-forward does not know": Fault(
        "P3",
        re.escape("opening + invoices - payments - credits - write-offs + adjustments = closing"),
        "update intermediate.int_movements_daily set movement_type = 'gift' "
        "where movement_type = 'adjustment' or movement_type = 'recovery_reinstatement'",
    ),
    "conversion left a cent more on what was settled at another rate": Fault(
        "P3",
        re.escape(f"fx_residue: {JOURNAL} = open items + residue of settled items"),
        "update marts.receivables_summed set remaining_amount = remaining_amount + 0.01 "
        "where document_id = 'D08'",
    ),
    "a cent of a bucket went nowhere": Fault(
        "P4",
        r"what became of .+ of \w+ = the bucket a month before",
        "update marts.aging_migration_by_month set migrated_amount = migrated_amount - 0.01 "
        "where scope_type = 'company' and bucket_set = 'days' and month_start = '2026-03-01' "
        "and aging_bucket = 'current' and next_state = '31-60'",
    ),
    "a charge is a cent too high": Fault(
        "P5",
        r"allowance by \w+: required a month before \+ charges - net write-offs = required",
        "update marts.allowance_roll_forward set charge_amount = charge_amount + 0.01 "
        "where allowance_method = 'aging' and period_start = '2026-03-01' "
        "and segment = 'industrial'",
    ),
    "an allowance is used for a cent that was not written off": Fault(
        "P5",
        r"allowance by \w+: net write-offs used = net write-offs of the journal",
        "update marts.allowance_roll_forward set write_off_amount = write_off_amount + 0.01 "
        "where allowance_method = 'aging' and period_start = '2026-03-01' "
        "and segment = 'industrial'",
    ),
    "a collector was given a cent of nobody's": Fault(
        "P6",
        f"cash attributed by portfolio_owner {ATTRIBUTED}",
        "update marts.cash_by_earner set amount_document = amount_document + 0.01 "
        "where payment_id = 'P2' and is_portfolio_owner",
        between=("int_cash_earned_summed",),
    ),
    **{
        f"a collector was given a cent of nobody's by {method}": Fault(
            "P6",
            f"cash attributed by {method} {ATTRIBUTED}",
            f"update intermediate.int_cash_earned_summed "  # noqa: S608
            f"set {method}_amount_document = {method}_amount_document + 0.01 "
            "where collector_id = 'K1' and month_start = '2026-03-01'",
        )
        for method in ("last_touch", "first_touch", "linear", "promise_first")
    },
    "a row was read and is nowhere": Fault(
        "P7",
        rf"rows of {LOAD}: {re.escape(READ)}",
        "update intermediate.int_loads_counted set lake_row_count = lake_row_count - 1 "
        "where extract_name = 'payments' and delivery_date = '2026-03-31'",
    ),
    "a cent was read and is nowhere": Fault(
        "P7",
        rf"amount of {LOAD}: {re.escape(READ)}",
        "update intermediate.int_loads_counted set lake_amount = lake_amount - 0.01 "
        "where extract_name = 'payments' and delivery_date = '2026-03-31'",
    ),
    "readers were told of a cent more": Fault(
        "P8",
        r"open as known at [\d\-:. ]+ = published in v\d+",
        files="lake/_published_totals/*.parquet",
        column="open_amount_document",
        between=("int_balances_asked",),
    ),
    "a region is owed a cent more than the company": Fault(
        "P9",
        r"receivables of every \w+ = of the company",
        "update marts.receivables_by_period set closing_amount = closing_amount + 0.01 "
        "where period_type = 'month' and scope_type = 'region' and scope_id = 'north' "
        "and period_start = '2026-03-01'",
    ),
    "a region sold a cent more than the company": Fault(
        "P9",
        r"credit sales of every \w+ = of the company",
        "update marts.receivables_by_period set credit_sales_amount = credit_sales_amount + 0.01 "
        "where period_type = 'month' and scope_type = 'region' and scope_id = 'north' "
        "and period_start = '2026-03-01'",
    ),
    "a segment was paid a cent more than the company": Fault(
        "P9",
        r"cash applied of every \w+ = of the company",
        "update marts.receivables_by_period set cash_applied_amount = cash_applied_amount + 0.01 "
        "where period_type = 'month' and scope_type = 'segment' and scope_id = 'retail' "
        "and period_start = '2026-03-01'",
    ),
    "a region wrote off a cent more than the company": Fault(
        "P9",
        r"net write-offs of every \w+ = of the company",
        "update marts.receivables_by_period set write_off_amount = write_off_amount + 0.01 "
        "where period_type = 'month' and scope_type = 'region' and scope_id = 'north' "
        "and period_start = '2026-03-01'",
    ),
    "the journal sold a cent of March in January": Fault(
        "P9",
        "credit sales of the company = of the journal",
        "update intermediate.int_movements_daily "
        "set amount = amount + case effective_date when '2026-01-05' then 0.01 else -0.01 end "
        "where movement_type = 'invoice' and effective_date in ('2026-01-05', '2026-03-02')",
    ),
    "the journal was paid a cent of March in February": Fault(
        "P9",
        "cash applied of the company = of the journal",
        "update intermediate.int_movements_daily "
        "set amount = amount + case effective_date when '2026-02-10' then 0.01 else -0.01 end "
        "where movement_type = 'payment' and item_type = 'document' "
        "and effective_date in ('2026-02-10', '2026-03-05')",
    ),
    "the company wrote off a cent more than the journal": Fault(
        "P9",
        "net write-offs of the company = of the journal",
        "update marts.receivables_by_period set write_off_amount = write_off_amount + 0.01 "
        "where period_type = 'month' and period_start = '2026-03-01' "
        "and (scope_type, scope_id) in ("
        "select (scope_type, min(scope_id)) from marts.receivables_by_period "
        "where period_type = 'month' and period_start = '2026-03-01' group by scope_type)",
    ),
    "a credit is a cent more in the buckets than in the period": Fault(
        "P9",
        "receivables of the period = all buckets",
        "update marts.aging_by_bucket set open_amount = open_amount + 0.01 "
        "where bucket_set = 'days' and age_basis = 'due_date' "
        "and as_of_date = '2026-03-31' and aging_bucket = 'unapplied_credit'",
    ),
    "a customer owes a cent that is in no movement": Fault(
        "P9",
        rf"customers in \w+ by \w+ = {JOURNAL}",
        "update marts.aging_by_account set open_amount_document = open_amount_document + 0.01 "
        "where as_of_date = '2026-03-31' and is_by_due_date and open_amount_document = 380",
    ),
    "a collector collected a cent that nobody paid": Fault(
        "P9",
        "cash collected by collectors = cash attributed",
        "update marts.performance_by_collector_month set collected_amount = collected_amount + 0.01"
        " where collector_id = 'K2' and month_start = '2026-03-01'",
    ),
    "a team collected a cent less than was paid": Fault(
        "P9",
        "cash collected by teams = cash attributed",
        "update marts.performance_by_team_month set collected_amount = collected_amount - 0.01 "
        "where month_start = '2026-03-01'",
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
            "select distinct proof_code, proof_subject from marts.proofs where not is_closed"
        ).fetchall()
    assert opened, "the fault opened nothing"
    assert [proof for proof in opened if not fault.may_open(*proof)] == []


def test_there_is_a_fault_for_every_subject_of_every_proof(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        proofs = connection.execute(
            "select distinct proof_code, proof_subject from marts.proofs"
        ).fetchall()
    faults_by_proof = {
        proof: [name for name, fault in FAULTS.items() if fault.may_open(*proof)]
        for proof in proofs
    }
    assert {proof: names for proof, names in faults_by_proof.items() if len(names) != 1} == {}
