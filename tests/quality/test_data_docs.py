"""Data Docs: pages of counts and keys that open without network."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from quality import judge_loads
from tests.quality.staged_loads import valid_load

CANARIES = (
    "<script>alert(1)</script>",
    "13800138000",
    "someone@example.org",
    "4111111111111111",
    "9876543.21",
)


@pytest.fixture(scope="module")
def data_docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data_docs")
    script, phone, email, card, amount = CANARIES
    ledger = valid_load("ledger", "canaries")
    ledger.rows[0] |= {
        "document_id": script,
        "document_type": phone,
        "description": f"{script} {phone} {card}",
        "currency_code": card,
        "legal_status": script,
        "amount": Decimal(amount),
        "customer_id": None,
    }
    customers = valid_load("customers", "people")
    customers.rows[0] |= {
        "customer_name": script,
        "phone": phone,
        "email": email,
        "currency_code": card,
        "credit_limit": -Decimal(amount),
    }
    for load in (ledger, customers):
        judge_loads(
            load.extract,
            [load.stage(folder / "staged")],
            lake=folder / "lake",
            run_id="run-1",
            data_docs=folder / "docs",
        )
    return folder / "docs"


def _pages(data_docs: Path) -> dict[str, str]:
    return {
        str(page.relative_to(data_docs)): page.read_text("utf-8")
        for page in data_docs.rglob("*")
        if page.is_file()
    }


def test_the_index_links_to_every_page(data_docs: Path) -> None:
    pages = _pages(data_docs)
    linked = set(re.findall(r'href="([^"]+)"', pages["index.html"]))
    assert linked == {"ledger/run-1.html", "customers/run-1.html"}
    assert linked == {name for name in pages if name.endswith(".html")} - {"index.html"}


def test_pages_hold_no_delivered_value(data_docs: Path) -> None:
    for name, page in _pages(data_docs).items():
        for canary in CANARIES:
            assert canary not in page, name


def test_pages_show_keys_escaped_and_counts(data_docs: Path) -> None:
    page = _pages(data_docs)["ledger/run-1.html"]
    assert "main|&lt;script&gt;alert(1)&lt;/script&gt;|1 (row 1)" in page
    assert "1 unexpected values found" in page
    assert "customer_id_is_filled: Every row has a value in customer_id." in page


def test_pages_load_nothing_and_run_nothing(data_docs: Path) -> None:
    for name, page in _pages(data_docs).items():
        if name.endswith(".html"):
            assert "default-src 'none'" in page
            assert not re.search(r"<script|<link|<img|<iframe|https?://|onclick|@import", page), (
                name
            )


def test_old_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quality import data_docs

    monkeypatch.setattr(data_docs, "RUNS_KEPT", 2)
    for number in range(4):
        data_docs.write_data_docs(
            tmp_path, name="ledger", run_id=f"run/{number}", validations=[], results=[]
        )
    assert sorted(page.name for page in (tmp_path / "ledger").iterdir()) == [
        "run_2.html",
        "run_2.json",
        "run_3.html",
        "run_3.json",
    ]
    index = (tmp_path / "index.html").read_text("utf-8")
    assert index.index("run/3") < index.index("run/2")
    assert "run/1" not in index
