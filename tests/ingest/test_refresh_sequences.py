"""What sequences of deliveries leave in the lake."""

import itertools
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.ingest.home_in_use import Home, ledger, payments


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


def test_the_same_file_delivered_twice_counts_once(home: Home) -> None:
    content = ledger("INV-1001 1200.50", "INV-1002 80.00")
    home.deliver("2026-07-01", "ledger.csv", content)
    home.refresh()
    home.deliver("2026-07-02", "ledger.csv", content)
    home.refresh()
    assert home.total() == Decimal("1280.50")
    assert home.rows().height == 2
    assert home.records()["status"].to_list() == ["admitted", "duplicate"]
    assert home.records()["rows_duplicate"].to_list() == [0, 2]
    assert home.records()["amount_duplicate"].to_list() == [Decimal("0.00"), Decimal("1280.50")]


def test_the_same_bytes_under_another_name_count_once(home: Home) -> None:
    content = ledger("INV-1001 1200.50", "INV-1002 80.00")
    home.deliver("2026-07-01", "ledger_a.csv", content)
    home.deliver("2026-07-01", "ledger_b.csv", content)
    home.refresh()
    assert home.total() == Decimal("1280.50")
    assert home.rows().height == 2
    assert home.statuses() == [
        ("ledger_a.csv", "admitted", None),
        ("ledger_b.csv", "duplicate", None),
    ]


def test_the_same_bytes_for_another_extract_are_no_duplicate(home: Home) -> None:
    both = (
        "document_id,payment_id,line_no,customer_id,document_type,document_date,payment_date,"
        "currency_code,amount\nD1,P1,1,C1,invoice,2026-06-15,2026-06-16,USD,80.00\n"
    )
    home.deliver("2026-07-01", "ledger.csv", both)
    home.deliver("2026-07-01", "payments.csv", both)
    home.refresh()
    assert home.rows("ledger").height == 1
    assert home.rows("payments").height == 1


def test_a_corrected_file_of_the_same_name_is_a_new_version_beside_the_old(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1001 1200.50", "INV-1002 80.00"))
    home.refresh()
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1001 1200.50", "INV-1002 88.00"))
    home.refresh()
    assert home.total() == Decimal("1288.50")
    assert len(home.standing()) == 2
    assert home.rows().height == 4
    assert home.rows()["_recorded_at"].n_unique() == 2


def test_overlapping_deliveries_count_each_document_once(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1001 1200.50", "INV-1002 80.00"))
    home.deliver("2026-07-02", "ledger.csv", ledger("INV-1002 80.00", "CN-2001 35.25 credit_memo"))
    home.refresh()
    assert home.total() == Decimal("1245.25")
    assert len(home.standing()) == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_rerun_of_any_day_changes_nothing(home: Home, seed: int) -> None:
    for day in (1, 2, 3):
        home.deliver(f"2026-07-0{day}", "ledger.csv", ledger(f"INV-{day} {day}.00"))
    home.refresh()
    before = home.lake_content()
    days = list(itertools.permutations((1, 2, 3)))[seed]
    for day in days:
        assert home.refresh().records == ()
        home.deliver(f"2026-07-0{day}", "ledger.csv", ledger(f"INV-{day} {day}.00"))
        assert {record.status for record in home.refresh().records} == {"duplicate"}
    after = home.lake_content()
    assert after.pop("_loads") != before.pop("_loads")
    assert after == before


def test_a_payment_before_its_invoice_is_kept(home: Home) -> None:
    home.deliver("2026-07-01", "payments.csv", payments("PAY-1 1 200.00 INV-1001"))
    home.refresh()
    home.deliver("2026-07-02", "ledger.csv", ledger("INV-1001 1200.50"))
    home.refresh()
    assert home.total() - home.total("payments") == Decimal("1000.50")


def test_a_payment_for_an_invoice_that_never_comes_is_kept(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1001 1200.50"))
    home.deliver("2026-07-01", "payments.csv", payments("PAY-1 1 500.00 INV-9999"))
    home.refresh()
    assert home.total("payments") == Decimal("500.00")
    assert home.standing("payments")[("PAY-1", 1)]["document_id"] == "INV-9999"


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        (["PAY-1 1 100.00 INV-1"], Decimal("100.00")),
        (["PAY-1 1 80.00 INV-1 2027-07-01"], Decimal("80.00")),
        (["PAY-1 1 30.00 INV-1", "PAY-1 2 50.00 INV-2"], Decimal("80.00")),
        (["PAY-1 1 80.00 INV-1 2026-07-01 USD", "PAY-1 2 80.00 INV-2 2026-07-01 EUR"], 160),
    ],
    ids=["over-payment", "future payment", "two invoices", "two currencies"],
)
def test_unusual_payments_enter_whole(home: Home, rows: list[str], total: Decimal) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "INV-2 100.00"))
    home.deliver("2026-07-01", "payments.csv", payments(*rows))
    home.refresh()
    assert home.total("payments") == total
    assert home.rows("payments").height == len(rows)


