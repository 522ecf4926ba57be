"""Which rejected loads stand in the way of a build."""

from dataclasses import replace
from datetime import date, datetime

from ingest.records import LoadRecord
from orchestration import deliveries

REJECTED_LOAD = LoadRecord(
    load_id="0",
    load_sequence=0,
    run_id="run",
    source="erp",
    extract="ledger",
    delivery_date=date(2026, 1, 12),
    delivery_kind="delta",
    file_name="ledger.csv",
    file_sha256="0" * 64,
    file_bytes=1,
    mapping_fingerprint="",
    status="rejected",
    reason_code="EXPECTATION_FAILED",
    recorded_at=datetime(2026, 1, 12),
    received_at=datetime(2026, 1, 12),
)


def test_a_rejection_stands_until_a_later_load_or_publication_answers_it() -> None:
    def record(sequence: int, **changes: object) -> LoadRecord:
        return replace(REJECTED_LOAD, load_sequence=sequence, load_id=str(sequence), **changes)  # type: ignore[arg-type]

    bad = record(7)
    admitted = {"status": "admitted", "reason_code": None}
    for others, published, stands in (
        ((), 0, True),
        ((), 6, True),
        ((), 7, False),
        ((record(8, **admitted),), 0, False),
        ((record(6, **admitted),), 0, True),
        ((record(8, source="other", **admitted),), 0, True),
        ((record(8, extract="payments", **admitted),), 0, True),
        ((record(8, status="duplicate", reason_code=None),), 0, True),
    ):
        standing = deliveries.standing_rejections([bad, *others], published_load_sequence=published)
        assert standing == ([bad] if stands else []), others
    unreadable = replace(bad, reason_code="MISSING_COLUMN")
    assert deliveries.standing_rejections([unreadable], published_load_sequence=0) == []
