"""The sample company: the same bytes every time, a believable business, and nothing unaccounted.

The files are read here with the standard library, in exact decimals and by rules of this test's
own, so that neither the sample nor the ingest vouches for itself.
"""

import csv
import gzip
import io
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ingest.lake import Folders, admit, initialise, load_records, stage_pending
from ingest.mappings import load_mappings
from ingest.sample import SampleSummary, Settings, write_company, write_sample_company
from ingest.sample.oddities import NOTE_CANARIES, UNKNOWN_CUSTOMER, UNKNOWN_DOCUMENT
from ingest.sample.settings import day_number
from ingest.sample.systems import ledger_file
from ingest.sample.trade import STORIES
from ingest.sample.writing import Landing

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "ingest" / "sources"
SMALL = Settings(documents=900, months=12, weekly_deliveries=4, daily_deliveries=6)

BILLED = ("invoice", "debit_memo", "opening_balance")
TYPES = {
    "应收单": "invoice",
    "服务应收单": "debit_memo",
    "期初应收单": "opening_balance",
    "红字应收单": "credit_memo",
    "调整单": "adjustment",
    "坏账核销单": "write_off",
    "坏账收回单": "recovery",
    "INV": "invoice",
    "DRN": "debit_memo",
    "OPB": "opening_balance",
    "CRN": "credit_memo",
    "WRO": "write_off",
    "ADJ": "adjustment",
    "REC": "recovery",
}
MONEY = re.compile(r"-?\d{1,16}\.\d{2}")
KEY = re.compile(r"[A-Z0-9][A-Z0-9-]*")


@dataclass
class Entry:
    """One delivered row of a ledger or of the incoming cash, in exact terms."""

    delivery: date
    file: str
    key: tuple[str, str, str]
    customer: str
    kind: str
    day: date
    currency: str
    amount: Decimal
    target: str
    fields: dict[str, str] = field(repr=False)


@dataclass
class Books:
    """What the files say: entries by the order of delivery, and rows that cannot be read."""

    ledger: list[Entry]
    payments: list[Entry]
    unreadable: Counter[tuple[date, str]]
    repeated: Counter[tuple[date, str]]


def money(text: str) -> Decimal:
    plain = text.replace(",", "")
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    if not MONEY.fullmatch(plain):
        raise ValueError(text)
    return Decimal(plain)


def moment(text: str, pattern: str) -> date:
    day = datetime.strptime(text, pattern).date()
    if day.strftime(pattern) != text:
        raise ValueError(text)
    return day


def register_rows(content: bytes) -> Iterator[dict[str, str]]:
    book = pl.read_excel(io.BytesIO(content), sheet_name="Register", engine="calamine")
    for row in book.iter_rows(named=True):
        amount = Decimal(repr(row["Amount"])).quantize(Decimal("0.01"))
        yield {
            **{name: str(value) for name, value in row.items()},
            "Amount": str(amount),
            "Date": row["Date"].strftime("%m/%d/%Y"),
        }


def file_rows(path: Path) -> Iterator[dict[str, str]]:
    content = path.read_bytes()
    if path.name.endswith(".xlsx"):
        yield from register_rows(content)
        return
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    if path.name.startswith("应收单"):
        lines = list(csv.reader(io.StringIO(content.decode("gb18030"))))[3:]
    else:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    header = lines[0]
    for line in lines[1:]:
        if line[0] not in ("小计", "合计"):
            yield dict(zip(header, line, strict=len(line) == len(header)))


def ledger_entry(delivery: date, path: Path, row: dict[str, str]) -> Entry:
    if "单据编号" in row:
        key = ("1000", row["单据编号"], row["分期"])
        customer, kind, target = row["客户编号"], row["单据类型"], row["源单编号"]
        day, currency = moment(row["业务日期"], "%Y/%m/%d"), row["币种"]
        amount = money(row["价税合计"])
    elif "Document No" in row:
        key = ("2000", row["Document No"], row["Installment"])
        customer, kind, target = row["Customer No"], row["Type"], row["Applies To"]
        day, currency = moment(row["Invoice Date"], "%m/%d/%Y"), row["Currency"]
        amount = money(row["Amount"])
        if kind in ("CRN", "WRO"):
            assert amount < 0
            amount = -amount
    else:
        key = ("2000", row["Entry"], "1")
        customer, kind, target = row["Customer"], row["Type"], row["Against"]
        day, currency = moment(row["Date"], "%m/%d/%Y"), row["Currency"]
        amount = money(row["Amount"])
    kind = TYPES[kind]
    if amount < 0 and kind != "adjustment":
        raise ValueError(amount)
    return entry(
        Entry(delivery, path.name, key, customer, kind, day, currency, amount, target, row)
    )


