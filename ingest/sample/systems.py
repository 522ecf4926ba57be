"""The systems of the sample company, each with its own habits of writing files.

Canonical frames come in, files in the house style of one system go out: a Chinese ERP in GB18030
with titles and subtotals, an overseas ERP with American dates and negatives in parentheses, a bank
portal that packs, a dialer, master data in Parquet, workbooks of the people department. The mapping
beside each (``ingest/sources/sample_*.yaml``) undoes what is done here.

A row of a frame may name a ``fault``: then the system writes it so that it must be refused for that
reason code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl

from ingest.sample.parties import DOMESTIC, OVERSEAS
from ingest.sample.settings import date_of
from ingest.sample.writing import CellValue, Landing, csv_text, parquet, workbook

ERP = "sample_erp"
OVERSEAS_ERP = "sample_overseas_erp"
BANK = "sample_bank"
DIALER = "sample_dialer"
MASTER_DATA = "sample_master_data"
PEOPLE = "sample_people"
SURVEY = "sample_survey"
FINANCE = "sample_finance"

#: How each system can spoil a row: by reason code, the column and the text that it then holds;
#: ``{}`` stands for what it would have held.
LEDGER_FAULTS: dict[str, dict[str, tuple[str, str]]] = {
    DOMESTIC: {
        "BAD_AMOUNT": ("价税合计", "待核对"),
        "AMOUNT_SCALE": ("价税合计", "{}5"),
        "SIGN_CONFLICT": ("价税合计", "-{}"),
        "BAD_DATE": ("业务日期", "2026/02/30"),
        "BAD_CURRENCY": ("币种", "RMB"),
        "BAD_ENUM": ("单据类型", "其他往来单"),
        "MISSING_KEY": ("单据编号", ""),
        "KEY_CHARS": ("单据编号", "{}\u3000A"),
        "DUPLICATE_KEY_CONFLICT": ("摘要", "{}"),
    },
    OVERSEAS: {
        "BAD_AMOUNT": ("Amount", "see PO"),
        "BAD_DATE": ("Invoice Date", "02/30/2026"),
        "AMBIGUOUS_DATE": ("Invoice Date", "03/04/26"),
        "BAD_CURRENCY": ("Currency", "US$"),
        "FORMULA": ("Document No", "=A2&1"),
    },
}
PAYMENT_FAULTS: dict[str, dict[str, tuple[str, str]]] = {
    DOMESTIC: {
        "BAD_AMOUNT": ("入账金额", "金额不详"),
        "BAD_DATE": ("入账日期", "20260631"),
        "MISSING_KEY": ("交易流水号", ""),
        "BAD_CURRENCY": ("币种", "XYZ"),
        "RAGGED_ROW": ("冲正流水号", "{}"),
        "ID_PRECISION_LOST": ("交易流水号", "2.02605E+11"),
    },
    OVERSEAS: {
        "AMOUNT_RANGE": ("Amount", "99,999,999,999,999,999.00"),
        "BAD_DATE": ("Receipt Date", "13/45/2026"),
        "NON_FINITE": ("Amount", "NaN"),
    },
}
CONTACT_FAULTS: dict[str, tuple[str, str]] = {
    "BAD_TIMESTAMP": ("started_at", "yesterday noon"),
    "BAD_ENUM": ("disposition", "ZZ"),
    "MISSING_KEY": ("account", ""),
    "BAD_AMOUNT": ("ptp_amount", "about half"),
}

_ERP_TYPES = {
    "invoice": "应收单",
    "debit_memo": "服务应收单",
    "opening_balance": "期初应收单",
    "credit_memo": "红字应收单",
    "adjustment": "调整单",
    "write_off": "坏账核销单",
    "recovery": "坏账收回单",
}
_ERP_LEGAL = {
    "demand_letter": "律师函",
    "litigation": "诉讼中",
    "judgment": "已判决",
    "enforcement": "执行中",
}
_ERP_REASONS = {
    "price": "价格",
    "quantity": "数量",
    "quality": "质量",
    "delivery": "交期",
    "missing_order_number": "缺订单号",
}
_OVERSEAS_TYPES = {
    "invoice": "INV",
    "debit_memo": "DRN",
    "opening_balance": "OPB",
    "credit_memo": "CRN",
    "write_off": "WRO",
    "adjustment": "ADJ",
    "recovery": "REC",
}
#: Types that the overseas ERP keeps in a register of its own, a workbook.
REGISTERED = ("adjustment", "recovery")
_METHODS = {"bank_transfer": "电汇", "bill_of_exchange": "银行承兑汇票", "cheque": "支票"}
_DISPOSITIONS = {
    "no_answer": "NA",
    "left_message": "LM",
    "right_party": "RPC",
    "promise_to_pay": "PTP",
    "wrong_party": "WP",
    "paid": "PD",
    "dispute": "DSP",
    "refusal": "REF",
    "payment_plan": "PLN",
    "complaint": "CMP",
}
_SEGMENTS = {
    "key_account": "KA",
    "enterprise": "ENT",
    "small_business": "SMB",
    "public_sector": "PUB",
}


def ledger_file(
    landing: Landing, delivery: int, company: str, document_type: str
) -> tuple[str, str]:
    """Return source and name of the file that holds a ledger entry."""
    tag = landing.date_tag(delivery)
    if company == DOMESTIC:
        return ERP, f"应收单_{tag}.csv"
    if document_type in REGISTERED:
        return OVERSEAS_ERP, f"ar_register_{tag}.xlsx"
    return OVERSEAS_ERP, f"ar_transactions_{tag}.csv"


def payments_file(landing: Landing, delivery: int, company: str) -> tuple[str, str]:
    """Return source and name of the file that holds a payment."""
    tag = landing.date_tag(delivery)
    if company == DOMESTIC:
        return BANK, f"回款流水_{tag}.csv.gz"
    return OVERSEAS_ERP, f"cash_receipts_{tag}.csv"


def contacts_file(landing: Landing, delivery: int) -> tuple[str, str]:
    """Return source and name of the file that holds a contact."""
    return DIALER, f"dialer_export_{landing.date_tag(delivery)}.csv"


def day(column: str, pattern: str = "%Y-%m-%d") -> pl.Expr:
    """Write a day number as text."""
    return pl.col(column).cast(pl.Int32).cast(pl.Date).dt.strftime(pattern)


def money(column: str, *, grouped: bool = False, parentheses: bool = False) -> pl.Expr:
    """Write whole cents as text with two decimals, exactly.

    Args:
        column: Name of a column of whole cents.
        grouped: Whether a comma stands between groups of three digits.
        parentheses: Whether negatives stand in parentheses instead of behind a minus.
    """
    cents = pl.col(column).abs()
    whole, rest = cents // 100, (cents % 100).cast(pl.String).str.zfill(2)
    text = whole.cast(pl.String)
    if grouped:
        for power in (3, 6, 9, 12):
            head, tail = whole // 10**power, whole % 10**power
            groups = [
                (tail // 10**step % 1000).cast(pl.String).str.zfill(3)
                for step in range(power - 3, -1, -3)
            ]
            long = pl.concat_str(head.cast(pl.String), *groups, separator=",")
            text = pl.when(head > 0).then(long).otherwise(text)
    text = pl.concat_str(text, pl.lit("."), rest)
    negative = pl.format("({})", text) if parentheses else pl.format("-{}", text)
    return pl.when(pl.col(column) < 0).then(negative).otherwise(text)


def _spoiled(rows: pl.DataFrame, faults: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """Write the rows that name a fault the way the fault says."""
    if rows["fault"].null_count() == rows.height:
        return rows
    for code, (column, text) in faults.items():
        before, kept, after = text.partition("{}")
        spoiled = pl.lit(text)
        if kept:
            spoiled = pl.concat_str(pl.lit(before), pl.col(column).fill_null(""), pl.lit(after))
        rows = rows.with_columns(
            pl.when(pl.col("fault") == code).then(spoiled).otherwise(column).alias(column)
        )
    return rows


class Systems:
    """Writes canonical frames as the files of the company's systems.

    It also keeps what systems vouch for: rows and amount per delivery.

    Attributes:
        row_counts: Rows written per extract.
    """

    def __init__(self, landing: Landing) -> None:
        """Write into a landing folder."""
        self.row_counts: dict[str, int] = {}
        self._landing = landing
        self._register: dict[int, list[pl.DataFrame]] = {}
        self._vouched: dict[tuple[int, str, str], list[int]] = {}
        self._doubtful: set[tuple[int, str]] = set()

    def write_ledger(self, ledger: pl.DataFrame) -> None:
        """Write ledger entries of both companies.

        Args:
            ledger: Canonical entries with ``delivery`` and ``fault``.
        """
        self._count("ledger", ledger)
        registered = pl.col("document_type").is_in(REGISTERED)
        ledger = ledger.sort("delivery", "document_date", "document_id", maintain_order=True)
        for (delivery, company), rows in ledger.group_by(
            "delivery", "company_code", maintain_order=True
        ):
            number = int(str(delivery))
            if company == DOMESTIC:
                self._vouch(number, ERP, "ledger", rows)
                self._write_erp(number, rows)
            else:
                self._write_overseas(number, rows.filter(~registered))
                self._register.setdefault(number, []).append(rows.filter(registered))

    def write_payments(self, payments: pl.DataFrame) -> None:
        """Write payment lines of both companies.

        Args:
            payments: Canonical lines with ``delivery`` and ``fault``.
        """
        self._count("payments", payments)
        key = ("payment_date", "payment_id", "line_no")
        payments = payments.sort("delivery", *key, maintain_order=True)
        for (delivery, company), rows in payments.group_by(
            "delivery", "company_code", maintain_order=True
        ):
            number = int(str(delivery))
            if company == DOMESTIC:
                self._vouch(number, BANK, "payments", rows)
                self._write_bank(number, rows)
            else:
                self._write_cash_receipts(number, rows)

    def write_contacts(self, contacts: pl.DataFrame) -> None:
        """Write contacts as the dialer exports them, its own sign-on records among them.

        Args:
            contacts: Canonical contacts with ``delivery``, ``local`` and ``fault``.
        """
        self._count("contact_log", contacts)
        for (delivery,), rows in contacts.sort("delivery", "instant", "contact_id").group_by(
            "delivery", maintain_order=True
        ):
            minutes = (pl.col("local") - pl.col("instant")).dt.total_minutes()
            offset = pl.concat_str(
                pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
                (minutes.abs() // 60).cast(pl.String).str.zfill(2),
                pl.lit(":"),
                (minutes.abs() % 60).cast(pl.String).str.zfill(2),
            )
            text = _spoiled(
                rows.select(
                    pl.lit("CALL").alias("record_type"),
                    pl.col("contact_id").alias("call_id"),
                    pl.col("customer_id").alias("account"),
                    pl.col("document_id").alias("invoice"),
                    pl.col("collector_id").alias("agent"),
                    pl.concat_str(pl.col("local").dt.strftime("%Y-%m-%d %H:%M:%S"), offset).alias(
                        "started_at"
                    ),
                    pl.col("channel").str.to_uppercase(),
                    pl.col("direction").replace_strict({"outbound": "OUT", "inbound": "IN"}),
                    pl.col("outcome").replace_strict(_DISPOSITIONS).alias("disposition"),
                    money("promised_cents").alias("ptp_amount"),
                    day("promised_date").alias("ptp_date"),
                    pl.col("duration_seconds").cast(pl.String).alias("talk_seconds"),
                    pl.col("is_complaint_upheld").cast(pl.String).alias("upheld"),
                    pl.col("evidence_reference").alias("recording"),
                    pl.col("note").alias("notes"),
                    "fault",
                ),
                CONTACT_FAULTS,
            ).drop("fault")
            number = int(str(delivery))
            people = rows["collector_id"].unique(maintain_order=True).sort().head(3)
            sign_ons = text.clear(n=len(people)).with_columns(
                pl.lit("SIGN_ON").alias("record_type"), people.alias("agent")
            )
            source, name = contacts_file(self._landing, number)
            self._append_csv(number, source, name, pl.concat([sign_ons, text]))

    def write_customers(self, delivery: int, customers: pl.DataFrame) -> None:
        """Write the customers as master data holds them: all of them, every time.

        Args:
            delivery: Number of the delivery.
            customers: Canonical customers.
        """
        self._count("customers", customers)
        rows = customers.select(
            pl.col("customer_id").alias("cust_no"),
            pl.col("customer_name").alias("cust_name"),
            pl.col("segment").replace_strict(_SEGMENTS).alias("cust_class"),
            pl.col("region").alias("sales_region"),
            pl.col("parent_customer_id").alias("group_no"),
            money("credit_limit_cents").cast(pl.Decimal(18, 2)).alias("credit_limit"),
            pl.col("payment_terms_days").cast(pl.Int32).alias("net_days"),
            pl.col("currency_code").alias("currency"),
            "timezone",
            pl.col("is_insolvent").alias("insolvency"),
            pl.col("onboarded_date").cast(pl.Int32).cast(pl.Date).alias("customer_since"),
            "phone",
            pl.col("email").alias("mail"),
        )
        self._put(delivery, MASTER_DATA, "customers_{}.parquet", parquet(rows))

    def write_collectors(self, delivery: int, collectors: pl.DataFrame) -> None:
        """Write the members of the teams: all of them, every time.

        Args:
            delivery: Number of the delivery.
            collectors: Canonical collectors.
        """
        self._count("collectors", collectors)
        rows = collectors.select(
            pl.col("collector_id").alias("employee_no"),
            pl.col("collector_name").alias("employee_name"),
            pl.col("team_id").alias("team"),
            pl.col("role").alias("job"),
            *(
                pl.col(f"{name}_date").cast(pl.Int32).cast(pl.Date).alias(name)
                for name in ("hired", "left")
            ),
            money("hourly_cents").cast(pl.Decimal(18, 2)).alias("cost_per_hour"),
        )
        self._put(delivery, MASTER_DATA, "collectors_{}.parquet", parquet(rows))

    def write_portfolios(self, portfolios: pl.DataFrame) -> None:
        """Write who looks after whom: what is new or ended since the delivery before.

        Args:
            portfolios: Canonical tenures with ``delivery``.
        """
        self._count("portfolios", portfolios)
        for (delivery,), rows in portfolios.group_by("delivery", maintain_order=True):
            text = rows.select(
                pl.col("customer_id").alias("cust_no"),
                pl.col("collector_id").alias("employee_no"),
                *(pl.col(name).cast(pl.Int32).cast(pl.Date) for name in ("valid_from", "valid_to")),
            )
            self._put(int(str(delivery)), MASTER_DATA, "portfolios_{}.parquet", parquet(text))

    def write_trainings(self, trainings: pl.DataFrame) -> None:
        """Write the training records as workbooks of the people department.

        Args:
            trainings: Canonical records with ``delivery``.
        """
        self._count("trainings", trainings)
        header = ("工号", "课程编号", "考核次数", "培训日期", "考核日期", "成绩", "结果")
        for (delivery,), rows in trainings.group_by("delivery", maintain_order=True):
            cells: list[tuple[CellValue, ...]] = [
                (
                    row["collector_id"],
                    row["course_id"],
                    row["attempt_no"],
                    date_of(row["training_date"]),
                    date_of(row["assessed_date"]),
                    row["score"],
                    "合格" if row["is_passed"] else "不合格",
                )
                for row in rows.iter_rows(named=True)
            ]
            content = workbook("培训记录", header, cells, title="员工培训考核登记表")
            self._put(int(str(delivery)), PEOPLE, "培训记录_{}.xlsx", content)

    def write_surveys(self, surveys: pl.DataFrame) -> None:
        """Write the answers of the satisfaction survey, one JSON object a line.

        Args:
            surveys: Canonical answers with ``delivery`` and ``instant``.
        """
        self._count("surveys", surveys)
        for (delivery,), rows in surveys.group_by("delivery", maintain_order=True):
            answers = rows.select(
                pl.col("survey_id").alias("answer_id"),
                pl.col("customer_id").alias("account"),
                pl.col("instant").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("submitted_at"),
                "score",
            )
            content = answers.write_ndjson().encode()
            self._put(int(str(delivery)), SURVEY, "answers_{}.jsonl", content)

    def write_rates(self, rates: pl.DataFrame) -> None:
        """Write the rates, tab-separated.

        Args:
            rates: Canonical rates with ``delivery`` and ``scaled`` (rate × 10,000).
        """
        self._count("fx_rates", rates)
        for (delivery,), rows in rates.group_by("delivery", maintain_order=True):
            text = rows.select(
                day("rate_date").alias("日期"),
                pl.col("from_currency").alias("外币"),
                pl.col("to_currency").alias("本币"),
                pl.concat_str(
                    (pl.col("scaled") // 10_000).cast(pl.String),
                    pl.lit("."),
                    (pl.col("scaled") % 10_000).cast(pl.String).str.zfill(4),
                ).alias("汇率"),
            )
            number = int(str(delivery))
            name = f"汇率_{self._landing.date_tag(number)}.tsv"
            self._append_csv(number, FINANCE, name, text, separator="\t")

    def write_targets(self, targets: pl.DataFrame) -> None:
        """Write the targets as workbooks.

        Args:
            targets: Canonical targets with ``delivery``.
        """
        self._count("targets", targets)
        header = ("Period Start", "Period", "Level", "Unit", "Measure", "Target")
        for (delivery,), rows in targets.group_by("delivery", maintain_order=True):
            cells: list[tuple[CellValue, ...]] = [
                (
                    row["period_start"],
                    row["period_type"],
                    row["scope_type"],
                    row["scope_id"],
                    row["measure"],
                    row["target_value"],
                )
                for row in rows.iter_rows(named=True)
            ]
            self._put(
                int(str(delivery)), FINANCE, "targets_{}.xlsx", workbook("Plan", header, cells)
            )

    def write_controls(self, balances: pl.DataFrame) -> None:
        """Write the general ledger's balances, and what ERP and bank vouch for.

        A delivery that a system spoiled or repeated rows in is not vouched for.

        Args:
            balances: ``delivery``, ``company_code``, ``currency_code``, ``balance_date``,
                ``cents``.
        """
        totals = pl.DataFrame(
            [
                (delivery, extract, source, rows, cents)
                for (delivery, source, extract), (rows, cents) in sorted(self._vouched.items())
                if (delivery, source) not in self._doubtful
            ],
            schema=["delivery", "extract", "source", "row_count", "cents"],
            orient="row",
        )
        sources = {DOMESTIC: ERP, OVERSEAS: OVERSEAS_ERP}
        stated = balances.with_columns(
            pl.lit("gl_balance").alias("extract"),
            pl.col("company_code").replace_strict(sources).alias("source"),
        )
        controls = pl.concat([stated, totals], how="diagonal").sort("delivery", maintain_order=True)
        self._count("control_totals", controls)
        for (delivery,), rows in controls.group_by("delivery", maintain_order=True):
            number = int(str(delivery))
            text = rows.select(
                pl.col("extract").alias("数据集"),
                pl.lit(self._landing.dates[number].isoformat()).alias("交付日期"),
                pl.col("source").alias("系统"),
                pl.col("row_count").cast(pl.String).alias("行数"),
                money("cents", grouped=True).alias("金额"),
                pl.col("company_code").alias("账套"),
                pl.col("currency_code").alias("币种"),
                day("balance_date").alias("余额日期"),
            )
            name = f"对账总数_{self._landing.date_tag(number)}.csv"
            self._append_csv(number, FINANCE, name, text)

    def repeat_bank_file(self) -> tuple[int, str, str]:
        """Deliver one of the last bank files once more, unchanged and under its own name.

        Returns:
            Number of the delivery that repeats it, source and name of the file.
        """
        delivery = [at for at, source, _ in sorted(self._vouched) if source == BANK][-3]
        source, name = payments_file(self._landing, delivery, DOMESTIC)
        self._landing.repeat(delivery, delivery + 1, source, name)
        return delivery + 1, source, name

    def finish(self) -> None:
        """Write what needs the whole company: grand totals, registers, control files."""
        for (delivery, source, _), (rows, cents) in sorted(self._vouched.items()):
            amount = pl.DataFrame({"cents": [cents]}).select(money("cents", grouped=True)).item()
            if source == ERP:
                line = f'合计,,,,,,,,"{amount}",,,,,,,\r\n'
                _, name = ledger_file(self._landing, delivery, DOMESTIC, "invoice")
                self._landing.append(delivery, source, name, line.encode("gb18030"))
            elif (delivery, source) not in self._doubtful:
                _, name = payments_file(self._landing, delivery, DOMESTIC)
                control = {"row_count": rows, "amount": amount.replace(",", "")}
                self._landing.append(
                    delivery, source, f"{name}.control.json", json.dumps(control).encode()
                )
        for delivery, frames in sorted(self._register.items()):
            self._write_register(delivery, pl.concat(frames))

    def _count(self, extract: str, rows: pl.DataFrame) -> None:
        self.row_counts[extract] = self.row_counts.get(extract, 0) + rows.height

    def _vouch(self, delivery: int, source: str, extract: str, rows: pl.DataFrame) -> None:
        totals = self._vouched.setdefault((delivery, source, extract), [0, 0])
        totals[0] += rows.height
        totals[1] += int(rows["cents"].sum())
        if rows["fault"].null_count() < rows.height:
            self._doubtful.add((delivery, source))

    def _write_erp(self, delivery: int, rows: pl.DataFrame) -> None:
        month = pl.col("document_date").cast(pl.Int32).cast(pl.Date).dt.truncate("1mo")
        text = _spoiled(
            rows.select(
                pl.col("document_id").alias("单据编号"),
                pl.col("installment_no").cast(pl.String).alias("分期"),
                pl.col("document_type").replace_strict(_ERP_TYPES).alias("单据类型"),
                pl.col("customer_id").alias("客户编号"),
                day("document_date", "%Y/%m/%d").alias("业务日期"),
                day("due_date", "%Y年%m月%d日").alias("到期日"),
                pl.col("payment_terms_days").cast(pl.String).alias("账期"),
                pl.col("currency_code").alias("币种"),
                money("cents", grouped=True).alias("价税合计"),
                pl.col("applies_to_document_id").alias("源单编号"),
                _either("has_open_dispute", "是", "否").alias("争议"),
                pl.col("dispute_reason")
                .replace_strict(_ERP_REASONS, default=None)
                .alias("争议原因"),
                pl.col("legal_status").replace_strict(_ERP_LEGAL, default=None).alias("法务状态"),
                pl.col("salesperson_id").alias("业务员"),
                pl.col("description").alias("摘要"),
                _either("is_withdrawn", "是", "否").alias("作废"),
                "fault",
                "cents",
                month.alias("month"),
            ),
            LEDGER_FAULTS[DOMESTIC],
        )
        # A subtotal closes each month of the listing.
        subtotals = (
            text.group_by("month", maintain_order=True)
            .agg(pl.col("cents").sum())
            .with_columns(
                pl.lit("小计").alias("单据编号"), money("cents", grouped=True).alias("价税合计")
            )
        )
        listing = (
            pl.concat([text, subtotals], how="diagonal")
            .sort("month", maintain_order=True)
            .drop("month", "cents", "fault")
        )
        date = self._landing.dates[delivery].isoformat()
        titles = f"华东示例实业集团有限公司\r\n应收单序时簿\r\n导出日期：{date}　账套：1000\r\n"
        header = csv_text(listing.clear(), header=True, line_end="\r\n")
        source, name = ledger_file(self._landing, delivery, DOMESTIC, "invoice")
        self._landing.append(
            delivery,
            source,
            name,
            csv_text(listing, line_end="\r\n").encode("gb18030"),
            beginning=(titles + header).encode("gb18030"),
        )

    def _write_overseas(self, delivery: int, rows: pl.DataFrame) -> None:
        # Credits are negative in this system, whatever their type says.
        is_credit = pl.col("document_type").is_in(["credit_memo", "write_off"])
        signed = rows.with_columns(
            pl.when(is_credit).then(-pl.col("cents")).otherwise("cents").alias("cents")
        )
        text = _spoiled(
            signed.select(
                pl.col("document_id").alias("Document No"),
                pl.col("installment_no").cast(pl.String).alias("Installment"),
                pl.col("document_type").replace_strict(_OVERSEAS_TYPES).alias("Type"),
                pl.col("customer_id").alias("Customer No"),
                day("document_date", "%m/%d/%Y").alias("Invoice Date"),
                day("due_date", "%m/%d/%Y").alias("Due Date"),
                pl.col("payment_terms_days").cast(pl.String).alias("Net Days"),
                pl.col("currency_code").alias("Currency"),
                money("cents", grouped=True, parentheses=True).alias("Amount"),
                pl.col("applies_to_document_id").alias("Applies To"),
                _either("has_open_dispute", "Y", "N").alias("Disputed"),
                pl.col("dispute_reason").alias("Dispute Reason"),
                pl.col("legal_status").alias("Legal Status"),
                pl.col("salesperson_id").alias("Sales Rep"),
                pl.col("description").alias("Description"),
                _either("is_withdrawn", "Y", "N").alias("Void"),
                "fault",
            ),
            LEDGER_FAULTS[OVERSEAS],
        ).drop("fault")
        source, name = ledger_file(self._landing, delivery, OVERSEAS, "invoice")
        self._append_csv(delivery, source, name, text, has_byte_order_mark=True)

    def _write_register(self, delivery: int, rows: pl.DataFrame) -> None:
        if rows.is_empty():
            return
        header = ("Entry", "Type", "Customer", "Date", "Currency", "Amount", "Against", "Text")
        cells: list[tuple[CellValue, ...]] = [
            (
                row["document_id"],
                _OVERSEAS_TYPES[row["document_type"]],
                row["customer_id"],
                date_of(row["document_date"]),
                row["currency_code"],
                # A cell of a workbook is a binary number; two decimals come back exactly.
                row["cents"] / 100,
                row["applies_to_document_id"],
                row["description"],
            )
            for row in rows.sort("document_date", "document_id").iter_rows(named=True)
        ]
        source, name = ledger_file(self._landing, delivery, OVERSEAS, REGISTERED[0])
        self._landing.append(delivery, source, name, workbook("Register", header, cells))

    def _write_bank(self, delivery: int, rows: pl.DataFrame) -> None:
        text = _spoiled(
            rows.select(
                pl.col("payment_id").alias("交易流水号"),
                pl.col("line_no").cast(pl.String).alias("行号"),
                pl.col("customer_id").alias("付款方编号"),
                day("payment_date").alias("入账日期"),
                pl.col("currency_code").alias("币种"),
                money("cents").alias("入账金额"),
                pl.col("document_id").alias("核销单号"),
                pl.col("installment_no").cast(pl.String).alias("核销分期"),
                day("application_date").alias("核销日期"),
                money("discount_cents").alias("现金折扣"),
                pl.col("method").replace_strict(_METHODS).alias("结算方式"),
                pl.col("reverses_payment_id").alias("冲正流水号"),
                "fault",
            ),
            PAYMENT_FAULTS[DOMESTIC],
        )
        cut = (pl.col("fault") == "RAGGED_ROW").fill_null(value=False)
        ragged = csv_text(text.filter(cut).drop("fault"))
        # Such rows end early: their last two fields are gone.
        extra = "".join(f"{line.rsplit(',', 2)[0]}\n" for line in ragged.splitlines())
        source, name = payments_file(self._landing, delivery, DOMESTIC)
        self._append_csv(delivery, source, name, text.filter(~cut).drop("fault"), extra=extra)

    def _write_cash_receipts(self, delivery: int, rows: pl.DataFrame) -> None:
        text = _spoiled(
            rows.select(
                pl.col("payment_id").alias("Receipt No"),
                pl.col("line_no").cast(pl.String).alias("Line"),
                pl.col("customer_id").alias("Customer No"),
                day("payment_date", "%m/%d/%Y").alias("Receipt Date"),
                pl.col("currency_code").alias("Currency"),
                money("cents", grouped=True, parentheses=True).alias("Amount"),
                money("discount_cents", grouped=True).alias("Discount"),
                pl.col("document_id").alias("Invoice"),
                pl.col("installment_no").cast(pl.String).alias("Installment"),
                day("application_date", "%m/%d/%Y").alias("Applied On"),
                pl.col("method").alias("Method"),
                pl.col("reverses_payment_id").alias("Reversal Of"),
                "fault",
            ),
            PAYMENT_FAULTS[OVERSEAS],
        ).drop("fault")
        source, name = payments_file(self._landing, delivery, OVERSEAS)
        self._append_csv(delivery, source, name, text, has_byte_order_mark=True)

    def _append_csv(
        self,
        delivery: int,
        source: str,
        name: str,
        text: pl.DataFrame,
        *,
        separator: str = ",",
        has_byte_order_mark: bool = False,
        extra: str = "",
    ) -> None:
        if text.is_empty() and not extra:
            return
        beginning = csv_text(text.clear(), header=True, separator=separator).encode()
        if has_byte_order_mark:
            beginning = b"\xef\xbb\xbf" + beginning
        content = (csv_text(text, separator=separator) + extra).encode()
        self._landing.append(delivery, source, name, content, beginning=beginning)

    def _put(self, delivery: int, source: str, pattern: str, content: bytes) -> None:
        name = pattern.format(self._landing.date_tag(delivery))
        self._landing.append(delivery, source, name, content)


def _either(column: str, yes: str, no: str) -> pl.Expr:
    return pl.when(column).then(pl.lit(yes)).otherwise(pl.lit(no))
