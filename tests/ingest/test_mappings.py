"""Mapping files: what they may say, and how clearly they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.extracts import EXTRACTS
from ingest.mappings import MappingError, canonical_mapping, load_mappings

MINIMAL = """
source: erp
files:
  - pattern: "customers*.csv"
    extracts:
      - extract: customers
        columns: {customer_id: 编号, customer_name: 名称}
"""


def write(folder: Path, text: str, name: str = "erp.yaml") -> Path:
    """Write a mapping file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_guide_is_read_whole(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
source: acme_erp
timezone: Asia/Shanghai
quarantine: {max_rows: 5, max_rate: 0.01}
files:
  - pattern: "应收单*.csv"
    format: {encoding: gb18030, delimiter: ",", skip_rows: 3, header_rows: 1, sheet: null}
    drop_rows: ["客户编号 in ('小计', '合计')"]
    dates: ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]
    numbers: {decimal: ".", thousands: ",", negative: parentheses, strip: "¥"}
    nulls: ["", "NULL", "--"]
    delivery: full
    extracts:
      - extract: ledger
        where: "单据类型 = '应收单'"
        columns: {document_id: 单据编号, customer_id: 客户编号, document_type: {value: invoice},
                  document_date: 业务日期, due_date: 到期日, currency_code: {value: CNY},
                  amount: 价税合计}
        codes: {document_type: {应收单: invoice, 红字应收单: credit_memo}}
    control: {row_count: 2466, amount: "147703180.00"}
""",
    )
    mapping = load_mappings(tmp_path)["acme_erp"]
    file = mapping.file_mapping("应收单202601.CSV.gz")
    assert file is not None
    assert file.source_columns == (
        "单据编号",
        "客户编号",
        "业务日期",
        "到期日",
        "价税合计",
        "单据类型",
    )
    assert str(file.control and file.control.amount) == "147703180.00"
    assert mapping.file_mapping("收款单202601.csv") is None


def test_words_that_yaml_takes_for_flags_stay_words(tmp_path: Path) -> None:
    write(
        tmp_path,
        MINIMAL.replace(
            "customer_name: 名称}",
            "customer_name: 名称, is_insolvent: 破产, region: 地区}\n"
            "        codes: {is_insolvent: {Yes: true, No: false}, region: {01: 2024-01-01}}",
        ),
    )
    codes = load_mappings(tmp_path)["erp"].files[0].extracts[0].codes
    assert codes == {
        "is_insolvent": {"Yes": "true", "No": "false"},
        "region": {"01": "2024-01-01"},
    }


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("pattern:", "patern:", "files.0.patern", "expected a known key"),
        ("extract: customers", "extract: clients", "files.0.extracts.0.extract", "one of ledger"),
        ("customer_name: 名称", "customer_nam: 名称", "files.0.extracts.0", "customer_nam"),
        (", customer_name: 名称", "", "files.0.extracts.0", "missing customer_name"),
        ("source: erp", "source: 'e rp/..'", "source", "pattern"),
        ("source: erp", "source: erp\ntimezone: Mars/Olympus", "timezone", "IANA"),
        ("source: erp", "sauce: erp", "source", "expected a value, found none"),
        ("    extracts:", "    dates: ['tomorrow']\n    extracts:", "files.0.dates", "%Y-%m-%d"),
        ("    extracts:", "    drop_rows: ['a ==== b']\n    extracts:", "drop_rows", "sql_expr"),
        ("    extracts:", "    format: {encoding: utf-9}\n    extracts:", "encoding", "gb18030"),
        ("    extracts:", "    format: {delimiter: '||'}\n    extracts:", "delimiter", "1 char"),
        ("    extracts:", "    numbers: {decimal: ',', thousands: ','}\n    extracts:",
         "numbers", "differ"),
        ("    extracts:", "    delivery: monthly\n    extracts:", "delivery", "'full'"),
        ("名称}", "名称, segment: {column: a, value: b}}", "segment", "exactly one"),
        ("名称}", "名称}\n        codes: {segment: {a: b}}", "extracts.0", "only for mapped"),
        ("名称}", "名称}\n        where: 'a in ('", "where", "sql_expr"),
        ("名称}", "名称}\n        where: '金额 > 0'", "where", "cannot compare string"),
        ("名称}", "名称}\n        where: regexp_like(a, '(')", "where", "regex parse error"),
        ("名称}", "名称}\n        where: count(a) > 1", "where", "over one row"),
        ("名称}", "名称}\n        where: 类型", "where", "found a result of type String"),
        ("    extracts:", "    drop_rows: 合计\n    extracts:", "drop_rows", "a SQL condition"),
        ("    extracts:", "    format: {skip_rows: a}\n    extracts:", "skip_rows",
         "expected a valid integer"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_file_key_expected_and_found(
    tmp_path: Path, old: str, new: str, key: str, words: str
) -> None:
    assert old in MINIMAL
    path = write(tmp_path, MINIMAL.replace(old, new, 1))
    with pytest.raises(MappingError) as refusal:
        load_mappings(tmp_path)
    message = str(refusal.value)
    assert str(path) in message
    assert key in message
    assert words in message
    assert "found" in message


def test_codes_must_be_codes_of_the_extract(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
source: erp
files:
  - pattern: "*"
    extracts:
      - extract: collectors
        columns: {collector_id: a, collector_name: b, team_id: c, role: {value: boss}}
""",
    )
    with pytest.raises(MappingError, match=r"columns\.role\.value .* manager.* found 'boss'"):
        load_mappings(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("currency_code", "RMB", "a currency of ISO 4217 in use"),
        ("credit_limit", "12.345", "at most 2 decimals"),
        ("credit_limit", "many", "a number such as 1234.50"),
        ("onboarded_date", "31.12.2025", "a date written %Y-%m-%d"),
        ("is_insolvent", "perhaps", "true, false, yes, no, 1 or 0"),
        ("payment_terms_days", "30.5", "at most 0 decimals"),
    ],
)
def test_a_constant_is_typed_when_the_mapping_is_read(
    tmp_path: Path, column: str, value: str, expected: str
) -> None:
    constant = f'名称, {column}: {{value: "{value}"}}}}'
    path = write(tmp_path, MINIMAL.replace("名称}", constant))
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert f"columns.{column}.value" in message
    assert expected in message
    assert f"found {value!r}" in message