def payment_entry(delivery: date, path: Path, row: dict[str, str]) -> Entry:
    if "交易流水号" in row:
        row["冲正流水号"]
        key = ("1000", row["交易流水号"], row["行号"])
        customer, target = row["付款方编号"], row["核销单号"]
        day, currency = moment(row["入账日期"], "%Y-%m-%d"), row["币种"]
        amount, back = money(row["入账金额"]), row["冲正流水号"]
    else:
        key = ("2000", row["Receipt No"], row["Line"])
        customer, target = row["Customer No"], row["Invoice"]
        day, currency = moment(row["Receipt Date"], "%m/%d/%Y"), row["Currency"]
        amount, back = money(row["Amount"]), row["Reversal Of"]
    kind = "reversal" if back else "payment"
    return entry(
        Entry(delivery, path.name, key, customer, kind, day, currency, amount, target, row)
    )


def entry(read: Entry) -> Entry:
    if read.currency not in ("CNY", "USD", "EUR") or not KEY.fullmatch(read.key[1]):
        raise ValueError(read)
    return read


def read_books(landing: Path) -> Books:
    books = Books([], [], Counter(), Counter())
    patterns = {
        "应收单*.csv": (books.ledger, ledger_entry),
        "ar_*": (books.ledger, ledger_entry),
        "回款流水*.gz": (books.payments, payment_entry),
        "cash_receipts*": (books.payments, payment_entry),
    }
    seen: set[bytes] = set()
    for folder in sorted(landing.iterdir()):
        delivery = date.fromisoformat(folder.name)
        for pattern, (book, read) in patterns.items():
            for path in sorted(folder.glob(f"*/{pattern}")):
                content = path.read_bytes()
                if content in seen:
                    continue
                seen.add(content)
                entries: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
                for row in file_rows(path):
                    try:
                        one = read(delivery, path, row)
                    except (ValueError, KeyError):
                        books.unreadable[delivery, path.name] += 1
                    else:
                        entries[one.key].append(one)
                for same in entries.values():
                    if any(one != same[0] for one in same):
                        books.unreadable[delivery, path.name] += len(same)
                    else:
                        books.repeated[delivery, path.name] += len(same) - 1
                        book.append(same[0])
    books.repeated = +books.repeated
    return books


def discount(one: Entry) -> Decimal:
    text = one.fields.get("现金折扣") or one.fields.get("Discount") or "0.00"
    return money(text)


def latest(entries: list[Entry]) -> dict[tuple[str, str, str], Entry]:
    return {one.key: one for one in sorted(entries, key=lambda one: one.delivery)}


def is_withdrawn(one: Entry) -> bool:
    return (one.fields.get("作废") or one.fields.get("Void")) in ("是", "Y")


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    landing = tmp_path_factory.mktemp("sample") / "landing"
    return landing, write_sample_company(landing)


@pytest.fixture(scope="module")
def books(written: tuple[Path, SampleSummary]) -> Books:
    return read_books(written[0])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    landing = tmp_path_factory.mktemp("small") / "landing"
    return landing, write_company(landing, SMALL)


def test_the_same_settings_give_the_same_bytes(
    small: tuple[Path, SampleSummary], tmp_path: Path
) -> None:
    landing, summary = small
    for _ in range(2):
        again = write_company(tmp_path / "again", SMALL)
        assert tree(tmp_path / "again") == tree(landing)
        assert again == summary
    write_company(tmp_path / "other", replace(SMALL, seed=7))
    other, first = tree(tmp_path / "other"), tree(landing)
    changed = [name for name in first if other.get(name) not in (None, first[name])]
    assert len(changed) > len(first) // 2


def test_nothing_is_left_under_a_temporary_name(small: tuple[Path, SampleSummary]) -> None:
    landing, summary = small
    files = [path for path in landing.rglob("*") if path.is_file()]
    assert len(files) == summary.file_count
    assert sum(path.stat().st_size for path in files) == summary.byte_count
    assert not [path for path in files if path.name.endswith((".part", ".tmp"))]