FIRST = ledger("INV-1001 1200.50", "INV-1002 80.00", "CN-2001 35.25 credit_memo")
SECOND = ledger("INV-1001 1200.50", "CN-2001 35.25 credit_memo")


def test_a_document_absent_from_a_later_full_delivery_is_gone_but_kept_in_history(
    home: Home,
) -> None:
    home.deliver("2026-07-01", "open_items.csv", FIRST, source="snapshots")
    home.refresh()
    home.deliver("2026-07-02", "open_items.csv", SECOND, source="snapshots")
    home.refresh()
    assert home.total() == Decimal("1165.25")
    assert set(home.standing()) == {("INV-1001",), ("CN-2001",)}
    assert "INV-1002" in home.rows()["document_id"]


def test_the_same_files_declared_as_changes_withdraw_nothing(home: Home) -> None:
    home.deliver("2026-07-01", "open_items.csv", FIRST, source="changes")
    home.refresh()
    home.deliver("2026-07-02", "open_items.csv", SECOND, source="changes")
    home.refresh()
    assert home.total() == Decimal("1245.25")
    assert len(home.standing()) == 3


def test_a_full_delivery_that_returns_to_an_older_state_is_no_duplicate(home: Home) -> None:
    for day, content in (("01", FIRST), ("02", SECOND), ("03", FIRST)):
        home.deliver(f"2026-07-{day}", "open_items.csv", content, source="snapshots")
    home.refresh()
    assert home.records()["status"].to_list() == ["admitted"] * 3
    assert home.total() == Decimal("1245.25")


def test_a_full_delivery_that_repeats_the_latest_is_a_duplicate(home: Home) -> None:
    for day, content in (("01", FIRST), ("02", SECOND), ("03", SECOND)):
        home.deliver(f"2026-07-{day}", "open_items.csv", content, source="snapshots")
    home.refresh()
    assert home.records()["status"].to_list() == ["admitted", "admitted", "duplicate"]
    assert home.total() == Decimal("1165.25")


def test_a_full_delivery_corrected_back_on_its_own_date_is_a_load_of_its_own(home: Home) -> None:
    for content in (FIRST, SECOND, FIRST):
        home.deliver("2026-07-01", "open_items.csv", content, source="snapshots")
        home.refresh()
    assert home.records()["status"].to_list() == ["admitted"] * 3
    assert home.records()["load_id"].n_unique() == 3
    assert home.rows()["_load_id"].unique().sort().to_list() == sorted(home.records()["load_id"])
    assert home.total() == Decimal("1245.25")


def test_an_old_full_delivery_that_was_only_touched_says_nothing_new(home: Home) -> None:
    for day, content in (("01", FIRST), ("02", FIRST), ("03", SECOND)):
        home.deliver(f"2026-07-{day}", "open_items.csv", content, source="snapshots")
        home.refresh()
    for day in ("01", "02"):
        home.deliver(f"2026-07-{day}", "open_items.csv", FIRST, source="snapshots")
        home.refresh()
    statuses = ["admitted", "duplicate", "admitted", "duplicate", "duplicate"]
    assert home.records()["status"].to_list() == statuses
    assert home.total() == Decimal("1165.25")


def test_one_changed_file_of_a_full_delivery_brings_the_unchanged_ones_along(home: Home) -> None:
    east, west = ledger("E-1 10.00", "E-2 20.00"), ledger("W-1 30.00")
    for day in ("01", "02"):
        home.deliver(f"2026-07-{day}", "open_items_east.csv", east, source="snapshots")
    home.deliver("2026-07-01", "open_items_west.csv", west, source="snapshots")
    home.deliver("2026-07-02", "open_items_west.csv", ledger("W-2 5.00"), source="snapshots")
    home.refresh()
    assert set(home.standing()) == {("E-1",), ("E-2",), ("W-2",)}
    home.deliver("2026-07-02", "open_items_west.csv", ledger("W-3 5.00"), source="snapshots")
    home.refresh()
    assert set(home.standing()) == {("E-1",), ("E-2",), ("W-3",)}