def test_a_constant_is_typed_in_the_formats_of_its_file(tmp_path: Path) -> None:
    constant = '名称, onboarded_date: {value: "31.12.2025"}}'
    text = MINIMAL.replace("名称}", constant).replace(
        "    extracts:", '    dates: "%d.%m.%Y"\n    extracts:'
    )
    write(tmp_path, text)
    assert load_mappings(tmp_path)["erp"].files[0].dates == ["%d.%m.%Y"]


def test_a_name_may_not_stand_twice(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    write(tmp_path, MINIMAL, "other.yaml")
    with pytest.raises(MappingError, match=r"other\.yaml: source: .*'erp' also in .*erp\.yaml"):
        load_mappings(tmp_path)


def test_a_key_may_not_stand_twice(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL + "source: other\n")
    with pytest.raises(MappingError, match="stands twice"):
        load_mappings(tmp_path)


def test_the_built_in_source_cannot_be_replaced(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL.replace("source: erp", "source: canonical"))
    with pytest.raises(MappingError, match="built in"):
        load_mappings(tmp_path)


def test_a_later_folder_replaces_a_source(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    write(first, MINIMAL)
    write(second, MINIMAL.replace("名称", "简称"))
    mapping = load_mappings(first, second)["erp"]
    assert mapping.files[0].source_columns == ("编号", "简称")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="nowhere"):
        load_mappings(tmp_path / "nowhere")


def test_the_fingerprint_follows_the_content_not_the_layout(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    plain = load_mappings(tmp_path)["erp"].fingerprint()
    write(
        tmp_path, "# a comment\n" + MINIMAL.replace("{customer_id: 编号,", "{ customer_id:  编号,")
    )
    assert load_mappings(tmp_path)["erp"].fingerprint() == plain
    write(tmp_path, MINIMAL.replace("编号", "号"))
    assert load_mappings(tmp_path)["erp"].fingerprint() != plain


def test_the_company_time_zone_fills_in(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    mappings = load_mappings(tmp_path, timezone="Europe/Berlin")
    assert mappings["erp"].timezone == "Europe/Berlin"
    assert mappings["canonical"].timezone == "Europe/Berlin"


@pytest.mark.parametrize("extract", EXTRACTS)
def test_every_extract_has_its_canonical_files(extract: str) -> None:
    file = canonical_mapping().file_mapping(f"{extract}_2026.parquet")
    assert file is not None
    assert [part.extract for part in file.extracts] == [extract]
    assert set(file.required_source_columns) == set(EXTRACTS[extract].required)