def test_deliveries_are_a_history_then_months_then_weeks_then_days() -> None:
    settings = Settings()
    dates = settings.delivery_dates
    gaps = [(after - before).days for before, after in pairwise(dates)]
    assert settings.start_date == date(2024, 11, 1)
    assert dates[0] == date(2025, 1, 31)
    assert dates[-1] == settings.end_date == date(2026, 6, 30)
    assert 40 <= len(dates) <= 50
    assert gaps[-13:] == [1] * 13
    assert gaps[-27:-14] == [7] * 13
    assert all(28 <= gap <= 31 for gap in gaps[: -(14 + 14)])
    assert all(date_.weekday() == 4 for date_ in dates[-28:-14])


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"documents": 10}, "documents"),
        ({"months": 6}, "months"),
        ({"end_date": date(2026, 6, 29)}, "end_date"),
        ({"opening_months": 15}, "opening_months"),
        ({"daily_deliveries": 0}, "daily_deliveries"),
    ],
)
def test_a_size_of_which_no_company_can_be_made_is_refused(
    choice: dict[str, object], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        Settings(**choice)  # type: ignore[arg-type]


def test_what_becomes_of_an_item_is_decided_for_every_paying_habit() -> None:
    for habit in range(4):
        assert sum(Decimal(str(shares[habit])) for shares in STORIES.values()) == 1


def test_files_are_written_as_the_systems_write_them(written: tuple[Path, SampleSummary]) -> None:
    landing, summary = written
    day = landing / "2025-03-31"
    listing = next(day.glob("sample_erp/*")).read_bytes()
    with pytest.raises(UnicodeDecodeError):
        listing.decode("utf-8")
    lines = listing.decode("gb18030").split("\r\n")
    assert lines[3].startswith("单据编号,分期,单据类型,客户编号")
    assert lines[-2].startswith("合计,")
    assert [line for line in lines if line.startswith("小计,")]
    assert [line for line in lines if re.search(r'"\d{1,3}(,\d{3})+\.\d\d"', line)]
    assert re.search(r",\d{4}/\d\d/\d\d,\d{4}年\d\d月\d\d日,", lines[4])
    overseas = next(day.glob("sample_overseas_erp/ar_transactions_*.csv")).read_bytes()
    assert overseas.startswith(b"\xef\xbb\xbfDocument No,")
    assert re.search(rb"\d\d/\d\d/\d{4}", overseas)
    assert re.search(rb'CRN,.*"?\([\d,.]+\)', overseas)
    packed = next(day.glob("sample_bank/*.gz")).read_bytes()
    assert packed[:4] == b"\x1f\x8b\x08\x00"
    assert packed[4:8] == b"\0\0\0\0"
    kinds = Counter("".join(path.suffixes[-2:]) for path in landing.rglob("*") if path.is_file())
    assert {".csv", ".csv.gz", ".xlsx", ".parquet", ".jsonl", ".tsv"} <= set(kinds)
    sources = {path.name for path in landing.glob("*/*")}
    assert sources == {path.stem for path in SOURCES.glob("sample_*.yaml")}
    assert {*load_mappings(SOURCES)} >= sources
    assert summary.delivery_dates == tuple(
        date.fromisoformat(folder.name) for folder in sorted(landing.iterdir())
    )


def test_every_file_fits_a_mapping(written: tuple[Path, SampleSummary]) -> None:
    mappings = load_mappings(SOURCES)
    for path in written[0].glob("*/*/*"):
        if not path.name.endswith(".control.json"):
            assert mappings[path.parent.name].file_mapping(path.name) is not None, path


def test_rows_that_cannot_be_read_are_the_planted_ones(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    planted = Counter(
        (one.delivery_date, one.file_name)
        for one in written[1].planted
        if one.kind == "quarantined" and one.extract in ("ledger", "payments")
    )
    assert books.unreadable == planted
    assert sum(planted.values()) > 40
    repeated = Counter(
        (one.delivery_date, one.file_name)
        for one in written[1].planted
        if one.kind == "repeated_row"
    )
    assert books.repeated == repeated


def test_every_fault_that_a_system_can_write_is_planted(
    written: tuple[Path, SampleSummary],
) -> None:
    reasons = Counter(one.reason_code for one in written[1].planted if one.reason_code)
    assert set(reasons) == {
        "AMBIGUOUS_DATE",
        "AMOUNT_RANGE",
        "AMOUNT_SCALE",
        "BAD_AMOUNT",
        "BAD_CURRENCY",
        "BAD_DATE",
        "BAD_ENUM",
        "BAD_TIMESTAMP",
        "DUPLICATE_KEY_CONFLICT",
        "FORMULA",
        "ID_PRECISION_LOST",
        "KEY_CHARS",
        "MISSING_KEY",
        "NON_FINITE",
        "RAGGED_ROW",
        "SIGN_CONFLICT",
    }
    assert min(reasons.values()) >= 2


def test_business_is_not_later_than_its_delivery(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    ahead = {
        one.row_key.split("|")[1]
        for one in written[1].planted
        if one.kind == "future_document" and one.row_key is not None
    }
    assert len(ahead) == 3
    assert {one.key[1] for one in books.ledger if one.day > one.delivery} == ahead
    assert all(one.day <= one.delivery for one in books.payments)


def test_the_opening_delivery_holds_the_history(books: Books) -> None:
    days = [one.day for one in books.ledger if one.delivery == date(2025, 1, 31)]
    assert min(days) < date(2024, 11, 1)
    opening = [one for one in books.ledger if one.kind == "opening_balance"]
    assert len({one.key for one in opening}) > 100
    assert all(date(2024, 8, 1) <= one.day < date(2024, 11, 1) for one in opening)
    assert {one.key for one in opening if one.delivery == date(2025, 1, 31)} == {
        one.key for one in opening
    }


def test_the_general_ledger_ties_to_what_was_delivered_until_then(
    small: tuple[Path, SampleSummary],
) -> None:
    check_general_ledger(*small, read_books(small[0]))


def check_general_ledger(landing: Path, summary: SampleSummary, books: Books) -> None:
    """Compare every stated balance with the rows that were delivered until then."""
    stated: list[tuple[date, str, str, date, Decimal]] = []
    for path in sorted(landing.glob("*/sample_finance/对账总数_*.csv")):
        delivery = date.fromisoformat(path.parent.parent.name)
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))):
            assert row["交付日期"] == delivery.isoformat()
            if row["数据集"] == "gl_balance":
                balance_date = date.fromisoformat(row["余额日期"])
                assert (
                    row["系统"]
                    == {"1000": "sample_erp", "2000": "sample_overseas_erp"}[row["账套"]]
                )
                stated.append(
                    (delivery, row["账套"], row["币种"], balance_date, money(row["金额"]))
                )
    by_delivery = defaultdict(list)
    for one in (*books.ledger, *books.payments):
        by_delivery[one.delivery].append(one)
    known: dict[tuple[str, ...], Entry] = {}
    restated = 0
    current: dict[tuple[str, str, date], Decimal] = {}
    for delivery in summary.delivery_dates:
        for one in by_delivery[delivery]:
            book = "cash" if one.kind in ("payment", "reversal") else "ledger"
            known[book, *one.key] = one
        effects: dict[tuple[str, str], list[tuple[date, Decimal]]] = defaultdict(list)
        for (_, company, *_), one in known.items():
            if not is_withdrawn(one):
                effects[company, one.currency].append((one.day, receivable_effect(one)))
        for at, company, currency, day, amount in stated:
            if at == delivery:
                restated += (company, currency, day) in current
                current[company, currency, day] = amount
        for (company, currency, day), amount in current.items():
            total = sum(
                (cents for when, cents in effects[company, currency] if when <= day), Decimal(0)
            )
            assert total == amount, (delivery, company, currency, day)
        assert {day for _, _, day in current if day == delivery}, "a balance for every delivery"
    assert restated > 10
    assert {key[:2] for key in current} >= {("1000", "CNY"), ("2000", "USD"), ("2000", "EUR")}