def test_a_full_delivery_with_a_bad_file_is_rejected_whole(home: Home) -> None:
    home.deliver("2026-07-01", "open_items_east.csv", ledger("E-1 10.00"), source="snapshots")
    home.deliver("2026-07-01", "open_items_west.csv", ledger("W-1 30.00"), source="snapshots")
    home.refresh()
    home.deliver("2026-07-02", "open_items_east.csv", ledger("E-1 11.00"), source="snapshots")
    bad = home.deliver(
        "2026-07-02", "open_items_west.csv", "nothing,here\n1,2\n", source="snapshots"
    )
    home.refresh()
    assert home.total() == Decimal("40.00")
    assert home.statuses()[2:] == [
        ("open_items_east.csv", "rejected", "INCOMPLETE_DELIVERY"),
        ("open_items_west.csv", "rejected", "MISSING_COLUMN"),
    ]
    bad.write_text(ledger("W-1 30.00"))
    home.refresh()
    assert home.total() == Decimal("41.00")
    assert [status for _, status, _ in home.statuses()[4:]] == ["admitted", "admitted"]


def test_a_truncated_full_delivery_that_is_rejected_withdraws_nothing(home: Home) -> None:
    home.deliver(
        "2026-07-01",
        "open_items.csv",
        ledger(*(f"INV-{number} 10.00" for number in range(200))),
        source="snapshots",
    )
    home.refresh()
    home.deliver(
        "2026-07-02",
        "open_items.csv",
        ledger(*(f"INV-{number} 10.00" for number in range(20))),
        source="snapshots",
    )
    home.refresh(judge=lambda load: "volume dropped" if load.record.rows_accepted < 100 else None)
    assert len(home.standing()) == 200
    assert home.total() == Decimal("2000.00")
    assert home.statuses()[-1] == ("open_items.csv", "rejected", "EXPECTATION_FAILED")


def test_one_bad_file_does_not_keep_the_good_ones_out(home: Home) -> None:
    home.deliver("2026-07-01", "ledger_a.csv", ledger("INV-1 1000.00"))
    home.deliver("2026-07-01", "ledger_b.csv", "document_id\nINV-2\n")
    home.deliver("2026-07-01", "ledger_c.csv", ledger("INV-3 0.50"))
    home.refresh()
    assert home.total() == Decimal("1000.50")
    assert home.statuses() == [
        ("ledger_a.csv", "admitted", None),
        ("ledger_b.csv", "rejected", "MISSING_COLUMN"),
        ("ledger_c.csv", "admitted", None),
    ]


