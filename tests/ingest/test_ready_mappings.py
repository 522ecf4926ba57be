"""Each ready mapping reads a small export as its system writes it."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from ingest.mappings import SourceMapping, load_mappings
from ingest.staging import StagedLoad
from tests.ingest.staging_helpers import accepted, quarantined, stage

SOURCES = Path(__file__).resolve().parents[2] / "ingest" / "sources"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def mappings() -> dict[str, SourceMapping]:
    return load_mappings(SOURCES)


def documents(load: StagedLoad) -> dict[str, tuple[str, str]]:
    """Type and amount by document."""
    rows = accepted(load)
    return {
        row["document_id"]: (row["document_type"], str(row["amount"]))
        for row in rows.iter_rows(named=True)
    }


def paid(load: StagedLoad) -> list[tuple[str, str | None, str]]:
    """Payment, document and amount of each line."""
    rows = accepted(load).sort("payment_id", "line_no")
    return [
        (row["payment_id"], row["document_id"], str(row["amount"]))
        for row in rows.iter_rows(named=True)
    ]


SAP_HEADER = (
    "Company Code\tAccount\tDocument Number\tFiscal Year\tLine Item\tDocument Type\tDocument Date\t"
    "Posting Date\tNet due date\tAmount in doc. curr.\tDocument currency\t"
    "Amount in local currency\tClearing date\tClearing Document\tInvoice reference\tText"
)
SAP_ROWS = (
    "1000\t0000100023\t1800000456\t2026\t001\tRV\t05.01.2026\t05.01.2026\t04.02.2026\t1,190.00\tEUR"
    "\t1,190.00\t{cleared}\t\tMachine parts",
    "1000\t0000100023\t1800000457\t2026\t001\tDG\t06.01.2026\t06.01.2026\t06.01.2026\t190.00-\tEUR"
    "\t190.00-\t\t\t1800000456-2026\tCredit",
    "1000\t0000100023\t1400000099\t2026\t001\tDZ\t20.01.2026\t20.01.2026\t20.01.2026\t500.00-\tEUR"
    "\t500.00-\t\t\t1800000456-2026\tPart payment",
    "\t0000100023\t\t\t\t\t\t\t\t500.00\tEUR\t500.00\t\t\t\t",
)


def test_sap_open_items_give_documents_and_unapplied_cash(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    text = "\n".join([SAP_HEADER, *(row.format(cleared="\t") for row in SAP_ROWS)]) + "\n"
    ledger, payments = stage(
        tmp_path, "FBL5N_open_202601.txt", text.encode("utf-16"), source=mappings["sap_fbl5n"]
    )
    assert documents(ledger) == {
        "1800000456-2026": ("invoice", "1190.00"),
        "1800000457-2026": ("credit_memo", "190.00"),
    }
    assert accepted(ledger)["customer_id"].unique().to_list() == ["0000100023"]
    assert paid(payments) == [("1400000099-2026", "1800000456-2026", "500.00")]
    assert (ledger.record.rows_dropped, ledger.record.rows_filtered) == (1, 1)


def test_sap_cleared_items_give_documents_and_their_payments(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    cleared = "02.02.2026\t1400000101"
    text = "\n".join([SAP_HEADER, *(row.format(cleared=cleared) for row in SAP_ROWS)]) + "\n"
    ledger, payments = stage(tmp_path, "fbl5n cleared.txt", text, source=mappings["sap_fbl5n"])
    assert set(documents(ledger)) == {"1800000456-2026", "1800000457-2026"}
    assert paid(payments) == [("1400000101-1800000456-2026", "1800000456-2026", "1190.00")]
    assert str(accepted(payments)["payment_date"][0]) == "2026-02-02"


def test_quickbooks_reads_below_the_report_title(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    text = (
        'Acme Ltd,,,,,,,,\nTransaction List by Date,,,,,,,,\n"January - March, 2026",,,,,,,,\n'
        "\n"
        "Date,Transaction Type,Num,Posting,Name,Memo/Description,Due Date,Currency,Amount\n"
        '01/15/2026,Invoice,1037,Yes,Rondonuwu Fruit,,02/14/2026,USD,"1,362.07"\n'
        "01/20/2026,Credit Memo,1026,Yes,Amy's Bird Sanctuary,,,USD,-100.00\n"
        "01/25/2026,Payment,5664,Yes,Rondonuwu Fruit,,,USD,-1000.00\n"
        "01/26/2026,Payment,,Yes,Rondonuwu Fruit,,,USD,-5.00\n"
        'TOTAL,,,,,,,,"$257.07"\n'
        '"Monday, Apr 06, 2026 09:14:00 AM GMT-7",,,,,,,,\n'
    )
    ledger, payments = stage(
        tmp_path, "Acme Ltd_Transaction List by Date.csv", text, source=mappings["quickbooks"]
    )
    assert documents(ledger) == {
        "1037": ("invoice", "1362.07"),
        "1026": ("credit_memo", "100.00"),
    }
    assert paid(payments) == [("5664", None, "1000.00")]
    assert quarantined(payments)["reason_code"].to_list() == ["MISSING_KEY"]
    assert ledger.record.rows_dropped == 2


def test_xero_counts_the_further_lines_of_an_invoice_as_duplicates(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    header = (
        "ContactName,EmailAddress,InvoiceNumber,Reference,InvoiceDate,DueDate,Total,TaxTotal,"
        "InvoiceAmountPaid,InvoiceAmountDue,Description,Quantity,UnitAmount,LineAmount,Currency,"
        "Type,Sent,Status"
    )
    line = "Bayside Club,,INV-0012,P/O 9711,12/01/2026,26/01/2026,234.00,18.00,0,234.00"
    text = "\n".join(
        [
            header,
            f"{line},Rackets,2,50,100,GBP,Sales invoice,Sent,Awaiting Payment",
            f"{line},Balls,4,29,116,GBP,Sales invoice,Sent,Awaiting Payment",
            "City Limousines,,INV-0013,,13/01/2026,27/01/2026,10.00,0,0,10.00,x,1,10,10,GBP,"
            "Sales invoice,,Voided",
            "City Limousines,,CN-0001,,14/01/2026,14/01/2026,-4.00,0,0,0,x,1,4,4,GBP,"
            "Sales credit note,,Paid",
            "Draft Ltd,,INV-0099,,14/01/2026,14/01/2026,1,0,0,0,x,1,4,4,GBP,Sales invoice,,Draft",
            "",
        ]
    )
    (ledger,) = stage(tmp_path, "SalesInvoices.csv", text, source=mappings["xero"])
    assert documents(ledger) == {
        "INV-0012": ("invoice", "234.00"),
        "INV-0013": ("invoice", "10.00"),
        "CN-0001": ("credit_memo", "4.00"),
    }
    assert (ledger.record.rows_duplicate, ledger.record.rows_filtered) == (1, 1)
    withdrawn = accepted(ledger).filter(pl.col("is_withdrawn"))
    assert withdrawn["document_id"].to_list() == ["INV-0013"]


def test_xero_account_transactions_give_payments(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    text = (
        "Account Transactions,,,,,,,,\nDemo Company,,,,,,,,\n"
        "For the period 1 January 2026 to 31 January 2026,,,,,,,,\n\n"
        "Date,Source,Contact,Description,Reference,Invoice Number,Currency,Debit,Credit\n"
        "Accounts Receivable,,,,,,,,\n"
        "12 Jan 2026,Receivable Invoice,Bayside Club,Bayside Club,P/O 9711,INV-0012,GBP,234.00,\n"
        "25 Jan 2026,Receivable Payment,Bayside Club,Payment,DD 7,INV-0012,GBP,,234.00\n"
        "Total Accounts Receivable,,,,,,,234.00,234.00\n"
    )
    (payments,) = stage(
        tmp_path, "Demo_Company_-_Account_Transactions.csv", text, source=mappings["xero"]
    )
    assert paid(payments) == [("25 Jan 2026/INV-0012/DD 7", "INV-0012", "234.00")]
    assert (payments.record.rows_dropped, payments.record.rows_filtered) == (2, 1)


def test_erpnext_reads_returns_and_split_payments(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    invoices = (
        "ID,Company,Customer,Date,Payment Due Date,Currency,Grand Total,"
        "Grand Total (Company Currency),Is Return (Credit Note),Return Against,Docstatus\n"
        "ACC-SINV-2026-00001,Acme,Grant Plastics,2026-01-05,2026-02-04,INR,1000.00,1000.00,0,,1\n"
        "ACC-SINV-2026-00002,Acme,Grant Plastics,2026-01-06,,INR,-200.00,-200.00,1,"
        "ACC-SINV-2026-00001,1\n"
        "ACC-SINV-2026-00003,Acme,Grant Plastics,2026-01-07,,INR,5.00,5.00,0,,2\n"
        "ACC-SINV-2026-00004,Acme,Grant Plastics,2026-01-07,,INR,5.00,5.00,0,,0\n"
    )
    (ledger,) = stage(tmp_path, "Sales Invoice.csv", invoices, source=mappings["erpnext"])
    assert documents(ledger) == {
        "ACC-SINV-2026-00001": ("invoice", "1000.00"),
        "ACC-SINV-2026-00002": ("credit_memo", "200.00"),
        "ACC-SINV-2026-00003": ("invoice", "5.00"),
    }
    assert ledger.record.rows_dropped == 1
    entries = (
        "ID,Company,Payment Type,Party,Posting Date,Account Currency (From),Mode of Payment,"
        "Index (Payment References),Name (Payment References),Allocated (Payment References),"
        "Docstatus\n"
        "ACC-PAY-2026-00001,Acme,Receive,Grant Plastics,2026-01-20,INR,Wire,1,"
        "ACC-SINV-2026-00001,700.00,1\n"
        "ACC-PAY-2026-00001,Acme,Receive,Grant Plastics,2026-01-20,INR,Wire,2,"
        "ACC-SINV-2025-00009,50.00,1\n"
        "ACC-PAY-2026-00002,Acme,Pay,Supplier,2026-01-20,INR,Wire,1,ACC-PINV-2026-00001,9.00,1\n"
    )
    (payments,) = stage(tmp_path, "Payment Entry.csv", entries, source=mappings["erpnext"])
    assert paid(payments) == [
        ("ACC-PAY-2026-00001", "ACC-SINV-2026-00001", "700.00"),
        ("ACC-PAY-2026-00001", "ACC-SINV-2025-00009", "50.00"),
    ]


def test_kingdee_workbook_with_midnight_times_and_a_total(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("应收单")
    rows = [
        [
            "单据编号",
            "单据类型",
            "单据状态",
            "业务日期",
            "到期日",
            "结算组织",
            "客户编码",
            "币别",
            "价税合计",
            "备注",
        ],
        [
            "AR00000101",
            "标准应收单",
            "已审核",
            "2026/1/5 0:00:00",
            "2026/2/4",
            "100",
            "CUST0001",
            "人民币",
            "11,300.0000",
            "一月货款",
        ],
        [
            "AR00000102",
            "红字应收单",
            "已审核",
            "2026-01-06",
            "2026-01-06",
            "100",
            "CUST0001",
            "人民币",
            "-300.00",
            "",
        ],
        [
            "AR00000103",
            "标准应收单",
            "创建",
            "2026-01-06",
            "2026-01-06",
            "100",
            "CUST0001",
            "人民币",
            "1.00",
            "",
        ],
        ["合计", "", "", "", "", "", "", "", "11,001.00", ""],
    ]
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    (ledger,) = stage(
        tmp_path, "应收单列表_202601.xlsx", buffer.getvalue(), source=mappings["kingdee"]
    )
    assert documents(ledger) == {
        "AR00000101": ("invoice", "11300.00"),
        "AR00000102": ("credit_memo", "300.00"),
    }
    assert accepted(ledger)["currency_code"].unique().to_list() == ["CNY"]
    assert (ledger.record.rows_dropped, ledger.record.rows_filtered) == (1, 1)


def test_kingdee_receipts(mappings: dict[str, SourceMapping], tmp_path: Path) -> None:
    text = (
        "单据编号,单据状态,业务日期,收款组织,往来单位编码,币别,实收金额,结算方式,源单编号\n"
        'SKD000001,已审核,2026-01-20,100,CUST0001,人民币,"5,000.00",电汇,AR00000101\n'
    )
    (payments,) = stage(tmp_path, "收款单.csv", text.encode("gb18030"), source=mappings["kingdee"])
    assert paid(payments) == [("SKD000001", "AR00000101", "5000.00")]
    assert accepted(payments)["method"].to_list() == ["bank_transfer"]


def test_yonyou_lists_below_their_title(mappings: dict[str, SourceMapping], tmp_path: Path) -> None:
    receivables = (
        "应收单据列表,,,,,,,\n"
        "单据类型,单据编号,单据日期,客户编码,币种,原币金额,本币金额,到期日\n"
        "销售专用发票,0000000123,2026-01-05,010001,人民币,1130.00,1130.00,2026-02-04\n"
        "红字销售专用发票,0000000124,2026-01-06,010001,人民币,-130.00,-130.00,\n"
        "坏账发生,0000000125,2026-01-07,010002,人民币,50.00,50.00,\n"
        ",,合计,,,1050.00,1050.00,\n"
    )
    (ledger,) = stage(
        tmp_path, "应收单据列表.csv", receivables.encode("gb18030"), source=mappings["yonyou"]
    )
    assert documents(ledger) == {
        "0000000123": ("invoice", "1130.00"),
        "0000000124": ("credit_memo", "130.00"),
        "0000000125": ("write_off", "50.00"),
    }
    receipts = (
        "收款单据列表,,,,,,,\n"
        "单据编号,行号,单据日期,客户编码,币种,原币金额,结算方式,核销单据号\n"
        "SK0001,1,2026-01-20,010001,人民币,600.00,电汇,0000000123\n"
        "SK0001,2,2026-01-20,010001,人民币,400.00,电汇,0000000099\n"
        ",,合计,,,1000.00,,\n"
    )
    (payments,) = stage(
        tmp_path, "收款单据列表.csv", receipts.encode("gb18030"), source=mappings["yonyou"]
    )
    assert paid(payments) == [
        ("SK0001", "0000000123", "600.00"),
        ("SK0001", "0000000099", "400.00"),
    ]
    assert payments.record.rows_dropped == 1


def test_ibm_rows_are_invoice_and_payment_at_once(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    text = (
        "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,"
        "Disputed,SettledDate,PaperlessBill,DaysToSettle,DaysLate\r\n"
        "391,0379-NEVHP,4/6/2013,0000611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0\r\n"
        "406,8976-AMJEO,3/3/2012,0007900770,1/26/2013,2/25/2013,94,Yes,,Paper,36,6\r\n"
    )
    ledger, payments = stage(
        tmp_path, "WA_Fn-UseC_-Accounts-Receivable.csv", text, source=mappings["ibm_ar"]
    )
    assert documents(ledger) == {
        "0000611365": ("invoice", "55.94"),
        "0007900770": ("invoice", "94.00"),
    }
    assert accepted(ledger)["has_open_dispute"].to_list() == [False, True]
    assert paid(payments) == [("0000611365", "0000611365", "55.94")]
    assert [load.record.load_sequence for load in (ledger, payments)] == [1, 2]


def test_uk_dates_that_two_formats_read_differently_are_quarantined(
    mappings: dict[str, SourceMapping], tmp_path: Path
) -> None:
    payments_text = (
        "payment_id,account_id,payment_date,amount,payment_method,payment_status\n"
        "P1,DC1,2026-08-16,84.74,Bank Transfer,Cleared\n"
        "P2,DC1,08/06/2026,300.05,Cheque,Cleared\n"
        "P3,DC1,05/05/2024,44.75,Debit Card,Cleared\n"
        "P4,DC1,18/06/2025,219.46,DEBIT CARD,Failed\n"
        "P5,DC1,08/06/2026,1.00,Cash,Pending\n"
    )
    (payments,) = stage(
        tmp_path, "payments_raw_first60.csv", payments_text, source=mappings["uk_debt"]
    )
    assert [row[0] for row in paid(payments)] == ["P1", "P3"]
    assert quarantined(payments)["reason_code"].to_list() == ["AMBIGUOUS_DATE"]
    assert (payments.record.rows_filtered, str(payments.record.amount_filtered)) == (2, "220.46")
    contacts_text = (
        "comm_id,account_id,comm_date,channel,duration_minutes,outcome,"
        "conc_compliant_script_used,agent\n"
        "C1,DC1,05/23/2024,Inbound Call,8.6,Payment Arranged,Y,Dorothy D.\n"
        "C2,DC1,28-02-2026,outbound call,,,Y,Francis S.\n"
    )
    (contacts,) = stage(
        tmp_path, "communications_raw_first60.csv", contacts_text, source=mappings["uk_debt"]
    )
    assert accepted(contacts).select("channel", "direction", "outcome", "duration_seconds").row(
        0
    ) == ("phone", "inbound", "payment_plan", 516)
    # Midnight of a British summer day is 23:00 of the day before in UTC.
    assert str(accepted(contacts)["contacted_at"][0]) == "2024-05-22 23:00:00"
    assert quarantined(contacts).select("reason_code", "column_name").row(0) == (
        "BAD_ENUM",
        "outcome",
    )


@pytest.mark.skipif(not DATA.is_dir(), reason="the real extracts are not beside this clone")
def test_real_extracts_load_whole(mappings: dict[str, SourceMapping], tmp_path: Path) -> None:
    file = DATA / "ibm_ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"
    loads = stage(tmp_path, file.name, file.read_bytes(), source=mappings["ibm_ar"])
    for load in loads:
        assert load.record.rows_accepted == 2_466
        assert str(load.record.amount_accepted) == "147703.18"