def receivable_effect(one: Entry) -> Decimal:
    if one.kind in BILLED:
        return one.amount
    if one.kind == "recovery":
        return Decimal(0)
    if one.kind == "reversal":
        return abs(one.amount) + discount(one)
    if one.kind == "payment":
        return -one.amount - discount(one)
    return -abs(one.amount)


def test_systems_vouch_for_what_they_delivered(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    landing, summary = written
    sums: dict[tuple[date, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for one in (*books.ledger, *books.payments):
        if one.key[0] == "1000":
            extract = "payments" if one.kind in ("payment", "reversal") else "ledger"
            sums[one.delivery, extract][0] += 1
            sums[one.delivery, extract][1] += one.amount
    vouched = 0
    for path in landing.glob("*/sample_finance/对账总数_*.csv"):
        delivery = date.fromisoformat(path.parent.parent.name)
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))):
            if row["数据集"] != "gl_balance":
                assert sums[delivery, row["数据集"]] == [int(row["行数"]), money(row["金额"])]
                vouched += 1
    assert vouched > 30
    controls = list(landing.glob("*/sample_bank/*.control.json"))
    assert len(controls) > 15
    for path in controls:
        control = json.loads(path.read_text("utf-8"))
        delivery = date.fromisoformat(path.parent.parent.name)
        assert sums[delivery, "payments"] == [control["row_count"], Decimal(control["amount"])]
    vouched_for = {path.name.removesuffix(".control.json") for path in controls}
    spoiled = {p.file_name for p in summary.planted if p.kind in ("quarantined", "repeated_row")}
    assert vouched_for.isdisjoint(spoiled)


def test_the_business_has_every_feature_that_was_asked_for(books: Books) -> None:
    ledger, payments = latest(books.ledger), latest(books.payments)
    kinds = Counter(one.kind for one in ledger.values())
    assert set(kinds) == set(TYPES.values())
    assert kinds["recovery"] < kinds["write_off"] < kinds["credit_memo"] < kinds["invoice"]
    currencies = Counter(one.currency for one in ledger.values() if one.kind == "invoice")
    assert currencies["CNY"] > currencies["USD"] + currencies["EUR"] > currencies["EUR"] > 300
    terms = Counter(one.fields.get("账期") or one.fields.get("Net Days") for one in ledger.values())
    assert all(terms[days] > 200 for days in ("30", "60", "90"))
    installments = [key for key in ledger if key[2] == "3"]
    assert len(installments) > 200
    reversals = [one for one in payments.values() if one.kind == "reversal"]
    assert reversals
    for one in reversals:
        back = one.fields.get("冲正流水号") or one.fields["Reversal Of"]
        bounced = payments[one.key[0], back, one.key[2]]
        assert one.amount == -bounced.amount
        assert one.day > bounced.day
    refunds = [one for one in payments.values() if one.kind == "payment" and one.amount < 0]
    assert refunds
    assert [one for one in payments.values() if discount(one) > 0]
    unapplied = [one for one in books.payments if not one.target]
    assert len(unapplied) > 100
    applied_later = [one for one in unapplied if payments[one.key].target]
    assert len(applied_later) > len(unapplied) / 2
    lines = Counter((one.key[0], one.key[1]) for one in payments.values())
    assert max(lines.values()) >= 4
    paid_on = Counter(one.target for one in payments.values() if one.target)
    assert sum(1 for count in paid_on.values() if count > 1) > 300
    versions = Counter(one.key for one in books.ledger)
    assert sum(1 for count in versions.values() if count > 1) > 200
    disputed = {one.key for one in books.ledger if "是" in (one.fields.get("争议"), "")}
    settled = {key for key in disputed if ledger[key].fields["争议"] == "否"}
    assert len(disputed) > len(settled) > 50
    stages = {one.fields.get("法务状态") for one in books.ledger}
    assert {"律师函", "诉讼中", "已判决", "执行中"} <= stages
    silent = [one for one in ledger.values() if one.kind == "invoice" and not due(one)]
    assert 50 < len(silent) < len(ledger) / 20