def test_a_rejected_file_sent_again_repaired_under_its_name_enters(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", "document_id\nINV-1\n")
    home.refresh()
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    home.refresh()
    assert home.total() == Decimal("80.00")
    assert home.rows().height == 1


def test_a_quarantined_row_sent_again_repaired_enters_once(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 1200.50", "INV-2 eighty"))
    home.refresh()
    quarantined = pl.read_parquet(home.folders.quarantine / "*.parquet").to_dicts()
    assert [row["row_key"] for row in quarantined] == ["main|INV-2|1"]
    home.deliver("2026-07-02", "ledger.csv", ledger("INV-2 80.00"))
    home.refresh()
    assert home.total() == Decimal("1280.50")
    assert home.rows().height == 2
    later = home.rows().filter(pl.col("document_id") == "INV-2")
    assert later["_recorded_at"].item() > quarantined[0]["recorded_at"]


def test_a_contact_with_a_customer_without_invoices_is_kept(home: Home) -> None:
    home.deliver(
        "2026-07-01",
        "contact_log.csv",
        "contact_id,customer_id,collector_id,contacted_at,channel,outcome\n"
        "CT-1,C999,K1,2026-07-01T10:00:00+08:00,phone,no_answer\n",
    )
    home.refresh()
    assert home.rows("contact_log")["customer_id"].to_list() == ["C999"]


def test_a_load_that_failed_expectations_is_not_tried_again_unchanged(home: Home) -> None:
    content = ledger("INV-1 80.00")
    home.deliver("2026-07-01", "ledger.csv", content)
    home.refresh(judge=lambda load: "amount is implausible")
    home.deliver("2026-07-02", "ledger.csv", content)
    home.refresh()
    assert home.rows().is_empty()
    assert home.statuses()[-1] == ("ledger.csv", "rejected", "EXPECTATION_FAILED")
    assert "2026-07-01/canonical/ledger.csv" in home.records()["reason_detail"].to_list()[-1]


def test_a_copy_of_a_load_rejected_in_the_same_run_is_rejected_too(home: Home) -> None:
    content = ledger("INV-1 80.00")
    for day in ("01", "02"):
        home.deliver(f"2026-07-{day}", "ledger.csv", content)
        home.deliver(f"2026-07-{day}", "open_items.csv", content, source="snapshots")
    home.refresh(judge=lambda load: "amount is implausible")
    assert home.rows().is_empty()
    assert {status for _, status, _ in home.statuses()} == {"rejected"}


def test_a_rejected_file_is_tried_again_when_its_mapping_was_corrected(home: Home) -> None:
    home.deliver("2026-07-01", "invoices.csv", ledger("INV-1 80.00"), source="snapshots")
    home.refresh()
    assert home.statuses() == [("invoices.csv", "rejected", "NO_MAPPING")]
    assert home.refresh().records == ()
    mapping = home.mappings["snapshots"].model_dump()
    mapping["files"][0]["pattern"] = "*.csv"
    home.mappings["snapshots"] = type(home.mappings["snapshots"]).model_validate(mapping)
    home.refresh()
    assert home.total() == Decimal("80.00")


def test_a_file_rejected_for_its_control_totals_is_tried_again_with_new_ones(home: Home) -> None:
    content = ledger("INV-1 80.00")
    home.deliver("2026-07-01", "ledger.csv", content, control='{"row_count": 2, "amount": "80.00"}')
    home.refresh()
    assert home.statuses() == [("ledger.csv", "rejected", "CONTROL_TOTAL")]
    home.deliver("2026-07-01", "ledger.csv", content, control='{"row_count": 1, "amount": "80.00"}')
    home.refresh()
    assert home.statuses()[-1] == ("ledger.csv", "admitted", None)


@pytest.mark.parametrize("source", ["changes", "snapshots"])
def test_totals_that_come_after_their_file_was_admitted_are_held_against_it(
    home: Home, source: str
) -> None:
    for day, content in (("01", FIRST), ("02", SECOND)):
        path = home.deliver(f"2026-07-{day}", "open_items.csv", content, source=source)
        home.refresh()
        control = path.with_name(f"{path.name}.control.json")
        control.write_text('{"row_count": 4}')
        home.refresh()
        assert home.statuses()[-1] == ("open_items.csv", "rejected", "CONTROL_TOTAL")
        control.write_text('{"row_count": 3}' if day == "01" else '{"row_count": 2}')
        home.refresh()
        assert home.statuses()[-1] == ("open_items.csv", "duplicate", None)
        home.refresh()
    assert home.records()["status"].to_list() == ["admitted", "rejected", "duplicate"] * 2
    assert len(home.standing()) == (3 if source == "changes" else 2)


def test_a_row_whose_key_cannot_be_read_has_none(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "\uff29\uff2e\uff36-2 5.00"))
    home.refresh()
    kept = pl.read_parquet(home.folders.quarantine / "*.parquet")
    assert kept.select("row_number", "reason_code", "row_key").rows() == [(2, "KEY_CHARS", None)]


def test_a_backlog_gives_the_same_lake_whatever_order_it_was_put_down_in(tmp_path: Path) -> None:
    deliveries = [
        (f"2026-07-{day:02d}", f"{name}_{day}.csv", content)
        for day in range(1, 9)
        for name, content in (
            ("ledger", ledger(f"INV-{day} {day}.00", f"INV-{day - 1} {day}.50", "INV-x bad")),
            ("payments", payments(f"PAY-{day} 1 {day}.00 INV-{day}")),
        )
    ]
    contents = []
    for number, order in enumerate((deliveries, deliveries[::-1], deliveries[5:] + deliveries[:5])):
        home = Home.at(tmp_path / str(number))
        for delivery_date, name, content in order:
            home.deliver(delivery_date, name, content)
        home.refresh()
        contents.append(home.lake_content())
    assert contents[0]["ledger"]
    assert contents[1] == contents[0]
    assert contents[2] == contents[0]