def due(one: Entry) -> date | None:
    if text := one.fields.get("到期日"):
        return moment(text, "%Y年%m月%d日")
    if text := one.fields.get("Due Date"):
        return moment(text, "%m/%d/%Y")
    return None


def test_customers_are_skewed_in_size_and_known_to_master_data(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    landing, _ = written
    files = sorted(landing.glob("*/sample_master_data/customers_*.parquet"))
    customers = pl.read_parquet(files[-1])
    assert 250 < customers.height < 350
    assert customers["cust_no"].is_unique().all()
    assert set(customers["cust_class"]) == {"KA", "ENT", "SMB", "PUB"}
    assert customers["sales_region"].n_unique() == 6
    assert set(customers["timezone"]) == {"Asia/Shanghai", "America/New_York", "Europe/Berlin"}
    assert customers["group_no"].drop_nulls().is_in(customers["cust_no"].implode()).all()
    assert customers["group_no"].drop_nulls().len() > 5
    names = customers["cust_name"]
    assert names.str.contains("有限公司").sum() > 100
    assert names.str.contains(r"GmbH|AG$|SAS|Inc|LLC|Corp").sum() > 40
    assert names.str.contains("𠮷").any()
    assert customers["cust_no"].str.starts_with("0").sum() > 100
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for one in latest(books.ledger).values():
        if one.kind in BILLED and one.customer != UNKNOWN_CUSTOMER:
            billed[one.customer] += one.amount * (1 if one.currency == "CNY" else 7)
    assert set(billed) <= set(customers["cust_no"])
    sizes = sorted(billed.values(), reverse=True)
    assert sum(sizes[: len(sizes) // 10]) > sum(sizes) * Decimal("0.4")
    insolvent = [pl.read_parquet(file)["insolvency"].sum() for file in files]
    assert insolvent[0] == 0
    assert insolvent == sorted(insolvent)
    assert insolvent[-1] >= 2
    assert pl.read_parquet(files[0]).height < customers.height


def test_a_customer_is_known_when_it_is_billed(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    known: set[str] = set()
    for delivery in written[1].delivery_dates:
        for path in (written[0] / delivery.isoformat()).glob("*/customers_*.parquet"):
            known = set(pl.read_parquet(path)["cust_no"])
        billed = {one.customer for one in books.ledger if one.delivery == delivery}
        assert billed - known <= {UNKNOWN_CUSTOMER}


def test_portfolios_change_hands_without_gap_or_overlap(
    written: tuple[Path, SampleSummary],
) -> None:
    landing, _ = written
    tenures: dict[tuple[str, date], tuple[str, date | None]] = {}
    for path in sorted(landing.glob("*/sample_master_data/portfolios_*.parquet")):
        for row in pl.read_parquet(path).iter_rows(named=True):
            tenures[row["cust_no"], row["valid_from"]] = (row["employee_no"], row["valid_to"])
    chains: dict[str, list[tuple[date, str, date | None]]] = defaultdict(list)
    for (customer, start), (owner, end) in sorted(tenures.items()):
        chains[customer].append((start, owner, end))
    moved = 0
    for chain in chains.values():
        assert chain[-1][2] is None
        for (_, owner, end), (start, heir, _) in pairwise(chain):
            assert end == start - timedelta(days=1)
            assert owner != heir
            moved += 1
    assert moved > 40
    staff = pl.read_parquet(sorted(landing.glob("*/*/collectors_*.parquet"))[-1])
    assert staff["team"].n_unique() >= 4
    assert set(staff["job"]) == {"manager", "collector", "assistant", "legal"}
    leavers = dict(staff.filter(pl.col("left").is_not_null()).select("employee_no", "left").rows())
    assert leavers
    for chain in chains.values():
        for start, owner, end in chain:
            if owner in leavers and start <= leavers[owner]:
                assert end is not None
                assert end <= leavers[owner]


def contacts_of(landing: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(landing.glob("*/sample_dialer/*.csv")):
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")):
            if row["record_type"] == "CALL":
                rows.append({**row, "delivery": path.parent.parent.name})
    return rows


def test_contacts_follow_the_work_and_promises_are_kept_or_broken(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    contacts = contacts_of(written[0])
    assert len(contacts) == pytest.approx(24_000, rel=0.15)
    offsets = {row["started_at"][-6:] for row in contacts if ":" in row["started_at"]}
    assert offsets == {"+08:00", "-05:00", "-04:00", "+01:00", "+02:00"}
    for row in contacts:
        if row["started_at"] != "yesterday noon":
            instant = datetime.fromisoformat(row["started_at"])
            here = instant.astimezone(ZoneInfo("Asia/Shanghai")).date()
            assert here <= date.fromisoformat(row["delivery"])
            assert 9 <= instant.hour < 18
    assert {row["disposition"] for row in contacts} == {
        "NA", "LM", "RPC", "PTP", "WP", "PD", "DSP", "REF", "PLN", "CMP", "ZZ",
    }  # fmt: skip
    cash = defaultdict(list)
    for one in latest(books.payments).values():
        cash[one.target].append(one)
    kept = counted = 0
    for row in contacts:
        if row["disposition"] != "PTP" or row["started_at"] == "yesterday noon":
            continue
        made = datetime.fromisoformat(row["started_at"]).date()
        until = date.fromisoformat(row["ptp_date"]) + timedelta(days=3)
        if until > date(2026, 6, 30):
            continue
        paid = sum(
            (one.amount for one in cash[row["invoice"]] if made <= one.day <= until), Decimal(0)
        )
        counted += 1
        kept += paid >= money(row["ptp_amount"]) * Decimal("0.95")
    assert counted > 1000
    assert 0.58 < kept / counted < 0.78


def test_the_measures_are_those_of_a_company_that_meets_some_targets(
    written: tuple[Path, SampleSummary], books: Books
) -> None:
    landing, _ = written
    rate = {"CNY": Decimal(1), "USD": Decimal("7.2"), "EUR": Decimal("7.8")}
    entries = [
        (one, receivable_effect(one) * rate[one.currency])
        for one in (*latest(books.ledger).values(), *latest(books.payments).values())
        if not is_withdrawn(one)
    ]
    collection_days = []
    opened = {one.key[1]: one.day for one in latest(books.ledger).values() if one.kind in BILLED}
    losses = []
    for start, end in (
        (date(2025, 4, 1), date(2025, 6, 30)),
        (date(2025, 7, 1), date(2025, 9, 30)),
        (date(2025, 10, 1), date(2025, 12, 31)),
        (date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
    ):
        open_amount = sum(value for one, value in entries if one.day <= end)
        period = [(one, value) for one, value in entries if start <= one.day <= end]
        sales = sum(
            value for one, value in period if one.kind in ("invoice", "debit_memo", "credit_memo")
        )
        days = (end - start).days + 1
        assert 35 < open_amount / sales * days < 60
        cash = [
            (one, -value) for one, value in period if one.kind == "payment" and one.target in opened
        ]
        weighted = sum((one.day - opened[one.target]).days * value for one, value in cash)
        collection_days.append(weighted / sum(value for _, value in cash))
        written_off = -sum(value for one, value in period if one.kind == "write_off")
        losses.append(written_off / (open_amount + written_off))
    assert all(30 < days < 50 for days in collection_days)
    assert all(loss < Decimal("0.03") for loss in losses)
    assert Decimal("0.001") < sum(losses) / len(losses) < Decimal("0.015")
    scores = [
        json.loads(line)["score"]
        for path in landing.glob("*/sample_survey/*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert 82 < sum(scores) / len(scores) < 88
    assert 0 <= min(scores) < 50
    assert max(scores) == 100


def test_trainings_are_passed_by_most_and_repeated_by_the_rest(
    written: tuple[Path, SampleSummary],
) -> None:
    trainings = pl.concat(
        pl.read_excel(path, sheet_name="培训记录", read_options={"header_row": 1})
        for path in sorted(written[0].glob("*/sample_people/*.xlsx"))
    )
    first = trainings.filter(pl.col("考核次数") == 1)
    assert 0.82 < (first["结果"] == "合格").mean() < 0.97
    again = trainings.filter(pl.col("考核次数") == 2)
    failed = first.filter(pl.col("结果") == "不合格")
    assert 0 < again.height <= failed.height
    assert again.join(failed, on=["工号", "课程编号"], how="semi").height == again.height
    assert (trainings["考核日期"] - trainings["培训日期"]).dt.total_days().is_between(1, 31).all()


def test_rates_cover_every_business_day(written: tuple[Path, SampleSummary], books: Books) -> None:
    days: dict[str, set[date]] = defaultdict(set)
    for path in written[0].glob("*/sample_finance/汇率_*.tsv"):
        delivery = date.fromisoformat(path.parent.parent.name)
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8")), delimiter="\t"):
            day = date.fromisoformat(row["日期"])
            assert day <= delivery
            assert day not in days[row["外币"]]
            days[row["外币"]].add(day)
            assert re.fullmatch(r"[67]\.\d{4}|8\.\d{4}", row["汇率"])
    first = min(one.day for one in (*books.ledger, *books.payments))
    business = {
        day
        for count in range((date(2026, 6, 30) - first).days + 1)
        if (day := first + timedelta(days=count)).weekday() < 5
    }
    assert set(days) == {"USD", "EUR"}
    for covered in days.values():
        assert business <= covered
        assert min(covered) < first


def test_targets_name_the_measures_of_the_scorecard(written: tuple[Path, SampleSummary]) -> None:
    targets = pl.concat(
        pl.read_excel(path, sheet_name="Plan", schema_overrides={"Target": pl.String})
        for path in sorted(written[0].glob("*/sample_finance/targets_*.xlsx"))
    )
    seed = (ROOT / "dbt_project/seeds/scorecard_targets.csv").read_text("utf-8")
    named = {row["measure"] for row in csv.DictReader(io.StringIO(seed))}
    company = targets.filter(pl.col("Level") == "company")
    assert set(company["Measure"]) <= named
    assert set(targets["Level"]) == {"company", "team", "collector"}
    assert company["Period Start"].n_unique() == 7


def test_personal_data_is_obviously_false_and_stays_where_it_belongs(
    small: tuple[Path, SampleSummary],
) -> None:
    landing, summary = small
    phone, email = summary.personal_data
    customers = pl.read_parquet(sorted(landing.glob("*/*/customers_*.parquet"))[-1])
    assert customers["phone"].str.starts_with(phone).all()
    assert customers["mail"].str.ends_with(email).all()
    assert customers["phone"].is_unique().all()
    holders = set()
    for path in landing.rglob("*"):
        if path.is_file() and not path.name.endswith((".xlsx", ".parquet")):
            content = path.read_bytes()
            text = gzip.decompress(content) if path.suffix == ".gz" else content
            if phone.encode() in text or email.encode() in text:
                holders.add(path.parent.name)
    assert holders == {"sample_dialer"}
    notes = {row["notes"] for row in contacts_of(landing)}
    assert set(NOTE_CANARIES) <= notes


def test_blocks_bound_memory_and_change_no_rule(tmp_path: Path) -> None:
    summary = write_company(tmp_path, replace(SMALL, block_documents=150))
    packed = max(tmp_path.glob("*/sample_bank/*.gz"), key=lambda path: path.stat().st_size)
    assert packed.read_bytes().count(b"\x1f\x8b\x08\x00\0\0\0\0") > 3
    books = read_books(tmp_path)
    check_general_ledger(tmp_path, summary, books)
    documents = {one.key[1] for one in latest(books.ledger).values() if one.kind in BILLED}
    extras = {"unknown_customer", "future_document", "withdrawn"}
    planted = sum(one.kind in extras for one in summary.planted)
    assert len(documents) == SMALL.documents + planted
    listing = (
        next(tmp_path.glob(f"{summary.delivery_dates[0]}/sample_erp/*"))
        .read_bytes()
        .decode("gb18030")
    )
    assert listing.count("单据编号,") == 1
    assert listing.count("合计,") - listing.count("价税合计,") == 1


def test_more_documents_are_more_of_everything(small: tuple[Path, SampleSummary]) -> None:
    settings = Settings(documents=10_000_000, months=36)
    assert settings.start_date == date(2023, 7, 1)
    assert settings.customer_count > 40_000
    assert len(settings.delivery_dates) < 70
    assert small[1].settings.customer_count < 60
    assert small[1].row_counts["payments"] == pytest.approx(SMALL.documents * 1.15, rel=0.15)
    assert set(small[1].row_counts) == {
        "ledger", "payments", "contact_log", "customers", "collectors", "portfolios",
        "targets", "surveys", "trainings", "fx_rates", "control_totals",
    }  # fmt: skip


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ingest.sample", str(tmp_path / "landing")]
    done = subprocess.run(  # noqa: S603 - our own module, our own arguments
        [*command, "--documents", "200"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "deliveries from 2025-01-31 to 2026-06-30" in done.stdout
    assert re.search(r"ledger +\d+ rows", done.stdout)
    refused = subprocess.run(  # noqa: S603
        [*command, "--documents", "3"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "documents: expected at least 200, found 3" in refused.stderr


@pytest.fixture(scope="module")
def lake(small: tuple[Path, SampleSummary], tmp_path_factory: pytest.TempPathFactory) -> Folders:
    home = tmp_path_factory.mktemp("home")
    small[0].rename(home / "landing")
    (small[0]).symlink_to(home / "landing")
    folders = Folders.of_home(home)
    initialise(folders)
    run = stage_pending(
        folders,
        mappings=load_mappings(SOURCES),
        timezone=ZoneInfo("Asia/Shanghai"),
        now=datetime(2026, 7, 1, tzinfo=UTC),
        run_id="sample",
        settle_seconds=0,
    )
    admit(folders, run, rejections={})
    return folders


def rows_of(folders: Folders, extract: str) -> pl.DataFrame:
    return pl.read_parquet(folders.lake / extract / "*.parquet")


def test_no_file_is_rejected_and_every_row_is_accounted_for(
    small: tuple[Path, SampleSummary], lake: Folders
) -> None:
    loads = load_records(lake)
    rejected = loads.filter(pl.col("status") == "rejected")
    assert rejected.select("file_name", "reason_code", "reason_detail").rows() == []
    delivered = loads.group_by("extract").agg(
        (pl.col("rows_read") - pl.col("rows_dropped") - pl.col("rows_filtered")).sum()
    )
    again = loads.filter(pl.col("status") == "duplicate", pl.col("source") == "sample_bank")
    counts = dict(delivered.rows())
    counts["payments"] -= again["rows_read"].sum()
    assert counts == dict(small[1].row_counts)


def test_quarantine_holds_the_planted_rows_and_no_other(
    small: tuple[Path, SampleSummary], lake: Folders
) -> None:
    found = pl.read_parquet(lake.quarantine / "*.parquet").select(
        "extract", "source", "delivery_date", "source_file", "reason_code", "row_key"
    )
    expected = [
        (p.extract, p.source, p.delivery_date, p.file_name, p.reason_code, p.row_key)
        for p in small[1].planted
        if p.kind == "quarantined"
    ]
    assert Counter(row[:5] for row in found.rows()) == Counter(row[:5] for row in expected)
    with_key = {row[5] for row in expected if row[5] is not None}
    assert with_key <= set(found["row_key"].drop_nulls())


def test_every_planted_row_ends_where_it_should(
    small: tuple[Path, SampleSummary], lake: Folders
) -> None:
    keys = {
        "ledger": ("company_code", "document_id", "installment_no"),
        "payments": ("company_code", "payment_id", "line_no"),
        "contact_log": ("contact_id",),
    }
    versions: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for extract, key in keys.items():
        for row in (
            rows_of(lake, extract).sort("_load_sequence", "_row_number").iter_rows(named=True)
        ):
            versions[extract, "|".join(str(row[name]) for name in key)].append(row)
    deliveries = small[1].delivery_dates
    settled = Counter[str]()
    for one in small[1].planted:
        rows = versions.get((one.extract, one.row_key or ""), [])
        dates = [row["_delivery_date"] for row in rows]
        if one.kind == "quarantined":
            assert one.delivery_date not in dates
            if one.row_key is not None:
                assert dates == ([] if one.settled_date is None else [one.settled_date])
        elif one.kind == "late":
            before = deliveries[deliveries.index(one.delivery_date) - 1]
            day = next(
                row[name]
                for row in rows
                for name in ("document_date", "payment_date", "contacted_at")
                if name in row
            )
            assert dates == [one.delivery_date]
            assert (day.date() if isinstance(day, datetime) else day) <= before
        elif one.kind == "corrected":
            assert dates == [one.delivery_date, one.settled_date]
            assert content(rows[0]) != content(rows[1])
        elif one.kind == "withdrawn":
            assert [row["is_withdrawn"] for row in rows] == [False, True]
            assert dates == [one.delivery_date, one.settled_date]
        elif one.kind == "future_document":
            assert rows[0]["document_date"] > one.delivery_date
        elif one.kind == "unknown_customer":
            assert rows[0]["customer_id"] == UNKNOWN_CUSTOMER
        elif one.kind == "unknown_document":
            assert rows[0]["document_id"] == UNKNOWN_DOCUMENT
        elif one.kind == "currency_mismatch":
            document = versions["ledger", f"1000|{rows[0]['document_id']}|1"][0]
            assert rows[0]["currency_code"] != document["currency_code"]
        elif one.kind == "repeated_row":
            assert dates == [one.delivery_date]
        settled[one.kind] += 1
    loads = load_records(lake)
    repeated = loads.filter(pl.col("status") == "admitted")["rows_duplicate"].sum()
    assert repeated == settled["repeated_row"] > 0
    again = loads.filter(pl.col("status") == "duplicate", pl.col("source") == "sample_bank")
    files = [(p.delivery_date, p.file_name) for p in small[1].planted if p.kind == "repeated_file"]
    assert again.select("delivery_date", "file_name").rows() == files
    assert min(settled.values()) > 0
    assert len(settled) == 10


def content(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def test_ids_keep_their_zeros_and_names_their_letters(
    small: tuple[Path, SampleSummary], lake: Folders
) -> None:
    ledger = rows_of(lake, "ledger")
    home = ledger.filter(pl.col("company_code") == "1000")
    assert home["document_id"].str.contains(r"^00[3-9]\d{9}$").all()
    assert home["customer_id"].str.contains(r"^0000\d{6}$").all()
    customers = rows_of(lake, "customers")
    assert customers["customer_name"].str.contains(r"\p{Han}").any()
    assert set(customers["segment"]) <= {
        "key_account", "enterprise", "small_business", "public_sector",
    }  # fmt: skip
    contacts = rows_of(lake, "contact_log")
    assert contacts["contacted_at"].dtype == pl.Datetime("us")
    assert set(rows_of(lake, "control_totals")["extract"]) == {"ledger", "payments", "gl_balance"}


def test_day_numbers_and_file_names_are_plain() -> None:
    assert day_number(date(1970, 1, 2)) == 1
    landing = Landing(Path("landing"), [date(2026, 1, 31)])
    assert ledger_file(landing, 0, "2000", "recovery") == (
        "sample_overseas_erp",
        "ar_register_20260131.xlsx",
    )
